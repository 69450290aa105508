"""WebSocket connections: requests in order, events beside them, nothing without a bound.

A connection is three loops. One reads: it starts each request in the order of arrival and pauses
while sixteen of them wait for something, while the client's bucket is empty, or while an answer
waits for the socket. One serves the subscriptions in turn, a message at a time, and sends pings.
Whoever sends holds the output, so a client that does not read costs one message and the buffer of
its socket, and after a minute its connection.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NoReturn

from aiohttp import WSCloseCode, WSMsgType, web

from chain.errors import PrunedError, StoreError
from node.config_sections import RpcConfig
from node.rpc.door.stream import HEARTBEAT_SECONDS, Subscription
from node.rpc.errors import RateLimitedError
from node.rpc.jsonrpc import Dispatcher
from node.rpc.registry import Call, Tier

REQUESTS_RUNNING_MAX = 16
CLOSE_SECONDS_MAX = 0.5  # for the other side to say goodbye
_OVER = {WSMsgType.CLOSE, WSMsgType.CLOSING, WSMsgType.CLOSED, WSMsgType.ERROR}

_log = logging.getLogger("washnode.rpc")


@dataclass(frozen=True, slots=True)
class Pace:
    """How patient a connection is, in seconds."""

    heartbeat: float = HEARTBEAT_SECONDS
    silence_max: float = 60.0  # with neither a message nor an answer to a ping
    stall_max: float = 60.0  # with something to send and nobody who takes it


class _OverError(Exception):
    """The connection is over; ends the loops."""


class SocketConnection:
    """One WebSocket connection, as methods and the server know it."""

    def __init__(
        self,
        request: web.Request,
        call: Callable[["SocketConnection"], Call],
        dispatcher: Dispatcher,
        *,
        config: RpcConfig,
        charge: Callable[[int], int],
        spend: Callable[[int, float], None],
        pace: Pace,
    ) -> None:
        """`charge` takes calls from the client's bucket, or returns the ms to wait for them.

        `spend` is told of calls and the seconds of work that they were.
        """
        self.id = f"{request.remote}"
        self.subscriptions: dict[str, Any] = {}
        self.config = config
        self._request, self._dispatcher = request, dispatcher
        self._charge, self._spend, self._pace = charge, spend, pace
        self._socket = web.WebSocketResponse(
            timeout=CLOSE_SECONDS_MAX,
            autoping=False,
            compress=False,
            max_msg_size=config.request_bytes_max,
        )
        self._call = call(self)
        self._output = asyncio.Lock()
        self._running = asyncio.Semaphore(REQUESTS_RUNNING_MAX)
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._heard_at = self._pinged_at = self._loop.time()
        self._is_listening = False

    # The server's side ------------------------------------------------------------------------

    async def run(self) -> web.WebSocketResponse:
        """Serve the connection until either side ends it."""
        await self._socket.prepare(self._request)
        feed = self._call.node.feed
        feed.watch(self._wake)
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._serve_subscriptions())
                await self._read(tasks)
        except* (_OverError, ConnectionError):
            pass
        except* PrunedError:
            pass  # the chain begins above its place now; it is told so when it comes back
        except* StoreError as group:
            self._call.node.fail(group.exceptions[0])
        except* Exception:  # noqa: BLE001 - logged; the others' connections go on
            _log.exception("a WebSocket connection failed")
        finally:
            feed.unwatch(self._wake)
            self.subscriptions.clear()
        await self._close(WSCloseCode.INTERNAL_ERROR)
        return self._socket

    async def close(self) -> None:
        """Say goodbye: the node stops."""
        await self._close(WSCloseCode.GOING_AWAY)

    def abort(self) -> None:
        """Cut the connection off."""
        transport = self._request.transport
        if transport is not None:
            transport.abort()

    @property
    def unacked_count(self) -> int:
        """How many events were sent and are not acknowledged."""
        return sum(len(one.unacked) for one in self.subscriptions.values())

    async def _close(self, code: int) -> None:
        if not self._socket.closed:
            try:
                async with asyncio.timeout(CLOSE_SECONDS_MAX):
                    await self._socket.close(code=code)
            except (TimeoutError, ConnectionError):
                self.abort()

    # Requests ---------------------------------------------------------------------------------

    async def _read(self, tasks: asyncio.TaskGroup) -> NoReturn:
        while True:
            self._is_listening = True
            message = await self._socket.receive()
            self._is_listening = False
            self._heard_at = self._loop.time()
            if message.type in _OVER:
                raise _OverError
            match message.type:
                case WSMsgType.TEXT:
                    await self._start(tasks, message.data.encode())
                case WSMsgType.PING:
                    async with self._output:
                        await self._patiently(self._socket.pong(message.data))
                case WSMsgType.BINARY:
                    await self._close(WSCloseCode.UNSUPPORTED_DATA)
                    raise _OverError
                case _:
                    pass

    async def _start(self, tasks: asyncio.TaskGroup, data: bytes) -> None:
        await self._running.acquire()
        while wait_ms := self._charge(1):  # noqa: ASYNC110 - a bucket tells how long, not when
            await asyncio.sleep(wait_ms / 1_000)
        async with self._output:
            pass  # what was answered before has left
        tasks.create_task(self._answer(data))

    async def _answer(self, data: bytes) -> None:
        try:
            answer = await self._dispatcher.handle(
                data,
                self._call,
                batch_max=self.config.websocket_batch_max,
                admit=self._admit,
                spend=self._spend,
            )
            if answer is not None:
                await self.send(answer)
        finally:
            self._running.release()
        for subscription in self.subscriptions.values():
            if subscription.answering is asyncio.current_task():
                subscription.answering = None
                subscription.beat_at = self._loop.time() + self._pace.heartbeat
        self._wake.set()

    def _admit(self, calls: int) -> None:
        """The first call is paid for already; the rest of a batch is taken or refused."""
        if calls > 1 and (wait_ms := self._charge(calls - 1)):
            raise RateLimitedError(wait_ms)

    # Output -----------------------------------------------------------------------------------

    async def send(self, message: bytes) -> None:
        """Send one JSON text; waits while the reader is slow."""
        async with self._output:
            await self._write(message)

    async def _write(self, message: bytes) -> None:
        await self._patiently(self._socket.send_frame(message, WSMsgType.TEXT))

    async def _patiently(self, sending: Any) -> None:
        try:
            async with asyncio.timeout(self._pace.stall_max):
                await sending
        except TimeoutError:
            self.abort()
            raise _OverError from None

    # Events -----------------------------------------------------------------------------------

    async def _serve_subscriptions(self) -> NoReturn:
        while True:
            self._wake.clear()
            again = False
            for subscription in list(self.subscriptions.values()):
                if subscription.answering is None and await self._serve(subscription):
                    again = True
                    await asyncio.sleep(0)  # others have their turn
            await self._check_life()
            if again:
                continue
            try:
                async with asyncio.timeout_at(self._next_beat()):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _serve(self, subscription: Subscription) -> bool:
        """Send what is next; returns whether there is more to do at once."""
        async with self._output:
            if self.subscriptions.get(subscription.id) is not subscription:
                return False  # it ended while another message was sent
            again: bool
            message, again = subscription.next_message(self._call.node)
            now = self._loop.time()
            if message is None and not again and now >= subscription.beat_at:
                message = subscription.heartbeat()
            if message is not None:
                subscription.beat_at = now + self._pace.heartbeat
                await self._write(message)
            return again

    def _next_beat(self) -> float:
        beats: list[float] = [
            one.beat_at for one in self.subscriptions.values() if one.answering is None
        ]
        return min([self._pinged_at + self._pace.heartbeat, *beats])

    async def _check_life(self) -> None:
        """Ping now and then; cut off who is not heard of although we listen."""
        now = self._loop.time()
        if now - self._pinged_at < self._pace.heartbeat:
            return
        if self._is_listening and now - self._heard_at > self._pace.silence_max:
            self.abort()
            raise _OverError
        self._pinged_at = now
        async with self._output:
            await self._patiently(self._socket.ping())


def make_call(node: Any, tier: Tier, *, is_near: bool) -> Callable[[SocketConnection], Call]:
    """Return what gives a connection its `Call`."""
    return lambda connection: Call(node, tier, connection, is_near=is_near)
