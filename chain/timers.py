"""What falls due: timers of contracts and fallbacks of pots, in one queue.

The queue is an index over state keys, ordered by (due, timer before fallback, sequence). It follows
from the timers and pots themselves, so it is stored but is no part of the state root. This module
also knows halts of the chain: what fell due while nobody made blocks waits for a grace after the
return.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum

from chain.params import ChainParams
from chain.state import (
    HALT_KEY,
    QUEUE_PREFIX,
    QUEUE_STOP,
    SEQUENCE_KEY,
    Space,
    State,
    StateReader,
    get_uint,
)
from chain.types import SAFE_INT_MAX

_TIMER = bytes([Space.TIMER])
_RETRY = bytes([Space.RETRY])
_PENDING = bytes([Space.PENDING])
_VALUE = struct.Struct(">QQQB")  # due, sequence, first due, tries
_QUEUE = struct.Struct(">QBQ")
_HALT = struct.Struct(">QQQ")  # began, ended, grace over


class Kind(IntEnum):
    """What a queue entry is; a timer goes before a fallback of the same due time."""

    TIMER = 0
    FALLBACK = 1


@dataclass(frozen=True, slots=True)
class Timer:
    """A pending timer; `due` moves on a retry, `first_due` is what the contract asked for."""

    due: int
    sequence: int
    first_due: int
    tries: int


@dataclass(frozen=True, slots=True)
class Due:
    """A queue entry that has fallen due: `key` is the state key of the timer or pot."""

    due: int
    kind: int
    sequence: int
    key: bytes
    queue_key: bytes


@dataclass(frozen=True, slots=True)
class Halt:
    """The latest time the chain stood still: from `began` to `ended`, with grace until `over`."""

    began: int
    ended: int
    over: int


def queue_key(due: int, kind: int, sequence: int) -> bytes:
    """Return the key of a queue entry; keys sort in firing order."""
    return QUEUE_PREFIX + _QUEUE.pack(due, kind, sequence)


def take_sequence(state: State) -> int:
    """Return a number never given before on this chain."""
    sequence = get_uint(state, SEQUENCE_KEY)
    state.put(SEQUENCE_KEY, (sequence + 1).to_bytes(8, "big"))
    return sequence


def timer_key(instance: bytes, key: bytes) -> bytes:
    """Return the state key of a timer; `key` is the handler's number and the encoded key parts."""
    return _TIMER + instance + key


def schedule(state: State, place: bytes, due: int) -> bool:
    """Set the timer at a state key to fire at `due` ms; tells whether one was there before."""
    replaced = cancel(state, place)
    put_timer(state, place, Timer(due, take_sequence(state), due, 0))
    return replaced


def put_timer(state: State, place: bytes, timer: Timer) -> None:
    """Write a timer and its queue entry."""
    state.put(place, _VALUE.pack(timer.due, timer.sequence, timer.first_due, timer.tries))
    state.put(queue_key(timer.due, Kind.TIMER, timer.sequence), place)


def cancel(state: State, place: bytes) -> bool:
    """Forget the timer at a state key; tells whether there was one."""
    data = state.get(place)
    if data is None:
        return False
    due, sequence, _first, _tries = _VALUE.unpack(data)
    state.delete(queue_key(due, Kind.TIMER, sequence))
    state.delete(place)
    return True


def read_timer(state: State, place: bytes) -> Timer | None:
    """Return the timer at a state key, or None."""
    data = state.get(place)
    return None if data is None else Timer(*_VALUE.unpack(data))


def get_retry(state: State, instance: bytes) -> int:
    """Return when the latest retry of an instance's timers is due, or 0."""
    return get_uint(state, _RETRY + instance)


def set_retry(state: State, instance: bytes, due: int) -> None:
    """Note a retry of an instance's timer, or with 0 that none is left."""
    if due:
        state.put(_RETRY + instance, due.to_bytes(8, "big"))
    elif state.get(_RETRY + instance) is not None:
        state.delete(_RETRY + instance)


def count_pending(state: State, instance: bytes, change: int) -> int:
    """Change and return the number of pending timers of an instance that is not installed."""
    key = _PENDING + instance
    count = get_uint(state, key) + change
    if count > 0:
        state.put(key, count.to_bytes(8, "big"))
    else:
        state.delete(key)
    return count


def read_halt(state: State) -> Halt | None:
    """Return the latest halt, or None."""
    data = state.get(HALT_KEY)
    return None if data is None else Halt(*_HALT.unpack(data))


def note_halt(state: State, params: ChainParams, parent_time: int, now: int) -> None:
    """Record that the block at `now` ends a halt, if it does.

    A block at T with parent at P ends a halt when T is more than `halt_least_ms` after B, the
    earlier of P + heartbeat and the first due time later than P. The halt began at B. What was due
    at P is backlog.
    """
    if now - parent_time <= params.halt_least_ms:
        return
    began = parent_time + params.heartbeat_ms if params.heartbeat_ms else SAFE_INT_MAX
    following = first_due(state, parent_time + 1)
    if following is not None:
        began = min(began, following)
    if now - began <= params.halt_least_ms:
        return
    earlier = read_halt(state)
    if earlier is not None and began < earlier.over:
        began = earlier.began  # what still waits for an earlier grace waits on
    state.put(HALT_KEY, _HALT.pack(began, now, now + params.halt_grace_ms))


def deadline_now(halt: Halt | None, now: int) -> int:
    """Return the customers' clock: block time, but still from a halt's start to its grace's end."""
    return halt.began if halt is not None and now < halt.over else now


def first_due(state: State | StateReader, start: int) -> int | None:
    """Return the earliest due time at or after `start` ms, or None."""
    found = state.scan(queue_key(start, 0, 0), QUEUE_STOP, 1)
    return int.from_bytes(found[0][0][1:9], "big") if found else None


def next_work_time(state: State, after: int) -> int | None:
    """Return the earliest block time above `after` at which something fires, or None.

    `after` is the head's time: anything due by then (a backlog) can fire at once.
    """
    halt = read_halt(state)
    if halt is None or after + 1 >= halt.over:
        due = first_due(state, 0)
        return None if due is None else max(due, after + 1)
    times: list[int] = []
    earliest = first_due(state, 0)
    if earliest is not None and earliest < halt.began:
        times.append(max(earliest, after + 1))
    if first_due(state, halt.began) is not None:
        later = first_due(state, halt.ended + 1)
        if later is not None:
            times.append(max(later, after + 1))
        times.append(halt.over)
    return min(times, default=None)


def due_entries(state: State, now: int, limit: int) -> list[Due]:
    """Return at most `limit` entries that fire in a block at `now`, in order."""
    halt = read_halt(state)
    after_now = queue_key(now + 1, 0, 0)
    if halt is None or now >= halt.over:
        pairs = state.scan(QUEUE_PREFIX, after_now, limit)
    else:
        pairs = state.scan(QUEUE_PREFIX, queue_key(halt.began, 0, 0), limit)
        pairs += state.scan(queue_key(halt.ended + 1, 0, 0), after_now, limit)
    found: list[Due] = []
    for key, place in pairs[:limit]:
        due, kind, sequence = _QUEUE.unpack(key[1:])
        found.append(Due(due, kind, sequence, place, key))
    return found
