"""/b/{id}: one page from the booking to the review, the same link all the time."""

from typing import Any

from chain.ids import decode_id
from chain.types import MINUTE_MS
from node.pages import showing
from node.pages.asking import AskError, asked
from node.pages.page import Shown, Visit, page
from node.pages.queue import NEAR_MS, Outlook, find_outlook
from node.pages.reviews import for_script, may_edit, read_reviews
from node.pages.services import label_of
from node.pages.shopbook import read_book
from node.pages.work import read_work

EVENTS_MAX = 200
EARLY_MS = 15 * MINUTE_MS  # hand-over opens this long before the slot
LATE_MS = 20 * MINUTE_MS  # a customer may leave a shop that is later than this
_OPEN = ("REQUESTED", "ACCEPTED", "ARRIVED", "CHECKED_IN", "IN_SERVICE", "READY", "DISPUTED")
_IN_QUEUE = ("ACCEPTED", "ARRIVED", "CHECKED_IN", "IN_SERVICE")
# The steps that people see, and the states in which each is the one under way.
_STEPS = (
    ("asked", ("REQUESTED",)),
    ("booked", ("ACCEPTED",)),
    ("there", ("ARRIVED", "CHECKED_IN")),
    ("washing", ("IN_SERVICE",)),
    ("ready", ("READY", "DISPUTED")),
    ("paid", ("SETTLED",)),
)


@page("/b/{id}", words="progress")
async def progress(visit: Visit) -> Shown:
    """Show how far a booking is, what can be done now, and how it ended."""
    name = visit.part("id")
    booking, held, health, head = await visit.ask.all(
        asked("booking.booking", id=name),
        asked("booking.held_money", id=name),
        asked("node_health"),
        asked("chain_head"),
    )
    if isinstance(booking, AskError):
        raise booking
    shop, number, now_ms = booking["shop"], booking["service"], health["time_ms"]
    record, service, names, profile, policy, reviews, events = await visit.ask.all(
        asked("shops.shop", shop=shop),
        asked("shops.service", shop=shop, service=number),
        asked("shops.description", shop=shop, service=number),
        asked("shops.profile", shop=shop),
        asked("booking.policy", id=booking["policy"]),
        asked("contract_get", contract="reviews"),
        asked("events_query", filter=_events_of(name), limit=EVENTS_MAX),
    )
    told = [] if isinstance(events, AskError) else events["items"]
    visit_hash = decode_id(name, "bkg").hex()
    review = next(iter(await read_reviews(visit, [visit_hash])), None)
    work = await read_work(visit, visit_hash)
    queue = await _queue(visit, name, booking, record, now_ms)
    values = {
        **_about(booking, told),
        **_of_review(review, now_ms),
        "id": name,
        "zone": showing.zone_of(profile["zone"], visit.setting.zone),
        "record": record,
        "label": label_of(service, names, visit.words.lang),
        "held": held,
        "cancel": await _fee(visit, name, booking["state"], now_ms),
        "settles_at": _since(told, "READY") + policy["settle_after"],
        "answer_by": min(_requested_at(told) + policy["accept_by"], booking["start"]),
        "may": {**_may(booking, held, now_ms), "move": _may_move(booking, policy, now_ms)},
        "queue": queue,
        "now": now_ms,
        "done": [] if work is None else work.steps,
    }
    data = {
        **_for_script(name, booking, values),
        "after": f"{head['header']['height']}-",
        "reviews": not isinstance(reviews, AskError),
        "photos": None if work is None else work.photos,
    }
    return visit.show("progress.html", data=data, **values)


def _of_review(review: dict[str, Any] | None, now_ms: int) -> dict[str, Any]:
    """Return the review of the visit, and whether it may be changed."""
    return {"review": review, "may_edit": review is not None and may_edit(review, now_ms)}


def _for_script(name: str, booking: dict[str, Any], values: dict[str, Any]) -> dict[str, Any]:
    """Return what the page's script knows of the booking."""
    told = {key: booking[key] for key in ("shop", "customer", "state", "total")}
    review = values["review"]
    return {
        **told,
        "id": name,
        "visit": decode_id(name, "bkg").hex(),
        "held": values["held"],
        "queue": values["queue"] is not None,
        "review": None if review is None else for_script(review),
    }


def _about(booking: dict[str, Any], events: list[dict[str, Any]]) -> dict[str, Any]:
    """Return what the page shows of the booking's way."""
    state = booking["state"]
    return {
        "booking": booking,
        "state": state,
        "is_open": state in _OPEN,
        "steps": _steps(state, events),
        "end": _end(events),
        "extra": _extra(events, state),
        "offered": _offered(events, booking),
    }


async def _fee(visit: Visit, name: str, state: str, now_ms: int) -> Any:
    """Return what cancelling would cost now, or None where it is too late for that."""
    if state not in {"REQUESTED", "ACCEPTED"}:
        return None
    return await visit.ask("booking.preview_cancel", id=name, at_=now_ms)


async def _queue(
    visit: Visit, name: str, booking: dict[str, Any], record: dict[str, Any], now_ms: int
) -> Outlook | None:
    """Return this car's place in the queue, None where there is no queue for it."""
    if booking["state"] not in _IN_QUEUE or now_ms < booking["start"] - NEAR_MS:
        return None
    book = await read_book(visit, booking["shop"])
    bays = {0: record["quarter_bays"], 1: record["day_bays"]}
    return find_outlook(book, name, bays, now_ms)


def _events_of(name: str) -> dict[str, Any]:
    return {"type": "booking.*", "values": {"id": name}}


def _name_of_event(event: dict[str, Any]) -> str:
    return str(event["type"]).rpartition(".")[2]


def _since(events: list[dict[str, Any]], state: str) -> int:
    """Return when a booking came to a state last, 0 if it never did."""
    times = [one["time"] for one in events if one["values"].get("state") == state]
    return int(times[-1]) if times else 0


def _requested_at(events: list[dict[str, Any]]) -> int:
    """Return when a booking was asked for."""
    return next((int(one["time"]) for one in events if _name_of_event(one) == "Requested"), 0)


def _steps(state: str, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the way of the booking: each step with its time, and which one is under way."""
    at = next((n for n, (_name, states) in enumerate(_STEPS) if state in states), None)
    requested = _requested_at(events)
    shown = []
    for number, (name, states) in enumerate(_STEPS):
        reached = max(_since(events, one) for one in states)
        when = requested if number == 0 else reached
        if at is None:
            look = "done" if when else ""
        else:
            look = "now" if number == at and name != "paid" else "done" if number <= at else ""
        shown.append({"name": name, "at": when, "look": look})
    return shown if at is not None else [one for one in shown if one["at"]]


def _end(events: list[dict[str, Any]]) -> dict[str, Any] | None:
    """Return how it ended and who got what, or None while it goes on."""
    for one in reversed(events):
        if _name_of_event(one) == "Closed":
            origin = one["origin"]
            return {**one["values"], "time": one["time"], "receipt": origin["id"]}
    return None


def _extra(events: list[dict[str, Any]], state: str) -> dict[str, Any] | None:
    """Return the extra work that the shop asks for now, or None."""
    if state not in {"CHECKED_IN", "IN_SERVICE"}:
        return None
    newest = None
    for one in events:
        if _name_of_event(one) == "ExtraAsked":
            newest = one["values"]
        elif _name_of_event(one) == "ExtraApproved":
            newest = None
    return newest


def _offered(events: list[dict[str, Any]], booking: dict[str, Any]) -> dict[str, Any] | None:
    """Return another time that the shop offers, or None."""
    newest = None
    for one in events:
        if _name_of_event(one) == "Offered":
            newest = one["values"]
        elif _name_of_event(one) == "Rescheduled":
            newest = None
    return newest if booking["state"] in {"REQUESTED", "ACCEPTED", "ARRIVED"} else None


def _may_move(booking: dict[str, Any], policy: dict[str, Any], now_ms: int) -> bool:
    has_more: bool = booking["rescheduled"] < policy["reschedules"]
    is_time: bool = now_ms + policy["reschedule_lead"] <= booking["start"]
    return booking["state"] == "ACCEPTED" and has_more and is_time


def _may(booking: dict[str, Any], held: dict[str, Any], now_ms: int) -> dict[str, bool]:
    """Return which buttons make sense now; the contract decides when they are pressed."""
    state, start = booking["state"], booking["start"]
    is_near = start - EARLY_MS <= now_ms < booking["come_by"]
    waits_since = max(start, booking["here_at"])
    is_with_shop = state in {"CHECKED_IN", "IN_SERVICE", "READY"}
    return {
        "arrive": state == "ACCEPTED" and is_near,
        "hand_over": state in {"ACCEPTED", "ARRIVED"} and is_near,
        "leave": state in {"ARRIVED", "CHECKED_IN"} and now_ms >= waits_since + LATE_MS,
        "pay": is_with_shop and held["amount"] < booking["total"]["amount"],
        "confirm": state == "READY",
        "withdraw": state == "DISPUTED" and not booking["absence"],
        "is_early": state == "ACCEPTED" and now_ms < start - EARLY_MS,
    }
