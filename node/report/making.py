"""Reports of a running node's chain: the journal read up to a height, in steps that give way."""

from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from typing import Any

from chain.errors import UnknownIdError
from node.live.views import look
from node.report.calendar import Calendar, is_zone
from node.report.figures import Report
from node.report.history import History
from node.report.lines import Book, Line

BLOCKS_AT_ONCE = 50  # some milliseconds; then blocks and answers come first
REGISTER, BOOKING, PREPAID = "shops", "booking", "prepaid"
_KINDS = {1: "COUNT", 2: "VALUE", 3: "PERIOD", 4: "PACKAGE"}


class Shop:
    """A shop of the register, with its zone and the names of its services."""

    def __init__(self, node: Any, shop: bytes, zone: str | None = None) -> None:
        """`zone` counts for a shop whose profile names none; raises UnknownIdError for no shop."""
        register = node.abis.installed(node.state(), REGISTER)
        found = None if register is None else look(node, register, "shop", shop)
        if found is None:
            raise UnknownIdError("no shop with this account is in the register of shops")
        self._node, self._register = node, register
        self.account: bytes = shop
        self.name: str = found["name"]
        profile = look(node, register, "profile", shop) or {}
        named = [one for one in (profile.get("zone", ""), zone or "") if is_zone(one)]
        self.calendar = Calendar(named[0] if named else "UTC")
        self._names: dict[int, str] = {}

    def service_name(self, number: int) -> str:
        """Return the name of a service; empty for what belongs to none."""
        if not number:
            return ""
        if number not in self._names:
            found = look(self._node, self._register, "service", self.account, number) or {}
            self._names[number] = str(found.get("name", ""))
        return self._names[number]

    def standing(self) -> int:
        """Return the number of the shop's status."""
        found = look(self._node, self._register, "standing", self.account) or {}
        return int(found.get("status", 0))


def journal(node: Any, history: History, shop: bytes) -> Iterator[list[Line]]:
    """Yield a shop's lines, a few blocks at a time."""
    services: dict[bytes, int] = {}
    contracts = {
        "booking": node.abis.installed(node.state(), BOOKING),
        "use": node.abis.installed(node.state(), PREPAID),
    }

    def service_of(kind: str, visit: bytes) -> int:
        known = services.get(visit)
        if known is None:
            found = look(node, contracts[kind], "visit", visit) or {}
            known = services[visit] = int(found.get("service", 0))
        return known

    book = Book(shop, service_of, partial(_kind_of, node))
    found: list[Line] = []
    for number, block in enumerate(history.blocks(), 1):
        found += [line for line in map(book.take, block) if line is not None]
        if number % BLOCKS_AT_ONCE == 0:
            yield found
            found = []
    yield found


def _kind_of(node: Any, offer: bytes) -> str:
    prepaid = node.abis.installed(node.state(), PREPAID)
    found = look(node, prepaid, "offer", offer) or {}
    return _KINDS.get(int(found.get("kind", 0)), "")


def begin_report(shop: Shop, first: date, last: date) -> Report:
    """Return an empty report of some days of a shop's calendar, both included."""
    calendar = shop.calendar
    day_of: Callable[[int], str] = lambda time_ms: calendar.day(time_ms).isoformat()  # noqa: E731
    return Report(calendar.begins(first), calendar.ends(last), day_of)
