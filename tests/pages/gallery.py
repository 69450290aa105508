"""`python -m tests.pages.gallery` keeps a picture of every page, at each size, in each language."""

import asyncio
import re
import tempfile
from pathlib import Path

from playwright.async_api import async_playwright

from tests.pages.browsing import ARGUMENTS, CHROMIUM, COUNTER, PHONE, SCREENSHOTS, TABLET
from tests.pages.furnished import Furnished, furnish
from tests.pages.test_every_page import PAGES
from tests.pages.test_first_visit import LANGS
from tests.pages.town import Town

FOLDER = SCREENSHOTS / "every-page"


def name_of(path: str) -> str:
    """Return a file's name for an address: `/x/tx/{tx}` is `x-tx-tx`."""
    return re.sub(r"[^a-z0-9]+", "-", path).strip("-") or "start"


async def take(furnished: Furnished, town: Town, lang: str) -> None:
    """Keep the pictures of all pages in a language."""
    for one in furnished.visitors:
        await one.context.add_cookies([{"name": "lang", "value": lang, "url": town.url}])
    for path in [path for paths in PAGES.values() for path in paths]:
        page = await furnished.who_sees(path).open_tab(path.format(**furnished.names))
        for width, height in (PHONE, TABLET, COUNTER):
            await page.set_viewport_size({"width": width, "height": height})
            shown = FOLDER / f"{name_of(path)}-{lang}-{width}.png"
            await page.screenshot(path=shown, full_page=True)
        await page.close()


async def take_all(town: Town) -> None:
    """Keep the pictures of all pages."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        furnished = await furnish(browser, town)
        for lang in LANGS:
            await take(furnished, town, lang)
        await browser.close()


def main() -> None:
    """Keep all pictures in build/screenshots."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        town = Town(Path(folder))
        try:
            asyncio.run(take_all(town))
        finally:
            town.close()


if __name__ == "__main__":
    main()
