"""/shop/settings: hours, closures, bays, services, prices, rules, staff, posters, backup."""

from typing import Any

from aiohttp import web

from chain.types import DAY_MS, HOUR_MS
from node.pages import presets, showing
from node.pages.asking import AskError, asked
from node.pages.desk import Worker, find_worker, for_script, login_page
from node.pages.page import GoneError, Shown, Visit, page
from node.pages.views.console import read_shop

_WEEKDAYS = 7
_EPOCH = 719_163  # the day 1970-01-01 by its ordinal
CLOSURES_AHEAD = 90  # days that are looked at


@page("/shop/settings", words="settings")
async def settings(visit: Visit) -> Shown | web.Response:
    """Show how the shop is set up; only its owner comes here."""
    worker = await find_worker(visit)
    if worker is None:
        return login_page(visit)
    if not worker.is_owner:
        raise GoneError("settings.owner_only")
    about = await read_shop(visit, worker.shop)
    people, backup = await visit.ask.all(
        asked("staff_list", session=worker.session), asked("staff_backup", session=worker.session)
    )
    hours = await visit.ask.all(
        *[asked("shops.hours_on", shop=worker.shop, weekday=day) for day in range(_WEEKDAYS)]
    )
    known = await visit.ask.all(*[asked("booking.policy", id=p.id) for p in presets.ALL.values()])
    values: dict[str, Any] = {
        **about,
        "worker": worker,
        "hours": [_day(number, one) for number, one in enumerate(hours)],
        "closures": await _closures(visit, worker.shop, about["now"], about["zone"]),
        "presets": list(presets.ALL),
        "preset_of": {one.id: one.name for one in presets.ALL.values()},
        "examples": await _examples(visit, worker, about),
        "people": people["items"],
        "backup": _light(backup["at"], is_overdue=backup["overdue"]),
        "backup_at": backup["at"],
        "first_day": showing.at_zone(about["now"] + DAY_MS, about["zone"]).date().isoformat(),
        "details": _names(about["services"]),
    }
    rules = {
        one.name: {"id": one.id, "rules": one.rules, "known": not isinstance(found, AskError)}
        for one, found in zip(presets.ALL.values(), known, strict=True)
    }
    record = about["record"]
    data = {
        **for_script(worker),
        "presets": rules,
        "dayStart": record["day_start"],
        "acceptQuotes": record["accept_quotes"],
        "profile": about["profile"],
        "next": max([one["service"] for one in about["services"]], default=0) + 1,
    }
    return visit.show("settings.html", data=data, **values)


def _day(weekday: int, hours: dict[str, int]) -> dict[str, Any]:
    texts = [f"{hours[k] // HOUR_MS:02}:{hours[k] // 60_000 % 60:02}" for k in ("opens", "closes")]
    is_open = hours["opens"] != hours["closes"]
    opens, closes = texts if is_open else ("08:00", "20:00")
    return {"weekday": weekday, "opens": opens, "closes": closes, "is_open": is_open}


async def _closures(visit: Visit, shop: str, now: int, zone: str) -> list[dict[str, int]]:
    """Return the days to come on which the shop said that it is closed."""
    first = showing.at_zone(now, zone).date().toordinal() - _EPOCH
    days = range(first, first + CLOSURES_AHEAD)
    found = await visit.ask.all(*[asked("shops.closed_on", shop=shop, day=day) for day in days])
    return [
        {"day": day, "at": day * DAY_MS + DAY_MS // 2}
        for day, closed in zip(days, found, strict=True)
        if closed is True
    ]


async def _examples(visit: Visit, worker: Worker, about: dict[str, Any]) -> dict[int, Any]:
    """Return what each service's rules mean in money, as the contract tells for tomorrow."""
    start = showing.midnight(about["now"], about["zone"], 2) + 12 * HOUR_MS
    shop = worker.shop
    numbers = [one["service"] for one in about["services"]]
    quotes = await visit.ask.all(
        *[asked("booking_quote", shop=shop, service=number, start=start) for number in numbers]
    )
    found: dict[int, Any] = {}
    for number, quote in zip(numbers, quotes, strict=True):
        if isinstance(quote, AskError):
            continue
        free = [one for one in quote["cancel"] if one["fee"]["amount"] == 0]
        paid = [one for one in quote["cancel"] if one["fee"]["amount"]]
        found[number] = {
            "hold": quote["hold"],
            "free_lead": start - free[-1]["until"] if free else None,
            "late": paid[0]["fee"] if paid else None,
            "missed": quote["missed"]["fee"],
        }
    return found


def _names(services: list[dict[str, Any]]) -> dict[int, dict[str, str]]:
    """Return the names of services in both languages, to be changed."""
    return {
        one["service"]: {
            "zh": one["name_zh"] or showing.pick_name(one["name"], "zh"),
            "en": one["name_en"] or showing.pick_name(one["name"], "en"),
        }
        for one in services
    }


def _light(at: int | None, *, is_overdue: bool) -> tuple[str, str]:
    """Return the colour of the backup's light, and which text says why."""
    if at is None:
        return ("red", "red") if is_overdue else ("amber", "first")
    return ("amber", "amber") if is_overdue else ("green", "green")
