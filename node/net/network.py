"""The connections of this node: dialled, answered, kept, judged.

One connection to each peer; the chain says whom this node answers (`node/net/membership.py`).
Configured addresses are dialled until they answer, others when there are too few.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from aiohttp import web

from chain.crypto import Signer
from node import __version__
from node.config import P2pConfig
from node.live.clock import Clock
from node.net.peer_book import PeerBook
from p2p.connection import Connection
from p2p.errors import SessionError
from p2p.handshake import CHANCE_BYTES, About, NodeRole, PeerInfo
from p2p.kinds import Kind
from p2p.session import Session
from p2p.socket import accept, dial, make_response

LOOK_S = 0.25  # how often it is looked whether somebody is to be dialled

_log = logging.getLogger("washnode.net")


class Network:
    """All peers of one node."""

    def __init__(
        self,
        config: P2pConfig,
        identity: Signer,
        chain_id: bytes,
        clock: Clock,
        folder: Path | None,
    ) -> None:
        """`folder` keeps addresses and bans; callbacks are set by whoever listens."""
        self._config, self._identity, self._chain_id = config, identity, chain_id
        self._clock = clock
        self.book = PeerBook(folder, config.peers, clock)
        self._connections: dict[bytes, Connection] = {}
        self._dialing: dict[str, asyncio.Task[None]] = {}
        self._reached: dict[str, bytes] = {}  # URL -> node key that answered there
        self._answering = 0
        self.port: int | None = None
        self.head_height: Callable[[], int] = lambda: 0
        self.may_read: Callable[[bytes], bool] = lambda _key: True
        self.on_message: Callable[[bytes, Kind, bytes], None] = lambda *_: None
        self.on_peer: Callable[[bytes], None] = lambda _key: None
        self.on_gone: Callable[[bytes], None] = lambda _key: None

    # For the rest of the node -----------------------------------------------------------------

    def connected(self) -> list[bytes]:
        """Return the node keys of all connected peers."""
        return list(self._connections)

    def peers(self) -> list[Connection]:
        """Return the connections, in the order of their peers' keys."""
        return [self._connections[key] for key in sorted(self._connections)]

    def send(self, key: bytes, kind: Kind, payload: bytes) -> None:
        """Send to one peer, if it is connected; never waits."""
        connection = self._connections.get(key)
        if connection is not None:
            connection.send(kind, payload)

    def fault(self, key: bytes, name: str, text: str) -> None:
        """Note that a peer did what nobody honest does; one that goes on with it is banned."""
        connection = self._connections.get(key)
        address = "" if connection is None else connection.address
        _log.warning("peer %s: %s: %s", key.hex()[:16], name, text)
        if self.book.fault(key, address, name) and connection is not None:
            connection.close("banned")

    def ban(self, key: bytes, duration_ms: int) -> None:
        """Refuse a peer for a while, by the operator's word."""
        self.book.ban(key, duration_ms)
        connection = self._connections.get(key)
        if connection is not None:
            connection.close("banned")

    # Life -------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Listen and dial until cancelled; then close every connection."""
        runner = await self._listen() if self._config.listen else None
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._dial_due(tasks)
                    self.book.save()
                    await asyncio.sleep(LOOK_S)
        finally:
            for connection in self.peers():
                connection.close("the node stops")
            if runner is not None:
                await runner.cleanup()
            self.book.save(is_last=True)

    async def _listen(self) -> web.AppRunner:
        app = web.Application()
        app.router.add_get("/p2p", self._answer)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
        await runner.setup()
        site = web.TCPSite(runner, self._config.host, self._config.port)
        try:
            await site.start()
        except BaseException:
            await runner.cleanup()
            raise
        self.port = next(iter(runner.addresses))[1]
        _log.info("listening for nodes", extra={"host": self._config.host, "port": self.port})
        return runner

    def _session(self, *, is_dialer: bool) -> Session:
        role, height = NodeRole(self._config.role), self.head_height()
        about = About(f"washnode/{__version__}", role, self._config.url, height)
        chance = secrets.token_bytes(CHANCE_BYTES)
        return Session(self._identity, is_dialer, self._chain_id, about, chance)

    # Dialling ---------------------------------------------------------------------------------

    def _dial_due(self, tasks: asyncio.TaskGroup) -> None:
        for url in [url for url, task in self._dialing.items() if task.done()]:
            del self._dialing[url]
        for url in self.book.due():
            key = self._reached.get(url)
            if url not in self._dialing and (key is None or key not in self._connections):
                self._dialing[url] = tasks.create_task(self._dial(url))

    async def _dial(self, url: str) -> None:
        try:
            connection = await dial(
                url,
                self._session(is_dialer=True),
                on_message=self._on_message,
                on_closed=self._on_closed,
                wall_ms=self._clock.now_ms,
            )
        except SessionError as error:
            self.book.failed(url)
            _log.debug("%s does not answer: %s", url, error)
            return
        self.book.reached(url, connection.peer.node_key)
        self._reached[url] = connection.peer.node_key
        await self._keep(connection)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        response = make_response()
        if self.book.is_banned_address(request.remote or ""):
            raise web.HTTPForbidden
        with suppress(SessionError):
            connection = await accept(
                request,
                self._session(is_dialer=False),
                on_message=self._on_message,
                on_closed=self._on_closed,
                wall_ms=self._clock.now_ms,
                response=response,
            )
            await self._keep(connection)
        return response

    async def _keep(self, connection: Connection) -> None:
        """Let a connection run to its end, if it may stay."""
        refusal = self._refusal(connection)
        if refusal is not None:
            _log.info("peer %s is refused: %s", connection.peer.node_key.hex()[:16], refusal)
            connection.close(refusal)
        else:
            self._put(connection)
        await connection.run()

    def _refusal(self, connection: Connection) -> str | None:
        peer = connection.peer
        if self.book.is_banned(peer.node_key):
            return "banned"
        if not connection.is_dialer and not self.may_read(peer.node_key):
            return "not known to the chain"
        other = self._connections.get(peer.node_key)
        if other is not None and self._dialer_of(other) < self._dialer_of(connection):
            return "another connection of this peer stays"
        return None

    def _dialer_of(self, connection: Connection) -> bytes:
        return self._identity.public_key if connection.is_dialer else connection.peer.node_key

    def _put(self, connection: Connection) -> None:
        peer = connection.peer
        before = self._connections.get(peer.node_key)
        if before is not None:
            before.close("another connection of this peer stays")
        self._connections[peer.node_key] = connection
        _log.info("peer %s is connected", peer.node_key.hex()[:16], extra=_facts(peer))
        if before is None:
            self.on_peer(peer.node_key)

    def _on_message(self, connection: Connection, kind: Kind, payload: bytes) -> None:
        if self._connections.get(connection.peer.node_key) is connection:
            self.on_message(connection.peer.node_key, kind, payload)

    def _on_closed(self, connection: Connection, error: SessionError | None) -> None:
        key = connection.peer.node_key
        if error is not None and error.is_hostile:
            self.book.fault(key, connection.address, "malformed")
        if self._connections.get(key) is connection:
            del self._connections[key]
            why = "" if error is None else str(error)
            _log.info("peer %s is gone: %s", key.hex()[:16], why or "closed")
            self.on_gone(key)


def _facts(peer: PeerInfo) -> dict[str, object]:
    return {"role": peer.role.value, "url": peer.url, "height": peer.head_height}
