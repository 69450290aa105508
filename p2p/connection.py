"""A session over a link: the tasks that read, write and watch one peer.

`Connection.run` reads, writes and watches until either side closes, and awaits all that it started.
Everything that could grow is bounded: what waits to be sent by the SendQueue, what comes in by its
rates. A peer that is too fast is not read for a moment; one that is silent, or takes nothing, is
given up.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from chain.codec import decode, encode
from chain.errors import MalformedBytesError
from p2p.errors import (
    MalformedFrameError,
    SessionError,
    SilentPeerError,
    SlowPeerError,
    TooFastError,
)
from p2p.kinds import Kind
from p2p.limits import Rate, RateLimiter, TokenBucket
from p2p.messages import Ping, Pong
from p2p.pulse import Pulse
from p2p.queues import Outbox, QueueLimits, SendQueue
from p2p.session import MessageReceived, Session

# Beyond 10 s at once, or a fifth of the time, holding a peer back does not help: it is given up.
HELD_PER_S_MS, HELD_BURST_MS = 200, 10_000
HOLD_MS_MAX = 1_000


@dataclass(frozen=True, slots=True)
class Timings:
    """How long a connection waits for what."""

    connect_ms: int = 10_000
    handshake_ms: int = 5_000
    ping_ms: int = 5_000
    silent_ms: int = 20_000
    stuck_ms: int = 20_000
    close_ms: int = 2_000


class EndedError(Exception):
    """The connection was closed by either side, without a fault."""


class Link(Protocol):
    """What carries frames, and can be closed."""

    address: str
    closed_by_peer: tuple[int, str] | None

    async def receive(self) -> bytes:
        """Return the next frame; raises EndedError when the peer closed, or SessionError."""

    async def send(self, frame: bytes) -> None:
        """Send a frame; waits while the peer takes nothing."""

    async def close(self, error: SessionError | None, reason: str) -> None:
        """Close, within a bounded time and whatever the peer does."""


class Connection:
    """A session over a socket. Counters and medians may be read at any time."""

    def __init__(
        self,
        link: Link,
        session: Session,
        *,
        is_dialer: bool,
        on_message: "OnMessage",
        on_closed: "OnClosed",
        wall_ms: Callable[[], int],
        timings: Timings,
        queue_limits: QueueLimits | None,
        rates: dict[Kind, Rate] | None,
    ) -> None:
        """Made by `dial` and `accept` of p2p.socket, after the handshake."""
        self._link, self._session, self._timings = link, session, timings
        self._on_message, self._on_closed, self._wall_ms = on_message, on_closed, wall_ms
        self._loop = asyncio.get_running_loop()
        self._pulse = Pulse()
        self._limiter = RateLimiter(self._mono_ms(), rates)
        self._holding = TokenBucket(HELD_PER_S_MS, HELD_BURST_MS, self._mono_ms())
        self._wake, self._closing = asyncio.Event(), asyncio.Event()
        self._reason = ""
        self._heard_ms = self._mono_ms()
        self._writing_since_ms: int | None = None
        self.queue = SendQueue(queue_limits)
        self._outbox = Outbox(session, self.queue)
        peer = session.peer
        assert peer is not None
        self.peer, self.is_dialer, self.address = peer, is_dialer, link.address
        self.received: Counter[Kind] = Counter()  # messages
        self.received_bytes: Counter[Kind] = Counter()
        self.held_ms = 0  # how long this peer was not read because it was too fast

    @property
    def round_trip_ms(self) -> int | None:
        """Median time to the peer and back; None before the first answer."""
        return self._pulse.round_trip_ms

    @property
    def clock_offset_ms(self) -> int | None:
        """Median of how far the peer's clock is ahead of ours; None before the first answer."""
        return self._pulse.clock_offset_ms

    @property
    def sent(self) -> Counter[Kind]:
        """Messages whose sending began, by kind."""
        return self._outbox.sent

    @property
    def sent_bytes(self) -> Counter[Kind]:
        """Bytes of the frames sent, by kind."""
        return self._outbox.sent_bytes

    @property
    def dropped(self) -> Counter[Kind]:
        """Messages that found no room in the queue, by kind."""
        return self.queue.dropped

    @property
    def closed_by_peer(self) -> tuple[int, str] | None:
        """Code and reason that the peer gave when it closed; None if it did not."""
        return self._link.closed_by_peer

    def send(self, kind: Kind, payload: bytes) -> None:
        """Let a message wait for its turn; never blocks, and drops by the rules of SendQueue."""
        if not self._closing.is_set():
            self.queue.put(kind, payload)
            self._wake.set()

    def close(self, reason: str = "") -> None:
        """Ask `run` to end; the peer is told the reason, at most 123 bytes."""
        self._reason = self._reason or reason
        self._closing.set()

    async def run(self) -> None:
        """Read, write and watch until the connection ends; then tell `on_closed` why.

        Ends without an exception whatever the peer does; what the callbacks raise comes through.
        """
        error: SessionError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._read())
                tasks.create_task(self._write())
                tasks.create_task(self._watch())
        except* EndedError:
            pass
        except* SessionError as group:
            error = next(one for one in group.exceptions if isinstance(one, SessionError))
        finally:
            self._closing.set()
            self.queue.clear()
            try:
                await self._link.close(error, self._reason)
            finally:
                self._on_closed(self, error)

    async def _read(self) -> None:
        while True:
            frame = await self._link.receive()
            self._heard_ms = self._mono_ms()
            for event in self._session.receive(frame):
                if isinstance(event, MessageReceived):
                    await self._hold_back(event.kind, len(event.payload))
                    self._take(event.kind, event.payload)

    async def _hold_back(self, kind: Kind, size_bytes: int) -> None:
        """Wait until the rates allow a message. The peer's frames wait meanwhile in its buffers."""
        while not self._limiter.allow(kind, size_bytes, self._mono_ms()):
            now_ms = self._mono_ms()
            pause_ms = min(HOLD_MS_MAX, self._limiter.wait_ms(kind, size_bytes, now_ms))
            if self._holding.wait_ms(pause_ms, now_ms):
                raise TooFastError(kind, self.held_ms)
            self._holding.take(pause_ms)
            self.held_ms += pause_ms
            await asyncio.sleep(pause_ms / 1_000)
            self._heard_ms = self._mono_ms()  # it is not the peer who is silent

    def _take(self, kind: Kind, payload: bytes) -> None:
        self.received[kind] += 1
        self.received_bytes[kind] += len(payload)
        if kind not in {Kind.PING, Kind.PONG}:
            self._on_message(self, kind, payload)
            return
        try:
            if kind is Kind.PING:
                ping, now_ms = decode(Ping, payload), self._wall_ms()
                self.send(Kind.PONG, encode(Pong(ping.number, now_ms, now_ms)))
            else:
                self._pulse.note_pong(decode(Pong, payload), self._wall_ms(), self._mono_ms())
        except MalformedBytesError as error:
            raise MalformedFrameError(f"a message of kind {kind.name}: {error}") from error

    async def _write(self) -> None:
        while True:
            frame = self._outbox.next_frame()
            if frame is None:
                self._wake.clear()
                await self._wake.wait()
                continue
            self._writing_since_ms = self._mono_ms()
            await self._link.send(frame)
            self._writing_since_ms = None

    async def _watch(self) -> None:
        """Send pings; end the connection when the peer is silent or takes nothing."""
        times = self._timings
        tick_s = min(times.ping_ms, times.silent_ms, times.stuck_ms, 4_000) / 4_000
        ping_due_ms = self._mono_ms()
        while True:
            now_ms = self._mono_ms()
            if now_ms >= ping_due_ms:
                ping_due_ms = now_ms + times.ping_ms
                self.send(Kind.PING, encode(self._pulse.ping(self._wall_ms(), now_ms)))
            if now_ms - self._heard_ms >= times.silent_ms:
                raise SilentPeerError(now_ms - self._heard_ms)
            began_ms = self._writing_since_ms
            if began_ms is not None and now_ms - began_ms >= times.stuck_ms:
                raise SlowPeerError(now_ms - began_ms)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(tick_s):
                    await self._closing.wait()
                raise EndedError

    def _mono_ms(self) -> int:
        return int(self._loop.time() * 1_000)


OnMessage: TypeAlias = Callable[[Connection, Kind, bytes], None]
OnClosed: TypeAlias = Callable[[Connection, SessionError | None], None]
