"""Steps of many journeys: money paid in, a booking, a car handed over at the counter."""

from collections.abc import Callable
from typing import Any

import pytest

from chain.ids import decode_id
from node.client import AsyncWash, WashRpcError
from node.client.records import Records
from node.demo.accounts import signer_of
from tests.e2e.browser.guests import Guest
from tests.e2e.browser.net import BrowserNet
from tests.e2e.journey_net import MINUTE_MS, acct, calling
from tests.e2e.journey_town import NONE

LANGS = ("zh", "en")
# Each journey goes in one language always, in the other by `make whole`.
WHOLE = pytest.mark.whole
IN_ENGLISH = ("en", pytest.param("zh", marks=WHOLE))
IN_CHINESE = ("zh", pytest.param("en", marks=WHOLE))
MONEY = 100_000
DETAILS = {"plate": "粤B·7Q2X9", "note": "scratch at the left door"}


async def begin(one: Guest, place: BrowserNet, shop: str) -> str:
    """Let a phone come to a shop for the first time, with money paid in; returns its account."""
    await one.open(f"/c?s={acct(shop)}")
    account = await one.account(shop)
    await place.pay_in(account, MONEY)
    return account


async def book(one: Guest, shop: str, *, service: int = 1, days: int = 1) -> str:
    """Book the first time of a day to come; returns the booking."""
    await one.open(f"/s/{acct(shop)}/book?service={service}")
    await one.press(f".days a >> nth={days}")
    await one.press(".slots a >> nth=0")
    await one.press("#confirm:enabled")
    await one.page.wait_for_url("**/b/*")
    await one.page.wait_for_selector("[data-action=cancel]:visible")
    return one.page.url.rpartition("/")[2]


async def be_in_time(place: BrowserNet, booking: str, early_ms: int = 5 * MINUTE_MS) -> None:
    """Let it be a few minutes before a booked time."""
    start = (await place.read("booking.booking", id=booking))["start"]
    await place.until(start - early_ms)


async def show_code(one: Guest, action: str, canvas: str = "#code") -> str:
    """Let a phone show a code for the counter; returns what a scanner reads from it."""
    await one.press(f"[data-action={action}]")
    await one.page.wait_for_selector(f"dialog[open] {canvas}[data-text]")
    return str(await one.page.get_attribute(canvas, "data-text"))


async def enter_cash(desk: Guest, code: str, amount: str) -> str:
    """Let a cashier scan a phone's code and take cash in; returns the page of the receipt."""
    await scan(desk, code)
    await desk.page.fill("#in-amount", amount)
    await desk.page.keyboard.press("Enter")
    await desk.agree("ask")
    await desk.page.wait_for_url("**/desk/receipt/*")
    return await desk.text()


async def pay_out(desk: Guest, code: str) -> str:
    """Let a cashier scan the code of a request and pay it; returns the page of the receipt."""
    await scan(desk, code)
    line = f"#r-{code.split(':')[1].lower()}"
    await desk.press(f"{line} [data-do=begin]")
    await desk.agree("ask")
    await desk.press(f"{line} [data-do=paid]")
    await desk.agree("pay")
    await desk.page.wait_for_url("**/desk/receipt/*")
    return await desk.text()


async def scan(desk: Guest, text: str) -> str:
    """Let the counter's scanner read a code; returns what the counter's page says then."""
    await desk.page.fill("#scan", text)
    await desk.page.keyboard.press("Enter")
    await desk.page.wait_for_selector("#scan-said.good")
    return await desk.text("#scan-said")


async def hand_over(one: Guest, desk: Guest, booking: str) -> None:
    """Let a customer hand over the car of a booking at the counter."""
    await one.open(f"/b/{booking}")
    await scan(desk, await show_code(one, "code"))
    await one.page.wait_for_selector("#show-code:not([open])", state="attached")


async def record_work(place: BrowserNet, shop: str, booking: str) -> str:
    """Let a shop wash a car that is there, write it down and say that it is ready."""
    record = decode_id(booking, "bkg").hex()
    actions = [
        calling("booking.start_service", id=booking),
        calling("records.start", visit=record, redo_of=NONE, odometer=42),
        calling(
            "records.material", record=record, number=2, sku="WAX-7", batch="B1", quantity=25,
            unit="MILLILITRE",
        ),
        calling("records.finish", record=record, number=3, result="DONE", notes=NONE),
        calling("booking.ready", id=booking),
    ]  # fmt: skip
    await place.held(lambda net: net.do(shop, actions))
    return record


async def pay(one: Guest, booking: str) -> str:
    """Let a customer pay for what is ready; returns what was asked before."""
    await one.open(f"/b/{booking}")
    await one.press("[data-action=confirm]")
    asked = await one.agree("ask-confirm")
    await one.page.wait_for_selector("#end")
    return asked


# Sealed details -----------------------------------------------------------------------------------


async def deal(place: BrowserNet, who: str, work: Callable[[Records], Any]) -> Any:
    """Let a shop deal with sealed details at the gateway, which trusts it with a token."""
    async with AsyncWash(place.url(), token=place.token(), timeout_s=60) as wash:
        return await work(Records(wash, signer_of(who)))


async def keep_notes(place: BrowserNet, owner: str) -> str:
    """Let a shop keep something about a customer at the gateway; returns its name."""
    terms: dict[str, Any] = {"owner": owner, "kind": "NOTES", "sponsor": "node_attests"}
    blob: str = await deal(place, "shop1", lambda shop: shop.keep(DETAILS, **terms))
    return blob


async def read_notes(place: BrowserNet, who: str, blob: str, purpose: str) -> Any:
    """Let a shop try to read; returns what it gets, or the name of the refusal."""
    try:
        return (await deal(place, who, lambda shop: shop.read(blob, purpose))).content
    except WashRpcError as error:
        return error.name
