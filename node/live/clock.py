"""The node's clock: the machine's, moved ahead on development chains that travel in time.

On a chain whose clock is driven it stands still between one telling and the next.
"""

import time
from collections.abc import Callable


def read_wall_ms() -> int:
    """Return the machine's time, ms UTC."""
    return time.time_ns() // 1_000_000


class Clock:
    """Tells the time, ms UTC; `offset_ms` is how far ahead of the machine's it runs."""

    is_driven = False  # whether its time is nothing but what it was told

    def __init__(self, read_ms: Callable[[], int] = read_wall_ms, offset_ms: int = 0) -> None:
        """`read_ms` is asked at every reading; tests give their own."""
        self._read_ms = read_ms
        self.offset_ms = offset_ms

    def mono_ms(self) -> int:
        """Return the time since any moment of this process, which nobody sets."""
        return time.monotonic_ns() // 1_000_000

    def now_ms(self) -> int:
        """Return the time."""
        return self._read_ms() + self.offset_ms

    def travel(self, to_ms: int) -> None:
        """Move the clock so that it is `to_ms` now."""
        self.offset_ms += to_ms - self.now_ms()


class DrivenClock(Clock):
    """Stands still at the time that it was last told; only `mono_ms` goes on."""

    is_driven = True

    def __init__(self, time_ms: int) -> None:
        """Begin at a time, ms UTC."""
        super().__init__(lambda: time_ms)
