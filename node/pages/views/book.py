"""/s/{shop}/book: a service, a time, and the rules in plain words before anything goes on hold."""

from typing import Any

from chain.types import DAY_MS, MINUTE_MS
from node.pages import showing
from node.pages.asking import AskError, asked
from node.pages.page import GoneError, Shown, Visit, page

DAYS = 14
STEP_MS = 30 * MINUTE_MS


@page("/s/{shop}/book", words="book")
async def book(visit: Visit) -> Shown:
    """Show free times; with a time chosen, what the booking holds and what leaving it costs."""
    account, number, start = visit.part("shop"), visit.number("service"), visit.number("start")
    values, now_ms = await _read(visit, account)
    service = next((one for one in values["services"] if one["service"] == number), None)
    if service is None and number is not None:
        raise GoneError("book.no_service")
    values["service"] = service
    if service is None or not values["standing"]["sells"]:
        return visit.show("book.html", **values)
    if start is not None and values["moved"] is not None:
        moved = values["moved"]
        to = start, start + moved["end"] - moved["start"]
        data = {"shop": account, "move": to, "id": moved["id"]}
        return visit.show("move.html", data=data, to=to, **values)
    if start is not None:
        values["quote"] = await _quote(visit, account, service["service"], start)
        values["taken"] = values["quote"] is None
    if values["quote"] is None:
        values["days"] = await _days(visit, account, service, now_ms, values["zone"])
        values["chosen"] = _chosen(values["days"], visit.number("day"))
    return visit.show("book.html", data={"shop": account, "quote": values["quote"]}, **values)


async def _read(visit: Visit, account: str) -> tuple[dict[str, Any], int]:
    """Return what all steps show, and the node's time."""
    found = await visit.ask.all(
        asked("shops.shop", shop=account),
        asked("shop_services", shop=account),
        asked("shops.standing", shop=account),
        asked("shops.profile", shop=account),
        asked("node_health"),
    )
    for one in found:
        if isinstance(one, AskError):
            raise one
    record, offers, standing, profile, health = found
    values: dict[str, Any] = {
        "shop": account,
        "moved": await _moved(visit, account),
        "zone": showing.zone_of(profile["zone"], visit.setting.zone),
        "record": record,
        "services": offers["items"],
        "standing": standing,
        "quote": None,
        "days": [],
        "taken": False,
    }
    return values, health["time_ms"]


async def _moved(visit: Visit, shop: str) -> dict[str, Any] | None:
    """Return the booking that another time is chosen for, or None."""
    name = visit.query.get("move")
    if not name:
        return None
    found = await visit.ask("booking.booking", id=name)
    if found["shop"] != shop:
        raise GoneError
    policy = await visit.ask("booking.policy", id=found["policy"])
    left = policy["reschedules"] - found["rescheduled"]
    times = {"start": found["start"], "end": found["end"]}
    until = found["start"] - policy["reschedule_lead"]
    return {"id": name, "customer": found["customer"], "left": left, "until": until, **times}


async def _quote(visit: Visit, shop: str, service: int, start: int) -> dict[str, Any] | None:
    """Return what a booking would cost, or None if the contract would refuse it now."""
    try:
        found = await visit.ask("booking_quote", shop=shop, service=service, start=start)
    except AskError as error:
        if error.data.get("reason"):
            return None
        raise
    return dict(found)


async def _days(
    visit: Visit, shop: str, service: dict[str, Any], now_ms: int, zone: str
) -> list[dict[str, Any]]:
    """Return the days to come with their times."""
    first = showing.midnight(now_ms, zone)
    span = {"from": first, "until": first + DAYS * DAY_MS, "step": STEP_MS, "zone": zone}
    found = await visit.ask("booking_slots", shop=shop, service=service["service"], **span)
    days = []
    for number in range(DAYS):
        begins, ends = (showing.midnight(first, zone, number + more) for more in (0, 1))
        slots = [
            one for one in found["items"] if begins <= one["start"] < ends and one["start"] > now_ms
        ]
        free = sum(one["free"] for one in slots)
        days.append({"day": begins, "slots": slots, "free": free, "number": number})
    return days


def _chosen(days: list[dict[str, Any]], wanted: int | None) -> dict[str, Any] | None:
    """Return the day that is asked for, else the first with a free time."""
    for one in days:
        if one["day"] == wanted:
            return one
    return next((one for one in days if one["free"]), None)
