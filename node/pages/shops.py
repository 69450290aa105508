"""The shops of the network for pages: a part of the list with the way on, or all of them."""

from typing import Any

from node.pages.asking import AskError, asked
from node.pages.lists import whole_list
from node.pages.page import Visit
from node.rpc.errors import NotFoundError

ALL_MAX = 1_000
_CURSOR_LENGTH_MAX = 100


async def some_shops(visit: Visit, limit: int, name: str = "") -> dict[str, Any]:
    """Return shops behind `after` of the address as `items`, and the `next` that goes on.

    With `name` those that have it as a part of theirs. None where the chain has no rule book yet.
    """
    after = visit.query.get("after", "")[:_CURSOR_LENGTH_MAX]
    found = await _read(visit, limit, after, name)
    while name and not found["items"] and found["next"]:  # none among those looked at
        found = await _read(visit, limit, found["next"], name)
    return found


async def all_shops(visit: Visit) -> list[dict[str, Any]]:
    """Return the shops in order of their ids, the first 1,000 of them."""
    try:
        shops, _are_all = await whole_list(visit, "shop_list", ALL_MAX)
    except AskError as error:
        if error.code != NotFoundError.code:
            raise
        return []
    return shops


async def with_shop(visit: Visit, shops: list[dict[str, Any]], shop: str) -> list[dict[str, Any]]:
    """Return the list with a shop that was chosen, first if it is not in this part of the list."""
    if not shop or any(one["shop"] == shop for one in shops):
        return shops
    (record,) = await visit.ask.all(asked("shops.shop", shop=shop))
    if isinstance(record, AskError) or not record["name"]:
        return shops
    return [{"shop": shop, "name": record["name"]}, *shops]


async def _read(visit: Visit, limit: int, after: str, name: str) -> dict[str, Any]:
    given = {"after": after} if after else {}
    named = {"name": name} if name else {}
    try:
        found: dict[str, Any] = await visit.ask("shop_list", limit=limit, **given, **named)
    except AskError as error:
        if error.code != NotFoundError.code:
            raise
        return {"items": [], "next": None}
    return found
