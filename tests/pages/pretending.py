"""Pages filled with texts of strangers: a node's true answers, in which each text is replaced."""

import json
import re
from collections.abc import Coroutine
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from aiohttp import web
from multidict import MultiDict

import node.rpc.openrpc
from node.pages.asking import Asked, AskError, read_answer
from node.pages.page import GoneError, Page, Setting, Shown, Visit
from node.pages.rendering import Renderer
from node.pages.site import find_pages
from node.pages.words import Lang, Words
from tests.node.rpc.fuzzing import Target, request

SHOWN: dict[str, Any] = json.loads(
    (Path(node.rpc.openrpc.__file__).parent / "examples.json").read_text("utf-8")
)
# The fields of answers that hold what people wrote.
WRITTEN = {
    "name", "name_en", "name_zh", "address", "gateway", "work", "text", "label", "doc", "note",
    "reason", "remark", "message", "answer", "zh", "sentence", "version", "chain_name", "code_name",
    "symbol",
}  # fmt: skip
_OWNER = {"duty": "owner", "scopes": (1 << 32) - 1}


class Pretender:
    """Asks a node, and tells pages that everybody wrote one text everywhere."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._known: dict[bytes, Any] = {}
        self.text = ""

    async def __call__(self, method: str, **params: Any) -> Any:
        answer = self.ask(method, params)
        if isinstance(answer, AskError):
            raise answer
        return answer

    async def all(self, *questions: Asked) -> list[Any]:
        return [self.ask(one.method, one.params) for one in questions]

    def ask(self, method: str, params: dict[str, Any]) -> Any:
        """Return an answer of the node, with its texts replaced, or its refusal."""
        return self._replaced(self.truth(method, params))

    def truth(self, method: str, params: dict[str, Any]) -> Any:
        """Return what the node answers, or its refusal."""
        if "session" in params:  # whose it is knows nobody here: as the node shows it
            return SHOWN[method][0]["result"] | (_OWNER if method == "staff_who" else {})
        data = request(method, params)
        if data not in self._known:
            answer = self._target.send(data)
            assert answer is not None
            self._known[data] = read_answer(json.loads(answer))
        return self._known[data]

    def _replaced(self, value: Any, field: str = "") -> Any:
        if isinstance(value, dict):
            return {name: self._replaced(inner, name) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._replaced(inner, field) for inner in value]
        return self.text if isinstance(value, str) and value and field in WRITTEN else value


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


class Town:
    """All pages of a node, made without a network; None where a page leads elsewhere."""

    def __init__(self, pretender: Pretender, renderer: Renderer, setting: Setting) -> None:
        self._pretender, self._renderer, self._setting = pretender, renderer, setting
        self._pages = [(_pattern_of(one.path), one) for one in find_pages()]

    def html(self, address: str, text: str, lang: Lang) -> str | None:
        """Return a page whose strangers all wrote `text`."""
        self._pretender.text = text
        path, query = urlsplit(address).path, urlsplit(address).query
        found = [(match, one) for pattern, one in self._pages if (match := pattern.fullmatch(path))]
        if not found:
            return None
        match, one = found[0]
        visit = self._visit(one, address, query, match.groupdict(), lang)
        try:
            shown: Shown | web.Response = _finish(one.view(visit))  # type: ignore[arg-type]
        except (AskError, GoneError):
            return None
        if isinstance(shown, web.Response):
            return None
        return self._renderer.render(shown, visit.words, address)

    def _visit(self, one: Page, address: str, query: str, parts: dict[str, str], lang: Lang) -> Any:
        asked = SimpleNamespace(
            cookies=_Cookies(),
            headers={},
            query=MultiDict(parse_qsl(query)),
            match_info=parts,
            path_qs=address,
            path=urlsplit(address).path,
            scheme="http",
            host="localhost",
            app=object(),  # a new one, for which nothing is remembered
        )
        request_: Any = asked
        asker: Any = self._pretender
        return Visit(request_, asker, Words(lang, one.words), self._setting)


class _Cookies(dict[str, str]):
    """Those of somebody who is logged in everywhere."""

    def get(self, _name: str, _default: Any = None) -> str:
        return "x"


def _pattern_of(path: str) -> re.Pattern[str]:
    parts = re.split(r"\{(\w+)(?::([^}]*(?:\{[^}]*\})?[^}]*))?\}", path)
    made = re.escape(parts[0])
    for name, inner, rest in zip(parts[1::3], parts[2::3], parts[3::3], strict=True):
        made += f"(?P<{name}>{inner or '[^/]+'})" + re.escape(rest)
    return re.compile(made)


def _finish(view: Coroutine[Any, Any, Any]) -> Any:
    """Return what a view gives that has nothing to wait for."""
    try:
        view.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("it waits for something that is not here")
