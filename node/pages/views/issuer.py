"""/desk: who issues the money takes cash in, pays it out, and states what lies in its account."""

from typing import Any

from aiohttp import web

from chain.crypto import hash_bytes
from chain.errors import MalformedBytesError
from chain.ids import decode_id
from chain.types import DAY_MS
from node.pages.asking import AskError, asked
from node.pages.desk import Worker, find_cashier, for_script, login_page
from node.pages.page import GoneError, Shown, Visit, page

REQUESTS_SHOWN = 100
ENTRIES_SHOWN = 12
ENTRIES_READ = 60
CURSOR_LENGTH_MAX = 600
NEAR_MS = DAY_MS  # to the deadline: from then on a request is red
SOON_MS = 5 * DAY_MS  # to the next statement: from then on the page reminds of it
REFERENCE_LENGTH_MAX = 80
_ENTRIES = {"money.Minted": "in", "money.Paid": "out", "money.Stated": "stated"}


@page("/desk", words="issuer")
async def desk(visit: Visit) -> Shown | web.Response:
    """Show what is to be paid out, where money is put in, and the statement of reserves."""
    worker = await find_cashier(visit)
    if worker is None:
        return login_page(visit)
    about = await _about(visit, worker)
    cursor = visit.query.get("from", "")[:CURSOR_LENGTH_MAX]
    page_of = {"cursor": cursor} if cursor else {}
    waiting, history = await visit.ask.all(
        asked("money_requests", issuer=worker.shop, limit=REQUESTS_SHOWN, **page_of),
        asked("account_history", account=worker.shop, limit=ENTRIES_READ),
    )
    if isinstance(waiting, AskError):  # no rules of money here yet
        waiting = {"items": [], "count": 0, "next_cursor": None}
    requests = await _with_found(visit, worker, waiting["items"])
    entries = [] if isinstance(history, AskError) else history["items"]
    data = {
        **for_script(worker),
        "after": f"{about['height']}-",
        "requests": {one["request"]: one for one in requests},
        "period": about["record"]["period"] + 1 if about["record"] else 1,
    }
    return visit.show(
        "issuer.html",
        **about,
        requests=requests,
        is_stated="stated" in visit.query,
        count=waiting["count"],
        later=waiting["next_cursor"],
        is_first=not cursor,
        is_near=lambda one: about["now"] >= one["due"] - NEAR_MS,
        entries=_entries(entries, worker.shop)[:ENTRIES_SHOWN],
        data=data,
    )


async def _with_found(
    visit: Visit, worker: Worker, requests: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the requests, before them one that was scanned and stands on another page."""
    name = visit.query.get("find", "")
    if not name or any(one["request"] == name for one in requests):
        return requests
    (found,) = await visit.ask.all(asked("money.request", id=name))
    is_open = not isinstance(found, AskError) and found["asked_at"]
    if not is_open or found["issuer"] != worker.shop:
        return requests
    return [{**found, "request": name}, *requests]


async def _about(visit: Visit, worker: Worker) -> dict[str, Any]:
    """Return what the desk's pages show of their issuer; `record` is None if it is none."""
    record, issuers, rules, health, head = await visit.ask.all(
        asked("money.issuer", account=worker.shop),
        asked("money_issuers"),
        asked("money.chosen"),
        asked("node_health"),
        asked("chain_head"),
    )
    for one in (health, head):
        if isinstance(one, AskError):
            raise one
    now = max(health["time_ms"], head["header"]["time_ms"])
    known = [] if isinstance(issuers, AskError) else issuers["items"]
    mine = next((one for one in known if one["issuer"] == worker.shop), None)
    stated_until = 0
    if mine and mine["stated_at"]:
        stated_until = mine["stated_at"] + rules["every"]
    return {
        "worker": worker,
        "record": record if mine else None,
        "mine": mine,
        "stops": [name for name in ("silent", "short", "late", "blocked") if mine and mine[name]],
        "stated_until": stated_until,
        "is_soon": bool(stated_until) and now >= stated_until - SOON_MS,
        "now": now,
        "height": head["header"]["height"],
    }


def _entries(history: list[dict[str, Any]], issuer: str) -> list[dict[str, Any]]:
    """Return what was put in, paid out and stated, newest first."""
    return [
        {"kind": _ENTRIES[event["type"]], "id": one["id"], "time": one["time"], **event["values"]}
        for one in history
        for event in reversed(one["events"])
        if event["type"] in _ENTRIES and event["values"]["issuer"] == issuer
    ]


# Receipts -----------------------------------------------------------------------------------------


def reference_of(issuer: str, text: str) -> str:
    """Return the fingerprint of a payment's reference, as the desk's script makes it as well.

    The issuer goes in, so that nobody sees two of them write down the same words.
    """
    plain = " ".join(text.split()).upper()
    return hash_bytes("desk-reference", decode_id(issuer, "acct") + plain.encode()).hex()


@page("/desk/receipt/{id}", words="issuer")
async def receipt(visit: Visit) -> Shown | web.Response:
    """Show what was put in or paid out, to print; the reference only if it is the one noted."""
    worker = await find_cashier(visit)
    if worker is None:
        return login_page(visit)
    found = await visit.ask("tx_get", tx_id=visit.part("id"))
    events = (found.get("receipt") or {}).get("events", [])
    entry = next(
        (
            {"kind": _ENTRIES[one["type"]], "time": one["time"], **one["values"]}
            for one in events
            if _ENTRIES.get(one["type"]) in {"in", "out"}
        ),
        None,
    )
    if entry is None:
        raise GoneError
    text = visit.query.get("ref", "")[:REFERENCE_LENGTH_MAX]
    try:
        is_right = reference_of(entry["issuer"], text) == entry["reference"]
    except MalformedBytesError:  # no account
        is_right = False
    return visit.show(
        "issuer_receipt.html",
        worker=worker,
        entry=entry,
        number=visit.part("id"),
        reference=text if is_right else "",
    )
