"""`python -m tests.pages.pictures` takes the pictures of the pages that the README shows."""

import asyncio
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from tests.pages.browsing import ARGUMENTS, CHROMIUM, PHONE, Visitor
from tests.pages.test_first_visit import confirm
from tests.pages.town import MINUTE_MS, Town

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"


async def take(town: Town, lang: str) -> None:
    """Take the pictures of a visit in a language."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        one = await Visitor.come(browser, town.url, lang, PHONE, has_script=True)

        async def keep(name: str) -> None:
            await one.page.evaluate("scrollTo(0, 0)")
            await one.page.screenshot(path=FOLDER / f"{name}-{lang}.png")

        await one.open(f"/s/{town.sparkle}")
        await keep("shop")
        await one.open(f"/s/{town.sparkle}/book?service=2")
        await one.press(".days a >> nth=2")
        await one.press(".slots a >> nth=4")
        await one.page.wait_for_selector("#pay:not([hidden])")
        await keep("book")
        name = await confirm(one)
        start = town.read("booking.booking", id=name)["start"]
        await one.page.evaluate("localStorage.setItem('wash.saved', '1')")
        town.travel(start - 2 * MINUTE_MS)
        await one.open(f"/b/{name}")
        await one.press("[data-action=code]")
        await one.press("#show-code button[value=yes]")
        await one.page.wait_for_selector(".steps li:nth-child(3).now")
        town.do("sparkle", "booking.start_service", id=name)
        await one.page.wait_for_selector(".steps li:nth-child(4).now")
        await keep("progress")
        await browser.close()


def main() -> None:
    """Take all pictures."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        town = Town(Path(folder))
        try:
            for lang in ("en", "zh"):
                asyncio.run(take(town, lang))
        finally:
            town.close()


if __name__ == "__main__":
    main()
