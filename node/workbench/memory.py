"""The committed state of a world in memory."""

from bisect import bisect_left, insort
from collections.abc import Mapping


class Memory:
    """State as a dict, its keys also in order; serves as reader of `chain.state.State`."""

    def __init__(self) -> None:
        self._values: dict[bytes, bytes] = {}
        self._keys: list[bytes] = []

    def get(self, key: bytes) -> bytes | None:
        """Return the value at a key, or None."""
        return self._values.get(key)

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Return at most `limit` pairs with start <= key < stop, in key order."""
        first, last = bisect_left(self._keys, start), bisect_left(self._keys, stop)
        return [(key, self._values[key]) for key in self._keys[first : min(last, first + limit)]]

    def apply(self, changes: Mapping[bytes, bytes | None]) -> None:
        """Take the changes of a call."""
        for key, value in changes.items():
            there = key in self._values
            if value is not None:
                self._values[key] = value
                if not there:
                    insort(self._keys, key)
            elif there:
                del self._values[key]
                del self._keys[bisect_left(self._keys, key)]

    def values(self) -> dict[bytes, bytes]:
        """Return all keys with their values."""
        return dict(self._values)

    def copy(self) -> "Memory":
        """Return a state that goes on from here by itself."""
        other = Memory()
        other._values, other._keys = dict(self._values), list(self._keys)
        return other
