"""Alliances: points that are paid for when they are given and honoured by every member."""

import pytest

from chain.types import DAY_MS
from tests.contracts.standard.loyalty_world import LoyaltyWorld, loyalty_world

RICH = 1_000_000


@pytest.fixture
def world() -> LoyaltyWorld:
    return loyalty_world()


@pytest.fixture
def ring(world: LoyaltyWorld) -> str:
    """Two members; "shop" has paid 5.00 ahead."""
    made = world.ally("shop", "rival")
    world.prefund(made, 500)
    return made


def redeem(world: LoyaltyWorld, amount: int, at: str, shop: str = "shop") -> str:
    voucher: str = world.call("alice", "loyalty.redeem_shared", shop, at, amount)
    return voucher


def test_100_points_used_elsewhere_bring_that_shop_490_and_the_fund_10(
    world: LoyaltyWorld, ring: str
) -> None:
    world.earn(10_000)
    world.tick("48h")

    voucher = redeem(world, 100, "rival")
    discount = world.use(voucher, shop="rival")
    world.tick("24h")

    names = ("shop", "rival", "treasurer")
    assert discount == 500
    assert [world.balance(name, "CNY") - RICH for name in names] == [-500, 490, 10]
    assert [world.money(ring, name) for name in names] == [(0, 0, 0)] * 3
    assert world.held("loyalty") == 0


def test_points_take_their_worth_from_what_the_shop_paid_ahead_at_once(
    world: LoyaltyWorld, ring: str
) -> None:
    world.earn(4_000)

    assert world.money(ring) == (300, 200, 0)
    assert world.standing()["shared_pending"] == 40


def test_what_was_paid_ahead_bounds_the_points_of_the_alliance(
    world: LoyaltyWorld, ring: str
) -> None:
    world.earn(12_000)
    world.earn(1_000)
    world.earn(1_000, shop="rival")

    earned = [(one["own"], one["shared"]) for one in world.seen("Earned")]
    assert earned == [(20, 100), (10, 0), (10, 0)]
    assert world.money(ring) == (0, 500, 0)


def test_a_shop_gets_the_whole_worth_of_its_own_points_back(world: LoyaltyWorld, ring: str) -> None:
    world.earn(10_000)
    world.tick("48h")

    voucher = redeem(world, 60, "shop")
    world.tick("24h")

    assert world.use(voucher) == 300
    assert (world.balance("shop", "CNY"), world.money(ring)) == (RICH - 200, (0, 200, 0))


def test_money_behind_points_that_ended_is_the_shops_again(world: LoyaltyWorld, ring: str) -> None:
    world.earn(10_000)
    last = world.at("2027-01-31T23:59Z").money(ring)
    over = world.at("2027-02-01T00:00Z").money(ring)

    world.call("shop", "loyalty.withdraw", ring, 500)

    assert (last, over) == ((0, 500, 0), (500, 0, 0))
    assert world.balance("shop", "CNY") == RICH


@pytest.mark.usefixtures("ring")
def test_points_that_a_halt_keeps_good_are_still_paid_for(world: LoyaltyWorld) -> None:
    world.earn(10_000)
    world.at("2027-01-31T23:00Z").halt("400h")

    voucher = redeem(world, 100, "rival")
    world.tick("24h")

    assert world.use(voucher, shop="rival") == 500
    assert [world.balance(one, "CNY") - RICH for one in ("shop", "rival")] == [-500, 490]


def test_a_day_is_paid_out_once_at_midnight_and_can_be_looked_up(
    world: LoyaltyWorld, ring: str
) -> None:
    world.prefund(ring, 500, "rival")
    world.earn(10_000)
    world.earn(8_000, shop="rival")
    world.at("2026-01-08T09:00Z")
    for at, shop in (("rival", "shop"), ("shop", "rival"), ("rival", "shop")):
        redeem(world, 40, at, shop)
    day = world.now // DAY_MS

    due = [world.money(ring, shop)[2] for shop in ("shop", "rival", "treasurer")]
    before = world.at("2026-01-08T23:59Z").seen("PaidOut")
    world.tick("1m")
    paid = [
        world.view("loyalty.paid_for", ring, shop, day) for shop in ("shop", "rival", "treasurer")
    ]

    assert (due, before, paid) == ([196, 392, 12], [], [196, 392, 12])
    assert world.timers() == []
    assert world.view("loyalty.paid_for", ring, "shop", day + 32) == 0


@pytest.mark.usefixtures("ring")
def test_a_pay_day_that_a_halt_swallowed_is_made_up_for(world: LoyaltyWorld) -> None:
    world.earn(10_000)
    world.tick("48h")
    redeem(world, 40, "rival")
    world.halt("60h")
    redeem(world, 60, "rival")

    world.tick("24h")

    assert world.balance("rival", "CNY") == RICH + 490
    assert world.timers() == []


def test_more_members_than_one_round_pays_are_all_paid(world: LoyaltyWorld) -> None:
    shops = [f"shop{number}" for number in range(90)]
    ring = world.ally("shop", *shops)
    world.prefund(ring, 100_000)
    world.earn(1_000_000)
    world.tick("48h")
    for shop in shops:
        redeem(world, 100, shop)

    world.at("2026-01-08T00:00Z")
    first = len(world.seen("PaidOut"))
    redeem(world, 100, "shop0")  # paid already, so it waits for the next day
    world.tick("1h")
    second = len(world.seen("PaidOut"))
    world.tick("24h")

    assert (first, second) == (16, 91)
    assert world.balance("shop0", "CNY") == RICH + 980
    assert world.balance("treasurer", "CNY") == RICH + 91 * 10
    assert sum(world.money(ring)) == world.held("loyalty")


def test_points_of_a_member_that_left_are_still_paid_for(world: LoyaltyWorld, ring: str) -> None:
    world.earn(10_000)
    world.tick("48h")
    world.call("shop", "loyalty.leave", ring, "shop")
    world.earn(10_000)

    voucher = redeem(world, 50, "rival")
    own = redeem(world, 50, "shop")
    world.tick("24h")

    assert (world.use(voucher, shop="rival"), world.use(own)) == (250, 250)
    assert (world.balance("rival", "CNY"), world.balance("shop", "CNY")) == (RICH + 245, RICH - 250)
    assert [one["shared"] for one in world.seen("Earned")] == [100, 0]


def test_nothing_can_be_redeemed_at_a_shop_that_takes_no_part(
    world: LoyaltyWorld, ring: str
) -> None:
    world.earn(10_000)
    world.tick("48h")
    world.call("operator", "loyalty.leave", ring, "rival")

    for place in ("rival", "other", "treasurer"):
        with world.refuses("not_member"):
            redeem(world, 10, place)


def test_a_shop_gives_points_of_one_alliance_until_the_last_are_over(
    world: LoyaltyWorld, ring: str
) -> None:
    world.earn(10_000)
    world.call("shop", "loyalty.leave", ring, "shop")
    other = world.ally("rival2")
    world.call("operator", "loyalty.admit_member", other, "shop")

    with world.refuses("other_alliance"):
        world.call("shop", "loyalty.prefund", other)
    world.at("2027-02-01T00:00Z").prefund(other, 300)
    world.call("shop", "loyalty.withdraw", ring, 500)

    assert (world.money(ring), world.money(other)) == ((0, 0, 0), (300, 0, 0))
    assert world.view("loyalty.current_alliance", "shop") == other


def test_money_that_nobody_used_for_three_years_goes_back_by_itself(
    world: LoyaltyWorld, ring: str
) -> None:
    world.tick(1_095 * DAY_MS)
    lapsed = world.money(ring)
    with world.refuses("not_enough_free"):
        world.call("shop", "loyalty.withdraw", ring, 500)
    world.earn(10_000)
    world.prefund(ring, 200)

    assert (lapsed, world.money(ring)) == ((0, 0, 0), (200, 0, 0))
    assert (world.balance("shop", "CNY"), world.seen("Earned")[0]["shared"]) == (RICH - 200, 0)


def test_money_that_went_back_never_counts_again(world: LoyaltyWorld, ring: str) -> None:
    world.earn(10_000)
    world.tick(2_000 * DAY_MS)
    lapsed = world.money(ring)

    world.prefund(ring, 200)
    world.earn(1_000)

    assert (lapsed, world.money(ring), world.held("loyalty")) == ((0, 0, 0), (150, 50, 0), 200)


def test_the_pot_of_a_member_lasts_as_long_as_its_points(world: LoyaltyWorld, ring: str) -> None:
    world.at("2028-12-20T00:00Z").earn(10_000)
    world.prefund(ring, 0, "rival")
    world.at("2029-11-30T00:00Z")

    voucher = redeem(world, 100, "rival")
    world.tick("24h")

    assert world.use(voucher, shop="rival") == 500
    assert world.balance("rival", "CNY") == RICH + 500  # the fund's own pot had ended: no share


def test_the_fund_gets_its_share_again_once_its_pot_is_there(
    world: LoyaltyWorld, ring: str
) -> None:
    world.at("2028-12-20T00:00Z").earn(10_000)
    world.prefund(ring, 0, "rival")
    world.at("2029-11-30T00:00Z").call("treasurer", "loyalty.prefund", ring)

    redeem(world, 100, "rival")
    world.tick("24h")

    assert world.balance("treasurer", "CNY") == RICH + 10


@pytest.mark.parametrize(
    ("who", "call", "error"),
    [
        ("rival", ("redeem_shared", "shop", "rival", 101), "not_enough"),
        ("alice", ("redeem_shared", "shop", "rival", 0), "bad_amount"),
        ("alice", ("redeem_shared", "other", "rival", 1), "missing"),
        ("shop", ("withdraw", "ring", 501), "not_enough_free"),
        ("shop", ("withdraw", "ring", 0), "not_enough_free"),
        ("operator", ("admit_member", "ring", "shop"), "known_member"),
        ("operator", ("admit_member", "ring", "treasurer"), "known_member"),
        ("operator", ("make_alliance", "Ring", 0, 12, "treasurer"), "bad_rules"),
        ("operator", ("make_alliance", "Ring", 5, 2, "treasurer"), "bad_rules"),
        ("operator", ("make_alliance", "Ring", 5, 25, "treasurer"), "bad_rules"),
        ("operator", ("leave", "ring", "other"), "missing"),
    ],
)
def test_what_does_not_fit_is_refused(
    world: LoyaltyWorld, ring: str, who: str, call: tuple[object, ...], error: str
) -> None:
    with world.refuses(error):
        world.call(who, f"loyalty.{call[0]}", *(ring if one == "ring" else one for one in call[1:]))


def test_a_member_is_found_by_its_number(world: LoyaltyWorld, ring: str) -> None:
    members = world.view("loyalty.alliance", ring)["members"]

    found = [world.view("loyalty.member_number", ring, one + 1) for one in range(members)]

    assert found == ["treasurer", "shop", "rival"]
