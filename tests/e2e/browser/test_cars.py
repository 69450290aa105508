"""A sold car with its passport: handed over in browsers, and checked where there is no network."""

from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.e2e.browser.guests import Guest, Guests
from tests.e2e.browser.net import BrowserNet
from tests.e2e.browser.steps import (
    DETAILS,
    IN_CHINESE,
    IN_ENGLISH,
    be_in_time,
    begin,
    book,
    hand_over,
    keep_notes,
    pay,
    read_notes,
    record_work,
)
from tests.e2e.journey_net import DAY_MS
from tests.pages.browsing import PHONE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
VIN = "WVWZZZ1JZXW000001"


async def visit(guests: Guests, place: BrowserNet, one: Guest, *, by_tablet: bool = False) -> None:
    """Have a wash that is recorded and paid."""
    booking = await book(one, "shop1")
    await be_in_time(place, booking)
    desk = await guests.work(one.journey, one.lang, "shop1")
    await hand_over(one, desk, booking)
    if by_tablet:
        await work_in_the_bay(guests, one, booking)
    else:
        await record_work(place, "shop1", booking)
    await desk.page.close()
    await pay(one, booking)


async def work_in_the_bay(guests: Guests, one: Guest, booking: str) -> None:
    """Let somebody wash a car and tap on the bay's tablet what is done."""
    bo = await guests.work(one.journey, one.lang, "shop1", "Bo", "/bay/1")
    await bo.press(f"[data-do=start][data-id={booking}]")
    await bo.page.wait_for_selector("[data-do=finish]")
    await bo.press("[data-step='1']")
    await bo.press("[data-material=WAX]")  # what waited before is sent at once
    await bo.page.wait_for_selector("[data-step='1'].done")
    await bo.see("00-in-the-bay")
    await bo.press("[data-do=finish]")  # ten seconds to take it back
    await bo.page.wait_for_selector("[data-do=finish]", state="detached", timeout=40_000)
    await one.page.wait_for_selector("[data-action=confirm]:visible")
    await bo.page.close()


async def enter(one: Guest) -> str:
    """Enter what is new in the car's history; returns the address of the car's page."""
    await one.open("/c/history")
    await one.page.wait_for_selector("#loose button")
    await one.see("01-new-visit")
    await one.press("#loose button")
    await one.page.wait_for_selector("#new", state="hidden")
    return str(await one.page.get_attribute("#cars a", "href"))


async def save_passport(one: Guest, path: Path) -> None:
    """Save the passport of the car that the page shows."""
    async with one.page.expect_download() as waiting:
        await one.press("[data-action=export]")
    await (await waiting.value).save_as(path)


# Handed over --------------------------------------------------------------------------------------


async def offer(seller: Guest, car: str, buyer: Guest) -> str:
    """Let a seller offer a car's history to a buyer; returns the link for the buyer."""
    await buyer.open("/c/history")
    await buyer.press("#my-number summary")
    await buyer.page.wait_for_selector("#my-account:not(:empty)")
    await buyer.see("02-buyers-code")
    await seller.open(car)
    await seller.page.wait_for_selector("#records li")
    await seller.page.fill("#buyer", await buyer.text("#my-account"))
    await seller.press("[data-action=sell]")
    await seller.page.wait_for_selector("#sold:not([hidden])")
    await seller.see("03-offered")
    return await seller.page.input_value("#sold-link")


async def take(buyer: Guest, link: str) -> None:
    """Let a buyer take a car's history over."""
    await buyer.page.goto(link)
    await buyer.page.wait_for_selector("#handover:not([hidden])")
    await buyer.see("04-offered-to-you")
    await buyer.press("[data-action=accept]")
    await buyer.page.wait_for_selector("[data-action=export]:visible")
    await buyer.page.wait_for_selector("#records li.record")
    await buyer.see("05-taken-over")


async def erase_notes(one: Guest) -> None:
    """Let the seller erase what a shop keeps of the time before the sale."""
    await one.open("/c/privacy")
    await one.page.wait_for_selector("#kept .button.link")
    await one.see("10-sellers-details")
    await one.press("#kept .button.link")
    await one.agree("ask-erase")
    await one.page.wait_for_selector("#kept .button", state="detached")
    await one.see("11-erased")


@pytest.mark.parametrize("lang", IN_CHINESE)
async def test_a_sold_cars_history_goes_along_and_the_seller_sees_nothing_new(
    guests: Guests, place: BrowserNet, tmp_path: Path, lang: str
) -> None:
    seller, buyer = [await guests.come("06-sold-car", lang) for _ in range(2)]
    notes = await keep_notes(place, await begin(seller, place, "shop1"))
    await visit(guests, place, seller)
    car = await enter(seller)
    link = await offer(seller, car, buyer)
    secrets = link.partition("#")[2]
    await take(buyer, link)
    await begin(buyer, place, "shop1")
    await visit(guests, place, buyer)
    await enter(buyer)
    await buyer.open(car)
    await buyer.page.wait_for_selector("#records li.record >> nth=1")
    await buyer.see("06-buyers-car")
    await save_passport(buyer, tmp_path / "car.passport")
    await seller.open("/c/history")
    await seller.page.wait_for_selector("#nothing:not([hidden])")
    await seller.see("07-seller-without")
    await seller.page.goto(f"{seller.url}{car}#{secrets}")
    await seller.page.wait_for_selector("#records li.record")
    await seller.see("08-old-link")
    old = await seller.page.locator("#records li.record").count()
    await place.tick(15 * DAY_MS)
    await seller.page.reload()
    await seller.page.wait_for_load_state("networkidle")
    over = await seller.page.locator("#records li.record").count()
    await seller.see("09-link-over")
    readings = [await read_notes(place, "shop1", notes, "SERVICE")]
    await erase_notes(seller)
    readings.append(await read_notes(place, "shop1", notes, "SERVICE"))
    await buyer.open("/verify")
    await buyer.page.set_input_files("#file", tmp_path / "car.passport")
    await buyer.page.wait_for_selector("#verdict[data-verdict=good]")
    await buyer.see("12-checked")

    found = await place.read("records.vehicle", vehicle=car.rpartition("/")[2])
    assert (old, over) == (1, 0)
    assert readings == [DETAILS, "BLOB_GONE"]
    assert (found["secrets"], found["offered_until"]) == (2, 0)


# Without a network --------------------------------------------------------------------------------


async def save_the_page(one: Guest, path: Path) -> None:
    """Save the page that checks passports as one file."""
    await one.open("/verify")
    await one.see("02-save-this-page")
    async with one.page.expect_download() as waiting:
        await one.press("a[download], a[href='/verify/car-passport-check.html']")
    await (await waiting.value).save_as(path)


async def open_saved(browser: Browser, journey: str, lang: str, path: Path) -> Guest:
    """Open a file from a disk, on a machine without a network."""
    one = await Guest.come(browser, "http://127.0.0.1:1", lang, PHONE, has_script=True)
    one.journey = journey
    await one.context.set_offline(True)
    await one.page.goto(path.as_uri())
    return one


async def check_file(one: Guest, path: Path) -> str:
    """Drop a passport into the saved page; returns the verdict."""
    await one.page.evaluate("document.getElementById('result').replaceChildren()")
    await one.page.set_input_files("#file", path)
    await one.page.wait_for_selector("#verdict")
    return str(await one.page.get_attribute("#verdict", "data-verdict"))


@pytest.mark.parametrize("lang", IN_ENGLISH)
async def test_a_passport_is_checked_from_a_disk_without_a_network(
    guests: Guests, place: BrowserNet, browser: Browser, tmp_path: Path, lang: str
) -> None:
    owner = await guests.come("14-offline", lang)
    await begin(owner, place, "shop1")
    await visit(guests, place, owner, by_tablet=True)
    await owner.open(await enter(owner))
    await owner.page.wait_for_selector("#records li.record")
    await owner.press("details:has(#vin) summary")
    await owner.page.fill("#vin", VIN)
    await owner.press("[data-action=frame]")
    await owner.page.wait_for_selector("#notice-framed.good")
    good, bad, page = [tmp_path / name for name in ("car.passport", "bad.passport", "check.html")]
    await save_passport(owner, good)
    await save_the_page(owner, page)
    data = good.read_bytes()
    bad.write_bytes(data[:-40] + bytes(40))

    one = await open_saved(browser, "14-offline", lang, page)
    await one.see("03-from-a-disk")
    assert await check_file(one, good) == "good"
    assert VIN in await one.text("#result")
    await one.see("04-good")
    assert await check_file(one, bad) == "bad"
    await one.see("05-forged")
    outside = [fault for fault in one.faults if "another host: file:" not in fault]
    await one.leave()
    assert outside == []
