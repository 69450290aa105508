"""The desk of who issues the money: cash comes in, goes out, and the account is stated."""

import hashlib
import os
import subprocess
import sys
from typing import Any

import pytest
from playwright.async_api import FilePayload

from chain.crypto import hash_bytes
from chain.ids import encode_id
from chain.types import DAY_MS, HOUR_MS
from node.demo.accounts import ISSUER_DESK, account_of
from node.demo.staff import PRACTICE_PIN
from node.pages.desk import Worker
from node.pages.page import Setting, Shown
from node.pages.rendering import Renderer
from node.pages.showing import show_money
from node.pages.static_files import StaticFiles
from node.pages.words import Words
from tests.pages.browsing import COUNTER, Visitor
from tests.pages.conftest import Come
from tests.pages.issuing import issuer_of
from tests.pages.town import ROOT, Town

NOON = 1_771_588_800_000  # Friday, 2026-02-20, noon UTC
PAPER = b"balance of the account: 10,000,000.00"


@pytest.fixture(scope="session", name="town")
def many_days(later_town: Town) -> Town:
    """Where days may pass."""
    return later_town


async def come_to_the_desk(visitor: Come, lang: str = "en") -> Visitor:
    one = await visitor(lang, COUNTER)
    await one.open("/desk")
    await one.page.fill("#name", ISSUER_DESK)
    await one.page.fill("#pin", PRACTICE_PIN)
    await one.page.keyboard.press("Enter")
    await one.page.wait_for_url("**/desk")
    await one.page.wait_for_load_state("networkidle")
    return one


async def scan(one: Visitor, text: str) -> None:
    """Type what a scanner reads, from wherever one is."""
    await one.page.evaluate("document.activeElement.blur()")
    await one.page.keyboard.press("/")
    await one.page.keyboard.type(text)
    await one.page.keyboard.press("Enter")


async def state(one: Visitor, custody: str) -> None:
    await one.page.fill("#state-custody", custody)
    file: FilePayload = {"name": "bank.pdf", "mimeType": "application/pdf", "buffer": PAPER}
    await one.page.set_input_files("#state-paper", file)
    await one.page.wait_for_selector("#state-print:has-text('Fingerprint')")
    await one.press("#state-form button")
    await one.press("#ask-yes")
    await one.page.wait_for_url("**/desk?stated=1")


PAYEE = hash_bytes("payout", bytes(16) + b"Bank of Bob 1234").hex()


def balance(town: Town, name: str) -> int:
    found = town.read("account_get", account=encode_id("acct", account_of(name)))["balances"]
    return sum(one["amount"] for one in found)


def ask_for_cash(town: Town, name: str, amount: int) -> str:
    """Let somebody of the demo ask for cash; returns the request."""
    done = town.do(name, "money.ask", funds=amount, issuer=issuer_of(town), payee=PAYEE)
    return str(done.event("money.Asked")["request"])


AMOUNT = {"amount": 100, "currency": "CNY", "asset": None}
RENDERER = Renderer(StaticFiles(), Setting("Asia/Shanghai", "", is_dev=True, sponsors=True))


def drawn(**changes: Any) -> str:
    """Return the page of the desk on a Friday noon, with some of it otherwise."""
    request = {
        "request": "red1x", "holder": "acct1x", "amount": AMOUNT, "asked_at": NOON, "begun": False,
        "due": NOON + 2 * DAY_MS,
    }  # fmt: skip
    issuer = {"liability": AMOUNT, "asked": AMOUNT, "custody": AMOUNT, "stated_at": NOON}
    values = {
        "worker": Worker("", "Cai", "cashier", 32, "acct1x", ""), "record": {"period": 1},
        "mine": issuer, "stops": [], "stated_until": NOON, "is_soon": False, "now": NOON,
        "requests": [request], "count": 1, "later": None, "is_first": True, "entries": [],
        "is_near": lambda _one: False, "is_stated": False, **changes,
    }  # fmt: skip
    return RENDERER.render(Shown("issuer.html", values), Words("en", "issuer"), "/desk")


def test_an_overdue_statement_is_red_and_says_that_money_in_is_blocked() -> None:
    calm, soon, over = drawn(), drawn(is_soon=True), drawn(stops=["silent", "late"])

    assert [("Money in is blocked" in one) for one in (calm, soon, over)] == [False, False, True]
    assert "is due on Fri 20 Feb, 20:00" in soon
    assert ("statement is missing" in over, "It was due on Fri 20 Feb, 20:00." in over) == (
        True, True,
    )  # fmt: skip
    assert ("made in time" in over, "made in time" in calm) == (True, False)


def test_a_request_near_its_deadline_is_red() -> None:
    calm, near = drawn(), drawn(is_near=lambda _one: True)

    assert [("card red" in one, 'class="why"' in one) for one in (calm, near)] == [
        (False, False), (True, True),
    ]  # fmt: skip


def test_a_part_of_the_requests_says_of_how_many_it_is_and_leads_on() -> None:
    all_of_them = drawn()
    first, last = drawn(count=340, later="c1"), drawn(count=340, is_first=False)

    assert ('id="part"' in all_of_them, "To be paid out (340)" in first) == (False, True)
    assert "The 1 shown are a part of the 340 that wait" in first
    assert [("/desk?from=c1" in one, 'href="/desk">The most' in one) for one in (first, last)] == [
        (True, False), (False, True),
    ]  # fmt: skip


async def test_cash_is_given_once_and_leaves_a_receipt(visitor: Come, town: Town) -> None:
    one = await come_to_the_desk(visitor)
    await state(one, "10000000")
    await one.check()
    before, erin = balance(town, "erin"), encode_id("acct", account_of("erin"))

    await scan(one, erin.upper())
    await one.page.keyboard.type("12.50")
    await one.page.keyboard.press("Enter")
    await one.page.wait_for_selector("#ask[open]")
    asked = await one.text("#ask")
    await one.shoot("desk-sure")
    await one.page.keyboard.press(
        "Tab"
    )  # "Back" has the focus: no money goes by one press too many
    await one.page.keyboard.press("Enter")
    await one.page.wait_for_url("**/desk/receipt/*")

    receipt = await one.text()
    await one.check()
    await one.shoot("desk-receipt")
    after = show_money(before + 1_250)
    assert (erin in asked, "¥12.50" in asked, after in asked) == (True, True, True)
    assert ("¥12.50" in receipt, "CASH-" in receipt) == (True, True)
    assert balance(town, "erin") == before + 1_250


async def test_a_transfer_counts_once_however_it_is_written(visitor: Come, town: Town) -> None:
    one = await come_to_the_desk(visitor)
    await state(one, "10000000")
    erin = encode_id("acct", account_of("erin"))
    before = balance(town, "erin")

    async def enter(reference: str) -> None:
        await one.page.fill("#in-to", f"{erin[:10]}…{erin[-4:]}")
        await one.page.fill("#in-amount", "5")
        await one.page.check("[name=in-how][value=transfer]")
        await one.page.fill("#in-reference", reference)
        await one.press("#in-form button")

    await enter("ref 2026 77")
    await one.press("#ask-yes")
    await one.page.wait_for_url("**/desk/receipt/*")
    shown = await one.text(".facts")
    await one.press("a[href='/desk'].button")
    await one.page.wait_for_load_state("networkidle")
    await enter("REF  2026 77 ")
    await one.page.wait_for_selector("#notice-sending")

    assert "ref 2026 77" in shown
    assert "in the books already" in await one.text("#notice-sending")
    assert balance(town, "erin") == before + 500


async def test_a_request_is_paid_to_whom_its_code_names(visitor: Come, town: Town) -> None:
    asked = {ask_for_cash(town, "bob", 20_000) for _ in range(2)}
    of = {"issuer": issuer_of(town)}
    listed = [one["request"] for one in town.read("money_requests", **of)["items"]]
    request, other = [one for one in listed if one in asked]
    before = town.read("money_requests", **of, limit=listed.index(request) + 1)
    one = await come_to_the_desk(visitor)
    await one.open(f"/desk?from={before['next_cursor']}")  # where it is not shown
    is_shown = await one.page.locator(f"#r-{request}").count()
    line = f"#r-{request}"
    text = b"Bank of Bob 1234".hex().upper()

    await scan(one, f"WASHOUT1:{request.upper()}:{'01' * 16}:{text}")
    await one.page.wait_for_url(f"**/desk?find={request}")
    await one.page.wait_for_selector("#scan-said.bad")
    wrong = await one.text("#scan-said")
    await scan(one, f"WASHOUT1:{request.upper()}:{'00' * 16}:{text}")
    await one.page.wait_for_selector(f"{line} [data-payee]:not([hidden])")
    shown = await one.text(line)
    await one.shoot("desk")
    await one.page.keyboard.press("Enter")
    await one.press("#ask-yes")
    await one.page.wait_for_selector(f"{line} [data-do=paid]")
    begun = town.read("money.request", id=request)["begun"]
    await one.press(f"{line} [data-do=paid]")
    await one.page.fill("#pay-reference", "out 1")
    await one.press("#pay button[value=yes]")
    await one.page.wait_for_url("**/desk/receipt/*")

    assert ("Pay nothing" in wrong, "Bank of Bob 1234" in shown, begun) == (True, True, True)
    assert "out 1" in await one.text(".facts")
    assert town.read("money.request", id=request)["asked_at"] == 0
    assert is_shown == 0
    town.do("bob", "money.withdraw", request=other)


async def test_a_request_goes_back_with_a_reason_and_a_near_deadline_is_red(
    visitor: Come, town: Town
) -> None:
    request = ask_for_cash(town, "carol", 700)
    before = balance(town, "carol")
    asked = town.read("money.request", id=request)
    one = await come_to_the_desk(visitor)
    calm = await one.page.locator(f"#r-{request} .why").count()
    town.travel(asked["due"] - HOUR_MS)

    one = await come_to_the_desk(visitor)
    near = await one.page.locator(f"#r-{request} .why").count()
    await one.press(f"#r-{request} [data-do=decline]")
    await one.page.select_option("#back-why", "WRONG_PERSON")
    await one.press("#back button[value=yes]")
    await one.page.wait_for_selector(f"#r-{request}", state="detached")

    assert (calm, near) == (0, 1)
    assert balance(town, "carol") == before + 700


async def test_a_statement_carries_the_fingerprint_of_the_paper(visitor: Come, town: Town) -> None:
    one = await come_to_the_desk(visitor)

    await state(one, "9000000")

    found = town.read("money.issuer", account=issuer_of(town))
    assert found["document"] == hashlib.sha256(PAPER).hexdigest()
    assert found["stated_custody"]["amount"] == 900_000_000


async def test_a_cashier_is_added_by_a_command_and_sees_what_is_missing(
    visitor: Come, town: Town
) -> None:
    def run(*words: str) -> str:
        command = [sys.executable, "-m", "node", "cashier", *words, "--data", str(town.folder)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT), "WASH_PIN": "48291637"}
        return subprocess.run(
            command, env=environment, cwd=ROOT, check=True, capture_output=True, text=True
        ).stdout

    run("add", "Cai")
    one = await visitor("zh", COUNTER)
    await one.open("/desk")
    await one.page.fill("#name", "Cai")
    await one.page.fill("#pin", "48291637")
    await one.page.keyboard.press("Enter")
    await one.page.wait_for_url("**/desk")
    shown = await one.text()
    listed = [line for line in run("list").splitlines() if "Cai" in line]
    run("remove", listed[0].split()[0])

    await one.open("/desk")
    assert "运营方" in shown
    assert "/shop/login" in one.page.url


async def test_the_desk_is_for_cashiers_and_the_shop_for_its_staff(visitor: Come) -> None:
    stranger = await visitor()
    await stranger.open("/desk")
    asked = stranger.page.url
    one = await come_to_the_desk(visitor)

    await one.open("/shop")
    told = await one.text("[role=alert]")
    await one.page.fill("#name", "sparkle")
    await one.page.fill("#pin", PRACTICE_PIN)
    await one.page.keyboard.press("Enter")
    await one.page.wait_for_url("**/shop")
    await one.open("/desk")
    told_then = await one.text("[role=alert]")

    assert "/shop/login?to=%2Fdesk" in asked
    assert f"You are logged in as {ISSUER_DESK}, a cashier." in told
    assert "You are logged in as sparkle, of a shop." in told_then
