"""The page of a booking, while the shop works at its counter."""

import pytest

from chain.ids import decode_id
from chain.types import DAY_MS, HOUR_MS
from tests.pages.conftest import Come
from tests.pages.test_first_visit import IN_ENGLISH, book, confirm
from tests.pages.town import MINUTE_MS, Town


@pytest.mark.parametrize("lang", IN_ENGLISH)
async def test_the_page_follows_the_work_and_pays_when_the_customer_says_so(
    visitor: Come, town: Town, lang: str
) -> None:
    one = await visitor(lang)
    name = await book(one, town.sparkle)
    start = town.read("booking.booking", id=name)["start"]
    town.travel(start - 5 * MINUTE_MS)
    await one.open(f"/b/{name}")
    await one.press("[data-action=code]")
    await one.page.wait_for_selector("#show-code[open]")
    await one.press("#show-code button[value=yes]")  # nobody can scan here
    await one.page.wait_for_selector(".steps li:nth-child(3).now")

    town.do("sparkle", "booking.start_service", id=name)
    await one.page.wait_for_selector(".steps li:nth-child(4).now")
    town.do("sparkle", "booking.ask_extra", id=name, price=3_000, work="Wax / 打蜡")
    await one.press("[data-action=approve]")
    await one.page.wait_for_selector("[data-action=approve]", state="detached")
    town.do("sparkle", "booking.ready", id=name)
    await one.page.wait_for_selector("[data-action=confirm]:visible")
    await one.check()
    await one.shoot("ready")
    await one.press("[data-action=confirm]")
    asked = await one.text("#ask-confirm")
    await one.press("#ask-confirm button[value=yes]")
    await one.page.wait_for_selector("#end")

    assert "¥98.00" in asked
    booking = town.read("booking.booking", id=name)
    assert (booking["state"], booking["to_shop"]["amount"]) == ("SETTLED", 9_800)
    await one.page.wait_for_selector("#rate:not([hidden])")
    await one.check()
    await one.shoot("paid")
    for name_, stars in (("clean", 5), ("on_time", 4), ("staff", 5), ("value", 3)):
        await one.press(f"label[for={name_}-{stars}]")
    await one.press(".chip:has([value='8'])")  # carefully done
    await one.press("#rate-form button")
    await one.page.wait_for_selector("#notice-rated")
    review = town.read("reviews.review_of", visit=decode_id(name, "bkg").hex())
    assert review["scores"] == {"clean": 5, "on_time": 4, "staff": 5, "value": 3}
    assert review["reasons"] == 1 << 8
    await one.open(f"/s/{town.sparkle}")
    assert "★ 3" in await one.text()
    await one.check()
    await one.open("/c")
    await one.page.wait_for_selector("[data-points]:visible")
    await one.shoot("points")


async def test_no_step_is_lost_while_the_line_is_down(visitor: Come, town: Town) -> None:
    one = await visitor()
    name = await book(one, town.sparkle)
    await one.page.wait_for_selector("[data-action=cancel]:visible")
    await one.context.set_offline(True)
    town.do("sparkle", "booking.cancel_by_shop", id=name, weather=False)

    await one.context.set_offline(False)

    await one.page.wait_for_selector("#end", timeout=30_000)
    assert "Cancelled" in (await one.text()).title()


async def test_a_missed_visit_is_shown_with_its_money(visitor: Come, town: Town) -> None:
    one = await visitor()
    name = await book(one, town.sparkle)
    start = town.read("booking.booking", id=name)["start"]
    town.do("sparkle", "shops.open_shop")
    town.travel(start + 26 * HOUR_MS + DAY_MS)

    await one.open(f"/b/{name}")

    told = await one.text()
    assert "missed visit" in told
    assert town.read("booking.booking", id=name)["state"] == "NO_SHOW_CUSTOMER"


async def test_strangers_see_no_buttons(visitor: Come, town: Town) -> None:
    name = await book(await visitor(), town.sparkle)
    other = await visitor()

    await other.open(f"/b/{name}")

    assert await other.page.locator("main .button:visible").count() == 0


async def test_a_booking_is_moved_by_the_customer_and_by_the_shops_offer(
    visitor: Come, town: Town
) -> None:
    one = await visitor()
    await one.open(f"/s/{town.sparkle}/book?service=1")
    await one.press(".days a >> nth=3")
    await one.press(".slots a >> nth=0")
    name = await confirm(one)
    first = town.read("booking.booking", id=name)["start"]
    await one.page.wait_for_selector("[data-action=cancel]:visible")
    await one.press("a[href*='move=']")
    await one.press(".days a >> nth=4")
    await one.press(".slots a >> nth=1")
    await one.check()
    await one.press("#move")
    await one.page.wait_for_url("**/b/*")
    moved = town.read("booking.booking", id=name)["start"]

    offer = moved + 2 * HOUR_MS
    town.do("sparkle", "booking.offer_slot", id=name, start=offer)
    await one.press("[data-action=take]")
    await one.page.wait_for_selector("[data-action=take]", state="detached")

    assert moved != first
    assert town.read("booking.booking", id=name)["start"] == offer
