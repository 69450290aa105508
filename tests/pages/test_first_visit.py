"""A customer's first visit: from the code at the shop to a booking, without knowing anything."""

import pytest

from tests.pages.browsing import Visitor
from tests.pages.conftest import Come
from tests.pages.town import Town

FIRST_PAGE_BYTES = 120 * 1024
LANGS = ("en", "zh")
# What differs in nothing but words is tried in one language always, in the other by
# `make whole`; test_every_page.py looks at all pages in both.
WHOLE = pytest.mark.whole
IN_ENGLISH = ("en", pytest.param("zh", marks=WHOLE))
IN_CHINESE = (pytest.param("en", marks=WHOLE), "zh")


async def book(one: Visitor, shop: str, service: int = 1) -> str:
    """Book the first free time; returns the booking's id."""
    await one.open(f"/s/{shop}/book?service={service}")
    await one.press(".slots a >> nth=0")
    return await confirm(one)


async def confirm(one: Visitor) -> str:
    """Press the last button of a booking, with money from nowhere; returns the booking's id."""
    await one.page.wait_for_selector("#pay:not([hidden])")
    if await one.page.is_visible("#top-up"):
        await one.press("#top-up")
        await one.page.wait_for_selector("#confirm:enabled")
    await one.press("#confirm")
    await one.page.wait_for_url("**/b/*")
    return one.page.url.rpartition("/")[2]


@pytest.mark.parametrize("lang", LANGS)
async def test_three_taps_after_the_service_make_a_booking(
    visitor: Come, town: Town, lang: str
) -> None:
    one = await visitor(lang)
    await one.open(f"/c?s={town.sparkle}")
    await one.check()
    await one.open(f"/s/{town.sparkle}")
    await one.check()
    await one.shoot("shop")
    await one.press("a.item >> nth=0")  # the service
    await one.page.wait_for_selector(".slots")
    await one.check()
    await one.press(".slots a >> nth=0")  # first tap: the time
    await one.page.wait_for_selector("#pay:not([hidden])")
    await one.press("#top-up")  # second: money, on this practice network
    await one.page.wait_for_selector("#confirm:enabled")
    await one.check()
    await one.shoot("rules")
    await one.press("#confirm")  # third: the booking
    await one.page.wait_for_url("**/b/*")

    booking = town.read("booking.booking", id=one.page.url.rpartition("/")[2])

    assert (booking["shop"], booking["state"]) == (town.sparkle, "ACCEPTED")
    assert booking["customer"] != town.sparkle
    await one.page.wait_for_selector("[data-action=cancel]:visible")
    await one.check()
    await one.shoot("booked")


async def test_the_first_page_is_small(visitor: Come, town: Town) -> None:
    one = await visitor()

    await one.open(f"/s/{town.sparkle}")

    assert 0 < one.bytes <= FIRST_PAGE_BYTES


async def test_everything_can_be_read_without_scripts(visitor: Come, town: Town) -> None:
    one = await visitor(has_script=False)

    await one.open(f"/s/{town.sparkle}")
    await one.press("a.item >> nth=0")
    await one.press(".slots a >> nth=0")

    rules = await one.text()
    assert "If your plans change" in rules
    assert "free" in rules
    assert "JavaScript" in await one.text("#notices")


async def test_a_customer_cancels_and_is_told_the_exact_money_first(
    visitor: Come, town: Town
) -> None:
    one = await visitor()
    name = await book(one, town.sparkle)
    await one.page.wait_for_selector("[data-action=cancel]:visible")

    await one.press("[data-action=cancel]")
    asked = await one.text("#ask-cancel[open]")
    await one.check()
    await one.press("#ask-cancel button[value=yes]")
    await one.page.wait_for_selector("#end")

    told = await one.text()
    assert "¥68.00" in asked
    assert "just now" in asked
    assert "¥68.00" in told
    assert town.read("booking.booking", id=name)["state"] == "CANCELLED_CUSTOMER"


async def test_each_shop_sees_another_account(visitor: Come, town: Town) -> None:
    one = await visitor()
    first = town.read("booking.booking", id=await book(one, town.sparkle))
    second = town.read("booking.booking", id=await book(one, town.harbour))
    told = await one.text()

    assert first["customer"] != second["customer"]
    assert "If it does not, everything comes back to you by itself." in told
    await one.open("/c")
    await one.page.wait_for_selector("#mine .card >> nth=1")
    await one.check()
    await one.shoot("mine")


async def test_the_language_is_the_browsers_until_another_is_chosen(
    visitor: Come, town: Town
) -> None:
    one = await visitor("zh")
    await one.open(f"/s/{town.sparkle}")
    before = await one.page.get_attribute("html", "lang")

    await one.press(".lang")
    after = await one.page.get_attribute("html", "lang")
    await one.open("/")

    assert (before, after, await one.page.get_attribute("html", "lang")) == ("zh-CN", "en", "en")
