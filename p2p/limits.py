"""How fast one peer may send: token buckets for each kind, messages and bytes.

A bucket fills at a steady rate up to its burst. What exceeds it is not lost: the connection stops
reading for a moment, which holds the peer back by its own full buffers (p2p/socket.py).
"""

from dataclasses import dataclass

from p2p.kinds import KIB, MIB, Kind

SECOND_MS = 1_000


@dataclass(frozen=True, slots=True)
class Rate:
    """What may come in of one kind: a second, and at once after a pause."""

    messages_per_s: int
    messages_burst: int
    bytes_per_s: int
    bytes_burst: int


# Rates leave a member's honest node room by a factor of ten. The largest message fits a burst.
DEFAULT_RATES = {
    Kind.PING: Rate(2, 10, 4 * KIB, 64 * KIB),
    Kind.PONG: Rate(2, 10, 4 * KIB, 64 * KIB),
    Kind.PEERS: Rate(1, 10, 16 * KIB, 64 * KIB),
    Kind.VOTE: Rate(4_000, 16_000, 4 * MIB, 16 * MIB),
    Kind.PROPOSAL: Rate(100, 400, 24 * MIB, 48 * MIB),
    Kind.WANT: Rate(200, 800, 4 * MIB, 24 * MIB),
    Kind.TRANSACTIONS: Rate(1_000, 4_000, 16 * MIB, 32 * MIB),
    Kind.SYNC_REQUEST: Rate(50, 200, 256 * KIB, 1 * MIB),
    Kind.SYNC: Rate(100, 400, 64 * MIB, 96 * MIB),
    Kind.BLOCK: Rate(100, 400, 24 * MIB, 48 * MIB),
}


class TokenBucket:
    """Whole tokens that come back with time; counted in thousandths."""

    __slots__ = ("_burst", "_filled_ms", "_milli", "_per_s")

    def __init__(self, per_s: int, burst: int, now_ms: int) -> None:
        """Begin full."""
        self._per_s, self._burst, self._filled_ms = per_s, burst, now_ms
        self._milli = burst * SECOND_MS

    def _fill(self, now_ms: int) -> None:
        passed_ms = max(0, now_ms - self._filled_ms)  # a clock that steps back gives nothing
        self._milli = min(self._burst * SECOND_MS, self._milli + self._per_s * passed_ms)
        self._filled_ms = now_ms

    def wait_ms(self, tokens: int, now_ms: int) -> int:
        """Return how long it takes until so many tokens are there; more than a burst need one."""
        self._fill(now_ms)
        missing = min(tokens, self._burst) * SECOND_MS - self._milli
        return max(0, -(-missing // self._per_s))

    def take(self, tokens: int) -> None:
        """Take tokens that are there; beyond a burst the bucket is left in debt."""
        self._milli -= tokens * SECOND_MS


class RateLimiter:
    """The buckets of one peer."""

    def __init__(self, now_ms: int, rates: dict[Kind, Rate] | None = None) -> None:
        """Begin with full buckets; `now_ms` is of a clock that does not jump."""
        table = {**DEFAULT_RATES, **(rates or {})}
        self._buckets = {
            kind: (
                TokenBucket(rate.messages_per_s, rate.messages_burst, now_ms),
                TokenBucket(rate.bytes_per_s, rate.bytes_burst, now_ms),
            )
            for kind, rate in table.items()
        }

    def wait_ms(self, kind: Kind, size_bytes: int, now_ms: int) -> int:
        """Return how long to wait until such a message is allowed: 0 if it is now."""
        messages, size = self._buckets[kind]
        return max(messages.wait_ms(1, now_ms), size.wait_ms(size_bytes, now_ms))

    def allow(self, kind: Kind, size_bytes: int, now_ms: int) -> bool:
        """Tell whether a message may be taken now; if so it is counted."""
        if self.wait_ms(kind, size_bytes, now_ms):
            return False
        messages, size = self._buckets[kind]
        messages.take(1)
        size.take(size_bytes)
        return True
