"""A validator that proposes what can not be: each time in a network of its own, near its turn."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from chain.block import Block, block_id, commit_hash, list_hash
from chain.merkle import root
from chain.vote import SignedVote
from consensus import BlockBody, Proposal
from node.net.bodies import witness_ids_of
from node.net.messages import BlockTransactions, CompactProposal, WantTransactions
from tests.hostile import liar
from tests.hostile.liar import SIGNER
from tests.hostile.net import BOUNDS, Honest, HonestNet, honest_net
from tests.hostile.peer import Peer, until

pytestmark = [pytest.mark.timeout(60)]

KEY = SIGNER.public_key


@pytest.fixture
async def net(tmp_path: Path) -> AsyncIterator[HonestNet]:
    """Honest nodes at a height at which the liar's turn is near."""
    async with honest_net(tmp_path) as made:
        while liar.own_round(made["node1"]) != 1:
            await made.decide()
        yield made


def block_of(node: Honest, *transactions: bytes) -> Block:
    """Return a block whose body is its header's, and whose state root is not."""
    bare = liar.next_block(node, transactions=transactions)
    header = replace(
        bare.header,
        last_commit_hash=commit_hash(bare.last_commit),
        evidence_hash=list_hash("evidence", ()),
        skipped_hash=list_hash("skipped", ()),
        tx_root=root(witness_ids_of(bare)),
    )
    return replace(bare, header=header)


def proposed(node: Honest, block: Block) -> CompactProposal:
    return liar.proposal(node, block, 1)


async def asked(peer: Peer, name: bytes) -> WantTransactions:
    """Return what the node asks for of a proposal."""
    found: list[WantTransactions] = []

    def is_asked() -> bool:
        found.extend(
            one for one in peer.told() if isinstance(one, WantTransactions) and one.block_id == name
        )
        return bool(found)

    await until(is_asked)
    return found[0]


Act = Callable[[HonestNet, Honest, Peer], Awaitable[None]]


async def nothing_comes(net: HonestNet, node: Honest, peer: Peer) -> None:
    block = block_of(node, net.pay(), net.pay())
    await peer.say(proposed(node, block))
    want = await asked(peer, block_id(block.header))
    assert want.places == (0, 1)


async def others_come(net: HonestNet, node: Honest, peer: Peer) -> None:
    block = block_of(node, net.pay(), net.pay())
    await peer.say(proposed(node, block))
    want = await asked(peer, block_id(block.header))
    await peer.say(BlockTransactions(want.block_id, (block.transactions[0], net.pay())))


async def too_few_come(net: HonestNet, node: Honest, peer: Peer) -> None:
    block = block_of(node, net.pay(), net.pay())
    await peer.say(proposed(node, block))
    want = await asked(peer, block_id(block.header))
    await peer.say(BlockTransactions(want.block_id, block.transactions[:1]))


async def noise_comes(net: HonestNet, node: Honest, peer: Peer) -> None:
    block = block_of(node, net.pay())
    await peer.say(proposed(node, block))
    want = await asked(peer, block_id(block.header))
    await peer.say(BlockTransactions(want.block_id, (b"noise",)))


async def another_body_by_ids(net: HonestNet, node: Honest, peer: Peer) -> None:
    made = proposed(node, block_of(node, net.pay()))
    await peer.say(replace(made, witness_ids=()))


async def another_body(net: HonestNet, node: Honest, peer: Peer) -> None:
    block = block_of(node, net.pay())
    said: SignedVote = proposed(node, block).vote
    await peer.say(Proposal(said, replace(block, transactions=()), None))


async def another_body_when_it_is_missed(net: HonestNet, node: Honest, peer: Peer) -> None:
    block = block_of(node, net.pay())
    await peer.say(Proposal(proposed(node, block).vote, None, None))
    await peer.say(BlockBody(replace(block, transactions=())))


async def another_parent_certificate(_net: HonestNet, node: Honest, peer: Peer) -> None:
    await peer.say(replace(proposed(node, block_of(node)), last_commit=None))


async def wrong_roots(_net: HonestNet, node: Honest, peer: Peer) -> None:
    await peer.say(proposed(node, block_of(node)))


async def a_long_answer_to_a_short_question(_net: HonestNet, node: Honest, peer: Peer) -> None:
    block = block_of(node)
    await peer.say(proposed(node, block))
    name = block_id(block.header)
    await until(lambda: name in node.node.driver.engine.machine.bodies)
    await peer.say(WantTransactions(block.header.height, name, (0,) * 65_536))


# What a proposer does, whether it is closed, and what is held against its key.
PROPOSED: dict[str, tuple[Act, tuple[int, str] | None, int]] = {
    "its transactions never come": (nothing_comes, None, 0),
    "other transactions come": (others_come, None, 50),
    "too few transactions come": (too_few_come, None, 50),
    "noise comes": (noise_comes, None, 50),
    "other ids than its header's": (another_body_by_ids, (1000, "banned"), 100),
    "another body than its header's": (another_body, (1000, "banned"), 100),
    "another body, when it is missed": (another_body_when_it_is_missed, (1000, "banned"), 100),
    "another certificate": (another_parent_certificate, (1000, "banned"), 100),
    "wrong roots": (wrong_roots, None, 0),
    "a question that repeats itself": (a_long_answer_to_a_short_question, None, 50),
}


@pytest.mark.parametrize("case", PROPOSED)
async def test_a_proposal_that_can_not_be_stops_nobody(net: HonestNet, case: str) -> None:
    act, closed, points = PROPOSED[case]
    node = net["node1"]
    async with Peer(node.port) as peer:
        await peer.greet(SIGNER, net.chain_id)
        await act(net, node, peer)
        await peer.settle()
        if closed is not None:
            await peer.until_closed()
        found = (peer.closed, node.points(KEY))
        await net.check_whole()

    assert found == (closed, points)
    assert node.sizes()["proposals that wait"] == 0


async def test_many_proposals_of_one_turn_are_kept_up_to_a_bound(net: HonestNet) -> None:
    node = net["node1"]
    async with Peer(node.port) as peer:
        await peer.greet(SIGNER, net.chain_id)
        for _ in range(20):
            await peer.say(proposed(node, block_of(node, net.pay())))
        await peer.settle()
        waiting = node.sizes()["proposals that wait"]
        await net.check_whole()

    assert waiting == BOUNDS["proposals that wait"]


async def test_who_proposes_two_blocks_in_one_turn_is_convicted_and_the_chain_goes_on(
    net: HonestNet,
) -> None:
    node = net["node1"]
    async with Peer(node.port) as peer:
        await peer.greet(SIGNER, net.chain_id)
        first = block_of(node)
        second = replace(first, header=replace(first.header, gas_used=1))
        await peer.say(proposed(node, first), proposed(node, second))
        await peer.settle()
        await net.check_whole()
        convicted = [one.node.driver.engine.machine.head.convicted for one in net]

    assert len(node.node.driver.evidence) == 1
    assert all(KEY in one for one in convicted)
