"""A visitor with a real browser, who notices what must never happen on any page."""

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Error, Page, Request, async_playwright

from tests.pages.manners import look_beside, look_by_axe
from tests.pages.town import LAN_HOST

CHROMIUM = os.environ.get("CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
ARGUMENTS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    f"--host-resolver-rules=MAP {LAN_HOST} 127.0.0.1",
]  # fmt: skip
PATIENCE_MS = 15_000
SCREENSHOTS = Path(__file__).parents[2] / "build" / "screenshots"
PHONE, TABLET, COUNTER = (360, 740), (1024, 768), (1366, 768)
_LOCALES = {"en": "en-GB", "zh": "zh-CN"}


@asynccontextmanager
async def open_browser() -> AsyncIterator[Browser]:
    """Have a browser for as long as this lasts; without Chromium the tests are skipped."""
    if not os.access(CHROMIUM, os.X_OK):
        pytest.skip("no Chromium here: apt-get install chromium, or set CHROMIUM")
    async with async_playwright() as playwright:
        made = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield made
        await made.close()


class Visitor:
    """One browser profile with one tab at a node's pages."""

    def __init__(self, url: str, lang: str, context: BrowserContext, page: Page) -> None:
        self.url, self.lang, self.context, self.page = url, lang, context, page
        self.faults: list[str] = []  # errors on the console, requests to other hosts
        self.bytes = 0
        self._watch(page)

    def _watch(self, page: Page) -> None:
        page.on("console", self._on_console)
        page.on("pageerror", lambda error: self.faults.append(f"error in a script: {error}"))
        page.on("request", self._on_request)

    @classmethod
    async def come(
        cls, browser: Browser, url: str, lang: str, size: tuple[int, int], *, has_script: bool
    ) -> Self:
        context = await browser.new_context(
            viewport={"width": size[0], "height": size[1]},
            locale=_LOCALES[lang],
            java_script_enabled=has_script,
        )
        context.set_default_timeout(PATIENCE_MS)
        page = await context.new_page()
        made = cls(url, lang, context, page)
        session = await context.new_cdp_session(page)
        await session.send("Network.enable")
        session.on("Network.loadingFinished", made._on_loaded)
        return made

    def _on_console(self, message: Any) -> None:
        # Chromium says of every answer that is no 200 that it could not load it.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(f"console: {message.text}")

    def _on_request(self, request: Request) -> None:
        parts = urlsplit(request.url)
        own = {f"{name}:{urlsplit(self.url).port}" for name in ("127.0.0.1", LAN_HOST)}
        if parts.scheme not in {"blob", "data"} and parts.netloc not in own:
            self.faults.append(f"request to another host: {request.url}")

    def _on_loaded(self, event: dict[str, Any]) -> None:
        self.bytes += int(event["encodedDataLength"])

    async def open(self, path: str) -> None:
        """Open a page and wait until its scripts had their turn."""
        await self.page.goto(self.url + path)
        await self.page.wait_for_load_state("networkidle")

    async def open_tab(self, path: str) -> Page:
        """Open a page in a tab of its own, as on a phone; the tab is the caller's to close."""
        tab = await self.context.new_page()
        self._watch(tab)
        await tab.set_viewport_size({"width": PHONE[0], "height": PHONE[1]})
        await tab.goto(self.url + path)
        await tab.wait_for_load_state("networkidle")
        return tab

    async def leave(self) -> None:
        """Close the browser's tabs and forget the profile."""
        # A tab that leads itself elsewhere just now may never close; a blank one always does.
        for tab in self.context.pages:
            with suppress(Error):  # it was quicker: then it is elsewhere already
                await tab.goto("about:blank")
        await self.context.close()

    async def text(self, selector: str = "main") -> str:
        """Return the text of a part of the page."""
        return await self.page.inner_text(selector)

    async def press(self, selector: str) -> None:
        """Click on something."""
        await self.page.click(selector)

    async def shoot(self, name: str) -> None:
        """Keep a picture of the whole page."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        width = (self.page.viewport_size or {"width": 0})["width"]
        path = SCREENSHOTS / f"{name}-{self.lang}-{width}.png"
        await self.page.screenshot(path=path, full_page=True)

    async def check(self) -> None:
        """Check what holds for every page: labels and contrast, and nothing beside the screen."""
        found = await look_by_axe(self.page)
        assert found == [], f"{self.page.url}: {found}"
        beside = await look_beside(self.page)
        assert beside <= 0, f"{self.page.url} is {beside} pixels too wide"
