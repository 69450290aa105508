"""Shops that are not there: one for good, one for the time of a power cut, all for a night."""

from collections.abc import Sequence
from random import Random
from threading import Timer

import pytest

from tests.e2e.browser.guests import Guest, Guests
from tests.e2e.browser.net import BrowserNet
from tests.e2e.browser.steps import IN_ENGLISH, LANGS, be_in_time, begin, book, hand_over
from tests.e2e.journey_net import DAY_MS, HOUR_MS, MINUTE_MS, JourneyNet, acct, calling
from tests.e2e.journey_town import WASH_PRICE, buying, sell_card

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
CARD_PRICE, UNITS = 79_800, 20
QUIET = "quiet1"
CLOSED_AFTER_DAYS = 21
SAID = {
    "WARNED": {"zh": "等待", "en": "waiting for an answer"},
    "FROZEN": {"zh": "失联", "en": "not answering"},
    "CLOSED": {"zh": "已关闭", "en": "is closed"},
}
KILL_WITHIN_S = 0.08  # some blocks
PAYING = {"type": "transfer", "asset": "CNY"}


# For good -----------------------------------------------------------------------------------------


async def buy(one: Guest, place: BrowserNet, step: str) -> str:
    """Buy a card of the quiet shop; returns its id."""
    await begin(one, place, QUIET)
    await one.open(f"/c/cards?s={acct(QUIET)}")
    await one.see(f"{step}-on-sale")
    await one.press("[data-buy]")
    await one.agree("ask-buy")
    await one.page.wait_for_url("**/c/cards/crd1*")
    await one.page.wait_for_selector("[data-action=leave]:visible")
    await one.see(f"{step}-bought")
    return one.page.url.rpartition("/")[2]


async def ask_for_a_wash(one: Guest) -> None:
    """Ask for a wash on a card, at a counter where nobody is."""
    await one.press("[data-action=use]")
    await one.agree("show-code")
    await one.page.wait_for_selector("[data-action=withdraw]:visible")
    await one.see("03-asked")


async def wait_for(place: BrowserNet, status: str) -> None:
    """Let days pass until a shop stands like this, with what its cards get within the hour."""
    for _ in range(CLOSED_AFTER_DAYS + 2):
        if (await place.read("shops.standing", shop=acct(QUIET)))["status"] == status:
            await place.tick(HOUR_MS)
            return
        await place.held(lambda net: net.until((net.now // DAY_MS + 1) * DAY_MS))
    raise AssertionError(f"the shop never was {status}")


async def look_at(holders: Sequence[Guest], cards: Sequence[str], status: str) -> list[str]:
    """Let all look at their cards, and two at the shop; returns what the cards' pages say."""
    told = []
    for one, card in zip(holders, cards, strict=True):
        await one.open(f"/c/cards/{card}")
        told.append(await one.text())
        assert SAID[status][one.lang] in told[-1], told[-1]
    for one in holders[:2]:
        await one.see(f"04-{status.lower()}-card")
        await one.open(f"/s/{acct(QUIET)}")
        assert SAID[status][one.lang] in await one.text(".notice >> nth=-1")
        await one.see(f"05-{status.lower()}-shop")
        await one.open(f"/c/cards?s={acct(QUIET)}")
        await one.see(f"06-{status.lower()}-sales")
        assert (await one.page.locator("[data-buy]").count() > 0) == (status == "WARNED")
    return told


async def test_holders_of_a_silent_shops_cards_are_warned_and_get_their_money_back(
    guests: Guests, place: BrowserNet
) -> None:
    def sell(net: JourneyNet) -> str:
        offer = sell_card(net, QUIET, UNITS, CARD_PRICE, version=2)
        sold = net.do("friend1", [buying(offer, CARD_PRICE)])
        return str(sold.event("prepaid.Sold")["card"])

    fifth = await place.held(sell)
    holders = [await guests.come("03-silent-shop", lang) for lang in (*LANGS, *LANGS)]
    cards = [await buy(one, place, "01-old") for one in holders[:2]]
    await place.tick(8 * DAY_MS)  # the first are past their cooling-off, the others in it
    for one in holders[:2]:
        await one.page.reload()
        await ask_for_a_wash(one)
    await place.held(
        lambda net: net.call("friend1", "prepaid.begin_use", card=fifth, line=0, amount=0)
    )
    cards += [await buy(one, place, "02-new") for one in holders[2:]]
    told = {}
    for status in ("WARNED", "FROZEN", "CLOSED"):
        await wait_for(place, status)
        told[status] = await look_at(holders, cards, status)

    found = [await place.read("prepaid.card", card=one) for one in cards]
    assert [one["status"] for one in found] == ["OVER"] * 4
    assert [["¥798.00" in text for text in texts] for texts in told.values()] == [[True] * 4] * 3
    for one in holders:
        await one.open("/c")
        await one.page.wait_for_selector("#mine .card")
        assert "¥1,000.00" in await one.text("#mine")
    for one in holders[:2]:
        await one.see("07-money-back")


# A power cut --------------------------------------------------------------------------------------


def cut(net: JourneyNet, random: Random) -> None:
    """Take a computer's power within the blocks that are just made."""
    net.up.remove("shop2")
    plug = Timer(random.uniform(0, KILL_WITHIN_S), net.net.kill, ["shop2"])
    plug.start()
    for _ in range(3):
        net.do("friend1", [{**PAYING, "to": acct("friend2"), "amount": 1}])
    plug.join()


@pytest.mark.parametrize("lang", IN_ENGLISH)
async def test_after_a_power_cut_the_counter_shows_again_what_is_so(
    guests: Guests, place: BrowserNet, lang: str
) -> None:
    one = await guests.come("04-power-cut", lang)
    await begin(one, place, "shop2")
    booking = await book(one, "shop2")
    await be_in_time(place, booking)
    desk = await guests.work("04-power-cut", lang, "shop2")
    await hand_over(one, desk, booking)
    await desk.see("01-before")
    desk.may_lose_line = True
    await desk.press(f"#b-{booking} [data-do=start]")
    await place.held(lambda net: cut(net, Random(lang)))
    await desk.press("[data-do=close_day], [data-do=open_day]")
    await desk.page.wait_for_selector(".notice, dialog[open]")
    await desk.see("02-without-power")

    await place.held(lambda net: net.start("shop2"))
    await desk.page.wait_for_selector("#pin", timeout=40_000)  # it does not stand still
    await desk.see("03-log-in-again")
    again = await guests.work("04-power-cut", lang, "shop2")
    if await again.page.is_visible(f"#b-{booking} [data-do=start]"):  # it was not yet accepted
        await again.press(f"#b-{booking} [data-do=start]")
    await again.page.wait_for_selector(f".bay.busy [data-id={booking}]")
    await again.see("04-again")
    await one.page.wait_for_selector(".steps li:nth-child(4).now")
    await one.see("05-customer")
    await again.press(f".bay [data-do=ready][data-id={booking}]")
    await one.page.wait_for_selector("[data-action=confirm]:visible")
    roots = await place.held(lambda net: net.roots())

    assert len(roots) == 1
    assert (await place.read("booking.booking", id=booking))["state"] == "READY"


# A night ------------------------------------------------------------------------------------------


async def serve(place: BrowserNet, booking: str) -> None:
    """Let a shop wash a car that is there, and say that it is ready."""
    steps = [calling("booking.start_service", id=booking), calling("booking.ready", id=booking)]
    await place.held(lambda net: net.do("shop1", steps))


async def leave_ready(guests: Guests, place: BrowserNet, phones: list[Guest]) -> list[str]:
    """Let customers' cars be washed in the morning, and the customers say nothing."""
    made = []
    for one in phones:
        await begin(one, place, "shop1")
        made.append(await book(one, "shop1"))
    await be_in_time(place, made[0])
    for one, booking in zip(phones, made, strict=True):
        desk = await guests.work("05-night", one.lang, "shop1")
        await hand_over(one, desk, booking)
        await serve(place, booking)
        await desk.page.close()
        await one.page.wait_for_selector("[data-action=confirm]:visible")
        await one.see("01-evening")
    return made


async def at_night(one: Guest, old: str) -> str:
    """Let a customer use the pages while all shops are off; returns the booking made then."""
    await one.open(f"/s/{acct('shop1')}")
    await one.see("02-shop-at-night")
    made = await book(one, "shop1")
    await one.see("03-booked-at-night")
    await one.open(f"/b/{old}")
    await one.page.wait_for_selector("[data-action=confirm]:visible")
    await one.see("04-still-waiting")
    return made


async def test_at_night_the_gateways_pages_serve_and_in_the_morning_the_counter_knows_all(
    guests: Guests, place: BrowserNet
) -> None:
    phones = [await guests.come("05-night", lang) for lang in LANGS]
    old = await leave_ready(guests, place, phones)
    night = (await place.read("booking.booking", id=old[0]))["start"] + 15 * HOUR_MS
    await place.until(night)
    await place.held(lambda net: net.kill("shop1", "shop2"))
    new = [await at_night(one, booking) for one, booking in zip(phones, old, strict=True)]
    await place.until(night + 9 * HOUR_MS - MINUTE_MS)
    for one, booking in zip(phones, old, strict=True):
        await one.open(f"/b/{booking}")
        await one.page.wait_for_selector("#end")
        await one.see("05-paid-by-itself")
    await place.held(lambda net: net.start("shop1", "shop2"))
    for one in phones:
        desk = await guests.work("05-night", one.lang, "shop1")
        for booking in new:
            await desk.page.wait_for_selector(f"#b-{booking}")
        await desk.see("06-morning")

    found = [await place.read("booking.booking", id=one) for one in old]
    assert [(one["state"], one["to_shop"]) for one in found] == [("SETTLED", WASH_PRICE)] * 2
    assert len(await place.held(lambda net: net.roots())) == 1
