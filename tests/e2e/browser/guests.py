"""People with real browsers on the way through a journey: each page is looked at in three sizes."""

import re
from typing import Any

from playwright.async_api import Browser

from tests.e2e.browser.net import GATEWAY, PINS, BrowserNet, account_at
from tests.e2e.journey_net import acct
from tests.pages.browsing import COUNTER, PHONE, SCREENSHOTS, Visitor
from tests.pages.test_words import BANNED

SIZES = (PHONE, (1024, 768), COUNTER)
BESIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


class Guest(Visitor):
    """Somebody with a browser at a node's pages, on a journey of a name."""

    journey = ""
    own_size = PHONE
    is_staff = False
    may_lose_line = False  # then the browser tells of it, which is no fault of a page

    async def open(self, path: str) -> None:
        """Open a page; what is looked for there is waited for, and `see` waits for all of it."""
        await self.page.goto(self.url + path)

    async def see(self, step: str) -> None:
        """Keep pictures of a page in all sizes; it fits each, and has people's words alone."""
        await self.page.wait_for_load_state("networkidle")
        folder = SCREENSHOTS / "journeys" / self.journey
        folder.mkdir(parents=True, exist_ok=True)
        for width, height in SIZES:
            await self.page.set_viewport_size({"width": width, "height": height})
            beside = await self.page.evaluate(BESIDE)
            assert beside <= 0, f"{self.page.url} is {beside} pixels too wide at {width}"
            path = folder / f"{step}-{self.lang}-{width}x{height}.jpeg"
            await self.page.screenshot(path=path, full_page=True, type="jpeg", quality=70)
        await self.page.set_viewport_size({"width": self.own_size[0], "height": self.own_size[1]})
        if not self.is_staff:
            found = re.findall(BANNED[self.lang], await self.text("body"), re.IGNORECASE)
            assert found == [], (self.page.url, found)

    def _on_console(self, message: Any) -> None:
        if not (self.may_lose_line and "net::ERR_" in message.text):
            super()._on_console(message)

    async def account(self, shop: str) -> str:
        """Return the account of this phone at a shop."""
        seed = await self.page.evaluate("localStorage.getItem('wash.seed')")
        return account_at(seed, acct(shop))

    async def said(self, selector: str, zh: str, en: str) -> None:
        """Wait until a part of the page says something in the reader's language."""
        text = zh if self.lang == "zh" else en
        await self.page.wait_for_selector(f"{selector}:has-text({text!r}):visible")

    async def agree(self, dialog: str) -> str:
        """Press yes in a dialog; returns what it asked."""
        await self.page.wait_for_selector(f"#{dialog}[open]")
        asked = await self.text(f"#{dialog}")
        await self.press(f"#{dialog} button[value=yes]")
        return asked


class Guests:
    """Brings people to the pages of a network."""

    def __init__(self, browser: Browser, place: BrowserNet) -> None:
        """All that come share one browser, each with a profile of their own."""
        self.browser, self.place = browser, place
        self.came: list[Guest] = []

    async def come(
        self, journey: str, lang: str, *, node: str = GATEWAY, size: tuple[int, int] = PHONE
    ) -> Guest:
        """Let somebody come to a node's pages."""
        one = await Guest.come(self.browser, self.place.url(node), lang, size, has_script=True)
        assert isinstance(one, Guest)
        one.journey, one.own_size = journey, size
        self.came.append(one)
        return one

    async def work(
        self, journey: str, lang: str, shop: str, name: str = "Mei", to: str = "/shop"
    ) -> Guest:
        """Let somebody of a shop log in at its own node."""
        one = await self.come(journey, lang, node=shop, size=COUNTER)
        one.is_staff = True
        await one.open(to)
        await one.page.fill("#name", name)
        await one.page.fill("#pin", PINS[name][1])
        await one.page.keyboard.press("Enter")
        await one.page.wait_for_url(f"**{to}")
        await one.page.wait_for_load_state("load")
        return one

    async def leave(self) -> None:
        """Close all browsers' profiles; whatever no page may do is a fault."""
        for one in self.came:
            await one.leave()
        faults = [(one.lang, one.url, fault) for one in self.came for fault in one.faults]
        assert faults == [], faults
