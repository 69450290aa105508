"""Bytes under keys on disk that can be destroyed: LevelDB for what a node keeps beside its chain.

Beside `chain/store.py` the only door to leveldb. LevelDB deletes by writing that something is gone;
the bytes stay in its files until these are merged. `destroy` merges them.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from chain.leveldb import leveldb
from chain.store_faults import find_fault

WRITE_BUFFER_BYTES = 4 * 1024 * 1024
_LAST = b"\xff" * 64  # after every key that a beginning is followed by


class ByteStore:
    """Keys and values in a folder, in the order of their keys."""

    def __init__(self, path: str) -> None:
        """Open the store in folder `path`, or make it. Raises StoreError."""
        self._path = path
        try:
            self._db = leveldb.DB(
                path,
                create_if_missing=True,
                paranoid_checks=True,
                write_buffer_size=WRITE_BUFFER_BYTES,
                compression=None,  # sealed bytes, which do not shrink
            )
        except (leveldb.Error, OSError) as error:
            raise find_fault(error, path, "open") from error

    def get(self, key: bytes) -> bytes | None:
        """Return the value of a key, or None."""
        try:
            value: bytes | None = self._db.get(key, verify_checksums=True)
        except leveldb.Error as error:
            raise find_fault(error, self._path, "read") from error
        return value

    def write(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Write values (None: delete), all or nothing; they are on disk when this returns."""
        batch = self._db.write_batch(sync=True)
        for key, value in changes.items():
            if value is None:
                batch.delete(key)
            else:
                batch.put(key, value)
        try:
            batch.write()
        except leveldb.Error as error:
            raise find_fault(error, self._path, "write") from error

    def scan(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield the pairs of start <= key < stop in order."""
        yield from self._walk(start=start, stop=stop)

    def keys(self, start: bytes, stop: bytes) -> Iterator[bytes]:
        """Yield the keys of start <= key < stop in order."""
        yield from self._walk(start=start, stop=stop, include_value=False)

    def _walk(self, **bounds: Any) -> Iterator[Any]:
        try:
            with self._db.iterator(verify_checksums=True, **bounds) as found:
                yield from found
        except leveldb.Error as error:
            raise find_fault(error, self._path, "read") from error

    def destroy(self, prefix: bytes) -> None:
        """Delete what has this beginning so that no file of the store has its values any more.

        May be done again after a stop in the middle. The first merge may only move a value that was
        written just now, together with its deletion, from the log into a table. Deletions at both
        ends of the range meet that table in the second merge.
        """
        stop = prefix + _LAST
        for _ in range(2):
            doomed = list(self.keys(prefix, stop))
            self.write(dict.fromkeys([prefix, *doomed, stop]))
            self._db.compact_range(start=prefix, stop=stop)

    def close(self) -> None:
        """Close the store."""
        self._db.close()
