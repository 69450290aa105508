"""Pages for people at work: who is logged in, by a cookie that scripts can not read.

A browser sends its cookies along with whatever page of the world makes it ask. So a deed needs
three things besides the cookie: an Origin that is this very host, a cookie that browsers send from
our own pages only (SameSite), and a number that is in our pages and nowhere else.
"""

import json
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any
from urllib.parse import quote, urlsplit

from aiohttp import web

from chain.crypto import sha256
from node.pages.asking import AskError
from node.pages.page import Visit

COOKIE = "staff"
BODY_BYTES_MAX = 65_536
_OVER = {"NO_SESSION", "INVALID_PARAMS"}


@dataclass(frozen=True, slots=True)
class Worker:
    """Who is logged in; `session` never gets into a page."""

    session: str
    name: str
    duty: str
    scopes: int
    shop: str
    key: str

    @property
    def is_owner(self) -> bool:
        """Whether this is the owner, for whom set-up is."""
        return self.duty == "owner"

    @property
    def is_cashier(self) -> bool:
        """Whether this is a cashier of who issues money; `shop` is the issuer's account then."""
        return self.duty == "cashier"

    def may(self, scope: int) -> bool:
        """Tell whether the shop trusts this person with something."""
        return bool(self.scopes & scope)


class NotHereError(Exception):
    """Nobody is logged in; `answer` leads to where one does."""

    def __init__(self, answer: web.Response) -> None:
        super().__init__()
        self.answer = answer


async def find_worker(visit: Visit) -> Worker | None:
    """Return who of a shop is logged in, or None."""
    found = await find_anybody(visit)
    return None if found is None or found.is_cashier else found


async def find_cashier(visit: Visit) -> Worker | None:
    """Return which cashier is logged in, or None."""
    found = await find_anybody(visit)
    return found if found is not None and found.is_cashier else None


async def find_anybody(visit: Visit) -> Worker | None:
    """Return who is logged in, at a shop or at a desk for money, or None."""
    session = visit.request.cookies.get(COOKIE, "")
    if not session:
        return None
    try:
        who = await visit.ask("staff_who", session=session)
    except AskError as error:
        if error.name in _OVER:
            return None
        raise
    return Worker(session, who["name"], who["duty"], who["scopes"], who["shop"], who["key"])


def login_page(visit: Visit) -> web.Response:
    """Return the way to the login, and from there back to here."""
    to = quote(visit.request.path_qs, safe="")
    return web.Response(status=303, headers={"Location": f"/shop/login?to={to}"})


def number_of(session: str) -> str:
    """Return the number that deeds of a session bring along."""
    return sha256(b"number of a session " + session.encode()).hex()


def check_source(visit: Visit) -> None:
    """Raise HTTPForbidden for what no page of ours posted."""
    origin = visit.request.headers.get("Origin", "")
    if not origin or urlsplit(origin).netloc != visit.request.host:
        raise web.HTTPForbidden(text="this was not sent by a page of this address")


async def _read_body(request: web.Request, bytes_max: int) -> bytes:
    data = bytearray()
    async for part in request.content.iter_any():
        data += part
        if len(data) > bytes_max:
            raise web.HTTPRequestEntityTooLarge(bytes_max, len(data))
    return bytes(data)


async def answer_deed(
    visit: Visit, worker: Worker, method: str, params: dict[str, Any]
) -> web.Response:
    """Return what a method for staff answers in the name of who is logged in, or its refusal."""
    try:
        result = await visit.ask(method, **{**params, "session": worker.session})
    except AskError as error:
        told = {"code": error.code, "message": error.message, "data": error.data}
        return web.json_response({"error": told})
    return web.json_response({"result": result})


async def read_deed(visit: Visit, bytes_max: int = BODY_BYTES_MAX) -> tuple[Worker, dict[str, Any]]:
    """Return who asks for what; raises HTTPForbidden or HTTPUnauthorized."""
    check_source(visit)
    session = visit.request.cookies.get(COOKIE, "")
    given = visit.request.headers.get("X-Staff-Number", "")
    if not session or not compare_digest(given, number_of(session)):
        raise web.HTTPForbidden(text="the number of this session is missing")
    data = await _read_body(visit.request, bytes_max)
    try:
        body = json.loads(data or b"{}")
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise web.HTTPBadRequest(text="send a JSON object")
    worker = await find_anybody(visit)
    if worker is None:
        raise web.HTTPUnauthorized(text="this session is over")
    return worker, body


def for_script(worker: Worker) -> dict[str, Any]:
    """Return what the scripts of a page know of who is logged in."""
    return {
        "staff": worker.name,
        "duty": worker.duty,
        "scopes": worker.scopes,
        "number": number_of(worker.session),
        "shop": worker.shop,
    }
