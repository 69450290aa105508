"""The queue of what falls due, and times the chain stood still."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.params import ChainParams
from chain.state import State
from chain.timers import (
    Halt,
    Kind,
    Timer,
    cancel,
    count_pending,
    deadline_now,
    due_entries,
    first_due,
    next_work_time,
    note_halt,
    queue_key,
    read_halt,
    read_timer,
    schedule,
    timer_key,
)
from chain.types import MINUTE_MS, SECOND_MS
from tests.make import memory_state, word

PARAMS = ChainParams()
T = 1_000 * MINUTE_MS
GRACE, LEAST, BEAT = PARAMS.halt_grace_ms, PARAMS.halt_least_ms, PARAMS.heartbeat_ms

places = st.integers(0, 8).map(lambda n: timer_key(word("box"), bytes([n])))
moves = st.lists(
    st.tuples(st.just("schedule"), places, st.integers(0, 5))
    | st.tuples(st.just("cancel"), places),
    max_size=40,
)


@given(moves, st.integers(0, 6), st.integers(0, 9))
def test_what_is_due_comes_by_time_and_then_by_age(
    steps: list[tuple[Any, ...]], now: int, limit: int
) -> None:
    state = memory_state()
    model: dict[bytes, tuple[int, int]] = {}

    for age, (name, place, *due) in enumerate(steps):
        if name == "schedule":
            assert schedule(state, place, due[0]) == (place in model)
            model[place] = (due[0], age)
        else:
            assert cancel(state, place) == (model.pop(place, None) is not None)

    found = [(one.due, one.key) for one in due_entries(state, now, limit)]
    ordered = sorted(model.items(), key=lambda item: item[1])
    assert found == [(due, place) for place, (due, _age) in ordered if due <= now][:limit]
    assert first_due(state, 0) == min((due for due, _age in model.values()), default=None)


def test_a_timer_goes_before_a_fallback_of_its_time() -> None:
    keys = [
        queue_key(5, Kind.FALLBACK, 1),
        queue_key(5, Kind.TIMER, 9),
        queue_key(4, Kind.FALLBACK, 8),
    ]

    assert sorted(keys) == [keys[2], keys[1], keys[0]]


def test_a_timer_is_read_as_it_was_set() -> None:
    state, place = memory_state(), timer_key(word("box"), b"k")

    schedule(state, place, 7)
    schedule(state, place, 9)

    assert read_timer(state, place) == Timer(9, 1, 9, 0)


def test_pending_timers_are_counted_down_to_none() -> None:
    state = memory_state()

    counts = [count_pending(state, word("box"), change) for change in (1, 1, -1, -1, 1)]

    assert counts == [1, 2, 1, 0, 1]


def with_due(*times: int) -> State:
    state = memory_state()
    for number, due in enumerate(times):
        schedule(state, timer_key(word("box"), bytes([number])), due)
    return state


@pytest.mark.parametrize(
    ("due", "heartbeat", "time", "halt"),
    [
        ([], BEAT, T + BEAT + LEAST, None),
        ([], BEAT, T + BEAT + LEAST + 1, (T + BEAT, T + BEAT + LEAST + 1)),
        ([T + 1], BEAT, T + 1 + LEAST, None),
        ([T + 1], BEAT, T + 2 + LEAST, (T + 1, T + 2 + LEAST)),
        ([T], BEAT, T + BEAT, None),  # due at the parent's time: backlog
        ([T - MINUTE_MS], BEAT, T + BEAT + LEAST, None),
        ([T - 1, T + BEAT + 5], BEAT, T + BEAT + LEAST + 1, (T + BEAT, T + BEAT + LEAST + 1)),
        ([], 0, T + 10**9, None),
        ([T + MINUTE_MS], 0, T + 10**9, (T + MINUTE_MS, T + 10**9)),
    ],
)
def test_a_halt_begins_where_the_chain_should_have_made_a_block(
    due: list[int], heartbeat: int, time: int, halt: tuple[int, int] | None
) -> None:
    state = with_due(*due)

    note_halt(state, ChainParams(heartbeat_ms=heartbeat), T, time)

    assert read_halt(state) == (None if halt is None else Halt(*halt, halt[1] + GRACE))


def test_a_halt_within_the_grace_of_another_keeps_its_beginning() -> None:
    state = with_due(T + 1)
    note_halt(state, PARAMS, T, T + BEAT)
    schedule(state, timer_key(word("box"), b"x"), T + BEAT + MINUTE_MS)

    note_halt(state, PARAMS, T + BEAT, T + BEAT + 5 * MINUTE_MS)

    ended = T + BEAT + 5 * MINUTE_MS
    assert read_halt(state) == Halt(T + 1, ended, ended + GRACE)


def test_the_customers_clock_stands_still_from_the_halts_start_to_the_graces_end() -> None:
    halt = Halt(T, T + BEAT, T + BEAT + GRACE)

    clocks = [deadline_now(halt, T + BEAT + after) for after in (0, GRACE - 1, GRACE)]

    assert clocks == [T, T, T + BEAT + GRACE]
    assert deadline_now(None, T) == T


def test_what_fell_due_in_a_halt_waits_and_other_work_does_not() -> None:
    halted_at, back = T + BEAT, T + BEAT + LEAST + 1
    state = with_due(T - 5, halted_at, back, back + 1, back + 2 * GRACE)
    note_halt(state, PARAMS, T, back)
    over = back + GRACE

    def due_at(now: int) -> list[int]:
        return [one.due - T for one in due_entries(state, now, 99)]

    assert [due_at(now) for now in (back, back + 1, over - 1, over)] == [
        [-5], [-5, back + 1 - T], [-5, back + 1 - T],
        [-5, halted_at - T, back - T, back + 1 - T],
    ]  # fmt: skip


def test_the_next_work_is_the_backlog_then_the_next_due_then_the_graces_end() -> None:
    halted_at, back = T + BEAT, T + BEAT + LEAST + 1
    state = with_due(T - 5, halted_at, back + SECOND_MS)
    note_halt(state, PARAMS, T, back)

    times = []
    for number in (0, 2, 1):
        times.append(next_work_time(state, back))
        cancel(state, timer_key(word("box"), bytes([number])))

    assert [*times, next_work_time(state, back)] == [back + 1, back + SECOND_MS, back + GRACE, None]
