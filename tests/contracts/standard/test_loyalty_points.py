"""Points of a shop: earned when money is paid, active later, gone at the end of a month."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.contracts.standard.loyalty_world import VISIT, LoyaltyWorld, loyalty_world

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.fixture
def world() -> LoyaltyWorld:
    return loyalty_world()


@given(st.datetimes(datetime(1970, 1, 1), datetime(9999, 11, 30)))  # noqa: DTZ001 - UTC below
def test_months_are_those_of_the_calendar(moment: datetime) -> None:
    world = loyalty_world()
    at = (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(milliseconds=1)

    month = world.view("loyalty.month_of", at)
    starts = [world.view("loyalty.month_start", month + more) for more in (0, 1)]

    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    following = (first + timedelta(days=31)).replace(day=1)
    assert month == moment.year * 12 + moment.month - 1
    assert starts == [(one - EPOCH) // timedelta(milliseconds=1) for one in (first, following)]


def test_one_point_for_each_whole_unit_that_was_paid(world: LoyaltyWorld) -> None:
    world.earn(6_899)
    world.tick("48h")

    assert world.active() == (68, 0)


def test_points_are_pending_for_48_hours_and_exist_from_the_first(world: LoyaltyWorld) -> None:
    world.earn(10_000)
    world.tick("47h59m")

    before = world.standing()
    world.tick("1m")

    assert (before["own_active"], before["own_pending"]) == (0, 100)
    assert (world.active(), world.balance("alice", "POINTS")) == ((100, 0), 100)


def test_a_shop_without_a_program_gives_nothing_and_stops_nothing(world: LoyaltyWorld) -> None:
    world.earn(10_000, shop="other")

    assert (world.balance("alice", "POINTS"), world.seen("Earned")) == (0, [])


def test_a_shop_that_stops_its_program_still_honours_points(world: LoyaltyWorld) -> None:
    world.earn(10_000)
    world.call("shop", "loyalty.set_program", world.rules(earning=False))
    world.earn(10_000)
    world.tick("48h")

    voucher = world.call("alice", "loyalty.redeem", "shop", 100)

    assert (world.use(voucher), world.active()) == (500, (0, 0))


def test_a_fourth_visit_lets_the_points_of_the_first_be_used(world: LoyaltyWorld) -> None:
    for points in (10, 20, 30, 40):
        world.earn(points * 100)
        world.tick("4h")
    fourth = world.standing()
    world.earn(5_000)

    found = [(one["own_active"], one["own_pending"]) for one in (fourth, world.standing())]
    assert found == [(10, 90), (30, 120)]
    assert (world.tick("48h").active(), world.standing()["own_pending"]) == ((150, 0), 0)


def test_the_points_that_wait_longest_are_first_wherever_they_wait(world: LoyaltyWorld) -> None:
    for points in (1, 2, 4):
        world.earn(points * 100)
        world.tick("16h")
    for points in (8, 16, 32, 64):
        world.earn(points * 100)
        world.tick("1m")
    world.call("shop", "loyalty.set_program", world.rules(pending=3_600_000))
    world.earn(12_800)

    assert (world.active()[0], world.standing()["own_pending"]) == (31, 224)
    assert world.tick("1h").active() == (159, 0)


def test_points_end_with_the_month_that_is_twelve_months_later(world: LoyaltyWorld) -> None:
    world.at("2026-01-31T23:59Z").earn(10_000)
    world.tick("1m").earn(5_000)

    last = world.at("2027-01-31T23:59Z").active()
    over = world.at("2027-02-01T00:00Z").active()
    gone = world.at("2027-03-01T00:00Z").active()

    assert (last, over, gone) == ((150, 0), (50, 0), (0, 0))


def test_what_is_over_is_burnt_at_the_next_touch(world: LoyaltyWorld) -> None:
    world.earn(10_000)
    world.at("2027-02-01T00:00Z")
    untouched = world.balance("alice", "POINTS")

    world.earn(200)

    assert (untouched, world.balance("alice", "POINTS")) == (100, 2)
    assert world.seen("Expired")[0]["own"] == 100


def test_the_oldest_points_are_used_first(world: LoyaltyWorld) -> None:
    world.earn(10_000)
    world.at("2026-03-01T00:00Z").earn(10_000)
    world.at("2026-04-01T00:00Z").call("alice", "loyalty.redeem", "shop", 120)

    assert world.at("2027-02-01T00:00Z").active() == (80, 0)


def test_a_chain_that_stands_still_at_the_end_of_a_month_takes_no_points(
    world: LoyaltyWorld,
) -> None:
    world.earn(10_000)
    world.at("2027-01-31T23:00Z").halt("9h")

    standing_still = world.tick("14m").active()
    goes_on = world.tick("2m").active()

    assert (standing_still, goes_on) == ((100, 0), (0, 0))


@pytest.mark.parametrize(
    ("amount", "value", "error"),
    [(0, 500, "bad_amount"), (1, 533, "bad_amount"), (101, 500, "not_enough")],
)
def test_points_become_whole_amounts_and_no_more_than_there_are(
    world: LoyaltyWorld, amount: int, value: int, error: str
) -> None:
    world.call("shop", "loyalty.set_program", world.rules(value=value))
    world.earn(10_000)
    world.tick("48h")

    with world.refuses(error):
        world.call("alice", "loyalty.redeem", "shop", amount)


def test_points_sent_back_to_their_issuer_are_still_the_senders(world: LoyaltyWorld) -> None:
    world.earn(10_000)
    world.tick("48h")
    world.send_back("alice", 60)

    world.call("alice", "loyalty.redeem", "shop", 80)

    left = [world.balance(one, "POINTS") for one in ("alice", "loyalty")]
    assert (left, world.active()) == ([0, 20], (20, 0))


@pytest.mark.parametrize(
    "changes",
    [
        {"unit": 0}, {"value": 0}, {"value": 10_001}, {"pending": 15 * 86_400_000},
        {"months": 2}, {"months": 25}, {"first_from": 0}, {"first_from": 1_500},
        {"third_from": 1_500}, {"first_bp": 1_001}, {"second_bp": 1_501}, {"third_bp": 10_001},
    ],
)  # fmt: skip
def test_rules_of_a_program_fit_together(world: LoyaltyWorld, changes: dict[str, Any]) -> None:
    with world.refuses("bad_rules"):
        world.call("shop", "loyalty.set_program", world.rules(**changes))


def test_points_are_never_made_worth_less(world: LoyaltyWorld) -> None:
    world.call("shop", "loyalty.set_program", world.rules(value=600))

    with world.refuses("worth_less"):
        world.call("shop", "loyalty.set_program", world.rules(value=599))


def test_tiers_follow_the_points_of_the_last_twelve_months_and_give_more(
    world: LoyaltyWorld,
) -> None:
    steps = []
    for paid in (49_900, 100, 100_000, 250_000, 10_000):
        world.earn(paid)
        found = world.standing()
        steps.append((found["counted"], found["tier"], found["extra_bp"]))

    given = [one["own"] for one in world.seen("Earned")]
    assert steps == [
        (499, 0, 0), (500, 1, 500), (1_500, 2, 1_000), (4_000, 3, 1_500), (4_100, 3, 1_500),
    ]  # fmt: skip
    assert given == [499, 1, 1_050, 2_750, 115]
    assert world.at("2027-01-31T23:59Z").standing()["tier"] == 3
    assert world.at("2027-02-01T00:00Z").standing()["tier"] == 0


def test_only_agreed_rules_say_what_was_paid_owed_or_used(world: LoyaltyWorld) -> None:
    voucher = world.owe(500)
    for action in (
        ("earn", "shop", "shop", 100, VISIT),
        ("owe", "shop", "shop", 100, VISIT),
        ("use_voucher", voucher, "shop", "alice", 1, 100),
    ):
        with world.refuses("not_installed"):
            world.call("shop", f"loyalty.{action[0]}", *action[1:])
