"""Votes that no longer count: of before a recovery, and those that evidence can not be made of."""

from dataclasses import replace
from typing import Any

import pytest

from chain.block import PRECOMMIT, PREVOTE, Block, Evidence, block_id
from chain.crypto import Signer
from chain.vote import SignedVote, signed_bytes
from consensus import (
    Engine,
    EvidenceFound,
    HeaderEntry,
    HeightCommitted,
    Mode,
    Persist,
    Received,
    RejoinReply,
    Start,
    make_evidence,
    reply_bytes,
)
from tests.consensus.four import FIRST, ME, NOW, SECOND, SET, block_by, head_at
from tests.consensus.light_chain import CHAIN
from tests.make import VALIDATOR

BLOCK = block_by(FIRST.public_key)


def vote_by(who: Signer, kind: int, block: Block | None, **changes: Any) -> SignedVote:
    found = bytes(32) if block is None else block_id(block.header)
    vote = replace(SignedVote(kind, 0, 1, 0, found, -1, who.public_key, bytes(64)), **changes)
    return replace(vote, signature=who.sign(signed_bytes(vote, CHAIN)))


def test_votes_of_before_a_recovery_that_somebody_still_holds_are_no_strangers() -> None:
    recovered = replace(SET, epoch=1)
    engine = Engine(ME, CHAIN, head_at(0, recovered))
    engine.handle(Start(), NOW, NOW)

    for one in (FIRST, SECOND):
        old = vote_by(ME, PRECOMMIT, BLOCK)
        reply = RejoinReply(one.public_key, ME.public_key, bytes(16), 0, old, bytes(64))
        reply = replace(reply, signature=one.sign(reply_bytes(CHAIN, reply)))
        engine.handle(Received(reply, one.public_key), NOW, NOW)

    assert engine.mode == Mode.SIGNING


def test_a_vote_that_the_log_lacks_is_written_down_as_a_loss() -> None:
    engine = Engine(ME, CHAIN, head_at())
    engine.handle(Start(), NOW, NOW)
    lost = vote_by(ME, PRECOMMIT, BLOCK, height=7)
    reply = RejoinReply(FIRST.public_key, ME.public_key, bytes(16), 6, lost, bytes(64))
    reply = replace(reply, signature=FIRST.sign(reply_bytes(CHAIN, reply)))

    effects = engine.handle(Received(reply, FIRST.public_key), NOW, NOW)

    reason = "somebody holds a vote of this key that the log lacks"
    assert Persist(1, (HeaderEntry(CHAIN, reason),)) in effects
    assert engine.mode == Mode.OBSERVER


def lie_by(who: Signer, **changes: Any) -> Evidence:
    return make_evidence(
        vote_by(who, PREVOTE, None, **changes), vote_by(who, PREVOTE, BLOCK, **changes)
    )


@pytest.mark.parametrize(
    ("evidence", "changes", "is_news"),
    [
        pytest.param(lie_by(FIRST), {}, True, id="news"),
        pytest.param(lie_by(FIRST), {"convicted": (FIRST.public_key,)}, False, id="known"),
        pytest.param(lie_by(FIRST, epoch=1), {}, False, id="another epoch"),
        pytest.param(lie_by(FIRST, height=2), {}, False, id="the future"),
        pytest.param(lie_by(FIRST), {"height": 10_001}, False, id="too old"),
        pytest.param(lie_by(FIRST), {"height": 10_000}, True, id="not too old"),
        pytest.param(lie_by(VALIDATOR), {}, False, id="no validator"),
        pytest.param(Evidence((b"one", b"other")), {}, False, id="none"),
    ],
)
def test_only_evidence_that_a_block_could_be_made_for_is_wanted(
    evidence: Evidence, changes: dict[str, Any], *, is_news: bool
) -> None:
    engine = Engine(ME, CHAIN, replace(head_at(), **changes))

    assert engine.wants(EvidenceFound(evidence)) == is_news
    assert engine.pool.add(evidence) == is_news
    assert bool(engine.pool) == is_news


def test_evidence_that_the_chain_has_waits_no_longer() -> None:
    engine = Engine(ME, CHAIN, head_at())
    assert engine.pool.add(lie_by(FIRST))

    engine.handle(HeightCommitted(head_at(1, convicted=(FIRST.public_key,))), NOW, NOW)

    assert not engine.pool
