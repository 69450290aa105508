"""`staff_*`: people at a shop work with keys of their own, which the node keeps under PINs."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chain.codec import decode
from chain.errors import WashError
from chain.transaction import (
    SPONSOR_PREFIX,
    Cosignature,
    SignedTransaction,
    Transaction,
)
from node.keys.acting import other_key
from node.rpc.action_lookup import ChainLookup
from node.rpc.errors import ForbiddenError, InvalidParamsError
from node.rpc.forms.actions import ActionsJson, read_actions
from node.rpc.forms.shape_basics import account_text
from node.rpc.methods.staff_sending import (
    Kept,
    build,
    check_deed,
    day_end,
    named,
    need,
    own_key,
    scopes,
    send,
    send_kept,
    sign_and_wait,
    staffing_of,
    voucher,
)
from node.rpc.methods.tx import TxStatusJson, WaitMs
from node.rpc.methods.tx_build import (
    Reference,
    Signature,
)
from node.rpc.params import AccountId, HexBytes
from node.rpc.registry import Call, rpc_method
from node.staff.book import Member
from node.staff.deeds import CASHIER, VOUCHED, is_of_shop
from node.staff.errors import (
    LockedOutError,
    NoSessionError,
    NoStaffError,
    NotYoursError,
    StaffError,
    WrongPinError,
)
from node.staff.sessions import Session

DUTIES = {1: "owner", 2: "desk", 3: "bay", 4: "cashier"}
SessionText = Annotated[
    str, Field(pattern="^[0-9a-f]{64}$", description="The token that `staff_login` gave.")
]
Name = Annotated[str, Field(min_length=1, max_length=40, description="A name known at this shop.")]
Pin = Annotated[str, Field(min_length=1, max_length=12, description="6 to 12 digits.")]


class FarCashierError(ForbiddenError):
    """A cashier who is neither on the node's machine nor behind a server of it with HTTPS."""

    def __init__(self) -> None:
        WashError.__init__(
            self, "cashiers log in on the node's own machine, or by HTTPS through a server on it"
        )


class StaffSessionJson(TypedDict):
    """Somebody who is logged in, with the secret token; it ends with the day, or when idle."""

    session: Annotated[str, Field(description="The token to give with what follows.")]
    name: str
    duty: Annotated[str, Field(description="owner, desk, bay or cashier.")]
    scopes: Annotated[
        int,
        Field(description="Added up: 1 check-in, 2 step, 4 finish, 8 refund, 16 counter, 32 cash."),
    ]
    shop: Annotated[str, Field(description="The account of the shop, a cashier's issuer.")]
    key: str
    ends_at: Annotated[int, Field(description="When it ends at the latest, ms UTC.")]


class StaffWhoJson(TypedDict):
    """Who a session belongs to."""

    name: str
    duty: Annotated[str, Field(description="owner, desk, bay or cashier.")]
    scopes: Annotated[
        int,
        Field(description="Added up: 1 check-in, 2 step, 4 finish, 8 refund, 16 counter, 32 cash."),
    ]
    shop: Annotated[str, Field(description="The account of the shop, a cashier's issuer.")]
    key: str
    ends_at: Annotated[int, Field(description="When it ends at the latest, ms UTC.")]


class LoggedOutJson(TypedDict):
    """Whether there was such a session."""

    ended: Annotated[bool, Field(description="Whether a session ended now.")]


# Coming and going ---------------------------------------------------------------------------------


@rpc_method(errors=(WrongPinError, LockedOutError, NoStaffError, StaffError, FarCashierError))
async def staff_login(call: Call, *, name: Name, pin: Pin) -> StaffSessionJson:
    """Log in with name and PIN; the answer is the only place with the session's token.

    Five wrong PINs in a row lock a name for 15 minutes, each further five for twice as long. A
    wrong name and a wrong PIN are answered alike. A cashier, who can give money, logs in on the
    node's own machine only, or by HTTPS through a server on it.
    """
    staffing = staffing_of(call)
    for member in staffing.book.named(name)[:1]:
        _check_near(call, member)
    token, session = await staffing.log_in(name, pin, lambda one: day_end(call, one.account))
    return {"session": token, **_who(call, session)}


@rpc_method(errors=(NoStaffError,))
def staff_logout(call: Call, *, session: SessionText) -> LoggedOutJson:
    """End a session."""
    return {"ended": staffing_of(call).sessions.end(session)}


@rpc_method(errors=(NoSessionError, NoStaffError))
def staff_who(call: Call, *, session: SessionText) -> StaffWhoJson:
    """Return who a session belongs to, and what the shop trusts this person with now."""
    return _who(call, staffing_of(call).session(session))


def _check_near(call: Call, member: Member) -> None:
    """Raise FarCashierError for a cashier whose PIN or session crosses a network in clear."""
    if member.duty == CASHIER and not call.is_near:
        raise FarCashierError


def _who(call: Call, session: Session) -> StaffWhoJson:
    member = session.member
    return {
        "name": member.name,
        "duty": DUTIES[member.duty],
        "scopes": scopes(call, member),
        "shop": member.account,
        "key": member.key,
        "ends_at": session.ends_ms,
    }


# Working ------------------------------------------------------------------------------------------


@rpc_method(errors=(NoSessionError, NotYoursError, NoStaffError, FarCashierError, WashError))
async def staff_send(
    call: Call,
    *,
    session: SessionText,
    actions: ActionsJson,
    kept: AccountId | None = None,
    client_ref: Reference | None = None,
    timeout_ms: WaitMs = 10_000,
) -> TxStatusJson:
    """Let the shop do something, confirmed with the key of who is logged in.

    Only calls of installed contracts, and only what the shop's register trusts this key with now
    (`shops.may`); what is no deed of the counter or the bay is the owner's alone. A request for
    money that the owner takes back is confirmed with the shop's own key. `kept`: done for a
    customer without a phone, with the key that this shop keeps for that account.
    """
    staffing = staffing_of(call)
    who = staffing.session(session)
    _check_near(call, who.member)
    read = read_actions(actions, ChainLookup(call.node))
    if kept is not None:
        return await send_kept(call, who, Kept(kept, actions, read, client_ref), timeout_ms)
    for place, action in enumerate(read):
        check_deed(call, who.member, place, action)
    shop = who.member.account
    if all(is_of_shop(*named(call, place, action)) for place, action in enumerate(read)):
        own = own_key(staffing, shop)
        built = build(call, shop, actions, client_ref, key=other_key(own))
        return await sign_and_wait(call, built, own, timeout_ms)
    built = build(call, shop, actions, client_ref, key=who.member.key)
    return await sign_and_wait(call, built, who.signer, timeout_ms)


@rpc_method(errors=(NoSessionError, NotYoursError, NoStaffError, WashError))
async def staff_cosign(
    call: Call,
    *,
    session: SessionText,
    body: HexBytes,
    signature: Signature,
    timeout_ms: WaitMs = 10_000,
) -> TxStatusJson:
    """Confirm for the shop what a customer confirmed on a phone, and send it: a car handed over.

    `body` and `signature` are the customer's, as the code on the phone has them; the body names the
    shop as sponsor.
    """
    staffing = staffing_of(call)
    who = staffing.session(session)
    decoded = decode(Transaction, body)
    if decoded.sponsor is None or account_text(decoded.sponsor) != who.member.account:
        raise InvalidParamsError("body", "names another shop, or none")
    for place, action in enumerate(decoded.actions):
        name, function = named(call, place, action)
        scope = VOUCHED.get(name, {}).get(function)
        if scope is None:
            text = f"action {place}: {name}.{function} is not confirmed at the counter"
            raise NotYoursError(text)
        need(call, who.member, scope, f"action {place}: {name}.{function}")
    signer = voucher(staffing, who)
    cosignature = Cosignature(signer.public_key, signer.sign(SPONSOR_PREFIX + body))
    signed = SignedTransaction(decoded, bytes.fromhex(signature), cosignature)
    return await send(call, signed, timeout_ms)
