"""Every page with texts of strangers in all places at once: they are texts, and all of them."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import node.pages
from chain.ids import encode_id
from node.demo.accounts import account_of
from node.pages.page import Setting, Shown
from node.pages.rendering import Renderer
from node.pages.static_files import StaticFiles
from node.pages.words import Lang, Words
from tests.node.rpc.fuzzing import Target, open_target
from tests.pages.pretending import Outline, Pretender, Town
from tests.pages.test_every_page import PAGES

VECTORS = Path(__file__).parents[1] / "vectors" / "naughty" / "blns.json"
TEXTS: list[str] = [one for one in json.loads(VECTORS.read_text("utf-8")) if one.strip()]
SETTING = Setting("Asia/Shanghai", "", is_dev=True, sponsors=True)

STATIC = Path(node.pages.__file__).parent / "static"
EACH = 40  # texts in one place of a page, one after the other
HARMLESS = "harmless"
BETWEEN = " | a | "  # so that who looks for "a" finds them
BATCHES = [BETWEEN.join(TEXTS[first : first + EACH]) for first in range(0, len(TEXTS), EACH)]
LANGS: tuple[Lang, ...] = ("en", "zh")
SHOWN_LEAST = 24  # pages that show what strangers wrote
ADDRESSES = ["javascript:alert(1)", "data:text/html,<script>alert(1)</script>", "//evil.example/x"]
MARKUP = re.compile(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|srcdoc|\beval\(")
ELSEWHERE = re.compile(r' (?:href|src|action)="(?!/(?!/)|#|\?|")[^"]*"')


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with open_target(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@pytest.fixture(scope="module")
def town(target: Target) -> Town:
    return Town(Pretender(target), Renderer(StaticFiles(), SETTING), SETTING)


@pytest.fixture(scope="module")
def names(target: Target) -> dict[str, str]:
    seen = target.seen.by_name
    (latest,) = target.ask("tx_list", limit=1)["items"]
    return {
        "shop": encode_id("acct", account_of("sparkle")),
        "booking": seen["booking"][0],
        "account": target.ask("booking.booking", id=seen["booking"][0])["data"]["customer"],
        "car": "",
        "tx": latest["tx_id"],
        "block": str(latest["height"]),
        "index": str(latest["index"]),
    }


class Names(dict[str, str]):
    """The names in addresses; nobody has what the demo lacks."""

    def __missing__(self, key: str) -> str:
        return "nobody"


@pytest.fixture(scope="module")
def addresses(names: dict[str, str]) -> list[str]:
    return [path.format_map(Names(names)) for paths in PAGES.values() for path in paths]


def test_every_text_of_strangers_is_text_on_every_page(town: Town, addresses: list[str]) -> None:
    bad, shown_on = [], set()
    for address in addresses:
        harmless = [town.html(address, HARMLESS, lang) for lang in LANGS]
        expected = [Outline(html) for html in harmless if html is not None]
        for number, text in enumerate(BATCHES if expected else []):
            lang = number % len(LANGS)
            found = Outline(town.html(address, text, LANGS[lang]) or "")
            is_kept = "".join(text.split()) in "".join(found.text.split())
            if HARMLESS in expected[lang].text:
                shown_on.add(address)
            else:
                is_kept = True  # this page shows nothing that strangers wrote
            if found.tags != expected[lang].tags or not is_kept:
                bad.append((address, text[:60], is_kept))

    assert bad == []
    assert len(shown_on) >= SHOWN_LEAST


def test_no_text_of_strangers_becomes_an_address(town: Town, addresses: list[str]) -> None:
    made = [
        (address, found[0])
        for address in addresses
        for text in ADDRESSES
        if (found := ELSEWHERE.search(town.html(address, text, "en") or ""))
    ]

    assert made == []


def shop_with_review(text: str) -> Shown:
    """Return the page of a shop of which somebody wrote, and which answered."""
    letter = {"state": "here", "text": text, "picture": True, "about": text}
    scores = dict.fromkeys(("clean", "on_time", "staff", "value"), 5)
    review = {"posted_at": 0, "edited_at": 0, "scores": scores, "said": letter, "answer": letter}
    values: dict[str, Any] = {
        "shop": "acct1x", "record": {"name": text}, "services": [],
        "standing": {"status": "ADMITTED", "sells": True, "closes_at": 0},
        "profile": {"address": text}, "figures": None, "hours": [], "is_open": True,
        "rating": {"is_shown": False, "counted": 1},
        "reviews": {"items_shown": [review], "older": 0},
    }  # fmt: skip
    return Shown("shop.html", values)


def test_what_somebody_wrote_of_a_visit_is_text() -> None:
    renderer, words = Renderer(StaticFiles(), SETTING), Words("en", "shop")
    expected = Outline(renderer.render(shop_with_review(HARMLESS), words, "/s/x"))

    for text in BATCHES:
        found = Outline(renderer.render(shop_with_review(text), words, "/s/x"))
        told = "".join(found.text.split()).count("".join(text.split()))
        assert (found.tags, told) == (expected.tags, expected.text.count(HARMLESS))


def test_no_address_that_somebody_made_up_becomes_markup() -> None:
    renderer, words = Renderer(StaticFiles(), SETTING), Words("en", "error")

    def outline(text: str) -> Outline:
        shown = Shown("error.html", {"what": "missing", "text": "error.missing"})
        return Outline(renderer.render(shown, words, f"/?x={text}"))

    expected = outline(HARMLESS).tags
    assert [text for text in TEXTS if outline(text).tags != expected] == []


def test_no_script_of_a_page_makes_markup_of_texts() -> None:
    found = [path.name for path in STATIC.glob("*.js") if MARKUP.search(path.read_text("utf-8"))]

    assert found == []
