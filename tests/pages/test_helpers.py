"""A phone is lost with its card: helpers give the account back, and a thief is stopped."""

import pytest

from chain.types import HOUR_MS
from tests.pages.browsing import Visitor
from tests.pages.conftest import Come
from tests.pages.staff import log_in
from tests.pages.test_first_visit import book
from tests.pages.town import Town

DELAY_MS = 72 * HOUR_MS


@pytest.fixture(scope="session", name="town")
def many_days(later_town: Town) -> Town:
    """Where days may pass."""
    return later_town


async def number_of(one: Visitor, town: Town) -> str:
    """Return the account of a customer at the first shop, as the page shows it."""
    await one.open(f"/c/helpers?shop={town.sparkle}")
    await one.page.wait_for_selector("#mine:not(:empty)")
    return await one.text("#mine")


async def choose(one: Visitor, town: Town, friend: str) -> None:
    """Make a friend the only helper."""
    await one.open(f"/c/helpers?shop={town.sparkle}")
    await one.page.uncheck("#with-shop")
    await one.page.fill("#friend", friend)
    await one.press("#choose-form button")
    await one.page.wait_for_selector("#now:has-text('You have 1')")


async def ask_for(one: Visitor, town: Town, account: str) -> str:
    """Ask for a lost account on a new phone; returns the code for the helpers."""
    await one.open(f"/c/helpers?shop={town.sparkle}")
    await one.page.fill("#lost", account)
    await one.press("#lost-form button")
    await one.page.wait_for_selector("#lost-code:not([hidden])")
    return await one.text("#lost-code code")


async def help_with(friend: Visitor, code: str) -> str:
    """Enter a code as the helper; returns what the page says."""
    await friend.page.fill("#code", code)
    await friend.press("#help-form button")
    await friend.page.wait_for_selector("#help-said.good:not([hidden])")
    return await friend.text("#help-said")


async def test_helpers_give_a_lost_account_to_its_owners_new_phone(
    visitor: Come, town: Town
) -> None:
    owner, friend, fresh = await visitor(), await visitor(), await visitor()
    name = await book(owner, town.sparkle)
    account = town.read("booking.booking", id=name)["customer"]
    helper = await number_of(friend, town)
    await friend.check()
    await choose(owner, town, helper)
    code = await ask_for(fresh, town, account)
    said = await help_with(friend, code)
    town.travel(town.now_ms() + DELAY_MS + HOUR_MS)
    await friend.open(f"/c/helpers?shop={town.sparkle}")
    done = await help_with(friend, code)

    await fresh.press("#lost-form button")
    await fresh.page.wait_for_url("**/c")

    await fresh.page.wait_for_selector(f"a[href='/b/{name}']")
    assert ("after" in said, "everything back" in done) == (True, True)


async def test_who_still_has_the_phone_stops_a_thief(visitor: Come, town: Town) -> None:
    owner, friend, thief = await visitor(), await visitor(), await visitor()
    name = await book(owner, town.sparkle)
    account = town.read("booking.booking", id=name)["customer"]
    await choose(owner, town, await number_of(friend, town))
    await help_with(friend, await ask_for(thief, town, account))

    await owner.open("/c")
    await owner.press(".notice.bad button")
    await owner.page.wait_for_selector(".notice.good")

    assert town.read("account_get", account=account)["recovery"] is None


async def choose_shop_and(one: Visitor, town: Town, friend: str) -> None:
    """Make the shop and a friend the helpers; both must agree."""
    await one.open(f"/c/helpers?shop={town.sparkle}")
    await one.page.fill("#friend", friend)
    await one.press("#choose-form button")
    await one.page.wait_for_selector("#now:has-text('You have 2')")


async def scan_at_shop(owner: Visitor, link: str) -> None:
    await owner.open("/shop")
    await owner.page.keyboard.type(link)
    await owner.page.keyboard.press("Enter")
    await owner.page.wait_for_selector("#case")


async def test_the_shop_and_a_second_phone_help_together_and_the_shop_sees_who_asks(
    visitor: Come, town: Town
) -> None:
    lost, friend, fresh = await visitor(), await visitor(), await visitor()
    name = await book(lost, town.sparkle)
    account = town.read("booking.booking", id=name)["customer"]
    await choose_shop_and(lost, town, await number_of(friend, town))
    await ask_for(fresh, town, account)
    link = str(await fresh.page.get_attribute("#lost-code canvas", "data-text"))
    await fresh.check()

    await friend.open(link.removeprefix(friend.url))
    await friend.page.wait_for_selector("#help-said:has-text('new phone')")
    await friend.press("#help-form button")
    await friend.page.wait_for_selector("#help-said.good:not([hidden])")
    owner = await log_in(visitor, town, "Olga")
    told = await owner.text(".notice.bad")
    await owner.press(".notice.bad a")
    waits = await owner.text("#asking")
    await scan_at_shop(owner, link)
    await owner.press("#case details summary")
    known = await owner.text("#case")
    await owner.check()
    await owner.shoot("helping")
    for box in ("#is-here", "#is-right", "#is-phone"):
        await owner.page.check(box)
    await owner.press("#case-form button")
    await owner.press("#ask-yes")
    await owner.page.wait_for_selector("#case .notice.good")
    recovery = town.read("account_get", account=account)["recovery"]

    town.travel(recovery["ready_at"] + HOUR_MS)
    owner = await log_in(visitor, town, "Olga")
    await scan_at_shop(owner, link)
    await owner.press("[data-do=finish]")
    await owner.page.wait_for_selector("#case:has-text('everything back')")
    await fresh.press("#lost-form button")
    await fresh.page.wait_for_url("**/c")

    await fresh.page.wait_for_selector(f"a[href='/b/{name}']")
    assert ("wait for your word" in told, "waits for your word" in waits) == (True, True)
    assert ("1 of 2 helpers agreed" in known, "booked" in known) == (True, True)
    assert len(recovery["approvals"]) == 2


async def test_the_shop_can_do_nothing_for_who_did_not_choose_it(visitor: Come, town: Town) -> None:
    one = await visitor()
    name = await book(one, town.sparkle)
    account = town.read("booking.booking", id=name)["customer"]
    owner, desk = await log_in(visitor, town, "Olga"), await log_in(visitor, town, "Mei")
    case = f"/shop/helpers?account={account}&key={'07' * 32}"

    await owner.open(case)
    await desk.open(case)

    assert "did not choose your shop" in await owner.text("#case")
    assert await desk.page.locator("#case, #scan-form").count() == 0


async def test_two_of_three_helpers_are_enough_where_the_customer_says_so(
    visitor: Come, town: Town
) -> None:
    one, friend, other = await visitor("zh"), await visitor("zh"), await visitor("zh")
    first, second = await number_of(friend, town), await number_of(other, town)
    await one.open(f"/c/helpers?shop={town.sparkle}")
    await one.page.fill("#friend", first)
    await one.press("#choose-form details summary")
    await one.page.fill("#second", second)
    await one.page.select_option("#needed", "2")
    account = await one.text("#mine")

    await one.press("#choose-form .row button")
    await one.page.wait_for_selector("#now:has-text('3')")

    record = town.read("account_get", account=account)
    assert (record["threshold"], sorted(record["guardians"])) == (
        2, sorted([first, second, town.sparkle]),
    )  # fmt: skip
