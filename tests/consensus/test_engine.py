"""The engine of one validator: the order of its effects, and inputs that come at the wrong time."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chain.block import PRECOMMIT, Commit, vote_bytes
from chain.crypto import verify_signature
from consensus.engine import Engine
from consensus.events import (
    BlockBuilt,
    BuildBlock,
    CommitBlock,
    HeightCommitted,
    Input,
    Persist,
    Persisted,
    SetTimer,
    TimerElapsed,
    WorkArrived,
)
from tests.make import VALIDATOR, word

CHAIN, BLOCK, NOW = word("chain"), word("block"), 10_000


def engine(height: int = 0, time_ms: int = 9_000) -> Engine:
    return Engine(VALIDATOR, CHAIN, (height, time_ms, None), block_interval_ms=200)


def test_work_becomes_a_block_a_record_a_certificate_and_a_commit() -> None:
    one = engine()

    (build,) = one.handle(WorkArrived(), NOW)
    (persist,) = one.handle(BlockBuilt(1, BLOCK), NOW)
    assert isinstance(persist, Persist)
    (commit,) = one.handle(Persisted(1, persist.record), NOW)
    after = one.handle(HeightCommitted(1, NOW), NOW)
    (following,) = one.handle(WorkArrived(), NOW + 200)

    message = vote_bytes(PRECOMMIT, CHAIN, (1, 0), BLOCK)
    certificate = Commit(1, 0, BLOCK, b"\x01", (VALIDATOR.sign(message),))
    assert build == BuildBlock(1, NOW, None)
    assert persist.record == message + certificate.signatures[0]
    assert commit == CommitBlock(1, BLOCK, certificate)
    assert (after, following) == ([], BuildBlock(2, NOW + 200, certificate))
    assert verify_signature(VALIDATOR.public_key, message, certificate.signatures[0])


def test_blocks_keep_their_interval_and_wait_for_what_is_due() -> None:
    effects = [
        engine().handle(WorkArrived(), 9_199),
        engine().handle(WorkArrived(), 9_200),
        engine().handle(WorkArrived(due_ms=9_500), 9_300),
        engine().handle(WorkArrived(due_ms=9_100), 9_199),
        engine().handle(TimerElapsed(1), 9_200),
        engine().handle(TimerElapsed(2), 9_200),
    ]

    assert effects == [
        [SetTimer(1, 9_200)], [BuildBlock(1, 9_200, None)], [SetTimer(1, 9_500)],
        [SetTimer(1, 9_200)], [BuildBlock(1, 9_200, None)], [],
    ]  # fmt: skip


inputs = st.one_of(
    st.just(WorkArrived()),
    st.builds(TimerElapsed, st.integers(0, 3)),
    st.builds(BlockBuilt, st.integers(0, 3), st.sampled_from([BLOCK, word("other")])),
    st.builds(Persisted, st.integers(0, 3), st.just(b"record")),
    st.builds(HeightCommitted, st.integers(0, 3), st.integers(9_000, 10_000)),
)


@given(st.lists(inputs, max_size=12))
def test_nothing_is_committed_that_was_not_persisted_and_no_height_twice(
    events: list[Input],
) -> None:
    one, committed, persisted = engine(), [], []

    for number, event in enumerate(events):
        for effect in one.handle(event, NOW + 1_000 * number):
            if isinstance(effect, Persist):
                persisted.append((effect.height, effect.record))
            if isinstance(effect, CommitBlock):
                assert any(height == effect.height for height, _ in persisted)
                committed.append((effect.height, effect.block_id))

    blocks: dict[int, set[Any]] = {}
    for height, block in committed:
        blocks.setdefault(height, set()).add(block)
    assert [height for height, found in blocks.items() if len(found) > 1] == []


def test_a_second_block_at_one_height_gets_no_vote() -> None:
    one = engine()
    unasked = one.handle(BlockBuilt(1, BLOCK), NOW)
    one.handle(WorkArrived(), NOW)
    one.handle(BlockBuilt(1, BLOCK), NOW)

    second = one.handle(BlockBuilt(1, word("other")), NOW)
    (commit,) = one.handle(Persisted(1, b""), NOW)
    third = one.handle(BlockBuilt(1, word("other")), NOW)

    assert (unasked, second, third) == ([], [], [])
    assert isinstance(commit, CommitBlock)
    assert commit.block_id == BLOCK
