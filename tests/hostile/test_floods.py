"""Members that send more than the rates allow, or take nothing of what they asked for."""

import asyncio
from collections.abc import Callable

import pytest

from chain.codec import encode
from consensus import GetBlocks, WantBlock
from node.devnet.plan import node_signer
from node.net.messages import TransactionBatch, pack
from p2p import DEFAULT_RATES, Kind, PeerList, Rate
from p2p.kinds import KIB, MIB
from p2p.messages import Ping
from tests.hostile import liar
from tests.hostile.liar import SIGNER
from tests.hostile.net import BOUNDS, OTHER_SHOP, SHOP, Honest, HonestNet
from tests.hostile.peer import Peer

pytestmark = [pytest.mark.timeout(60), pytest.mark.asyncio(loop_scope="module")]

KEY = SIGNER.public_key
TOO_FAST = ((1008, "TooFast"), 40)

Message = tuple[Kind, bytes]
# Rates that make a flood of few messages: each is held back long enough to be measured on a busy
# machine, where a pause of a millisecond is none.
SLOW = Rate(5, 20, 256 * KIB, MIB)
# Who floods which node with what, and how often: each is more than twelve seconds' worth.
FLOODS: dict[str, tuple[str, str, int, Callable[[int], Message]]] = {
    "pings": ("node1", SHOP, 100, lambda number: (Kind.PING, encode(Ping(number, 1)))),
    "addresses": ("node1", OTHER_SHOP, 100, lambda _: (Kind.PEERS, encode(PeerList(())))),
    "questions for blocks": ("node2", SHOP, 200, lambda _: pack(GetBlocks(1, 100))),
    "questions for a block": ("node2", OTHER_SHOP, 200, lambda _: pack(WantBlock(1, bytes(32)))),
    "batches": ("node3", SHOP, 200, lambda _: pack(TransactionBatch(()))),
}


async def flood(net: HonestNet, case: str) -> tuple[tuple[int, str], int]:
    """Send until the node has closed; return how, and what it holds against the sender."""
    name, who, count, make = FLOODS[case]
    key = node_signer(who).public_key
    async with Peer(net[name].port) as peer:
        await peer.greet(node_signer(who), net.chain_id)
        for number in range(count):
            if peer.closed is not None:
                break
            await peer.send(*make(number))
            if number % 100 == 0:
                await asyncio.sleep(0)
        async with asyncio.timeout(45):
            # The node decides when; it closes first and counts then.
            while peer.closed is None or not net[name].points(key):  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        return peer.closed, net[name].points(key)


async def test_who_sends_far_more_than_the_rates_is_held_back_and_then_given_up(
    net: HonestNet, monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (Kind.SYNC_REQUEST, Kind.WANT, Kind.TRANSACTIONS):
        monkeypatch.setitem(DEFAULT_RATES, kind, SLOW)
    floods = [asyncio.create_task(flood(net, case)) for case in FLOODS]
    excesses: list[dict[str, int]] = []
    while not all(one.done() for one in floods):
        await net.decide()  # meanwhile the chain goes on
        excesses += [one.excesses() for one in net if one.excesses()]
        await asyncio.sleep(0.1)
    found = dict(zip(FLOODS, [one.result() for one in floods], strict=True))
    await net.check_whole()

    assert found == dict.fromkeys(FLOODS, TOO_FAST)
    assert excesses == []


async def said_often(node: Honest, peer: Peer, count: int) -> None:
    """Say much within the rates: votes that count for nothing, and where one is."""
    for number in range(count):
        await peer.say(liar.status(node, 0), liar.vote(node, value=bytes(32), round_number=number))


async def test_much_that_is_within_the_rates_is_borne(net: HonestNet) -> None:
    node = net["node1"]
    async with Peer(node.port) as peer:
        await peer.greet(SIGNER, net.chain_id)
        await said_often(node, peer, 1_500)
        await peer.settle()
        found = (peer.closed, node.points(KEY))
        await net.check_whole()

    assert found == (None, 0)


async def test_who_takes_nothing_of_what_it_asks_for_is_given_up(net: HonestNet) -> None:
    node = net["node1"]
    await node.node.submit_batch([net.pay() for _ in range(90)])
    await net.decide("node1")
    async with Peer(node.port, is_narrow=True) as peer:
        await peer.greet(SIGNER, net.chain_id, reads=False)
        await net.until(lambda: KEY in node.network.connected())
        await peer.say(*[GetBlocks(1, 100)] * 400)
        queued: list[int] = []
        while KEY in node.network.connected():
            queued.append(node.sizes()["queued bytes"])
            await net.decide()
        await net.check_whole()

    assert 0 < max(queued) <= BOUNDS["queued bytes"]
    assert node.points(KEY) == 0  # slow is no fault
