"""Days of a shop's own calendar. Pure."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError


def is_zone(name: str) -> bool:
    """Tell whether this machine knows a time zone of that name."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return bool(name)


class Calendar:
    """Days in one zone."""

    def __init__(self, zone: str) -> None:
        self.zone = zone
        self._info = ZoneInfo(zone)

    def begins(self, day: date) -> int:
        """Return when a day begins, ms UTC."""
        return int(datetime(day.year, day.month, day.day, tzinfo=self._info).timestamp()) * 1_000

    def ends(self, day: date) -> int:
        """Return when the day after begins; a day may have 23 or 25 hours."""
        return self.begins(day + timedelta(days=1))

    def local(self, time_ms: int) -> datetime:
        """Return a time as the shop's clock shows it."""
        return datetime.fromtimestamp(time_ms // 1_000, UTC).astimezone(self._info)

    def day(self, time_ms: int) -> date:
        """Return the day of a time."""
        return self.local(time_ms).date()
