"""Vouchers: for points, given, or owed for a shop's failure; good once."""

from typing import Any

import pytest

from chain.types import DAY_MS
from tests.contracts.standard.loyalty_world import TILL, LoyaltyWorld, loyalty_world


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


def test_an_offer_of_a_campaign_needs_the_customers_consent(world: LoyaltyWorld) -> None:
    world.earn(10_000)
    with world.refuses("no_consent"):
        world.grant(segment=7)
    world.call("alice", "loyalty.allow_offers", "shop", world.now + 10 * DAY_MS)

    allowed = [world.grant(segment=7) for _ in range(3)]
    world.tick("240h")

    assert len(set(allowed)) == 3
    with world.refuses("no_consent"):
        world.grant(segment=7)


def test_consent_is_for_one_shop_and_can_be_taken_back(world: LoyaltyWorld) -> None:
    world.ally("rival")
    world.call("alice", "loyalty.allow_offers", "shop", world.now + 10 * DAY_MS)
    with world.refuses("no_consent"):
        world.grant(shop="rival", segment=7)

    world.call("alice", "loyalty.allow_offers", "shop", 0)

    with world.refuses("no_consent"):
        world.grant(segment=7)


def test_without_consent_a_known_customer_gets_one_personal_voucher_a_month(
    world: LoyaltyWorld,
) -> None:
    with world.refuses("no_consent"):
        world.grant()
    world.earn(100)
    world.grant()
    with world.refuses("too_soon"):
        world.grant()

    world.tick("720h")

    assert world.why(world.grant()) == "FINE"


@pytest.mark.parametrize(
    ("voucher", "asked", "discount"),
    [
        ({"kind": "VALUE", "amount": 900}, {"price": 700}, 700),
        ({"kind": "VALUE", "amount": 900}, {"price": 1_000}, 900),
        ({"kind": "RATIO", "amount": 1_250}, {"price": 999}, 124),
        ({"kind": "RATIO", "amount": 10_000}, {"price": 999}, 999),
        ({"kind": "ITEM", "amount": 3}, {"price": 4_200, "service": 3}, 4_200),
    ],
)
def test_a_voucher_is_an_amount_a_share_or_a_service(
    world: LoyaltyWorld, voucher: dict[str, Any], asked: dict[str, Any], discount: int
) -> None:
    world.earn(100)

    assert world.use(world.grant(**voucher), **asked) == discount


@pytest.mark.parametrize(
    ("voucher", "asked", "why"),
    [
        ({"least": 2_000}, {"price": 1_999}, "PRICE_TOO_LOW"),
        ({}, {"price": 0}, "PRICE_TOO_LOW"),
        ({"kind": "ITEM", "amount": 3}, {"service": 1}, "WRONG_SERVICE"),
    ],
)
def test_a_voucher_says_what_it_is_not_good_for(
    world: LoyaltyWorld, voucher: dict[str, Any], asked: dict[str, Any], why: str
) -> None:
    world.earn(100)
    made = world.grant(**voucher)

    assert world.why(made, **asked) == why
    with world.refuses("link"):
        world.use(made, **asked)


@pytest.mark.parametrize(
    ("voucher", "error"),
    [
        ({"amount": 0}, "bad_voucher"),
        ({"kind": 0}, "bad_voucher"),
        ({"kind": 4}, "bad_voucher"),
        ({"kind": "RATIO", "amount": 10_001}, "bad_voucher"),
        ({"kind": "RATIO", "shared": True}, "bad_voucher"),
        ({"expires": "2026-01-05T00:00Z"}, "bad_time"),
        ({"expires": "2027-01-05T00:00:00.001Z"}, "bad_time"),
        ({"shared": True}, "not_member"),
    ],
)
def test_a_voucher_is_whole_when_it_is_given(
    world: LoyaltyWorld, voucher: dict[str, Any], error: str
) -> None:
    world.earn(100)

    with world.refuses(error):
        world.grant(**voucher)


def test_a_shop_takes_back_its_own_gift_within_a_day_and_nothing_else(
    world: LoyaltyWorld,
) -> None:
    world.earn(100)
    owed, gift = world.owe(500), world.grant()
    with world.refuses("not_yours"):
        world.call("shop", "loyalty.void_voucher", owed)
    late = world.copy()
    late.tick("24h")

    world.call("shop", "loyalty.void_voucher", gift)
    world.call("alice", "loyalty.void_voucher", owed)

    assert (world.why(gift), world.why(owed)) == ("NOT_OPEN", "NOT_OPEN")
    with late.refuses("too_late"):
        late.call("shop", "loyalty.void_voucher", gift)
    with world.refuses("not_open"):
        world.call("alice", "loyalty.void_voucher", gift)


def test_a_visit_that_does_not_take_place_gives_its_voucher_back(world: LoyaltyWorld) -> None:
    voucher = world.owe(500)
    world.tick(364 * DAY_MS)
    world.use(voucher)
    world.tick("48h").undo(voucher)

    figures = world.view("loyalty.voucher_figures", "shop")
    assert (figures["owed_used"], world.why(voucher)) == (0, "FINE")
    world.tick(30 * DAY_MS - 1).undo(voucher)  # it is open: nothing happens
    assert (world.why(voucher), world.tick(1).why(voucher)) == ("FINE", "EXPIRED")


def test_only_the_rules_that_took_a_voucher_give_it_back(world: LoyaltyWorld) -> None:
    voucher = world.owe(500)
    world.use(voucher)
    world.add(TILL, name="other_till", install=True)

    world.call("shop", "other_till.undo", voucher, "alice")
    world.call("shop", "till.undo", voucher, "bob")
    world.call("shop", "loyalty.give_back", voucher, "alice")

    assert world.why(voucher) == "NOT_OPEN"


# Shared vouchers --------------------------------------------------------------------------------


@pytest.fixture
def ring(world: LoyaltyWorld) -> str:
    """Two members; "shop" has paid 10.00 ahead and knows alice."""
    world.earn(100)
    made = world.ally("shop", "rival")
    world.prefund(made, 1_000)
    return made


def test_a_shared_voucher_is_paid_by_the_shop_that_gave_it(world: LoyaltyWorld, ring: str) -> None:
    voucher = world.grant(amount=600, shared=True)
    before = world.money(ring)

    discount = world.use(voucher, 400, shop="rival")
    due = [world.money(ring, name) for name in ("shop", "rival", "treasurer")]
    world.tick("24h")

    assert (before, discount) == ((400, 600, 0), 400)
    assert due == [(600, 0, 0), (0, 0, 392), (0, 0, 8)]
    assert world.held("loyalty") == 600


def test_a_shared_voucher_used_at_home_costs_nothing_but_its_price(
    world: LoyaltyWorld, ring: str
) -> None:
    voucher = world.grant(amount=600, shared=True)

    assert world.use(voucher) == 600
    assert world.money(ring) == (1_000, 0, 0)


def test_a_shared_voucher_given_back_is_the_promise_of_the_shop_that_was_paid(
    world: LoyaltyWorld, ring: str
) -> None:
    voucher = world.grant(amount=600, shared=True)
    world.use(voucher, 400, shop="rival")
    world.tick("24h").undo(voucher)

    assert (world.why(voucher), world.why(voucher, "rival")) == ("WRONG_SHOP", "FINE")
    assert world.use(voucher, 1_000, shop="rival") == 400
    assert world.money(ring) == (600, 0, 0)


def test_money_behind_a_shared_voucher_comes_back_with_its_end(
    world: LoyaltyWorld, ring: str
) -> None:
    gift = world.grant(amount=600, shared=True)
    other = world.copy()

    world.call("shop", "loyalty.void_voucher", gift)
    last, over = other.at("2026-02-28T23:59Z").money(ring), other.tick("1m").money(ring)
    other.call("alice", "loyalty.void_voucher", gift)

    assert world.money(ring) == (1_000, 0, 0)
    assert (last, over, other.money(ring)) == ((400, 600, 0), (1_000, 0, 0), (1_000, 0, 0))


def test_a_shared_voucher_needs_money_that_is_free(world: LoyaltyWorld, ring: str) -> None:
    with world.refuses("not_enough_free"):
        world.grant(amount=1_001, shared=True)
    world.call("shop", "loyalty.leave", ring, "shop")
    with world.refuses("not_member"):
        world.grant(shared=True)
