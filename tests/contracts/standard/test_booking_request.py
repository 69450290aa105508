"""From a request to an accepted booking, or to none."""

import pytest

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.rehearse.plan import policy_id, policy_words
from tests.contracts.standard.setting import HELD, NEVER, RICH, SLOT, TOTAL, account, rules
from tests.contracts.standard.world import BookingWorld, new_world


def by_hand() -> BookingWorld:
    """Return a world whose shop looks at every request itself."""
    world = new_world()
    world.must("shop", "set_settings", False, False, 0, 0, 0)
    return world


def test_a_request_holds_the_money_and_is_accepted_at_once() -> None:
    world = new_world()

    booking = world.book()

    assert world.where(booking) == "ACCEPTED"
    assert world.read("held_money", booking) == HELD
    assert world.balance("alice") == RICH - HELD
    assert world.booking(booking)["until"] == SLOT + HOUR_MS + 90 * DAY_MS


def test_a_request_waits_for_a_shop_that_looks_at_each() -> None:
    world = by_hand()

    booking = world.book()
    waiting = world.where(booking)
    world.must("shop", "accept", booking)

    assert (waiting, world.where(booking)) == ("REQUESTED", "ACCEPTED")


def test_a_declined_request_gives_everything_back() -> None:
    world = by_hand()
    booking = world.book()

    world.must("shop", "decline", booking)

    assert world.split(booking) == ("DECLINED", 0, HELD)
    assert world.balance("alice") == RICH
    assert (world.pots(), world.waiting()) == (0, 0)


def test_a_request_lapses_at_the_end_of_accept_by() -> None:
    world = by_hand()
    booking = world.book()
    end = world.now + 30 * MINUTE_MS

    too_late = world.at(end).call("shop", "accept", booking)

    assert too_late == "wrong_state"
    assert world.split(booking) == ("LAPSED", 0, HELD)


def test_a_request_is_accepted_a_moment_before_it_lapses() -> None:
    world = by_hand()
    booking = world.book()

    in_time = world.after(30 * MINUTE_MS - 1).call("shop", "accept", booking)
    world.fire_until(SLOT - 1)

    assert (in_time, world.where(booking)) == ("ok", "ACCEPTED")


@pytest.mark.parametrize("accept_by", [None, 90 * DAY_MS])
def test_a_request_that_nobody_answers_lapses_when_the_slot_begins(accept_by: int | None) -> None:
    world = by_hand()
    booking = world.book(policy=world.publish(rules(accept_by_ms=accept_by)))

    outcome = world.at(SLOT).call("shop", "accept", booking)

    assert outcome == "wrong_state"
    assert world.split(booking) == ("LAPSED", 0, HELD)


@pytest.mark.parametrize("difference", [-1, 1, -HELD])
def test_a_hold_that_is_not_exact_is_refused(difference: int) -> None:
    world = new_world()
    arguments, held = world.order()

    outcome = world.call("alice", "request", *arguments, funds=held + difference)

    assert outcome == "wrong_hold"
    assert world.balance("alice") == RICH


@pytest.mark.parametrize(
    ("place", "value", "outcome"),
    [
        (6, 0, "price_not_positive"),
        (3, 1, "bad_time"),
        (4, SLOT - 1, "bad_time"),
        (5, 2, "bad_cell"),
        (7, bytes(32), "missing"),
        (0, account("stranger"), "link"),
    ],
)
def test_a_request_that_makes_no_sense_is_refused(place: int, value: object, outcome: str) -> None:
    world = new_world()
    arguments = list(world.order()[0])
    arguments[place] = value

    assert world.call("alice", "request", *arguments, funds=HELD) == outcome


def test_a_listed_service_is_booked_at_its_price_length_and_rules() -> None:
    world = new_world()
    arguments, held = world.order()
    listed = (arguments[0], 1, 1, *arguments[3:])

    booking = world.must("alice", "request", *listed, funds=held)

    assert world.booking(booking)["service"] == 1


@pytest.mark.parametrize(
    ("place", "value", "outcome"),
    [
        (2, 2, "price_changed"),
        (6, TOTAL - 2, "price_changed"),
        (4, SLOT + HOUR_MS - 1, "wrong_length"),
        (4, SLOT + HOUR_MS + 1, "wrong_length"),
        (5, 1, "link"),
        (1, 2, "link"),
    ],
)
def test_a_listed_service_is_booked_as_it_is_listed(place: int, value: int, outcome: str) -> None:
    world = new_world()
    arguments, held = world.order()
    listed = [arguments[0], 1, 1, *arguments[3:]]
    listed[place] = value
    funds = held - 1 if value == TOTAL - 2 else held

    assert world.call("alice", "request", *listed, funds=funds) == outcome


def test_another_price_or_other_rules_refuse_what_was_ordered_before() -> None:
    world = new_world()
    arguments, held = world.order()
    listed = (arguments[0], 1, 1, *arguments[3:])

    world.must("shop", "set_service", 1, TOTAL + 1, HOUR_MS, 0, world.policy_id, "wash")

    assert world.call("alice", "request", *listed, funds=held) == "price_changed"


def test_a_change_of_the_service_leaves_open_bookings_alone() -> None:
    world = new_world()
    arguments, held = world.order()
    booking = world.must("alice", "request", arguments[0], 1, 1, *arguments[3:], funds=held)
    before = world.booking(booking)

    world.must(
        "shop", "set_service", 1, 2 * TOTAL, 2 * HOUR_MS, 0, world.publish(rules(no_show={})), "x"
    )
    world.must("shop", "withdraw_service", 1)
    world.must("alice", "reschedule", booking, SLOT + DAY_MS, SLOT + DAY_MS + HOUR_MS)
    world.at(SLOT + DAY_MS - HOUR_MS).must("shop", "open_shop")
    world.fire_until()

    assert before["policy"] == world.policy_id
    assert world.split(booking) == ("NO_SHOW_CUSTOMER", 4_500, 500)


def test_a_withdrawn_service_is_not_booked() -> None:
    world = new_world()
    arguments, held = world.order()

    world.must("shop", "withdraw_service", 1)

    assert world.call("alice", "request", arguments[0], 1, 1, *arguments[3:], funds=held) == "link"


@pytest.mark.parametrize("status", [2, 3])
def test_a_frozen_or_closed_shop_takes_no_requests_and_keeps_its_bookings(status: int) -> None:
    world = new_world()
    booking = world.book()
    arguments, held = world.order()

    world.must("operator", "set_status", account("shop"), status)
    refused = world.call("bob", "request", *arguments, funds=held)
    moved = world.call("alice", "reschedule", booking, SLOT + DAY_MS, SLOT + DAY_MS + HOUR_MS)
    world.must("alice", "cancel_booking", booking)

    assert (refused, moved) == ("shop_closed", "shop_closed")
    assert world.where(booking) == "CANCELLED_CUSTOMER"


def test_two_requests_in_one_transaction_have_two_pots() -> None:
    world = new_world()

    bookings = [world.book(), world.book()]

    assert bookings[0] != bookings[1]
    assert world.pots() == 2


# Rules under their hash ---------------------------------------------------------------------------


def test_the_same_rules_are_stored_once_whoever_publishes_them() -> None:
    world = new_world()
    words = policy_words(rules(grace_ms=None))

    world.must("shop", "publish_policy", *words)
    world.must("rival", "publish_policy", *words)

    assert [by for _id, by in world.seen("PolicyPublished")] == [
        account("operator"),
        account("shop"),
    ]


def test_rules_stand_under_the_hash_that_a_client_computes() -> None:
    world = new_world()
    policy = rules(hold_per_day_min=77, grace_ms=None)

    identity = world.publish(policy)

    words = policy_words(policy)
    assert world.read("policy_id", *words) == identity == policy_id(policy)
    assert [*world.read("policy", identity), world.read("policy_tiers", identity)] == list(words)


def tier(lead: int, basis_points: int = 0, base: int = 0) -> bytes:
    parts = ((lead, 8), (basis_points, 2), (base, 1), (0, 8), (NEVER, 8))
    return b"".join(value.to_bytes(width, "big") for value, width in parts)


@pytest.mark.parametrize(
    ("place", "value", "outcome"),
    [
        (0, 10_001, "bad_policy"),
        (15, 10_001, "bad_policy"),
        (4, 10_001, "bad_fee"),
        (17, tier(5)[:-1], "bad_tiers"),
        (17, tier(5) + tier(5), "bad_tiers"),
        (17, tier(5) + tier(6), "bad_tiers"),
        (17, tier(5, base=2), "bad_tiers"),
        (17, tier(5, basis_points=10_001), "bad_fee"),
        (17, tier(2**63), "bad_tiers"),
    ],
)
def test_rules_that_make_no_sense_are_refused(place: int, value: object, outcome: str) -> None:
    world = new_world()
    words = list(policy_words(rules()))
    words[place] = value

    assert world.call("shop", "publish_policy", *words) == outcome
