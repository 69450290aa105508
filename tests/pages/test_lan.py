"""A page by plain http in a shop's own network: it keeps no seed, and says what it may do."""

from tests.pages.conftest import Come
from tests.pages.test_first_visit import confirm
from tests.pages.town import Town


async def test_such_a_page_leads_to_the_protected_one_and_keeps_no_seed(
    visitor: Come, town: Town
) -> None:
    one = await visitor()
    one.url = town.lan_url

    await one.open(f"/s/{town.sparkle}/book?service=1")

    kept = await one.page.evaluate("[localStorage.length, isSecureContext]")
    address = await one.page.get_attribute("#notice-lan a", "href")
    assert kept == [0, False]
    assert address == f"{town.url}/s/{town.sparkle}/book?service=1"
    await one.check()


async def test_a_key_with_a_small_limit_books_there_and_can_do_no_more(
    visitor: Come, town: Town
) -> None:
    one = await visitor()
    one.url = town.lan_url
    await one.open(f"/s/{town.sparkle}/book?service=1")
    await one.press("#notice-lan a >> nth=1")
    await one.page.wait_for_selector("#allow:enabled")
    asked = await one.text()
    await one.check()
    await one.press("#allow")
    await one.page.wait_for_url(f"{town.lan_url}/**")
    await one.page.wait_for_selector("#notice-lan")

    await one.press(".slots a >> nth=0")
    name = await confirm(one)

    account = town.read("booking.booking", id=name)["customer"]
    keys = town.read("account_get", account=account)["keys"]
    (small,) = [key for key in keys if key["scopes"] is not None]
    assert ("¥100.00" in asked, "shop.test" in asked) == (True, True)
    assert [limit["amount"]["amount"] for limit in small["limits"]] == [10_000]
    assert small["expires_at"] is not None
    assert await one.page.evaluate("localStorage.getItem('wash.seed')") is None
