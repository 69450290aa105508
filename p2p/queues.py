"""What waits to be sent to one peer: the most urgent first, bounded in bytes.

When there is no room, messages are dropped and counted: sync before transactions, these before
proposals, these before votes, these before control; within one priority the oldest. Nothing more
urgent than the new message is dropped for it. A message whose first frame is on its way stays.
"""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from p2p.kinds import KIB, MIB, Kind, Priority, priority_of
from p2p.session import Session

OVERHEAD_BYTES = 128  # what a queued message costs beyond its payload: many empty ones are bounded

_PRIORITY_BYTES_MAX = {
    Priority.CONTROL: 256 * KIB,
    Priority.VOTES: 4 * MIB,
    Priority.PROPOSALS: 25 * MIB,  # two of the largest
    Priority.TRANSACTIONS: 4 * MIB,
    Priority.SYNC: 25 * MIB,  # one of the largest
}
_ALL_BYTES_MAX = 40 * MIB


@dataclass(frozen=True, slots=True)
class QueueLimits:
    """Bounds of a queue, overhead included."""

    priority_bytes_max: dict[Priority, int] = field(
        default_factory=lambda: dict(_PRIORITY_BYTES_MAX)
    )
    all_bytes_max: int = _ALL_BYTES_MAX


class SendQueue:
    """Messages for one peer that have not been begun."""

    def __init__(self, limits: QueueLimits | None = None) -> None:
        """Begin empty."""
        self._limits = limits or QueueLimits()
        self._waiting: dict[Priority, deque[tuple[Kind, bytes]]] = {
            priority: deque() for priority in Priority
        }
        self._bytes: Counter[Priority] = Counter()
        self.dropped: Counter[Kind] = Counter()

    def __len__(self) -> int:
        """Return how many messages wait."""
        return sum(map(len, self._waiting.values()))

    def size_bytes(self) -> int:
        """Return how many bytes wait, overhead included."""
        return sum(self._bytes.values())

    def put(self, kind: Kind, payload: bytes) -> None:
        """Let a message wait; it, or others, may be dropped for want of room."""
        priority, cost = priority_of(kind), len(payload) + OVERHEAD_BYTES
        most = min(self._limits.priority_bytes_max[priority], self._limits.all_bytes_max)
        if cost > most or not self._has_room_beside_more_urgent(priority, cost):
            self.dropped[kind] += 1
            return
        while self._bytes[priority] + cost > self._limits.priority_bytes_max[priority]:
            self._drop_oldest(priority)
        while self.size_bytes() + cost > self._limits.all_bytes_max:
            self._drop_oldest(max(one for one in Priority if self._waiting[one]))
        self._waiting[priority].append((kind, payload))
        self._bytes[priority] += cost

    def _has_room_beside_more_urgent(self, priority: Priority, cost: int) -> bool:
        above = sum(size for one, size in self._bytes.items() if one < priority)
        return above + cost <= self._limits.all_bytes_max

    def _drop_oldest(self, priority: Priority) -> None:
        kind, _payload = self._take(priority)
        self.dropped[kind] += 1

    def _take(self, priority: Priority) -> tuple[Kind, bytes]:
        kind, payload = self._waiting[priority].popleft()
        self._bytes[priority] -= len(payload) + OVERHEAD_BYTES
        return kind, payload

    def urgency(self) -> Priority | None:
        """Return the priority of what `next` would give."""
        return next((one for one in Priority if self._waiting[one]), None)

    def next(self) -> tuple[Kind, bytes] | None:
        """Return the oldest of the most urgent messages and forget it; None if none waits."""
        priority = self.urgency()
        return None if priority is None else self._take(priority)

    def clear(self) -> None:
        """Forget all that waits."""
        for waiting in self._waiting.values():
            waiting.clear()
        self._bytes.clear()


class Outbox:
    """Frames in the order in which they go out: after each one, whatever is most urgent then.

    At most one message of each priority is begun at a time.
    """

    def __init__(self, session: Session, queue: SendQueue) -> None:
        """Seal with `session` what waits in `queue`."""
        self._session, self._queue = session, queue
        self._begun: dict[Priority, tuple[Kind, Iterator[bytes]]] = {}
        self.sent: Counter[Kind] = Counter()  # messages that were begun
        self.sent_bytes: Counter[Kind] = Counter()  # frames

    def next_frame(self) -> bytes | None:
        """Return the next frame, sealed now, so it must be sent now; None if nothing waits."""
        while True:
            waiting = self._queue.urgency()
            if waiting is not None and waiting < min(self._begun, default=len(Priority)):
                self._begin()
            if not self._begun:
                return None
            priority = min(self._begun)
            kind, frames = self._begun[priority]
            frame = next(frames, None)
            if frame is not None:
                self.sent_bytes[kind] += len(frame)
                return frame
            del self._begun[priority]

    def _begin(self) -> None:
        message = self._queue.next()
        assert message is not None
        kind, payload = message
        self._begun[priority_of(kind)] = kind, self._session.frames(kind, payload)
        self.sent[kind] += 1
