"""A phone is lost with its card: helpers give the account back, and a thief is stopped."""

from chain.types import HOUR_MS
from tests.pages.browsing import Visitor
from tests.pages.conftest import Come
from tests.pages.test_first_visit import book
from tests.pages.town import Town

DELAY_MS = 72 * HOUR_MS


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
