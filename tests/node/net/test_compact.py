"""Proposals that name their transactions: what is asked for, answered, and kept."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.block import Block, block_id
from chain.errors import MalformedBytesError
from chain.transaction import read_transaction
from consensus import Proposal
from node.net.bodies import body_fault, witness_ids_of
from node.net.compact import WAITING_MAX, Puzzles, answer_want, compact
from node.net.messages import BlockTransactions, CompactProposal, WantTransactions
from tests.node.net.linked import LinkedNet, linked

PROPOSER, COPYIST = b"p" * 32, b"c" * 32


def proposal(block: Block, vote: Any = None) -> CompactProposal:
    made = compact(Proposal(vote, block, None), witness_ids_of(block))
    assert isinstance(made, CompactProposal)
    return made


def find_nothing(_witness_id: bytes) -> None:
    return None


async def decided(net: LinkedNet, count: int) -> Block:
    """Return a decided block with some transactions."""
    sent = [net.pay("alice", "bob") for _ in range(count)]
    await net["node1"].node.submit_batch(sent)
    await net.until(lambda: all(net.is_final(one, "node1") for one in sent))
    store = net["node1"].node.ledger.store
    blocks = [store.block(height) for height in range(1, net["node1"].node.ledger.height + 1)]
    return max(blocks, key=lambda one: len(one.transactions))


@pytest.fixture
async def block(tmp_path: Path) -> Block:
    async with linked(tmp_path, 1) as net:
        return await decided(net, 6)


def test_ids_of_transactions_are_those_that_reading_them_gives(block: Block) -> None:
    read = tuple([read_transaction(data).witness_id for data in block.transactions])

    assert witness_ids_of(block) == read


def test_a_body_is_its_headers_or_it_is_told_which_part_is_not(block: Block) -> None:
    ids = witness_ids_of(block)
    header = block.header

    assert body_fault(block, ids) is None
    assert body_fault(block, ids[1:]) == (
        f"a block of height {header.height} with other transactions than its header names"
    )
    assert body_fault(replace(block, skipped=(b"s" * 32,)), ids[::-1] if len(ids) > 1 else ()) == (
        f"a block of height {header.height} with other skipped calls, transactions than its"
        " header names"
    )


def test_who_repeats_a_proposal_does_not_stand_in_the_way_of_its_proposer(block: Block) -> None:
    puzzles, shortened = Puzzles(), proposal(block)
    asked = [puzzles.begin(shortened, one, find_nothing) for one in (PROPOSER, COPYIST, COPYIST)]
    places = tuple(range(len(block.transactions)))
    want = WantTransactions(block.header.height, block_id(block.header), places)
    answer = BlockTransactions(want.block_id, block.transactions)

    assert asked == [want, want, want]
    assert len(puzzles) == 2
    assert puzzles.complete(answer, b"x" * 32) is None
    assert puzzles.complete(answer, PROPOSER) == Proposal(shortened.vote, block, None)
    assert len(puzzles) == 0


def test_proposals_that_wait_are_few_and_a_sender_pushes_out_its_own_first(block: Block) -> None:
    puzzles = Puzzles()
    puzzles.begin(proposal(block), PROPOSER, find_nothing)
    for number in range(3 * WAITING_MAX):
        other = replace(block, header=replace(block.header, gas_used=number))
        puzzles.begin(proposal(other), COPYIST, find_nothing)
        assert len(puzzles) <= WAITING_MAX
    answer = BlockTransactions(block_id(block.header), block.transactions)

    assert puzzles.complete(answer, PROPOSER) is not None
    puzzles.forget(COPYIST)
    assert len(puzzles) == 0


@pytest.mark.parametrize("places", [(0, 0), (1, 0), (0, 1, 1), (0, 65_535), tuple([0] * 65_536)])
def test_a_short_question_gets_no_long_answer(block: Block, places: tuple[int, ...]) -> None:
    want = WantTransactions(block.header.height, block_id(block.header), places)

    with pytest.raises(MalformedBytesError, match="that do not rise, or are not there"):
        answer_want(want, block)


def test_what_was_asked_for_is_answered_in_order(block: Block) -> None:
    name = block_id(block.header)
    last = len(block.transactions) - 1
    places = tuple(sorted({0, last}))
    chosen = tuple([block.transactions[place] for place in places])

    assert answer_want(WantTransactions(1, name, places), block) == BlockTransactions(name, chosen)
    assert answer_want(WantTransactions(1, name, ()), block) == BlockTransactions(name, ())
