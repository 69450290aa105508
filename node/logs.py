"""Logs: one JSON object a line for programs, one short line for people at a terminal."""

import json
import logging
import sys
from contextlib import suppress
from pathlib import Path
from time import gmtime, strftime
from typing import IO, Any

from node.log_files import LogFile
from node.terminal import escape_controls

_OWN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class JsonFormatter(logging.Formatter):
    """One line of JSON: time (ISO 8601, UTC), level, logger, text, and the record's own facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line: dict[str, Any] = {
            "time": _iso(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "text": record.getMessage(),
        }
        line |= {name: value for name, value in vars(record).items() if name not in _OWN}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=True, default=str)


class LineFormatter(logging.Formatter):
    """One line for people; a trace follows where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line; what others wrote can not steer the terminal."""
        facts = " ".join(f"{k}={v}" for k, v in vars(record).items() if k not in _OWN)
        text = f"{_iso(record)[11:19]} {record.levelname.lower():8}{record.getMessage()}"
        line = escape_controls(f"{text} {facts}" if facts else text)
        if not record.exc_info:
            return line
        trace = self.formatException(record.exc_info).split("\n")
        return "\n".join([line, *map(escape_controls, trace)])


def _iso(record: logging.LogRecord) -> str:
    seconds, milliseconds = divmod(int(record.created * 1_000), 1_000)
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(seconds))}.{milliseconds:03d}Z"


def set_up_logs(
    level: str,
    stream: IO[str] | None = None,
    *,
    data: Path | None = None,
    only_errors_shown: bool = False,
) -> None:
    """Send the logs of level `level` (debug, info, warning, error) and above to `stream`.

    The default is standard error; where that is a terminal, lines are for people. With a data
    folder `data` they are also kept in its files; then `only_errors_shown` may spare the stream.
    """
    target = sys.stderr if stream is None else stream
    handlers: list[logging.Handler] = [logging.StreamHandler(target)]
    handlers[0].setFormatter(LineFormatter() if target.isatty() else JsonFormatter())
    if data is not None:
        with suppress(OSError):  # a folder that can not be written is refused with its own words
            handlers.append(LogFile(data))
            handlers[1].setFormatter(JsonFormatter())
            handlers[0].setLevel(logging.ERROR if only_errors_shown else logging.NOTSET)
    root = logging.getLogger()
    for before in root.handlers:
        if isinstance(before, LogFile):
            before.close()
    root.handlers[:] = handlers
    root.setLevel(level.upper())
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
    logging.getLogger("asyncio").setLevel(logging.WARNING)
