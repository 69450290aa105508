"""A shop's money: what came in, and how its owner takes it out at the desk."""

import pytest

from chain.types import HOUR_MS
from tests.pages.browsing import Visitor
from tests.pages.conftest import Come
from tests.pages.issuing import issuer_of, state
from tests.pages.staff import PINS, log_in
from tests.pages.test_desk import come_to_the_desk, scan
from tests.pages.town import Town


@pytest.fixture(scope="session", name="town")
def many_days(later_town: Town) -> Town:
    """Where days may pass."""
    return later_town


async def ask_for(one: Visitor, amount: str, bank: str = "", pin: str = PINS["Olga"]) -> str:
    """Ask for the shop's money with the keyboard; returns what the question before it said."""
    await one.page.fill("#out-amount", amount)
    if bank:
        await one.page.fill("#out-bank", bank)
    else:
        await one.page.check("[name=out-how][value=cash]")
    await one.page.fill("#out-pin", pin)
    await one.page.keyboard.press("Enter")
    await one.page.wait_for_selector("#ask[open]")
    asked = await one.text("#ask")
    await one.press("#ask-yes")
    return asked


async def test_the_owner_takes_money_out_and_the_desk_pays_it(visitor: Come, town: Town) -> None:
    state(town)
    one = await log_in(visitor, town, "Olga", to="/shop/money")
    before = town.read("money_balance", account=town.sparkle)["free"]["amount"]
    asked = await ask_for(one, "12.50", "Sparkle Ltd, Bank of Tests, 6222")
    await one.page.wait_for_selector("[data-do=code]")
    await one.check()
    await one.shoot("shop-money")
    (request,) = town.read("money_requests", holder=town.sparkle)["items"]
    await one.press("[data-do=code]")
    await one.page.wait_for_selector("#out-code[data-text]")
    code = str(await one.page.get_attribute("#out-code", "data-text"))
    await one.press("#show-code button")
    desk = await come_to_the_desk(visitor)

    await scan(desk, code)
    line = f"#r-{request['request']}"
    await desk.page.wait_for_selector(f"{line} [data-payee]:not([hidden])")
    payee = await desk.text(f"{line} [data-payee]")
    await desk.press(f"{line} [data-do=begin]")
    await desk.press("#ask-yes")
    await one.page.wait_for_selector(f"{line}:not(:has([data-do=withdraw]))")
    await desk.press(f"{line} [data-do=paid]")
    await desk.press("#pay button[value=yes]")
    await desk.page.wait_for_url("**/desk/receipt/*")
    await one.page.wait_for_selector(line, state="detached")
    await one.page.wait_for_selector("#lines li:has-text('Paid out to you')")

    free = town.read("money_balance", account=town.sparkle)["free"]["amount"]
    assert ("¥12.50" in asked, "Bank of Tests" in asked) == (True, True)
    assert "Sparkle Ltd, Bank of Tests, 6222" in payee
    assert before - free == 1_250


async def test_a_wrong_pin_takes_nothing_out_and_a_request_is_taken_back(
    visitor: Come, town: Town
) -> None:
    state(town)
    before = town.read("money_balance", account=town.sparkle)["free"]["amount"]
    one = await log_in(visitor, town, "Olga", lang="zh", to="/shop/money")
    await ask_for(one, "20", pin="739151")
    await one.page.wait_for_selector("#notice-sending.bad")
    left = town.read("money_requests", holder=town.sparkle)["items"]

    await ask_for(one, "20")
    await one.page.wait_for_selector("[data-do=withdraw]")
    held = town.read("money_balance", account=town.sparkle)
    await one.press("[data-do=withdraw]")
    await one.press("#ask-yes")
    await one.page.wait_for_selector("[data-do=withdraw]", state="detached")

    await one.check()
    assert (left, held["paying_out"]["amount"]) == ([], 2_000)
    assert town.read("money_balance", account=town.sparkle)["free"]["amount"] == before


async def test_what_is_not_paid_to_the_shop_in_time_is_put_right_by_its_owner(
    visitor: Come, town: Town
) -> None:
    state(town)
    one = await log_in(visitor, town, "Olga", to="/shop/money")
    await ask_for(one, "5")
    await one.page.wait_for_selector("[data-do=code]")
    (request,) = town.read("money_requests", holder=town.sparkle)["items"]
    town.travel(request["due"] + HOUR_MS)
    one = await log_in(visitor, town, "Olga", to="/shop/money")
    stopped = town.read("money.may_issue", account=issuer_of(town))

    await one.press("#late [data-do=settled]")
    await one.page.wait_for_selector("#late", state="detached")

    assert stopped is False
    assert town.read("money.may_issue", account=issuer_of(town)) is True


async def test_more_than_there_is_and_somebody_else_get_nowhere(visitor: Come, town: Town) -> None:
    one = await log_in(visitor, town, "Olga", to="/shop/money")
    await one.page.fill("#out-amount", "9999999")
    await one.page.fill("#out-bank", "Bank 1")
    await one.page.fill("#out-pin", PINS["Olga"])
    await one.page.keyboard.press("Enter")
    await one.page.wait_for_selector("#notice-sending.bad")
    desk = await log_in(visitor, town, "Mei", to="/shop")
    answer = await desk.page.goto(f"{town.url}/shop/money")
    desk.faults.clear()  # the browser's console tells of the 404

    assert "not enough money" in await one.text("#notice-sending")
    assert answer is not None
    assert (answer.status, "Only the owner" in await desk.text()) == (404, True)
