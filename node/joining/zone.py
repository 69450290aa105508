"""The time zone of this computer, by the name that opening hours need: a guess, to be shown."""

import os
import sys
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

DEFAULT = "Asia/Shanghai"
_LINK, _NAME = Path("/etc/localtime"), Path("/etc/timezone")
# Windows has names of its own; these are where shops of this program are likely to stand.
_OF_WINDOWS = {
    "China Standard Time": "Asia/Shanghai",
    "Taipei Standard Time": "Asia/Taipei",
    "Singapore Standard Time": "Asia/Singapore",
    "SE Asia Standard Time": "Asia/Bangkok",
    "Tokyo Standard Time": "Asia/Tokyo",
    "Korea Standard Time": "Asia/Seoul",
    "India Standard Time": "Asia/Kolkata",
    "W. Europe Standard Time": "Europe/Berlin",
    "Romance Standard Time": "Europe/Paris",
    "GMT Standard Time": "Europe/London",
    "Eastern Standard Time": "America/New_York",
    "Pacific Standard Time": "America/Los_Angeles",
}


def is_zone(name: str) -> bool:
    """Tell whether this machine knows a time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def zone_here() -> str:
    """Return the name of this computer's time zone; servers without one are taken as in China."""
    for name in (os.environ.get("TZ", "").removeprefix(":"), _of_windows(), _linked(), _written()):
        if name and is_zone(name) and ZoneInfo(name).key not in _NO_PLACE:
            return name
    return DEFAULT


_NO_PLACE = {"UTC", "Etc/UTC", "Etc/UCT", "UCT", "Etc/GMT", "GMT", "Zulu", "Etc/Zulu"}


def _of_windows() -> str:
    name = ""
    if sys.platform == "win32":
        import winreg  # noqa: PLC0415 - of Windows alone

        path = r"SYSTEM\CurrentControlSet\Control\TimeZoneInformation"
        with suppress(OSError), winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, path) as key:
            name = str(winreg.QueryValueEx(key, "TimeZoneKeyName")[0])
    return _OF_WINDOWS.get(name.partition("\0")[0], "")


def _linked() -> str:
    try:
        return _LINK.resolve().as_posix().partition("zoneinfo/")[2]
    except OSError:
        return ""


def _written() -> str:
    try:
        return _NAME.read_text("utf-8", errors="replace").strip()[:64]
    except OSError:
        return ""


def offset_ms(zone: str, at_ms: int) -> int:
    """Return how far a zone's clocks are ahead of UTC at a time."""
    span = datetime.fromtimestamp(at_ms // 1_000, ZoneInfo(zone)).utcoffset()
    assert span is not None, "a zone has an offset at every time"
    return (span.days * 86_400 + span.seconds) * 1_000
