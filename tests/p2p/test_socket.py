"""Real sockets on loopback: messages both ways, and peers that misbehave."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from chain.codec import encode
from p2p.connection import Connection, Timings
from p2p.errors import (
    BadAddressError,
    DialError,
    LostConnectionError,
    MalformedFrameError,
    MessageTooLargeError,
    OtherChainError,
    SilentPeerError,
    SlowPeerError,
    TooFastError,
)
from p2p.kinds import KIB, Kind
from p2p.limits import Rate
from p2p.messages import Pong
from p2p.session import CHUNK_BYTES_MAX, FRAME_BYTES_MAX
from tests.p2p.peers import BRISK, CERTIFICATE, Listener, Told, dial_to, key, listening, session

QUICK = Timings(ping_ms=20, silent_ms=300, stuck_ms=300, close_ms=200, handshake_ms=300)


async def until(is_so: Callable[[], object]) -> None:
    while not is_so():  # noqa: ASYNC110 - the test's own timeout bounds it
        await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def dialing(url: str, told: Told, **changes: Any) -> AsyncIterator[Connection]:
    """Run a connection to `url` for as long as the block lasts."""
    connection = await dial_to(url, told, **changes)
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(connection.run())
        try:
            yield connection
        finally:
            connection.close()


@contextlib.asynccontextmanager
async def raw_socket(listener: Listener) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Open a WebSocket that no node holds."""
    async with (
        aiohttp.ClientSession() as client,
        client.ws_connect(listener.url, max_msg_size=0) as socket,
    ):
        yield socket


async def raw_peer(socket: aiohttp.ClientWebSocketResponse) -> Any:
    """Do the handshake by hand; return the session."""
    peer = session("eve", is_dialer=True)
    for frame in peer.begin():
        await socket.send_bytes(frame)
    while peer.peer is None:
        peer.receive(await socket.receive_bytes())
        for frame in peer.take_frames():
            await socket.send_bytes(frame)
    return peer


async def test_messages_of_all_sizes_go_both_ways() -> None:
    told, large = Told(), bytes(range(256)) * 4_096
    sent = [(Kind.VOTE, b""), (Kind.SYNC, large), (Kind.TRANSACTIONS, b"t" * CHUNK_BYTES_MAX)]
    async with listening() as listener, dialing(listener.url, told) as ours:
        await until(lambda: listener.connections)
        theirs = listener.connections[0]

        for kind, payload in sent:
            ours.send(kind, payload)
            theirs.send(kind, payload)
        await until(lambda: len(told.messages) == len(listener.told.messages) == 3)
        await until(lambda: ours.round_trip_ms is not None and theirs.round_trip_ms is not None)

        assert sorted(told.messages) == sorted(listener.told.messages) == sorted(sent)
        assert ours.peer.node_key == key("bob").public_key
        assert theirs.peer.node_key == key("ann").public_key
        assert ours.peer.session_id == theirs.peer.session_id
        assert (ours.address, theirs.address) == ("127.0.0.1", "127.0.0.1")
        assert theirs.received_bytes[Kind.SYNC] == len(large)
        assert ours.sent[Kind.SYNC] == 1
        assert ours.sent_bytes[Kind.SYNC] == len(large) + 16 * (FRAME_BYTES_MAX - CHUNK_BYTES_MAX)
        assert abs(ours.clock_offset_ms or 0) < 1_000

    await until(lambda: listener.told.closed)
    assert (told.closed, listener.told.closed) == ([None], [None])


async def test_a_session_goes_through_tls_to_whom_the_certificate_names() -> None:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(CERTIFICATE)
    trusting = ssl.create_default_context(cafile=CERTIFICATE)
    told = Told()
    async with listening(tls=tls) as listener:
        with pytest.raises(DialError, match="CERTIFICATE_VERIFY_FAILED"):
            await dial_to(listener.url, told)

        async with dialing(listener.url, told, ssl_context=trusting) as ours:
            ours.send(Kind.SYNC, bytes(1_000 * KIB))
            await until(lambda: listener.told.messages)

        await until(lambda: listener.told.closed)
        assert listener.told.messages == [(Kind.SYNC, bytes(1_000 * KIB))]
        assert (told.closed, listener.told.closed) == ([None], [None])


async def test_the_peer_hears_the_reason_for_closing() -> None:
    told = Told()
    async with listening() as listener, dialing(listener.url, told) as ours:
        await until(lambda: listener.connections)

        listener.connections[0].close("full")
        await until(lambda: told.closed)

        assert ours.closed_by_peer == (1000, "full")
    assert told.closed == [None]


async def test_another_chain_ends_the_handshake_on_both_sides() -> None:
    async with listening() as listener:
        with pytest.raises(LostConnectionError, match="1008 OtherChain"):
            await dial_to(listener.url, Told(), chain_id=bytes(32))

        await until(lambda: listener.refusals)
        assert [type(error) for error in listener.refusals] == [OtherChainError]


@pytest.mark.parametrize(
    "url", ["ws://127.0.0.1:1/p2p", "wss://127.0.0.1:1/p2p", "ws://no.such.host.invalid/p2p"]
)
async def test_where_nobody_listens_dialing_says_so(url: str) -> None:
    with pytest.raises(DialError):
        await dial_to(url, Told())


async def test_a_bad_url_is_not_dialed() -> None:
    with pytest.raises(BadAddressError):
        await dial_to("http://127.0.0.1/p2p", Told())


async def test_a_redirection_is_not_followed() -> None:
    async with listening() as listener:
        app = web.Application()

        async def lead_on(_request: web.Request) -> web.StreamResponse:
            raise web.HTTPFound(listener.url.replace("ws:", "http:"))

        app.router.add_get("/p2p", lead_on)
        runner = web.AppRunner(app)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()

        with pytest.raises(DialError, match="redirects"):
            await dial_to(f"ws://127.0.0.1:{runner.addresses[0][1]}/p2p", Told())

        await runner.cleanup()
        assert listener.count == 0


async def test_a_stranger_who_says_nothing_is_closed_in_the_handshake() -> None:
    async with listening(timings=QUICK) as listener, raw_socket(listener) as socket:
        message = await socket.receive()

        assert message.type is aiohttp.WSMsgType.CLOSE
        await until(lambda: listener.refusals)
        assert [type(error) for error in listener.refusals] == [SilentPeerError]


async def test_text_in_the_handshake_is_refused() -> None:
    async with listening() as listener, raw_socket(listener) as socket:
        await socket.send_str("hello")

        message = await socket.receive()

        assert (message.data, message.extra) == (1002, "MalformedFrame")
        await until(lambda: listener.refusals)
        assert [type(error) for error in listener.refusals] == [MalformedFrameError]


async def test_a_peer_that_falls_silent_is_closed() -> None:
    async with listening(timings=QUICK) as listener, raw_socket(listener) as socket:
        await raw_peer(socket)

        await until(lambda: listener.told.closed)

        assert [type(error) for error in listener.told.closed] == [SilentPeerError]


async def test_a_peer_that_takes_nothing_is_closed() -> None:
    async with listening(timings=QUICK) as listener, raw_socket(listener) as socket:
        peer = await raw_peer(socket)
        await until(lambda: listener.connections)
        connection = listener.connections[0]

        for _ in range(8):  # more than the buffers of both kernels hold
            connection.send(Kind.SYNC, bytes(4_000 * KIB))
        while not listener.told.closed:  # it talks, but does not listen
            with contextlib.suppress(aiohttp.ClientError, ConnectionError):
                for frame in peer.send(Kind.VOTE, b"still here"):
                    await socket.send_bytes(frame)
            await asyncio.sleep(0.02)

        assert [type(error) for error in listener.told.closed] == [SlowPeerError]
        assert connection.queue.size_bytes() == 0


async def test_a_frame_beyond_the_bound_is_refused_before_it_is_read() -> None:
    async with listening() as listener, raw_socket(listener) as socket:
        await raw_peer(socket)

        await socket.send_bytes(bytes(81 * KIB))
        await until(lambda: listener.told.closed)

        assert [type(error) for error in listener.told.closed] == [MessageTooLargeError]


async def test_a_malformed_pong_ends_the_connection() -> None:
    async with listening() as listener, raw_socket(listener) as socket:
        peer = await raw_peer(socket)

        for frame in peer.send(Kind.PONG, b"no pong"):
            await socket.send_bytes(frame)
        await until(lambda: listener.told.closed)

        assert [type(error) for error in listener.told.closed] == [MalformedFrameError]


async def test_a_pong_that_nobody_asked_for_changes_nothing() -> None:
    async with listening() as listener, raw_socket(listener) as socket:
        peer = await raw_peer(socket)
        frames = peer.send(Kind.PONG, encode(Pong(9, 0, 0))) + peer.send(Kind.VOTE, b"v")

        for frame in frames:
            await socket.send_bytes(frame)
        await until(lambda: listener.told.messages)

        assert listener.connections[0].clock_offset_ms is None


async def test_a_fast_peer_is_held_back_but_loses_nothing() -> None:
    rates = {Kind.VOTE: Rate(200, 20, 1_000_000, 1_000_000)}
    told = Told()
    async with listening(options={"rates": rates}) as listener, dialing(listener.url, told) as ours:
        for number in range(60):
            ours.send(Kind.VOTE, bytes([number]))
        await until(lambda: len(listener.told.messages) == 60)

        assert listener.told.messages == [(Kind.VOTE, bytes([number])) for number in range(60)]
        assert listener.connections[0].held_ms > 0


async def test_a_peer_that_is_far_too_fast_is_given_up() -> None:
    rates = {Kind.VOTE: Rate(1, 1, 1, 1)}
    told = Told()
    async with listening(options={"rates": rates}) as listener, dialing(listener.url, told) as ours:
        await until(lambda: listener.connections)
        listener.connections[0]._holding.take(9_500)

        for _ in range(5):
            ours.send(Kind.VOTE, b"v")
        await until(lambda: listener.told.closed)

        assert [type(error) for error in listener.told.closed] == [TooFastError]
        await until(lambda: told.closed)
        assert ours.closed_by_peer == (1008, "TooFast")


async def test_a_cancelled_connection_leaves_nothing_behind() -> None:
    told = Told()
    async with listening() as listener:
        connection = await dial_to(listener.url, told)
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(connection.run())
            await until(lambda: connection.round_trip_ms is not None)
            task.cancel()

        await until(lambda: listener.told.closed)
        assert told.closed == [None]
        assert len(asyncio.all_tasks()) <= 2  # this test, and the server's own


async def test_what_a_callback_raises_comes_through_and_the_connection_closes() -> None:
    def fail(*_: object) -> None:
        text = "a fault of ours"
        raise KeyError(text)

    told = Told()
    async with listening() as listener:
        connection = await dial_to(listener.url, told)
        connection._on_message = fail
        await until(lambda: listener.connections)
        listener.connections[0].send(Kind.VOTE, b"v")
        with pytest.raises(ExceptionGroup) as caught:
            await connection.run()

        assert caught.group_contains(KeyError)
        await until(lambda: listener.told.closed)
        assert told.closed == [None]


async def test_a_connection_that_is_closed_before_it_runs_ends_at_once() -> None:
    told = Told()
    async with listening(timings=BRISK) as listener:
        connection = await dial_to(listener.url, told)
        connection.close("no room")
        connection.send(Kind.VOTE, b"never sent")

        await connection.run()

        await until(lambda: listener.told.closed)
        assert listener.connections[0].closed_by_peer == (1000, "no room")
        assert listener.told.messages == []


async def test_pings_of_a_proxy_are_answered_and_its_pongs_ignored() -> None:
    async with listening() as listener, raw_socket(listener) as socket:
        peer = await raw_peer(socket)

        await socket.pong(b"nobody asked")
        await socket.ping(b"are you there")
        for frame in peer.send(Kind.VOTE, b"v"):
            await socket.send_bytes(frame)
        await until(lambda: listener.told.messages)

        assert listener.told.messages == [(Kind.VOTE, b"v")]


async def test_a_connection_that_breaks_is_told_as_lost() -> None:
    told = Told()
    async with listening() as listener, dialing(listener.url, told):
        await until(lambda: listener.connections)

        transport = listener.connections[0]._link._transport  # type: ignore[attr-defined]
        transport.abort()
        await until(lambda: told.closed and listener.told.closed)

        assert [type(error) for error in told.closed] == [LostConnectionError]
        assert [type(error) for error in listener.told.closed] == [LostConnectionError]


async def test_a_listener_that_goes_away_in_the_handshake_leaves_nothing_behind() -> None:
    async def hang_up(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        await socket.receive()
        await socket.close(code=1001, message=b"too b\x07usy")
        return socket

    app = web.Application()
    app.router.add_get("/p2p", hang_up)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()

    with pytest.raises(LostConnectionError, match="1001 too busy"):
        await dial_to(f"ws://127.0.0.1:{runner.addresses[0][1]}/p2p", Told())

    await runner.cleanup()
