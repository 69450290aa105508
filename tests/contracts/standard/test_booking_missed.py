"""Visits that are missed: by the customer, by the shop, or one word against another."""

import pytest

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from tests.contracts.standard.setting import HELD, RICH, SLOT, START, TOTAL, account, rules
from tests.contracts.standard.world import BookingWorld, new_world

GRACE = 20 * MINUTE_MS
PAYOUT = DAY_MS  # of worlds with a delay


def opened(delay_ms: int = 0) -> tuple[BookingWorld, bytes]:
    """Return a world with a booking whose shop opens an hour before the slot."""
    world = new_world(delay_ms)
    booking = world.book()
    world.at(SLOT - HOUR_MS).must("shop", "open_shop")
    return world, booking


# The customer does not come -----------------------------------------------------------------------


def test_a_missed_visit_costs_its_fee() -> None:
    world, booking = opened()

    world.fire_until(SLOT + GRACE)

    assert world.split(booking) == ("NO_SHOW_CUSTOMER", 4_500, 500)


def openings(*moments: tuple[str, int]) -> BookingWorld:
    world = new_world()
    for function, at in moments:
        world.at(at).must("shop", function)
    return world


DUE = SLOT + GRACE


@pytest.mark.parametrize(
    ("moments", "fee"),
    [
        ((), 0),
        ((("open_shop", DUE - DAY_MS),), 4_500),
        ((("open_shop", DUE - DAY_MS - 1),), 0),
        ((("open_shop", DUE - 1),), 4_500),
        ((("open_shop", DUE),), 0),
        ((("open_shop", SLOT), ("close_shop", DUE - 1)), 0),
        ((("open_shop", SLOT - HOUR_MS), ("close_shop", SLOT), ("open_shop", SLOT + 1)), 4_500),
        ((("open_shop", SLOT - 3), ("open_shop", SLOT - 2), ("close_shop", SLOT - 1)), 0),
    ],
)
def test_a_missed_visit_costs_nothing_unless_the_shop_was_open(
    moments: tuple[tuple[str, int], ...], fee: int
) -> None:
    world = new_world()
    booking = world.book()
    for function, at in moments:
        world.at(at).must("shop", function)

    world.fire_until(DUE)

    assert world.split(booking) == ("NO_SHOW_CUSTOMER", fee, HELD - fee)


def test_a_shop_can_not_close_twice_to_have_been_open_longer() -> None:
    world = openings(("open_shop", START + HOUR_MS), ("close_shop", START + 2 * HOUR_MS))

    outcome = world.call("shop", "close_shop")

    assert outcome == "not_open"
    assert world.call("rival", "close_shop") == "not_open"


def test_the_opening_before_the_latest_one_still_counts_for_its_time() -> None:
    world = openings(
        ("open_shop", START + HOUR_MS),
        ("close_shop", START + 2 * HOUR_MS),
        ("open_shop", START + 3 * HOUR_MS),
    )

    seen = [
        world.read("was_open", account("shop"), START + minutes * MINUTE_MS)
        for minutes in (59, 60, 119, 120, 179, 180, 180 + 24 * 60, 181 + 24 * 60)
    ]

    assert seen == [False, True, True, False, False, True, True, False]


def test_a_missed_visit_is_paid_after_the_delay() -> None:
    world, booking = opened(PAYOUT)

    world.fire_until(DUE)
    waiting = world.where(booking)
    world.fire_until(DUE + PAYOUT - 1)
    still = world.where(booking)
    world.fire_until(DUE + PAYOUT)

    assert (waiting, still) == ("NO_SHOW_DUE", "NO_SHOW_DUE")
    assert world.split(booking) == ("NO_SHOW_CUSTOMER", 4_500, 500)
    assert (world.pots(), world.waiting()) == (0, 0)


def test_a_missed_visit_at_a_closed_shop_is_given_back_after_the_delay() -> None:
    world = new_world(PAYOUT)
    booking = world.book()

    world.fire_until(DUE)
    waiting = world.where(booking)
    world.at(DUE + 1).must("shop", "open_shop")  # too late to have been there
    world.fire_until()

    assert waiting == "NO_SHOW_DUE"
    assert world.split(booking) == ("NO_SHOW_CUSTOMER", 0, HELD)


def test_a_record_signed_by_both_within_the_delay_makes_it_a_served_booking() -> None:
    world, booking = opened(PAYOUT)
    world.fire_until(DUE)

    alone = world.call("alice", "check_in", booking)
    world.serve(booking, at=DUE + PAYOUT - 1, upto="confirm")

    assert alone == "shop_must_sign"
    assert world.split(booking) == ("SETTLED", TOTAL, 0)
    assert world.waiting() == 0


def test_a_record_at_the_very_end_of_the_delay_is_too_late() -> None:
    world, booking = opened(PAYOUT)

    outcome = world.at(DUE + PAYOUT).call("alice", "check_in", booking, sponsor="shop")

    assert outcome == "wrong_state"
    assert world.where(booking) == "NO_SHOW_CUSTOMER"


# The shop does not serve --------------------------------------------------------------------------


@pytest.mark.parametrize(("sponsor", "vouchers"), [("shop", [900]), (None, []), ("rival", [])])
def test_a_customer_nobody_serves_gets_all_back_and_a_voucher_if_both_signed(
    sponsor: str | None, vouchers: list[int]
) -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT + MINUTE_MS).must("alice", "check_in", booking, sponsor=sponsor)

    world.fire_until(SLOT + MINUTE_MS + HOUR_MS - 1)
    before = world.where(booking)
    world.fire_until(SLOT + MINUTE_MS + HOUR_MS)

    assert before == "CHECKED_IN"
    assert world.split(booking) == ("NO_SHOW_SHOP", 0, HELD)
    assert [values[-1] for values in world.seen("VoucherOwed")] == vouchers
    assert (world.pots(), world.waiting()) == (0, 0)


def test_an_early_check_in_gives_the_shop_until_after_the_slots_beginning() -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT - 15 * MINUTE_MS).must("alice", "check_in", booking)

    world.fire_until(SLOT + HOUR_MS - 1)
    before = world.where(booking)
    world.fire_until(SLOT + HOUR_MS)

    assert (before, world.where(booking)) == ("CHECKED_IN", "NO_SHOW_SHOP")


def test_money_paid_before_nobody_served_goes_back_too() -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT).must("alice", "check_in", booking, sponsor="shop")
    world.must("alice", "pay", booking, funds=TOTAL - HELD)

    world.fire_until()

    assert world.split(booking) == ("NO_SHOW_SHOP", 0, TOTAL)
    assert world.balance("alice") == RICH


def test_a_shop_that_failed_has_the_delay_to_bring_a_record_signed_by_both() -> None:
    world = new_world(PAYOUT)
    bookings = [world.book(), world.book()]
    world.at(SLOT)
    for booking in bookings:
        world.must("alice", "check_in", booking, sponsor="shop")

    world.fire_until(SLOT + 2 * HOUR_MS)
    waiting = [world.where(booking) for booking in bookings]
    alone = world.call("alice", "check_in", bookings[0])
    world.serve(bookings[0], at=SLOT + 3 * HOUR_MS, upto="confirm")
    world.fire_until()

    assert waiting == ["FAILURE_DUE", "FAILURE_DUE"]
    assert alone == "shop_must_sign"
    assert [world.where(booking) for booking in bookings] == ["SETTLED", "NO_SHOW_SHOP"]
    assert [values[0] for values in world.seen("VoucherOwed")] == [bookings[1]]


def test_a_shop_may_still_cancel_after_the_check_in_and_owes_a_voucher() -> None:
    world = new_world()
    booking = world.book()
    world.serve(booking, upto="check_in")

    world.must("shop", "cancel_by_shop", booking, False)

    assert world.split(booking) == ("CANCELLED_SHOP", 0, HELD)
    assert [values[-1] for values in world.seen("VoucherOwed")] == [900]


def test_work_that_has_begun_is_not_cancelled() -> None:
    world = new_world()
    booking = world.book()
    world.serve(booking, upto="start_service")

    outcomes = [
        world.call("shop", "cancel_by_shop", booking, True),
        world.call("alice", "cancel_booking", booking),
    ]

    assert outcomes == ["wrong_state", "wrong_state"]


# One word against another -------------------------------------------------------------------------


def test_an_arrival_that_nobody_answers_gives_everything_back() -> None:
    world, booking = opened()
    world.at(SLOT + GRACE - 1).must("alice", "arrived", booking)

    world.fire_until()

    assert world.split(booking) == ("NO_SHOW_SHOP", 0, HELD)
    assert world.seen("VoucherOwed") == []


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        (SLOT - 15 * MINUTE_MS - 1, "wrong_state"),
        (SLOT - 15 * MINUTE_MS, "ok"),
        (SLOT + GRACE - 1, "ok"),
        (SLOT + GRACE, "wrong_state"),
    ],
)
def test_arriving_has_the_times_of_a_check_in(at: int, outcome: str) -> None:
    world, booking = opened()

    assert world.at(at).call("alice", "arrived", booking) == outcome


def test_an_arrival_becomes_a_check_in_and_a_service() -> None:
    world, booking = opened()
    world.at(SLOT).must("alice", "arrived", booking)

    world.serve(booking, at=SLOT + 50 * MINUTE_MS, upto="confirm")

    assert world.split(booking) == ("SETTLED", TOTAL, 0)


def test_a_contested_arrival_is_split_by_half_of_the_fee_if_nobody_rules() -> None:
    world, booking = opened()
    world.at(SLOT).must("alice", "arrived", booking)

    world.must("shop", "not_here", booking)
    disputed = world.where(booking)
    world.fire_until()

    assert disputed == "DISPUTED"
    assert world.split(booking) == ("RULED", 2_250, 2_750)


def test_the_odd_unit_of_a_contested_arrival_is_the_customers() -> None:
    world = new_world()
    booking = world.book(total=TOTAL + 2)  # a fee of 4500.9, so 4500; half of 4501 does not exist
    odd = world.book(policy=world.publish(rules(no_show={"fee_bp": 4_501})))
    world.at(SLOT).must("shop", "open_shop")
    for one in (booking, odd):
        world.must("alice", "arrived", one)
        world.must("shop", "not_here", one)

    world.fire_until()

    assert world.split(booking) == ("RULED", 2_250, HELD + 1 - 2_250)
    assert world.split(odd) == ("RULED", 2_250, HELD - 2_250)


def test_a_shop_that_signed_no_opening_can_not_contest_an_arrival() -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT).must("alice", "arrived", booking)

    outcome = world.call("shop", "not_here", booking)
    world.fire_until()

    assert outcome == "not_open"
    assert world.split(booking) == ("NO_SHOW_SHOP", 0, HELD)


def test_contesting_at_the_end_of_serve_by_is_too_late() -> None:
    world, booking = opened()
    world.at(SLOT).must("alice", "arrived", booking)

    outcome = world.at(SLOT + HOUR_MS).call("shop", "not_here", booking)

    assert outcome == "wrong_state"
    assert world.where(booking) == "NO_SHOW_SHOP"


@pytest.mark.parametrize(
    ("days", "ends"),
    [
        ((0, 10, 20), ("RULED", "RULED", "NO_SHOW_CUSTOMER")),
        ((0, 10, 89), ("RULED", "RULED", "NO_SHOW_CUSTOMER")),
        ((0, 10, 90), ("RULED", "RULED", "RULED")),
        ((0, 10, 95, 99), ("RULED", "RULED", "RULED", "NO_SHOW_CUSTOMER")),
    ],
)
def test_the_third_contested_arrival_in_ninety_days_is_a_missed_visit(
    days: tuple[int, ...], ends: tuple[str, ...]
) -> None:
    world = new_world()
    bookings = []
    for day in days:
        slot = SLOT + day * DAY_MS
        world.at(slot - 2 * HOUR_MS).must("shop", "open_shop")
        bookings.append(world.book(start=slot))
        world.at(slot).must("alice", "arrived", bookings[-1])
        world.at(slot + 1).must("shop", "not_here", bookings[-1])
    world.fire_until()

    assert tuple(world.where(booking) for booking in bookings) == ends


def test_contested_arrivals_are_counted_by_customer() -> None:
    world, booking = opened()
    bookings = {"alice": booking, "bob": world.book("bob"), "carol": world.book("carol")}
    world.at(SLOT)

    for name, one in bookings.items():
        world.must(name, "arrived", one)
        world.must("shop", "not_here", one)

    assert [world.where(one) for one in bookings.values()] == ["DISPUTED"] * 3
