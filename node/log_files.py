"""The log in the data folder: lines of JSON in a few files that take turns, and reading them.

    logs/node.log       what is told now
    logs/node.log.1     what was told before, up to node.log.4

A reader holds no file open: Windows would refuse to let the files take their turns. It knows a file
by how its first line begins.
"""

import logging
import os
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

FOLDER_NAME, FILE_NAME = "logs", "node.log"
FILE_BYTES_MAX = 8 * 1024 * 1024  # months of an idle shop, hours of a node in trouble
OLDER_FILES = 4
_READ_BYTES = 64 * 1024
_LINE_BYTES_MAX = 1024 * 1024
_MARK_BYTES = 48  # the time to the millisecond and how bad it was; two files never begin alike


class LogFile(RotatingFileHandler):
    """Writes the log of a data folder, for its owner's eyes only.

    Trouble with the disk is the node's to tell, not the log's: what can not be written is dropped.
    """

    def __init__(self, data: Path, *, bytes_max: int = FILE_BYTES_MAX) -> None:
        folder = data / FOLDER_NAME
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        super().__init__(
            folder / FILE_NAME, maxBytes=bytes_max, backupCount=OLDER_FILES, encoding="utf-8"
        )

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding="utf-8", opener=_open_private)

    def doRollover(self) -> None:  # noqa: N802 - so the library names it
        """Let the next file have its turn; where somebody holds one, this one grows meanwhile."""
        try:
            super().doRollover()
        except OSError:
            self.stream = self._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Drop the line: a second trouble would hide the first."""


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def has_log(data: Path) -> bool:
    """Tell whether a node ever wrote a log in a data folder."""
    return any(path.is_file() for path in _paths(data))


def _paths(data: Path) -> list[Path]:
    """Return where the log's files are, the newest first."""
    newest = data / FOLDER_NAME / FILE_NAME
    older = [newest.with_name(f"{FILE_NAME}.{n}") for n in range(1, OLDER_FILES + 1)]
    return [newest, *older]


# Reading ----------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Place:
    """Up to where a reader came: in which file, by how it begins, and how many of its bytes."""

    mark: bytes = b""
    offset: int = 0


class LogReader:
    """Reads the log of a data folder: its last lines, then what comes."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._place = _Place()

    def last(self, count: int) -> list[str]:
        """Return the last `count` lines, and go on behind them."""
        found: list[bytes] = []
        for path in _paths(self._data):
            if len(found) >= count and self._place.mark:
                break
            with suppress(OSError), path.open("rb") as file:
                mark, end = _mark_of(file), _end_of_lines(file)
                if not self._place.mark:
                    self._place = _Place(mark, end)
                found = [*_lines_before(file, end, count - len(found)), *found]
        return [_text(line) for line in found]

    def more(self) -> Iterator[str]:
        """Yield the whole lines that came since, also those that were written before a turn."""
        with ExitStack() as opened:
            for mark, file in reversed(self._unread(opened)):
                if mark != self._place.mark:
                    self._place = _Place(mark)
                file.seek(self._place.offset)
                while line := file.readline(_LINE_BYTES_MAX):
                    if not line.endswith(b"\n") and len(line) < _LINE_BYTES_MAX:
                        break  # it is being written
                    self._place.offset += len(line)
                    yield _text(line)

    def _unread(self, opened: ExitStack) -> list[tuple[bytes, IO[bytes]]]:
        """Return the files that have what was not read, the newest first, and how they begin."""
        found: list[tuple[bytes, IO[bytes]]] = []
        for path in _paths(self._data):
            try:
                file = opened.enter_context(path.open("rb"))
            except FileNotFoundError:
                continue
            except OSError:
                return []  # the files are taking turns; it can be read in a moment
            mark = _mark_of(file)
            if mark and mark not in [one for one, _ in found]:  # it may move while we look
                found.append((mark, file))
            if mark and mark == self._place.mark:
                break
        return found


def _mark_of(file: IO[bytes]) -> bytes:
    """Return how a file begins; empty where there is too little to tell it by."""
    file.seek(0)
    mark = file.read(_MARK_BYTES)
    return mark if len(mark) == _MARK_BYTES else b""


def _end_of_lines(file: IO[bytes]) -> int:
    """Return where the last whole line of a file ends."""
    end = file.seek(0, os.SEEK_END)
    start = max(0, end - _LINE_BYTES_MAX)
    file.seek(start)
    return start + file.read(end - start).rfind(b"\n") + 1


def _lines_before(file: IO[bytes], end: int, count: int) -> list[bytes]:
    """Return the last `count` lines before a place; it reads no more of the file than it must."""
    read, start, step = b"", end, _READ_BYTES
    while start and read.count(b"\n") <= count and count > 0:
        start = max(0, start - step)
        file.seek(start)
        read, step = file.read(end - start), 2 * step
    lines = read.splitlines(keepends=True) if count > 0 else []
    whole = lines if start == 0 else lines[1:]
    return whole[-count:]


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace").rstrip("\r\n")
