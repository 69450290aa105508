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


def is_open_time(node: Any, now_ms: int, zone: str) -> bool:
    """Tell whether it is opening time, or so near to it that people are there.

    A node that is no shop's serves others at any hour; a shop that named no hours may be open. Both
    count as open. `zone` is for a shop whose profile names none.
    """
    if node.sponsor is None:
        return True
    shop, register = account_of(node.sponsor), contract_by_name(node.state(), _REGISTER)
    standing = None if register is None else look(node, register, "standing", shop)
    if register is None or not standing or not standing["open_days"]:
        return True
    place = _zone(look(node, register, "profile", shop), zone)
    today = datetime.fromtimestamp(now_ms // 1_000, UTC).astimezone(place).date()
    days = [today + timedelta(days=step) for step in (-1, 0, 1)]  # hours may reach over midnight
    return any(_is_within(node, (register, shop), day, place, now_ms) for day in days)


def _zone(profile: Any, zone: str) -> ZoneInfo:
    for name in (str((profile or {}).get("zone") or zone), zone):
        try:
            return ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            continue
    return ZoneInfo("UTC")


def _is_within(
    node: Any, whose: tuple[bytes, bytes], day: date, place: ZoneInfo, now_ms: int
) -> bool:
    register, shop = whose
    hours = look(node, register, "hours_on", shop, day.weekday())
    if not hours or hours["opens"] == hours["closes"]:
        return False
    midnight = datetime(day.year, day.month, day.day, tzinfo=place)
    begins_ms = int(midnight.timestamp()) * 1_000
    opens, closes = begins_ms + hours["opens"], begins_ms + hours["closes"]
    if not opens - MARGIN_MS <= now_ms < closes + MARGIN_MS:
        return False
    return look(node, register, "closed_on", shop, day.toordinal() - _EPOCH) is not True
