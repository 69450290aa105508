"""Prepaid cards: bought, used at the counter, given away, and left with the exact money."""

from typing import Any

import pytest

from chain.types import DAY_MS
from tests.pages.browsing import Visitor
from tests.pages.conftest import Come
from tests.pages.test_first_visit import IN_ENGLISH
from tests.pages.town import Town

NOTHING = {"service": 0, "version": 0, "units": 0, "amount": 0}
NUMBER = 71  # of an offer that only these tests have


@pytest.fixture(scope="module")
def offer(town: Town) -> str:
    """Ten washes for ¥600.00."""
    version = town.read("shops.service", shop=town.sparkle, service=1)["version"]
    done = town.do(
        "sparkle",
        "prepaid.publish_offer",
        number=NUMBER,
        kind="COUNT",
        price=60_000,
        bonus=0,
        settle_after=DAY_MS,
        transferable=True,
        quality="00" * 32,
        name="Ten washes / 十次洗车",
        first={"service": 1, "version": version, "units": 10, "amount": 60_000},
        second=NOTHING,
        third=NOTHING,
        fourth=NOTHING,
    )
    made: str = done.event("prepaid.OfferPublished")["offer"]
    return made


async def buy(one: Visitor, town: Town, offer: str) -> str:
    """Buy a card; returns its id."""
    await one.open(f"/c/cards?s={town.sparkle}")
    await one.press(f"[data-buy={offer}]")
    await one.page.wait_for_selector("#ask-buy[open]")
    await one.press("#ask-buy button[value=yes]")
    await one.page.wait_for_url("**/c/cards/crd1*")
    await one.page.wait_for_selector("[data-action=leave]:visible")
    return one.page.url.rpartition("/")[2]


def use_of(town: Town, card: str) -> Any:
    wish = {"type": "prepaid.UseMoved", "values": {"card": card}}
    return town.rpc("events_query", filter=wish)["items"][-1]["values"]["use"]


@pytest.mark.parametrize("lang", IN_ENGLISH)
async def test_a_card_is_bought_and_shows_what_would_come_back_and_why(
    visitor: Come, town: Town, offer: str, lang: str
) -> None:
    one = await visitor(lang)
    await one.open(f"/c/cards?s={town.sparkle}")
    await one.check()
    await one.shoot("cards-on-sale")

    name = await buy(one, town, offer)

    told = await one.text()
    assert "¥600.00" in told
    assert ("7 天" if lang == "zh" else "less than 7 days ago") in told
    await one.check()
    await one.shoot("card")
    await one.open("/c/cards")
    await one.page.wait_for_selector(f"a[href='/c/cards/{name}'].button")
    assert "¥600.00" in await one.text("#cards")
    await one.check()
    await one.shoot("cards")


async def test_a_use_is_asked_for_done_and_confirmed(visitor: Come, town: Town, offer: str) -> None:
    one = await visitor()
    name = await buy(one, town, offer)

    await one.press("[data-action=use]")
    await one.page.wait_for_selector("#show-code[open]")
    code = await one.page.get_attribute("#code", "data-text")
    await one.check()
    await one.press("#show-code button[value=yes]")
    await one.page.wait_for_selector("[data-action=withdraw]:visible")
    use = use_of(town, name)
    assert "¥540.00" in await one.text()  # one of ten is under way
    town.do("sparkle", "prepaid.start_use", use=use)
    town.do("sparkle", "prepaid.finish_use", use=use)
    await one.page.wait_for_selector("[data-action=complain]:visible")
    await one.check()
    await one.shoot("card-ready")
    await one.press("[data-action=confirm]")
    await one.page.wait_for_selector("#ask-confirm[open]")
    await one.press("#ask-confirm button[value=yes]")
    await one.page.wait_for_selector(".badge:has-text('done and paid')")

    assert (code or "").startswith("WASHIN1:")
    assert town.read("prepaid.count", card=name, line=0) == {
        "used": 1,
        "held": 0,
    }
    assert "1 of 10 used" in await one.text()
    await one.open("/c")
    await one.page.wait_for_selector("#survey:not([hidden])")  # as after a visit that was booked


async def test_who_is_not_content_keeps_the_visit_on_hold(
    visitor: Come, town: Town, offer: str
) -> None:
    one = await visitor()
    name = await buy(one, town, offer)
    await one.press("[data-action=use]")
    await one.page.wait_for_selector("#show-code[open]")
    await one.press("#show-code button[value=yes]")
    await one.page.wait_for_selector("[data-action=withdraw]:visible")
    use = use_of(town, name)
    town.do("sparkle", "prepaid.start_use", use=use)
    town.do("sparkle", "prepaid.finish_use", use=use)

    await one.press("[data-action=complain]")
    await one.page.wait_for_selector("#ask-complain[open]")
    await one.press("#ask-complain button[value=yes]")
    await one.page.wait_for_selector(".badge:has-text('being looked into')")

    assert town.read("prepaid.use", use=use)["stage"] == "DISPUTED"


async def test_who_leaves_is_told_the_exact_money_first(
    visitor: Come, town: Town, offer: str
) -> None:
    one = await visitor()
    name = await buy(one, town, offer)

    await one.press("[data-action=leave]")
    await one.page.wait_for_selector("#ask-leave[open]")
    asked = await one.text("#ask-leave")
    await one.check()
    await one.press("#ask-leave button[value=yes]")
    await one.page.wait_for_selector("[data-action=leave]", state="detached")

    told = await one.text()
    assert ("¥600.00" in asked, "less than 7 days ago" in asked) == (True, True)
    assert "¥600.00 came back" in told
    assert town.read("prepaid.card", card=name)["status"] == "OVER"


async def test_a_card_is_given_to_another_person(visitor: Come, town: Town, offer: str) -> None:
    giver, taker = await visitor(), await visitor("zh")
    name = await buy(giver, town, offer)
    await taker.open(f"/c/cards?s={town.sparkle}")
    await taker.press("#my-number summary")
    await taker.page.wait_for_selector("#my-account:not(:empty)")
    account = await taker.text("#my-account")

    await giver.press("[data-action=give]")
    await giver.page.wait_for_selector("#ask-give[open]")
    await giver.page.fill("#give-to", account)
    await giver.check()
    await giver.press("#ask-give button[value=yes]")
    await giver.page.wait_for_selector("[data-action=keep]:visible")
    await taker.open(f"/c/cards/{name}")
    await taker.press("[data-action=take]")
    await taker.page.wait_for_selector("[data-action=leave]:visible")

    assert town.read("prepaid.card", card=name)["holder"] == account
    await giver.page.wait_for_selector("[data-action=leave]", state="hidden")


async def test_a_card_can_be_read_without_scripts_and_strangers_see_no_buttons(
    visitor: Come, town: Town, offer: str
) -> None:
    name = await buy(await visitor(), town, offer)
    reader, stranger = await visitor(has_script=False), await visitor()

    await reader.open(f"/c/cards/{name}")
    await stranger.open(f"/c/cards/{name}")

    assert "comes back" in (await reader.text()).lower()
    assert await stranger.page.locator("main .button:visible").count() == 0


@pytest.mark.parametrize(
    ("kind", "bonus", "line", "told"),
    [
        ("VALUE", 20_000, {"units": 0, "amount": 6_800}, ["¥200.00", "¥0.00 of ¥800.00 used"]),
        ("PERIOD", 0, {"units": 30, "amount": 60_000}, ["0 of 30 days gone"]),
    ],
)
def test_cards_of_every_kind_are_told_in_their_own_units(
    town: Town, kind: str, bonus: int, line: dict[str, int], told: list[str]
) -> None:
    version = town.read("shops.service", shop=town.sparkle, service=1)["version"]
    done = town.do(
        "sparkle",
        "prepaid.publish_offer",
        number=NUMBER + 1,
        kind=kind,
        price=60_000,
        bonus=bonus,
        settle_after=DAY_MS,
        transferable=False,
        quality="00" * 32,
        name=kind,
        first={"service": 1, "version": version, **line},
        second=NOTHING,
        third=NOTHING,
        fourth=NOTHING,
    )
    offer = done.event("prepaid.OfferPublished")["offer"]
    card = town.do("alice", "prepaid.buy", 60_000, offer=offer).event("prepaid.Sold")["card"]

    status, _headers, body = town.get(f"/c/cards/{card}", Accept="text/html")

    page = body.decode()
    assert status == 200
    assert [text for text in ["¥600.00", *told] if text not in page] == []
    assert "Give it to somebody" not in page
