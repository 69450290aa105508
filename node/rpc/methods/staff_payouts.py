"""`staff_pay_out`, `staff_payouts`: a shop takes out what customers paid it, by its owner."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chain.crypto import Signer
from chain.errors import KeyScopeError, WashError
from node.keys.acting import account_of, other_key
from node.rpc.errors import ForbiddenError
from node.rpc.forms.shape_basics import account_text
from node.rpc.methods.money import money_requests
from node.rpc.methods.staff import Pin, SessionText
from node.rpc.methods.staff_sending import (
    build,
    need_owner,
    own_key,
    refuse_what_fails,
    sign_and_wait,
    staffing_of,
)
from node.rpc.methods.tx import TxStatusJson, WaitMs
from node.rpc.methods.tx_build import Reference
from node.rpc.params import AccountId
from node.rpc.registry import Call, rpc_method
from node.staff.errors import (
    LockedOutError,
    NoSessionError,
    NoStaffError,
    NotYoursError,
    StaffError,
    WrongPinError,
)
from node.staff.payouts import TEXT_LENGTH_MAX, check_payee
from node.staff.service import Staffing
from node.staff.sessions import Session

REQUESTS_MAX = 32  # that the contract lets one holder have
_AMOUNT_MAX = 2**53 - 1

Amount = Annotated[
    int, Field(strict=True, ge=1, le=_AMOUNT_MAX, description="How much, in minor units.")
]
PayeeText = Annotated[
    str,
    Field(
        max_length=TEXT_LENGTH_MAX,
        description="Whom to pay: a name, a bank and an account; empty: cash at the desk.",
    ),
]


class FarOwnerError(ForbiddenError):
    """An owner who is neither on the node's machine nor behind a server of it with HTTPS."""

    def __init__(self) -> None:
        WashError.__init__(
            self,
            "money is taken out on the node's own machine, or by HTTPS through a server on it",
        )


class TakenOutJson(TypedDict):
    """A request for the shop's money, and what became of the transaction."""

    payee: Annotated[str, Field(description="The fingerprint of whom to pay.")]
    sent: TxStatusJson


class PayoutCodeJson(TypedDict):
    """What the desk is shown to pay a request."""

    request: Annotated[str, Field(description="The request.")]
    to: Annotated[
        str | None,
        Field(description="Whom to pay, empty for cash; null: another computer knows it."),
    ]
    code: Annotated[str | None, Field(description="What the desk scans; null with `to`.")]


class PayoutCodesJson(TypedDict):
    """The codes of the shop's open requests, the most urgent first."""

    items: list[PayoutCodeJson]


_REFUSALS = (NoSessionError, NotYoursError, NoStaffError, FarOwnerError, KeyScopeError)


@rpc_method(errors=(*_REFUSALS, WrongPinError, LockedOutError, StaffError, WashError))
async def staff_pay_out(
    call: Call,
    *,
    session: SessionText,
    pin: Pin,
    issuer: AccountId,
    amount: Amount,
    to: PayeeText = "",
    client_ref: Reference | None = None,
    timeout_ms: WaitMs = 10_000,
) -> TakenOutJson:
    """Ask an issuer for the shop's money, in cash or to an account at a bank (`money.ask`).

    The owner's alone, who types the PIN once more; confirmed with the shop's own key, since no key
    of staff moves money. Whom to pay is kept on this node and told by the code of `staff_payouts`;
    the chain has a fingerprint. Only on the node's own machine, or by HTTPS through a server on it.
    Until the issuer begins to pay, `staff_send` takes it back (`money.withdraw`).
    """
    staffing, who, signer = _owner(call, session)
    text = check_payee(to)
    await staffing.confirm(who, pin)
    shop = who.member.account
    waiting = money_requests(call, holder=account_of(signer), limit=REQUESTS_MAX)["items"]
    taken = [one["payee"] for one in waiting]
    payee = staffing.payouts.next(signer, text, taken)
    action = {
        "type": "call",
        "contract": "money",
        "function": "ask",
        "arguments": {"issuer": account_text(issuer), "payee": payee.print},
        "funds": amount,
    }
    built = build(call, shop, [action], client_ref, key=other_key(signer))
    refuse_what_fails(built)
    # Before the chain has it: a request that nobody can open is worse.
    staffing.payouts.keep(payee, taken)
    sent = await sign_and_wait(call, built, signer, timeout_ms)
    return {"payee": payee.print, "sent": sent}


@rpc_method(errors=_REFUSALS)
def staff_payouts(call: Call, *, session: SessionText) -> PayoutCodesJson:
    """Return the codes with which the shop's open requests are paid at the desk, for the owner."""
    staffing, _who, signer = _owner(call, session)
    items: list[PayoutCodeJson] = []
    for one in money_requests(call, holder=account_of(signer), limit=REQUESTS_MAX)["items"]:
        payee = staffing.payouts.find(signer, one["payee"])
        items.append(
            {
                "request": one["request"],
                "to": None if payee is None else payee.text,
                "code": None if payee is None else payee.code(one["request"]),
            }
        )
    return {"items": items}


def _owner(call: Call, session: str) -> tuple[Staffing, Session, Signer]:
    """Return the owner's session and the shop's own key; raises what `_REFUSALS` lists."""
    staffing = staffing_of(call)
    who = staffing.session(session)
    if not call.is_near:
        raise FarOwnerError
    need_owner(call, who.member, "taking money out")
    return staffing, who, own_key(staffing, who.member.account)
