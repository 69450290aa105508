"""Members and a validator that say what is not so: message by message, what it costs them."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL, Evidence, block_id
from chain.codec import encode
from chain.crypto import Signer, hash_bytes
from consensus import (
    BlockBody,
    Blocks,
    EvidenceFound,
    GetBlocks,
    PolkaCertificate,
    Proposal,
    RejoinQuery,
    RejoinReply,
    RoundCertificate,
    WantBlock,
)
from node.devnet.plan import node_signer
from node.net.messages import AnyMessage, BlockTransactions, TransactionBatch, WantTransactions
from p2p import Kind, PeerAddress, PeerList
from tests.hostile import liar
from tests.hostile.liar import SIGNER, SOME
from tests.hostile.net import Honest, HonestNet
from tests.hostile.peer import Peer

pytestmark = [pytest.mark.timeout(60), pytest.mark.asyncio(loop_scope="module")]

Say = Callable[[HonestNet, Honest], Sequence[AnyMessage]]
KEY = SIGNER.public_key
NOBODY = Signer(hash_bytes("test/key", b"nobody"))
NODE2, NODE3 = node_signer("node2"), node_signer("node3")
BANNED = ((1000, "banned"), 100)
HEIGHT_MAX = 2**53 - 1
ROUND_MAX = 2**31 - 1


def spoilt(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def polka(node: Honest, *signers: Signer) -> PolkaCertificate:
    block = liar.next_block(node)
    commit = liar.commit_by(node, block, *signers)
    place = (commit.height, 1, commit.block_id, -1)
    return PolkaCertificate(*place, commit.signers, commit.signatures)


def bad_proposal(node: Honest) -> Proposal:
    """Return a proposal with a signature of somebody else's."""
    block = liar.next_block(node)
    machine = node.node.driver.engine.machine
    key = machine.proposer(machine.round)
    said = liar.vote(
        node, PROPOSAL, block_id(block.header), round_number=machine.round, shown=key, signer=NOBODY
    )
    return Proposal(said, block, None)


def segment(node: Honest, *signers: Signer, chain_id: bytes | None = None) -> Blocks:
    block = liar.next_block(node)
    return Blocks((block,), liar.commit_by(node, block, *signers, chain_id=chain_id))


def doubled(node: Honest) -> Blocks:
    """Return a block that one validator certifies three times."""
    block = liar.next_block(node)
    commit = liar.commit_by(node, block, SIGNER)
    return Blocks((block,), replace(commit, signatures=commit.signatures * 3))


def bits_of_three(node: Honest) -> Blocks:
    """Return a block under the names of three validators and the signatures of one."""
    block = liar.next_block(node)
    three = liar.commit_by(node, block, SIGNER, NODE2, NODE3)
    [own] = liar.commit_by(node, block, SIGNER).signatures
    return Blocks((block,), replace(three, signatures=(own,) * 3))


def true_commit_of_another(node: Honest) -> Blocks:
    """Return the next block under the certificate of the head."""
    commit = node.node.ledger.head_commit
    assert commit is not None
    return Blocks((liar.next_block(node),), commit)


def unlinked(node: Honest) -> Blocks:
    """Return two blocks of which the second does not follow."""
    first = liar.next_block(node)
    second = replace(first, header=replace(first.header, height=first.header.height + 1))
    return Blocks((first, second), liar.commit_by(node, second, SIGNER, NODE2, NODE3))


def changed(node: Honest, *, height_by: int = 1, **changes: Any) -> Blocks:
    """Return the head's block as one further up, somewhat changed."""
    block = node.node.ledger.store.block(node.node.ledger.height)
    header = replace(block.header, height=block.header.height + height_by, **changes)
    other = replace(block, header=header)
    return Blocks((other,), liar.commit_by(node, other, SIGNER))


def answer_to_nobody(node: Honest) -> RejoinReply:
    return RejoinReply(KEY, node.key, bytes(16), HEIGHT_MAX, None, bytes(64))


def evidence(*votes: bytes) -> EvidenceFound:
    return EvidenceFound(Evidence(votes))


def forged_pair(node: Honest) -> EvidenceFound:
    """Return two votes of node2 that node2 did not sign."""
    made = [
        encode(liar.vote(node, value=value, shown=NODE2.public_key, signer=NOBODY))
        for value in (SOME, liar.OTHER)
    ]
    return evidence(*sorted(made))


NOTHING = (None, 0)

# What a validator says, by name; how it is closed and what is held against its key.
SAID: dict[str, tuple[Say, tuple[tuple[int, str] | None, int]]] = {
    "votes of nobody": (
        lambda _, node: [liar.vote(node, signer=NOBODY) for _ in range(50)],
        NOTHING,
    ),
    "votes under another's name": (
        lambda _, node: [liar.vote(node, shown=NODE2.public_key)],
        BANNED,
    ),
    "votes of far rounds": (
        lambda _, node: [
            liar.vote(node, PREVOTE, bytes(32), round_number=one)
            for one in (*range(3, 200), ROUND_MAX)
        ],
        NOTHING,
    ),
    "votes of far heights": (
        lambda _, node: [liar.vote(node, height=one) for one in (0, 1, 10**6, HEIGHT_MAX)],
        NOTHING,
    ),
    "a hundred votes of the next height": (
        lambda _, node: [
            liar.vote(
                node,
                PREVOTE,
                bytes(32),
                height=node.node.driver.engine.height + 1,
                round_number=one,
            )
            for one in range(100)
        ],
        NOTHING,
    ),
    "precommits with a valid round": (
        lambda _, node: [liar.vote(node, PRECOMMIT, valid_round=0, round_number=1)],
        NOTHING,
    ),
    "votes of yesterday again": (
        lambda _, node: [liar.vote(node, height=1, kind=PRECOMMIT)] * 100,
        NOTHING,
    ),
    "a proposal out of turn": (
        lambda _, node: (
            [
                Proposal(
                    liar.vote(node, PROPOSAL, block_id(liar.next_block(node).header)),
                    liar.next_block(node),
                    None,
                )
            ]
            if liar.own_round(node) != 0
            else []
        ),
        NOTHING,
    ),
    "a proposal in the name of the proposer": (lambda _, node: [bad_proposal(node)], BANNED),
    "a polka of too few": (lambda _, node: [polka(node, SIGNER)], NOTHING),
    "a polka of wrong signatures": (
        lambda _, node: [polka(node, SIGNER, NODE2, NODE3)],  # precommits in a polka's place
        BANNED,
    ),
    "a round certificate of nobody": (
        lambda _, node: [RoundCertificate(node.node.driver.engine.height, 9, ())],
        NOTHING,
    ),
    "a round certificate of one, twice": (
        lambda _, node: [
            RoundCertificate(
                node.node.driver.engine.height, 9, (liar.vote(node, round_number=9),) * 2
            )
        ],
        NOTHING,
    ),
    "a round certificate that is forged": (
        lambda _, node: [
            RoundCertificate(
                node.node.driver.engine.height,
                9,
                tuple(
                    [
                        liar.vote(node, round_number=9, shown=one.public_key, signer=NOBODY)
                        for one in (SIGNER, NODE2)
                    ]
                ),
            )
        ],
        BANNED,
    ),
    "a status of the end of time": (lambda _, node: [liar.status(node, HEIGHT_MAX)], NOTHING),
    "a status with odd bitmaps": (
        lambda _, node: [
            replace(liar.status(node, 0), prevotes=one, precommits=one, round=9, polka_round=8)
            for one in (b"", b"\xff", b"\xff" * 16)
        ],
        NOTHING,
    ),
    "evidence of no votes": (lambda *_: [evidence()], NOTHING),
    "evidence of one vote": (lambda _, node: [evidence(encode(liar.vote(node)))], NOTHING),
    "evidence of a vote against itself": (
        lambda _, node: [EvidenceFound(liar.pair(node))],
        NOTHING,
    ),
    "evidence of noise": (lambda *_: [evidence(b"\x00", b"\x01")], NOTHING),
    "evidence that is forged": (lambda _, node: [forged_pair(node)], BANNED),
    "a reply to nobody": (lambda _, node: [answer_to_nobody(node)], BANNED),
    "questions about everybody": (
        lambda *_: [RejoinQuery(bytes([one]) * 32, bytes(16)) for one in range(50)],
        NOTHING,
    ),
    "a segment of no blocks": (
        lambda _, node: [Blocks((), liar.decided(node, 1).commit)],
        (None, 50),
    ),
    "a block that one certifies": (lambda _, node: [segment(node, SIGNER)], BANNED),
    "a block that one certifies three times": (lambda _, node: [doubled(node)], BANNED),
    "a block with names of three": (lambda _, node: [bits_of_three(node)], BANNED),
    "a block with a certificate of another chain": (
        lambda _, node: [segment(node, SIGNER, NODE2, NODE3, chain_id=bytes(32))],
        BANNED,
    ),
    "a block with the head's certificate": (
        lambda _, node: [true_commit_of_another(node)],
        BANNED,
    ),
    "blocks that do not follow": (lambda _, node: [unlinked(node)], BANNED),
    "a block of other validators": (
        lambda _, node: [changed(node, validators_hash=bytes(32))],
        BANNED,
    ),
    "a wrong root under a good certificate": (  # three keys of four are the liar's
        lambda _, node: [segment(node, SIGNER, NODE2, NODE3)],
        BANNED,
    ),
    "old blocks": (lambda _, node: [liar.decided(node, 1, 2)] * 5, NOTHING),
    "blocks of far away": (
        lambda _, node: [changed(node, height_by=10**6)],
        NOTHING,
    ),
    "a body that nobody asked for": (
        lambda _, node: [BlockBody(liar.next_block(node))],
        BANNED,  # its transactions are not its header's
    ),
    "transactions that nobody asked for": (
        lambda net, _: [BlockTransactions(SOME, (net.pay(),))],
        NOTHING,
    ),
    "questions for blocks that are not there": (
        lambda *_: [
            GetBlocks(0, 100),
            GetBlocks(HEIGHT_MAX, 100),
            WantBlock(HEIGHT_MAX, SOME),
            WantBlock(0, SOME),
            WantTransactions(HEIGHT_MAX, SOME, (0,)),
            WantTransactions(0, SOME, (0, 0)),
        ],
        NOTHING,
    ),
    "a transaction that is none": (lambda *_: [TransactionBatch((b"noise",))], (None, 10)),
    "a transaction with a bad signature": (
        lambda net, _: [TransactionBatch((spoilt(net.pay()),))],
        (None, 10),
    ),
    "ten of them": (
        lambda net, _: [TransactionBatch((spoilt(net.pay()),)) for _ in range(10)],
        BANNED,
    ),
    "a batch of nothing": (lambda *_: [TransactionBatch(())] * 20, NOTHING),
}


@pytest.mark.parametrize("case", SAID)
async def test_what_is_not_so_changes_nothing_and_costs_what_it_should(
    net: HonestNet, case: str
) -> None:
    say, wanted = SAID[case]
    node = net["node1"]
    async with Peer(node.port) as peer:
        await peer.greet(SIGNER, net.chain_id)
        await peer.say(*say(net, node))
        await peer.settle()
        await net.until(lambda: node.is_quiet)
        if wanted[0] is not None:
            await peer.until_closed()
        found = (peer.closed, node.points(KEY))
        await net.check_whole()

    assert found == wanted


async def test_the_same_transaction_again_and_again_is_final_once(net: HonestNet) -> None:
    node, data = net["node1"], net.pay()
    before = node.node.ledger.height
    async with Peer(node.port) as peer:
        await peer.greet(SIGNER, net.chain_id)
        await peer.say(*[TransactionBatch((data,) * 10) for _ in range(50)])
        await net.until(lambda: net.is_final(data))
        await peer.say(*[TransactionBatch((data,) * 10) for _ in range(50)])
        await peer.settle()
        await net.until(lambda: node.is_quiet)
        found = (peer.closed, node.points(KEY), node.node.ledger.height - before)
        await net.check_whole()

    assert found == (None, 0, 1)


def told(host: str, count: int) -> PeerList:
    return PeerList(
        tuple([PeerAddress(f"ws://{host}:{9 + one}/p2p", None) for one in range(count)])
    )


async def test_of_addresses_that_are_told_few_are_kept(net: HonestNet) -> None:
    node = net["node1"]
    async with Peer(node.port) as peer:
        await peer.greet(SIGNER, net.chain_id)
        for number in range(5):
            await peer.send(Kind.PEERS, encode(told(f"127.9.9.{number + 1}", 32)))
        await peer.settle()
        kept = [one.url for one in node.network.book.all() if one.teller_hex == KEY.hex()]
        found = (peer.closed, node.points(KEY), len(kept))
        await net.check_whole()

    assert found == (None, 0, 64)


async def test_more_addresses_than_a_message_may_have_are_a_fault(net: HonestNet) -> None:
    node = net["node1"]
    full = encode(told("a.example", 32))
    one = encode(told("a.example", 1))[2:]
    longer = full[:1] + b"\xdc\x00\x21" + full[4:] + one
    async with Peer(node.port) as peer:
        await peer.greet(SIGNER, net.chain_id)
        await peer.send(Kind.PEERS, longer)
        await peer.settle()
        found = (peer.closed, node.points(KEY))
        await net.check_whole()

    assert found == (None, 50)


@pytest.mark.parametrize(
    "url", ["http://a.example/p2p", "ws://u@a.example/p2p", "ws://a/p2p?x", ""]
)
async def test_an_address_that_is_none_is_a_fault(net: HonestNet, url: str) -> None:
    node = net["node1"]
    async with Peer(node.port) as peer:
        await peer.greet(SIGNER, net.chain_id)
        await peer.send(Kind.PEERS, encode(PeerList((PeerAddress(url, None),))))
        await peer.settle()
        found = (peer.closed, node.points(KEY))
        await net.check_whole()

    assert found == (None, 50)
