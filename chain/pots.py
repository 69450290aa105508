"""Pots: money held for a purpose, with a deadline and an owner it falls back to.

Contracts own nothing but pots. A pot has one asset; only its contract adds to it or pays from it;
at its deadline the chain itself pays what is left to the fallback owner, whatever the contract's
code does. So no contract can keep money for ever. Amounts are minor units, times ms.
"""

import struct
from dataclasses import dataclass

from chain.errors import SponsorQuotaError
from chain.ledger import credit
from chain.state import Space, State
from chain.timers import Kind, queue_key, take_sequence
from chain.types import DAY_MS

_POT = bytes([Space.POT])
_ALLOWANCE = bytes([Space.ALLOWANCE])
_VALUE = struct.Struct(">QQQQ32s32s?")
_QUOTA = struct.Struct(">IIHI")  # open pots, day, used that day, used in all


@dataclass(slots=True)
class Pot:
    """A pot; `latest` bounds every extension of `until`; `sequence` orders its fallback.

    `waited`: its fallback waited for a retry of its contract's timers and will not again.
    """

    amount: int
    until: int
    latest: int
    sequence: int
    fallback: bytes
    asset: bytes
    waited: bool = False


class PotError(Exception):
    """A pot operation that does not fit: the pot exists, does not exist, or is too small."""


class PotAmountError(PotError):
    """More than a pot holds, or nothing."""


def pot_key(instance: bytes, key: bytes) -> bytes:
    """Return the state key of a pot; `key` is the class number and the encoded key parts."""
    return _POT + instance + key


def read_pot(state: State, place: bytes) -> Pot | None:
    """Return the pot at a state key, or None."""
    data = state.get(place)
    return None if data is None else decode_pot(data)


def decode_pot(data: bytes) -> Pot:
    """Return the pot of a state value."""
    return Pot(*_VALUE.unpack(data))


def _need(state: State, place: bytes) -> Pot:
    pot = read_pot(state, place)
    if pot is None:
        text = "no such pot"
        raise PotError(text)
    return pot


def _write(state: State, place: bytes, pot: Pot) -> None:
    state.put(
        place,
        _VALUE.pack(
            pot.amount, pot.until, pot.latest, pot.sequence, pot.fallback, pot.asset, pot.waited
        ),
    )


def open_pot(state: State, place: bytes, pot: Pot) -> None:
    """Open a pot with what it holds at once; its `sequence` is set here."""
    if state.get(place) is not None:
        text = "the pot is open already"
        raise PotError(text)
    pot.sequence = take_sequence(state)
    _write(state, place, pot)
    state.put(queue_key(pot.until, Kind.FALLBACK, pot.sequence), place)
    _count_open(state, pot.fallback, place[1:33], 1)


def add_to_pot(state: State, place: bytes, asset: bytes, amount: int) -> None:
    """Add to an open pot; raises PotError if there is none of this asset."""
    pot = _need(state, place)
    if pot.asset != asset:
        text = "the pot holds another asset"
        raise PotError(text)
    pot.amount += amount
    _write(state, place, pot)


def pay_from_pot(state: State, place: bytes, to: bytes, amount: int) -> None:
    """Pay a part to an account's balance; raises PotAmountError unless it holds that much."""
    pot = _take(state, place, amount)
    credit(state, to, pot.asset, amount)


def move_between_pots(state: State, place: bytes, to_place: bytes, amount: int) -> None:
    """Move a part to another pot of the same contract and asset."""
    if place == to_place:
        text = "a pot can not move to itself"
        raise PotError(text)
    target = _need(state, to_place)
    pot = _take(state, place, amount)
    assert target.asset == pot.asset, "pots of one class hold one asset"
    target.amount += amount
    _write(state, to_place, target)


def _take(state: State, place: bytes, amount: int) -> Pot:
    pot = _need(state, place)
    if not 0 < amount <= pot.amount:
        text = f"{amount} of {pot.amount}"
        raise PotAmountError(text)
    pot.amount -= amount
    _write(state, place, pot)
    return pot


def extend_pot(state: State, place: bytes, until: int) -> None:
    """Move a pot's deadline later, not beyond its `latest`."""
    pot = _need(state, place)
    if not pot.until <= until <= pot.latest:
        text = f"from {pot.until} to {until}, at most {pot.latest}"
        raise PotError(text)
    state.delete(queue_key(pot.until, Kind.FALLBACK, pot.sequence))
    pot.until, pot.waited = until, False
    _write(state, place, pot)
    state.put(queue_key(pot.until, Kind.FALLBACK, pot.sequence), place)


def has_waited(state: State, place: bytes) -> bool:
    """Tell whether a pot's fallback has waited for a retry since its deadline was set."""
    return _need(state, place).waited


def defer_fallback(
    state: State, place: bytes, due: int, later: int, *, waited: bool = False
) -> None:
    """Let the fallback that was due at `due` wait until `later`; `waited`: for a retry."""
    pot = _need(state, place)
    state.delete(queue_key(due, Kind.FALLBACK, pot.sequence))
    pot.until = later
    pot.waited = pot.waited or waited
    _write(state, place, pot)
    state.put(queue_key(later, Kind.FALLBACK, pot.sequence), place)


def close_pot(state: State, place: bytes, to: bytes | None) -> tuple[bytes, bytes, int]:
    """Pay the rest to an account (None: the fallback owner) and forget the pot.

    Returns (the account paid, the asset, the amount; it may be 0).
    """
    pot = _need(state, place)
    receiver = pot.fallback if to is None else to
    if pot.amount:
        credit(state, receiver, pot.asset, pot.amount)
    state.delete(queue_key(pot.until, Kind.FALLBACK, pot.sequence))
    state.delete(place)
    _count_open(state, pot.fallback, place[1:33], -1)
    return receiver, pot.asset, pot.amount


def _count_open(state: State, account: bytes, instance: bytes, change: int) -> None:
    key = _ALLOWANCE + account + instance
    data = state.get(key)
    pots, day, used_day, used = (0, 0, 0, 0) if data is None else _QUOTA.unpack(data)
    if change < 0:
        used -= used // pots  # a pot that closes takes its share of the used calls along
    pots += change
    if pots or used_day:  # a pot opened anew does not renew the day
        state.put(key, _QUOTA.pack(pots, day, used_day, used))
    else:
        state.delete(key)


@dataclass(frozen=True, slots=True)
class Allowance:
    """What an account may call of a contract unsponsored: used on day `day`, and in all."""

    instance: bytes
    open_pots: int
    day: int
    used_that_day: int
    used: int


def read_allowances(state: State, account: bytes, limit: int) -> list[Allowance]:
    """Return at most `limit` of an account's allowances, by contract."""
    prefix = _ALLOWANCE + account
    found = state.scan(prefix, prefix + b"\xff" * 33, limit)
    return [Allowance(key[len(prefix) :], *_QUOTA.unpack(data)) for key, data in found]


def use_allowance(
    state: State, account: bytes, instance: bytes, now: int, limits: tuple[int, int]
) -> bool:
    """Count one unsponsored call of a fallback owner; False if the account has no open pot there.

    `limits` are (calls a day, calls in the life of a pot); raises SponsorQuotaError beyond them.
    """
    key = _ALLOWANCE + account + instance
    data = state.get(key)
    pots, day, used_day, used = (0, 0, 0, 0) if data is None else _QUOTA.unpack(data)
    if not pots:
        return False
    today = now // DAY_MS
    if day != today:
        day, used_day = today, 0
    daily, per_pot = limits
    if used_day >= daily:
        raise SponsorQuotaError(used=used_day, maximum=daily)
    if used >= per_pot * pots:
        raise SponsorQuotaError(used=used, maximum=per_pot * pots)
    state.put(key, _QUOTA.pack(pots, day, used_day + 1, used + 1))
    return True
