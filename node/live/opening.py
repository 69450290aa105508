"""Whether the shop of this node is open, by the hours that the register has at the final head."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from chain.governance import contract_by_name
from chain.types import MINUTE_MS
from node.keys.acting import account_of
from node.live.views import look

MARGIN_MS = 30 * MINUTE_MS  # before and after: somebody opens up, the last car is handed over
_REGISTER = "shops"
_EPOCH = date(1970, 1, 1).toordinal()


def names_hours(node: Any) -> bool:
    """Tell whether this is the node of a shop that named its opening hours."""
    if node.sponsor is None:
        return False
    register = contract_by_name(node.state(), _REGISTER)
    shop = account_of(node.sponsor)
    standing = None if register is None else look(node, register, "standing", shop)
    return bool(standing and standing["open_days"])


def is_open_time(node: Any, now_ms: int, zone: str, margin_ms: int = MARGIN_MS) -> bool:
    """Tell whether it is opening time, or so near to it that people are there.

    A node that is no shop's serves others at any hour; a shop that named no hours may be open. Both
    count as open. `zone` is for a shop whose profile names none.
    """
    if not names_hours(node):
        return True
    shop, register = account_of(node.sponsor), contract_by_name(node.state(), _REGISTER)
    assert register is not None, "it has the hours"
    place = _zone(look(node, register, "profile", shop), zone)
    today = datetime.fromtimestamp(now_ms // 1_000, UTC).astimezone(place).date()
    days = [today + timedelta(days=step) for step in (-1, 0, 1)]  # hours may reach over midnight
    times = [_hours_of(node, (register, shop), day, place) for day in days]
    return any(
        opens - margin_ms <= now_ms < closes + margin_ms for opens, closes in filter(None, times)
    )


def _zone(profile: Any, zone: str) -> ZoneInfo:
    for name in (str((profile or {}).get("zone") or zone), zone):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return ZoneInfo("UTC")


def _hours_of(
    node: Any, whose: tuple[bytes, bytes], day: date, place: ZoneInfo
) -> tuple[int, int] | None:
    """Return when the shop opens and closes on a day, None if it does not open."""
    register, shop = whose
    hours = look(node, register, "hours_on", shop, day.weekday())
    if not hours or hours["opens"] == hours["closes"]:
        return None
    if look(node, register, "closed_on", shop, day.toordinal() - _EPOCH):
        return None
    midnight = datetime(day.year, day.month, day.day, tzinfo=place)
    begins_ms = int(midnight.timestamp()) * 1_000
    return begins_ms + hours["opens"], begins_ms + hours["closes"]
