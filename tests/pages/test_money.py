"""A customer's money: free, on hold, on its way out; how it comes in and how it goes out."""

import pytest

from chain.types import HOUR_MS
from tests.pages.browsing import Visitor
from tests.pages.conftest import Come
from tests.pages.issuing import issuer_of, pay_in, state
from tests.pages.test_desk import come_to_the_desk, scan
from tests.pages.test_first_visit import book
from tests.pages.town import Town


@pytest.fixture(scope="session", name="town")
def many_days(later_town: Town) -> Town:
    """Where days may pass."""
    return later_town


async def come_with_money(visitor: Come, town: Town, lang: str = "en") -> tuple[Visitor, str]:
    """Return a customer with 80.00 at the page of their money, and the account."""
    one = await visitor(lang)
    await one.open(f"/c/money?s={town.sparkle}")
    await one.press("#in-code summary")
    await one.page.wait_for_selector("#my-number:not(:empty)")
    account = str(await one.page.get_attribute("#my-number", "title"))
    pay_in(town, account, 8_000)
    await one.page.wait_for_selector("#free:has-text('80.00')")
    return one, account


async def take_out(one: Visitor, amount: str, bank: str = "") -> str:
    """Ask for cash; returns what the question before it said."""
    await one.page.fill("#out-amount", amount)
    if bank:
        await one.page.check("[name=out-how][value=bank]")
        await one.page.fill("#out-bank", bank)
    await one.press("#out-form .row button")
    await one.page.wait_for_selector("#ask-out[open]")
    asked = await one.text("#ask-out")
    await one.press("#ask-out button[value=yes]")
    await one.page.wait_for_selector("#request-list li")
    return asked


async def test_money_comes_in_by_the_code_on_the_phone_and_is_a_line_with_a_number(
    visitor: Come, town: Town
) -> None:
    state(town)
    one = await visitor()
    await one.open(f"/c/money?s={town.sparkle}")
    await one.press("#in-code summary")
    await one.page.wait_for_selector("#my-code[data-text]")
    code = await one.page.get_attribute("#my-code", "data-text")
    desk = await come_to_the_desk(visitor)

    await scan(desk, str(code))
    await desk.page.keyboard.type("12.50")
    await desk.page.keyboard.press("Enter")
    await desk.press("#ask-yes")
    await desk.page.wait_for_url("**/desk/receipt/*")
    number = desk.page.url.rpartition("/")[2].partition("?")[0]
    await one.page.wait_for_selector("#lines li")

    await one.check()
    await one.shoot("money")
    assert ("¥12.50" in await one.text("#purse"), await one.text("#lines h3")) == (
        True, "Put in at the desk",
    )  # fmt: skip
    assert await one.page.get_attribute("#lines a", "title") == number


async def test_money_goes_out_to_whom_the_customer_says(visitor: Come, town: Town) -> None:
    one, _account = await come_with_money(visitor, town)
    asked = await take_out(one, "50", "Ann Li, Bank of Tests, 6222 0000")
    await one.check()
    purse = await one.text("#purse")
    await one.press("#request-list .button:not(.quiet)")
    await one.page.wait_for_selector("#out-code[data-text]")
    code = str(await one.page.get_attribute("#out-code", "data-text"))
    await one.shoot("money-out")
    desk = await come_to_the_desk(visitor)

    await scan(desk, code)
    await desk.page.wait_for_selector("[data-payee]:not([hidden])")
    payee = await desk.text("#waiting [data-payee]:not([hidden])")
    await desk.page.keyboard.press("Enter")
    await desk.press("#ask-yes")
    request = code.split(":")[1].lower()
    await one.page.wait_for_selector("#request-list li:not(:has(.quiet))")
    await desk.press(f"#r-{request} [data-do=paid]")
    await desk.press("#pay button[value=yes]")
    await desk.page.wait_for_url("**/desk/receipt/*")
    await one.page.wait_for_selector("#requests", state="hidden")

    assert ("¥50.00" in asked, "¥30.00" in asked, "Ann Li" in asked) == (True, True, True)
    assert ("¥30.00" in purse, "¥50.00" in purse) == (True, True)
    assert "Ann Li, Bank of Tests, 6222 0000" in payee
    lines = await one.page.locator("#lines h3").all_inner_texts()
    assert lines[0] == "Paid out to you"
    assert lines[1].startswith("On hold, to be paid out by ")


async def test_a_request_is_taken_back_and_the_home_shows_what_is_on_its_way(
    visitor: Come, town: Town
) -> None:
    one, account = await come_with_money(visitor, town, "zh")
    await take_out(one, "20,5")
    await book(one, town.sparkle)
    await one.open("/c")
    await one.page.wait_for_selector("[data-out]:not([hidden])")
    home = await one.text("#mine")
    await one.press("[data-money]")
    await one.page.wait_for_selector("#holds li")
    await one.check()

    await one.press("#request-list .quiet")
    await one.press("#ask-back button[value=yes]")
    await one.page.wait_for_selector("#requests", state="hidden")

    assert "兑付中 ¥20.50" in home
    assert town.read("money_requests", holder=account)["items"] == []
    assert (await one.page.locator("#lines h3").first.inner_text()).startswith("申请已撤回")


async def test_what_is_not_paid_in_time_comes_back_and_is_put_right_by_the_customer(
    visitor: Come, town: Town
) -> None:
    one, account = await come_with_money(visitor, town)
    await take_out(one, "10")
    (request,) = town.read("money_requests", holder=account)["items"]
    town.travel(request["due"] + HOUR_MS)
    await one.open(f"/c/money?s={town.sparkle}")
    await one.page.wait_for_selector("#notice-late")
    judged = await one.text(".is-bad")
    stopped = town.read("money.may_issue", account=issuer_of(town))

    await one.press("#notice-late button")
    await one.page.wait_for_selector("#notice-late", state="detached")

    assert ("late" in judged, stopped) == (True, False)
    assert town.read("money.may_issue", account=issuer_of(town)) is True
    assert "¥80.00" in await one.text("#purse")


async def test_too_little_money_is_said_before_anything_is_asked(visitor: Come, town: Town) -> None:
    one, _account = await come_with_money(visitor, town)

    await one.page.fill("#out-amount", "80.01")
    await one.press("#out-form .row button")

    await one.page.wait_for_selector("#out-said:not([hidden])")
    assert await one.page.is_visible("#ask-out") is False


async def test_a_shop_for_each_balance_without_one_in_the_address(
    visitor: Come, town: Town
) -> None:
    one, _account = await come_with_money(visitor, town)

    await one.open("/c/money")
    await one.page.wait_for_selector("#shops .card")

    await one.check()
    assert "¥80.00" in await one.text("#shops")
