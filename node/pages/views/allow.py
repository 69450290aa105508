"""/c/allow: a page in a shop's own network gets a key that can do little, for a short time."""

import re
from urllib.parse import urlsplit

from node.pages.page import GoneError, Shown, Visit, page

_KEY = re.compile(r"[0-9a-f]{64}")


@page("/c/allow", words="allow")
async def allow(visit: Visit) -> Shown:
    """Ask the customer, on a protected page, what the other page may do."""
    key, shop = visit.query.get("key", ""), visit.query.get("shop", "")
    back = visit.query.get("back", "")
    place = urlsplit(back)
    if not _KEY.fullmatch(key) or place.scheme not in {"http", "https"} or not place.hostname:
        raise GoneError
    record = await visit.ask("shops.shop", shop=shop)
    data = {"key": key, "shop": shop, "back": back.partition("#")[0]}
    return visit.show("allow.html", data=data, shop=shop, record=record, host=place.netloc)
