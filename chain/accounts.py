"""Accounts: keys with scopes, limits and expiry; guardians and recovery.

An account id is its first public key. Until its keys are touched an account has no record: that key
alone may do everything. Windows of nonces belong to keys and outlive them.
"""

import struct
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise
from typing import Annotated

from chain.codec import AtMost, Between, decode, encode, wire
from chain.errors import KeyScopeError, LimitError, RoleError, WrongStateError
from chain.ids import encode_id
from chain.params import ChainParams
from chain.state import Space, State
from chain.transaction import (
    AccountKey,
    Action,
    AddKey,
    Burn,
    Call,
    RemoveKey,
    SetGuardians,
    SpendingLimit,
    Transfer,
)
from chain.types import SAFE_INT_MAX, Id, PublicKey, TimeMs

_ACCOUNT = bytes([Space.ACCOUNT])
_RECOVERY = bytes([Space.RECOVERY])
_SPENDING = bytes([Space.SPENDING])
_SPENT = struct.Struct(">QQ")  # window's start, spent in it
KEYS_MAX = 32
ACCOUNT_BYTES_MAX = 8_192  # every transaction of an account reads its record


@wire()
@dataclass(frozen=True, slots=True)
class Account:
    """The record of an account whose keys or guardians were set."""

    keys: Annotated[tuple[AccountKey, ...], AtMost(KEYS_MAX)]
    guardians: Annotated[tuple[Id, ...], AtMost(16)]
    threshold: Annotated[int, Between(0, 16)]


@wire()
@dataclass(frozen=True, slots=True)
class Recovery:
    """Guardians' approvals of a new key; `ready_at` is set when they are enough."""

    new_key: PublicKey
    approvals: Annotated[tuple[Id, ...], AtMost(16)]
    ready_at: TimeMs | None


def read_account(state: State, account: bytes) -> Account:
    """Return an account's record; without one, the account has its first key for everything."""
    data = state.get(_ACCOUNT + account)
    if data is None:
        return Account((AccountKey(account, None, (), None),), (), 0)
    return _decode_account(data)


@lru_cache(maxsize=256)
def _decode_account(data: bytes) -> Account:
    return decode(Account, data)


def _write(state: State, account: bytes, record: Account) -> None:
    data = encode(record)
    if len(data) > ACCOUNT_BYTES_MAX:
        raise LimitError("bytes of the account", maximum=ACCOUNT_BYTES_MAX, found=len(data))
    state.put(_ACCOUNT + account, data)


def authorize_key(state: State, account: bytes, key: bytes, now: int) -> AccountKey | None:
    """Return the limits of a key that may sign for an account now, or None if it has none.

    Raises KeyScopeError if the key is unknown or over.
    """
    if state.get(_ACCOUNT + account) is None:
        if key != account:
            text = f"{key.hex()} is no key of account {encode_id('acct', account)}"
            raise KeyScopeError(text)
        return None
    for entry in read_account(state, account).keys:
        if entry.key == key:
            if entry.expires_at is not None and now >= entry.expires_at:
                text = f"key {key.hex()} was good until {entry.expires_at} ms; it is {now}"
                raise KeyScopeError(text)
            return None if _is_full(entry) else entry
    text = f"{key.hex()} is no key of account {encode_id('acct', account)}"
    raise KeyScopeError(text)


def _is_full(entry: AccountKey) -> bool:
    return entry.scopes is None and not entry.limits and entry.expires_at is None


def check_scope(entry: AccountKey, action: Action) -> None:
    """Raise KeyScopeError unless a key with scopes, limits or an end may sign this action.

    Whatever its scopes, it may not manage keys: it could make itself one without its bounds.
    """
    if entry.scopes is None:
        if isinstance(action, AddKey | RemoveKey | SetGuardians):
            text = f"key {entry.key.hex()} has a limit or an end; only a full key manages keys"
            raise KeyScopeError(text)
        return
    if isinstance(action, Call):
        for scope in entry.scopes:
            listed = not scope.functions or action.function in scope.functions
            if scope.contract == action.contract and listed:
                return
    text = (
        f"key {entry.key.hex()} may not sign {type(action).__name__}; use a key whose scope has it"
    )
    raise KeyScopeError(text)


def spend_limit(
    state: State, account: bytes, entry: AccountKey, now: int, spent: tuple[bytes, int]
) -> None:
    """Count (asset, amount) leaving by a limited key; raises LimitError beyond its limit.

    A key with scopes and no limit for an asset may move none of it.
    """
    asset, amount = spent
    if amount == 0:
        return
    limit = next((one for one in entry.limits if one.asset == asset), None)
    if limit is None:
        if entry.scopes is None:
            return
        limit = SpendingLimit(asset, 0, 1)
    place = _SPENDING + account + entry.key + asset
    data = state.get(place)
    start, used = (now, 0) if data is None else _SPENT.unpack(data)
    if now - start >= limit.window_ms:
        start, used = now, 0
    if used + amount > limit.amount:
        raise LimitError("spending of this key", maximum=limit.amount, found=used + amount)
    state.put(place, _SPENT.pack(start, used + amount))


def spent_by(action: Action, paid_asset: bytes | None) -> tuple[bytes, int] | None:
    """Return (asset, amount) that an action takes from its sender, or None."""
    match action:
        case Transfer() | Burn():
            return action.asset, action.amount
        case Call() if action.funds and paid_asset is not None:
            return paid_asset, action.funds
        case _:
            return None


def add_key(state: State, account: bytes, entry: AccountKey) -> None:
    """Add a key or change the one it has; raises WrongStateError if that leaves no full key."""
    record = read_account(state, account)
    others = tuple(one for one in record.keys if one.key != entry.key)
    if len(others) >= KEYS_MAX:
        raise LimitError("keys of the account", maximum=KEYS_MAX, found=len(others) + 1)
    _write_keys(state, account, record, (*others, entry))


def remove_key(state: State, account: bytes, key: bytes) -> None:
    """Take a key away; raises WrongStateError if it is unknown or the last full key."""
    record = read_account(state, account)
    others = tuple(one for one in record.keys if one.key != key)
    if len(others) == len(record.keys):
        text = f"{key.hex()} is no key of this account"
        raise WrongStateError(text)
    _write_keys(state, account, record, others)


def _write_keys(
    state: State, account: bytes, record: Account, keys: tuple[AccountKey, ...]
) -> None:
    if not any(_is_full(one) for one in keys):
        text = "the account would be left without a full key: no scopes, no limits, no end"
        raise WrongStateError(text)
    _write(state, account, replace(record, keys=tuple(sorted(keys, key=lambda one: one.key))))


def set_guardians(state: State, account: bytes, action: SetGuardians) -> None:
    """Name the guardians; none and threshold 0 take them away."""
    guardians = tuple(sorted(action.guardians))
    distinct = all(a != b for a, b in pairwise(guardians))
    if not distinct or account in guardians or action.threshold > len(guardians):
        text = "guardians must be different accounts, not this one, and at least the threshold"
        raise WrongStateError(text)
    if guardians and action.threshold == 0:
        text = "guardians need a threshold of at least 1"
        raise WrongStateError(text)
    record = replace(read_account(state, account), guardians=guardians, threshold=action.threshold)
    _write(state, account, record)
    state.delete(_RECOVERY + account)


def read_recovery(state: State, account: bytes) -> Recovery | None:
    """Return the recovery under way, or None."""
    data = state.get(_RECOVERY + account)
    return None if data is None else decode(Recovery, data)


def approve_recovery(
    state: State, guardian: bytes, account: bytes, new_key: bytes, clock: tuple[int, ChainParams]
) -> None:
    """Count a guardian's approval; another key starts anew, the last needed starts the delay."""
    now, params = clock
    record = read_account(state, account)
    if guardian not in record.guardians:
        text = f"{encode_id('acct', guardian)} is no guardian of {encode_id('acct', account)}"
        raise RoleError(text)
    recovery = read_recovery(state, account)
    if recovery is None or (recovery.new_key != new_key and recovery.ready_at is None):
        recovery = Recovery(new_key, (), None)
    if recovery.new_key != new_key:
        text = "another key is approved and waiting; the account's own key can cancel it"
        raise WrongStateError(text)
    approvals = tuple(sorted({*recovery.approvals, guardian}))
    ready_at = recovery.ready_at
    if ready_at is None and len(approvals) >= record.threshold:
        ready_at = min(now + params.recovery_delay_ms, SAFE_INT_MAX)
    state.put(_RECOVERY + account, encode(Recovery(new_key, approvals, ready_at)))


def cancel_recovery(state: State, account: bytes) -> None:
    """Stop a recovery; the account's own key asks for it."""
    if read_recovery(state, account) is None:
        text = "no recovery is under way"
        raise WrongStateError(text)
    state.delete(_RECOVERY + account)


def finish_recovery(state: State, account: bytes, now: int) -> None:
    """After the delay, make the new key the account's only key."""
    recovery = read_recovery(state, account)
    if recovery is None or recovery.ready_at is None or now < recovery.ready_at:
        ready = None if recovery is None else recovery.ready_at
        text = f"the recovery is ready at {ready} ms, it is {now}"
        raise WrongStateError(text)
    record = read_account(state, account)
    _write(state, account, replace(record, keys=(AccountKey(recovery.new_key, None, (), None),)))
    state.delete(_RECOVERY + account)
