"""What other contracts are told of a booking: figures, points, vouchers, what lapsed."""

from collections.abc import Callable
from typing import Any

import pytest

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.catalog import abi
from tests.contracts.standard.setting import HELD, RICH, SLOT, TOTAL, account, rules
from tests.contracts.standard.world import BookingWorld, new_world

EARNED, OWED, UNANSWERED, ANSWERED = 1, 2, 3, 6
SHOP, ALICE = account("shop"), account("alice")
LATE = 20 * MINUTE_MS


def figures(world: BookingWorld) -> dict[str, int]:
    """Return a shop's figures that are not zero."""
    names = [one["name"] for one in abi("shops")["records"]["Figures"]]
    found = zip(names, world.read("figures", SHOP), strict=True)
    return {name: value for name, value in found if value}


def heard(world: BookingWorld, what: int) -> list[tuple[Any, ...]]:
    return [values[1:] for values in world.seen("Heard") if values[0] == what]


def settled(world: BookingWorld) -> bytes:
    booking = world.book()
    world.serve(booking, upto="confirm")
    return booking


def redone(world: BookingWorld) -> bytes:
    booking = world.book()
    world.serve(booking)
    world.must("alice", "claim_redo", booking, 5_000)
    world.must("alice", "withdraw_claim", booking)
    return booking


def ruled(world: BookingWorld) -> bytes:
    booking = world.book()
    world.serve(booking)
    world.must("alice", "claim_redo", booking, 5_000)
    world.must("shop", "answer_claim", booking, True)
    return booking


def declined(world: BookingWorld) -> bytes:
    world.must("shop", "set_settings", False, False, 0, 0, 0)
    booking = world.book()
    world.must("shop", "decline", booking)
    return booking


def lapsed(world: BookingWorld) -> bytes:
    world.must("shop", "set_settings", False, False, 0, 0, 0)
    return world.book()


def cancelled_by_customer(world: BookingWorld) -> bytes:
    booking = world.book()
    world.must("alice", "cancel_booking", booking)
    return booking


def cancelled_by_shop(world: BookingWorld) -> bytes:
    booking = world.book()
    world.must("shop", "cancel_by_shop", booking, False)
    return booking


def cancelled_for_weather(world: BookingWorld) -> bytes:
    booking = world.book()
    world.at(SLOT).must("shop", "announce_weather", SLOT // DAY_MS)
    world.must("shop", "cancel_by_shop", booking, True)
    return booking


def missed(world: BookingWorld) -> bytes:
    booking = world.book()
    world.at(SLOT).must("shop", "open_shop")
    return booking


def unserved(world: BookingWorld) -> bytes:
    booking = world.book()
    world.serve(booking, upto="check_in")
    return booking


VOUCHER = [(SHOP, ALICE, 900)]
ENDS: dict[Callable[[BookingWorld], bytes], tuple[dict[str, int], list[Any], list[Any], int]] = {
    settled: ({"settled": 1, "on_time": 1}, [(SHOP, ALICE, TOTAL)], [], 0),
    redone: ({"redone": 1, "on_time": 1}, [(SHOP, ALICE, TOTAL)], [], 0),
    ruled: ({"ruled": 1}, [], [], 0),
    declined: ({"declined": 1}, [], [], 0),
    lapsed: ({"lapsed": 1}, [], [], 1),
    cancelled_by_customer: ({"cancelled_by_customer": 1}, [], [], 0),
    cancelled_by_shop: ({"cancelled_by_shop": 1}, [], VOUCHER, 0),
    cancelled_for_weather: ({"weather": 1}, [], [], 0),
    missed: ({"missed_by_customer": 1}, [], [], 0),
    unserved: ({"missed_by_shop": 1}, [], VOUCHER, 0),
}


@pytest.mark.parametrize("end", ENDS)
def test_every_end_is_told_to_those_whom_it_concerns(end: Callable[[BookingWorld], bytes]) -> None:
    world = new_world(tell=True)
    counted, points, vouchers, unanswered = ENDS[end]

    booking = end(world)
    world.fire_until()

    assert figures(world) == counted
    assert heard(world, EARNED) == [(*one, booking) for one in points]
    assert heard(world, OWED) == [(*one, booking) for one in vouchers]
    assert [one[:2] for one in heard(world, UNANSWERED)] == [(SHOP, ALICE)] * unanswered
    served = end in {settled, redone, ruled}
    assert [one[:2] for one in heard(world, ANSWERED)] == [(SHOP, ALICE)] * served
    assert (world.pots(), world.waiting()) == (0, 0)


@pytest.mark.parametrize("end", ENDS)
def test_a_contract_that_tells_nobody_ends_bookings_alike(
    end: Callable[[BookingWorld], bytes],
) -> None:
    silent, telling = new_world(), new_world(tell=True)

    ends = []
    for world in (silent, telling):
        booking = end(world)
        world.fire_until()
        ends.append(world.split(booking))

    assert ends[0] == ends[1]
    assert silent.seen("Heard") == []
    assert figures(silent) == {}


def test_no_points_for_what_was_not_paid() -> None:
    world = new_world(tell=True)
    booking = world.book(policy=world.publish(rules(hold_bp=0)))
    world.serve(booking, upto="start_service")
    world.must("shop", "ready", booking)
    world.must("alice", "confirm", booking)

    world.fire_until()

    assert world.split(booking) == ("SETTLED", 0, 0)
    assert heard(world, EARNED) == []
    assert figures(world) == {"settled": 1, "on_time": 1}


DEAF = [
    (settled, EARNED, ("SETTLED", TOTAL, 0), {"settled": 1, "on_time": 1}),
    (cancelled_by_shop, OWED, ("CANCELLED_SHOP", 0, HELD), {"cancelled_by_shop": 1}),
    (lapsed, UNANSWERED, ("LAPSED", 0, HELD), {"lapsed": 1}),
]


@pytest.mark.parametrize(("end", "what", "split", "counted"), DEAF)
def test_who_fails_to_listen_stops_neither_money_nor_figures_and_is_told_again(
    end: Callable[[BookingWorld], bytes], what: int, split: Any, counted: dict[str, int]
) -> None:
    world = new_world(tell=True)
    world.may_fail = True
    world.must("operator", "turn_deaf", what)

    booking = end(world)
    world.fire_until(world.now + 31 * MINUTE_MS)
    told = heard(world, what)
    world.must("operator", "turn_deaf", 0)
    world.fire_until()

    assert told == []
    assert world.split(booking) == split
    assert figures(world) == counted
    assert len(heard(world, what)) == 1
    assert (world.pots(), world.waiting()) == (0, 0)


def test_money_is_paid_even_if_all_that_is_told_fails() -> None:
    world = new_world(tell=True, installed=False)  # so nobody listens
    world.may_fail = True
    booking = world.book()
    world.serve(booking)

    world.must("alice", "confirm", booking)
    world.fire_until()

    assert world.split(booking) == ("SETTLED", TOTAL, 0)
    assert (heard(world, EARNED), figures(world)) == ([], {})
    assert (world.pots(), world.waiting()) == (0, 0)


# On time ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arrival", "wait", "on_time"),
    [
        (-15 * MINUTE_MS, 35 * MINUTE_MS - 1, True),
        (-15 * MINUTE_MS, 35 * MINUTE_MS, False),
        (0, LATE - 1, True),
        (0, LATE, False),
        (10 * MINUTE_MS, LATE - 1, True),
        (10 * MINUTE_MS, LATE, False),
    ],
)
@pytest.mark.parametrize("said", ["check_in", "arrived"])
def test_work_is_on_time_within_twenty_minutes_of_slot_or_arrival(
    arrival: int, wait: int, said: str, *, on_time: bool
) -> None:
    world = new_world(tell=True)
    booking = world.book()
    world.at(SLOT + arrival).must("alice", said, booking)
    if said == "arrived":
        world.must("alice", "check_in", booking)  # a little later does not matter

    world.at(SLOT + arrival + wait).must("shop", "start_service", booking)

    assert world.booking(booking)["on_time"] is on_time


# Visits, as other contracts read them ----------------------------------------------------------


def visit(world: BookingWorld, booking: bytes) -> dict[str, Any]:
    names = [one["name"] for one in abi("booking")["records"]["Visit"]]
    return dict(zip(names, world.read("visit", booking), strict=True))


def test_a_visit_that_nobody_agreed_on_is_all_zeros() -> None:
    world = new_world()

    assert set(world.read("visit", bytes(32))) == {bytes(32), 0}


STAGES = {
    "check_in": 2,
    "start_service": 2,
    "ready": 2,
    "confirm": 3,
}


@pytest.mark.parametrize("step", STAGES)
def test_a_visit_says_how_far_it_came(step: str) -> None:
    world = new_world()
    booking = world.book()
    before = visit(world, booking)["stage"]

    world.serve(booking, upto=step)

    over = STAGES[step] == 3
    assert before == 1
    assert visit(world, booking) == {
        "customer": ALICE,
        "shop": SHOP,
        "stage": STAGES[step],
        "checked_in": True,
        "co_signed": True,
        "service": 0,
        "paid": TOTAL if over else 0,
        "over_at": world.now if over else 0,
    }


@pytest.mark.parametrize(
    ("end", "stage", "paid"),
    [
        (ruled, 3, TOTAL // 2),
        (declined, 4, 0),
        (lapsed, 4, 0),
        (cancelled_by_customer, 4, 0),
        (cancelled_by_shop, 4, 0),
        (missed, 4, 4_500),
        (unserved, 4, 0),
    ],
)
def test_a_visit_that_is_over_says_what_the_shop_got(
    end: Callable[[BookingWorld], bytes], stage: int, paid: int
) -> None:
    world = new_world()
    booking = end(world)
    world.fire_until()

    found = visit(world, booking)

    assert (found["stage"], found["paid"]) == (stage, paid)
    assert found["over_at"] == world.booking(booking)["until"] <= world.now


def test_a_visit_whose_money_the_chain_returned_is_over() -> None:
    world = new_world()
    booking = world.book()
    world.serve(booking, upto="start_service")
    end = SLOT + HOUR_MS + 90 * DAY_MS

    world.fire_until(end)
    world.make_block(end + 1)

    assert (visit(world, booking)["stage"], visit(world, booking)["over_at"]) == (4, end)
    assert world.balance("alice") == RICH


def test_a_dispute_about_the_work_is_a_visit_and_one_about_an_arrival_is_none() -> None:
    world = new_world()
    work, arrival = world.book(), world.book("bob")
    world.serve(work)
    world.must("alice", "claim_redo", work, 1)
    world.must("shop", "open_shop")
    world.must("bob", "arrived", arrival)
    world.must("shop", "not_here", arrival)

    assert [visit(world, one)["stage"] for one in (work, arrival)] == [2, 1]
