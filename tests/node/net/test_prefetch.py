"""Ranges are asked of several peers at once, and used in their order."""

from dataclasses import replace

from consensus import Blocks, GetBlocks
from node.net.prefetch import AHEAD_RANGES, PATIENCE_MS, Prefetch
from tests.consensus.four import FIRST, block_by

ANN, BEN = b"ann", b"ben"


def blocks_from(start: int) -> Blocks:
    block = block_by(FIRST.public_key)
    header = replace(block.header, height=start)
    return Blocks((replace(block, header=header),), None)  # type: ignore[arg-type]


def test_ranges_ahead_are_asked_of_peers_in_turn_as_far_as_these_are() -> None:
    asked = Prefetch().plan(1, [(ANN, 1_000), (BEN, 250)], 0)

    assert asked == [
        (ANN, GetBlocks(101, 100)),
        (BEN, GetBlocks(201, 100)),
        (ANN, GetBlocks(301, 100)),
        (ANN, GetBlocks(401, 100)),
    ]
    assert len(asked) == AHEAD_RANGES


def test_what_was_asked_is_asked_again_only_when_it_is_late() -> None:
    fetch = Prefetch()
    fetch.plan(1, [(ANN, 150)], 0)

    assert fetch.plan(1, [(ANN, 150)], PATIENCE_MS) == []
    assert fetch.plan(1, [(BEN, 150)], PATIENCE_MS + 1) == [(BEN, GetBlocks(101, 100))]


def test_only_an_answer_of_who_was_asked_is_kept_and_taken_once() -> None:
    fetch = Prefetch()
    fetch.plan(1, [(ANN, 150)], 0)

    unasked = fetch.put(blocks_from(101), BEN, 10)
    other = fetch.put(blocks_from(102), ANN, 10)
    asked = fetch.put(blocks_from(101), ANN, 10)
    kept = fetch.take(101)

    assert (unasked, other, asked) == (False, False, True)
    assert kept is not None
    assert (kept.sender, kept.blocks) == (ANN, blocks_from(101))
    assert fetch.take(101) is None


def test_what_is_below_the_height_or_of_a_liar_is_forgotten() -> None:
    fetch = Prefetch()
    fetch.plan(1, [(ANN, 450), (BEN, 450)], 0)
    for start, peer in ((101, ANN), (201, BEN), (301, ANN)):
        fetch.put(blocks_from(start), peer, 10)

    fetch.drop(ANN)
    fetch.take(150)

    assert sorted(fetch.kept) == [201]
    assert {one.peer for one in fetch.asked.values()} == {BEN}


def test_what_is_kept_is_bounded_in_bytes() -> None:
    fetch = Prefetch()
    fetch.plan(1, [(ANN, 450)], 0)

    for start in (101, 201, 301):
        fetch.put(blocks_from(start), ANN, 30 * 1024 * 1024)

    assert sorted(fetch.kept) == [101, 201]
