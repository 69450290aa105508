"""The pages on the node's port: addresses, headers, languages, errors that say what to do."""

import asyncio
import importlib
import logging
import pkgutil
from functools import partial
from typing import Any

from aiohttp import web

from chain.errors import StoreError, WashError
from node.config_sections import PagesConfig
from node.pages import views
from node.pages.asking import Asker, AskError
from node.pages.page import GoneError, Page, Setting, Shown, Visit, deeds_in, pages_in
from node.pages.rendering import Renderer
from node.pages.static_files import GZIP_MIN, StaticFiles, pack, takes_gzip
from node.pages.words import LANGS, Words, choose_lang
from node.rpc.door.http import Gate
from node.rpc.errors import ForbiddenError, RateLimitedError
from node.rpc.jsonrpc import Dispatcher

LANG_COOKIE = "lang"
_YEAR_S = 365 * 24 * 3600
_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' blob: data:; object-src 'none'; "
        "frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
    "Cache-Control": "no-cache, private",
    "Vary": "Cookie, Accept-Language, Accept-Encoding",
}
_OF_STAFF = ("/shop", "/bay/", "/desk", "/ops")
_OF_THE_NODE = {
    "NOT_READY",
    "INTERNAL_ERROR",
    "RATE_LIMITED",
}  # what the visitor is not to blame for

_log = logging.getLogger("washnode.pages")


def _modules() -> list[Any]:
    names = sorted(one.name for one in pkgutil.iter_modules(views.__path__))
    return [importlib.import_module(f"{views.__name__}.{name}") for name in names]


def find_pages() -> list[Page]:
    """Return the pages of all modules in `node/pages/views`, in order of their names."""
    return [one for module in _modules() for one in pages_in(module)]


def find_deeds() -> list[Page]:
    """Return what forms and scripts of pages post to."""
    return [one for module in _modules() for one in deeds_in(module)]


class Site:
    """All pages of one node. `add_to` puts them beside what the port serves already."""

    def __init__(self, node: Any, dispatcher: Dispatcher, gate: Gate, config: PagesConfig) -> None:
        self._node, self._dispatcher, self._gate = node, dispatcher, gate
        sponsors = config.sponsor and node.sponsor is not None
        url, desks = config.url.rstrip("/"), config.desks
        self._setting = Setting(config.zone, url, node.is_dev, sponsors, desks)
        self._files_served = StaticFiles()
        self._renderer = Renderer(self._files_served, self._setting)

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        for one in find_pages():
            app.router.add_get(one.path, partial(self._serve, one))
        for one in find_deeds():
            app.router.add_post(one.path, partial(self._serve, one))
        app.router.add_get("/static/{hash:[0-9a-f]{12}}/{name:.+}", self._static)
        app.router.add_get("/lang/{lang}", self._switch)
        app.router.add_get("/{rest:.*}", self._nowhere)

    # Answers --------------------------------------------------------------------------------------

    async def _serve(self, one: Page, request: web.Request) -> web.StreamResponse:
        words = Words(_lang_of(request), one.words)
        try:
            self._gate.check_place(request)
            self._gate.charge_or_raise(request)
            ask = Asker(
                self._dispatcher,
                self._node,
                partial(self._gate.spend, request),
                is_near=self._gate.is_near(request),
            )
            shown = await one.view(Visit(request, ask, words, self._setting))
            if isinstance(shown, web.Response):
                shown.headers.update({k: v for k, v in _HEADERS.items() if k not in shown.headers})
                return shown
            return self._answer(request, shown, words, await _catching_up(ask))
        except (GoneError, AskError, WashError) as error:
            # What is asked for may be in a block that this node lacks.
            found = await _catching_up(Asker(self._dispatcher, self._node))
            return self._answer(request, _error_page(error, self._node), words, found)
        except (ConnectionError, asyncio.CancelledError, web.HTTPException):
            raise
        except Exception:  # noqa: BLE001 - logged; one broken page must not stop the others
            _log.exception("%s failed", request.path)
            return self._answer(request, _said("broken", 500), words)

    def _answer(
        self, request: web.Request, shown: Shown, words: Words, catching_up: Any = None
    ) -> web.Response:
        body = self._renderer.render(shown, words, request.path_qs, catching_up).encode()
        headers = {**_HEADERS, "Content-Type": "text/html; charset=utf-8", **shown.headers}
        if request.path.startswith(_OF_STAFF):
            headers["Referrer-Policy"] = "same-origin"  # else forms are posted without an Origin
        if len(body) >= GZIP_MIN and takes_gzip(request):
            body, headers["Content-Encoding"] = pack(body), "gzip"
        return web.Response(body=body, status=shown.status, headers=headers)

    async def _static(self, request: web.Request) -> web.StreamResponse:
        self._gate.check_place(request)
        return self._files_served.answer(request)

    async def _switch(self, request: web.Request) -> web.StreamResponse:
        """Remember a language and go back to where the switch was."""
        self._gate.check_place(request)
        to, lang = request.query.get("to", "/"), request.match_info["lang"]
        # Only to a path of our own: "//host" and "/\host" lead elsewhere.
        is_ours = to.startswith("/") and to[1:2] not in ("/", "\\") and "\n" not in to
        answer = web.Response(status=303, headers={"Location": to if is_ours else "/"})
        if lang in LANGS:
            answer.set_cookie(
                LANG_COOKIE, lang, max_age=_YEAR_S, path="/", samesite="Lax", httponly=True
            )
        return answer

    async def _nowhere(self, request: web.Request) -> web.StreamResponse:
        if "text/html" not in request.headers.get("Accept", ""):
            raise web.HTTPNotFound  # a program, which is answered as it is used to
        self._gate.check_place(request)
        return self._answer(request, _said("missing", 404), Words(_lang_of(request), "error"))


async def _catching_up(ask: Asker) -> Any:
    """Return how far the node has come with what it lacks; None if it lacks nothing."""
    try:
        return (await ask("node_health"))["catching_up"]
    except AskError:
        return None  # the page says more of that than a bar could


def _lang_of(request: web.Request) -> Any:
    return choose_lang(request.cookies.get(LANG_COOKIE), request.headers.get("Accept-Language"))


def _said(what: str, status: int, *, key: str | None = None) -> Shown:
    return Shown("error.html", {"what": what, "text": key or f"error.{what}"}, status=status)


def _error_page(error: Exception, node: Any) -> Shown:
    """Return the page that says what a visitor can do about an error."""
    match error:
        case GoneError():
            return _said("missing", 404, key=error.key)
        case AskError() if error.name in _OF_THE_NODE:
            return _said("unreachable", 503)
        case RateLimitedError():
            return _said("busy", 429)
        case ForbiddenError():
            return _said("place", 403)
        case StoreError():
            node.fail(error)
            return _said("unreachable", 503)
        case _:
            return _said("missing", 404)
