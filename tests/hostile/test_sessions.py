"""Members that break the session: frames after the handshake, messages that can not be read."""

from collections.abc import Awaitable, Callable

import pytest

from chain.codec import encode
from node.devnet.plan import node_signer
from node.net.messages import TransactionBatch, pack
from p2p import FRAME_BYTES_MAX, Kind
from p2p.messages import Ping
from p2p.session import CHUNK_BYTES_MAX, UNFINISHED_BYTES_MAX
from tests.hostile.net import SHOP, HonestNet
from tests.hostile.peer import Peer

pytestmark = [pytest.mark.timeout(60), pytest.mark.asyncio(loop_scope="module")]

KEY = node_signer(SHOP).public_key
FULL_CHUNK = bytes(CHUNK_BYTES_MAX)
MANY = ((Kind.SYNC, 300), (Kind.PROPOSAL, 190), (Kind.BLOCK, 190))  # chunks: 42 MiB
Act = Callable[[Peer], Awaitable[None]]


def frame(opened: bytes) -> Act:
    async def act(peer: Peer) -> None:
        await peer.send_frame(peer.seal(opened))

    return act


def raw(data: bytes) -> Act:
    async def act(peer: Peer) -> None:
        await peer.send_frame(data)

    return act


def message(kind: Kind, payload: bytes) -> Act:
    async def act(peer: Peer) -> None:
        await peer.send(kind, payload)

    return act


async def text(peer: Peer) -> None:
    await peer.ws.send_str("hello")


async def repeated(peer: Peer) -> None:
    sealed = peer.seal(bytes([Kind.PING, 1]) + encode(Ping(1, 1)))
    for _ in range(2):
        await peer.send_frame(sealed)


async def left_out(peer: Peer) -> None:
    peer.seal(bytes([Kind.PING, 1]) + encode(Ping(1, 1)))
    await peer.send_frame(peer.seal(bytes([Kind.PING, 1]) + encode(Ping(2, 1))))


async def reflected(peer: Peer) -> None:
    """Send back what the node itself sent."""
    await peer.settle()
    await peer.send_frame(peer.frames[-1])


async def changed(peer: Peer) -> None:
    sealed = bytearray(peer.seal(bytes([Kind.PING, 1]) + encode(Ping(1, 1))))
    sealed[-1] ^= 1
    await peer.send_frame(bytes(sealed))


async def hoarded(peer: Peer) -> None:
    """Begin the largest messages of many kinds and end none of them."""
    for kind, count in MANY:
        for _ in range(count):
            await peer.send_frame(peer.seal(bytes([kind, 0]) + FULL_CHUNK))


async def endless(peer: Peer) -> None:
    """Go on with one message beyond what its kind may have."""
    for _ in range(20):
        await peer.send_frame(peer.seal(bytes([Kind.TRANSACTIONS, 0]) + FULL_CHUNK))


MALFORMED, FORGED = (1002, "MalformedFrame"), (1002, "ForgedFrame")
TOO_LARGE = (1009, "MessageTooLarge")

# What a member sends; how it is closed; what is held against its key.
BREACHES: dict[str, tuple[Act, tuple[int, str], int]] = {
    "noise": (raw(b"noise" * 20), FORGED, 50),
    "an empty frame": (raw(b""), FORGED, 50),
    "a frame of 79 KiB": (raw(bytes(79 * 1_024)), TOO_LARGE, 50),
    "one byte more than a frame": (raw(bytes(FRAME_BYTES_MAX + 1)), TOO_LARGE, 50),
    "a frame of 200 KiB": (raw(bytes(200 * 1_024)), (1009, ""), 50),
    "text": (text, MALFORMED, 50),
    "a frame again": (repeated, FORGED, 50),
    "a frame left out": (left_out, FORGED, 50),
    "a frame sent back": (reflected, FORGED, 50),
    "a frame with one bit changed": (changed, FORGED, 50),
    "no head": (frame(b""), MALFORMED, 50),
    "half a head": (frame(b"\x01"), MALFORMED, 50),
    "a kind that is none": (frame(b"\x00\x01x"), MALFORMED, 50),
    "a kind of tomorrow": (frame(b"\x63\x01x"), MALFORMED, 50),
    "a mark that is none": (frame(bytes([Kind.VOTE, 2]) + b"x"), MALFORMED, 50),
    "a small chunk in the middle": (frame(bytes([Kind.VOTE, 0]) + b"x"), MALFORMED, 50),
    "an empty chunk in the middle": (frame(bytes([Kind.VOTE, 0])), MALFORMED, 50),
    "a ping that is too large": (frame(bytes([Kind.PING, 1]) + bytes(17_000)), TOO_LARGE, 50),
    "a ping that can not be read": (message(Kind.PING, b"?"), MALFORMED, 50),
    "a pong that can not be read": (message(Kind.PONG, b"?"), MALFORMED, 50),
    "thousands of addresses": (frame(bytes([Kind.PEERS, 1]) + bytes(20_000)), TOO_LARGE, 50),
    "messages without an end": (hoarded, TOO_LARGE, 50),
    "a message without an end": (endless, TOO_LARGE, 50),
}


@pytest.mark.parametrize("case", BREACHES)
async def test_a_session_that_is_broken_is_closed_and_counted(net: HonestNet, case: str) -> None:
    act, closed, points = BREACHES[case]
    node = net["node1"]
    async with Peer(node.port) as peer:
        await peer.greet(node_signer(SHOP), net.chain_id)
        await act(peer)
        found = await peer.until_closed()
        await net.until(lambda: node.points(KEY) >= points)  # it is told first, and counted then

    assert (found, node.points(KEY)) == (closed, points)
    await net.check_whole()


async def test_unfinished_messages_are_kept_up_to_a_bound(net: HonestNet) -> None:
    node = net["node1"]
    async with Peer(node.port) as peer:
        await peer.greet(node_signer(SHOP), net.chain_id)
        await net.until(lambda: KEY in node.network.connected())
        [connection] = [one for one in node.network.peers() if one.peer.node_key == KEY]
        session, most = connection._session, 0
        for kind, count in MANY:
            for _ in range(count):
                await peer.send_frame(peer.seal(bytes([kind, 0]) + FULL_CHUNK))
                most = max(most, session.unfinished_bytes)
        await peer.until_closed()

    assert UNFINISHED_BYTES_MAX // 2 < most <= UNFINISHED_BYTES_MAX
    assert session.unfinished_bytes == 0


UNREADABLE = [kind for kind in Kind if kind not in {Kind.PING, Kind.PONG}]


@pytest.mark.parametrize("kind", UNREADABLE)
@pytest.mark.parametrize("payload", [b"", b"\xc1", b"noise" * 20], ids=["empty", "byte", "noise"])
async def test_a_message_that_can_not_be_read_is_a_fault_and_a_second_one_a_ban(
    net: HonestNet, kind: Kind, payload: bytes
) -> None:
    node = net["node1"]
    async with Peer(node.port) as peer:
        await peer.greet(node_signer(SHOP), net.chain_id)
        await peer.send(kind, payload)
        await peer.settle()
        first = (peer.closed, node.points(KEY))
        await peer.send(kind, payload)
        second = await peer.until_closed()
        await net.until(lambda: node.points(KEY) >= 2 * 50)
    async with Peer(node.port) as again:
        await again.greet(node_signer(SHOP), net.chain_id)
        third = await again.until_closed()

    assert (first, second, third) == ((None, 50), (1000, "banned"), (1000, "banned"))
    assert node.points(KEY) == 2 * 50
    await net.check_whole()


async def test_a_message_that_comes_as_another_kind_is_a_fault(net: HonestNet) -> None:
    node = net["node1"]
    _kind, payload = pack(TransactionBatch((net.pay(),)))
    async with Peer(node.port) as peer:
        await peer.greet(node_signer(SHOP), net.chain_id)
        await peer.send(Kind.VOTE, payload)
        await peer.settle()
        found = (peer.closed, node.points(KEY))

    assert found == (None, 50)
    await net.check_whole()
