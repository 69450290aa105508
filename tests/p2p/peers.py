"""Builders of sessions, pairs of sessions, and nodes that listen on loopback."""

import contextlib
import ssl
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from aiohttp import web

from chain.crypto import Signer, hash_bytes
from p2p.connection import Connection, Timings
from p2p.errors import SessionError
from p2p.handshake import About, NodeRole
from p2p.kinds import Kind
from p2p.session import Event, Session
from p2p.socket import accept, dial, make_response

CHAIN_ID = hash_bytes("test", b"chain")
ABOUT = About("washnode 0.1.0", NodeRole.FULL, "", 7)


CERTIFICATE = Path(__file__).with_name("localhost.pem")  # and its key, which guards nothing


def key(name: str) -> Signer:
    return Signer(hash_bytes("test/key", name.encode()))


def chance(name: str) -> bytes:
    return hash_bytes("test/a", name.encode()) + hash_bytes("test/b", name.encode())


def session(name: str, *, is_dialer: bool, **changes: Any) -> Session:
    """Return a session of the node `name`; what makes it special is among the changes."""
    about = changes.pop("about", ABOUT)
    identity = changes.pop("identity", key(name))
    chain_id = changes.pop("chain_id", CHAIN_ID)
    random = changes.pop("chance", chance(name + str(is_dialer)))
    return Session(identity, is_dialer, chain_id, about, random, **changes)


def deliver(frames: list[bytes], to: Session) -> list[Event]:
    return [event for frame in frames for event in to.receive(frame)]


def shake_hands(dialer: Session, listener: Session) -> tuple[list[Event], list[Event]]:
    """Carry frames both ways until both are silent; return what each told."""
    told: tuple[list[Event], list[Event]] = ([], [])
    waiting = dialer.begin()
    for turn in range(4):
        receiver, events = (listener, told[1]) if turn % 2 == 0 else (dialer, told[0])
        events += deliver(waiting, receiver)
        waiting = receiver.take_frames()
    assert not waiting
    return told


def pair() -> tuple[Session, Session]:
    dialer, listener = session("ann", is_dialer=True), session("bob", is_dialer=False)
    shake_hands(dialer, listener)
    return dialer, listener


def wall_ms() -> int:
    return time.time_ns() // 1_000_000


BRISK = Timings(ping_ms=50, silent_ms=20_000, stuck_ms=20_000, close_ms=500)


@dataclass
class Told:
    """What the callbacks of connections told."""

    messages: list[tuple[Kind, bytes]] = field(default_factory=list)
    closed: list[SessionError | None] = field(default_factory=list)

    def on_message(self, _connection: Connection, kind: Kind, payload: bytes) -> None:
        self.messages.append((kind, payload))

    def on_closed(self, _connection: Connection, error: SessionError | None) -> None:
        self.closed.append(error)


@dataclass
class Listener:
    """A node on loopback that takes whoever comes."""

    url: str = ""
    told: Told = field(default_factory=Told)
    connections: list[Connection] = field(default_factory=list)
    refusals: list[SessionError] = field(default_factory=list)
    timings: Timings = BRISK
    options: dict[str, Any] = field(default_factory=dict)
    tls: ssl.SSLContext | None = None
    count: int = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.count += 1
        fresh = session("bob", is_dialer=False, chance=chance(f"bob {self.count}"))
        response = make_response(self.timings)
        try:
            connection = await accept(
                request,
                fresh,
                on_message=self.told.on_message,
                on_closed=self.told.on_closed,
                wall_ms=wall_ms,
                response=response,
                timings=self.timings,
                **self.options,
            )
        except SessionError as error:
            self.refusals.append(error)
            return response
        self.connections.append(connection)
        await connection.run()
        return response


@contextlib.asynccontextmanager
async def listening(**changes: Any) -> AsyncIterator[Listener]:
    """Serve a Listener at a free port; everything is stopped at the end."""
    listener = replace(Listener(), **changes)
    app = web.Application()
    app.router.add_get("/p2p", listener.handle)
    runner = web.AppRunner(app, shutdown_timeout=2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=listener.tls)
    await site.start()
    place = f"{'127.0.0.1' if listener.tls is None else 'localhost'}:{runner.addresses[0][1]}"
    listener.url = f"{'ws' if listener.tls is None else 'wss'}://{place}/p2p"
    try:
        yield listener
    finally:
        for connection in listener.connections:
            connection.close()
        await runner.cleanup()


async def dial_to(url: str, told: Told, **changes: Any) -> Connection:
    """Dial as the node ann."""
    names = ("timings", "queue_limits", "rates", "ssl_context")
    options = {name: changes.pop(name) for name in names if name in changes}
    options.setdefault("timings", BRISK)
    return await dial(
        url,
        session("ann", is_dialer=True, **changes),
        on_message=told.on_message,
        on_closed=told.on_closed,
        wall_ms=wall_ms,
        **options,
    )
