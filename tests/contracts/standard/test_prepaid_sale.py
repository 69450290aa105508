"""Selling prepaid cards: offers, prices, limits, and who is told when it is much."""

from typing import Any

import pytest

from chain.types import DAY_MS
from tests.contracts.standard.prepaid_setting import (
    NO_LINE,
    POLISH,
    WASH,
    WASH_PRICE,
    CardWorld,
    after_days,
    new_world,
)


@pytest.fixture
def world() -> CardWorld:
    return new_world()


def publish(world: CardWorld, **changes: Any) -> str:
    terms: dict[str, Any] = {
        "number": 1, "kind": "COUNT", "price": 79_800, "bonus": 0, "settle_after": "24h",
        "transferable": True, "quality": bytes(32), "name": "Card",
        "first": world.line(WASH, 20, 79_800), "second": NO_LINE, "third": NO_LINE,
        "fourth": NO_LINE,
    }  # fmt: skip
    offer: str = world.call("shop", "prepaid.publish_offer", **{**terms, **changes})
    return offer


def test_the_whole_price_is_on_hold_for_its_holder(world: CardWorld) -> None:
    card = world.buy(world.washes(20, 79_800))

    assert (world.spent(), world.earned(), world.held_for(card)) == (79_800, 0, 79_800)
    assert world.view("prepaid.cover", "shop") == {
        "liability": 79_800, "held": 79_800, "ratio": 10_000, "cover_bp": 10_000, "cards": 1,
        "claims": 0, "large": False,
    }  # fmt: skip
    assert world.card(card) == {
        "holder": "alice", "shop": "shop", "offer": world.card(card)["offer"], "kind": "COUNT",
        "status": "OPEN", "cause": 0, "paid": 79_800, "bonus": 0, "owed": 79_800, "cover": 79_800,
        "sold_at": world.now, "cooling_until": world.now + 7 * DAY_MS,
        "ends": world.now + 1_095 * DAY_MS, "open_days": 127, "in_use": 0, "turn": 0,
        "known": False,
    }  # fmt: skip


@pytest.mark.parametrize("paid", [79_799, 79_801, 0])
def test_a_card_costs_its_price_and_nothing_else(world: CardWorld, paid: int) -> None:
    offer = world.washes(20, 79_800)

    with world.refuses("wrong_price"):
        world.call("alice", "prepaid.buy", offer, funds=paid)


def test_journey_12_a_price_raised_while_a_package_is_open_is_never_charged(
    world: CardWorld,
) -> None:
    lines = (world.line(WASH, 3, 10_000), world.line(POLISH, 1, 15_000))
    old = world.publish("PACKAGE", 25_000, *lines)
    card = world.buy(old)
    world.call("operator", "shops.set_service", "shop", WASH, 3 * WASH_PRICE)
    dearer = (world.line(WASH, 3, 30_000, 2), world.line(POLISH, 1, 15_000))
    new = world.publish("PACKAGE", 45_000, *dearer)
    after_days(world, 8)

    world.serve(card, 0, times=3)
    world.serve(card, 1)

    assert (world.earned(), world.spent()) == (25_000, 25_000)
    assert world.view("prepaid.line", old, 0) == world.line(WASH, 3, 10_000)
    assert world.view("prepaid.sale", "shop", 1) == {"offer": new, "version": 2, "sold": True}
    with world.refuses("not_on_sale"):
        world.call("bob", "prepaid.buy", old, funds=25_000)


def test_a_value_card_keeps_the_listed_price_of_its_services(world: CardWorld) -> None:
    lines = world.line(WASH, 0, WASH_PRICE)
    card = world.buy(world.publish("VALUE", 20_000, lines, bonus=5_000))
    world.call("operator", "shops.set_service", "shop", WASH, 3 * WASH_PRICE)

    use = world.serve(card, 0)

    assert world.view("prepaid.use", use)["amount"] == WASH_PRICE
    assert world.view("prepaid.count", card, 0) == {"used": WASH_PRICE, "held": 0}
    with world.refuses("wrong_amount"):
        world.begin(card, 0, amount=3 * WASH_PRICE)


def test_an_offer_is_kept_as_it_was_published(world: CardWorld) -> None:
    plain = world.publish("VALUE", 20_000, bonus=1_000, settle_after="48h", transferable=False)
    lines = (world.line(WASH, 3, 10_000), world.line(POLISH, 1, 15_000))
    package = world.publish("PACKAGE", 25_000, *lines)

    assert world.view("prepaid.offer", plain) == {
        "shop": "shop", "number": 1, "version": 1, "kind": "VALUE", "price": 20_000,
        "bonus": 1_000, "settle_after": 2 * DAY_MS, "transferable": False, "quality": bytes(32),
        "lines": 0, "name": "Card",
    }  # fmt: skip
    found = world.view("prepaid.offer", package)
    assert (found["version"], found["lines"]) == (2, 2)
    assert tuple(world.view("prepaid.line", package, n) for n in (0, 1)) == lines


def test_a_package_has_up_to_four_services(world: CardWorld) -> None:
    for service in (3, 4):
        world.call("operator", "shops.set_service", "shop", service, 1_000)
    lines = [world.line(n, n, 1_000 * n) for n in (1, 2, 3, 4)]
    card = world.buy(world.publish("PACKAGE", 10_000, *lines))
    after_days(world, 8)

    for n in range(4):
        world.serve(card, n, times=n + 1)

    assert (world.earned(), world.held_for(card)) == (10_000, 0)


def test_an_offer_has_at_most_a_thousand_units_of_a_service(world: CardWorld) -> None:
    card = world.buy(world.washes(1_000, 500_000))

    assert world.preview(card)["of"] == 1_000


def test_an_offer_names_the_newest_price_list(world: CardWorld) -> None:
    world.call("operator", "shops.set_service", "shop", WASH, WASH_PRICE + 1)

    with world.refuses("price_changed"):
        world.washes()


@pytest.mark.parametrize(
    ("error", "changes"),
    [
        ("bad_offer", {"kind": 5}),
        ("bad_offer", {"kind": 0}),
        ("bad_offer", {"price": 0}),
        ("bad_offer", {"price": 500_001}),
        ("bad_offer", {"bonus": 1}),
        ("bad_offer", {"kind": "VALUE", "bonus": 500_001, "first": NO_LINE}),
        ("bad_settle_after", {"settle_after": "23h"}),
        ("bad_settle_after", {"settle_after": "49h"}),
        ("bad_lines", {"first": NO_LINE}),
        ("bad_lines", {"price": 79_799}),
        ("bad_lines", {"kind": "PACKAGE"}),
        ("bad_lines", {"second": {"service": POLISH, "version": 1, "units": 1, "amount": 1}}),
        ("bad_lines", {"first": {"service": WASH, "version": 1, "units": 0, "amount": 79_800}}),
        ("bad_lines", {"first": {"service": WASH, "version": 1, "units": 1_001, "amount": 79_800}}),
        ("bad_lines", {"kind": "VALUE"}),
        (
            "bad_lines",
            {
                "kind": "PACKAGE",
                "second": NO_LINE,
                "third": {"service": POLISH, "version": 1, "units": 1, "amount": 1},
                "price": 79_801,
            },
        ),
    ],
)
def test_an_offer_that_does_not_add_up_is_refused(
    world: CardWorld, error: str, changes: dict[str, Any]
) -> None:
    with world.refuses(error):
        publish(world, **changes)


def test_only_a_shop_puts_cards_on_sale(world: CardWorld) -> None:
    with world.refuses("not_shop"):
        world.washes(shop="alice")


def test_what_is_withdrawn_is_not_sold_and_what_was_sold_goes_on(world: CardWorld) -> None:
    offer = world.washes()
    card = world.buy(offer)
    world.call("shop", "prepaid.withdraw_offer", 1)

    with world.refuses("not_on_sale"):
        world.buy(offer, "bob")
    world.serve(card)

    assert world.view("prepaid.count", card, 0) == {"used": 1, "held": 0}


@pytest.mark.parametrize("how", ["frozen", "closing", "closed"])
def test_a_shop_that_may_not_sell_sells_nothing(world: CardWorld, how: str) -> None:
    offer = world.washes()
    world.stand(how)

    with world.refuses("shop_closed"):
        world.buy(offer)


def test_a_shop_does_not_buy_its_own_cards(world: CardWorld) -> None:
    with world.refuses("own_shop"):
        world.buy(world.washes(), "shop")


def test_a_card_whose_key_a_shop_keeps_costs_at_most_1_000(world: CardWorld) -> None:
    world.call("operator", "shops.keep", "bob", "shop")
    dear, cheap = world.washes(20, 100_001), world.washes(20, 100_000, number=2)

    with world.refuses("above_limit"):
        world.buy(dear, "bob")
    world.buy(cheap, "bob")
    world.buy(dear, "alice")

    assert (world.spent("alice"), world.spent("bob")) == (100_001, 100_000)


def test_who_had_the_service_before_has_no_cooling_off(world: CardWorld) -> None:
    offer = world.washes(2, 8_000)
    first = world.buy(offer)
    world.serve(first)

    second, other = world.buy(offer), world.buy(offer, "bob")

    assert [world.card(one)["known"] for one in (first, second, other)] == [False, True, False]
    assert world.card(second)["cooling_until"] == 0
    assert [one["known"] for one in world.seen("Sold")] == [False, True, False]
    before = world.earned()
    world.serve(second)
    assert world.earned() - before == 4_000


def test_two_operators_lower_the_cover_and_not_below_sixty_percent(world: CardWorld) -> None:
    world.washes()
    with world.refuses("not_operator"):
        world.call("shop", "prepaid.set_cover", "shop", 6_000)
    for cover in (5_999, 10_001):
        with world.refuses("bad_cover"):
            world.call("operator", "prepaid.set_cover", "shop", cover)

    world.call("operator", "prepaid.set_cover", "shop", 6_000)
    with world.refuses("said_before"):
        world.call("operator", "prepaid.set_cover", "shop", 6_000)
    world.call("second operator", "prepaid.set_cover", "shop", 7_000)  # that is something else
    alone = world.view("prepaid.cover", "shop")["cover_bp"]
    world.call("operator", "prepaid.set_cover", "shop", 7_000)
    lowered = world.view("prepaid.cover", "shop")["cover_bp"]
    world.call("second operator", "prepaid.set_cover", "shop", 10_000)

    assert (alone, lowered) == (10_000, 7_000)
    assert world.view("prepaid.cover", "shop")["cover_bp"] == 10_000


def test_an_operators_word_about_the_cover_is_good_for_two_weeks(world: CardWorld) -> None:
    world.washes()
    world.call("operator", "prepaid.set_cover", "shop", 6_000)
    after_days(world, 14)
    world.call("second operator", "prepaid.set_cover", "shop", 6_000)

    assert world.view("prepaid.cover", "shop")["cover_bp"] == 10_000


def test_at_a_lower_cover_the_shop_has_its_part_after_cooling_off_and_works_it_off_first(
    world: CardWorld,
) -> None:
    offer = world.washes(10, 10_000)
    whole = world.buy(offer, "bob")
    world.lower_cover("shop", 6_000)
    card = world.buy(offer)
    held = [world.held_for(card)]

    after_days(world, 8)
    held.append(world.held_for(card))
    for _ in range(6):
        world.serve(card)
        held.append(world.held_for(card))
    cover = world.view("prepaid.cover", "shop")

    assert held == [10_000, 6_000, 6_000, 6_000, 6_000, 6_000, 5_000, 4_000]
    assert world.held_for(whole) == 10_000
    assert (cover["liability"], cover["held"], cover["ratio"]) == (14_000, 14_000, 10_000)


def test_without_cooling_off_the_shop_has_its_part_at_the_sale(world: CardWorld) -> None:
    offer = world.washes(10, 10_000)
    world.lower_cover("shop", 6_000)
    world.serve(world.buy(offer))

    card = world.buy(offer)

    assert world.card(card)["known"] is True
    assert (world.earned(), world.held_for(card)) == (4_000, 6_000)


def test_what_was_not_covered_is_a_claim_and_said_so(world: CardWorld) -> None:
    offer = world.washes(10, 10_000)
    world.lower_cover("shop", 6_000)
    card = world.buy(offer)
    after_days(world, 8)
    world.serve(card)
    cover = world.view("prepaid.cover", "shop")

    shown = world.preview(card)
    world.call("alice", "prepaid.ask_refund", card)

    assert (cover["liability"], cover["held"], cover["ratio"]) == (9_000, 6_000, 6_666)
    assert (shown["refund"], shown["held"], shown["claim"]) == (9_000, 6_000, 3_000)
    assert world.spent() == 4_000
    assert world.seen("Refunded")[0]["claim"] == 3_000
    assert world.view("prepaid.cover", "shop") == {
        "liability": 0, "held": 0, "ratio": 10_000, "cover_bp": 6_000, "cards": 0, "claims": 3_000,
        "large": False,
    }  # fmt: skip


def test_at_a_lower_cover_cooling_off_still_gives_everything_back(world: CardWorld) -> None:
    offer = world.washes(10, 10_000)
    world.lower_cover("shop", 6_000)
    card = world.buy(offer)
    after_days(world, 6.9)

    world.call("alice", "prepaid.ask_refund", card)

    assert (world.spent(), world.earned()) == (0, 0)


def sell_weekly(world: CardWorld, offer: str, *counts: int) -> None:
    for count in counts:
        for _ in range(count):
            world.buy(offer, "bob")
        after_days(world, 7)


def test_a_week_above_three_times_the_median_of_eight_is_told(world: CardWorld) -> None:
    world.give("bob", 100_000_000, "CNY")
    offer = world.washes(10, 100_000)
    sell_weekly(world, offer, 3, 2, 1, 2, 9, 2, 3, 2)
    told = len(world.seen("ManySold"))

    sell_weekly(world, offer, 6)
    quiet = len(world.seen("ManySold"))
    sell_weekly(world, offer, 8)

    week = (world.now - 7 * DAY_MS) // (7 * DAY_MS)
    assert quiet == told
    assert world.seen("ManySold")[told:] == [{"shop": "shop", "week": week, "sold": 700_000}]


def test_cards_sold_in_the_week_before_closing_come_back_whole(world: CardWorld) -> None:
    offer = world.washes(10, 100_000)
    buyers = [f"buyer {n}" for n in range(12)]
    cards = [world.buy(offer, who) for who in buyers]
    world.serve(cards[0], times=2)
    after_days(world, 5)

    world.stand("closed")
    after_days(world, 1.1)

    assert world.seen("ManySold") == [{"shop": "shop", "week": 2922, "sold": 500_000}]
    assert [world.spent(who) for who in buyers] == [20_000] + 11 * [0]
    assert world.earned() == 20_000
    assert world.timers() == []


@pytest.mark.parametrize(("sold", "large"), [(100, False), (101, True)])
def test_more_than_a_hundred_open_cards_are_much(world: CardWorld, sold: int, large: bool) -> None:  # noqa: FBT001
    offer = world.washes(10, 1_000)
    for _ in range(sold):
        world.buy(offer)

    assert world.view("prepaid.cover", "shop")["large"] is large


def test_more_than_100_000_are_much(world: CardWorld) -> None:
    world.give("alice", 20_000_000, "CNY")
    offer = world.washes(10, 500_000)
    seen = []
    for _ in range(21):
        world.buy(offer)
        seen.append(world.view("prepaid.cover", "shop")["large"])

    assert seen == 20 * [False] + [True]
