"""/ops/admit: codes that let shops in: made, shown to be handed over, taken back."""

import secrets
from typing import Any
from urllib.parse import urlsplit

from aiohttp import web

from chain.types import HOUR_MS
from node.pages.asking import AskError
from node.pages.operators import (
    Operator,
    find_operator,
    login_page,
    read_deed,
    say_refusal,
    send_deed,
)
from node.pages.page import Shown, Visit, deed, page
from node.pages.qr import draw_qr

HOURS = (24, 72, 168, 744)
_HOURS_DEFAULT = 72
_GATEWAYS_MAX = 4


@page("/ops/admit", words="ops_act")
async def admit(visit: Visit) -> Shown | web.Response:
    """Show the codes of this node, for who may let shops in."""
    operator = await find_operator(visit)
    if operator is None:
        return login_page(visit)
    return await _show(visit, operator)


async def _show(visit: Visit, operator: Operator, *, fault: str = "", status: int = 200) -> Shown:
    codes: list[dict[str, Any]] = []
    closed = ""
    try:
        codes = (await visit.ask("operator_codes", session=operator.session))["items"]
    except AskError as error:
        closed = say_refusal(visit, error)
    shown = visit.show(
        "ops_admit.html",
        operator=operator,
        codes=codes[::-1],
        closed=closed,
        fault=fault,
        hours=HOURS,
        hours_default=_HOURS_DEFAULT,
        gateway=_own_address(visit),
    )
    return Shown(shown.template, shown.values, shown.data, status=status)


def _own_address(visit: Visit) -> str:
    """Return where shops reach this node, as far as it is known: they need not type it."""
    if visit.setting.url:
        parts = urlsplit(visit.setting.url)
        return f"{parts.scheme}://{parts.netloc}"
    return f"{visit.request.scheme}://{visit.request.host}"


@deed("/ops/admit", words="ops_act")
async def change(visit: Visit) -> Any:
    """Make a code and show it, the one time that it is told; or take one back."""
    found = await read_deed(visit)
    if isinstance(found, web.Response):
        return found
    operator, form = found
    try:
        if form.get("what") == "revoke":
            number = form.get("code", "")
            await visit.ask("operator_code_revoke", session=operator.session, number=number)
            return web.Response(status=303, headers={"Location": "/ops/admit"})
        if form.get("what") == "undo":
            return await _undo(visit, operator, form)
        made = await visit.ask("operator_code", session=operator.session, **_wish(form))
    except AskError as error:
        return await _show(visit, operator, fault=say_refusal(visit, error), status=409)
    return visit.show(
        "ops_code.html",
        operator=operator,
        code=made["code"],
        number=made["number"],
        expires_at=made["expires_at"],
        shop=form.get("name", "").strip(),
        qr=draw_qr(made["code"], visit.words("ops_act.qr")),
    )


async def _undo(visit: Visit, operator: Operator, form: dict[str, str]) -> Any:
    """Say what an operator's word takes back, and give it once that was confirmed."""
    mark = form.get("mark", "")
    built = await visit.ask("join_undo_build", account=operator.account, mark=mark)
    if form.get("step") == "do":
        await send_deed(visit, operator, form, built["actions"])
        return web.Response(status=303, headers={"Location": "/ops/admit"})
    return visit.show(
        "ops_undo.html",
        operator=operator,
        mark=mark,
        sentence=built["summary"][visit.words.lang],
        is_used=len(built["actions"]) > 1,
        ref=secrets.token_hex(16),
    )


def _wish(form: dict[str, str]) -> dict[str, Any]:
    hours = form.get("hours", "")
    known = int(hours) if hours in {str(one) for one in HOURS} else _HOURS_DEFAULT
    return {
        "gateways": form.get("gateways", "").split()[:_GATEWAYS_MAX],
        "name": form.get("name", "").strip(),
        "note": form.get("note", "").strip(),
        "valid_for_ms": known * HOUR_MS,
    }
