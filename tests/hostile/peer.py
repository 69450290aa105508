"""A peer that speaks the protocol as far as a test wants, and breaks it where the test says."""

import asyncio
import contextlib
import secrets
import socket
from collections.abc import Callable, Iterator
from typing import Any, Self

import aiohttp

from chain.codec import decode, encode
from chain.crypto import Signer
from node.net.messages import AnyMessage, pack, unpack
from p2p import About, Kind, MessageReceived, NodeRole, Session
from p2p.messages import Ping, Pong

ABOUT = About("washnode/0", NodeRole.FULL, "", 0)
PATIENCE_S = 8.0
NARROW_BYTES = 4_096


async def until(is_so: Callable[[], bool]) -> None:
    """Wait until something is so; fails after a while."""
    async with asyncio.timeout(PATIENCE_S):
        while not is_so():  # noqa: ASYNC110 - anything may make it so
            await asyncio.sleep(0.005)


class Peer:
    """One WebSocket to a node. `closed` is what the node said when it closed, or None."""

    def __init__(self, port: int, address: str = "127.0.0.1", *, is_narrow: bool = False) -> None:
        self._port, self._address, self._is_narrow = port, address, is_narrow
        self.heard: list[tuple[Kind, bytes]] = []
        self.frames: list[bytes] = []  # everything the node sent, as it came
        self.closed: tuple[int, str] | None = None
        self.session: Session | None = None
        self._pongs: set[int] = set()
        self._reading: asyncio.Task[None] | None = None
        self._stack = contextlib.AsyncExitStack()

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(socket_factory=self._make_socket)
        client = await self._stack.enter_async_context(aiohttp.ClientSession(connector=connector))
        url = f"ws://127.0.0.1:{self._port}/p2p"
        timeout = aiohttp.ClientWSTimeout(ws_close=0.5)
        try:
            self.ws = await client.ws_connect(url, autoping=False, timeout=timeout)
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.gather(self._reading, return_exceptions=True)
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            await self.ws.close()
        await self._stack.aclose()

    def _make_socket(self, info: Any) -> socket.socket:
        made = socket.socket(info[0], info[1], info[2])
        made.setblocking(False)
        if self._is_narrow:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, NARROW_BYTES)
        made.bind((self._address, 0))
        return made

    # Handshake --------------------------------------------------------------------------------

    async def greet(self, signer: Signer, chain_id: bytes, *, reads: bool = True) -> "Peer":
        """Do the handshake as a node does; what comes then is kept in `heard`."""
        self.session = Session(signer, True, chain_id, ABOUT, secrets.token_bytes(64))
        for frame in self.session.begin():
            await self.ws.send_bytes(frame)
        while self.session.peer is None:
            frame = await self.ws.receive_bytes(timeout=PATIENCE_S)
            self.frames.append(frame)
            self.session.receive(frame)
            for answer in self.session.take_frames():
                await self.ws.send_bytes(answer)
        if reads:
            self.read()
        return self

    def read(self) -> None:
        """Keep what comes from now on, and answer pings as honest nodes do."""
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while True:
            message = await self.ws.receive()
            if message.type is not aiohttp.WSMsgType.BINARY:
                is_told = message.type is aiohttp.WSMsgType.CLOSE
                self.closed = (message.data, message.extra or "") if is_told else (1006, "")
                return
            self.frames.append(message.data)
            if self.session is None or self.session.peer is None:
                continue
            for event in self.session.receive(message.data):
                if isinstance(event, MessageReceived):
                    await self._take(event.kind, event.payload)

    async def _take(self, kind: Kind, payload: bytes) -> None:
        if kind is Kind.PING:
            ping = decode(Ping, payload)
            await self.send(Kind.PONG, encode(Pong(ping.number, ping.sent_ms, ping.sent_ms)))
        elif kind is Kind.PONG:
            self._pongs.add(decode(Pong, payload).number)
        else:
            self.heard.append((kind, payload))

    # Saying -----------------------------------------------------------------------------------

    async def send_frame(self, frame: bytes) -> None:
        """Send bytes as they are; nothing if the node has closed."""
        with contextlib.suppress(ConnectionError, aiohttp.ClientError):
            await self.ws.send_bytes(frame)

    async def send(self, kind: Kind, payload: bytes) -> None:
        """Send a message as a node does."""
        assert self.session is not None
        for frame in self.session.send(kind, payload):
            await self.send_frame(frame)

    async def say(self, *messages: AnyMessage) -> None:
        for message in messages:
            await self.send(*pack(message))

    def seal(self, opened: bytes) -> bytes:
        """Return a good frame with anything in it."""
        assert self.session is not None
        assert self.session._agreed is not None
        return self.session._agreed.sealer.seal(opened)

    # Waiting ----------------------------------------------------------------------------------

    async def until_closed(self) -> tuple[int, str]:
        """Return how the node closed."""
        await until(lambda: self.closed is not None)
        assert self.closed is not None
        return self.closed

    async def settle(self) -> None:
        """Wait until the node has taken all that was sent, or has closed."""
        number = secrets.randbelow(2**32 - 1) + 1
        await self.send(Kind.PING, encode(Ping(number, 1)))
        await until(lambda: number in self._pongs or self.closed is not None)

    def told(self) -> Iterator[AnyMessage]:
        """Return the messages of the node, decoded; addresses left out."""
        return (unpack(kind, data) for kind, data in self.heard if kind is not Kind.PEERS)
