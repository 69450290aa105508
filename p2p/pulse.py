"""Round-trip time and offset of a peer's clock, from pings: the arithmetic of NTP (RFC 5905, 8).

Each is the median of the newest samples, so that one delayed packet, or one lie, moves it little.
Times between sending and hearing are taken from a clock that never jumps; offsets from the clock on
the wall. A peer's times are its own word: they can bend the offset, never the round-trip time below
zero.
"""

from collections import deque

from p2p.messages import Ping, Pong

SAMPLES_MAX = 9
PENDING_MAX = 8  # pings without an answer; the oldest are given up
NUMBER_MAX = 2**32 - 1


def median(samples: deque[int]) -> int | None:
    """Return the middle one of the samples (the lower of two), or None if there are none."""
    return sorted(samples)[(len(samples) - 1) // 2] if samples else None


class Pulse:
    """The pings of one connection."""

    def __init__(self) -> None:
        """Begin without samples."""
        self._pending: dict[int, tuple[int, int]] = {}
        self._number = 0
        self._round_trips: deque[int] = deque(maxlen=SAMPLES_MAX)
        self._offsets: deque[int] = deque(maxlen=SAMPLES_MAX)

    def ping(self, wall_ms: int, mono_ms: int) -> Ping:
        """Return the next ping, sent at these times of the two clocks."""
        self._number = self._number % NUMBER_MAX + 1
        self._pending[self._number] = wall_ms, mono_ms
        if len(self._pending) > PENDING_MAX:
            del self._pending[next(iter(self._pending))]
        return Ping(self._number, wall_ms)

    def note_pong(self, pong: Pong, wall_ms: int, mono_ms: int) -> bool:
        """Take an answer that came in at these times; False if nobody asked for it."""
        sent = self._pending.pop(pong.number, None)
        if sent is None:
            return False
        sent_wall_ms, sent_mono_ms = sent
        elapsed_ms = max(0, mono_ms - sent_mono_ms)
        held_ms = min(max(0, pong.sent_ms - pong.received_ms), elapsed_ms)
        self._round_trips.append(elapsed_ms - held_ms)
        there, back = pong.received_ms - sent_wall_ms, pong.sent_ms - wall_ms
        self._offsets.append((there + back) // 2)
        return True

    @property
    def round_trip_ms(self) -> int | None:
        """The median time to the peer and back, without the time it held the ping."""
        return median(self._round_trips)

    @property
    def clock_offset_ms(self) -> int | None:
        """How far the peer's clock is ahead of ours, by median; negative if behind."""
        return median(self._offsets)
