"""What a shop calls its services, in the visitor's language."""

from typing import Any

from node.pages import showing
from node.pages.asking import AskError, asked
from node.pages.page import Visit
from node.pages.words import Lang


def label_of(service: Any, names: Any, lang: Lang) -> str:
    """Return the shop's own name for a service; nothing for an agreed price."""
    if isinstance(service, AskError):
        return ""
    own = "" if isinstance(names, AskError) else names[f"name_{lang}"]
    return str(own) or showing.pick_name(service["name"], lang)


async def labels(visit: Visit, shop: str, numbers: set[int]) -> dict[int, str]:
    """Return what some services of a shop are called."""
    wanted = sorted(numbers)
    kinds = ("shops.service", "shops.description")
    found = await visit.ask.all(
        *[asked(kind, shop=shop, service=one) for kind in kinds for one in wanted]
    )
    pairs = zip(wanted, found[: len(wanted)], found[len(wanted) :], strict=True)
    return {one: label_of(service, names, visit.words.lang) for one, service, names in pairs}
