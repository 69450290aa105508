"""The door for other nodes: one path of HTTP, that opens WebSockets, and never too many of them."""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from p2p import ROOM

HANDSHAKES_MAX = 64  # sockets beside those that the roster has room for
SOCKETS_MAX = sum(ROOM.values()) + HANDSHAKES_MAX
SILENT_S = 5.0  # before and between requests; a WebSocket has limits of its own
LINGER_S = 1.0  # for the rest of a body that nobody wants
_BACKLOG = 128


class Door:
    """Listens for nodes. `open` binds, `close` ends what is open within a second."""

    def __init__(self, answer: Callable[[web.Request], Awaitable[web.StreamResponse]]) -> None:
        """`answer` is given each request for a WebSocket at /p2p."""
        app = web.Application()
        app.router.add_get("/p2p", answer, allow_head=False)
        self._runner = web.AppRunner(
            app,
            access_log=None,
            keepalive_timeout=SILENT_S,
            lingering_time=LINGER_S,
            shutdown_timeout=1,
            auto_decompress=False,
        )
        self._listener: asyncio.Server | None = None

    @property
    def sockets(self) -> int:
        """How many sockets are open."""
        server = self._runner.server
        return 0 if server is None else len(server.connections)

    async def open(self, host: str, port: int) -> int:
        """Listen; returns the port. Raises OSError if the address can not be had."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            self._listener = await loop.create_server(self._take, host, port, backlog=_BACKLOG)
        except BaseException:
            await self._runner.cleanup()
            raise
        found: int = self._listener.sockets[0].getsockname()[1]
        return found

    async def close(self) -> None:
        """Stop listening and end what is open."""
        if self._listener is not None:
            self._listener.close()
        await self._runner.cleanup()

    def _take(self) -> asyncio.Protocol:
        """Return what serves a new socket, or what ends it if there are too many."""
        server = self._runner.server
        assert server is not None, "it listens only while it runs"
        return _Full() if self.sockets >= SOCKETS_MAX else server()


class _Full(asyncio.Protocol):
    """Ends what connects."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), transport
        transport.abort()
