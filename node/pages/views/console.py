"""/shop: the counter's page: what is to be done now, who comes next, what the bays do."""

from typing import Any

from aiohttp import web

from chain.types import MINUTE_MS
from node.pages import presets, showing
from node.pages.asking import AskError, asked
from node.pages.care import read_care
from node.pages.desk import Worker, find_worker, for_script, login_page
from node.pages.lists import part_of
from node.pages.page import Shown, Visit, page
from node.pages.shopbook import DONE, ShopBook, Stay, read_book

EARLY_MS = 15 * MINUTE_MS
LATE_MS = 10 * MINUTE_MS
NEXT_MAX = 12
BAYS_MIN = 12  # free bays beyond these are only counted
_USES = ("RESERVED", "STARTED", "DISPUTED", "FINISHED")
_WITH_SHOP = ("CHECKED_IN", "IN_SERVICE", "READY")


@page("/shop", words="console")
async def console(visit: Visit) -> Shown | web.Response:
    """Show the day at the counter."""
    worker = await find_worker(visit)
    if worker is None:
        return login_page(visit)
    about = await read_shop(visit, worker.shop)
    book = await read_book(visit, worker.shop)
    now, zone = about["now"], about["zone"]
    waiting = [one for one in book.open() if one.state in {"ARRIVED", "CHECKED_IN"}]
    bays = book.in_bays(about["bays"], await read_bays(visit, worker))
    expected = [one for one in book.open() if one.state in {"ACCEPTED", "ARRIVED"}]
    coming = part_of(visit, expected, NEXT_MAX)
    shown = [one for one in range(1, about["bays"] + 1) if one <= BAYS_MIN or one in bays]
    values = {
        **about,
        "worker": worker,
        "today": _today(book, now, zone),
        "urgent": _urgent(book, now),
        "care": await read_care(visit),
        "asks_help": await _count_asking(visit, worker),
        "waiting": waiting,
        "messages": len(book.unanswered()),
        "coming": coming["items"],
        "part": coming,
        "is_whole": book.is_whole,
        "ready": [one for one in book.open() if one.state == "READY"],
        "uses": [one for one in book.open_uses() if one.state in _USES],
        "bay_list": [(number, bays.get(number)) for number in shown],
        "free_bays": sorted(set(range(1, about["bays"] + 1)) - set(shown)),
        "may_check_in": lambda one: now >= one.start - EARLY_MS,
        "is_late": lambda one: one.end and one.state == "IN_SERVICE" and now > one.end + LATE_MS,
    }
    walkin = presets.WALK_IN
    known = not isinstance(await _try(visit, "booking.policy", id=walkin.id), AskError)
    data = {
        **for_script(worker),
        "after": f"{about['height']}-",
        "walkin": walkin.id,
        "walkinRules": walkin.rules,
        "hasWalkin": known,
    }
    return visit.show("console.html", data=data, **values)


async def _try(visit: Visit, method: str, **params: Any) -> Any:
    (answer,) = await visit.ask.all(asked(method, **params))
    return answer


async def _count_asking(visit: Visit, worker: Worker) -> int:
    """Return how many customers wait for this owner's word; none for others of the staff."""
    if not worker.is_owner:
        return 0
    found = await visit.ask("account_recoveries", guardian=worker.shop)
    return sum(worker.shop not in one["recovery"]["approvals"] for one in found["items"])


async def read_bays(visit: Visit, worker: Worker) -> dict[int, str]:
    """Return which booking stands in which bay, as the tablets said."""
    found = await visit.ask("staff_bays", session=worker.session)
    return {one["bay"]: one["booking"] for one in found["items"]}


async def read_shop(visit: Visit, shop: str) -> dict[str, Any]:
    """Return what all pages for staff show of their shop."""
    record, offers, profile, health, head, hidden = await visit.ask.all(
        asked("shops.shop", shop=shop),
        asked("shop_services", shop=shop),
        asked("shops.profile", shop=shop),
        asked("node_health"),
        asked("chain_head"),
        asked("shops.standing", shop=shop),
    )
    for one in (record, offers, profile, health, head, hidden):
        if isinstance(one, AskError):
            raise one
    now = max(health["time_ms"], head["header"]["time_ms"])
    lang = visit.words.lang
    names = {
        one["service"]: one[f"name_{lang}"] or showing.pick_name(one["name"], lang)
        for one in offers["items"]
    }
    zone = showing.zone_of(profile["zone"], visit.setting.zone)
    # An opening counts for 24 hours: yesterday's would end before somebody's time today is over.
    tonight = showing.midnight(now, zone, 1)
    return {
        "shop": shop,
        "record": record,
        "services": offers["items"],
        "names": names,
        "label": lambda number: names.get(number) or visit.words("staff.agreed"),
        "profile": profile,
        "zone": zone,
        "standing": hidden,
        "now": now,
        "height": head["header"]["height"],
        "bays": record["quarter_bays"] or 1,
        "is_open": await visit.ask("shops.was_open", shop=shop, at_=tonight),
    }


def _today(book: ShopBook, now: int, zone: str) -> dict[str, int]:
    """Return the figures at the top."""
    first = showing.midnight(now, zone)
    last = showing.midnight(now, zone, 1)
    over = list(book.between(first, last))
    running = book.open()
    return {
        "money": book.money_between(first, last),
        "done": sum(one.state in DONE for one in over)
        + sum(one.state == "READY" and one.ready_at >= first for one in running),
        "waiting": sum(one.state in {"ARRIVED", "CHECKED_IN"} for one in running),
        "working": sum(one.state == "IN_SERVICE" for one in running),
        "held": sum(one.total for one in running if one.state in _WITH_SHOP),
    }


def _urgent(book: ShopBook, now: int) -> list[tuple[str, Stay]]:
    """Return what waits for the shop, with what it is: only that is red."""
    found: list[tuple[str, Stay]] = []
    for one in book.open():
        match one.state:
            case "REQUESTED":
                found.append(("request", one))
            case "ARRIVED":
                found.append(("arrived", one))
            case "DISPUTED" if not one.answered and not one.absence:
                found.append(("claim", one))
            case "IN_SERVICE" if one.end and now > one.end + LATE_MS:
                found.append(("late", one))
            case "CHECKED_IN" if now > max(one.start, one.came_at) + LATE_MS:
                found.append(("start", one))
            case _:
                pass
    return found
