"""/ops/votes: what waits for votes; voting and proposing, said in a sentence before it is done.

Plain forms: who is asked, what the chain would refuse and what the change does is told by the node
before anything is sent.
"""

import secrets
from typing import Any

from aiohttp import web

from node.pages.asking import AskError, asked
from node.pages.lists import whole_list
from node.pages.operators import Operator, find_operator, read_deed, say_refusal, send_deed
from node.pages.page import Shown, Visit, deed, page

ROLES = ("member", "operator", "deployer", "admitter", "arbiter", "observer")
PROPOSALS_MAX = 1_000
_STOP = ("revoke_role", "admitter")  # for which two votes are enough


class _FormError(Exception):
    """A form that was not filled in as it must be; `key` is the text that says how."""

    def __init__(self, key: str) -> None:
        super().__init__(key)
        self.key = key


@page("/ops/votes", words="ops_act")
async def votes(visit: Visit) -> Shown:
    """Show what waits for votes; everybody may read it."""
    said = {"done": "ops_act.done", "waits": "ops_act.waits"}.get(visit.query.get("said", ""))
    return await _show(visit, said=visit.words(said) if said else "")


async def _show(visit: Visit, *, said: str = "", fault: str = "", status: int = 200) -> Shown:
    proposals, _are_all = await whole_list(visit, "gov_proposals", PROPOSALS_MAX)
    deciding, params = await visit.ask.all(asked("gov_operators"), asked("chain_getParams"))
    for one in (deciding, params):
        if isinstance(one, AskError):
            raise one
    shown = visit.show(
        "ops_votes.html",
        operator=await find_operator(visit),
        proposals=proposals,
        deciding=deciding,
        params=params["values"],
        roles=ROLES,
        said=said,
        fault=fault,
    )
    return Shown(shown.template, shown.values, shown.data, status=status)


@deed("/ops/votes", words="ops_act")
async def decide(visit: Visit) -> Any:
    """Say in a sentence what would be done, and do it when that was confirmed."""
    found = await read_deed(visit)
    if isinstance(found, web.Response):
        return found
    operator, form = found
    try:
        action = _read(form)
        if form.get("step") != "do":
            return await _ask_first(visit, operator, form, action)
        sent = await send_deed(visit, operator, form, [action])
    except _FormError as mistake:
        return await _show(visit, fault=visit.words(mistake.key), status=400)
    except AskError as refusal:
        return await _show(visit, fault=say_refusal(visit, refusal), status=409)
    error = sent.get("error") or sent.get("receipt", {}).get("error")
    if error:
        fault = error["zh"] if visit.words.lang == "zh" else error["message"]
        return await _show(visit, fault=fault, status=409)
    said = "done" if sent["status"] == "final" else "waits"
    return web.Response(status=303, headers={"Location": f"/ops/votes?said={said}"})


async def _ask_first(
    visit: Visit, operator: Operator, form: dict[str, str], action: dict[str, Any]
) -> Shown:
    """Return the page that says what would be done; raises AskError if it would be refused."""
    lang, proposal = visit.words.lang, None
    if action["type"] == "propose":
        built = await visit.ask(
            "gov_propose_build", account=operator.account, change=action["change"]
        )
        sentence = built["summary"][lang]
        needed = (await visit.ask("gov_operators"))["votes_needed"]
        if (action["change"]["type"], action["change"].get("role")) == _STOP:
            needed = min(needed, 2)
    else:
        against = action["type"] == "oppose"
        proposal = await visit.ask("gov_proposal", proposal=action["proposal"])
        named = {"account": operator.account, "proposal": action["proposal"]}
        await visit.ask("gov_vote_build", against=against, **named)
        sentence = (proposal["sentence"] or {}).get(lang, action["proposal"])
        needed = proposal["votes_needed"]
    votes_then = 1 if proposal is None else len({*proposal["votes"], operator.account})
    return visit.show(
        "ops_confirm.html",
        operator=operator,
        kind=action["type"],
        sentence=sentence,
        votes=votes_then,
        needed=needed,
        form={name: text for name, text in form.items() if name not in {"step", "number", "ref"}},
        ref=secrets.token_hex(16),
    )


def _read(form: dict[str, str]) -> dict[str, Any]:
    """Return the action that a form asks for; raises _FormError."""
    kind = form.get("kind", "")
    if kind in {"vote", "oppose"}:
        return {"type": kind, "proposal": form.get("proposal", "")}
    return {"type": "propose", "change": _change(kind, form)}


def _change(kind: str, form: dict[str, str]) -> dict[str, Any]:
    match kind:
        case "grant_role" | "revoke_role":
            account, role = form.get("account", "").strip(), form.get("role", "")
            return {"type": kind, "account": account, "role": role}
        case "set_param":
            return {"type": kind, "name": form.get("name", ""), "value": _number(form, "value")}
        case "set_feature":
            name = form.get("name", "").strip()
            return {"type": kind, "name": name, "height": _number(form, "height")}
        case "remove_validator":
            return {"type": "set_validator", "key": form.get("key", "").strip(), "power": 0}
        case _:
            raise _FormError("ops_act.bad_form")


def _number(form: dict[str, str], name: str) -> int:
    text = form.get(name, "").strip().replace(",", "")
    if not (text.isascii() and text.isdigit() and len(text) < 16):  # noqa: PLR2004 - within 2^53
        raise _FormError("ops_act.bad_number")
    return int(text)
