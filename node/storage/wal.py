"""The vote log: records that must be on disk before a vote is used. Append-only, checksummed.

A record is `length u32 | CRC-32 of the length u32 | CRC-32 of the bytes u32 | bytes`, big-endian. A
torn tail, zeros included, is cut off at opening: its vote never left. The length has a checksum of
its own, so that a damaged one does not pass for the end. After a commit the log begins anew, since
the store then speaks for that height.
"""

import os
import zlib
from contextlib import suppress
from pathlib import Path

from chain.errors import StoreError
from node.storage.disk import disk_faults
from node.storage.folder import sync_folder

RECORD_BYTES_MAX = 16 * 1024 * 1024
_HEAD_BYTES = 12


def _checksum(data: bytes) -> bytes:
    return zlib.crc32(data).to_bytes(4, "big")


def _head(record: bytes) -> bytes:
    length = len(record).to_bytes(4, "big")
    return length + _checksum(length) + _checksum(record)


class VoteLog:
    """The log in one file; `sync` waits for the disk at every record."""

    def __init__(self, path: Path, *, sync: bool = True) -> None:
        """Open or make the log; raises StoreError if a record before the last is damaged."""
        self._sync, self._folder = sync, path.parent
        with disk_faults(self._folder):
            self._file = path.open("a+b")
            try:
                self.records = self._recover(path)
                if sync:  # a new file's name too: a vote in a file that is gone is forgotten
                    sync_folder(path.parent)
            except (StoreError, OSError):
                self.close()
                raise

    def _recover(self, path: Path) -> list[bytes]:
        self._file.seek(0)
        data = self._file.read()
        records: list[bytes] = []
        at = 0
        while at + _HEAD_BYTES <= len(data):
            length = int.from_bytes(data[at : at + 4], "big")
            end = at + _HEAD_BYTES + length
            body = data[at + _HEAD_BYTES : end]
            if data[at : at + _HEAD_BYTES] != _head(body) or end > len(data):
                is_length = data[at + 4 : at + 8] == _checksum(data[at : at + 4])
                is_tail = end >= len(data) if is_length else not any(data[at:])
                if not is_tail:
                    text = f"vote log {path}: record at byte {at} is damaged; rejoin as observer"
                    raise StoreError(text)
                break
            records.append(body)
            at = end
        self._file.truncate(at)
        self._file.seek(at)
        return records

    def append(self, record: bytes) -> None:
        """Write one record and wait until it is on disk."""
        assert len(record) <= RECORD_BYTES_MAX, len(record)
        with disk_faults(self._folder):
            self._file.write(_head(record) + record)
            self._file.flush()
            if self._sync:
                os.fsync(self._file.fileno())

    def begin_height(self) -> None:
        """Begin anew after a commit."""
        with disk_faults(self._folder):
            self._file.seek(0)
            self._file.truncate(0)
        self.records = []

    def close(self) -> None:
        """Close the file; a record that found no room on the disk is given up."""
        with suppress(OSError):
            self._file.close()
