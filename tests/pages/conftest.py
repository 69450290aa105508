"""What tests of pages share: one node, one browser, visitors; all on one event loop."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from inspect import iscoroutinefunction

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.pages.browsing import PHONE, Visitor, open_browser
from tests.pages.town import Town

Come = Callable[..., Awaitable[Visitor]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests that use the browser on the loop on which the browser lives."""
    for item in items:
        if not iscoroutinefunction(getattr(item, "function", None)):
            continue  # a command's test may have a fixture of the same name
        if {"visitor", "furnished", "browser"} & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A development chain with two shops, in a process of its own."""
    made = Town(tmp_path_factory.mktemp("town"))
    yield made
    made.close()


@pytest.fixture(scope="session")
def later_town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Another one, for tests in which many days pass.

    Requests that other tests leave unanswered would make its shops fall silent meanwhile.
    """
    made = Town(tmp_path_factory.mktemp("later"))
    yield made
    made.close()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One browser for all tests."""
    async with open_browser() as made:
        yield made


@pytest_asyncio.fixture(loop_scope="session")
async def visitor(browser: Browser, town: Town) -> AsyncIterator[Come]:
    """Let somebody come: `await visitor("zh")`. What no page may do fails the test at its end."""
    came: list[Visitor] = []

    async def come(
        lang: str = "en", size: tuple[int, int] = PHONE, *, has_script: bool = True
    ) -> Visitor:
        came.append(await Visitor.come(browser, town.url, lang, size, has_script=has_script))
        return came[-1]

    yield come
    for one in came:
        await one.leave()
    assert [fault for one in came for fault in one.faults] == []
