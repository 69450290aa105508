"""The counter: logging in, the day, what waits for the shop, the scanner, and nobody else."""

import json
import urllib.error
import urllib.request
from typing import Any

import pytest

from node.config_sections import PagesConfig
from node.pages import showing
from tests.pages.conftest import Come
from tests.pages.staff import PINS, hire_all, log_in
from tests.pages.test_first_visit import IN_ENGLISH, book
from tests.pages.town import MINUTE_MS, Town


async def test_without_name_and_pin_nobody_sees_the_counter(visitor: Come, town: Town) -> None:
    hire_all(town)
    one = await visitor()
    await one.open("/shop")
    await one.check()
    await one.page.fill("#name", "Mei")
    await one.page.fill("#pin", "000001")
    await one.press("form button")
    await one.page.wait_for_selector("[role=alert]")

    assert "do not belong together" in await one.text()
    assert "/shop/login" in one.page.url


async def test_the_counter_works_for_who_has_no_scripts_to_read(visitor: Come, town: Town) -> None:
    hire_all(town)
    one = await visitor(has_script=False)
    await one.open("/shop")
    await one.page.fill("#name", "Mei")
    await one.page.fill("#pin", PINS["Mei"])
    await one.press("form button")
    await one.page.wait_for_url("**/shop")

    assert "Bays" in await one.text()


@pytest.mark.parametrize("lang", IN_ENGLISH)
async def test_a_car_goes_through_the_shop_by_the_counters_page(
    visitor: Come, town: Town, lang: str
) -> None:
    customer = await visitor(lang)
    name = await book(customer, town.sparkle)
    start = town.read("booking.booking", id=name)["start"]
    town.travel(start - 5 * MINUTE_MS)
    mei = await log_in(visitor, town, "Mei", lang=lang)
    await mei.page.wait_for_selector(f"#b-{name}")
    await mei.check()

    await customer.open(f"/b/{name}")
    await customer.press("[data-action=code]")
    await customer.page.wait_for_selector("#code[data-text]")
    handed = await customer.page.get_attribute("#code", "data-text")
    await mei.page.fill("#scan", str(handed))
    await mei.page.keyboard.press("Enter")
    await mei.page.wait_for_selector(f"#b-{name} [data-do=start]")
    await mei.shoot("console")
    await mei.press(f"#b-{name} [data-do=start]")
    await mei.page.wait_for_selector(f".bay [data-id={name}][data-do=extra]")
    await mei.press(f".bay [data-id={name}][data-do=extra]")
    await mei.page.fill("#extra-work", "Wax / 打蜡")
    await mei.page.fill("#extra-price", "30")
    await mei.check()
    await mei.press("#extra button[value=yes]")
    await mei.page.wait_for_selector("#notice-sending.good")
    await customer.page.wait_for_selector("#extra")
    await mei.shoot("console-working")
    await mei.check()
    await mei.press(f".bay [data-id={name}][data-do=ready]")
    await mei.page.wait_for_selector(f"#b-{name} a[href$=receipt]")

    booking = town.read("booking.booking", id=name)
    assert (booking["state"], booking["co_signed"]) == ("READY", True)
    await mei.open(f"/b/{name}/receipt")
    await mei.check()
    await mei.shoot("receipt")


async def test_the_counter_is_worked_with_the_keyboard_alone(visitor: Come, town: Town) -> None:
    name = await book(await visitor(), town.sparkle)
    start = town.read("booking.booking", id=name)["start"]
    town.travel(start - 5 * MINUTE_MS)
    mei = await log_in(visitor, town, "Mei")
    keyboard = mei.page.keyboard
    await mei.page.wait_for_selector(f"#b-{name}")
    await mei.page.evaluate("document.activeElement.blur()")
    await keyboard.press("/")
    await keyboard.type(name)
    await keyboard.press("Enter")
    await mei.page.wait_for_selector(f"[data-id={name}]:focus")
    held = await mei.page.evaluate("document.activeElement.dataset.do")
    await keyboard.press("Enter")
    await mei.page.wait_for_selector("#scan:focus")

    assert held == "check_in"
    assert "Hand over the car" in await mei.text("#scan-said")


async def test_somebody_without_a_phone_is_served_too(visitor: Come, town: Town) -> None:
    mei = await log_in(visitor, town, "Mei")
    await mei.press("#walk-form button")
    await mei.page.wait_for_selector("#ask[open]")
    await mei.check()
    await mei.press("#ask-yes")
    await mei.page.wait_for_url("**/shop/customer/*")
    account = mei.page.url.rpartition("/")[2].partition("?")[0]

    assert town.read("shops.keeper", account=account) == town.sparkle
    assert "Print this card" in await mei.text()
    await mei.check()
    await mei.shoot("customer")


async def test_the_day_is_opened_and_closed(visitor: Come, town: Town) -> None:
    mei = await log_in(visitor, town, "Mei")
    if not await mei.page.is_visible("[data-do=close_day]"):
        await mei.press("[data-do=open_day]")
    await mei.press("[data-do=close_day]")
    await mei.press("#ask-yes")
    await mei.page.wait_for_selector("[data-do=open_day]")
    await mei.press("[data-do=open_day]")

    await mei.page.wait_for_selector("[data-do=close_day]")


async def test_each_day_is_opened_anew(visitor: Come, town: Town) -> None:
    town.do("sparkle", "shops.open_shop")
    before = await log_in(visitor, town, "Mei")
    was_open = await before.page.is_visible("[data-do=close_day]")
    await before.leave()

    zone = showing.zone_of(
        town.read("shops.profile", shop=town.sparkle)["zone"], PagesConfig().zone
    )
    town.travel(showing.midnight(town.rpc("node_health")["time_ms"], zone, 1) + MINUTE_MS)
    mei = await log_in(visitor, town, "Mei")

    assert (was_open, await mei.page.is_visible("[data-do=open_day]")) == (True, True)


async def test_who_logs_out_is_out(visitor: Come, town: Town) -> None:
    mei = await log_in(visitor, town, "Mei")
    (cookie,) = [one for one in await mei.context.cookies() if one["name"] == "staff"]
    await mei.press(".leave button")
    await mei.page.wait_for_url("**/shop/login")

    assert (cookie["httpOnly"], cookie["sameSite"]) == (True, "Strict")
    status, _headers, body = town.get("/shop", Cookie=f"staff={cookie['value']}")
    assert (status, body) == (303, b"")


def post(town: Town, path: str, body: Any, **headers: str) -> int:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    request = urllib.request.Request(f"{town.url}{path}", data, headers)
    try:
        with urllib.request.urlopen(request, timeout=30) as response:
            return int(response.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_a_page_of_somebody_else_can_do_nothing_in_a_members_name(town: Town) -> None:
    hire_all(town)
    begun = town.rpc("staff_login", name="Mei", pin=PINS["Mei"])
    cookie = {"Cookie": f"staff={begun['session']}", "Content-Type": "application/json"}
    opening = {"method": "staff_send", "params": {"actions": []}}

    answers = [
        post(town, "/shop/do", opening, **cookie),
        post(town, "/shop/do", opening, **cookie, Origin=town.url),
        post(town, "/shop/do", opening, **cookie, Origin="https://evil.example"),
        post(town, "/shop/login", b"name=Mei&pin=482916"),
        post(town, "/shop/logout", b"", **cookie),
    ]

    assert answers == [403] * 5


async def test_a_card_is_sold_to_somebody_without_a_phone_and_used(
    visitor: Come, town: Town
) -> None:
    mei = await log_in(visitor, town, "Mei")
    await mei.press("#walk-form button")
    await mei.press("#ask-yes")
    await mei.page.wait_for_url("**/shop/customer/*")
    account = mei.page.url.rpartition("/")[2].partition("?")[0]
    await mei.open("/shop/sell")
    await mei.check()
    await mei.shoot("sell")
    await mei.page.fill("#sell-to", account)
    await mei.press("#sell-form button")
    await mei.page.wait_for_selector("#ask[open]")
    await mei.press("#ask-yes")
    await mei.page.wait_for_url("**/shop/customer/*")

    told = await mei.text()
    assert "on hold" in told
    assert town.read("prepaid.cover", shop=town.sparkle)["cards"] >= 1


async def test_a_kept_card_is_taken_over_with_an_own_phone(visitor: Come, town: Town) -> None:
    mei = await log_in(visitor, town, "Mei")
    await mei.press("#walk-form button")
    await mei.press("#ask-yes")
    await mei.page.wait_for_url("**/shop/customer/*")
    account = mei.page.url.rpartition("/")[2].partition("?")[0]
    phone = await visitor()
    await phone.open(f"/c/over?s={town.sparkle}&a={account}")
    await phone.page.wait_for_selector("#code[data-text]")
    await phone.check()
    shown = await phone.page.get_attribute("#code", "data-text")

    await mei.open("/shop")
    await mei.page.fill("#scan", str(shown))
    await mei.page.keyboard.press("Enter")
    await phone.page.wait_for_url("**/c?s=*")
    await mei.page.wait_for_selector("#scan-said.good:has-text('alone')")

    keys = town.read("account_get", account=account)["keys"]
    assert len(keys) == 1
    assert town.read("shops.keeper", account=account) != town.sparkle
