"""The vote log: what must be on the disk before a vote leaves. Append-only, checksummed.

A record is `length u32 | CRC-32 of the length u32 | CRC-32 of the bytes u32 | bytes`, big-endian,
and holds all entries of one write, so they are there together or not at all. A power cut may leave
the last one short, or with zeros where the disk wrote nothing: its vote never left, it is cut off.
Anything else that can not be read is damage. Then nobody knows what was signed, and the node only
follows until that does not matter any more (`consensus/rejoin.py`).
"""

import os
import shutil
import zlib
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO, Annotated, Literal, Protocol, TypeAlias

from chain.codec import AtMost, decode, encode, wire
from chain.errors import MalformedBytesError
from consensus import HeaderEntry, LogEntry, Recovered, StateEntry, recover
from node.files import move_over
from node.storage.disk import disk_faults
from node.storage.folder import sync_folder

RECORD_BYTES_MAX = 64 * 1024 * 1024
LOG_BYTES_MAX = 8 * 1024 * 1024  # above this the log is written anew at the next commit
SECTOR_BYTES = 512  # a disk writes a sector whole or not at all
LogCondition: TypeAlias = Literal["good", "distrusted", "damaged", "missing"]
_HEAD_BYTES = 12
_ENTRIES_MAX = 16  # a header, the blocks of a round's votes and locks, a state

_ALONE = "this node makes no blocks; if no copy of it runs elsewhere, move votes.log away and start"
_AMONG_OTHERS = "this node follows, and votes again by itself once that is safe"


@wire()
@dataclass(frozen=True, slots=True)
class _Record:
    entries: Annotated[tuple[LogEntry, ...], AtMost(_ENTRIES_MAX)]


def frame(record: bytes) -> bytes:
    """Return the bytes that a record has in the file."""
    assert len(record) <= RECORD_BYTES_MAX, len(record)
    length = len(record).to_bytes(4, "big")
    return b"".join((length, _checksum(length), _checksum(record), record))


def parse_log(data: bytes) -> tuple[list[bytes], int, str | None]:
    """Return the records of a file, how many bytes they take, and what is damaged, or None.

    What a power cut left of the last record is no damage: the file ends before it.
    """
    records: list[bytes] = []
    at = 0
    while at < len(data):
        end = _find_end(data, at)
        if end is None or not _is_good(data, at, end):
            damage = f"its record at byte {at} is damaged"
            return records, at, None if _is_torn(data, at, end) else damage
        records.append(data[at + _HEAD_BYTES : end])
        at = end
    return records, at, None


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def _find_end(data: bytes, at: int) -> int | None:
    """Return where the record at a place ends; None where its length can not be read."""
    if at + _HEAD_BYTES > len(data) or data[at + 4 : at + 8] != _checksum(data[at : at + 4]):
        return None
    return at + _HEAD_BYTES + int.from_bytes(data[at : at + 4], "big")


def _is_good(data: bytes, at: int, end: int) -> bool:
    body = data[at + _HEAD_BYTES : end]
    return end <= len(data) and data[at + 8 : at + _HEAD_BYTES] == _checksum(body)


def _is_torn(data: bytes, at: int, end: int | None) -> bool:
    """Tell whether a write that was cut off explains the unreadable record at a place.

    Only a last record can be one. It is short, or a sector of it was never written and reads as
    zeros; without its length, that must be all that follows.
    """
    if at + _HEAD_BYTES > len(data) or (end is not None and end > len(data)):
        return True
    next_sector = (at // SECTOR_BYTES + 1) * SECTOR_BYTES
    if end is None:
        begins = next_sector if next_sector < at + _HEAD_BYTES else at
        return not any(data[at:]) or not any(data[begins:])
    if any(data[end:]):
        return False
    edges = [at, *range(next_sector, end, SECTOR_BYTES), end]
    return any(not any(data[low:high]) for low, high in pairwise(edges))


class VoteRecords(Protocol):
    """Where a driver writes what binds its validator."""

    def append(self, entries: tuple[LogEntry, ...]) -> None:
        """Write entries and wait until they are safe."""

    def committed(self) -> None:
        """Look whether there is something to tidy: a block was stored."""


class NoLog:
    """For chains that are thrown away: remembers nothing."""

    def append(self, entries: tuple[LogEntry, ...]) -> None:
        """Do nothing."""

    def committed(self) -> None:
        """Do nothing."""


class VoteLog:
    """The log in one file; `sync` waits for the disk at every record."""

    def __init__(self, path: Path, chain_id: bytes, *, sync: bool = True) -> None:
        """Read the file, if there is one; `recovered` makes it ready."""
        self._path, self._chain_id, self._sync = path, chain_id, sync
        self._file: IO[bytes] | None = None
        self.reread()

    def reread(self) -> None:
        """Read the file anew, all that it says: the chain beside it is at another height now."""
        self.close()
        self._entries: list[LogEntry] = []
        self._damage: str | None = None
        self._bytes = 0  # of the file that are good
        self._header = HeaderEntry(self._chain_id)
        self._state: StateEntry | None = None
        with disk_faults(self._path.parent):
            try:
                data = self._path.read_bytes()
            except FileNotFoundError:
                self._damage = "missing"
            else:
                self._read(data)

    def _read(self, data: bytes) -> None:
        records, self._bytes, damage = parse_log(data)
        try:
            for record in records:
                self._note(decode(_Record, record).entries)
                self._entries += decode(_Record, record).entries
        except MalformedBytesError as error:
            damage = f"one of its records is none: {error}"
        if not data:
            damage = "it is empty"
        self._damage = None if damage is None else f"damaged: {damage}"

    def _note(self, entries: tuple[LogEntry, ...]) -> None:
        for entry in entries:
            if isinstance(entry, HeaderEntry):
                self._header = entry
            elif isinstance(entry, StateEntry):
                self._state = entry

    @property
    def condition(self) -> LogCondition:
        """What the log is worth; distrusted: it is well, but says that an earlier one was lost."""
        if self._file is None and self._damage is not None:
            return "missing" if self._damage == "missing" else "damaged"
        return "good" if self._header.distrust is None else "distrusted"

    @property
    def size_bytes(self) -> int:
        """How long the good part of the file is."""
        return self._bytes

    @property
    def height(self) -> int:
        """The newest height that the log speaks of, 0 if of none."""
        return 0 if self._state is None else self._state.height

    def recovered(self, head_height: int, *, is_alone: bool = False, epoch: int = 0) -> Recovered:
        """Return what the log says about the height after the head, and get ready to append.

        A log that can not be trusted stays as it is until the first append, which keeps it under
        another name. `is_alone`: there is no other validator, so nobody holds votes that a missing
        log forgot. `epoch` is that of the next height's validators.
        """
        is_new = self._damage == "missing" and (is_alone or head_height == 0)
        if is_new:
            self._begin((HeaderEntry(self._chain_id),))
            return Recovered()
        damage, found = self._damage, Recovered()
        if damage is None:
            found = recover(self._entries, self._chain_id, head_height, epoch)
            damage = found.damage
            if damage is not None and damage != self._header.distrust:
                self._damage = f"of no use: {damage}"
        if damage is None or damage == self._header.distrust:
            self._go_on()
            return found
        advice = _ALONE if is_alone else _AMONG_OTHERS
        return Recovered(damage=f"votes.log is {self._damage}; {advice}")

    def _go_on(self) -> None:
        """Open the good part of the file to append to it."""
        if self._file is None:
            with disk_faults(self._path.parent):
                self._file = self._path.open("r+b")
                self._file.truncate(self._bytes)
                self._file.seek(self._bytes)

    def _begin(self, entries: tuple[LogEntry, ...]) -> None:
        """Put a new log in the place of what there is, at once and for good."""
        data = frame(encode(_Record(entries)))
        fresh = self._path.with_name(self._path.name + ".new")
        self.close()
        with disk_faults(self._path.parent):
            with fresh.open("wb") as file:
                file.write(data)
                file.flush()
                if self._sync:
                    os.fsync(file.fileno())
            move_over(fresh, self._path)
            if self._sync:
                sync_folder(self._path.parent)
        self._note(entries)
        self._entries, self._bytes, self._damage = list(entries), len(data), None
        self._go_on()

    def append(self, entries: tuple[LogEntry, ...]) -> None:
        """Write entries in one record and wait until it is on disk."""
        if self._file is None:
            self._begin_after_damage(entries)
            return
        data = frame(encode(_Record(entries)))
        with disk_faults(self._path.parent):
            self._file.write(data)
            self._file.flush()
            if self._sync:
                os.fsync(self._file.fileno())
        self._bytes += len(data)
        self._note(entries)

    def _begin_after_damage(self, entries: tuple[LogEntry, ...]) -> None:
        if not isinstance(entries[0], HeaderEntry):
            entries = (HeaderEntry(self._chain_id, self._damage), *entries)
        if self._path.exists():
            number = 1
            while (kept := self._path.with_name(f"{self._path.name}.damaged-{number}")).exists():
                number += 1
            with disk_faults(self._path.parent):
                shutil.copyfile(self._path, kept)
        self._begin(entries)

    def committed(self) -> None:
        """Write a log that has grown long anew: the store speaks for what it said."""
        self._entries = []
        if self._bytes > LOG_BYTES_MAX and self._file is not None:
            self._begin((self._header,) if self._state is None else (self._header, self._state))

    def begin(self, distrust: str | None = None, epoch: int = 0) -> None:
        """Begin anew, in the place of what there is, for a chain that was brought back.

        `distrust` says why nobody knows what this node signed in epochs up to `epoch`: it observes
        then, until that does not matter any more. None: nothing was signed that could matter.
        """
        self._state = None
        self._begin((HeaderEntry(self._chain_id, distrust, epoch=epoch),))

    def forget(self) -> None:
        """Begin anew: a development chain goes back to an earlier height."""
        self._state = None
        self._begin((HeaderEntry(self._chain_id),))

    def close(self) -> None:
        """Close the file; a record that found no room on the disk is given up."""
        if self._file is not None:
            with suppress(OSError):
                self._file.close()
            self._file = None
