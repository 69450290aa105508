"""What every page keeps: for everybody, at every size, in both languages, with a keyboard alone."""

import asyncio
import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Browser, Page

from node.pages.site import find_pages
from tests.pages import manners
from tests.pages.browsing import COUNTER, PHONE, TABLET
from tests.pages.conftest import Come
from tests.pages.furnished import HOSTILE, Furnished, furnish
from tests.pages.town import MINUTE_MS, Town

# Every page stands here under its kind: what it may take on a first visit, in bytes.
BYTES_MAX = {
    "first": 120 * 1024, "customer": 80 * 1024, "staff": 100 * 1024, "reading": 60 * 1024,
    "operators": 100 * 1024, "desk": 100 * 1024,
}  # fmt: skip
PAGES = {
    "first": ("/", "/s/{shop}", "/s/{shop}/book", "/s/{shop}/book?service=1", "/c?s={shop}"),
    "customer": (
        "/c",
        "/c/key",
        "/c/helpers?shop={shop}",
        "/c/cards",
        "/c/cards?s={shop}",
        "/c/money",
        "/c/money?s={shop}",
        "/c/history",
        "/c/privacy",
        "/c/feedback",
        "/c/feedback?s={shop}",
        "/c/over?s={shop}&a={account}",
        "/b/{booking}",
        "/b/{booking}/receipt",
        "/b/{paid}",
        "/b/{paid}/receipt",
        "/v/{car}",
        "/verify",
        "/nowhere",
    ),
    "staff": (
        "/shop/login",
        "/shop",
        "/bay/1",
        "/shop/customer/{account}",
        "/shop/figures",
        "/shop/money",
        "/shop/voices",
        "/shop/sell",
        "/shop/settings",
        "/shop/helpers",
        "/shop/helpers?account={account}&key=" + 64 * "7",
    ),
    "reading": (
        "/s/{shop}/poster",
        "/learn",
        "/x",
        "/x/search?q=a",
        "/x/search?q=nothing",
        "/x/blocks",
        "/x/block/{block}",
        "/x/tx/{tx}",
        "/x/receipt/{block}/{index}",
        "/x/account/{account}",
        "/x/account/{shop}",
        "/x/contracts",
        "/x/contract/booking",
        "/x/parameters",
        "/x/validators",
    ),
    "operators": ("/ops", "/ops/login", "/ops/votes", "/ops/admit", "/ops/voices?shop={shop}"),
    "desk": ("/desk", "/desk/receipt/{paid_in}"),
}
FILES = {"/shop/figures.csv", "/verify/car-passport-check.html"}  # are downloaded, not looked at
ELSEWHERE = {"/c/cards/{id}", "/c/allow"}  # looked at in test_cards.py and test_lan.py
TABS = 3  # looked at side by side: much of the time is waiting until scripts are at rest
WORDS_LEAST = 5


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def furnished(browser: Browser, town: Town) -> AsyncIterator[Furnished]:
    """Everything that pages show."""
    made = await furnish(browser, town)
    yield made
    for one in made.visitors:
        await one.leave()


async def look(page: Page, lang: str, kind: str, path: str) -> dict[str, Any]:
    """Return what is wrong with an open page: at a phone, a tablet and the counter."""
    is_first = lang == "en"  # what no language changes is looked at once
    size = await manners.bytes_of(page)
    await manners.open_all(page)
    found: dict[str, Any] = {"days without weekday": await manners.look_at_days(page)}
    if is_first:
        found |= await manners.look_by_keyboard(page)
        found["bytes"] = 0 if 0 < size <= BYTES_MAX[kind] else size
        found["axe on a phone"] = await manners.look_by_axe(page)
    for width, height in (PHONE, TABLET, COUNTER):
        await page.set_viewport_size({"width": width, "height": height})
        found[f"too wide at {width}"] = await manners.look_beside(page)
        if is_first and (width, height) == TABLET and path.startswith("/bay"):
            found["small tiles"] = await manners.look_at_tiles(page)
    if not is_first:
        found["axe at the counter"] = await manners.look_by_axe(page)
    return {name: what for name, what in found.items() if what}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("kind", PAGES)
async def test_every_page_keeps_what_is_promised(
    furnished: Furnished, town: Town, kind: str, lang: str
) -> None:
    for one in furnished.visitors:
        one.faults.clear()
        await one.context.add_cookies([{"name": "lang", "value": lang, "url": town.url}])
    waiting = list(PAGES[kind])
    wrong: dict[str, Any] = {}

    async def walk() -> None:
        while waiting:
            path = waiting.pop(0)
            visitor = furnished.who_sees(path)
            page = await visitor.open_tab(path.format(**furnished.names))
            if found := await look(page, lang, kind, path):
                wrong[path] = found
            await page.close()

    await asyncio.gather(*[walk() for _ in range(TABS)])

    assert wrong == {}
    assert [fault for one in furnished.visitors for fault in one.faults] == []


async def test_what_a_shop_wrote_is_read_as_it_was_written(furnished: Furnished) -> None:
    page = await furnished.customer.open_tab("/b/{booking}".format(**furnished.names))
    read = await page.inner_text("main")
    await page.close()

    assert HOSTILE in read


def test_no_page_is_forgotten() -> None:
    known = [path.partition("?")[0] for paths in PAGES.values() for path in paths]

    def is_known(pattern: str) -> bool:
        inside = re.sub(r"\\\{[^/]*\\\}", "[^/]+", re.escape(re.sub(r"\{[^/]*\}", "{}", pattern)))
        return any(re.fullmatch(inside, one) for one in known)

    files = {one for one in (page.path for page in find_pages()) if one.startswith("/x/proof/")}
    paths = {page.path for page in find_pages()} - FILES - ELSEWHERE - files
    assert {one for one in paths if not is_known(one)} == set()


class Reading(HTMLParser):
    """What somebody without scripts has before the eyes in the main part of a page."""

    HIDES = ("dialog", "template", "script", "style")
    VOID = ("input", "img", "br", "hr", "meta", "link", "wbr")

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.titles = 0
        self.text = ""
        self._open: list[tuple[str, bool]] = [("", True)]
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.VOID:
            return
        is_hidden = self._open[-1][1] and tag != "main"
        is_hidden |= tag in self.HIDES or "hidden" in dict(attrs)
        self._open.append((tag, is_hidden))
        self.titles += tag == "h1" and not is_hidden

    def handle_endtag(self, tag: str) -> None:
        while len(self._open) > 1 and self._open.pop()[0] != tag:
            pass

    def handle_data(self, data: str) -> None:
        if not self._open[-1][1]:
            self.text += data


async def test_every_page_can_be_read_without_scripts(furnished: Furnished, town: Town) -> None:
    bare = []
    for path in (path for paths in PAGES.values() for path in paths):
        who = furnished.who_sees(path)
        cookies = "; ".join(f"{one['name']}={one['value']}" for one in await who.context.cookies())
        headers = {"Accept": "text/html", "Cookie": f"{cookies}; lang=en"}
        status, _headers, body = town.get(path.format(**furnished.names), **headers)
        shown = Reading(body.decode())
        wanted = 404 if path == "/nowhere" else 200
        is_whole = status == wanted and b"<noscript>" in body and shown.titles == 1
        if not is_whole or len(shown.text.split()) < WORDS_LEAST:
            bare.append((path, status, shown.titles, " ".join(shown.text.split())[:80]))
    assert bare == []


async def test_a_visit_is_booked_made_and_paid_with_the_keyboard_alone(
    visitor: Come, town: Town
) -> None:
    one = await visitor(size=COUNTER)
    await one.open(f"/s/{town.sparkle}")

    async def go_to(selector: str) -> None:
        await one.page.wait_for_selector(selector)
        for _ in range(80):
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
    await go_to("#confirm:enabled")
    await one.page.wait_for_url("**/b/*")
    name = one.page.url.rpartition("/")[2]
    town.travel(town.read("booking.booking", id=name)["start"] - 5 * MINUTE_MS)
    await one.open(f"/b/{name}")
    await go_to("[data-action=code]")
    await go_to("#show-code[open] button[value=yes]")
    await one.page.wait_for_selector(".steps li:nth-child(3).now")
    town.do("sparkle", "booking.start_service", id=name)
    town.do("sparkle", "booking.ready", id=name)
    await go_to("[data-action=confirm]")
    await go_to("#ask-confirm[open] button[value=yes]")
    await one.page.wait_for_selector("#end")

    assert town.read("booking.booking", id=name)["state"] == "SETTLED"
