"""Parts of lists: what is shown is told, and leads on; nothing is left out without a word."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from node.pages import lists, shopbook
from node.pages.asking import AskError
from node.pages.lists import events_of, part_of, whole_list
from node.pages.page import Setting, Shown
from node.pages.rendering import Renderer
from node.pages.shopbook import ShopBook
from node.pages.static_files import StaticFiles
from node.pages.words import Words
from tests.pages.town import Town

SETTING = Setting("Asia/Shanghai", "", is_dev=True, sponsors=True)
RENDERER = Renderer(StaticFiles(), SETTING)


def at(begins: int | None) -> Any:
    """Return a visit to the part of a list that begins there."""
    return SimpleNamespace(number=lambda _name: begins)


def test_a_part_of_a_list_says_where_it_is_and_where_it_goes_on() -> None:
    whole = list(range(7))

    assert part_of(at(None), whole, 3) == {"items": [0, 1, 2], "count": 7, "first": 1, "next": 3}
    assert part_of(at(6), whole, 3) == {"items": [6], "count": 7, "first": 7, "next": None}
    assert part_of(at(900), whole, 3) == {"items": [6], "count": 7, "first": 7, "next": None}
    assert part_of(at(None), [], 3) == {"items": [], "count": 0, "first": 1, "next": None}


class Told:
    """A visit whose node gives a list of numbers, so many at a time."""

    def __init__(self, count: int, way_on: tuple[str, str]) -> None:
        self._numbers, (self._name, self._param) = list(range(count)), way_on

    async def ask(self, _method: str, *, limit: int, **given: str) -> Any:
        begins = int(given.pop(self._param, "0"))
        assert given == {}
        ends = begins + limit
        following = str(ends) if ends < len(self._numbers) else None
        return {"items": self._numbers[begins:ends], self._name: following}


@pytest.mark.parametrize("way_on", [("next", "after"), ("next_cursor", "cursor")])
async def test_a_list_is_read_to_its_end_or_said_not_to_be_all(
    way_on: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_PAGE", 2)
    visit: Any = Told(5, way_on)

    assert await whole_list(visit, "shop_list", 100) == ([0, 1, 2, 3, 4], True)
    assert await whole_list(visit, "shop_list", 3) == ([0, 1, 2], False)


async def test_events_are_read_to_their_end_and_a_refusal_is_none_of_no_events(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lists, "_PAGE", 2)

    async def ask(method: str, **params: Any) -> Any:
        return town.rpc(method, **params)

    async def refuse(_method: str, **_params: Any) -> Any:
        raise AskError({"code": -32_000, "message": "too many", "data": {"name": "BUSY"}})

    there: Any = SimpleNamespace(ask=ask)
    busy: Any = SimpleNamespace(ask=refuse)
    wish = {"type": "prepaid.OfferPublished"}

    assert await events_of(there, wish) == town.rpc("events_query", filter=wish)["items"]
    assert len(await events_of(there, wish)) > 2
    with pytest.raises(AskError, match="too many"):
        await events_of(busy, wish)


async def test_a_contract_that_the_chain_has_not_has_no_events(town: Town) -> None:
    async def ask(method: str, **params: Any) -> Any:
        answer = town.answer(method, **params)
        if "error" in answer:
            raise AskError(answer["error"])
        return answer["result"]

    visit: Any = SimpleNamespace(ask=ask)

    assert await events_of(visit, {"type": "nowhere.Happened"}) == []


def of_voices(**changes: Any) -> str:
    """Return the page of messages of a shop, with some of it otherwise."""
    part = {"items": [], "count": 0, "first": 1, "next": None}
    worker = SimpleNamespace(is_owner=True, name="Mei")
    values = {
        "record": {"name": "Sparkle"}, "shop": "acct1x", "worker": worker, "messages": [],
        "said": {}, "part": part, "reviews": [], "older": 0, "may": True, "is_whole": True,
        "zone": "Asia/Shanghai", **changes,
    }  # fmt: skip
    return RENDERER.render(Shown("voices.html", values), Words("en", "voices"), "/shop/voices")


def test_a_page_with_a_part_says_of_how_many_and_leads_on_without_scripts() -> None:
    message = SimpleNamespace(id="m1", sent_at=1_771_588_800_000, stage="CLOSED", sender="acct1x")
    part = {"items": [message], "count": 40, "first": 33, "next": 34}

    html = of_voices(messages=[message], part=part)

    assert "33 to 33 of 40" in html
    assert ('href="/shop/voices?from=34"' in html, 'href="/shop/voices">From' in html) == (
        True, True,
    )  # fmt: skip
    assert " of 0" not in of_voices()


def test_a_page_says_so_while_the_shops_events_are_not_all_read() -> None:
    assert [('id="reading"' in of_voices(is_whole=one)) for one in (True, False)] == [False, True]


async def test_a_book_is_whole_only_when_it_was_read_to_the_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(shopbook, "_PAGES_MAX", 2)
    pages = iter([True, True, True, False])

    async def ask(_method: str, **_given: Any) -> Any:
        await asyncio.sleep(0)
        return {"items": [], "scanned_to": "1-0", "next": "1-0" if next(pages) else None}

    book, visit = ShopBook("acct1x"), SimpleNamespace(ask=ask)
    whole = []
    for _ in range(2):
        await shopbook._follow(visit, book, "booking", book.take)  # type: ignore[arg-type]
        whole.append(book.is_whole)

    assert whole == [False, True]
