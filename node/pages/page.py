"""What a page is: an address, the texts it uses, and a function that asks and shows."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web

from node.pages.asking import Asker
from node.pages.words import Words

_PAGE = "page_of_this_function"
_DEED = "deed_of_this_function"


class GoneError(Exception):
    """Something that a visitor asks for and that is not there; `key` is the text that says so."""

    def __init__(self, key: str = "error.missing") -> None:
        super().__init__(key)
        self.key = key


@dataclass(frozen=True, slots=True)
class Setting:
    """What all pages of a node have in common."""

    zone: str
    url: str
    is_dev: bool
    sponsors: bool
    desks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Shown:
    """A template with what it shows; `data` goes to the page's script."""

    template: str
    values: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Visit:
    """One request for a page: who asks for what, in which language, and how to ask the node."""

    request: web.Request
    ask: Asker
    words: Words
    setting: Setting

    @property
    def query(self) -> Any:
        """What stands behind the question mark of the address."""
        return self.request.query

    def part(self, name: str) -> str:
        """Return a part of the address."""
        return self.request.match_info[name]

    def number(self, name: str) -> int | None:
        """Return a whole number behind the question mark, or None."""
        text = self.request.query.get(name, "")
        return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None  # noqa: PLR2004

    def show(self, template: str, /, *, data: dict[str, Any] | None = None, **values: Any) -> Shown:
        """Return what a page shows."""
        return Shown(template, values, data or {})


View = Callable[[Visit], Awaitable[Shown | web.Response]]


@dataclass(frozen=True, slots=True)
class Page:
    """A page: its address, the file of its texts, and what makes it."""

    path: str
    words: str
    view: View


def page(path: str, *, words: str) -> Callable[[View], View]:
    """Mark a function of `node/pages/views` as a page; one function may make several."""

    def mark(view: View) -> View:
        marked = getattr(view, _PAGE, ())
        setattr(view, _PAGE, (*marked, Page(path, words, view)))
        return view

    return mark


Deed = Callable[[Visit], Awaitable[web.Response]]


def deed(path: str, *, words: str) -> Callable[[Deed], Deed]:
    """Mark a function of `node/pages/views` as what a form or script of a page posts to."""

    def mark(view: Deed) -> Deed:
        setattr(view, _DEED, Page(path, words, view))
        return view

    return mark


def deeds_in(module: object) -> list[Page]:
    """Return what can be posted to a module."""
    return [
        one
        for thing in vars(module).values()
        if isinstance(one := getattr(thing, _DEED, None), Page)
    ]


def pages_in(module: object) -> list[Page]:
    """Return the pages that a module makes."""
    return [one for thing in vars(module).values() for one in getattr(thing, _PAGE, ())]
