"""/ops/login: where operators log in, only where nobody listens on the way."""

from contextlib import suppress
from typing import Any

from aiohttp import web

from node.pages.asking import AskError
from node.pages.operators import COOKIE, LOGIN, find_operator, is_protected, read_form
from node.pages.page import Shown, Visit, deed, page

_PLACES = ("/ops", "/ops/votes", "/ops/admit", "/ops/voices")


@page("/ops/login", words="ops_act")
async def login(visit: Visit) -> Shown | web.Response:
    """Show the login, or why there is none here."""
    if await find_operator(visit) is not None:
        return _go(visit.query.get("to", ""))
    return _show(visit, visit.query.get("to", ""))


def _show(visit: Visit, to: str, said: str = "", name: str = "") -> Shown:
    return visit.show(
        "ops_login.html", to=to, said=said, name=name, is_protected=is_protected(visit)
    )


@deed("/ops/login", words="ops_act")
async def enter(visit: Visit) -> Any:
    """Log in; the session is kept in a cookie that scripts can not read."""
    form = await read_form(visit)
    name, pin, to = form.get("name", "")[:40], form.get("pin", "")[:12], form.get("to", "")
    try:
        begun = await visit.ask("operator_login", name=name or "?", pin=pin or "?")
    except AskError as error:
        said = {"LOCKED_OUT": "ops_act.locked", "FORBIDDEN": "ops_act.far"}
        shown = _show(visit, to, visit.words(said.get(error.name, "ops_act.wrong")), name)
        return Shown(shown.template, shown.values, shown.data, status=403)
    answer = _go(to)
    is_https = visit.request.headers.get("Origin", "").startswith("https:")
    answer.set_cookie(
        COOKIE, begun["session"], path="/ops", httponly=True, samesite="Strict", secure=is_https
    )
    return answer


@deed("/ops/logout", words="ops_act")
async def leave(visit: Visit) -> web.Response:
    """Log out."""
    await read_form(visit)
    session = visit.request.cookies.get(COOKIE, "")
    if session:
        with suppress(AskError):  # it may be over already
            await visit.ask("operator_logout", session=session)
    answer = web.Response(status=303, headers={"Location": LOGIN})
    answer.del_cookie(COOKIE, path="/ops")
    return answer


def _go(to: str) -> web.Response:
    return web.Response(status=303, headers={"Location": to if to in _PLACES else "/ops/votes"})
