"""Weather that a shop announced, and slots that it offers."""

import pytest

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from tests.contracts.standard.setting import HELD, RICH, SLOT, TOTAL, account, rules
from tests.contracts.standard.world import BookingWorld, new_world

TODAY = SLOT // DAY_MS
GRACE = 20 * MINUTE_MS


def stormy(*days: int) -> tuple[BookingWorld, bytes]:
    """Return a world with a booking, and weather announced an hour before its slot."""
    world = new_world()
    booking = world.book()
    world.at(SLOT - HOUR_MS)
    for day in days or (TODAY,):
        world.must("shop", "announce_weather", day)
    return world, booking


# Weather ------------------------------------------------------------------------------------------


def test_after_an_announcement_the_shop_cancels_and_owes_nothing() -> None:
    world, booking = stormy()

    world.must("shop", "cancel_by_shop", booking, True)

    assert world.seen("WeatherAnnounced") == [(account("shop"), TODAY)]
    assert world.split(booking) == ("CANCELLED_WEATHER", 0, HELD)
    assert world.seen("VoucherOwed") == []


def test_after_an_announcement_the_customer_cancels_freely() -> None:
    world, booking = stormy()

    told = world.read("cancel_fee", booking)
    world.at(SLOT - 1).must("alice", "cancel_booking", booking)

    assert told == 0
    assert world.split(booking) == ("CANCELLED_WEATHER", 0, HELD)
    assert (world.balance("alice"), world.pots(), world.waiting()) == (RICH, 0, 0)


def test_on_such_a_day_a_missed_visit_costs_nothing() -> None:
    world, booking = stormy()
    world.must("shop", "open_shop")

    world.fire_until()

    assert world.split(booking) == ("CANCELLED_WEATHER", 0, HELD)


@pytest.mark.parametrize("days", [(), (TODAY - 1,), (TODAY + 1,)])
def test_weather_that_was_not_announced_for_that_day_is_no_reason(days: tuple[int, ...]) -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT - DAY_MS)
    for day in days:
        world.must("shop", "announce_weather", day)
    world.at(SLOT - HOUR_MS)

    outcome = world.call("shop", "cancel_by_shop", booking, True)
    world.must("alice", "cancel_booking", booking)

    assert outcome == "not_announced"
    assert world.split(booking) == ("CANCELLED_CUSTOMER", 4_000, 1_000)


def test_weather_at_one_shop_is_none_at_another() -> None:
    world, _booking = stormy()
    other = world.book(shop="rival")

    assert world.call("rival", "cancel_by_shop", other, True) == "not_announced"


def test_a_shop_that_cancels_for_its_own_reason_owes_a_voucher_on_such_a_day_too() -> None:
    world, booking = stormy()

    world.must("shop", "cancel_by_shop", booking, False)

    assert world.split(booking) == ("CANCELLED_SHOP", 0, HELD)
    assert [values[-1] for values in world.seen("VoucherOwed")] == [900]


@pytest.mark.parametrize(
    ("day", "outcome"),
    [(-1, "bad_day"), (0, "ok"), (1, "ok"), (3, "ok"), (4, "bad_day")],
)
def test_weather_is_announced_while_the_day_lasts_or_up_to_three_days_ahead(
    day: int, outcome: str
) -> None:
    world = new_world()
    world.at((TODAY + 1) * DAY_MS - DAY_MS)

    assert world.call("shop", "announce_weather", TODAY + day) == outcome


@pytest.mark.parametrize(("late", "outcome"), [(-1, "ok"), (0, "bad_day")])
def test_a_day_is_over_at_its_last_instant(late: int, outcome: str) -> None:
    world = new_world()

    found = world.at((TODAY + 1) * DAY_MS + late).call("shop", "announce_weather", TODAY)

    assert found == outcome


@pytest.mark.parametrize("name", ["alice", "stranger", "operator", "arbiter"])
def test_only_a_shop_announces_weather(name: str) -> None:
    world = new_world()

    assert world.call(name, "announce_weather", TODAY - 9) == "link"


def test_a_day_is_the_shops_own_which_may_begin_the_evening_before() -> None:
    world = new_world()
    world.must("shop", "set_settings", True, True, 16 * HOUR_MS, 0, 0)  # midnight in Shanghai
    evening, morning = TODAY * DAY_MS + 15 * HOUR_MS, TODAY * DAY_MS + 16 * HOUR_MS
    bookings = [world.book(start=start) for start in (evening, morning)]
    world.at(evening - HOUR_MS).must("shop", "announce_weather", TODAY)

    outcomes = [world.call("shop", "cancel_by_shop", one, True) for one in bookings]

    assert outcomes == ["not_announced", "ok"]


def test_a_booking_that_moves_away_from_the_weather_has_its_usual_fees() -> None:
    world, booking = stormy()
    start = SLOT + 2 * HOUR_MS
    day_later = start + DAY_MS
    world.must("shop", "offer_slot", booking, day_later)
    world.must("alice", "reschedule", booking, day_later, day_later + HOUR_MS)

    world.at(day_later - 1).must("alice", "cancel_booking", booking)

    assert world.split(booking) == ("CANCELLED_CUSTOMER", 4_000, 1_000)


# Slots that the shop offers -----------------------------------------------------------------------

LATER = SLOT + 5 * HOUR_MS


def test_an_offered_slot_that_the_customer_takes_does_not_count_as_his_move() -> None:
    world = new_world()
    booking = world.book(policy=world.publish(rules(reschedules=0)))

    alone = world.call("alice", "reschedule", booking, LATER, LATER + HOUR_MS)
    world.must("shop", "offer_slot", booking, LATER)
    world.at(SLOT + GRACE - 1).must("alice", "reschedule", booking, LATER, LATER + HOUR_MS)
    moved = world.booking(booking)
    world.serve(booking, at=LATER, upto="confirm")

    assert alone == "no_more_reschedules"
    assert world.seen("Offered") == [(booking, account("shop"), LATER, LATER + HOUR_MS)]
    assert (moved["start"], moved["end"]) == (LATER, LATER + HOUR_MS)
    assert (moved["rescheduled"], moved["come_by"]) == (0, LATER + GRACE)
    assert world.split(booking) == ("SETTLED", TOTAL, 0)


def test_all_deadlines_move_with_an_offered_slot() -> None:
    world = new_world()
    booking = world.book()
    world.must("shop", "offer_slot", booking, LATER)
    world.must("alice", "reschedule", booking, LATER, LATER + HOUR_MS)
    world.at(SLOT).must("shop", "open_shop")

    world.fire_until(LATER + GRACE - 1)
    before = world.where(booking)
    world.fire_until(LATER + GRACE)

    assert before == "ACCEPTED"
    assert world.split(booking) == ("NO_SHOW_CUSTOMER", 4_500, 500)
    assert (world.pots(), world.waiting()) == (0, 0)


def test_an_offer_binds_nobody_before_the_customer_takes_it() -> None:
    world = new_world()
    booking = world.book()
    world.must("shop", "offer_slot", booking, LATER)

    world.serve(booking, upto="confirm")

    assert world.split(booking) == ("SETTLED", TOTAL, 0)


def test_an_offered_slot_is_taken_once() -> None:
    world = new_world()
    booking = world.book(policy=world.publish(rules(reschedules=0)))
    world.must("shop", "offer_slot", booking, LATER)

    outcomes = [
        world.call("alice", "reschedule", booking, start, start + HOUR_MS)
        for start in (LATER + 1, LATER, LATER)
    ]

    assert outcomes == ["no_more_reschedules", "ok", "no_more_reschedules"]


def test_a_request_becomes_a_booking_when_the_customer_takes_the_offered_slot() -> None:
    world = new_world()
    world.must("shop", "set_settings", False, False, 0, 0, 0)
    booking = world.book()
    world.must("shop", "offer_slot", booking, LATER)

    world.must("alice", "reschedule", booking, LATER, LATER + HOUR_MS)

    assert world.where(booking) == "ACCEPTED"
    assert world.waiting() == 2  # the missed visit and the pot's end, not the lapse
    world.serve(booking, at=LATER, upto="confirm")
    assert world.split(booking) == ("SETTLED", TOTAL, 0)


def test_who_waits_at_a_shop_that_is_late_takes_another_slot() -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT).must("alice", "arrived", booking)
    world.must("shop", "offer_slot", booking, LATER)

    world.at(SLOT + 50 * MINUTE_MS).must("alice", "reschedule", booking, LATER, LATER + HOUR_MS)
    world.fire_until(LATER)
    waiting = world.where(booking)
    world.serve(booking, at=LATER + 1, upto="start_service")

    assert waiting == "ACCEPTED"
    assert world.booking(booking)["on_time"] is True


def test_an_offered_slot_needs_a_free_bay_when_it_is_taken() -> None:
    world = new_world()
    world.must("shop", "set_settings", True, True, 0, 1, 0)
    booking = world.book()
    world.must("shop", "offer_slot", booking, LATER)
    world.book("bob", start=LATER)

    outcome = world.call("alice", "reschedule", booking, LATER, LATER + HOUR_MS)

    assert outcome == "slot_taken"
    assert world.booking(booking)["start"] == SLOT


@pytest.mark.parametrize(("start", "outcome"), [(0, "bad_time"), (1, "ok")])
def test_a_slot_that_is_over_is_not_offered(start: int, outcome: str) -> None:
    world = new_world()
    booking = world.book()
    now = SLOT - HOUR_MS

    assert world.at(now).call("shop", "offer_slot", booking, now + start) == outcome


def test_an_offered_slot_is_not_taken_once_it_has_begun() -> None:
    world = new_world()
    booking = world.book()
    start = SLOT + 10 * MINUTE_MS
    world.must("shop", "offer_slot", booking, start)

    outcome = world.at(start + 1).call("alice", "reschedule", booking, start, start + HOUR_MS)

    assert outcome == "bad_time"
