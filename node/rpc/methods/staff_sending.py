"""What staff may send for their shop, and how it is confirmed with the right keys."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chain.accounts import read_account
from chain.codec import decode, encode
from chain.crypto import Signer
from chain.errors import KeyScopeError, WashError
from chain.governance import contract_by_name
from chain.ids import decode_id, encode_id
from chain.params import read_params
from chain.transaction import (
    SIGNING_PREFIX,
    SPONSOR_PREFIX,
    TX_VERSION,
    Action,
    Cosignature,
    SignedTransaction,
    Transaction,
)
from chain.transaction import Call as CallAction
from contracts.vm.container import FunctionKind
from node.keys.acting import account_of
from node.live.outcomes import TooManyWaitersError
from node.rpc.contract_views import find_function, find_info, run_view
from node.rpc.errors import ContractRefusedError
from node.rpc.forms.shape_basics import account_text
from node.rpc.methods.shop import read_register
from node.rpc.methods.tx import TxStatusJson, status_json
from node.rpc.methods.tx_build import VALID_MS, BuiltJson, tx_build
from node.rpc.registry import Call
from node.staff.book import Member
from node.staff.deeds import (
    CASH,
    CASHIER,
    COUNTER,
    KEPT,
    OWNER,
    REFUND,
    SCOPES,
    scope_for,
)
from node.staff.errors import NoStaffError, NotYoursError
from node.staff.service import Staffing
from node.staff.sessions import Session


def staffing_of(call: Call) -> Staffing:
    """Return the node's staff, or raise NoStaffError."""
    found: Staffing | None = call.node.staff
    if found is None:
        raise NoStaffError
    return found


def scopes(call: Call, member: Member) -> int:
    """Return the scopes that the register trusts a member's key with now, added up."""
    return sum(scope for scope in SCOPES if trusts(call, member, scope))


def trusts(call: Call, member: Member, scope: int) -> bool:
    """Tell whether a shop's register trusts a member's key with a scope now.

    A cashier is trusted with cash while the issuer's account has the key; nobody else is.
    """
    if member.duty == CASHIER or scope == CASH:
        return member.duty == CASHIER and scope == CASH and _has_key(call, member)
    return bool(read_register(call, "may", shop=member.account, key=member.key, scope=scope))


def _has_key(call: Call, member: Member) -> bool:
    record = read_account(call.node.state(), decode_id(member.account, "acct"))
    now = call.node.block_time()
    return any(
        entry.key.hex() == member.key and (entry.expires_at is None or now < entry.expires_at)
        for entry in record.keys
    )


def day_end(call: Call, shop: str) -> int:
    """Return the next midnight in the shop's zone."""
    now = datetime.fromtimestamp(call.node.clock.now_ms() // 1_000, UTC)
    try:
        zone = ZoneInfo(read_register(call, "profile", shop=shop)["zone"])
    except (WashError, ZoneInfoNotFoundError, ValueError, OSError):
        zone = ZoneInfo("Asia/Shanghai")
    tomorrow = now.astimezone(zone).date() + timedelta(days=1)
    midnight = datetime(tomorrow.year, tomorrow.month, tomorrow.day, tzinfo=zone)
    return int(midnight.timestamp()) * 1_000


def check_deed(call: Call, member: Member, place: int, action: Action) -> None:
    """Raise NotYoursError unless the shop trusts a member with an action now."""
    name, function = named(call, place, action)
    scope = scope_for(name, function)
    if scope is None:
        need_owner(call, member, f"action {place}: {name}.{function}")
        return
    need(call, member, scope, f"action {place}: {name}.{function}")
    if scope == REFUND and isinstance(action, CallAction) and action.arguments[-1] is True:
        _check_refund(call, member, name, action)


def _check_refund(call: Call, member: Member, name: str, action: CallAction) -> None:
    """Raise NotYoursError if what a claim gives back is more than the shop lets this key give."""
    info = find_info(call.node, name)

    def read(view: str, **given: Any) -> Any:
        return run_view(call.node, info, find_function(info, view, FunctionKind.VIEW), given)

    claimed = action.arguments[0]
    assert isinstance(claimed, bytes), "a claim is named by an id"
    if name == "booking":
        text = encode_id("bkg", claimed)
        part = read("booking", id=text)["claim_bp"]
        amount = read("held_money", id=text)["amount"] * part // 10_000
    else:
        amount = read("use", use=encode_id("use", claimed))["amount"]["amount"]
    given = {"shop": member.account, "key": member.key, "amount": amount}
    if not read_register(call, "may_refund", **given):
        text = f"giving back {amount} is more than this person may; ask the owner"
        raise NotYoursError(text)


def need_owner(call: Call, member: Member, what: str) -> None:
    """Raise NotYoursError unless a member is the owner, and the register says so now."""
    given = {"shop": member.account, "key": member.key}
    if member.duty != OWNER or read_register(call, "duty", **given) != OWNER:
        text = f"{what} is the owner's alone"
        raise NotYoursError(text)


def need(call: Call, member: Member, scope: int, what: str) -> None:
    """Raise NotYoursError unless the register trusts a member's key with a scope now."""
    if not trusts(call, member, scope):
        text = f"{what}: the shop does not trust this key with it (scope {scope})"
        raise NotYoursError(text)


def named(call: Call, place: int, action: Action) -> tuple[str, str]:
    """Return the registered name of an action's contract and the function."""
    if isinstance(action, CallAction):
        state = call.node.state()
        for name in (*KEPT, "loyalty", "records", "reviews", "money"):
            if contract_by_name(state, name) == action.contract:
                return name, action.function
    text = f"action {place} is no call of a contract that shops work with"
    raise NotYoursError(text)


def build(
    call: Call,
    account: str,
    actions: list[Any],
    client_ref: str | None,
    *,
    key: str | None = None,
    sponsor: str | None = None,
) -> BuiltJson:
    """Return an unsigned transaction; raises what it would fail with."""
    return tx_build(
        call,
        account=decode_id(account, "acct"),
        actions=actions,
        key=key,
        sponsor=None if sponsor is None else decode_id(sponsor, "acct"),
        client_ref=client_ref,
        valid_until=call.node.block_time() + VALID_MS,
    )


def refuse_what_fails(built: BuiltJson) -> None:
    """Raise what a transaction would fail with, before it costs anything."""
    error = built["trial"]["error"]
    if error is not None:
        raise ContractRefusedError(error)


async def sign_and_wait(
    call: Call, built: BuiltJson, signer: Signer, timeout_ms: int
) -> TxStatusJson:
    """Sign with the key of who is logged in, or the shop's own, send, and wait."""
    refuse_what_fails(built)
    data = bytes.fromhex(built["body"])
    signed = SignedTransaction(decode(Transaction, data), signer.sign(SIGNING_PREFIX + data), None)
    return await send(call, signed, timeout_ms)


async def send(call: Call, signed: SignedTransaction, timeout_ms: int) -> TxStatusJson:
    """Send a signed transaction and wait for what becomes of it."""
    taken = call.node.submit(encode(signed))
    try:
        status = await call.node.wait(taken.tx_id, timeout_ms)
    except TooManyWaitersError:  # it is on its way: a refusal would have it sent once more
        status = call.node.status(taken.tx_id)
    return status_json(call.node, taken.tx_id, status)


def voucher(staffing: Staffing, who: Session) -> Signer:
    """Return the key that signs for the shop beside a customer: the node's, if it is that one's."""
    own: Signer = staffing.node.sponsor
    return own if account_text(account_of(own)) == who.member.account else who.signer


@dataclass(frozen=True, slots=True)
class Kept:
    """What is done for a customer without a phone: as JSON and as it was read."""

    account: bytes
    actions: list[Any]
    read: tuple[Action, ...]
    client_ref: str | None


async def send_kept(call: Call, who: Session, asked: Kept, timeout_ms: int) -> TxStatusJson:
    """Send something for an account whose key this shop keeps, vouched for by the shop."""
    staffing, account = staffing_of(call), asked.account
    signer = staffing.kept_signer(account)
    if signer is None:
        text = f"this shop keeps no key of {account_text(account)}"
        raise NotYoursError(text)
    need(call, who.member, COUNTER, "acting for a customer without a phone")
    for place, action in enumerate(asked.read):
        name, function = named(call, place, action)
        if function not in KEPT.get(name, ()):
            text = f"action {place}: {name}.{function} is not done for a customer"
            raise NotYoursError(text)
    text, shop_text = account_text(account), who.member.account
    built = build(call, text, asked.actions, asked.client_ref, sponsor=shop_text)
    refuse_what_fails(built)
    data = bytes.fromhex(built["body"])
    shop = voucher(staffing, who)
    cosignature = Cosignature(shop.public_key, shop.sign(SPONSOR_PREFIX + data))
    signature = signer.sign(SIGNING_PREFIX + data)
    signed = SignedTransaction(decode(Transaction, data), signature, cosignature)
    return await send(call, signed, timeout_ms)


async def send_vouched(
    call: Call,
    who: Session,
    by: tuple[bytes, Signer],
    actions: tuple[Action, ...],
    timeout_ms: int,
) -> TxStatusJson:
    """Send something that is no call for an account whose key is here, paid for by the shop."""
    account, signer = by
    shop = voucher(staffing_of(call), who)
    body = _make(call, (account, signer.public_key), actions, decode_id(who.member.account, "acct"))
    data = encode(body)
    cosignature = Cosignature(shop.public_key, shop.sign(SPONSOR_PREFIX + data))
    signed = SignedTransaction(body, signer.sign(SIGNING_PREFIX + data), cosignature)
    return await send(call, signed, timeout_ms)


def _make(
    call: Call, by: tuple[bytes, bytes], actions: tuple[Action, ...], sponsor: bytes | None
) -> Transaction:
    node, (account, key) = call.node, by
    return Transaction(
        version=TX_VERSION,
        chain_id=node.ledger.chain_id,
        account=account,
        key=None if key == account else key,
        nonce=node.next_nonce(account, key),
        valid_until=node.block_time() + VALID_MS,
        gas_limit=read_params(node.state()).transaction_gas_max,
        sponsor=sponsor,
        actions=actions,
        client_ref=None,
    )


def own_key(staffing: Staffing, shop: str) -> Signer:
    """Return the shop's own key, or raise KeyScopeError on a node that has another one's."""
    signer: Signer = staffing.node.sponsor
    if account_text(account_of(signer)) != shop:
        text = "the key of this shop is on another machine"
        raise KeyScopeError(text)
    return signer


async def send_as_shop(
    call: Call, staffing: Staffing, shop: str, actions: tuple[Action, ...], timeout_ms: int
) -> TxStatusJson:
    """Send something with the shop's own key, which this node has."""
    signer = own_key(staffing, shop)
    body = _make(call, (account_of(signer), signer.public_key), actions, None)
    data = encode(body)
    signed = SignedTransaction(body, signer.sign(SIGNING_PREFIX + data), None)
    return await send(call, signed, timeout_ms)
