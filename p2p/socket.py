"""Dialling and answering peers over WebSocket: the one module with sockets.

`dial` and `accept` do the handshake and return a Connection; who calls them must await its `run`,
also after `close`.
"""

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from typing import NoReturn, TypeAlias

import aiohttp
from aiohttp import web

from p2p.connection import Connection, EndedError, OnClosed, OnMessage, Timings
from p2p.errors import (
    DialError,
    ForgedFrameError,
    HandshakeError,
    LostConnectionError,
    MalformedFrameError,
    MessageTooLargeError,
    SessionError,
    SilentPeerError,
    SlowPeerError,
    TooFastError,
)
from p2p.kinds import KIB, Kind
from p2p.limits import Rate
from p2p.queues import QueueLimits
from p2p.session import Established, Session
from p2p.urls import check_url

WEBSOCKET_BYTES_MAX = 80 * KIB  # a frame of ours has at most 64 KiB and 19 bytes
REASON_BYTES_MAX = 123  # RFC 6455, 5.5
FLUSH_STEP_MS = 10


class _DialedSocket(aiohttp.ClientWebSocketResponse):
    """The dialling side's socket, with its transport at hand."""

    @property
    def transport(self) -> asyncio.Transport | None:
        return self._conn.transport if self._conn is not None else None


Socket: TypeAlias = aiohttp.ClientWebSocketResponse | web.WebSocketResponse


def _close_code(error: SessionError | None) -> int:
    if isinstance(error, MessageTooLargeError):
        return aiohttp.WSCloseCode.MESSAGE_TOO_BIG
    if isinstance(error, MalformedFrameError | ForgedFrameError):
        return aiohttp.WSCloseCode.PROTOCOL_ERROR
    if isinstance(error, HandshakeError | TooFastError):
        return aiohttp.WSCloseCode.POLICY_VIOLATION
    return aiohttp.WSCloseCode.OK if error is None else aiohttp.WSCloseCode.GOING_AWAY


def _close_reason(error: SessionError | None) -> str:
    # The name alone: what was seen and expected is no business of a stranger.
    return type(error).__name__.removesuffix("Error") if error else ""


# A TLS transport of asyncio that is closed twice has forgotten its protocol, and then raises
# AttributeError from whatever it is asked.


def _unsent_bytes(transport: asyncio.Transport | None) -> int:
    with contextlib.suppress(AttributeError):
        return transport.get_write_buffer_size() if transport is not None else 0
    return 0


def _abort(transport: asyncio.Transport | None) -> None:
    with contextlib.suppress(AttributeError):
        if transport is not None:
            transport.abort()


class _Link:
    """One WebSocket, either side's, that carries frames of bytes and nothing else."""

    def __init__(
        self,
        socket: Socket,
        transport: asyncio.Transport | None,
        client: aiohttp.ClientSession | None,
        timings: Timings,
    ) -> None:
        self._socket, self._transport, self._client = socket, transport, client
        self._timings = timings
        peer = transport.get_extra_info("peername") if transport else None
        self.address = str(peer[0]) if isinstance(peer, tuple) and peer else ""
        self.closed_by_peer: tuple[int, str] | None = None

    async def receive(self) -> bytes:
        while True:
            message = await self._socket.receive()
            match message.type:
                case aiohttp.WSMsgType.BINARY:
                    return bytes(message.data)
                case aiohttp.WSMsgType.PING:  # of a proxy between us
                    await self._answer_ping(message.data)
                case aiohttp.WSMsgType.PONG:
                    continue
                case _:
                    self._end(message)

    async def _answer_ping(self, data: bytes) -> None:
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            await self._socket.pong(data)

    def _end(self, message: aiohttp.WSMessage) -> NoReturn:
        if message.type is aiohttp.WSMsgType.TEXT:
            text = "a frame of text; frames are binary"
            raise MalformedFrameError(text)
        if message.type is aiohttp.WSMsgType.CLOSE:
            reason = "".join(char for char in message.extra or "" if " " <= char <= "~")
            self.closed_by_peer = int(message.data or 1005), reason[:REASON_BYTES_MAX]
            raise EndedError
        fault = message.data
        if isinstance(fault, aiohttp.WebSocketError):
            if fault.code == aiohttp.WSCloseCode.MESSAGE_TOO_BIG:
                most = WEBSOCKET_BYTES_MAX
                raise MessageTooLargeError("a WebSocket message", maximum=most, found=most + 1)
            raise MalformedFrameError(f"broken WebSocket framing: {str(fault)[:80]}")
        text = "the connection broke; it is dialled again"
        raise LostConnectionError(text)

    async def send(self, frame: bytes) -> None:
        try:
            await self._socket.send_bytes(frame)
        except (aiohttp.ClientError, OSError, RuntimeError) as error:
            raise LostConnectionError(f"the connection broke while sending: {error}") from error

    async def close(self, error: SessionError | None, reason: str) -> None:
        """Say good-bye if the peer listens, but leave nothing behind if it does not."""
        code, transport = _close_code(error), self._transport
        text = (reason or _close_reason(error)).encode()[:REASON_BYTES_MAX]
        is_deaf = isinstance(error, SlowPeerError | LostConnectionError)
        if is_deaf:
            _abort(transport)
        try:
            with contextlib.suppress(TimeoutError, OSError, aiohttp.ClientError, RuntimeError):
                async with asyncio.timeout(self._timings.close_ms / 1_000):
                    await self._socket.close(code=code, message=text)
                    for _ in range(self._timings.close_ms // FLUSH_STEP_MS):
                        if not _unsent_bytes(transport):
                            break
                        await asyncio.sleep(FLUSH_STEP_MS / 1_000)
        finally:
            _abort(transport)
            if self._client is not None:
                await self._client.close()


async def _shake_hands(link: _Link, session: Session, timings: Timings) -> None:
    """Bring a session about, or close the link and raise why not."""
    error: SessionError | None = None
    try:
        async with asyncio.timeout(timings.handshake_ms / 1_000):
            for frame in session.begin():
                await link.send(frame)
            while session.peer is None:
                events = session.receive(await link.receive())
                assert all(isinstance(event, Established) for event in events)
                for frame in session.take_frames():
                    await link.send(frame)
    except TimeoutError:
        error = SilentPeerError(timings.handshake_ms)
    except EndedError:
        code, reason = link.closed_by_peer or (0, "")
        error = LostConnectionError(f"the peer closed during the handshake: {code} {reason}")
    except SessionError as fault:
        error = fault
    except BaseException:
        await link.close(None, "")
        raise
    if error is not None:
        await link.close(error, "")
        raise error


async def _refuse_redirects(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    response = await handler(request)
    if 300 <= response.status < 400:  # noqa: PLR2004 - the class of HTTP's redirections
        # A told URL must not lead on to addresses that were never checked.
        response.close()
        text = f"it redirects ({response.status})"
        raise aiohttp.ClientError(text)
    return response


async def _connect(url: str, times: Timings, ssl_context: ssl.SSLContext | None) -> _Link:
    client = aiohttp.ClientSession(
        ws_response_class=_DialedSocket,
        cookie_jar=aiohttp.DummyCookieJar(),
        middlewares=(_refuse_redirects,),
    )
    try:
        async with asyncio.timeout(times.connect_ms / 1_000):
            socket = await client.ws_connect(
                url,
                max_msg_size=WEBSOCKET_BYTES_MAX,
                autoping=False,
                ssl=ssl_context or True,
                timeout=aiohttp.ClientWSTimeout(ws_close=times.close_ms / 1_000),
            )
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        await client.close()
        raise DialError(url, str(error)[:200] or type(error).__name__) from error
    except BaseException:
        await client.close()
        raise
    assert isinstance(socket, _DialedSocket)
    return _Link(socket, socket.transport, client, times)


async def dial(
    url: str,
    session: Session,
    *,
    on_message: OnMessage,
    on_closed: OnClosed,
    wall_ms: Callable[[], int],
    timings: Timings | None = None,
    ssl_context: ssl.SSLContext | None = None,
    queue_limits: QueueLimits | None = None,
    rates: dict[Kind, Rate] | None = None,
) -> Connection:
    """Connect to the node at a URL; return a connection whose `run` must be awaited.

    Raises BadAddressError, DialError if no node answers there, or another SessionError.
    """
    times = timings or Timings()
    link = await _connect(check_url(url), times, ssl_context)
    await _shake_hands(link, session, times)
    return Connection(
        link,
        session,
        is_dialer=True,
        on_message=on_message,
        on_closed=on_closed,
        wall_ms=wall_ms,
        timings=times,
        queue_limits=queue_limits,
        rates=rates,
    )


def make_response(timings: Timings | None = None) -> web.WebSocketResponse:
    """Return the answer to a request for /p2p, to be given to `accept` and then returned."""
    return web.WebSocketResponse(
        timeout=(timings or Timings()).close_ms / 1_000,
        max_msg_size=WEBSOCKET_BYTES_MAX,
        autoping=False,
        compress=False,
    )


async def accept(
    request: web.Request,
    session: Session,
    *,
    on_message: OnMessage,
    on_closed: OnClosed,
    wall_ms: Callable[[], int],
    response: web.WebSocketResponse | None = None,
    timings: Timings | None = None,
    queue_limits: QueueLimits | None = None,
    rates: dict[Kind, Rate] | None = None,
) -> Connection:
    """Answer a peer that dialled; return a connection whose `run` must be awaited.

    The request's handler must stay until `run` is over and return `response` (of `make_response`),
    also when this raises a SessionError. A request that is no WebSocket raises web.HTTPException.
    """
    times = timings or Timings()
    socket = response if response is not None else make_response(times)
    await socket.prepare(request)
    link = _Link(socket, request.transport, None, times)
    await _shake_hands(link, session, times)
    return Connection(
        link,
        session,
        is_dialer=False,
        on_message=on_message,
        on_closed=on_closed,
        wall_ms=wall_ms,
        timings=times,
        queue_limits=queue_limits,
        rates=rates,
    )
