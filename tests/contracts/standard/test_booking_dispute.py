"""Not content: claims, answers, rulings; and what the chain does when everybody is silent."""

import pytest

from chain.types import DAY_MS, HOUR_MS
from tests.contracts.standard.setting import HELD, RICH, SLOT, TOTAL, rules
from tests.contracts.standard.world import BookingWorld, new_world

POT_LIFE = 90 * DAY_MS


def claimed(share: int, delay_ms: int = 0) -> tuple[BookingWorld, bytes]:
    """Return a world with a booking whose customer claims a share of what he paid."""
    world = new_world(delay_ms)
    booking = world.book()
    world.serve(booking)
    world.must("alice", "claim_redo", booking, share)
    return world, booking


def test_a_claim_that_the_shop_never_answers_is_given_back_in_full() -> None:
    world, booking = claimed(4_000)
    end = world.now + 72 * HOUR_MS

    world.fire_until(end - 1)
    before = world.where(booking)
    too_late = world.at(end).call("shop", "answer_claim", booking, False)

    assert (before, too_late) == ("DISPUTED", "wrong_state")
    assert world.split(booking) == ("RULED", 6_000, 4_000)


def test_a_shop_that_says_ready_without_any_work_is_not_paid() -> None:
    world = new_world(tell=True)
    booking = world.book()
    world.serve(booking, upto="check_in")
    for function in ("start_service", "ready"):
        world.must("shop", function, booking)

    world.must("alice", "claim_redo", booking, 10_000)
    world.fire_until()

    assert world.split(booking) == ("RULED", 0, HELD)
    assert world.seen("Heard") == []  # no points either


def test_a_claim_that_the_shop_accepts_is_given_back_at_once() -> None:
    world, booking = claimed(10_000)

    world.must("shop", "answer_claim", booking, True)

    assert world.split(booking) == ("RULED", 0, TOTAL)
    assert (world.balance("alice"), world.pots(), world.waiting()) == (RICH, 0, 0)


def test_a_contested_claim_is_halved_if_nobody_rules() -> None:
    world, booking = claimed(5_001)
    world.must("shop", "answer_claim", booking, False)
    end = world.now + 7 * DAY_MS

    world.fire_until(end - 1)
    before = world.where(booking)
    world.fire_until(end)

    assert before == "DISPUTED"
    assert world.split(booking) == ("RULED", 7_500, 2_500)


def test_what_does_not_divide_is_the_customers() -> None:
    world = new_world()
    booking = world.book(total=999)
    world.at(SLOT).must("alice", "check_in", booking)
    world.must("shop", "start_service", booking)
    world.must("shop", "ready", booking)
    world.must("alice", "claim_redo", booking, 3_333)

    world.must("shop", "answer_claim", booking, True)

    assert world.split(booking) == ("RULED", 332, 167)  # of 499; 499 * 0.6667 = 332.68


@pytest.mark.parametrize(
    ("share", "outcome"), [(0, "bad_claim"), (10_001, "bad_claim"), (1, "ok"), (10_000, "ok")]
)
def test_a_claim_is_a_part_of_the_money_or_all_of_it(share: int, outcome: str) -> None:
    world = new_world()
    booking = world.book()
    world.serve(booking)

    assert world.call("alice", "claim_redo", booking, share) == outcome


@pytest.mark.parametrize(
    ("share", "split"), [(0, (TOTAL, 0)), (2_500, (7_500, 2_500)), (4_000, (6_000, 4_000))]
)
@pytest.mark.parametrize("answered", [False, True])
def test_an_arbiter_rules_at_most_the_claim(
    share: int, split: tuple[int, int], *, answered: bool
) -> None:
    world, booking = claimed(4_000)
    if answered:
        world.must("shop", "answer_claim", booking, False)

    too_much = world.call("arbiter", "rule", booking, 4_001)
    world.must("arbiter", "rule", booking, share)

    assert too_much == "bad_ruling"
    assert world.split(booking) == ("RULED", *split)
    assert world.waiting() == 0


def test_an_arbiter_rules_on_a_missed_visit_within_its_fee() -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT).must("shop", "open_shop")
    world.must("alice", "arrived", booking)
    world.must("shop", "not_here", booking)

    outcomes = [
        world.call("shop", "answer_claim", booking, True),
        world.call("alice", "withdraw_claim", booking),
        world.call("arbiter", "rule", booking, 1_000),
    ]

    assert outcomes == ["wrong_state", "wrong_state", "ok"]
    assert world.split(booking) == ("RULED", 4_050, 950)


def test_a_claim_that_is_withdrawn_pays_the_shop() -> None:
    world, booking = claimed(10_000)

    world.must("alice", "withdraw_claim", booking)

    assert world.split(booking) == ("SETTLED", TOTAL, 0)
    assert world.waiting() == 0


def test_a_shop_answers_once() -> None:
    world, booking = claimed(10_000)
    world.must("shop", "answer_claim", booking, False)

    assert world.call("shop", "answer_claim", booking, True) == "wrong_state"


def test_work_that_never_ends_can_be_claimed_a_day_after_three_times_its_length() -> None:
    world = new_world()
    booking = world.book()
    world.serve(booking, upto="start_service")
    due = SLOT + 3 * HOUR_MS + DAY_MS

    early = world.at(due - 1).call("alice", "claim_redo", booking, 10_000)
    in_time = world.at(due).call("alice", "claim_redo", booking, 10_000)
    world.fire_until()

    assert (early, in_time) == ("wrong_state", "ok")
    assert world.split(booking) == ("RULED", 0, HELD)


# Everybody is silent ------------------------------------------------------------------------------


def test_what_nobody_ends_goes_back_ninety_days_after_the_slot() -> None:
    world = new_world()
    booking = world.book()
    world.serve(booking, upto="start_service")
    end = SLOT + HOUR_MS + POT_LIFE

    world.fire_until(end - 1)
    before = world.balance("alice")
    world.fire_until(end)

    assert (before, world.balance("alice")) == (RICH - HELD, RICH)
    assert (world.pots(), world.waiting()) == (0, 0)


@pytest.mark.parametrize("grace", [POT_LIFE + HOUR_MS, POT_LIFE + HOUR_MS + 1])
def test_a_missed_visit_is_judged_at_the_pots_very_end_but_not_after_it(grace: int) -> None:
    world = new_world()
    booking = world.book(policy=world.publish(rules(grace_ms=grace)))
    world.at(SLOT + POT_LIFE).must("shop", "open_shop")

    world.fire_until()

    in_time = grace == POT_LIFE + HOUR_MS
    assert world.balance("shop") == (4_500 if in_time else 0)
    assert world.where(booking) == ("NO_SHOW_CUSTOMER" if in_time else "ACCEPTED")
    assert world.waiting() == 0


def late_steps(world: BookingWorld, booking: bytes) -> list[str]:
    return [
        world.call("alice", "pay", booking, funds=1),
        world.call("alice", "extend", booking, SLOT + 400 * DAY_MS),
        world.call("shop", "ready", booking),
        world.call("alice", "confirm", booking),
        world.call("alice", "confirm", booking),
    ]


@pytest.mark.parametrize("hold", [5_000, 0])
def test_after_the_pots_end_nothing_is_left_to_decide(hold: int) -> None:
    world = new_world()
    booking = world.book(policy=world.publish(rules(hold_bp=hold)))
    world.serve(booking, upto="check_in")
    world.must("shop", "start_service", booking)
    world.fire_until()

    outcomes = late_steps(world, booking)

    assert outcomes == ["pot", "pot", "ok", "ok", "wrong_state"]
    assert world.where(booking) == "RETURNED"
    assert world.seen("Closed") == []
    assert (world.balance("alice"), world.waiting()) == (RICH, 0)


def test_without_deadlines_everything_still_goes_back_in_the_end() -> None:
    world = new_world()
    silent = rules(grace_ms=None, serve_by_ms=None, settle_after_ms=None, accept_by_ms=None)
    policy = world.publish(silent)
    bookings = [world.book(policy=policy) for _ in range(5)]
    world.serve(bookings[0])
    world.must("alice", "claim_redo", bookings[0], 10_000)
    world.must("alice", "check_in", bookings[1])
    world.must("alice", "arrived", bookings[2])
    world.serve(bookings[3], at=world.now + 1)

    world.fire_until()

    states = [world.where(booking) for booking in bookings]
    assert states == ["RULED", "CHECKED_IN", "ARRIVED", "READY", "ACCEPTED"]
    assert (world.balance("alice"), world.pots(), world.waiting()) == (RICH, 0, 0)


@pytest.mark.parametrize("late", [0, 1])
def test_a_claim_near_the_pots_end_is_decided_in_time_or_goes_back(late: int) -> None:
    world = new_world()
    booking = world.book(policy=world.publish(rules(settle_after_ms=10 * DAY_MS)))
    world.serve(booking, upto="start_service")
    end = SLOT + HOUR_MS + POT_LIFE
    world.at(end - 72 * HOUR_MS + late - 1).must("shop", "ready", booking)

    world.at(end - 72 * HOUR_MS + late).must("alice", "claim_redo", booking, 5_000)
    world.fire_until()

    assert world.where(booking) == ("DISPUTED" if late else "RULED")
    assert world.balance("shop") == (0 if late else HELD // 2)
    assert (world.pots(), world.waiting()) == (0, 0)


def test_the_customer_extends_up_to_three_years() -> None:
    world = new_world()
    booking = world.book()
    made = world.booking(booking)["created_at"]
    first = SLOT + HOUR_MS + POT_LIFE

    outcomes = [
        world.call("alice", "extend", booking, until)
        for until in (first - 1, first, made + 1_095 * DAY_MS + 1, made + 1_095 * DAY_MS, first + 2)
    ]

    assert outcomes == ["bad_time", "ok", "pot", "ok", "bad_time"]
    assert world.booking(booking)["until"] == made + 1_095 * DAY_MS


def test_an_extended_pot_survives_a_move_and_goes_back_at_its_new_end() -> None:
    world = new_world()
    booking = world.book(policy=world.publish(rules(grace_ms=None)))
    until = SLOT + 300 * DAY_MS
    world.must("alice", "extend", booking, until)

    world.must("alice", "reschedule", booking, SLOT + DAY_MS, SLOT + DAY_MS + HOUR_MS)
    world.fire_until(until - 1)
    before = world.pots()
    world.fire_until(until)

    assert (before, world.pots()) == (1, 0)
    assert world.balance("alice") == RICH


@pytest.mark.parametrize(("early", "timers"), [(0, 1), (1, 1), (-1, 0)])
def test_no_timer_is_set_beyond_the_pots_end(early: int, timers: int) -> None:
    world = new_world()
    booking = world.book(policy=world.publish(rules(settle_after_ms=80 * DAY_MS)))
    world.serve(booking, upto="start_service")
    end = SLOT + HOUR_MS + POT_LIFE

    world.at(end - 80 * DAY_MS - early).must("shop", "ready", booking)

    assert world.waiting() == 1 + timers
    world.fire_until()
    assert world.where(booking) == ("SETTLED" if timers else "READY")


@pytest.mark.parametrize(("early", "fee"), [(0, 4_500), (1, 4_500), (-1, 0)])
def test_a_pay_out_beyond_the_pots_end_is_left_to_the_chain(early: int, fee: int) -> None:
    world = new_world(DAY_MS)
    grace = POT_LIFE + HOUR_MS - DAY_MS - early
    booking = world.book(policy=world.publish(rules(grace_ms=grace)))
    world.at(SLOT + grace - 1).must("shop", "open_shop")

    world.fire_until()

    assert world.balance("shop") == fee
    assert world.where(booking) == ("NO_SHOW_CUSTOMER" if fee else "NO_SHOW_DUE")
