"""Prepaid cards with the register of shops and the points that ship: whole stories."""

from functools import cache
from typing import Any

import pytest

from chain.types import DAY_MS
from tests.contracts.standard.prepaid_setting import (
    STANDARD,
    START,
    TELLER,
    WASH,
    CardWorld,
    after_days,
)

HOLDERS = ("ann", "bob", "cem", "dora", "eva")


@cache
def made_town() -> CardWorld:
    town = CardWorld(time=START)
    town.add(STANDARD / "shops.wash", install=True)
    town.add(STANDARD / "loyalty.wash", install=True)
    town.add(STANDARD / "prepaid.wash", links={"register": "shops"}, install=True)
    town.add(TELLER, name="teller", install=True)
    for shop in ("shop", "rival"):
        town.call("operator", "shops.admit", shop, shop.capitalize())
        town.call(shop, "shops.set_service", WASH, 4_000, "1h", 0, bytes(32), "wash")
    program = town.view("loyalty.default_rules")
    town.call("shop", "loyalty.set_program", {**program, "earning": True})
    return town


@pytest.fixture
def town() -> CardWorld:
    return made_town().copy()


def status(town: CardWorld) -> str:
    found: str = town.view("shops.standing", "shop")["status"]
    return found


def refunds(town: CardWorld) -> list[tuple[str, str, int]]:
    return [(one["holder"], one["cause"], one["refund"]) for one in town.seen("Refunded")]


def test_journey_3_a_shop_goes_silent_with_five_cards_two_of_them_in_cooling_off(
    town: CardWorld,
) -> None:
    offer = town.washes(20, 79_800)
    cards = {who: town.buy(offer, who) for who in HOLDERS[:3]}
    after_days(town, 10)
    town.serve(cards["ann"], times=13)
    cards |= {who: town.buy(offer, who) for who in HOLDERS[3:]}
    town.serve(cards["dora"])
    after_days(town, 2)

    # From here on the shop does nothing any more, and no customer does more than ask once.
    for who in HOLDERS[:3]:
        town.begin(cards[who])
    town.call("dora", "prepaid.ask_refund", cards["dora"])
    seen = []
    for _ in range(23):
        after_days(town, 1)
        seen.append(status(town))

    assert [seen.index(one) for one in ("WARNED", "FROZEN", "CLOSED")] == [7, 14, 21]
    assert sorted(refunds(town)) == [
        ("ann", "CLOSED", 27_930),
        ("bob", "CLOSED", 79_800),
        ("cem", "CLOSED", 79_800),
        ("dora", "COOLING_OFF", 75_810),
        ("eva", "CLOSED", 79_800),
    ]
    assert town.earned() == 14 * 3_990
    assert sum(town.spent(who) for who in HOLDERS) == 14 * 3_990
    assert town.held("prepaid") == 0


def test_a_computer_that_opens_the_shop_and_begins_every_use_hides_nothing(
    town: CardWorld,
) -> None:
    offer = town.washes(20, 79_800)
    cards = [town.buy(offer, who) for who in HOLDERS]
    after_days(town, 8)
    uses = [town.begin(card) for card in cards[:3]]
    for use in uses:
        town.call("shop", "prepaid.start_use", use)

    for day in range(30):
        if day % 2 == 0 and status(town) != "CLOSED":
            town.call("shop", "shops.open_shop")
        after_days(town, 1)

    assert status(town) == "CLOSED"
    assert [town.spent(who) for who in HOLDERS] == 5 * [0]
    assert town.earned() == 0


def test_a_rivals_friends_do_not_close_a_shop_that_offers_them_a_time(town: CardWorld) -> None:
    offer = town.washes(20, 1_000)
    friends = [town.buy(offer, f"friend {n}") for n in range(3)]
    regular = town.buy(offer, "ann")
    after_days(town, 8)
    for card in friends:
        town.begin(card)
    after_days(town, 2)
    clocks = [town.view("shops.clock_days", "shop", f"friend {n}") for n in range(3)]

    for card in friends:
        town.call("shop", "prepaid.offer_slot", card, town.now + DAY_MS)
    after_days(town, 30)

    assert clocks == [1, 1, 1]
    assert [town.view("shops.clock_days", "shop", f"friend {n}") for n in range(3)] == 3 * [0]
    assert (status(town), town.card(regular)["status"]) == ("ADMITTED", "OPEN")


def test_a_shop_that_serves_others_is_not_closed_by_three_who_never_come(town: CardWorld) -> None:
    offer = town.washes(20, 1_000)
    friends = [town.buy(offer, f"friend {n}") for n in range(3)]
    cards = [town.buy(offer, who) for who in HOLDERS]
    after_days(town, 8)
    for card in friends:
        town.begin(card)
    after_days(town, 10)
    for card in cards[:3]:
        town.serve(card)

    after_days(town, 20)

    assert status(town) == "FROZEN"  # the operators decide
    assert len(town.seen("ClosingAsked")) == 1
    assert {one[:2] for one in refunds(town)} == {(f"friend {n}", "SILENT") for n in range(3)}


def test_an_announced_end_refunds_everybody_on_its_day(town: CardWorld) -> None:
    offer = town.washes(20, 79_800)
    cards = [town.buy(offer, who) for who in HOLDERS]
    after_days(town, 8)
    town.serve(cards[0], times=2)
    town.call("shop", "shops.announce_closing", town.now + 40 * DAY_MS)
    with town.refuses("shop_closed"):
        town.buy(offer, "late")
    town.call("bob", "prepaid.ask_refund", cards[1])
    after_days(town, 39)
    before = refunds(town)

    after_days(town, 1.1)

    assert before == [("bob", "HOLDER", 79_800)]
    assert [one[:2] for one in refunds(town)[1:]] == [
        (who, "CLOSED") for who in ("ann", "cem", "dora", "eva")
    ]
    assert (town.earned(), town.held("prepaid")) == (7_980, 0)


def test_operators_close_a_shop_and_its_cards_come_back(town: CardWorld) -> None:
    town.buy(town.washes(20, 79_800), "ann")
    town.call("operator", "shops.set_status", "shop", "CLOSED")

    after_days(town, 1.1)

    assert refunds(town) == [("ann", "CLOSED", 79_800)]


def test_a_visit_on_a_card_earns_points_and_shows_in_the_shops_figures(town: CardWorld) -> None:
    card = town.buy(town.washes(20, 80_000), "ann")
    town.serve(card, times=2)

    after_days(town, 3)

    assert town.view("loyalty.standing", "shop", "ann")["own_active"] == 80
    figures: dict[str, Any] = town.view("shops.figures", "shop")
    assert (figures["settled"], figures["on_time"], figures["lapsed"]) == (2, 2, 0)


def test_a_booking_that_lapsed_starts_the_clock_of_who_holds_a_card(town: CardWorld) -> None:
    town.buy(town.washes(20, 80_000), "ann")
    town.tick(1)
    for who in ("ann", "bob"):
        town.call("teller", "teller.tell", "shop", who)
    town.tick(1)

    days = [town.view("shops.clock_days", "shop", who) for who in ("ann", "bob")]

    assert days == [1, 0]


def test_a_card_kept_by_the_shop_becomes_the_customers_own(town: CardWorld) -> None:
    offer = town.washes(20, 80_000)
    town.call("ann", "shops.keep_account", "shop", sponsor="shop")
    card = town.buy(offer, "ann")
    use = town.serve(card, upto="finish_use")

    with town.refuses("key_is_kept"):
        town.call("ann", "prepaid.confirm_use", use)
    after_days(town, 1)

    assert town.stage(use) == "SETTLED"
    assert town.view("prepaid.use", use)["own_key"] is False
