"""/s/{shop}: what everybody may know of a shop: standing, prices, hours, figures, reviews."""

from typing import Any

from node.pages import showing
from node.pages.asking import Asked, AskError, asked
from node.pages.page import Shown, Visit, page
from node.pages.reviews import list_reviews

REVIEWS_SHOWN = 5
_WEEKDAYS = 7
_RATING_LEAST = 5  # reviews before an average is shown


@page("/s/{shop}", words="shop")
async def shop(visit: Visit) -> Shown:
    """Show the public page of a shop."""
    account = visit.part("shop")
    record, offers, standing, profile, figures, rating = await _read(visit, account)
    hours = await visit.ask.all(
        *[asked("shops.hours_on", shop=account, weekday=day) for day in range(_WEEKDAYS)]
    )
    head = await visit.ask("chain_head")
    zone = showing.zone_of(profile["zone"], visit.setting.zone)
    now_ms = head["header"]["time_ms"]
    is_open = await visit.ask("shops.was_open", shop=account, at_=now_ms)
    return visit.show(
        "shop.html",
        shop=account,
        zone=zone,
        record=record,
        services=offers["items"],
        standing=standing,
        profile=profile,
        figures=None if isinstance(figures, AskError) else _told(figures),
        rating=None if isinstance(rating, AskError) else _rating(rating),
        reviews=await _reviews(visit, account, rating),
        hours=[_day(day, one) for day, one in enumerate(hours)],
        is_open=is_open,
        data={"shop": account},
    )


async def _read(visit: Visit, account: str) -> list[Any]:
    found = await visit.ask.all(
        asked("shops.shop", shop=account),
        asked("shop_services", shop=account),
        asked("shops.standing", shop=account),
        asked("shops.profile", shop=account),
        asked("shops.figures", shop=account),
        Asked("reviews.rating", {"shop": account}),
    )
    for one in found[:4]:
        if isinstance(one, AskError):
            raise one
    return found


async def _reviews(visit: Visit, account: str, rating: Any) -> dict[str, Any]:
    """Return a page of reviews, newest first, and the number at which older ones begin."""
    if isinstance(rating, AskError):
        return {"items_shown": [], "older": 0}
    last = min(visit.number("reviews") or rating["reviews"], rating["reviews"])
    return {
        "items_shown": await list_reviews(visit, account, last, REVIEWS_SHOWN),
        "older": max(0, last - REVIEWS_SHOWN),
    }


def _day(weekday: int, hours: dict[str, int]) -> dict[str, Any]:
    minutes = [hours[name] // 60_000 for name in ("opens", "closes")]
    opens, closes = [f"{one // 60:02}:{one % 60:02}" for one in minutes]
    return {"weekday": weekday, "opens": opens, "closes": closes, "is_open": opens != closes}


def _told(figures: dict[str, int]) -> dict[str, int]:
    """Return the figures that people look at, each with what it is a part of."""
    served = figures["settled"] + figures["redone"]
    failed = figures["cancelled_by_shop"] + figures["missed_by_shop"] + figures["lapsed"]
    return {**figures, "served": served, "failed": failed}


def _rating(rating: dict[str, int]) -> dict[str, Any]:
    shown = {
        name: f"{rating[name] // 100}.{rating[name] % 100 // 10}"
        for name in ("overall", "clean", "on_time", "staff", "value")
    }
    return {**shown, "counted": rating["counted"], "is_shown": rating["counted"] >= _RATING_LEAST}
