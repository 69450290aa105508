"""What holds for every page that customers see, at both sizes, in both languages."""

import pytest

from tests.pages.browsing import COUNTER, PHONE
from tests.pages.conftest import Come
from tests.pages.town import Town

PAGE_BYTES_MAX = 120 * 1024
PATHS = (
    "/",
    "/c",
    "/c?s={shop}",
    "/c/key",
    "/c/helpers?shop={shop}",
    "/c/cards",
    "/c/cards?s={shop}",
    "/s/{shop}",
    "/s/{shop}/book",
    "/s/{shop}/book?service=1",
    "/s/{shop}/poster",
    "/c/history",
    "/c/privacy",
    "/verify",
    "/ops",
    "/learn",
    "/x",
    "/nowhere",
)


@pytest.mark.parametrize(("lang", "size"), [("en", PHONE), ("zh", PHONE), ("en", COUNTER)], ids=str)
async def test_pages_can_be_seen_by_everybody_and_fit(
    visitor: Come, town: Town, lang: str, size: tuple[int, int]
) -> None:
    one = await visitor(lang, size)
    for path in PATHS:
        await one.open(path.format(shop=town.sparkle))
        await one.check()


@pytest.mark.parametrize("path", PATHS)
async def test_pages_are_small(visitor: Come, town: Town, path: str) -> None:
    one = await visitor()

    await one.open(path.format(shop=town.sparkle))

    assert 0 < one.bytes <= PAGE_BYTES_MAX, path


async def test_a_booking_is_made_with_the_keyboard_alone(visitor: Come, town: Town) -> None:
    one = await visitor(size=COUNTER)
    await one.open(f"/s/{town.sparkle}")

    async def go_to(selector: str) -> None:
        for _ in range(60):
            await one.page.keyboard.press("Tab")
            if await one.page.evaluate(f"document.activeElement.matches({selector!r})"):
                await one.page.keyboard.press("Enter")
                return
        raise AssertionError(f"no way to {selector} by Tab")

    await go_to("a.item")
    await one.page.wait_for_selector(".slots")
    await go_to(".slots a")
    await one.page.wait_for_selector("#pay:not([hidden])")
    await go_to("#top-up")
    await one.page.wait_for_selector("#confirm:enabled")
    await go_to("#confirm")

    await one.page.wait_for_url("**/b/*")
