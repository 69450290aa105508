"""Simulated time: one queue of events, one source of chance, one hash of all that happened."""

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from heapq import heappop, heappush
from typing import Any, TypeVar

START_WALL_MS = 1_700_000_000_000  # what honest clocks show at the beginning
LOG_LINES_KEPT = 400

DRIFT_SCALE = 1_000_000  # drift is in parts per million

T = TypeVar("T")


@dataclass(slots=True)
class Clock:
    """What is wrong with a node's wall clock."""

    offset_ms: int = 0
    drift_ppm: int = 0
    frozen_at_ms: int | None = None

    def read(self, now_ms: int) -> int:
        """Return the wall time that this clock shows at a simulated time."""
        if self.frozen_at_ms is not None:
            return self.frozen_at_ms
        return START_WALL_MS + now_ms + self.offset_ms + now_ms * self.drift_ppm // DRIFT_SCALE


class World:
    """Runs events in order of time, then of their making; all chance comes from one seed."""

    def __init__(self, seed: int) -> None:
        """Begin at 0 ms with nothing planned."""
        self.seed = seed
        self.random = random.Random(seed)  # noqa: S311 - a simulation wants the same again
        self.now_ms = 0
        self.events_done = 0
        self._queue: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._made = 0
        self._hash = hashlib.blake2b(digest_size=16)
        self.recent: list[str] = []
        self.keeps_lines = False

    def at(self, time_ms: int, action: Callable[..., None], *arguments: Any) -> None:
        """Plan an event; one in the past happens now."""
        self._made += 1
        heappush(self._queue, (max(time_ms, self.now_ms), self._made, action, arguments))

    def after(self, wait_ms: int, action: Callable[..., None], *arguments: Any) -> None:
        """Plan an event some time from now."""
        self._made += 1
        heappush(self._queue, (self.now_ms + wait_ms, self._made, action, arguments))

    def run_until(self, time_ms: int, is_over: Callable[[], bool] = lambda: False) -> None:
        """Run events up to a time, or until `is_over` says so."""
        queue = self._queue
        while queue and queue[0][0] <= time_ms:
            self.now_ms, _order, action, arguments = heappop(queue)
            self.events_done += 1
            action(*arguments)
            if is_over():
                return
        self.now_ms = max(self.now_ms, time_ms)

    def note(self, line: str) -> None:
        """Write a line into the log, of which the hash is kept and, if asked for, the end."""
        line = f"{self.now_ms} {line}\n"
        self._hash.update(line.encode())
        if self.keeps_lines:
            self.recent.append(line)
            if len(self.recent) > 2 * LOG_LINES_KEPT:
                del self.recent[:LOG_LINES_KEPT]

    def log_hash(self) -> str:
        """Return the hash of everything noted so far, 32 hex digits."""
        return self._hash.hexdigest()

    # Chance -----------------------------------------------------------------------------------

    def chance(self, per_mille: int) -> bool:
        """Tell whether something of this likelihood happens now."""
        return per_mille > 0 and self.random.getrandbits(10) * 1_000 < per_mille * 1_024

    def between(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return self.random.randrange(low, high + 1)

    def one_of(self, items: Sequence[T]) -> T:
        """Return one of some items."""
        return items[self.random.randrange(len(items))]

    def some_of(self, items: Sequence[T], count: int) -> list[T]:
        """Return `count` different ones of some items, in chance order."""
        return self.random.sample(list(items), count)
