"""Times and lengths of time as tests write them: 2h, 2026-01-05T10:00+08:00, or ms."""

import re
from datetime import datetime

from node.workbench.failures import WorkbenchError

_UNITS_MS = {"d": 86_400_000, "h": 3_600_000, "m": 60_000, "s": 1_000, "ms": 1}
_PART = re.compile(r"([0-9]{1,12})(ms|d|h|m|s)")
_WHOLE = re.compile(r"(?:[0-9]{1,12}(?:ms|d|h|m|s))+")
_EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")


def read_duration(given: int | str) -> int:
    """Return ms; raises WorkbenchError for what is no length of time."""
    if type(given) is int and given >= 0:
        return given
    if isinstance(given, str) and _WHOLE.fullmatch(given):
        return sum(int(number) * _UNITS_MS[unit] for number, unit in _PART.findall(given))
    text = f"{given!r} is no length of time; write it like 2h, 1d12h or 90m, or in ms"
    raise WorkbenchError(text)


def read_time(given: int | str) -> int:
    """Return ms since 1970; a text without an offset is UTC. Raises WorkbenchError."""
    if type(given) is int and given >= 0:
        return given
    try:
        found = datetime.fromisoformat(str(given))
    except ValueError as error:
        text = f"{given!r} is no time; write it like 2026-01-05T10:00+08:00, or in ms since 1970"
        raise WorkbenchError(text) from error
    if found.tzinfo is None:
        found = found.replace(tzinfo=_EPOCH.tzinfo)
    elapsed = found - _EPOCH
    return (elapsed.days * 86_400 + elapsed.seconds) * 1_000 + elapsed.microseconds // 1_000
