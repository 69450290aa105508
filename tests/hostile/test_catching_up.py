"""A node that begins, and a liar who is the first to talk to it."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
import pytest_asyncio

from consensus import Blocks, GetBlocks
from node.live.hearing import heights_behind
from node.net.messages import AnyMessage
from tests.hostile import liar
from tests.hostile.liar import SIGNER
from tests.hostile.net import SHOP, Honest, HonestNet
from tests.hostile.peer import Peer, until

pytestmark = [pytest.mark.timeout(60), pytest.mark.asyncio(loop_scope="module")]

KEY = SIGNER.public_key
FAR = 300  # within what blocks are asked for, and not a snapshot
Answer = Callable[[Honest, Honest], list[AnyMessage]]


@pytest_asyncio.fixture(loop_scope="module")
async def fresh(net: HonestNet) -> AsyncIterator[Honest]:
    """A node that begins and knows nobody."""
    yield await net.start(SHOP)
    await net.stop(SHOP)


def own_block(node: Honest) -> Blocks:
    """Return a block that the liar alone certifies."""
    block = liar.next_block(node)
    return Blocks((block,), liar.commit_by(node, block, SIGNER))


# How the liar answers the first question for blocks (it stores what a node has, and the node that
# begins is the other), and what is held against it in the end.
ANSWERS: dict[str, tuple[Answer, int]] = {
    "nothing": (lambda *_: [], 0),
    "another range": (lambda known, _: [liar.decided(known, 3, 4)], 0),
    "a range from the middle on, and again": (lambda known, _: [liar.decided(known, 4, 5)] * 9, 0),
    "one block, and no more": (lambda known, _: [liar.decided(known, 1)], 0),
    "no block": (lambda known, _: [Blocks((), liar.decided(known, 1).commit)], 50),
    "a block of its own": (lambda _, fresh: [own_block(fresh)], 100),
    "the right blocks under another certificate": (
        lambda known, _: [replace(liar.decided(known, 1, 2), commit=liar.decided(known, 3).commit)],
        100,
    ),
}


async def lured(net: HonestNet, case: str, fresh: Honest, peer: Peer) -> int:
    """Let the liar claim to be ahead, be asked, and answer; return what is held against it."""
    answer, _points = ANSWERS[case]
    await peer.greet(SIGNER, net.chain_id)
    await peer.say(liar.status(fresh, FAR))
    await until(lambda: any(isinstance(one, GetBlocks) for one in peer.told()))
    await peer.say(*answer(net["node1"], fresh))
    await peer.settle()
    await net.until(lambda: fresh.is_quiet)
    return fresh.points(KEY)


async def catch_up(net: HonestNet, fresh: Honest) -> None:
    """Let the node meet an honest one: it comes to have all blocks, and goes on with them."""
    known = net["node1"]
    fresh.network.book.add(known.url)
    await net.until(lambda: fresh.node.ledger.height == known.node.ledger.height)
    await net.check_whole()
    assert fresh.node.ledger.head_id == known.node.ledger.head_id


@pytest.mark.parametrize("case", ANSWERS)
async def test_a_liar_delays_a_node_that_begins_and_does_not_stop_it(
    net: HonestNet, fresh: Honest, case: str
) -> None:
    async with Peer(fresh.port) as peer:
        found = await lured(net, case, fresh, peer)
        await catch_up(net, fresh)

    assert found == ANSWERS[case][1]


@pytest.mark.parametrize("case", ANSWERS)
async def test_a_liar_that_is_gone_is_not_waited_for(
    net: HonestNet, fresh: Honest, case: str
) -> None:
    async with Peer(fresh.port) as peer:
        found = await lured(net, case, fresh, peer)
    await net.until(lambda: KEY not in fresh.network.connected())
    heights = fresh.node.driver.engine.catch_up.heights
    await catch_up(net, fresh)

    assert (found, heights) == (ANSWERS[case][1], [])


async def test_a_claim_of_one_alone_takes_no_node_out_of_service(net: HonestNet) -> None:
    node = net["node1"]
    async with Peer(node.port) as peer:
        await peer.greet(SIGNER, net.chain_id)
        await peer.say(liar.status(node, FAR))
        await until(lambda: any(isinstance(one, GetBlocks) for one in peer.told()))
        behind = heights_behind(node.node.driver.engine)
        await net.check_whole()

    assert behind == 0
