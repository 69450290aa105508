"""People: a phone lost and found by helpers, a thief stopped, a permission taken back."""

from typing import NamedTuple

import pytest

from tests.e2e.browser.guests import Guest, Guests
from tests.e2e.browser.net import BrowserNet
from tests.e2e.browser.steps import (
    DETAILS,
    IN_CHINESE,
    IN_ENGLISH,
    begin,
    book,
    deal,
    keep_notes,
    read_notes,
)
from tests.e2e.journey_net import DAY_MS, HOUR_MS, acct

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
DELAY_MS = 72 * HOUR_MS


# A lost phone -------------------------------------------------------------------------------------


async def number_of(one: Guest, shop: str) -> str:
    """Return the account of somebody at a shop, as the page of helpers shows it."""
    await one.open(f"/c/helpers?shop={acct(shop)}")
    await one.page.wait_for_selector("#mine:not(:empty)")
    return await one.text("#mine")


async def choose(one: Guest, shop: str, friend: str) -> None:
    """Choose the shop and a friend as helpers."""
    await one.open(f"/c/helpers?shop={acct(shop)}")
    await one.page.fill("#friend", friend)
    await one.see("02-choosing")
    await one.press("#choose-form button")
    await one.page.wait_for_selector("#now:has-text('2')")
    await one.see("03-chosen")


async def ask_for(one: Guest, shop: str, account: str) -> str:
    """Ask for a lost account on another phone; returns the code for the helpers."""
    await one.open(f"/c/helpers?shop={acct(shop)}")
    await one.page.fill("#lost", account)
    await one.press("#lost-form button")
    await one.page.wait_for_selector("#lost-code:not([hidden])")
    return await one.text("#lost-code code")


async def help_with(friend: Guest, shop: str, code: str) -> str:
    """Enter a code as a helper; returns what the page says."""
    await friend.open(f"/c/helpers?shop={acct(shop)}")
    await friend.page.fill("#code", code)
    await friend.press("#help-form button")
    await friend.page.wait_for_selector("#help-said.good:not([hidden])")
    return await friend.text("#help-said")


async def shop_helps(guests: Guests, lang: str, shop: str, code: str) -> None:
    """Let the owner of the shop agree as well, who has seen the customer."""
    olga = await guests.work("08-lost-phone", lang, shop, "Olga", "/shop/helpers")
    await olga.page.fill("#scan", code)
    await olga.page.keyboard.press("Enter")
    await olga.page.wait_for_selector("#case-form")
    await olga.see("06-shop-looks")
    for question in ("here", "right", "phone"):
        await olga.page.check(f"#is-{question}")
    await olga.press("#case-form button")
    await olga.press("#ask-yes")
    await olga.page.wait_for_selector("#case .notice.good")
    await olga.page.close()


class Asked(NamedTuple):
    """Somebody asked for an account: which, with which booking; the helper's and the new phone."""

    account: str
    booking: str
    friend: Guest
    fresh: Guest
    code: str


async def ask_helpers(guests: Guests, place: BrowserNet, owner: Guest, name: str) -> Asked:
    """Let somebody choose helpers, and somebody ask for the account whom both believe."""
    friend = await guests.come("08-lost-phone", owner.lang)
    account = await begin(owner, place, "shop2")
    booking = await book(owner, "shop2", days=6)
    await owner.see("01-booked")
    await choose(owner, "shop2", await number_of(friend, "shop2"))
    fresh = await guests.come("08-lost-phone", owner.lang)
    code = await ask_for(fresh, "shop2", account)
    await fresh.see(f"04-{name}-asks")
    await help_with(friend, "shop2", code)
    await friend.see(f"05-helping-{name}")
    await shop_helps(guests, owner.lang, "shop2", code)
    return Asked(account, booking, friend, fresh, code)


@pytest.mark.parametrize("lang", IN_CHINESE)
async def test_who_loses_a_phone_gets_everything_back_by_two_helpers(
    guests: Guests, place: BrowserNet, lang: str
) -> None:
    owner = await guests.come("08-lost-phone", lang)
    account, booking, friend, fresh, code = await ask_helpers(guests, place, owner, "owner")
    await owner.page.close()  # at the bottom of a lake
    await place.tick(DELAY_MS + HOUR_MS)
    said = await help_with(friend, "shop2", code)
    await friend.see("07-after-three-days")
    await fresh.press("#lost-form button")
    await fresh.page.wait_for_url("**/c")
    await fresh.page.wait_for_selector(f"a[href='/b/{booking}']")
    await fresh.see("08-everything-back")
    await fresh.open(f"/b/{booking}")
    await fresh.press("[data-action=cancel]")
    await fresh.agree("ask-cancel")
    await fresh.page.wait_for_selector("#end")
    await fresh.see("09-it-acts")

    keys = await place.held(lambda net: net.ask("account_get", account=account)["keys"])
    found = await place.read("booking.booking", id=booking)
    assert len(keys) == 1
    assert {"zh": "一切", "en": "everything"}[lang] in said
    assert found["state"] == "CANCELLED_CUSTOMER"


@pytest.mark.parametrize("lang", IN_ENGLISH)
async def test_who_still_has_the_phone_is_told_and_stops_a_thief(
    guests: Guests, place: BrowserNet, lang: str
) -> None:
    owner = await guests.come("08-lost-phone", lang)
    account, booking, _friend, thief, code = await ask_helpers(guests, place, owner, "thief")
    await place.tick(DELAY_MS - HOUR_MS)
    await owner.open("/c")
    await owner.page.wait_for_selector(".notice.bad button")
    await owner.see("07-somebody-asks")
    await owner.press(".notice.bad button")
    await owner.page.wait_for_selector(".notice.good")
    await owner.see("08-stopped")
    await place.tick(2 * HOUR_MS)
    await thief.press("#lost-form button")
    await thief.page.wait_for_selector("#lost-said:not([hidden])")
    await thief.see("09-thief-without")
    await thief.open(f"/b/{booking}")
    await thief.see("10-thiefs-view")

    found = await place.held(lambda net: net.ask("account_get", account=account))
    assert found["recovery"] is None
    assert [one["key"] for one in found["keys"]] != [code.partition(".")[2]]
    assert await thief.page.locator("main .button:visible").count() == 0


# A permission taken back --------------------------------------------------------------------------


async def ask_to_see(place: BrowserNet, owner: str) -> str:
    """Let a shop write something about a customer, and another one ask to see it."""
    blob = await keep_notes(place, owner)
    until = await place.held(lambda net: net.now + 30 * DAY_MS)
    await deal(place, "shop2", lambda shop: shop.ask(owner, "CLAIM", until=until, blob=blob))
    return blob


@pytest.mark.parametrize("lang", IN_CHINESE)
async def test_after_a_permission_is_taken_back_a_reader_is_refused_at_once(
    guests: Guests, place: BrowserNet, lang: str
) -> None:
    one = await guests.come("09-taken-back", lang)
    account = await begin(one, place, "shop1")
    await book(one, "shop1")
    blob = await ask_to_see(place, account)
    tries = [await read_notes(place, "shop2", blob, "CLAIM")]
    await one.open("/c/privacy")
    await one.page.wait_for_selector("#questions li")
    await one.see("01-asked")
    await one.press("#questions .button:not(.quiet)")
    await one.page.wait_for_selector("#readers li >> nth=1")
    await one.see("02-allowed")
    tries.append(await read_notes(place, "shop2", blob, "CLAIM"))
    await one.press("#readers li:has-text('Harbour') input, #readers li:has-text('港湾') input")
    await one.page.wait_for_selector("#readers li >> nth=1", state="detached")
    await one.see("03-taken-back")
    tries.append(await read_notes(place, "shop2", blob, "CLAIM"))
    await one.press("#show-log")
    await one.page.wait_for_selector("#log li")
    log = await one.text("#log")
    await one.see("04-who-looked")

    assert tries == ["NO_CONSENT", DETAILS, "NO_CONSENT"]
    assert {"zh": "港湾", "en": "Harbour"}[lang] in log
