"""Ways out before the visit: cancelling by either side, and moving to another slot."""

import pytest

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from tests.contracts.standard.setting import HELD, RICH, SLOT, account, rules
from tests.contracts.standard.world import new_world

TIERS = [
    (7 * DAY_MS, 0),
    (7 * DAY_MS - 1, 1_000),
    (DAY_MS, 1_000),
    (DAY_MS - 1, 1_500),
    (2 * HOUR_MS, 1_500),
    (2 * HOUR_MS - 1, 4_000),
    (1, 4_000),
    (0, 4_000),
    (-1, 4_500),
    (1 - 20 * MINUTE_MS, 4_500),
]


@pytest.mark.parametrize(("lead", "fee"), TIERS)
def test_a_tier_holds_from_exactly_its_lead(lead: int, fee: int) -> None:
    world = new_world()
    booking = world.book()
    if lead < 0:
        world.at(SLOT - 1).must("shop", "open_shop")

    world.at(SLOT - lead)
    world.must("alice", "cancel_booking", booking)

    assert world.split(booking) == ("CANCELLED_CUSTOMER", fee, HELD - fee)
    assert (world.balance("alice"), world.balance("shop")) == (RICH - fee, fee)
    assert (world.pots(), world.waiting()) == (0, 0)


@pytest.mark.parametrize(("lead", "fee"), TIERS)
def test_the_view_tells_the_fee_that_the_next_block_takes(lead: int, fee: int) -> None:
    world = new_world()
    booking = world.book()

    if lead < 0:
        world.at(SLOT - 1).must("shop", "open_shop")
    world.fire_until(SLOT - lead - 1)
    world.make_block(SLOT - lead)

    assert world.read("cancel_fee", booking) == fee


def test_cancelling_at_exactly_the_end_of_the_grace_is_too_late() -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT).must("shop", "open_shop")

    outcome = world.at(SLOT + 20 * MINUTE_MS).call("alice", "cancel_booking", booking)

    assert outcome == "wrong_state"
    assert world.split(booking) == ("NO_SHOW_CUSTOMER", 4_500, 500)


@pytest.mark.parametrize(("wait", "fee"), [(15 * MINUTE_MS - 1, 0), (15 * MINUTE_MS, 4_000)])
def test_cooling_off_ends_at_its_last_instant(wait: int, fee: int) -> None:
    world = new_world()
    start = world.now + HOUR_MS
    booking = world.book(start=start)

    world.after(wait).must("alice", "cancel_booking", booking)

    assert world.split(booking) == ("CANCELLED_CUSTOMER", fee, HELD - fee)


def test_a_fee_is_never_above_what_is_held() -> None:
    world = new_world()
    booking = world.book(policy=world.publish(rules(hold_bp=1_000)))

    world.at(SLOT).must("alice", "cancel_booking", booking)

    assert world.split(booking) == ("CANCELLED_CUSTOMER", 1_000, 0)


def test_a_share_of_the_held_money_is_taken_of_the_held_money() -> None:
    world = new_world()
    tiers = [{"lead_ms_min": 0, "fee_bp": 3_333, "fee_base": "held"}]
    booking = world.book(policy=world.publish(rules(tiers=tiers)), total=9_999)

    world.at(SLOT).must("alice", "cancel_booking", booking)

    assert world.split(booking) == ("CANCELLED_CUSTOMER", 4_999 * 3_333 // 10_000, 3_333)


def test_without_a_tier_for_it_cancelling_is_free() -> None:
    world = new_world()
    booking = world.book(policy=world.publish(rules(tiers=[])))

    world.at(SLOT).must("alice", "cancel_booking", booking)

    assert world.split(booking) == ("CANCELLED_CUSTOMER", 0, HELD)


def test_without_a_grace_a_booking_is_cancelled_at_any_time_for_the_missed_visits_fee() -> None:
    world = new_world()
    booking = world.book(policy=world.publish(rules(grace_ms=None)))
    world.at(SLOT + 30 * DAY_MS - HOUR_MS).must("shop", "open_shop")

    world.at(SLOT + 30 * DAY_MS).must("alice", "cancel_booking", booking)

    assert world.split(booking) == ("CANCELLED_CUSTOMER", 4_500, 500)


def test_a_booking_without_a_hold_costs_nothing() -> None:
    world = new_world()
    booking = world.book(policy=world.publish(rules(hold_bp=0)))
    pots = world.pots()

    world.at(SLOT).must("alice", "cancel_booking", booking)

    assert pots == 1  # it holds nothing, and gives its owner the right to call
    assert world.split(booking) == ("CANCELLED_CUSTOMER", 0, 0)
    assert world.pots() == 0


def test_a_booking_is_cancelled_once() -> None:
    world = new_world()
    booking = world.book()

    world.must("alice", "cancel_booking", booking)
    outcomes = [
        world.call("alice", "cancel_booking", booking),
        world.call("shop", "cancel_by_shop", booking, False),
        world.call("alice", "confirm", booking),
    ]

    assert outcomes == ["wrong_state"] * 3


# By the shop --------------------------------------------------------------------------------------


def test_a_shop_that_cancels_gives_everything_back_and_owes_a_voucher() -> None:
    world = new_world()
    booking = world.book()

    world.must("shop", "cancel_by_shop", booking, False)

    assert world.split(booking) == ("CANCELLED_SHOP", 0, HELD)
    assert world.seen("VoucherOwed") == [(booking, account("shop"), account("alice"), 900)]
    assert (world.pots(), world.waiting()) == (0, 0)


@pytest.mark.parametrize(("total", "amount"), [(8_990, 899), (9_000, 900), (9_010, 900)])
def test_a_voucher_is_a_share_of_the_price_up_to_its_cap(total: int, amount: int) -> None:
    world = new_world()
    booking = world.book(total=total)

    world.must("shop", "cancel_by_shop", booking, False)

    assert [values[-1] for values in world.seen("VoucherOwed")] == [amount]


def test_a_request_that_the_shop_never_accepted_owes_no_voucher() -> None:
    world = new_world()
    world.must("shop", "set_settings", False, False, 0, 0, 0)
    booking = world.book()

    world.must("shop", "cancel_by_shop", booking, False)

    assert world.split(booking) == ("CANCELLED_SHOP", 0, HELD)
    assert world.seen("VoucherOwed") == []


# Another slot -------------------------------------------------------------------------------------


def test_a_moved_booking_keeps_its_money_and_has_new_deadlines() -> None:
    world = new_world()
    booking = world.book()
    world.must("alice", "reschedule", booking, SLOT + DAY_MS, SLOT + DAY_MS + HOUR_MS)

    world.fire_until(SLOT + DAY_MS)
    before, until = world.where(booking), world.booking(booking)["until"]
    world.at(SLOT + DAY_MS + 1).must("shop", "open_shop")
    world.fire_until(SLOT + DAY_MS + 20 * MINUTE_MS)

    assert (before, until) == ("ACCEPTED", SLOT + DAY_MS + HOUR_MS + 90 * DAY_MS)
    assert world.split(booking) == ("NO_SHOW_CUSTOMER", 4_500, 500)
    assert world.booking(booking)["until"] == SLOT + DAY_MS + 20 * MINUTE_MS  # when it ended


def test_a_booking_moves_as_often_as_its_rules_allow() -> None:
    world = new_world()
    booking = world.book()

    outcomes = [
        world.call(
            "alice", "reschedule", booking, SLOT + day * DAY_MS, SLOT + day * DAY_MS + HOUR_MS
        )
        for day in (5, 1, 3)
    ]

    assert outcomes == ["ok", "ok", "no_more_reschedules"]
    assert world.booking(booking)["start"] == SLOT + DAY_MS
    assert world.booking(booking)["until"] == SLOT + 95 * DAY_MS + HOUR_MS  # never shorter


def test_forth_back_and_forth_again_is_three_moves() -> None:
    world = new_world()
    booking = world.book(policy=world.publish(rules(reschedules=9)))

    for day in (5, 1, 3, 7):
        start = SLOT + day * DAY_MS
        world.must("alice", "reschedule", booking, start, start + HOUR_MS)
    world.fire_until()

    assert world.booking(booking)["rescheduled"] == 4
    assert (world.pots(), world.waiting()) == (0, 0)


@pytest.mark.parametrize(("lead", "outcome"), [(HOUR_MS, "ok"), (HOUR_MS - 1, "too_late")])
def test_a_booking_moves_until_exactly_its_lead(lead: int, outcome: str) -> None:
    world = new_world()
    booking = world.book()

    found = world.at(SLOT - lead).call(
        "alice", "reschedule", booking, SLOT + DAY_MS, SLOT + DAY_MS + HOUR_MS
    )

    assert found == outcome


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (SLOT, SLOT + 2 * HOUR_MS),
        (SLOT, SLOT),
        (SLOT - 20 * DAY_MS, SLOT - 20 * DAY_MS + HOUR_MS),
    ],
)
def test_a_slot_keeps_its_length_and_lies_ahead(start: int, end: int) -> None:
    world = new_world()
    booking = world.book()

    assert world.call("alice", "reschedule", booking, start, end) == "bad_time"


def test_moving_beyond_three_years_is_refused_and_changes_nothing() -> None:
    world = new_world()
    booking = world.book()
    before = world.booking(booking)

    outcome = world.call(
        "alice", "reschedule", booking, SLOT + 1_095 * DAY_MS, SLOT + 1_095 * DAY_MS + HOUR_MS
    )

    assert outcome == "pot"
    assert world.booking(booking) == before


def test_moving_far_gives_a_late_answer_its_missed_visit_too() -> None:
    world = new_world()
    booking = world.book(policy=world.publish(rules(grace_ms=90 * DAY_MS + 2 * HOUR_MS)))
    world.must("alice", "reschedule", booking, SLOT - DAY_MS, SLOT - DAY_MS + HOUR_MS)

    world.fire_until()

    assert world.split(booking) == ("NO_SHOW_CUSTOMER", 0, HELD)
