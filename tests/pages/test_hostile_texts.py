"""Texts of strangers are texts on pages, whatever is in them."""

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from node.pages.page import Setting, Shown
from node.pages.rendering import Renderer
from node.pages.static_files import StaticFiles
from node.pages.words import Words

VECTORS = Path(__file__).parents[1] / "vectors" / "naughty" / "blns.json"
TEXTS: list[str] = [one for one in json.loads(VECTORS.read_text("utf-8")) if one.strip()]
SETTING = Setting("Asia/Shanghai", "", is_dev=True, sponsors=True)
HARMLESS = "harmless"
MONEY = {"amount": 100, "currency": "CNY", "asset": None}


class Outline(HTMLParser):
    """The tags with their attributes, and all text outside of scripts."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, tuple[str, ...]]] = []
        self.text = ""
        self._is_data = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, tuple(name for name, _value in attrs)))
        self._is_data = tag == "script"

    def handle_endtag(self, tag: str) -> None:
        self._is_data = self._is_data and tag != "script"

    def handle_data(self, data: str) -> None:
        if not self._is_data:
            self.text += data


def review_of(text: str) -> dict[str, Any]:
    """Return a review whose text and answer are this."""
    letter = {"state": "here", "text": text}
    scores = dict.fromkeys(("clean", "on_time", "staff", "value"), 5)
    return {"posted_at": 0, "edited_at": 0, "scores": scores, "said": letter, "answer": letter}


def shop_page(text: str) -> tuple[str, Shown, str]:
    service = {
        "service": 1, "name": text, "name_en": text, "name_zh": "", "price": MONEY,
        "duration": 60_000,
    }  # fmt: skip
    values: dict[str, Any] = {
        "shop": "acct1x", "record": {"name": text}, "services": [service],
        "standing": {"status": "ADMITTED", "sells": True, "closes_at": 0},
        "profile": {"address": text}, "figures": None,
        "rating": {"is_shown": False, "counted": 1}, "hours": [],
        "reviews": {"items_shown": [review_of(text)], "older": 0},
        "is_open": True,
    }  # fmt: skip
    return "shop", Shown("shop.html", values, {"name": text}), "/s/x"


def home_page(text: str) -> tuple[str, Shown, str]:
    shops = [{"shop": "acct1x", "name": text, "status": "ADMITTED", "sells": True}]
    return "shop", Shown("home.html", {"shops": shops}, {"name": text}), f"/?x={text}"


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer(StaticFiles(), SETTING)


@pytest.mark.parametrize("make", [shop_page, home_page])
def test_no_text_becomes_markup(renderer: Renderer, make: Any) -> None:
    def render(text: str) -> Outline:
        words, shown, path = make(text)
        return Outline(renderer.render(shown, Words("en", words), path))

    expected = render(HARMLESS).tags

    bad = []
    for text in TEXTS:
        found = render(text)
        # Line ends and NUL are the parser's business, not ours.
        kept = "".join(text.split()) in "".join(found.text.split()) or "\0" in text or "\r" in text
        if found.tags != expected or not kept:
            bad.append(text)
    assert bad == []
