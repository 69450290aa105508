"""The server: one port for requests, event streams, probes and figures."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Protocol, TypeVar

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from node.config_sections import RpcConfig
from node.rpc.door.access import Tokens
from node.rpc.door.health import HealthDoor
from node.rpc.door.http import Gate, RpcDoor, make_shield
from node.rpc.door.metrics import CONTENT_TYPE, Metrics
from node.rpc.door.sse import EventLines
from node.rpc.door.websocket import Pace, SocketConnection, make_call
from node.rpc.errors import NotReadyError
from node.rpc.jsonrpc import Dispatcher, DispatchLimits
from node.rpc.registry import Registry

REQUEST_CONNECTIONS_MAX = 512  # open sockets beside those of event streams
IDLE_SECONDS_MAX = 30.0  # before, between and within the headers of requests
LINGER_SECONDS_MAX = 1.0  # for the rest of a body that nobody wants
STOP_SECONDS_MAX = 0.5  # for requests that are being answered
_BACKLOG = 256
_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>washnode</title>
<p>This is a washnode, a node of a chain for car-wash shops.</p>
<p>Programs talk to it by JSON-RPC 2.0: POST to <code>/rpc</code>, or a WebSocket to
<code>/ws</code>. The method <code>rpc.discover</code> describes all others.
<code>/events</code> is the event stream; <code>/health/live</code>, <code>/health/ready</code> and
<code>/metrics</code> are for probes.</p>
</html>
"""
_PAGE_POLICY = "default-src 'none'; frame-ancestors 'none'"


class Site(Protocol):
    """Pages that are served on the same port."""

    def add_to(self, app: web.Application) -> None:
        """Add their routes, behind all others."""
        ...


MakeSite = Callable[[Dispatcher, Gate], Site]

Stream = TypeVar("Stream", bound=SocketConnection | EventLines)

_log = logging.getLogger("washnode.rpc")
_http_log = logging.getLogger("washnode.http")
_http_log.addFilter(lambda record: is_our_fault(record) or _log.isEnabledFor(logging.DEBUG))


class RpcServer:
    """Serves one node. `start` binds, `stop` ends everything that is open within two seconds."""

    def __init__(
        self,
        node: Any,
        registry: Registry,
        config: RpcConfig,
        tokens: Tokens,
        *,
        pace: Pace | None = None,
        make_site: MakeSite | None = None,
    ) -> None:
        """`make_site` makes the pages, given how to ask the node and who may come in."""
        self._node, self._config, self._pace = node, config, pace or Pace()
        self._streams: dict[int, SocketConnection | EventLines] = {}
        self.metrics = Metrics(node, self._streams.values())
        self._gate = Gate(config, tokens)
        self._dispatcher = Dispatcher(
            registry, DispatchLimits(config.response_bytes_max), self.metrics.observe_call
        )
        self._door = RpcDoor(node, self._dispatcher, self._gate, config)
        self._site = None if make_site is None else make_site(self._dispatcher, self._gate)
        self._is_stopping = False
        self._health = HealthDoor(node, self._gate, lambda: self._is_stopping)
        self._runner: web.AppRunner | None = None
        self._listener: asyncio.Server | None = None

    @property
    def open_streams(self) -> int:
        """How many WebSocket and event-stream connections are open."""
        return len(self._streams)

    # From start to stop -------------------------------------------------------------------------

    async def start(self) -> int:
        """Listen; returns the port. Raises OSError if the address can not be had."""
        runner = web.AppRunner(
            self._make_app(),
            access_log=None,
            keepalive_timeout=IDLE_SECONDS_MAX,
            lingering_time=LINGER_SECONDS_MAX,
            shutdown_timeout=STOP_SECONDS_MAX,
            handler_cancellation=True,
            auto_decompress=False,
            logger=_http_log,
        )
        await runner.setup()
        try:
            self._listener = await asyncio.get_running_loop().create_server(
                self._accept, self._config.host, self._config.port, backlog=_BACKLOG
            )
        except OSError:
            await runner.cleanup()
            raise
        self._runner = runner
        self.metrics.start()
        port: int = self._listener.sockets[0].getsockname()[1]
        return port

    async def stop(self) -> None:
        """Stop listening, say goodbye to streams, give what is being answered half a second."""
        if self._runner is None or self._listener is None:
            return
        self._is_stopping = True
        self.metrics.note_stopping()
        self._listener.close()
        async with asyncio.TaskGroup() as tasks:
            for stream in list(self._streams.values()):
                tasks.create_task(stream.close())
        await self._runner.cleanup()
        self.metrics.stop()
        self._runner = self._listener = None

    def _accept(self) -> asyncio.Protocol:
        """Return what serves a new socket, or what closes it if there are too many."""
        assert self._runner is not None, "it listens only while it runs"
        server = self._runner.server
        assert server is not None, "it listens only while it runs"
        if len(server.connections) >= REQUEST_CONNECTIONS_MAX + self._config.connections_max:
            return _Closed()
        return server()

    def _make_app(self) -> web.Application:
        app = web.Application(middlewares=[make_shield(self._node, self._gate)])
        app.router.add_route("*", "/rpc", self._door.handle)
        app.router.add_get("/ws", self._websocket, allow_head=False)
        app.router.add_get("/events", self._events, allow_head=False)
        app.router.add_options("/events", self._preflight)
        self._health.add_to(app)
        app.router.add_get("/metrics", self._metrics)
        if self._site is None:
            app.router.add_get("/", self._page)
        else:
            self._site.add_to(app)
        return app

    # Pages --------------------------------------------------------------------------------------

    async def _websocket(self, request: web.Request) -> web.StreamResponse:
        tier = self._gate.enter(request)
        self._gate.charge_or_raise(request)
        connection = SocketConnection(
            request,
            make_call(self._node, tier, is_near=self._gate.is_near(request)),
            self._dispatcher,
            config=self._config,
            charge=lambda cost: self._gate.charge(request, cost),
            spend=lambda calls, seconds: self._gate.spend(request, calls, seconds),
            pace=self._pace,
        )
        return await self._keep(connection, connection.run)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self._gate.enter(request)
        self._gate.charge_or_raise(request)
        lines = EventLines(request, self._node, self._pace)
        headers = self._gate.cors_headers(request)
        return await self._keep(lines, lambda: lines.run(headers))

    async def _keep(
        self, stream: Stream, run: Callable[[], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Run a stream among the others, or raise NotReadyError if there are too many."""
        if self._is_stopping or len(self._streams) >= self._config.connections_max:
            text = "no more event connections are taken now"
            raise NotReadyError(text)
        self._streams[id(stream)] = stream
        try:
            return await run()
        finally:
            del self._streams[id(stream)]

    async def _preflight(self, request: web.Request) -> web.StreamResponse:
        return self._gate.preflight(request)

    async def _metrics(self, request: web.Request) -> web.StreamResponse:
        self._gate.enter_near(request)
        self._gate.charge_or_raise(request)
        return web.Response(body=self.metrics.render(), headers={"Content-Type": CONTENT_TYPE})

    async def _page(self, request: web.Request) -> web.StreamResponse:
        self._gate.check_place(request)
        return web.Response(
            text=_PAGE,
            content_type="text/html",
            headers={"Content-Security-Policy": _PAGE_POLICY},
        )


class _Closed(asyncio.Protocol):
    """Closes what connects."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport), transport
        transport.abort()


def is_our_fault(record: logging.LogRecord) -> bool:
    """Tell whether a record is of more than broken HTTP or a client that hung up.

    With those anybody could fill the disk.
    """
    theirs = (HttpProcessingError, ConnectionError)
    return not (record.exc_info and isinstance(record.exc_info[1], theirs))
