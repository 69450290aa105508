"""Strangers: what they get for frames before the handshake, and for handshakes of others."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import aiohttp
import pytest

from chain.codec import decode, encode
from chain.crypto import Signer, hash_bytes
from node.devnet.plan import node_signer
from node.net.listening import SOCKETS_MAX
from p2p import PROTOCOL_VERSION, About, NodeRole, Session
from p2p.handshake import Hello
from tests.hostile.net import SHOP, HonestNet
from tests.hostile.peer import Peer

pytestmark = [pytest.mark.timeout(60), pytest.mark.asyncio(loop_scope="module")]

ELSEWHERE = "127.0.0.2"  # a stranger's address: faults are not counted against this machine's own
STRANGER = Signer(hash_bytes("test/key", b"stranger"))
ABOUT = About("washnode/0", NodeRole.FULL, "", 0)
CHANCE = hash_bytes("test/a", b"x") + hash_bytes("test/b", b"x")


def session(net: HonestNet, signer: Signer = STRANGER, chain_id: bytes | None = None) -> Session:
    return Session(signer, True, chain_id or net.chain_id, ABOUT, CHANCE)


def hello(net: HonestNet, **changes: object) -> bytes:
    [frame] = session(net).begin()
    return encode(replace(decode(Hello, frame), **changes))  # type: ignore[arg-type]


async def proof_of_another(net: HonestNet, peer: Peer) -> None:
    """Say hello under node2's key, and prove another."""
    mine = session(net)
    shown = replace(decode(Hello, mine.begin()[0]), node_key=node_signer("node2").public_key)
    mine._handshake._hello = shown
    await peer.send_frame(encode(shown))
    mine.receive(await peer.ws.receive_bytes(timeout=5))
    await peer.send_frame(mine.take_frames()[0])


async def proof_of_nothing(net: HonestNet, peer: Peer) -> None:
    await peer.send_frame(hello(net))
    await peer.ws.receive_bytes(timeout=5)
    await peer.send_frame(bytes(120))


async def recorded_session(net: HonestNet, peer: Peer) -> None:
    """Say what a member said in a session that was written down."""
    recorded: list[bytes] = []
    async with Peer(net["node1"].port) as member:
        mine = session(net, node_signer(SHOP))
        recorded += mine.begin()
        await member.send_frame(recorded[0])
        mine.receive(await member.ws.receive_bytes(timeout=5))
        recorded += mine.take_frames()
        await member.send_frame(recorded[1])
        mine.receive(await member.ws.receive_bytes(timeout=5))
        recorded.append(mine.send(1, b"")[0])  # type: ignore[arg-type]
    for frame in recorded:
        await peer.send_frame(frame)


def frames(*made: Callable[[HonestNet], bytes]) -> Callable[[HonestNet, Peer], Awaitable[None]]:
    async def send(net: HonestNet, peer: Peer) -> None:
        for one in made:
            await peer.send_frame(one(net))

    return send


async def text(_net: HonestNet, peer: Peer) -> None:
    await peer.ws.send_str("hello")


MALFORMED, FORGED = (1002, "MalformedFrame"), (1002, "ForgedFrame")
LOW_ORDER = bytes(32)

# What a stranger sends; how it is closed; what is held against its address.
HANDSHAKES = {
    "nothing but noise": (frames(lambda _: b"\x93\x00noise"), MALFORMED, 50),
    "an empty frame": (frames(lambda _: b""), MALFORMED, 50),
    "text": (text, MALFORMED, 50),
    "half a hello": (frames(lambda net: hello(net)[:70]), MALFORMED, 50),
    "a hello and more": (frames(lambda net: hello(net) + b"\x00"), MALFORMED, 50),
    "a hello of 2 KiB": (frames(lambda _: bytes(2_048)), MALFORMED, 50),
    "a frame of 100 KiB": (frames(lambda _: bytes(102_400)), (1009, ""), 50),
    "a listener's hello": (frames(lambda net: hello(net, is_dialer=False)), MALFORMED, 50),
    "another chain": (
        frames(lambda net: hello(net, chain_id=bytes(32))),
        (1008, "OtherChain"),
        0,
    ),
    "another version": (
        frames(lambda net: hello(net, version=PROTOCOL_VERSION + 1)),
        (1008, "OtherVersion"),
        0,
    ),
    "the node's own key": (
        frames(lambda net: hello(net, node_key=net["node1"].key)),
        (1008, "SelfConnection"),
        0,
    ),
    "a key of low order": (
        frames(lambda net: hello(net, ephemeral_key=LOW_ORDER)),
        (1008, "LowOrderKey"),
        100,
    ),
    "two hellos": (frames(hello, hello), FORGED, 50),
    "no proof": (proof_of_nothing, FORGED, 50),
    "a proof of another key": (proof_of_another, (1008, "BadProof"), 100),
    "a recorded session": (recorded_session, FORGED, 50),
}


@pytest.mark.parametrize("case", HANDSHAKES)
async def test_a_handshake_that_is_none_is_closed_and_counted(net: HonestNet, case: str) -> None:
    act, closed, points = HANDSHAKES[case]
    node = net["node1"]
    async with Peer(node.port, ELSEWHERE) as peer:
        await act(net, peer)
        peer.read()
        found = await peer.until_closed()
        await net.until(lambda: node.points(ELSEWHERE) >= points)  # told first, counted then

    assert (found, node.points(ELSEWHERE), len(peer.frames) <= 1) == (closed, points, True)
    await net.check_whole()


async def test_who_was_banned_by_its_address_is_not_answered(net: HonestNet) -> None:
    node = net["node1"]
    async with Peer(node.port, ELSEWHERE) as peer:
        await proof_of_another(net, peer)
        peer.read()
        await peer.until_closed()
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await Peer(node.port, ELSEWHERE).__aenter__()
    async with Peer(node.port) as member:  # others are
        await member.greet(node_signer(SHOP), net.chain_id)
        await member.settle()

    assert (refused.value.status, member.closed) == (403, None)


async def test_who_is_no_member_hears_nothing(net: HonestNet) -> None:
    async with Peer(net["node1"].port) as peer:
        await peer.greet(STRANGER, net.chain_id)
        closed = await peer.until_closed()

    assert (closed, peer.heard) == ((1000, "not known to the chain"), [])
    await net.check_whole()


async def silent_for(port: int, data: bytes, pause_s: float) -> bytes:
    """Open a socket, say some bytes one by one and no more; return what comes until its end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        for one in data:
            writer.write(bytes([one]))
            await asyncio.sleep(pause_s)
        return await reader.read()
    except ConnectionError:
        return b""
    finally:
        writer.close()


async def test_who_opens_and_says_nothing_is_closed(net: HonestNet) -> None:
    port = net["node1"].port
    async with Peer(port) as dumb, Peer(port) as halfway, asyncio.timeout(30):
        await halfway.send_frame(hello(net))
        dumb.read()
        halfway.read()
        silent, half = await asyncio.gather(
            silent_for(port, b"", 0), silent_for(port, b"GET /p2p HTTP/1.1\r\nHost:", 0.01)
        )
        closed = [await dumb.until_closed(), await halfway.until_closed()]

    assert (silent, half) == (b"", b"")
    assert closed == [(1001, "SilentPeer")] * 2
    await net.check_whole()


async def test_sockets_are_counted_and_those_too_many_are_ended(net: HonestNet) -> None:
    node, writers = net["node1"], []
    assert node.network.door is not None
    for _ in range(SOCKETS_MAX + 40):
        _reader, writer = await asyncio.open_connection("127.0.0.1", node.port)
        writers.append(writer)
    await asyncio.sleep(0.1)
    open_sockets = node.network.door.sockets
    await net.check_whole()  # those who are connected stay
    for writer in writers:
        writer.close()

    assert open_sockets == SOCKETS_MAX
    await net.until(lambda: node.network.door is not None and node.network.door.sockets < 20)
