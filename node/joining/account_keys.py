"""Which keys an account has on the chain, and which shop has a key: keys go, shops stay."""

from dataclasses import dataclass
from typing import Any

from chain.accounts import authorize_key, read_account
from chain.errors import KeyScopeError
from chain.governance import contract_by_name
from chain.state import State
from node.live.views import first_keys, look

REGISTER = "shops"
SHOPS_MAX = 5_000  # that are looked through for a key
_ACCOUNT_BYTES = 32


@dataclass(frozen=True, slots=True)
class Owners:
    """The shops that have a key now; `was_replaced`: the one that began with it has others."""

    shops: tuple[bytes, ...]
    was_replaced: bool


def full_keys(state: State, account: bytes, now: int) -> tuple[bytes, ...]:
    """Return the keys that may do everything for an account: at first its id alone."""
    found = [one.key for one in read_account(state, account).keys]
    return tuple(key for key in found if _is_full(state, account, key, now))


def _is_full(state: State, account: bytes, key: bytes, now: int) -> bool:
    try:
        return authorize_key(state, account, key, now) is None
    except KeyScopeError:
        return False


def owners_of(node: Any, key: bytes) -> Owners:
    """Return which shops have a key at the head, as one that may do everything."""
    state, now = node.state(), node.block_time()
    register = contract_by_name(state, REGISTER)
    if register is None:
        return Owners((), was_replaced=False)
    if _is_shop(node, register, key):
        is_current = _is_full(state, key, key, now)
        if is_current:
            return Owners((key,), was_replaced=False)
    else:
        is_current = True
    shops = first_keys(node, register, "shops", _ACCOUNT_BYTES, SHOPS_MAX)
    found = tuple(one for one in shops if one != key and _is_full(state, one, key, now))
    return Owners(found, was_replaced=not is_current and not found)


def _is_shop(node: Any, register: bytes, account: bytes) -> bool:
    found = look(node, register, "standing", account)
    return bool(found and found["status"])
