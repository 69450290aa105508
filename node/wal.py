"""The vote log: records that must be on disk before a vote is used. Append-only, checksummed.

A record is `length u32 | CRC-32 u32 | bytes`, big-endian. A torn tail is cut off at opening: its
vote never left. After a commit the log begins anew, since the store then speaks for that height.
"""

import os
import zlib
from pathlib import Path

from chain.errors import StoreError

RECORD_BYTES_MAX = 16 * 1024 * 1024
_HEAD_BYTES = 8


class VoteLog:
    """The log in one file; `sync` waits for the disk at every record."""

    def __init__(self, path: Path, *, sync: bool = True) -> None:
        """Open or make the log; raises StoreError if a record before the last is damaged."""
        self._sync = sync
        self._file = path.open("a+b")
        self.records = self._recover(path)

    def _recover(self, path: Path) -> list[bytes]:
        self._file.seek(0)
        data = self._file.read()
        records: list[bytes] = []
        at = 0
        while at + _HEAD_BYTES <= len(data):
            length = int.from_bytes(data[at : at + 4], "big")
            body = data[at + _HEAD_BYTES : at + _HEAD_BYTES + length]
            whole = len(body) == length
            if not whole or zlib.crc32(body) != int.from_bytes(data[at + 4 : at + 8], "big"):
                if whole and at + _HEAD_BYTES + length < len(data):
                    text = f"vote log {path}: record at byte {at} is damaged; rejoin as observer"
                    raise StoreError(text)
                break
            records.append(body)
            at += _HEAD_BYTES + length
        self._file.truncate(at)
        self._file.seek(at)
        return records

    def append(self, record: bytes) -> None:
        """Write one record and wait until it is on disk."""
        assert len(record) <= RECORD_BYTES_MAX, len(record)
        head = len(record).to_bytes(4, "big") + zlib.crc32(record).to_bytes(4, "big")
        self._file.write(head + record)
        self._file.flush()
        if self._sync:
            os.fsync(self._file.fileno())

    def begin_height(self) -> None:
        """Begin anew after a commit."""
        self._file.seek(0)
        self._file.truncate(0)
        self.records = []

    def close(self) -> None:
        """Close the file."""
        self._file.close()
