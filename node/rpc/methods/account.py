"""`account_*` and `asset_*`: who has what, who may do what, and what happened to whom."""

from typing import Annotated, Any

from pydantic import Field
from typing_extensions import TypedDict

from chain.accounts import Recovery, read_account, read_recovery
from chain.ledger import Policy, get_supply, read_asset
from chain.params import ChainParams, read_params
from chain.pots import Allowance, read_allowances
from chain.roles import Role, has_role
from chain.rules import quota_used
from chain.state import Space, State
from chain.transaction import AccountKey
from chain.types import DAY_MS
from node.rpc.cursor import decode_cursor, decode_place, encode_cursor
from node.rpc.errors import HistoryPrunedError, NotFoundError, OutcomeJson
from node.rpc.forms.shapes import (
    AmountJson,
    EventJson,
    account_text,
    amount_json,
    asset_text,
    contract_text,
    event_json,
    find_asset,
    receipt_json,
)
from node.rpc.params import AccountId, AnyId, AssetRef, Cursor, Limit
from node.rpc.reading.history import NUMBER_STOP, Entry, account_entries
from node.rpc.reading.searching import is_known_account
from node.rpc.registry import Call, rpc_method

BALANCES_MAX = 200  # shown of one account; more have tokens that nobody asked for
ALLOWANCES_MAX = 50
_ASSETS_FILTER = "assets"


class ScopeJson(TypedDict):
    """A contract that a key may call, and which of its functions (none named: all)."""

    contract: str
    functions: list[str]


class SpendingLimitJson(TypedDict):
    """How much of an asset may leave by a key in each window."""

    amount: AmountJson
    window_ms: int


class KeyJson(TypedDict):
    """A key of an account."""

    key: Annotated[str, Field(description="Public key.")]
    scopes: Annotated[list[ScopeJson] | None, Field(description="null: it may sign anything.")]
    limits: list[SpendingLimitJson]
    expires_at: int | None
    next_nonce: Annotated[
        int, Field(description="Lowest nonce above all that the chain and the pool have seen.")
    ]


class RecoveryJson(TypedDict):
    """A recovery under way; `ready_at` is set once enough guardians approved."""

    new_key: str
    approvals: list[str]
    ready_at: int | None


class QuotaJson(TypedDict):
    """Transactions that an account has co-signed as sponsor today (UTC), and may."""

    day: int
    used: int
    maximum: int


class AllowanceJson(TypedDict):
    """Calls without a sponsor that open pots give their owner, for one contract."""

    contract: str
    open_pots: int
    used_today: int
    daily_max: int
    used: int
    maximum: int


class AccountJson(TypedDict):
    """An account. One that has never been used has its first key alone."""

    account: str
    known: Annotated[bool, Field(description="Whether it has left anything on the chain.")]
    keys: list[KeyJson]
    guardians: list[str]
    threshold: int
    recovery: RecoveryJson | None
    roles: list[str]
    balances: list[AmountJson]
    sponsor_quota: Annotated[QuotaJson | None, Field(description="null: it may not sponsor.")]
    allowances: list[AllowanceJson]


class HistoryEntryJson(TypedDict):
    """A transaction, timer or fallback that concerns an account, with the events naming it."""

    id: str
    kind: str
    height: int
    index: int
    time: int
    sender: Annotated[str | None, Field(description="null for timers and fallbacks.")]
    sponsor: str | None
    ok: bool
    code: int
    error: OutcomeJson | None
    events: list[EventJson]


class HistoryPage(TypedDict):
    """What happened to an account, newest first; a short page is not always the last."""

    items: list[HistoryEntryJson]
    next_cursor: str | None


class AssetJson(TypedDict):
    """An asset; amounts are in 10^-decimals of it."""

    asset: str
    symbol: str
    decimals: int
    issuer: str
    policy: str
    contracts: Annotated[list[str], Field(description="That may hold it if it is contracts_only.")]
    supply: int


class AssetPage(TypedDict):
    """Assets in the order of their ids."""

    items: list[AssetJson]
    next_cursor: str | None


@rpc_method(read=True)
def account_get(call: Call, *, account: AccountId) -> AccountJson:
    """Return an account's keys, roles, balances, and what it may still do today.

    Any id is an account: one that was never used has its first key, which may do everything.
    """
    node, state = call.node, call.node.state()
    record, params, now = read_account(state, account), read_params(state), node.block_time()
    recovery = read_recovery(state, account)
    roles = [role.name.lower() for role in Role if has_role(state, account, role)]
    quota: QuotaJson | None = None
    if {"member", "operator"} & set(roles):
        used = quota_used(state, account, now)
        quota = {"day": now // DAY_MS, "used": used, "maximum": params.sponsor_daily_max}
    return {
        "account": account_text(account),
        "known": is_known_account(state, account),
        "keys": [_key_json(node, account, entry) for entry in record.keys],
        "guardians": [account_text(one) for one in record.guardians],
        "threshold": record.threshold,
        "recovery": None if recovery is None else recovery_json(recovery),
        "roles": roles,
        "balances": _balances(node, state, account),
        "sponsor_quota": quota,
        "allowances": [
            _allowance_json(one, params, now)
            for one in read_allowances(state, account, ALLOWANCES_MAX)
        ],
    }


@rpc_method(errors=(HistoryPrunedError,))
def account_history(
    call: Call, *, account: AnyId, cursor: Cursor | None = None, limit: Limit = 50
) -> HistoryPage:
    """Return what happened to an account, newest first.

    That is: transactions it sent or sponsored, the chain's own events that name it, and events of
    registered contracts with an indexed field that names it. Go on while `next_cursor` is there; a
    page can be short before the end, because the work for one answer is bounded.
    """
    ledger = call.node.ledger
    filter_value = ("account_history", account)
    before = decode_place(cursor, filter_value, (ledger.height, NUMBER_STOP))
    entries, following = account_entries(ledger, account, before, limit)
    return {
        "items": [_entry_json(call.node, entry) for entry in entries],
        "next_cursor": None if following is None else encode_cursor(filter_value, following),
    }


@rpc_method(read=True, errors=(NotFoundError,))
def asset_get(call: Call, *, asset: AssetRef) -> AssetJson:
    """Return an asset: its issuer, its policy, how much of it exists."""
    return _asset_json(call.node.state(), find_asset(call.node, asset))


@rpc_method(read=True)
def asset_list(call: Call, *, cursor: Cursor | None = None, limit: Limit = 50) -> AssetPage:
    """Return the assets of the chain in the order of their ids."""
    prefix, state = bytes([Space.ASSET]), call.node.state()
    start = prefix
    if cursor is not None:
        (last,) = decode_cursor(cursor, _ASSETS_FILTER, (bytes,))
        assert isinstance(last, bytes), "decode_cursor gives what was asked for"
        start = prefix + last + b"\0"
    found = [key[1:] for key, _data in state.scan(start, bytes([Space.ASSET + 1]), limit + 1)]
    shown = found[:limit]
    following = encode_cursor(_ASSETS_FILTER, (shown[-1],)) if len(found) > limit else None
    return {"items": [_asset_json(state, one) for one in shown], "next_cursor": following}


def _key_json(node: Any, account: bytes, entry: AccountKey) -> KeyJson:
    scopes: list[ScopeJson] | None = None
    if entry.scopes is not None:
        scopes = [
            {"contract": contract_text(one.contract), "functions": list(one.functions)}
            for one in entry.scopes
        ]
    return {
        "key": entry.key.hex(),
        "scopes": scopes,
        "limits": [
            {"amount": amount_json(node, one.asset, one.amount), "window_ms": one.window_ms}
            for one in entry.limits
        ],
        "expires_at": entry.expires_at,
        "next_nonce": node.next_nonce(account, entry.key),
    }


def recovery_json(recovery: Recovery) -> RecoveryJson:
    """Return the JSON form of a recovery."""
    return {
        "new_key": recovery.new_key.hex(),
        "approvals": [account_text(one) for one in recovery.approvals],
        "ready_at": recovery.ready_at,
    }


def _allowance_json(one: Allowance, params: ChainParams, now: int) -> AllowanceJson:
    return {
        "contract": contract_text(one.instance),
        "open_pots": one.open_pots,
        "used_today": one.used_that_day if one.day == now // DAY_MS else 0,
        "daily_max": params.allowance_daily_max,
        "used": one.used,
        "maximum": params.allowance_pot_max * one.open_pots,
    }


def _balances(node: Any, state: State, account: bytes) -> list[AmountJson]:
    prefix = bytes([Space.BALANCE]) + account
    found = state.scan(prefix, prefix + b"\xff" * 33, BALANCES_MAX)
    return [
        amount_json(node, key[len(prefix) :], int.from_bytes(data, "big")) for key, data in found
    ]


def _asset_json(state: State, asset: bytes) -> AssetJson:
    record = read_asset(state, asset)
    return {
        "asset": asset_text(asset),
        "symbol": record.symbol,
        "decimals": record.decimals,
        "issuer": account_text(record.issuer),
        "policy": Policy(record.policy).name.lower(),
        "contracts": [contract_text(one) for one in record.contracts],
        "supply": get_supply(state, asset),
    }


def _entry_json(node: Any, entry: Entry) -> HistoryEntryJson:
    receipt, tx = entry.receipt, entry.tx
    body = None if tx is None else tx.body
    place = entry.height, entry.index
    time_ms = entry.time_ms
    shown = receipt_json(node, receipt, place, time_ms, first_event=entry.first_event, tx=body)
    named = [
        event_json(node, receipt.events[i], (entry.height, entry.first_event + i), time_ms, receipt)
        for i in entry.named
    ]
    return {
        "id": shown["id"],
        "kind": shown["kind"],
        "height": entry.height,
        "index": entry.index,
        "time": time_ms,
        "sender": None if body is None else account_text(body.account),
        "sponsor": None if body is None or body.sponsor is None else account_text(body.sponsor),
        "ok": shown["ok"],
        "code": shown["code"],
        "error": shown["error"],
        "events": named,
    }
