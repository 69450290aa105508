"""Halts: while nobody makes blocks, the customers' clock stands still."""

import pytest

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from tests.contracts.standard.setting import HELD, START, TOTAL, rules
from tests.contracts.standard.world import BookingWorld, new_world

BEAT = 10 * MINUTE_MS
GRACE = 15 * MINUTE_MS  # of the chain, after a halt
SLOT = START + 3 * HOUR_MS


def halted(at: int, until: int) -> tuple[BookingWorld, bytes]:
    """Return a world with a booking and a halt: no block between `at` and `until`."""
    world = new_world(heartbeat_ms=BEAT)
    world.must("shop", "open_shop")
    booking = world.book(start=SLOT)
    world.fire_until(at - 1)
    world.make_block(at)
    world.halt_until(until)
    return world, booking


@pytest.mark.parametrize(
    ("at", "fee"),
    [
        (SLOT - 2 * HOUR_MS - BEAT, 1_500),
        (SLOT - 2 * HOUR_MS - BEAT + 1, 4_000),
        (SLOT - BEAT, 4_000),
        (SLOT - BEAT + 1, 4_500),
    ],
)
def test_cancelling_after_a_halt_costs_what_it_did_when_the_halt_began(at: int, fee: int) -> None:
    world, booking = halted(at, SLOT + 2 * HOUR_MS)

    world.at(world.now + GRACE - 1).must("alice", "cancel_booking", booking)

    assert world.split(booking) == ("CANCELLED_CUSTOMER", fee, HELD - fee)


def test_when_the_grace_after_a_halt_is_over_the_customers_clock_jumps() -> None:
    world, booking = halted(SLOT - 3 * HOUR_MS + MINUTE_MS, SLOT - HOUR_MS)

    world.at(world.now + GRACE).must("alice", "cancel_booking", booking)

    assert world.split(booking) == ("CANCELLED_CUSTOMER", 4_000, 1_000)


@pytest.mark.parametrize(("wait", "outcome"), [(GRACE - 1, "ok"), (GRACE, "wrong_state")])
@pytest.mark.parametrize("function", ["check_in", "arrived"])
def test_a_visit_that_fell_into_a_halt_can_begin_until_the_grace_is_over(
    wait: int, outcome: str, function: str
) -> None:
    world, booking = halted(SLOT + 5 * MINUTE_MS, SLOT + 2 * HOUR_MS)

    assert world.at(world.now + wait).call("alice", function, booking) == outcome


def test_a_missed_visit_of_a_halt_is_judged_by_its_own_time() -> None:
    world, booking = halted(SLOT + 5 * MINUTE_MS, SLOT + 2 * HOUR_MS)
    world.must("shop", "close_shop")

    world.fire_until(world.now + GRACE)

    assert world.split(booking) == ("NO_SHOW_CUSTOMER", 4_500, 500)


def test_a_customer_at_the_door_when_the_deadline_had_passed_before_the_halt_is_late() -> None:
    world = new_world(heartbeat_ms=BEAT)
    booking = world.book(start=SLOT)
    world.fire_until(SLOT + 20 * MINUTE_MS)
    world.halt_until(SLOT + 2 * HOUR_MS)

    assert world.call("alice", "check_in", booking) == "wrong_state"


def test_a_booking_moves_after_a_halt_by_the_customers_clock() -> None:
    world, booking = halted(SLOT - HOUR_MS - BEAT, SLOT + HOUR_MS)

    outcome = world.call("alice", "reschedule", booking, SLOT + DAY_MS, SLOT + DAY_MS + HOUR_MS)
    world.fire_until(SLOT + HOUR_MS + 2 * GRACE)

    assert (outcome, world.where(booking)) == ("ok", "ACCEPTED")


def test_a_claim_is_possible_until_the_grace_after_a_halt_is_over() -> None:
    world = new_world(heartbeat_ms=BEAT)
    booking = world.book(start=SLOT)
    world.serve(booking, at=SLOT)
    world.halt_until(SLOT + 29 * HOUR_MS)

    outcome = world.at(world.now + GRACE - 1).call("alice", "claim_redo", booking, 10_000)

    assert outcome == "ok"


def test_silence_during_a_halt_settles_once_when_the_grace_is_over() -> None:
    world = new_world(heartbeat_ms=BEAT)
    booking = world.book(start=SLOT)
    world.serve(booking, at=SLOT)
    world.halt_until(SLOT + 29 * HOUR_MS)

    world.fire_until(SLOT + 29 * HOUR_MS + GRACE - 1)
    before = world.where(booking)
    world.fire_until(SLOT + 29 * HOUR_MS + GRACE)

    assert before == "READY"
    assert world.split(booking) == ("SETTLED", TOTAL, 0)


def test_a_pot_that_ends_within_the_grace_waits_for_the_missed_visit_of_the_halt() -> None:
    world = new_world(heartbeat_ms=HOUR_MS)
    policy = world.publish(rules(grace_ms=90 * DAY_MS))
    booking = world.book(start=SLOT, policy=policy)
    end = SLOT + HOUR_MS + 90 * DAY_MS
    world.fire_until(end - 90 * MINUTE_MS)
    world.must("shop", "open_shop")
    world.halt_until(end - 5 * MINUTE_MS)

    world.fire_until(end + 9 * MINUTE_MS)
    waiting = world.where(booking)
    world.fire_until(end + 10 * MINUTE_MS)

    assert waiting == "ACCEPTED"
    assert world.split(booking) == ("NO_SHOW_CUSTOMER", 4_500, 500)


@pytest.mark.parametrize("function", ["check_in", "arrived", "cancel_booking"])
def test_a_deadline_at_the_very_beginning_of_a_halt_is_over(function: str) -> None:
    world = new_world()  # without a heartbeat a halt begins when the first thing falls due
    booking = world.book(start=SLOT)
    world.make_block(SLOT + 5 * MINUTE_MS)
    world.halt_until(SLOT + 2 * HOUR_MS)

    assert world.call("alice", function, booking) == "too_late"
    assert world.where(booking) == "ACCEPTED"


def test_a_shop_is_not_late_for_the_time_in_which_the_chain_stood_still() -> None:
    world = new_world(heartbeat_ms=BEAT)
    booking = world.book(start=SLOT)
    world.fire_until(SLOT - 1)
    world.must("alice", "check_in", booking, sponsor="shop")
    world.halt_until(SLOT + HOUR_MS // 2)

    early = world.after(GRACE - 2).call("alice", "leave", booking)
    world.must("shop", "start_service", booking)

    assert early == "too_early"
    assert world.booking(booking)["on_time"] is True


def test_a_shop_that_does_not_begin_after_a_halt_either_is_late() -> None:
    world = new_world(heartbeat_ms=BEAT)
    booking = world.book(start=SLOT)
    world.fire_until(SLOT - 1)
    world.must("alice", "check_in", booking, sponsor="shop")
    world.halt_until(SLOT + HOUR_MS // 2)

    world.after(GRACE).must("alice", "leave", booking)

    assert world.split(booking) == ("NO_SHOW_SHOP", 0, HELD)
