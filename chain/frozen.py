"""A store as it was at one moment, for copies and snapshots."""

from collections.abc import Callable, Iterator
from typing import Any

from chain.state import QUEUE_PREFIX
from chain.tables import Table

OPEN_KEY = Table.META.value + b"open"  # stands in a store while it is open
_STATE = Table.STATE.value


class Frozen:
    """A store as it was at one moment."""

    def __init__(self, source: Any, walk: Callable[..., Iterator[Any]]) -> None:
        self._source, self._walk = source, walk

    def state_entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield every leaf of the state, (key, value) in key order."""
        for key, value in self._walk(self._source, start=_STATE, stop=_STATE + QUEUE_PREFIX):
            yield key[1:], value

    def entries(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield everything, (key with its table's prefix, value), but the mark of being open."""
        for key, value in self._walk(self._source):
            if key != OPEN_KEY:
                yield key, value

    def close(self) -> None:
        """Let the store forget what it kept for this."""
        self._source.close()
