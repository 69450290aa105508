"""Vouchers: for points, and owed for a shop's failure; good once, for a year."""

import pytest

from tests.contracts.standard.loyalty_world import LoyaltyWorld, loyalty_world


@pytest.fixture
def world() -> LoyaltyWorld:
    return loyalty_world()


def test_an_owed_voucher_is_good_once_and_takes_no_more_than_the_price(
    world: LoyaltyWorld,
) -> None:
    voucher = world.owe(2_000)

    assert world.use(voucher, 1_500) == 1_500
    with world.refuses("link"):
        world.use(voucher)


def test_what_a_shop_owes_counts_by_itself(world: LoyaltyWorld) -> None:
    vouchers = [world.owe(amount) for amount in (500, 700, 0)]
    world.earn(10_000)
    world.tick("48h")
    world.call("alice", "loyalty.redeem", "shop", 100)

    world.use(vouchers[0])

    figures = world.view("loyalty.voucher_figures", "shop")
    assert figures == {
        "owed": 2, "owed_amount": 1_200, "owed_used": 1, "redeemed": 1, "redeemed_amount": 500,
        "given": 0, "used": 0,
    }  # fmt: skip


def test_a_shop_owes_without_a_program_and_two_things_of_one_visit(world: LoyaltyWorld) -> None:
    first, second = (world.owe(500, shop="other") for _ in range(2))

    assert first != second
    assert world.use(second, shop="other") == 500


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({}, "FINE"),
        ({"shop": "other"}, "WRONG_SHOP"),
        ({"holder": "bob"}, "NOT_HOLDER"),
        ({"voucher": bytes(32)}, "NO_VOUCHER"),
    ],
)
def test_whoever_asks_hears_why_a_voucher_is_not_good(
    world: LoyaltyWorld, changes: dict[str, object], why: str
) -> None:
    asked = {"voucher": world.owe(500), "shop": "shop", "holder": "alice", "service": 1}

    found = world.view("loyalty.check_voucher", **{**asked, **changes}, price=300)

    assert found == {"why": why, "discount": 300 if why == "FINE" else 0}


def test_a_voucher_ends_after_a_year_to_the_millisecond(world: LoyaltyWorld) -> None:
    voucher = world.owe(500)
    world.at(world.now + 365 * 86_400_000 - 1)
    copy = world.copy()
    copy.tick(1)

    assert world.use(voucher) == 500
    asked = (voucher, "shop", "alice", 1, 500)
    assert copy.view("loyalty.check_voucher", *asked)["why"] == "EXPIRED"
