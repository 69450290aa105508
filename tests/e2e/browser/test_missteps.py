"""Visits that go astray: missed, with a wrong car, with extra work that nobody agreed to."""

import pytest

from tests.e2e.browser.guests import Guest, Guests
from tests.e2e.browser.net import BrowserNet
from tests.e2e.browser.steps import (
    IN_CHINESE,
    IN_ENGLISH,
    LANGS,
    be_in_time,
    begin,
    book,
    hand_over,
    pay,
    record_work,
    scan,
    show_code,
)
from tests.e2e.journey_net import DAY_MS, HOUR_MS, MINUTE_MS
from tests.e2e.journey_town import POLISH_PRICE, WASH_PRICE

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
GRACE_MS = 20 * MINUTE_MS
WRONG_CAR = {"en": "taken out", "zh": "已撤出"}


# Missed -------------------------------------------------------------------------------------------


async def all_off(place: BrowserNet, phones: list[Guest], until: int) -> None:
    """Let time pass while phones and both shops' computers are off, and be on again."""
    for one in phones:
        await one.page.goto("about:blank")
        await one.context.set_offline(True)
    await place.held(lambda net: net.kill("shop1", "shop2"))
    await place.until(until)
    await place.held(lambda net: net.start("shop1", "shop2"))
    for one in phones:
        await one.context.set_offline(False)


async def test_a_missed_visit_is_divided_while_every_device_is_off(
    guests: Guests, place: BrowserNet
) -> None:
    phones = [await guests.come("02-missed", lang) for lang in LANGS]
    bookings = []
    for one in phones:
        await begin(one, place, "shop1")
        bookings.append(await book(one, "shop1"))
        await one.see("01-booked")
    start = (await place.read("booking.booking", id=bookings[0]))["start"]
    await place.until(start - HOUR_MS)
    desk = await guests.work("02-missed", "zh", "shop1")
    if not await desk.page.is_visible("[data-do=close_day]"):
        await desk.press("[data-do=open_day]")
        await desk.page.wait_for_selector("[data-do=close_day]")
    await desk.see("02-open")

    await all_off(place, [*phones, desk], start + GRACE_MS + DAY_MS + MINUTE_MS)

    for one, booking in zip(phones, bookings, strict=True):
        await one.open(f"/b/{booking}")
        told = await one.text("#end >> xpath=ancestor::section")
        await one.see("03-divided")
        assert ("¥20.40" in told, "¥47.60" in told) == (True, True)
        assert {"zh": "未到店", "en": "missed visit"}[one.lang] in (await one.text()).lower()
        await one.open("/c")
        await one.page.wait_for_selector("#mine .card")
        assert "¥979.60" in await one.text("#mine")
        await one.see("04-home")
    found = [await place.read("booking.booking", id=one) for one in bookings]
    assert [(one["state"], one["to_shop"]) for one in found] == [("NO_SHOW_CUSTOMER", 2_040)] * 2


# The wrong car ------------------------------------------------------------------------------------


async def mix_up(one: Guest, desk: Guest, right: str, wrong: str) -> None:
    """Hand over for the wrong booking, take it back at the counter, and do it right."""
    await hand_over(one, desk, wrong)
    await one.see("02-wrong-booking")
    code = await show_code(one, "undo", "#undo-code")
    await one.see("03-take-back")
    said = await scan(desk, code)
    await one.page.wait_for_selector("#show-undo:not([open])", state="attached")
    await one.page.wait_for_selector("[data-action=undo]", state="detached")
    await one.see("04-taken-back")
    await desk.see("04-counter")
    assert {"zh": "已撤回", "en": "Taken back"}[one.lang] in said
    await hand_over(one, desk, right)


async def enter(one: Guest, car: str | None = None) -> None:
    """Enter the visit that is new in the history of a car, by default the first."""
    await one.open("/c/history")
    await one.page.wait_for_selector("#loose button")
    if car is not None:
        await one.see("07-which-car")
        await one.page.select_option("#loose select", car)
    await one.press("#loose button")
    await one.page.wait_for_selector("#new", state="hidden")


async def correct(one: Guest, desk: Guest, record: str) -> tuple[str, str]:
    """Move a record from the first car to another one; returns the pages of both."""
    await enter(one)
    first = str(await one.page.get_attribute("#cars a", "href"))
    await one.open(first)
    await one.press(f"[data-wrong='{record}']")
    await one.page.wait_for_selector("#wrong[open] #wrong-code[data-text]")
    await one.see("05-not-this-car")
    await scan(desk, str(await one.page.get_attribute("#wrong-code", "data-text")))
    await one.page.wait_for_selector(f"#records .badge:has-text('{WRONG_CAR[one.lang]}')")
    await one.see("06-taken-out")
    await enter(one, "1")
    await one.see("08-two-cars")
    return first, str(await one.page.get_attribute("#cars section:nth-child(2) a", "href"))


@pytest.mark.parametrize("lang", IN_CHINESE)
async def test_a_wrong_cars_check_in_and_record_are_corrected_at_the_counter(
    guests: Guests, place: BrowserNet, lang: str
) -> None:
    one = await guests.come("07-wrong-car", lang)
    await begin(one, place, "shop2")
    wash, polish = [await book(one, "shop2", service=service) for service in (1, 2)]
    await one.see("01-booked")
    await be_in_time(place, wash)
    desk = await guests.work("07-wrong-car", lang, "shop2")
    await mix_up(one, desk, wash, polish)
    record = await record_work(place, "shop2", wash)
    await pay(one, wash)
    first, second = await correct(one, desk, record)
    await one.open(second)
    await one.page.wait_for_selector("#records li.record")
    right = await one.text("#records")

    found = await place.read("records.record", record=record)
    by_chain = await place.read("booking.booking", id=polish)
    assert first != second
    assert WRONG_CAR[lang] not in right
    assert (found["corrections"], found["handle"] != "00" * 32) == (1, True)
    assert (by_chain["state"], by_chain["checked_in"]) == ("ACCEPTED", False)
    assert by_chain["total"] == POLISH_PRICE


# Extra work ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", IN_ENGLISH)
async def test_extra_work_without_a_yes_costs_nothing(
    guests: Guests, place: BrowserNet, lang: str
) -> None:
    one = await guests.come("13-extra-work", lang)
    await begin(one, place, "shop1")
    booking = await book(one, "shop1")
    await be_in_time(place, booking)
    desk = await guests.work("13-extra-work", lang, "shop1")
    await hand_over(one, desk, booking)
    await desk.press(f"#b-{booking} [data-do=start]")
    await desk.press(f".bay [data-do=extra][data-id={booking}]")
    await desk.page.fill("#extra-work", "Wax / 打蜡")
    await desk.page.fill("#extra-price", "50")
    await desk.see("01-asking")
    await desk.press("#extra button[value=yes]")
    await one.page.wait_for_selector("[data-action=approve]:visible")
    asked = await one.text("section:has(#extra)")
    await one.see("02-asked")
    await desk.press(f".bay [data-do=ready][data-id={booking}]")
    await one.page.wait_for_selector("[data-action=confirm]:visible")
    await one.see("03-ready-without")
    approvals = await one.page.locator("[data-action=approve]").count()
    paid = await pay(one, booking)
    await one.see("04-paid")

    found = await place.read("booking.booking", id=booking)
    assert ("¥50.00" in asked, "Wax" in asked or "打蜡" in asked) == (True, True)
    assert (approvals, "¥68.00" in paid) == (0, True)
    assert (found["total"], found["to_shop"]) == (WASH_PRICE, WASH_PRICE)
