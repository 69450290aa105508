"""Upgrades: other code for a contract that the operators installed, known to everybody beforehand.

One upgrade waits for each contract. What waits is one value of the state, so that a block without
any costs one look.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated

from chain.changes import UpgradeContract
from chain.codec import AtMost, decode, encode, wire
from chain.errors import LimitError, WrongStateError
from chain.ids import encode_id
from chain.params import read_params
from chain.state import Space, State
from chain.types import SAFE_INT_MAX, Hash, Id, TimeMs

UPGRADES_MAX = 64  # that wait at one time
UPGRADES_PER_BLOCK = 8  # that begin in one block; the others follow in the next
UPGRADES_KEY = bytes([Space.CHAIN]) + b"upgrades"


@wire()
@dataclass(frozen=True, slots=True)
class PendingUpgrade:
    """Code that a contract runs from the first block at `at_ms` or later, and its new bindings."""

    at_ms: TimeMs
    contract: Id
    code_id: Hash
    assets: Annotated[tuple[Id, ...], AtMost(8)]
    links: Annotated[tuple[Id, ...], AtMost(8)]


@wire()
@dataclass(frozen=True, slots=True)
class _Upgrades:
    entries: Annotated[tuple[PendingUpgrade, ...], AtMost(UPGRADES_MAX)]


def read_upgrades(state: State) -> tuple[PendingUpgrade, ...]:
    """Return all upgrades that wait, the first to begin first."""
    data = state.get(UPGRADES_KEY)
    return () if data is None else _decode_upgrades(data)


@lru_cache(maxsize=8)
def _decode_upgrades(data: bytes) -> tuple[PendingUpgrade, ...]:
    return decode(_Upgrades, data).entries


def _write_upgrades(state: State, upgrades: Sequence[PendingUpgrade]) -> None:
    if upgrades:
        ordered = sorted(upgrades, key=lambda one: (one.at_ms, one.contract))
        state.put(UPGRADES_KEY, encode(_Upgrades(tuple(ordered))))
    else:
        state.delete(UPGRADES_KEY)


def pending_upgrade(state: State, contract: bytes) -> PendingUpgrade | None:
    """Return the upgrade that waits for a contract, or None."""
    return next((one for one in read_upgrades(state) if one.contract == contract), None)


def planned(state: State, change: UpgradeContract, now: int) -> PendingUpgrade:
    """Return what waits if a change is decided at `now`; the notice counts from there."""
    notice = read_params(state).upgrade_notice_ms
    at = min(max(change.at_ms, now + notice), SAFE_INT_MAX)
    return PendingUpgrade(at, change.contract, change.code_id, change.assets, change.links)


def plan_upgrade(state: State, upgrade: PendingUpgrade) -> None:
    """Let an upgrade wait; raises WrongStateError if one does already, LimitError for too many."""
    waiting = read_upgrades(state)
    if pending_upgrade(state, upgrade.contract) is not None:
        which = encode_id("ctr", upgrade.contract)
        text = f"an upgrade of {which} waits already; withdraw it before another is decided"
        raise WrongStateError(text)
    if len(waiting) >= UPGRADES_MAX:
        raise LimitError("upgrades", maximum=UPGRADES_MAX, found=len(waiting) + 1)
    _write_upgrades(state, (*waiting, upgrade))


def forget_upgrade(state: State, contract: bytes, code_id: bytes) -> None:
    """Let no upgrade of a contract to a code wait; raises WrongStateError if none does."""
    waiting = read_upgrades(state)
    left = [one for one in waiting if (one.contract, one.code_id) != (contract, code_id)]
    if len(left) == len(waiting):
        text = f"no upgrade of {encode_id('ctr', contract)} to code {code_id.hex()} waits"
        raise WrongStateError(text)
    _write_upgrades(state, left)
