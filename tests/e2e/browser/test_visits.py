"""Visits as people live them: the first one, from the code on the wall to a review."""

from base64 import b64encode

import pytest
from playwright.async_api import FilePayload

from tests.e2e.browser.guests import Guest, Guests
from tests.e2e.browser.net import GATEWAY, BrowserNet
from tests.e2e.browser.steps import IN_CHINESE, be_in_time, enter_cash, hand_over, pay_out
from tests.e2e.journey_net import acct
from tests.e2e.journey_town import WASH_PRICE
from tests.pages.test_photos import picture_with_a_place

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
TAPS_MOST = 3
READ_CODE = """async (picture) => {
  const script = document.querySelector("script[type=module]").src;
  await import(new URL("vendor/jsqr.js", script));
  const bytes = Uint8Array.from(atob(picture), (one) => one.charCodeAt(0));
  const drawn = await createImageBitmap(new Blob([bytes]));
  const pen = new OffscreenCanvas(drawn.width, drawn.height).getContext("2d");
  pen.drawImage(drawn, 0, 0);
  const { data } = pen.getImageData(0, 0, drawn.width, drawn.height);
  return globalThis.jsQR(data, drawn.width, drawn.height).data;
}"""


async def read_poster(poster: Guest) -> str:
    """Return what a phone's camera reads from the code on a poster."""
    picture = await poster.page.locator(".qr").screenshot()
    found: str = await poster.page.evaluate(READ_CODE, b64encode(picture).decode())
    return found


async def put_money_in(one: Guest, cashier: Guest) -> None:
    """Show the code for money on the phone; a cashier scans it and takes cash in."""
    await one.press("#put-in")
    await one.press("#in-code summary")
    await one.page.wait_for_selector("#my-code[data-text]")
    code = str(await one.page.get_attribute("#my-code", "data-text"))
    assert "¥1,000.00" in await enter_cash(cashier, code, "1000")
    await one.page.wait_for_selector("#free:has-text('1,000.00')")
    await one.see("06-money")


async def take_money_out(one: Guest, cashier: Guest) -> str:
    """Ask for cash on the phone and fetch it at the desk; returns what the desk wrote."""
    await one.open(f"/c/money?s={acct('shop1')}")
    await one.page.fill("#out-amount", "932")
    await one.press("#out-form .row button")
    await one.agree("ask-out")
    await one.press("#request-list .button:not(.quiet)")
    await one.page.wait_for_selector("#out-code[data-text]")
    code = str(await one.page.get_attribute("#out-code", "data-text"))
    await cashier.open("/desk")
    receipt = await pay_out(cashier, code)
    await one.page.wait_for_selector("#requests", state="hidden")
    return receipt


async def book_by_taps(one: Guest, cashier: Guest) -> tuple[str, int]:
    """Book at the shop of a poster; returns the booking, and the taps after the service."""
    await one.press("a.button.wide")
    await one.see("03-services")
    await one.press("a.item >> nth=0")
    await one.page.wait_for_selector(".slots a")
    await one.see("04-times")
    await one.press(".slots a >> nth=0")  # the first tap
    await one.page.wait_for_selector("#pay:visible")
    await one.see("05-without-money")
    await put_money_in(one, cashier)
    await one.page.go_back()
    await one.page.wait_for_selector("#confirm:enabled")
    await one.see("07-rules")
    await one.press("#confirm")  # the second
    await one.page.wait_for_url("**/b/*")
    await one.page.wait_for_selector("[data-action=cancel]:visible")
    await one.see("08-booked")
    return one.page.url.rpartition("/")[2], 2


async def photograph(bo: Guest, booking: str) -> None:
    """Begin the work at the tablet of a bay, and take a photo of the car."""
    await bo.press(f"[data-do=start][data-id={booking}]")
    await bo.page.wait_for_selector("label[for=photo]")
    file = FilePayload(name="car.png", mimeType="image/png", buffer=picture_with_a_place())
    await bo.page.set_input_files("#photo", file)
    await bo.page.wait_for_selector("#undo:visible")
    await bo.press("[data-step='2']")  # what waited before is sent at once
    await bo.page.wait_for_selector("[data-step='2'].done")


async def be_served(one: Guest, desk: Guest, bo: Guest, booking: str) -> None:
    """Hand the car over, and see it washed: at the gateway's pages what the shop's tablet took."""
    await desk.see("09-counter")
    await hand_over(one, desk, booking)
    await desk.see("10-handed-over")
    await photograph(bo, booking)
    await one.page.wait_for_selector(".steps li:nth-child(4).now")
    await one.page.wait_for_selector("#photos img")
    await one.see("11-washing")
    await desk.press(f".bay [data-do=ready][data-id={booking}]")
    await one.page.wait_for_selector("[data-action=confirm]:visible")
    await one.see("12-ready")


async def pay_and_rate(one: Guest) -> str:
    """Pay, and say how it was; returns what was asked before paying."""
    await one.press("[data-action=confirm]")
    asked = await one.agree("ask-confirm")
    await one.page.wait_for_selector("#rate:not([hidden])")
    await one.see("13-paid")
    for name in ("clean", "on_time", "staff", "value"):
        await one.press(f"label[for={name}-5]")
    await one.press("#rate-form button")
    await one.page.wait_for_selector("#notice-rated")
    await one.see("14-rated")
    return asked


@pytest.mark.parametrize("lang", IN_CHINESE)
async def test_a_first_visit_goes_from_the_code_on_the_wall_to_a_review(
    guests: Guests, place: BrowserNet, lang: str
) -> None:
    poster = await guests.come("01-first-visit", lang, node="shop1")
    await poster.open(f"/s/{acct('shop1')}/poster")
    await poster.see("01-poster")
    one = await guests.come("01-first-visit", lang)
    await one.page.goto(await read_poster(poster))
    await one.page.wait_for_selector("#here")
    await one.see("02-scanned")
    await place.state()
    cashier = await guests.work("01-first-visit", lang, GATEWAY, "Cai", "/desk")
    booking, taps = await book_by_taps(one, cashier)
    await be_in_time(place, booking)
    desk = await guests.work("01-first-visit", lang, "shop1")
    bo = await guests.work("01-first-visit", lang, "shop1", "Bo", to="/bay/1")
    await be_served(one, desk, bo, booking)
    asked = await pay_and_rate(one)
    await one.open(f"/s/{acct('shop1')}")
    await one.see("15-shop")
    receipt = await take_money_out(one, cashier)
    found = await place.read("booking.booking", id=booking)
    account = await one.account("shop1")
    left = await place.held(lambda net: net.ask("money_balance", account=account))

    assert taps <= TAPS_MOST
    assert "¥68.00" in asked
    assert (found["state"], found["to_shop"]) == ("SETTLED", WASH_PRICE)
    assert ("¥932.00" in receipt, left["free"]["amount"], left["requests"]) == (True, 0, [])
    assert (await place.read("reviews.rating", shop=acct("shop1")))["reviews"] >= 1
