"""The outbox: what clients of this node sent, on disk until a block has it or a person let it go.

A shop's PC is off at night and its line may be down for days. What it took stays here and is sent
again, across restarts, until a block has it. What no block can have any more stays as well, with
the reason, until it is signed again (`node/live/renewals.py`) or dropped by hand. One file of
checksummed records (`node/storage/wal.py`). Writes are waited for while the line is down: nobody
else has those bytes. Else they outlive the process, not a power cut in the same second.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Literal, TypeAlias, get_args

from chain.errors import MalformedBytesError
from chain.transaction import read_transaction
from node.files import move_over
from node.storage.disk import disk_faults
from node.storage.wal import frame, parse_log

OUTBOX_BYTES_MAX = 64 * 1024 * 1024  # of what is kept; beyond, it waits in memory only
OVER_MAX = 2_000  # kept though they are over; the oldest are forgotten first
RENEWED_MAX = 10_000  # remembered pairs of old and new; likewise
_GROWN_BYTES = 4 * 1024 * 1024  # a file longer than this and twice what it holds is made anew
_ID_BYTES, _TIME_BYTES, _CODE_BYTES = 32, 8, 4

# expired: proven to be in no block, now or ever. refused: its place in any block is taken, or its
# sender may not. failed: in a block, which changed nothing. unclear: over, and the blocks that
# would tell are not kept here.
Fate: TypeAlias = Literal["expired", "refused", "failed", "unclear"]
FATES: tuple[Fate, ...] = get_args(Fate)


@dataclass(frozen=True, slots=True)
class Kept:
    """A transaction that is kept: since when (ms; 0 if that is not known), what became of it."""

    tx_id: bytes
    data: bytes
    since_ms: int
    fate: Fate | None = None
    code: int = 0
    text: str = ""


class Outbox:
    """Transactions of this node's own clients, by id: those that wait, and those that are over."""

    def __init__(
        self, path: Path | None, stamp: Callable[[], tuple[int, bool]] = lambda: (0, False)
    ) -> None:
        """Read the file, if there is one: all of it that is whole. Raises StoreError.

        Without a path nothing outlives the process. `stamp` returns the time, ms, and whether to
        wait until what is added now is on the disk.
        """
        self._path, self._stamp = path, stamp
        self._kept: dict[bytes, Kept] = {}
        self._over: dict[bytes, Kept] = {}
        self._renewed: dict[bytes, bytes] = {}
        self._bytes = 0  # of what is kept
        self._file: IO[bytes] | None = None
        if path is not None:
            with disk_faults(path.parent):
                data = path.read_bytes() if path.exists() else b""
            for record in parse_log(data)[0]:
                with suppress(MalformedBytesError, ValueError, IndexError):
                    self._replay(record[:1], record[1:])
            self._begin(path)

    # The file -----------------------------------------------------------------------------------

    def _replay(self, kind: bytes, rest: bytes) -> None:
        if kind == b"+":  # of earlier versions: no time
            self._keep(_read(rest, 0))
        elif kind == b"@":
            self._keep(_read(rest[_TIME_BYTES:], int.from_bytes(rest[:_TIME_BYTES], "big")))
        elif kind == b"!":
            tx_id, rest = rest[:_ID_BYTES], rest[_ID_BYTES:]
            code = int.from_bytes(rest[1 : 1 + _CODE_BYTES], "big", signed=True)
            self._end(tx_id, FATES[rest[0]], code, rest[1 + _CODE_BYTES :].decode())
        elif kind == b"~":
            old, since, data = _split_renewal(rest)
            self._renew(old, _read(data, since))
        elif kind == b"=":
            self._remember(rest[:_ID_BYTES], rest[_ID_BYTES:])
        else:
            for at in range(0, len(rest), _ID_BYTES):
                self._drop(rest[at : at + _ID_BYTES])

    def _begin(self, path: Path) -> None:
        """Put a file with what is kept in the place of the old one."""
        fresh = path.with_name(path.name + ".new")
        with disk_faults(path.parent):
            with fresh.open("wb") as file:
                for old, new in self._renewed.items():
                    file.write(frame(b"=" + old + new))
                for one in (*self._over.values(), *self._kept.values()):
                    file.write(frame(_kept_record(one)))
                    if one.fate is not None:
                        file.write(frame(_end_record(one)))
                file.flush()
                os.fsync(file.fileno())
            move_over(fresh, path)
            self._file = path.open("ab", buffering=0)

    def _write(self, record: bytes, *, is_synced: bool = False) -> None:
        if self._path is not None and self._file is not None:
            with disk_faults(self._path.parent):
                self._file.write(frame(record))
                if is_synced:
                    os.fsync(self._file.fileno())

    def _tidy(self) -> None:
        if self._path is not None and self._file is not None:
            length = self._file.tell()
            if length > _GROWN_BYTES and length > 2 * self._bytes:
                self.close()
                self._begin(self._path)

    def close(self) -> None:
        """Close the file; what it has stays."""
        if self._file is not None:
            self._file.close()
            self._file = None

    # In memory ----------------------------------------------------------------------------------

    def _keep(self, kept: Kept) -> None:
        if kept.tx_id not in self._kept:
            self._drop(kept.tx_id)
            self._kept[kept.tx_id] = kept
            self._bytes += len(kept.data)

    def _drop(self, tx_id: bytes) -> bool:
        kept = self._kept.pop(tx_id, None) or self._over.pop(tx_id, None)
        self._bytes -= 0 if kept is None else len(kept.data)
        return kept is not None

    def _end(self, tx_id: bytes, fate: Fate, code: int, text: str) -> Kept | None:
        kept = self._kept.pop(tx_id, None) or self._over.pop(tx_id, None)
        if kept is None:
            return None
        over = self._over[tx_id] = replace(kept, fate=fate, code=code, text=text)
        while len(self._over) > OVER_MAX:
            self._drop(next(iter(self._over)))
        return over

    def _renew(self, old: bytes, new: Kept) -> None:
        self._drop(old)
        self._keep(new)
        self._remember(old, new.tx_id)

    def _remember(self, old: bytes, new: bytes) -> None:
        self._renewed[old] = new
        if len(self._renewed) > RENEWED_MAX:
            del self._renewed[next(iter(self._renewed))]

    # What waits ---------------------------------------------------------------------------------

    def __len__(self) -> int:
        """Return how many wait."""
        return len(self._kept)

    def __iter__(self) -> Iterator[bytes]:
        """Yield the signed bytes of what waits, in the order in which they came."""
        return iter([one.data for one in self._kept.values()])

    def ids(self) -> list[bytes]:
        """Return the ids of what waits, in the order in which they came."""
        return list(self._kept)

    def __contains__(self, tx_id: bytes) -> bool:
        """Tell whether a transaction waits."""
        return tx_id in self._kept

    def waiting(self) -> list[Kept]:
        """Return what waits, in the order in which it came."""
        return list(self._kept.values())

    def over(self) -> list[Kept]:
        """Return what is over and was neither signed again nor dropped, the oldest first."""
        return list(self._over.values())

    def find(self, tx_id: bytes) -> Kept | None:
        """Return a transaction that is kept, be it over or not, or None."""
        return self._kept.get(tx_id) or self._over.get(tx_id)

    def renewed_as(self, tx_id: bytes) -> bytes | None:
        """Return the id under which a transaction was signed again, or None."""
        return self._renewed.get(tx_id)

    # Changes: each raises StoreError if the disk refuses it -------------------------------------

    def add(self, tx_id: bytes, data: bytes) -> None:
        """Keep a transaction."""
        if tx_id in self._kept or self._bytes + len(data) > OUTBOX_BYTES_MAX:
            return
        now_ms, is_synced = self._stamp()
        kept = Kept(tx_id, data, now_ms)
        self._write(_kept_record(kept), is_synced=is_synced)
        self._keep(kept)

    def end(self, tx_id: bytes, fate: Fate, code: int = 0, text: str = "") -> None:
        """Send a transaction no more, and say why; one that is not kept is no matter."""
        over = self._end(tx_id, fate, code, text)
        if over is not None:
            self._write(_end_record(over))

    def renew(self, old: bytes, new: bytes, data: bytes) -> None:
        """Let what was signed again take the place of what is over: on the disk, both or none."""
        over = self._over[old]
        self._write(b"~" + old + _time(over.since_ms) + data, is_synced=True)
        self._renew(old, Kept(new, data, over.since_ms))

    def forget_over(self) -> None:
        """Forget what is over, and what was signed again."""
        self.remove(list(self._over))
        self._renewed.clear()

    def remove(self, tx_ids: list[bytes]) -> None:
        """Forget what blocks have or a person let go; unknown ids are no matter."""
        gone = [one for one in tx_ids if self._drop(one)]
        if gone:
            self._write(b"-" + b"".join(gone))
            self._tidy()


def _time(time_ms: int) -> bytes:
    return time_ms.to_bytes(_TIME_BYTES, "big")


def _read(data: bytes, since_ms: int) -> Kept:
    return Kept(read_transaction(data).tx_id, data, since_ms)


def _kept_record(kept: Kept) -> bytes:
    return b"@" + _time(kept.since_ms) + kept.data


def _end_record(over: Kept) -> bytes:
    assert over.fate is not None, "it is over"
    fate, code = (
        bytes([FATES.index(over.fate)]),
        over.code.to_bytes(_CODE_BYTES, "big", signed=True),
    )
    return b"!" + over.tx_id + fate + code + over.text.encode()


def _split_renewal(rest: bytes) -> tuple[bytes, int, bytes]:
    old, rest = rest[:_ID_BYTES], rest[_ID_BYTES:]
    return old, int.from_bytes(rest[:_TIME_BYTES], "big"), rest[_TIME_BYTES:]
