"""The outbox: what clients of this node sent, on disk until it is final or over.

A shop's PC is off at night and its line may be down for days. What it took stays here and is sent
again, across restarts, until a block has it or none can have it any more. One file of checksummed
records (`node/storage/wal.py`): `+` and signed bytes, `-` and ids. Writes are not waited for: they
outlive the process, not a power cut in the same second; nobody was told that they are final.
"""

import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import IO

from chain.errors import MalformedBytesError
from chain.transaction import read_transaction
from node.files import move_over
from node.storage.disk import disk_faults
from node.storage.wal import frame, parse_log

OUTBOX_BYTES_MAX = 64 * 1024 * 1024  # of what is kept; beyond, it waits in memory only
_GROWN_BYTES = 4 * 1024 * 1024  # a file longer than this and twice what it holds is made anew
_ID_BYTES = 32


class Outbox:
    """Transactions of this node's own clients, by id."""

    def __init__(self, path: Path | None) -> None:
        """Read the file, if there is one: all of it that is whole. Raises StoreError.

        Without a path nothing outlives the process.
        """
        self._path = path
        self._kept: dict[bytes, bytes] = {}
        self._bytes = 0  # of what is kept
        self._file: IO[bytes] | None = None
        if path is not None:
            with disk_faults(path.parent):
                data = path.read_bytes() if path.exists() else b""
            for record in parse_log(data)[0]:
                self._replay(record)
            self._begin(path)

    def _replay(self, record: bytes) -> None:
        if record[:1] == b"+":
            with suppress(MalformedBytesError):
                self._keep(read_transaction(record[1:]).tx_id, record[1:])
        else:
            for at in range(1, len(record), _ID_BYTES):
                self._drop(record[at : at + _ID_BYTES])

    def _keep(self, tx_id: bytes, data: bytes) -> None:
        if tx_id not in self._kept:
            self._kept[tx_id] = data
            self._bytes += len(data)

    def _drop(self, tx_id: bytes) -> bool:
        data = self._kept.pop(tx_id, None)
        self._bytes -= 0 if data is None else len(data)
        return data is not None

    def _begin(self, path: Path) -> None:
        """Put a file with what is kept in the place of the old one."""
        fresh = path.with_name(path.name + ".new")
        with disk_faults(path.parent):
            with fresh.open("wb") as file:
                for data in self._kept.values():
                    file.write(frame(b"+" + data))
                file.flush()
                os.fsync(file.fileno())
            move_over(fresh, path)
            self._file = path.open("ab", buffering=0)

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._kept)

    def __iter__(self) -> Iterator[bytes]:
        """Yield signed bytes, in the order in which they came."""
        return iter(list(self._kept.values()))

    def ids(self) -> list[bytes]:
        """Return the ids of what is kept, in the order in which they came."""
        return list(self._kept)

    def __contains__(self, tx_id: bytes) -> bool:
        """Tell whether a transaction is kept."""
        return tx_id in self._kept

    def add(self, tx_id: bytes, data: bytes) -> None:
        """Keep a transaction; raises StoreError if the disk refuses."""
        if tx_id in self._kept or self._bytes + len(data) > OUTBOX_BYTES_MAX:
            return
        self._write(b"+" + data)
        self._keep(tx_id, data)

    def remove(self, tx_ids: list[bytes]) -> None:
        """Forget transactions that are final or over; unknown ones are no matter."""
        gone = [one for one in tx_ids if self._drop(one)]
        if gone and self._path is not None and self._file is not None:
            self._write(b"-" + b"".join(gone))
            length = self._file.tell()
            if length > _GROWN_BYTES and length > 2 * self._bytes:
                self.close()
                self._begin(self._path)

    def _write(self, record: bytes) -> None:
        if self._path is not None and self._file is not None:
            with disk_faults(self._path.parent):
                self._file.write(frame(record))

    def close(self) -> None:
        """Close the file; what it has stays."""
        if self._file is not None:
            self._file.close()
            self._file = None
