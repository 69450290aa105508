"""The history of a car: it begins by itself, is shown, checked, and handed over with the car."""

from pathlib import Path
from typing import Any

import pytest

from chain.ids import decode_id
from node.passport.anchor import Anchor
from node.passport.report import Verdict
from node.passport.verify import verify_passport
from tests.pages.browsing import Visitor
from tests.pages.conftest import Come
from tests.pages.test_first_visit import IN_ENGLISH, book
from tests.pages.town import MINUTE_MS, Town

NONE = "00" * 32


async def hand_over(one: Visitor, town: Town) -> str:
    """Book, come, and hand the car over; returns the booking."""
    name = await book(one, town.sparkle)
    town.travel(town.read("booking.booking", id=name)["start"] - 5 * MINUTE_MS)
    await one.open(f"/b/{name}")
    await one.press("[data-action=code]")
    await one.page.wait_for_selector("#show-code[open]")
    await one.press("#show-code button[value=yes]")  # nobody can scan here
    await one.page.wait_for_selector(".steps li:nth-child(3).now")
    return name


async def visit(one: Visitor, town: Town) -> str:
    """Let the shop wash a car and record it; returns the record."""
    name = await hand_over(one, town)
    record = decode_id(name, "bkg").hex()
    town.do("sparkle", "booking.start_service", id=name)
    town.do("sparkle", "records.start", visit=record, redo_of=NONE, odometer=42)
    used: dict[str, Any] = {"sku": "WAX-7", "batch": "B1", "quantity": 25, "unit": "MILLILITRE"}
    town.do("sparkle", "records.material", record=record, number=2, **used)
    town.do("sparkle", "records.finish", record=record, number=3, result="DONE", notes=NONE)
    town.do("sparkle", "booking.ready", id=name)
    return record


async def enter(one: Visitor) -> str:
    """Enter all that is new in the car's history; returns the address of the car's page."""
    await one.open("/c/history")
    await one.press("#loose button")
    await one.page.wait_for_selector("#new", state="hidden")
    address = await one.page.get_attribute("#cars a", "href")
    assert address is not None
    return address


@pytest.mark.parametrize("lang", IN_ENGLISH)
async def test_a_history_begins_by_itself_and_its_passport_is_good(
    visitor: Come, town: Town, tmp_path: Path, lang: str
) -> None:
    one = await visitor(lang)
    record = await visit(one, town)
    await one.open("/c/history")
    await one.page.wait_for_selector("#loose button")
    await one.check()
    await one.shoot("history-new")
    car = await enter(one)
    await one.open(car)
    await one.page.wait_for_selector("#records li")
    await one.press("#records summary")
    await one.page.wait_for_selector("#records details li")
    await one.check()
    await one.shoot("car")

    await one.press("details:has(#vin) summary")
    await one.page.fill("#vin", "wvwzzz1jzxw 000001")
    await one.press("[data-action=frame]")
    await one.page.wait_for_selector("#notice-framed")
    async with one.page.expect_download() as waiting:
        await one.press("[data-action=export]")
    path = tmp_path / "car.passport"
    await (await waiting.value).save_as(path)

    head = town.rpc("chain_head")["header"]
    known = bytes.fromhex(head["validators_hash"])
    anchor = Anchor(bytes.fromhex(head["chain_id"]), head["height"], known)
    report = verify_passport(path.read_bytes(), anchor)
    assert report.verdict is Verdict.GOOD, report.checks
    assert [found["record"] for found in report.facts["records"]] == [record]
    assert report.facts["records"][0]["content"]["materials"][0]["sku"] == "WAX-7"
    assert report.facts["vehicle"]["vin"] == "WVWZZZ1JZXW000001"
    await one.open("/verify")
    await one.page.set_input_files("#file", path)
    await one.page.wait_for_selector("#verdict[data-verdict=good]")
    await one.check()


async def test_the_code_of_one_record_is_good_on_the_page_that_checks(
    visitor: Come, town: Town
) -> None:
    one = await visitor()
    await visit(one, town)
    await one.open(await enter(one))
    await one.press("#records .button.link")
    await one.page.wait_for_selector("#slip[open]")
    text = await one.page.get_attribute("#slip-code", "data-text")
    await one.check()

    await one.open("/verify")
    await one.page.fill("#code", text or "")
    await one.press("#check-form button")

    await one.page.wait_for_selector("#verdict[data-verdict=good]")
    assert "Sparkle" in await one.text("#result")


async def test_a_history_is_shown_for_some_days_and_no_longer(visitor: Come, town: Town) -> None:
    owner, friend, stranger = await visitor(), await visitor(), await visitor()
    await visit(owner, town)
    car = await enter(owner)
    await owner.open(car)
    await owner.press("[data-action=share]")
    await owner.page.wait_for_selector("#shared:not([hidden])")
    link = await owner.page.input_value("#shared-link")
    await owner.check()

    await friend.page.goto(link)
    await friend.page.wait_for_selector("#records li")
    await stranger.open(car)
    await owner.press("[data-action=stop]")
    await owner.page.wait_for_selector("#notice-stopped")
    await visit(owner, town)
    await enter(owner)
    await friend.page.reload()
    await friend.page.wait_for_selector("#records li")
    await owner.open(car)
    await owner.page.wait_for_selector("#records li >> nth=1")

    assert await friend.page.locator("#records li.record").count() == 1
    assert await owner.page.locator("#records li.record").count() == 2
    assert await stranger.page.locator("#records li").count() == 0
    assert await friend.page.locator("main .button:not(.link):visible").count() == 0


async def test_a_sold_cars_history_goes_to_the_buyer(visitor: Come, town: Town) -> None:
    seller, buyer = await visitor(), await visitor("zh")
    await visit(seller, town)
    car = await enter(seller)
    await buyer.open("/c/history")
    await buyer.press("#my-number summary")
    await buyer.page.wait_for_selector("#my-account:not(:empty)")
    code = await buyer.text("#my-account")

    await seller.open(car)
    await seller.page.wait_for_selector("#records li")
    await seller.page.fill("#buyer", code)
    await seller.press("[data-action=sell]")
    await seller.page.wait_for_selector("#sold:not([hidden])")
    link = await seller.page.input_value("#sold-link")
    await buyer.page.goto(link)
    await buyer.page.wait_for_selector("#handover:not([hidden])")
    await buyer.check()
    await buyer.shoot("handover")
    await buyer.press("[data-action=accept]")
    await buyer.page.wait_for_selector("[data-action=export]:visible")
    await buyer.page.wait_for_selector("#records li")
    await seller.open("/c/history")
    await seller.page.wait_for_selector("#nothing:not([hidden])")

    vehicle = car.rpartition("/")[2]
    assert town.read("records.vehicle", vehicle=vehicle)["owner"] == code
    assert await seller.page.locator("#cars section").count() == 0
