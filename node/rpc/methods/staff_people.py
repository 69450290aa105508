"""`staff_*`, the owner's part: who works at a shop; and accounts kept for customers."""

import asyncio
from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import WashError
from chain.governance import contract_by_name
from chain.transaction import AccountKey, Action, AddKey, RemoveKey, Scope
from chain.transaction import Call as CallAction
from chain.types import ZERO_ID
from node.keys.acting import account_of
from node.rpc.action_lookup import ChainLookup
from node.rpc.contract_views import find_info
from node.rpc.forms.actions import read_actions
from node.rpc.forms.shape_basics import account_text
from node.rpc.methods.shop import read_register
from node.rpc.methods.staff import DUTIES, Name, Pin, SessionText
from node.rpc.methods.staff_sending import (
    Kept,
    need,
    scopes,
    send_as_shop,
    send_kept,
    send_vouched,
    staffing_of,
)
from node.rpc.methods.tx import TxStatusJson, WaitMs
from node.rpc.methods.tx_build import PublicKeyHex
from node.rpc.params import AccountId
from node.rpc.registry import Call, rpc_method
from node.staff.book import Member, clean_name
from node.staff.deeds import CASHIER, COUNTER, OWNER, SCOPES_OF, functions_of
from node.staff.errors import NoSessionError, NoStaffError, NotYoursError, StaffError
from node.staff.service import VALID_FOR_MS, kept_name
from node.storage.backup import backup_due_ms, last_backup

_NUMBERS = {name: number for number, name in DUTIES.items()}
_REFUND_MAX = 10**9
CASHIER_PIN_LEAST = 8

Duty = Annotated[
    str,
    Field(
        pattern="^(owner|desk|bay|cashier)$",
        description="owner, desk, bay, or cashier of an account that issues money.",
    ),
]
MemberId = Annotated[
    str, Field(pattern="^s-[0-9a-f]{12}$", description="A member of staff, as `staff_list` names.")
]
Refund = Annotated[
    int, Field(strict=True, ge=0, le=_REFUND_MAX, description="Most to give back at once.")
]


class StaffMemberJson(TypedDict):
    """Somebody who works here. Names stay on this node."""

    id: str
    name: str
    duty: Annotated[str, Field(description="owner, desk, bay or cashier.")]
    scopes: Annotated[
        int,
        Field(description="Added up: 1 check-in, 2 step, 4 finish, 8 refund, 16 counter, 32 cash."),
    ]
    shop: Annotated[str, Field(description="The account of the shop, a cashier's issuer.")]
    key: str
    until: Annotated[int, Field(description="When the key ends by itself, ms UTC.")]
    active: Annotated[bool, Field(description="Whether the chain lets the key work now.")]
    locked_until: Annotated[int, Field(description="After wrong PINs; 0: not locked.")]


class StaffListJson(TypedDict):
    """Everybody who works here."""

    items: list[StaffMemberJson]


class StaffChangedJson(TypedDict):
    """A member of staff, and what became of the transaction that told the chain."""

    id: str
    key: str
    sent: TxStatusJson


class StaffBackupJson(TypedDict):
    """When this node's data was copied to a safe place last."""

    at: Annotated[int | None, Field(description="ms UTC; null: never, or nobody noted it.")]
    overdue: Annotated[
        bool,
        Field(
            description="More than a week ago; if never, more than a week after the first start."
        ),
    ]


class KeptAccountJson(TypedDict):
    """An account for a customer without a phone, whose key this shop keeps."""

    account: str
    sent: TxStatusJson


# Customers without a phone ------------------------------------------------------------------------


@rpc_method(errors=(NoSessionError, NotYoursError, NoStaffError, WashError))
async def staff_keep(
    call: Call, *, session: SessionText, timeout_ms: WaitMs = 10_000
) -> KeptAccountJson:
    """Make an account for a customer without a phone; this shop keeps its key, and says so.

    The customer takes it over later with a key of an own phone.
    """
    staffing = staffing_of(call)
    who = staffing.session(session)
    need(call, who.member, COUNTER, "keeping a card")
    if account_text(account_of(staffing.node.sponsor)) != who.member.account:
        text = "only the node's own shop keeps cards here"
        raise NotYoursError(text)
    _member, seed, signer = staffing.new_key()
    staffing.kept.add(kept_name(signer.public_key), seed, None)
    action = {
        "type": "call",
        "contract": "shops",
        "function": "keep_account",
        "arguments": {"shop": who.member.account},
    }
    read = read_actions([action], ChainLookup(call.node))
    kept = Kept(signer.public_key, [action], read, None)
    sent = await send_kept(call, who, kept, timeout_ms)
    return {"account": account_text(signer.public_key), "sent": sent}


@rpc_method(errors=(NoSessionError, NotYoursError, NoStaffError, WashError))
async def staff_release(
    call: Call,
    *,
    session: SessionText,
    account: AccountId,
    key: PublicKeyHex,
    timeout_ms: WaitMs = 10_000,
) -> TxStatusJson:
    """Give a kept account to its customer, in two steps.

    First the customer's own key is added. Once the customer has confirmed with it
    (`shops.release_account`), the same call takes the shop's key away.
    """
    staffing = staffing_of(call)
    who = staffing.session(session)
    need(call, who.member, COUNTER, "giving a card to its customer")
    signer = staffing.kept_signer(account)
    if signer is None:
        text = f"this shop keeps no key of {account_text(account)}"
        raise NotYoursError(text)
    keeper = read_register(call, "keeper", account=account_text(account))
    entry = AccountKey(bytes.fromhex(key), None, (), None)
    step = AddKey(entry) if keeper == who.member.account else RemoveKey(signer.public_key)
    return await send_vouched(call, who, (account, signer), (step,), timeout_ms)


# The owner ----------------------------------------------------------------------------------------


def _owner(call: Call, session: str | None) -> str:
    """Return the shop whose staff may be changed: by its owner, or with the shop's token."""
    staffing = staffing_of(call)
    if session is not None:
        member = staffing.session(session).member
        if member.duty != OWNER:
            text = "only the owner says who works here"
            raise NotYoursError(text)
        return member.account
    if call.tier == "public":
        raise NoSessionError
    return account_text(account_of(staffing.node.sponsor))


@rpc_method(errors=(NoSessionError, NotYoursError, NoStaffError))
def staff_backup(call: Call, *, session: SessionText | None = None) -> StaffBackupJson:
    """Tell when this shop's data was backed up last, for whoever is logged in or has the token."""
    if session is None:
        _owner(call, None)
    else:
        staffing_of(call).session(session)
    folder = call.node.folder
    noted = None if folder is None else last_backup(folder)
    due_ms = None if folder is None else backup_due_ms(folder)
    return {
        "at": None if noted is None else noted.made_at_ms,
        "overdue": due_ms is not None and call.node.clock.now_ms() > due_ms,
    }


@rpc_method(errors=(NoSessionError, NotYoursError, NoStaffError))
def staff_list(call: Call, *, session: SessionText | None = None) -> StaffListJson:
    """List who works here, for whoever is logged in or has the shop's token."""
    staffing = staffing_of(call)
    who = None if session is None else staffing.session(session)
    shop = _owner(call, None) if who is None else who.member.account
    now = call.node.clock.now_ms()
    items: list[StaffMemberJson] = []
    for one in staffing.book.all():
        if one.account != shop:
            continue
        trusted = scopes(call, one)
        given = {"shop": shop, "key": one.key}
        is_active = trusted if one.duty == CASHIER else read_register(call, "duty", **given)
        items.append(
            {
                "id": one.id,
                "name": one.name,
                "duty": DUTIES[one.duty],
                "scopes": trusted,
                "shop": shop,
                "key": one.key,
                "until": one.until_ms,
                "active": is_active > 0,
                "locked_until": one.locked_until_ms if one.locked_until_ms > now else 0,
            }
        )
    return {"items": items}


@rpc_method(errors=(NoSessionError, NotYoursError, NoStaffError, StaffError, WashError))
async def staff_add(
    call: Call,
    *,
    name: Name,
    pin: Pin,
    duty: Duty,
    refund_max: Refund = 0,
    session: SessionText | None = None,
    timeout_ms: WaitMs = 10_000,
) -> StaffChangedJson:
    """Let somebody work here: a new key under the PIN, and the chain told what it may do.

    The name stays on this node; the chain knows the key only. It ends by itself after a year. It
    takes the owner's session or the shop's token.
    """
    shop, staffing = _owner(call, session), staffing_of(call)
    number = _NUMBERS[duty]
    if number == CASHIER and len(pin) < CASHIER_PIN_LEAST:
        text = f"a cashier's PIN has {CASHIER_PIN_LEAST} to 12 digits: it can give money"
        raise StaffError(text)
    identity, seed, signer = staffing.new_key()
    until = call.node.block_time() + VALID_FOR_MS
    member = Member(identity, clean_name(name), shop, signer.public_key.hex(), number, until)
    await asyncio.to_thread(staffing.book.add, member, seed, pin)
    state = call.node.state()
    scopes = tuple(
        Scope(contract, functions)
        for contract_name, functions in functions_of(number).items()
        if (contract := contract_by_name(state, contract_name)) is not None
    )
    actions: tuple[Action, ...] = (AddKey(AccountKey(signer.public_key, scopes, (), until)),)
    if number != CASHIER:  # whose issuer is no shop, hence in no register
        register = find_info(call.node, "shops").contract
        trust = (signer.public_key, number, SCOPES_OF[number], refund_max, ZERO_ID, until)
        actions += (CallAction(register, "set_staff", trust, 0),)
    try:
        sent = await send_as_shop(call, staffing, shop, actions, timeout_ms)
    except WashError:
        staffing.book.remove(identity)
        raise
    return {"id": identity, "key": member.key, "sent": sent}


@rpc_method(errors=(NoSessionError, NotYoursError, NoStaffError, WashError))
async def staff_remove(
    call: Call,
    *,
    id_: MemberId,
    session: SessionText | None = None,
    timeout_ms: WaitMs = 10_000,
) -> StaffChangedJson:
    """Take somebody's key back: it is nobody's from the next block on, and its sessions end now."""
    shop, staffing = _owner(call, session), staffing_of(call)
    member = staffing.book.get(id_)
    if member is None or member.account != shop:
        text = f"nobody here has the id {id_}"
        raise StaffError(text)
    staffing.sessions.end_of(id_)
    key = bytes.fromhex(member.key)
    actions: tuple[Action, ...] = (RemoveKey(key),)
    if member.duty != CASHIER:
        register = find_info(call.node, "shops").contract
        actions = (CallAction(register, "revoke_staff", (key,), 0), *actions)
    sent = await send_as_shop(call, staffing, shop, actions, timeout_ms)
    if sent["status"] == "final":
        staffing.book.remove(id_)
    return {"id": id_, "key": member.key, "sent": sent}
