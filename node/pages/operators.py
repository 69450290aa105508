"""Pages for operators who act: who is logged in, and what their forms need to be believed.

As for staff (`node/pages/desk.py`): a cookie that scripts can not read and other sites can not
send, an Origin that is this very host, and a number that is in our pages only. Besides, the address
must be protected: this machine, or HTTPS.
"""

import secrets
from dataclasses import dataclass
from hmac import compare_digest
from ipaddress import ip_address
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from aiohttp import web

from node.pages.asking import AskError
from node.pages.desk import check_source, number_of
from node.pages.page import Visit

COOKIE = "operator"
LOGIN = "/ops/login"
WAIT_MS = 15_000  # for the block
_FORM_BYTES_MAX = 16_384
_OVER = {"NO_SESSION", "INVALID_PARAMS", "FORBIDDEN"}


@dataclass(frozen=True, slots=True)
class Operator:
    """Who is logged in; `session` never gets into a page."""

    session: str
    name: str
    account: str
    roles: tuple[str, ...]

    @property
    def number(self) -> str:
        """What forms of this session bring along."""
        return number_of(self.session)

    @property
    def votes(self) -> bool:
        """Whether the account is an operator's now: it proposes and votes."""
        return "operator" in self.roles

    @property
    def admits(self) -> bool:
        """Whether the account may let shops in now."""
        return bool(self.roles)


async def find_operator(visit: Visit) -> Operator | None:
    """Return who is logged in, or None."""
    session = visit.request.cookies.get(COOKIE, "")
    if not session:
        return None
    try:
        who = await visit.ask("operator_who", session=session)
    except AskError as error:
        if error.name in _OVER:
            return None
        raise
    return Operator(session, who["name"], who["account"], tuple(who["roles"]))


def is_protected(visit: Visit) -> bool:
    """Tell whether nobody listens on the way: the browser is on this machine, or came by HTTPS.

    Of a form a browser says itself by which scheme its page came; for a page alone the server
    before the node says it, and who lies there shows the form to himself only.
    """
    origin = visit.request.headers.get("Origin", "")
    forwarded = visit.request.headers.get("X-Forwarded-Proto", "")
    scheme = urlsplit(origin).scheme if origin else forwarded or visit.request.scheme
    return scheme == "https" or _is_this_machine(urlsplit(f"//{visit.request.host}").hostname or "")


def _is_this_machine(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def login_page(visit: Visit) -> web.Response:
    """Return the way to the login, and from there back to here."""
    to = quote(visit.request.path, safe="")
    return web.Response(status=303, headers={"Location": f"{LOGIN}?to={to}"})


async def read_form(visit: Visit) -> dict[str, str]:
    """Return what a form of ours posted; raises HTTPForbidden for any other."""
    check_source(visit)
    if not is_protected(visit):
        raise web.HTTPForbidden(text="operators act on the node's own machine, or by https://")
    data = await visit.request.content.read(_FORM_BYTES_MAX + 1)
    if len(data) > _FORM_BYTES_MAX:
        raise web.HTTPRequestEntityTooLarge(_FORM_BYTES_MAX, len(data))
    try:
        found = parse_qs(data.decode("utf-8", "replace"), max_num_fields=40)
    except ValueError as error:
        raise web.HTTPBadRequest(text="this is no form of ours") from error
    return {key: values[0] for key, values in found.items()}


async def read_deed(visit: Visit) -> tuple[Operator, dict[str, str]] | web.Response:
    """Return who asks for what; the way to the login if nobody is logged in any more."""
    form = await read_form(visit)
    operator = await find_operator(visit)
    if operator is None:
        return login_page(visit)
    if not compare_digest(form.get("number", "").encode(), operator.number.encode()):
        raise web.HTTPForbidden(text="the number of this session is missing")
    return operator, form


async def send_deed(
    visit: Visit, operator: Operator, form: dict[str, str], actions: list[dict[str, Any]]
) -> Any:
    """Send what an operator confirmed and return what became of it; raises AskError.

    The form's `ref` makes a form that is sent twice count once.
    """
    return await visit.ask(
        "operator_send",
        session=operator.session,
        actions=actions,
        client_ref=form.get("ref") or secrets.token_hex(16),
        timeout_ms=WAIT_MS,
    )


def say_refusal(visit: Visit, error: AskError) -> str:
    """Return why the node refused, in the reader's language where it knows it."""
    told: Any = error.data.get("zh") if visit.words.lang == "zh" else None
    return f"{told} ({error.message})" if told else error.message
