"""Which snapshot, and which chunk of whom: chosen without clocks and sockets."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from chain.block import Commit, Header
from chain.snapshot import SnapshotManifest, describe_chunk, snapshot_id, write_chunks
from node.net.snapshot_plan import (
    CHUNKS_PER_PEER,
    PATIENCE_MS,
    WINDOW_BYTES_MAX,
    WINDOW_CHUNKS,
    ChunkPlan,
    Offered,
    Offers,
    told_height,
)
from node.storage.genesis_block import genesis_block
from tests.make import genesis, word

PEERS = (b"ann", b"ben", b"cat")
HEADER: Header = genesis_block(genesis()).block.header
SET = genesis().validator_set()


def chunk(number: int) -> bytes:
    """Return a chunk with one entry."""
    return next(write_chunks([(number.to_bytes(2, "big"), word(f"{number}"))]))


def manifest_of(count: int, height: int = 20) -> SnapshotManifest:
    chunks = tuple(describe_chunk(chunk(number)) for number in range(count))
    commit = Commit(height, 0, bytes(32), b"", ())
    return SnapshotManifest(1, replace(HEADER, height=height), commit, SET, SET, chunks)


def offered(sender: bytes, height: int, count: int = 3) -> Offered:
    manifest = manifest_of(count, height)
    return Offered(snapshot_id(manifest), manifest, (), sender)


def plan_of(count: int, done: int = 0, sources: tuple[bytes, ...] = PEERS) -> ChunkPlan:
    manifest = manifest_of(count)
    return ChunkPlan(snapshot_id(manifest), manifest, done, list(sources))


# Whom to believe --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("heights", "peers", "told"),
    [
        ([], 0, None),
        ([], 3, None),
        ([9], 1, 9),
        ([9], 2, None),  # the other one has not said a word yet
        ([9, 7], 2, 7),
        ([10**9, 7, 7, 3], 4, 7),
    ],
)
def test_the_newest_height_is_what_two_say_or_the_only_one(
    heights: list[int], peers: int, told: int | None
) -> None:
    assert told_height(heights, peers) == told


def test_what_two_have_is_best_then_what_was_begun_then_the_newest() -> None:
    offers = Offers()
    old, new, twin = offered(b"ann", 10), offered(b"ann", 20), offered(b"ben", 20, count=4)
    lone = offered(b"dan", 90)  # by its header it may be true
    for one in (old, new, twin, replace(twin, sender=b"cat"), replace(old, sender=b"cat"), lone):
        assert offers.put(one)
    ranked = [(one.manifest.height, len(one.manifest.chunks)) for one in offers.best(0)]
    begun = offers.best(0, old.identity)[0]
    near = {one.identity for one in offers.best(11, lone.identity)}

    assert ranked == [(20, 4), (20, 4), (10, 3), (10, 3), (90, 3), (20, 3)]
    assert begun.identity == old.identity
    assert near == {new.identity, twin.identity, lone.identity}
    assert offers.senders(twin.identity) == [b"ben", b"cat"]


def test_refused_offers_doubted_ones_and_too_many_are_not_chosen() -> None:
    offers = Offers()
    first, second, third = (offered(b"ann", height) for height in (10, 20, 30))
    taken = [offers.put(one) for one in (first, first, second, third)]
    offers.doubt(second)
    liars = offers.refuse(first.identity)

    assert taken == [True, False, True, False]
    assert (liars, offers.best(0)) == ([b"ann"], [])
    assert offers.put(replace(first, sender=b"ben")) is False
    assert offers.senders(second.identity) == [b"ann"]
    offers.drop(b"ann")
    assert len(offers) == 0


# Whom to ask ------------------------------------------------------------------------------------


def test_all_who_have_it_are_asked_at_once_for_a_few_chunks_each() -> None:
    plan = plan_of(30)
    requests = plan.plan(0)

    assert [index for _peer, index in requests] == list(range(3 * CHUNKS_PER_PEER))
    assert {peer: sum(one == peer for one, _index in requests) for peer in PEERS} == dict.fromkeys(
        PEERS, CHUNKS_PER_PEER
    )
    assert plan.plan(PATIENCE_MS - 1) == []


def test_what_is_not_answered_is_asked_of_others_and_the_slow_one_last() -> None:
    plan = plan_of(1)
    (first,) = plan.plan(0)
    (second,) = plan.plan(PATIENCE_MS)
    plan.put(0, chunk(0), second[0])

    assert first[0] != second[0]
    alone = plan_of(1, sources=(b"ann",))
    assert [alone.plan(at) for at in (0, PATIENCE_MS)] == [[(b"ann", 0)]] * 2


def test_a_wrong_chunk_is_told_and_late_ones_are_passed_over() -> None:
    plan = plan_of(3, done=1)
    plan.plan(0)

    assert plan.put(1, chunk(2), b"ann") is False
    assert plan.put(0, chunk(0), b"ann") is True
    assert plan.put(2, chunk(1), b"stranger") is True
    assert plan.put(10**6, b"", b"ann") is True
    assert (plan.kept, plan.next()) == ({}, None)


def test_long_chunks_narrow_the_window() -> None:
    manifest = manifest_of(WINDOW_CHUNKS)
    long = tuple(replace(one, size_bytes=WINDOW_BYTES_MAX // 2) for one in manifest.chunks)
    plan = ChunkPlan(b"", replace(manifest, chunks=long), 0, list(PEERS))

    assert [index for _peer, index in plan.plan(0)] == [0, 1]


@given(st.integers(1, 12), st.integers(0, 12))
def test_a_plan_that_is_gone_on_with_asks_for_what_is_missing(count: int, done: int) -> None:
    plan = plan_of(count, min(done, count))

    assert [index for _peer, index in plan.plan(0)] == list(range(min(done, count), count))


class Fetching(RuleBasedStateMachine):
    """Peers that answer, stay silent, lie and leave: every chunk is taken in once, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.plan = plan_of(100)
        self.now_ms = 0
        self.asked: set[tuple[bytes, int]] = set()
        self.taken: list[bytes] = []

    @rule(passed_ms=st.integers(0, 2 * PATIENCE_MS))
    def ask(self, passed_ms: int) -> None:
        self.now_ms += passed_ms
        requests = self.plan.plan(self.now_ms)
        assert all(peer in self.plan.sources for peer, _index in requests)
        assert not {index for _peer, index in requests} & self.plan.kept.keys()
        self.asked |= set(requests)

    @precondition(lambda self: self.asked)
    @rule(data=st.data(), is_good=st.booleans())
    def answer(self, data: st.DataObject, *, is_good: bool) -> None:
        peer, index = data.draw(st.sampled_from(sorted(self.asked)))
        self.asked.discard((peer, index))
        told = self.plan.put(index, chunk(index) if is_good else b"wrong", peer)
        if not told:
            assert not is_good
            self.plan.drop(peer)

    @rule()
    def take(self) -> None:
        data = self.plan.next()
        if data is not None:
            self.taken.append(data)
            self.plan.took()

    @rule(peer=st.sampled_from(PEERS))
    def come(self, peer: bytes) -> None:
        self.plan.join(Offered(self.plan.identity, self.plan.manifest, (), peer))

    @rule(peer=st.sampled_from(PEERS))
    def leave(self, peer: bytes) -> None:
        self.plan.drop(peer)

    @invariant()
    def all_is_bounded_and_in_order(self) -> None:
        assert self.taken == [chunk(number) for number in range(self.plan.done)]
        assert len(self.plan.kept) <= WINDOW_CHUNKS
        for peer in PEERS:
            waits = sum(one.peer == peer for one in self.plan.asked.values())
            assert waits <= CHUNKS_PER_PEER


TestFetching = Fetching.TestCase
