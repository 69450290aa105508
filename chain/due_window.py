"""The earliest part of the queue of what falls due, in memory.

Every block asks what is due and when the next thing is. Asking the disk would pass over the marks
of all entries deleted before, so the first few thousand entries are kept sorted here and follow
every commit.
"""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable

LOADED = 4_096  # entries read at once when the window is empty
KEPT_MAX = 4 * LOADED  # beyond this the later half is left to the disk again

Pairs = list[tuple[bytes, bytes]]


class DueWindow:
    """Answers scans of the queue; `load(start, stop, limit)` reads the committed queue itself."""

    def __init__(
        self, load: Callable[[bytes, bytes, int], Pairs], start: bytes, stop: bytes
    ) -> None:
        """Begin empty; the queue's keys are those of start <= key < stop."""
        self._load, self._start, self._stop = load, start, stop
        self._keys: list[bytes] = []
        self._values: dict[bytes, bytes] = {}
        self._end = start  # keys below it are all here; nothing is known of the others

    def scan(self, start: bytes, stop: bytes, limit: int) -> Pairs:
        """Return at most `limit` pairs of start <= key < stop, in order."""
        if not self._keys and self._end < self._stop:
            self._fill()
        keys = self._keys
        first = bisect_left(keys, start)
        last = min(bisect_left(keys, stop, first), first + limit)
        if last - first < limit and self._end < stop:
            return self._load(start, stop, limit)
        return [(key, self._values[key]) for key in keys[first:last]]

    def _fill(self) -> None:
        pairs = self._load(self._end, self._stop, LOADED)
        self._values = dict(pairs)
        self._keys = [key for key, _ in pairs]
        self._end = self._stop if len(pairs) < LOADED else self._keys[-1] + b"\0"

    def apply(self, changes: Iterable[tuple[bytes, bytes | None]]) -> None:
        """Follow the queue's part of a commit that is on disk."""
        keys, values, end = self._keys, self._values, self._end
        for key, value in changes:
            if key >= end:
                continue
            if value is not None:
                if key not in values:
                    insort(keys, key)
                values[key] = value
            elif values.pop(key, None) is not None:
                del keys[bisect_left(keys, key)]
        if len(keys) > KEPT_MAX:
            self._end = keys[LOADED]
            for key in keys[LOADED:]:
                del values[key]
            del keys[LOADED:]

    def clear(self) -> None:
        """Forget everything: the state was written anew."""
        self._keys, self._values, self._end = [], {}, self._start
