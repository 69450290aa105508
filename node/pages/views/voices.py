"""/shop/voices: what customers say to the shop and about it, and the shop's answers."""

from typing import Any

from aiohttp import web

from node.pages.asking import AskError, asked
from node.pages.desk import Worker, find_worker, for_script, login_page
from node.pages.lists import part_of
from node.pages.page import Shown, Visit, page
from node.pages.reviews import list_reviews
from node.pages.shopbook import Message, read_book
from node.pages.views.console import read_shop
from node.staff.deeds import COUNTER

REVIEWS_SHOWN = 20
MESSAGES_SHOWN = 32
_TURNS = {"OPEN": 0, "ANSWERED": 1, "CLOSED": 2}


@page("/shop/voices", words="voices")
async def voices(visit: Visit) -> Shown | web.Response:
    """Show messages that wait for an answer, then the reviews."""
    worker = await find_worker(visit)
    if worker is None:
        return login_page(visit)
    about = await read_shop(visit, worker.shop)
    book = await read_book(visit, worker.shop)
    (rating,) = await visit.ask.all(asked("reviews.rating", shop=worker.shop))
    last = 0 if isinstance(rating, AskError) else rating["reviews"]
    last = min(visit.number("reviews") or last, last)
    in_turn = sorted(
        book.messages.values(), key=lambda one: (_TURNS.get(one.stage, 2), -one.sent_at)
    )
    part = part_of(visit, in_turn, MESSAGES_SHOWN)
    messages: list[Message] = part["items"]
    values: dict[str, Any] = {
        **about,
        "worker": worker,
        "messages": messages,
        "part": part,
        "is_whole": book.is_whole,
        "said": await _open(visit, worker, messages),
        "reviews": await list_reviews(visit, worker.shop, last, REVIEWS_SHOWN),
        "older": max(0, last - REVIEWS_SHOWN),
        "may": worker.may(COUNTER),
    }
    data = {**for_script(worker), "after": f"{about['height']}-"}
    return visit.show("voices.html", data=data, **values)


async def _open(visit: Visit, worker: Worker, messages: list[Message]) -> dict[str, Any]:
    """Return what messages and their answers say, by id; nothing for those who may not read."""
    wanted = [one.id for one in messages if one.stage != "CLOSED"]
    if not wanted:
        return {}
    (found,) = await visit.ask.all(asked("staff_letters", session=worker.session, ids=wanted))
    if isinstance(found, AskError):
        return {}
    return {one["id"]: one for one in found["items"]}
