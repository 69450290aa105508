"""What journeys with browsers share: one network with pages, one browser, one loop of events."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.e2e.browser.guests import Guests
from tests.e2e.browser.net import BrowserNet
from tests.pages.browsing import open_browser


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put these tests on the loop on which the browser lives."""
    for item in items:
        if "guests" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserNet]:
    """Four validators and two shops' nodes with pages, for all these journeys."""
    made = BrowserNet(tmp_path_factory.mktemp("browsed"))
    try:
        made.begin()
        yield made
    finally:
        made.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all journeys."""
    async with open_browser() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def guests(browser: Browser, place: BrowserNet) -> AsyncIterator[Guests]:
    """Let people come: `await guests.come("first-visit", "zh")`."""
    made = Guests(browser, place)
    yield made
    await made.leave()
