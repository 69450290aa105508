"""/shop/money: what the shop has, what came in line by line, and taking it out by its owner."""

from typing import Any

from aiohttp import web

from node.pages.asking import AskError, asked
from node.pages.desk import Worker, find_worker, for_script, login_page
from node.pages.lists import events_of
from node.pages.page import GoneError, Shown, Visit, page
from node.pages.shopbook import Stay, read_book
from node.pages.views.console import read_shop

LINES_WANTED = 20  # before older ones are left to another page
HOLDS_SHOWN = 20
STAYS_MAX = 500  # visits that go on and are asked about
_PAGE = 100  # entries of the account's history asked for at once
_PAGES_MAX = 5  # much of what happens to a shop moves none of its money
_CURSOR_LENGTH_MAX = 600
MINUS = "\u2212"
_SIGNS = {
    "prepaid.Released": "+", "loyalty.PaidOut": "+", "loyalty.Withdrawn": "+",
    "loyalty.Prefunded": MINUS, "money.Asked": "", "money.Withdrawn": "", "money.Paid": MINUS,
    "money.Declined": "", "money.Late": "",
}  # fmt: skip


@page("/shop/money", words="income")
async def income(visit: Visit) -> Shown | web.Response:
    """Show the shop's money; only its owner comes here."""
    worker = await find_worker(visit)
    if worker is None:
        return login_page(visit)
    if not worker.is_owner:
        raise GoneError("income.owner_only")
    about = await read_shop(visit, worker.shop)
    book = await read_book(visit, worker.shop)
    open_stays = book.open()
    held = await _read_held(visit, open_stays[:STAYS_MAX])
    lines, older = await _read_lines(visit, worker.shop)
    money = await _read_money(visit, worker, about["now"])
    data = {
        **for_script(worker),
        "after": f"{about['height']}-",
        "issuers": [one["issuer"] for one in money["issuers"]],
        "least": money["least"] or 0,
        "codes": money["codes"],
    }
    return visit.show(
        "income.html",
        **about,
        **money,
        worker=worker,
        is_whole=book.is_whole,
        held=held,
        holds=sorted(held["items"], key=lambda one: one["start"])[:HOLDS_SHOWN] if held else [],
        not_counted=max(0, len(open_stays) - STAYS_MAX),
        late=await _read_late(visit, worker),
        lines=lines,
        older=older,
        is_newest="from" not in visit.query,
        data=data,
    )


async def _read_money(visit: Visit, worker: Worker, now: int) -> dict[str, Any]:
    """Return what is free and on its way, the rules of taking out, and the codes for the desk."""
    balance, cover, issuers, rules, due, codes = await visit.ask.all(
        asked("money_balance", account=worker.shop),
        asked("prepaid.cover", shop=worker.shop),
        asked("money_issuers"),
        asked("money.chosen"),
        asked("money.due_for", asked_at=now),
        asked("staff_payouts", session=worker.session),
    )
    if isinstance(balance, AskError):
        raise balance
    is_here = not isinstance(codes, AskError)
    return {
        "balance": balance,
        "cover": None if isinstance(cover, AskError) else cover,
        "issuers": [] if isinstance(issuers, AskError) else issuers["items"],
        "least": None if isinstance(rules, AskError) else rules["least"],
        "due": None if isinstance(due, AskError) else due,
        "codes": {one["request"]: one for one in codes["items"]} if is_here else {},
        "may": "here" if is_here else "elsewhere" if codes.name == "KEY_SCOPE" else "far",
    }


async def _read_held(visit: Visit, stays: list[Stay]) -> dict[str, Any] | None:
    """Return what is on hold for visits that go on, as the rules of bookings tell each."""
    if not stays:
        return None
    ids = [one.id for one in stays]
    (found,) = await visit.ask.all(asked("money_held", bookings=ids))
    return None if isinstance(found, AskError) else found


async def _read_late(visit: Visit, worker: Worker) -> dict[str, Any] | None:
    """Return the last payment to the shop that came too late and is not yet put right."""

    def wish(name: str) -> dict[str, Any]:
        return {"type": f"money.{name}", "values": {"holder": worker.shop}}

    late, right = [await events_of(visit, wish(name)) for name in ("Late", "Settled")]
    for one in reversed(late):
        issuer = one["values"]["issuer"]
        if not any(
            each["values"]["issuer"] == issuer and each["time"] >= one["time"] for each in right
        ):
            return {"time": one["time"], **one["values"]}
    return None


# The lines ----------------------------------------------------------------------------------------


async def _read_lines(visit: Visit, shop: str) -> tuple[list[dict[str, Any]], str | None]:
    """Return what moved the shop's money, newest first, and where older lines go on."""
    cursor: str | None = visit.query.get("from", "")[:_CURSOR_LENGTH_MAX] or None
    lines: list[dict[str, Any]] = []
    for _ in range(_PAGES_MAX):
        given = {"account": shop, "limit": _PAGE} | ({"cursor": cursor} if cursor else {})
        found = await visit.ask("account_history", **given)
        lines += [line for entry in found["items"] for line in _lines_of(entry, shop)]
        cursor = found["next_cursor"]
        if cursor is None or len(lines) >= LINES_WANTED:
            break
    return lines, cursor


def _lines_of(entry: dict[str, Any], shop: str) -> list[dict[str, Any]]:
    """Return the lines of one entry of the account's history."""
    href = f"/x/tx/{entry['id']}"
    if entry["kind"] != "transaction":
        href = f"/x/receipt/{entry['height']}/{entry['index']}"
    found = []
    for event in reversed(entry["events"] if entry["ok"] else []):
        told = _line(event["type"], event["values"], shop)
        if told is not None and told["amount"]["amount"]:
            found.append({"id": entry["id"], "time": entry["time"], "href": href, **told})
    return found


def _line(kind: str, values: dict[str, Any], shop: str) -> dict[str, Any] | None:
    """Return what an event means for the shop's money: which sentence, how much, which way."""
    about, due = "", values.get("due", 0)
    if kind == "booking.Closed" and values["shop"] == shop:
        what, sign, amount = "visit", "+", values["to_shop"]
        about = f"/b/{values['id']}"
    elif kind in _SIGNS and shop in {values.get(name) for name in ("shop", "holder")}:
        what, sign, amount = kind.lower().replace(".", "_"), _SIGNS[kind], values["amount"]
    elif kind == "money.Minted" and values["to"] == shop:
        what, sign, amount = "in", "+", values["amount"]
    elif kind == "chain.transferred":
        is_in = values["to"] == shop
        what, sign = ("got", "+") if is_in else ("sent", MINUS)
        amount = values["amount"]
    else:
        return None
    return {"what": what, "sign": sign, "amount": amount, "about": about, "due": due}
