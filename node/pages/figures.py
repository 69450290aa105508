"""Figures that a shop looks at, counted from its own bookings and uses of cards. Pure."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import timedelta
from itertools import pairwise
from statistics import median
from typing import Any

from chain.types import DAY_MS
from node.pages import showing
from node.pages.shopbook import DONE, ShopBook, Stay

HOURS = 24
WEEKDAYS = 7
SHADES = 4  # of the heat map, besides none


@dataclass(frozen=True, slots=True)
class Span:
    """Some days of a shop's calendar, ms UTC, the last one included."""

    first_ms: int
    last_ms: int
    days: int
    zone: str


def last_days(now_ms: int, days: int, zone: str) -> Span:
    """Return the span of so many days that ends with today."""
    first = showing.midnight(now_ms, zone, 1 - days)
    return Span(first, showing.midnight(now_ms, zone, 1), days, zone)


def by_day(book: ShopBook, span: Span) -> list[dict[str, Any]]:
    """Return money and visits of each day."""
    first = showing.at_zone(span.first_ms, span.zone).date()
    rows = {
        first + timedelta(days=number): {"money": 0, "visits": 0} for number in range(span.days)
    }
    for at, money, is_done in _money(book, span):
        row = rows[showing.at_zone(at, span.zone).date()]
        row["money"] += money
        row["visits"] += is_done
    return [{"day": day.isoformat(), **row} for day, row in rows.items()]


def by_service(book: ShopBook, span: Span) -> list[dict[str, Any]]:
    """Return money and visits of each service, the greatest first."""
    rows: dict[int, dict[str, Any]] = defaultdict(lambda: {"money": 0, "visits": 0})
    for stay in book.between(span.first_ms, span.last_ms):
        rows[stay.service or 0]["money"] += stay.to_shop
        rows[stay.service or 0]["visits"] += stay.state in DONE
    for use in book.uses.values():
        if span.first_ms <= use.over_at < span.last_ms:
            rows[use.service or 0]["money"] += use.to_shop
            rows[use.service or 0]["visits"] += use.to_shop > 0
    found = [{"service": number, **row} for number, row in rows.items()]
    return sorted(found, key=lambda row: -int(row["money"]))


def rates(book: ShopBook, span: Span) -> dict[str, Any]:
    """Return shares in basis points, each with its count; None where there is nothing."""
    over = list(book.between(span.first_ms, span.last_ms))
    done = [one for one in over if one.state in DONE]
    missed = sum(one.state == "NO_SHOW_CUSTOMER" for one in over)
    redone = sum(one.was_disputed and not one.absence for one in done)
    cancelled = sum(one.state.startswith("CANCELLED") for one in over)
    gaps = _gaps(book, span)
    return {
        "done": len(done),
        "missed": missed,
        "missed_bp": _share(missed, len(done) + missed),
        "redone": redone,
        "redone_bp": _share(redone, len(done)),
        "cancelled": cancelled,
        "cancelled_bp": _share(cancelled, len(over)),
        "repeat_days": round(median(gaps) / DAY_MS) if gaps else None,
        "back": len(gaps),
    }


def heat(book: ShopBook, span: Span) -> list[dict[str, Any]]:
    """Return how many cars came at which hour of which weekday, with a shade for each."""
    counts = [[0] * HOURS for _ in range(WEEKDAYS)]
    for stay in book.stays.values():
        if stay.came_at and span.first_ms <= stay.start < span.last_ms:
            local = showing.at_zone(stay.start, span.zone)
            counts[local.weekday()][local.hour] += 1
    most = max(max(row) for row in counts)
    return [
        {
            "weekday": number,
            "hours": [(one, -(-one * SHADES // most) if most else 0) for one in row],
        }
        for number, row in enumerate(counts)
    ]


def survey_figure(answers: dict[str, int]) -> str | None:
    """Return a month's average answer with two decimals; None while there are too few."""
    if not answers["count"]:
        return None
    hundredths = answers["sum"] * 100 // answers["count"]
    return f"{hundredths // 100}.{hundredths % 100:02}"


def busy_hours(rows: list[dict[str, Any]]) -> list[int]:
    """Return the hours from the first with a car to the last; by default those of a day."""
    used = [hour for hour in range(HOURS) if any(row["hours"][hour][0] for row in rows)]
    return list(range(min([*used, 8]), max([*used, 19]) + 1))


def _money(book: ShopBook, span: Span) -> list[tuple[int, int, bool]]:
    stays = [
        (one.over_at, one.to_shop, one.state in DONE)
        for one in book.between(span.first_ms, span.last_ms)
    ]
    uses = [
        (one.over_at, one.to_shop, one.to_shop > 0)
        for one in book.uses.values()
        if span.first_ms <= one.over_at < span.last_ms
    ]
    return stays + uses


def _gaps(book: ShopBook, span: Span) -> list[int]:
    """Return the times between a customer's visits, where the later one is within the span."""
    visits: dict[str, list[Stay]] = defaultdict(list)
    for stay in book.stays.values():
        if stay.state in DONE:
            visits[stay.customer].append(stay)
    gaps = []
    for of_one in visits.values():
        starts = sorted(one.start for one in of_one)
        gaps += [b - a for a, b in pairwise(starts) if span.first_ms <= b < span.last_ms]
    return gaps


def _share(part: int, whole: int) -> int | None:
    return part * 10_000 // whole if whole else None
