"""Lists that the API gives a page at a time, read to their end, and parts of lists in memory."""

from collections.abc import Sequence
from typing import Any, TypeVar

from node.pages.asking import AskError
from node.pages.page import Visit

EVENTS_MAX = 10_000  # more than a card or the offers of a shop have
NO_CONTRACT = "NOT_FOUND"  # events are asked for of a contract that the chain has not
_PAGE = 200
_WAYS_ON = (("next", "after"), ("next_cursor", "cursor"))
T = TypeVar("T")


async def whole_list(visit: Visit, method: str, most: int, **params: Any) -> tuple[list[Any], bool]:
    """Return the items of a list, at most so many, and whether these are all; raises AskError."""
    items: list[Any] = []
    given: dict[str, str] = {}
    while len(items) < most:
        found = await visit.ask(method, **{**params, "limit": _PAGE, **given})
        items += found["items"]
        given = {param: found[name] for name, param in _WAYS_ON if found.get(name)}
        if not given:
            return items, True
    return items[:most], False


async def events_of(
    visit: Visit, wish: dict[str, Any], most: int = EVENTS_MAX
) -> list[dict[str, Any]]:
    """Return at most so many events that fit a wish, oldest first; raises AskError.

    There are none where their contract is not there.
    """
    try:
        found, _ = await whole_list(visit, "events_query", most, filter=wish, after="earliest")
    except AskError as error:
        if error.name == NO_CONTRACT:
            return []
        raise
    return found


def part_of(visit: Visit, whole: Sequence[T], size: int) -> dict[str, Any]:
    """Return the part of a list that `from` of the address begins: what it is and where it goes on.

    `items` are shown, `count` is how many there are, `first` the number of the first one from 1,
    `next` the `from` of the next part or None.
    """
    begins = min(visit.number("from") or 0, max(0, len(whole) - 1))
    ends = begins + size
    return {
        "items": list(whole[begins:ends]),
        "count": len(whole),
        "first": begins + 1,
        "next": ends if ends < len(whole) else None,
    }
