"""The connections of this node: dialled, answered, kept, judged.

One connection to each peer; the chain says whom this node answers (`node/net/membership.py`).
Configured addresses are dialled until they answer, others when there are too few.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from chain.codec import decode, encode
from chain.crypto import Signer
from chain.errors import MalformedBytesError
from node import __version__
from node.config_sections import P2pConfig
from node.live.clock import Clock
from node.net.listening import Door
from node.net.peer_book import PeerBook
from p2p import (
    CHANCE_BYTES,
    About,
    Accepted,
    Address,
    BadAddressError,
    Candidate,
    Connection,
    Kind,
    NodeRole,
    PeerInfo,
    PeerList,
    Refused,
    Roster,
    Session,
    SessionError,
    Timings,
    accept,
    dial,
    make_response,
)

LOOK_S = 0.25  # how often it is looked whether somebody is to be dialled
STRANGERS_DIALED_MAX = 4  # with fewer peers than this, addresses that others told are dialled
STRANGER = "not known to the chain"

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
        self._roster = Roster(identity.public_key)
        self._connections: dict[bytes, Connection] = {}
        self._dialing: dict[str, asyncio.Task[None]] = {}
        self.timings = Timings()
        self.door: Door | None = None
        self.port: int | None = None
        self.head_height: Callable[[], int] = lambda: 0
        self.heights: Callable[[], dict[bytes, int]] = dict  # that peers last said they decide
        self.may_read: Callable[[bytes], bool] = lambda _key: True
        self.is_validator: Callable[[bytes], bool] = lambda _key: False
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
        door = self.door = await self._listen() if self._config.listen else None
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._dial_due(tasks)
                    await self.book.save()
                    await asyncio.sleep(LOOK_S)
        finally:
            for connection in self.peers():
                connection.close("the node stops")
            if door is not None:
                await door.close()
            await self.book.save(is_last=True)

    async def _listen(self) -> Door:
        door = Door(self._answer)
        self.port = await door.open(self._config.host, self._config.port)
        _log.info("listening for nodes", extra={"host": self._config.host, "port": self.port})
        return door

    def _session(self, *, is_dialer: bool) -> Session:
        role, height = NodeRole(self._config.role), self.head_height()
        about = About(f"washnode/{__version__}", role, self._config.url, height)
        chance = secrets.token_bytes(CHANCE_BYTES)
        return Session(self._identity, is_dialer, self._chain_id, about, chance)

    # Dialling ---------------------------------------------------------------------------------

    def _dial_due(self, tasks: asyncio.TaskGroup) -> None:
        for url in [url for url, task in self._dialing.items() if task.done()]:
            del self._dialing[url]
        for address in self.book.due(self._dialing.keys()):
            key = address.node_key
            if key in self._connections or (key is not None and self.book.is_banned(key)):
                continue
            is_wanted = address.source == "configured" or (
                key is not None and self.is_validator(key)
            )
            if is_wanted or len(self._connections) < STRANGERS_DIALED_MAX:
                self._dialing[address.url] = tasks.create_task(self._dial(address))

    async def _dial(self, address: Address) -> None:
        url, is_named = address.url, address.source == "configured"
        try:
            connection = await dial(
                url,
                self._session(is_dialer=True),
                on_message=self._on_message,
                on_closed=self._on_closed,
                wall_ms=self._clock.now_ms,
                timings=self.timings,
            )
        except SessionError as error:
            self.book.failed(url)
            _log.debug("%s does not answer: %s", url, error)
            return
        refusal = self._offer(connection, is_named=is_named)
        if refusal == STRANGER:  # what a peer told may lead anywhere, and is told to nobody
            self.book.failed(url)
        else:
            self.book.reached(url, connection.peer.node_key)
        await self._keep(connection, refusal)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        address = request.remote or ""
        if self.book.is_banned_address(address):
            raise web.HTTPForbidden
        response = make_response(self.timings)
        try:
            connection = await accept(
                request,
                self._session(is_dialer=False),
                on_message=self._on_message,
                on_closed=self._on_closed,
                wall_ms=self._clock.now_ms,
                response=response,
                timings=self.timings,
            )
        except SessionError as error:
            if error.fault:
                self.book.fault(None, address, error.fault)
            _log.debug("%s is no node: %s", address, error)
        else:
            await self._keep(connection, self._offer(connection))
        return response

    # Keeping ----------------------------------------------------------------------------------

    async def _keep(self, connection: Connection, refusal: str | None) -> None:
        """Let a connection run to its end, which is near if it may not stay."""
        if refusal is not None:
            _log.info("peer %s is refused: %s", connection.peer.node_key.hex()[:16], refusal)
            connection.close(refusal)
        await connection.run()

    def _offer(self, connection: Connection, *, is_named: bool = False) -> str | None:
        """Keep a connection, or return why not.

        Whom the settings name needs no leave to be read from: a node that begins knows the genesis
        alone. What such a one may be given is another question (`node/net/exchange.py`).
        """
        key = connection.peer.node_key
        is_known = self.may_read(key)
        if not is_named and not is_known:
            return STRANGER
        role = NodeRole.VALIDATOR if self.is_validator(key) else connection.peer.role
        if role is NodeRole.VALIDATOR and not self.is_validator(key):
            role = NodeRole.GATEWAY
        candidate = Candidate(
            connection_id=id(connection),
            node_key=key,
            role=role,
            is_known=is_known,
            is_dialer=connection.is_dialer,
            is_banned=self.book.is_banned(key),
        )
        match self._roster.offer(candidate):
            case Refused(reason):
                return reason
            case Accepted(closing):
                self._put(connection, dict(closing))
        return None

    def _put(self, connection: Connection, closing: dict[int, str]) -> None:
        key = connection.peer.node_key
        is_new = key not in self._connections
        for other in list(self._connections.values()):
            if id(other) in closing:
                other.close(closing[id(other)])
        self._connections[key] = connection
        _log.info("peer %s is connected", key.hex()[:16], extra=_facts(connection.peer))
        if is_new:
            connection.send(Kind.PEERS, encode(self.book.to_tell()))
            self.on_peer(key)

    def _on_message(self, connection: Connection, kind: Kind, payload: bytes) -> None:
        key = connection.peer.node_key
        if self._connections.get(key) is not connection:
            return
        if kind is not Kind.PEERS:
            self.on_message(key, kind, payload)
            return
        try:
            self.book.take_told(decode(PeerList, payload), key)
        except (MalformedBytesError, BadAddressError) as error:
            self.fault(key, "malformed", str(error))

    def _on_closed(self, connection: Connection, error: SessionError | None) -> None:
        key = connection.peer.node_key
        self._roster.remove(id(connection))
        if error is not None and error.fault:
            self.book.fault(key, connection.address, error.fault)
        if self._connections.get(key) is connection:
            del self._connections[key]
            _log.info("peer %s is gone: %s", key.hex()[:16], error or "closed")
            self.on_gone(key)


def _facts(peer: PeerInfo) -> dict[str, object]:
    return {"role": peer.role.value, "url": peer.url, "height": peer.head_height}
