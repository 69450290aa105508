"""Bays: cells of a quarter of an hour or of a day, and how many bookings take each."""

import pytest

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from tests.contracts.standard.setting import CUSTOMERS, SLOT
from tests.contracts.standard.world import BookingWorld, new_world

QUARTER = 15 * MINUTE_MS
DAY_START = 8 * HOUR_MS


def bays(quarter: int = 0, day: int = 0) -> BookingWorld:
    world = new_world()
    world.must("shop", "set_settings", True, True, DAY_START, quarter, day)
    return world


def ask(world: BookingWorld, start: int, end: int, *, cell: int = 0, name: str = "alice") -> str:
    arguments, held = world.order(start=start, end=end, cell=cell)
    return world.call(name, "request", *arguments, funds=held)


@pytest.mark.parametrize("count", [1, 2, 5])
def test_exactly_as_many_requests_of_one_slot_are_accepted_as_there_are_bays(count: int) -> None:
    world = bays(quarter=count)

    outcomes = [
        ask(world, SLOT, SLOT + HOUR_MS, name=CUSTOMERS[turn % 3]) for turn in range(count + 3)
    ]

    assert outcomes == ["ok"] * count + ["slot_taken"] * 3


def test_of_two_hundred_requests_for_one_slot_exactly_one_is_accepted() -> None:
    world = bays(quarter=1)

    outcomes = [ask(world, SLOT, SLOT + HOUR_MS, name=CUSTOMERS[turn % 3]) for turn in range(200)]

    assert outcomes == ["ok"] + ["slot_taken"] * 199
    assert world.pots() == 1


def test_zero_bays_are_no_limit() -> None:
    world = bays()

    outcomes = [ask(world, SLOT, SLOT + HOUR_MS) for _ in range(20)]

    assert outcomes == ["ok"] * 20


@pytest.mark.parametrize(
    ("start", "end", "outcome"),
    [
        (SLOT - HOUR_MS, SLOT, "ok"),
        (SLOT - HOUR_MS, SLOT + 1, "slot_taken"),
        (SLOT - 1, SLOT, "ok"),
        (SLOT + HOUR_MS, SLOT + 2 * HOUR_MS, "ok"),
        (SLOT + HOUR_MS - 1, SLOT + 2 * HOUR_MS, "slot_taken"),
        (SLOT + HOUR_MS, SLOT + HOUR_MS, "ok"),
        (SLOT + HOUR_MS - 1, SLOT + HOUR_MS - 1, "slot_taken"),
        (SLOT + 20 * MINUTE_MS, SLOT + 25 * MINUTE_MS, "slot_taken"),
        (SLOT - DAY_MS, SLOT - DAY_MS + HOUR_MS, "ok"),
    ],
)
def test_a_slot_takes_every_quarter_it_touches(start: int, end: int, outcome: str) -> None:
    world = bays(quarter=1)
    assert ask(world, SLOT, SLOT + HOUR_MS) == "ok"

    assert ask(world, start, end) == outcome


@pytest.mark.parametrize(
    ("start", "end", "outcome"),
    [
        (0, DAY_MS, "slot_taken"),
        (-DAY_MS, 0, "ok"),
        (-DAY_MS, 1, "slot_taken"),
        (DAY_MS - 1, DAY_MS, "slot_taken"),
        (DAY_MS, 2 * DAY_MS, "ok"),
    ],
)
def test_a_day_begins_when_the_shop_says(start: int, end: int, outcome: str) -> None:
    world = bays(day=1)
    first = SLOT - SLOT % DAY_MS + DAY_START
    assert ask(world, first + HOUR_MS, first + 2 * HOUR_MS, cell=1) == "ok"

    assert ask(world, first + start, first + end, cell=1) == outcome


def test_bays_of_one_size_leave_the_other_alone() -> None:
    world = bays(quarter=1, day=1)

    outcomes = [
        ask(world, SLOT, SLOT + HOUR_MS, cell=cell, name=name)
        for cell, name in ((0, "alice"), (1, "bob"), (0, "carol"), (1, "carol"))
    ]

    assert outcomes == ["ok", "ok", "slot_taken", "slot_taken"]


def test_bays_of_one_shop_leave_the_others_alone() -> None:
    world = bays(quarter=1)
    world.must("rival", "set_settings", True, True, 0, 1, 0)
    ask(world, SLOT, SLOT + HOUR_MS)

    booking = world.book(shop="rival")

    assert world.booking(booking)["cells"] == 4


@pytest.mark.parametrize(("cell", "size"), [(0, QUARTER), (1, DAY_MS)])
@pytest.mark.parametrize(("cells", "outcome"), [(96, "ok"), (97, "too_long")])
def test_a_slot_takes_at_most_ninety_six_cells(
    cell: int, size: int, cells: int, outcome: str
) -> None:
    world = bays(quarter=1, day=1)
    start = SLOT - SLOT % DAY_MS + DAY_START

    assert ask(world, start, start + cells * size, cell=cell) == outcome


def test_the_longest_slot_is_taken_whole_and_freed_whole() -> None:
    world = bays(quarter=1)
    booking = world.book(end=SLOT + 96 * QUARTER)

    last = ask(world, SLOT + 95 * QUARTER, SLOT + 96 * QUARTER)
    world.must("alice", "cancel_booking", booking)
    again = ask(world, SLOT, SLOT + 96 * QUARTER)

    assert (last, again) == ("slot_taken", "ok")


def test_a_slot_whose_last_cell_is_taken_takes_none() -> None:
    world = bays(quarter=1)
    ask(world, SLOT + HOUR_MS, SLOT + 2 * HOUR_MS)

    refused = ask(world, SLOT, SLOT + HOUR_MS + 1)
    fits = ask(world, SLOT, SLOT + HOUR_MS)

    assert (refused, fits) == ("slot_taken", "ok")


ENDS = {
    "cancel": ("alice", "cancel_booking", ()),
    "decline": ("shop", "cancel_by_shop", (False,)),
}


@pytest.mark.parametrize("end", ENDS)
def test_a_booking_that_ends_frees_its_slot(end: str) -> None:
    world = bays(quarter=2)
    booking = world.book()
    world.book("bob")
    name, function, more = ENDS[end]

    full = ask(world, SLOT, SLOT + HOUR_MS)
    world.must(name, function, booking, *more)
    outcomes = [ask(world, SLOT, SLOT + HOUR_MS), ask(world, SLOT, SLOT + HOUR_MS)]

    assert (full, outcomes) == ("slot_taken", ["ok", "slot_taken"])
    assert world.booking(booking)["cells"] == 0


def test_a_lapsed_request_frees_its_slot() -> None:
    world = bays(quarter=1)
    world.must("shop", "set_settings", False, False, 0, 1, 0)
    world.book()

    full = ask(world, SLOT, SLOT + HOUR_MS)
    world.fire_until(world.now + HOUR_MS)

    assert (full, ask(world, SLOT, SLOT + HOUR_MS)) == ("slot_taken", "ok")


def test_a_moved_booking_takes_its_new_slot_and_frees_the_old_one() -> None:
    world = bays(quarter=1)
    booking = world.book()
    other = world.book("bob", start=SLOT + DAY_MS)

    blocked = world.call("alice", "reschedule", booking, SLOT + DAY_MS, SLOT + DAY_MS + HOUR_MS)
    overlapping = world.call(
        "alice", "reschedule", booking, SLOT + QUARTER, SLOT + QUARTER + HOUR_MS
    )
    freed = ask(world, SLOT, SLOT + QUARTER)
    taken = ask(world, SLOT, SLOT + QUARTER + 1)

    assert (blocked, overlapping, freed, taken) == ("slot_taken", "ok", "ok", "slot_taken")
    assert world.where(other) == "ACCEPTED"


def test_fewer_bays_leave_those_alone_who_have_booked() -> None:
    world = bays(quarter=2)
    booking = world.book()
    world.book("bob")

    world.must("shop", "set_settings", True, True, DAY_START, 1, 0)
    world.must("alice", "cancel_booking", booking)
    still_full = ask(world, SLOT, SLOT + HOUR_MS)

    assert still_full == "slot_taken"


def test_a_limit_that_is_lifted_and_set_again_counts_only_what_took_cells() -> None:
    world = bays(quarter=1)
    booking = world.book()
    world.must("shop", "set_settings", True, True, 0, 0, 0)
    free = world.book("bob")
    world.must("alice", "cancel_booking", booking)
    world.must("bob", "cancel_booking", free)

    world.must("shop", "set_settings", True, True, 0, 1, 0)

    outcomes = [ask(world, SLOT, SLOT + HOUR_MS), ask(world, SLOT, SLOT + HOUR_MS)]
    assert outcomes == ["ok", "slot_taken"]


def test_bays_with_nobody_left_in_them_leave_nothing_on_the_chain() -> None:
    worlds = [bays(), bays(quarter=1)]

    for world in worlds:
        world.must("alice", "cancel_booking", world.book())

    assert len(worlds[0].ledger.state) == len(worlds[1].ledger.state)
