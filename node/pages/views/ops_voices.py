"""/ops/voices: messages to the operators with their answers, and texts of reviews to be hidden.

Plain forms, as for votes: what hides a text is said in a sentence before it is sent.
"""

import secrets
from collections import defaultdict
from typing import Any

from aiohttp import web

from node.pages.asking import AskError, asked
from node.pages.lists import events_of
from node.pages.operators import (
    WAIT_MS,
    Operator,
    find_operator,
    login_page,
    read_deed,
    say_refusal,
    send_deed,
)
from node.pages.page import Shown, Visit, deed, page
from node.pages.reviews import list_reviews, read_reviews
from node.pages.shops import some_shops, with_shop

REASONS = ("INSULT", "PERSONAL", "ILLEGAL", "ADVERTISING", "OFF_TOPIC")
SHOWN_AGAIN = "SHOWN"
MESSAGES_SHOWN = 50
REVIEWS_SHOWN = 20
VOTED_SHOWN = 20
_SHOPS_SHOWN = 200
_EVENTS_MAX = 4_000
_TURNS = {"OPEN": 0, "ANSWERED": 1, "CLOSED": 2}
_SAID = ("answered", "voted", "judged", "waits")
Votes = dict[str, list[str]]  # reason -> who voted for it


@page("/ops/voices", words="ops_voices")
async def voices(visit: Visit) -> Shown | web.Response:
    """Show what was written to the operator who is logged in, and reviews of a shop."""
    operator = await find_operator(visit)
    if operator is None:
        return login_page(visit)
    said = visit.query.get("said", "")
    return await _show(visit, operator, said=said if said in _SAID else "")


async def _show(
    visit: Visit, operator: Operator, *, said: str = "", fault: str = "", status: int = 200
) -> Shown:
    shop = visit.query.get("shop", "")
    letters, needed, rating = await visit.ask.all(
        asked("operator_letters", session=operator.session, limit=MESSAGES_SHOWN + 1),
        asked("reviews.votes_needed"),
        asked("reviews.rating", shop=shop),
    )
    shops = await some_shops(visit, _SHOPS_SHOWN)
    told = [] if isinstance(letters, AskError) else letters["items"]
    messages = told[:MESSAGES_SHOWN]
    last = 0 if isinstance(rating, AskError) else rating["reviews"]
    last = min(visit.number("reviews") or last, last)
    votes = await _open_votes(visit)
    shown = visit.show(
        "ops_voices.html",
        operator=operator,
        messages=sorted(messages, key=lambda one: (_TURNS.get(one["state"], 2), -one["sent_at"])),
        has_older=len(told) > MESSAGES_SHOWN,
        voted_more=max(0, len(votes) - VOTED_SHOWN),
        closed=say_refusal(visit, letters) if isinstance(letters, AskError) else "",
        shops=await with_shop(visit, shops["items"], shop),
        more=shops["next"],
        shop=shop,
        needed=None if isinstance(needed, AskError) else needed,
        votes=votes,
        voted=await read_reviews(visit, list(votes)[:VOTED_SHOWN]),
        reviews=await list_reviews(visit, shop, last, REVIEWS_SHOWN) if shop else [],
        older=max(0, last - REVIEWS_SHOWN),
        reasons=REASONS,
        said=said,
        fault=fault,
    )
    return Shown(shown.template, shown.values, shown.data, status=status)


async def _open_votes(visit: Visit) -> dict[str, Votes]:
    voted, judged = [
        await events_of(visit, {"type": f"reviews.{name}"}, _EVENTS_MAX)
        for name in ("VotedOnText", "TextJudged")
    ]
    return open_votes(voted, judged)


def open_votes(voted: list[dict[str, Any]], judged: list[dict[str, Any]]) -> dict[str, Votes]:
    """Return the votes about texts that are not decided yet, by visit, the newest first."""
    decided = {one["values"]["visit"]: _place(one) for one in judged}
    latest: dict[str, dict[str, str]] = {}
    for one in voted:
        about, who = one["values"]["visit"], one["values"]["operator"]
        # The vote that decided and its decision are told in one go, the vote first.
        if _place(one) > decided.get(about, (-1, -1)):
            kept = latest.pop(about, {})  # moved to the end: the newest last
            latest[about] = {**kept, who: one["values"]["hidden"]}
    found: dict[str, Votes] = {}
    for about, reasons in reversed(latest.items()):
        of_one: Votes = defaultdict(list)
        for who, reason in reasons.items():
            of_one[reason].append(who)
        found[about] = dict(of_one)
    return found


def _place(event: dict[str, Any]) -> tuple[int, int]:
    height, _, number = str(event["id"]).partition("-")
    return int(height), int(number)


# What is done ---------------------------------------------------------------------------------


@deed("/ops/voices", words="ops_voices")
async def act(visit: Visit) -> Any:
    """Answer a message; or say what a vote about a text does, and vote once that was confirmed."""
    found = await read_deed(visit)
    if isinstance(found, web.Response):
        return found
    operator, form = found
    try:
        if form.get("what") == "answer":
            sent = await visit.ask(
                "operator_answer",
                session=operator.session,
                id=form.get("id", ""),
                text=_plain(form.get("text", "")),
                timeout_ms=WAIT_MS,
            )
            return await _told(visit, operator, form, sent, "answered")
        action = _vote(form)
        if form.get("step") != "do":
            return await _ask_first(visit, operator, form, action)
        sent = await send_deed(visit, operator, form, [action])
    except AskError as refusal:
        return await _show(visit, operator, fault=_refusal(visit, refusal), status=409)
    events = (sent.get("receipt") or {}).get("events", [])
    is_decided = any(one["type"] == "reviews.TextJudged" for one in events)
    return await _told(visit, operator, form, sent, "judged" if is_decided else "voted")


def _refusal(visit: Visit, refusal: AskError) -> str:
    key = f"ops_voices.why.{refusal.data.get('reason', '')}"
    return visit.words(key) if key in visit.words else say_refusal(visit, refusal)


async def _told(
    visit: Visit, operator: Operator, form: dict[str, str], sent: dict[str, Any], said: str
) -> Shown | web.Response:
    error = sent.get("error") or (sent.get("receipt") or {}).get("error")
    if error:
        fault = error["zh"] if visit.words.lang == "zh" else error["message"]
        return await _show(visit, operator, fault=fault, status=409)
    shop = form.get("shop", "")
    of_shop = f"&shop={shop}" if shop.isascii() and shop.isalnum() else ""
    said = said if sent["status"] == "final" else "waits"
    return web.Response(status=303, headers={"Location": f"/ops/voices?said={said}{of_shop}"})


async def _ask_first(
    visit: Visit, operator: Operator, form: dict[str, str], action: dict[str, Any]
) -> Shown:
    """Return the page that says what a vote does; raises AskError if it would be refused."""
    built = await visit.ask("tx_build", account=operator.account, actions=[action])
    error = built["trial"]["error"]
    if error:
        raise AskError({"code": error["code"], "message": error["message"], "data": error})
    about = action["arguments"]["visit"]
    (review,) = await read_reviews(visit, [about])
    votes = (await _open_votes(visit)).get(about, {}).get(action["arguments"]["hidden"], [])
    return visit.show(
        "ops_judge.html",
        operator=operator,
        sentence=built["summary"][visit.words.lang],
        review=review,
        hidden=action["arguments"]["hidden"],
        votes=len({*votes, operator.account}),
        needed=await visit.ask("reviews.votes_needed"),
        shop=form.get("shop", ""),
        ref=secrets.token_hex(16),
    )


def _vote(form: dict[str, str]) -> dict[str, Any]:
    """Return the vote that a form asks for; what is no visit or reason the node refuses."""
    return {
        "type": "call",
        "contract": "reviews",
        "function": "judge_text",
        "arguments": {"visit": form.get("visit", ""), "hidden": form.get("hidden", "")},
    }


def _plain(text: str) -> str:
    """Return a text as letters hold it: one kind of line end, no control characters."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n")
    return "".join(one if one == "\n" or one.isprintable() else " " for one in lines).strip()
