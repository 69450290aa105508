"""/shop/login, and what the pages for staff post to."""

from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web

from node.pages.asking import AskError
from node.pages.desk import COOKIE, answer_deed, check_source, find_anybody, read_deed
from node.pages.page import Shown, Visit, deed, page

_FORM_BYTES_MAX = 4_096
_OF_CASHIERS = ("/desk",)
_OF_SHOPS = ("/shop", "/bay/")
# What pages may ask for in the name of who is logged in; the node checks each against the register.
_ASKED = frozenset(
    {
        "staff_send",
        "staff_cosign",
        "staff_keep",
        "staff_release",
        "staff_add",
        "staff_remove",
        "staff_park",
        "staff_help",
        "staff_pay_out",
    }
)


@page("/shop/login", words="login")
async def login(visit: Visit) -> Shown | web.Response:
    """Show where staff log in; to who has no work on a page it says so, instead of leading away."""
    to = visit.query.get("to", "")
    worker = await find_anybody(visit)
    if worker is None:
        return visit.show("login.html", to=to, said="", name="")
    if _is_ours(to) and not _is_for(to, is_cashier=worker.is_cashier):
        key = "login.not_shop" if worker.is_cashier else "login.not_desk"
        return visit.show("login.html", to=to, said=visit.words(key, name=worker.name), name="")
    return _go(to, is_cashier=worker.is_cashier)


@deed("/shop/login", words="login")
async def enter(visit: Visit) -> Any:
    """Log in; the session is kept in a cookie that scripts can not read."""
    check_source(visit)
    data = await visit.request.content.read(_FORM_BYTES_MAX)
    form = {key: values[0] for key, values in parse_qs(data.decode("utf-8", "replace")).items()}
    name, pin, to = form.get("name", ""), form.get("pin", ""), form.get("to", "")
    try:
        begun = await visit.ask("staff_login", name=name[:40] or "?", pin=pin[:12] or "?")
    except AskError as error:
        said = {
            "LOCKED_OUT": "login.locked",
            "NO_STAFF": "login.no_staff",
            "FORBIDDEN": "login.far",
        }
        key = said.get(error.name, "login.wrong")
        shown = visit.show("login.html", to=to, said=visit.words(key), name=name[:40])
        return Shown(shown.template, shown.values, shown.data, status=403)
    await _end_session(visit)  # of who was logged in here before
    answer = _go(to, is_cashier=begun["duty"] == "cashier")
    answer.set_cookie(
        COOKIE, begun["session"], path="/", httponly=True, samesite="Strict",
        secure=visit.request.secure,
    )  # fmt: skip
    return answer


@deed("/shop/logout", words="login")
async def leave(visit: Visit) -> web.Response:
    """Log out."""
    check_source(visit)
    await _end_session(visit)
    answer = web.Response(status=303, headers={"Location": "/shop/login"})
    answer.del_cookie(COOKIE, path="/")
    return answer


@deed("/shop/do", words="login")
async def do(visit: Visit) -> web.Response:
    """Ask one of the methods for staff in the name of who is logged in."""
    worker, body = await read_deed(visit)
    method, params = body.get("method"), body.get("params")
    if method not in _ASKED or not isinstance(params, dict):
        raise web.HTTPBadRequest(text="this is nothing that staff do")
    return await answer_deed(visit, worker, method, params)


async def _end_session(visit: Visit) -> None:
    session = visit.request.cookies.get(COOKIE, "")
    if session:
        with suppress(AskError):  # it may be over already
            await visit.ask("staff_logout", session=session)


def _is_for(to: str, *, is_cashier: bool) -> bool:
    pages = _OF_CASHIERS if is_cashier else _OF_SHOPS
    return to.startswith(pages) and "\n" not in to and "\\" not in to


def _is_ours(to: str) -> bool:
    return any(_is_for(to, is_cashier=one) for one in (True, False))


def _go(to: str, *, is_cashier: bool) -> web.Response:
    """Lead to a page for whoever is logged in, and nowhere else."""
    home = "/desk" if is_cashier else "/shop"
    is_theirs = _is_for(to, is_cashier=is_cashier)
    return web.Response(status=303, headers={"Location": to if is_theirs else home})
