"""The engine as a whole: the order of its effects, alone and among four validators."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL, Block, Commit, block_id, make_commit
from chain.crypto import Signer, verify_signature
from chain.validators import ValidatorSet
from chain.vote import SignedVote, signed_bytes
from consensus import (
    BlockBuilt,
    BlockChecked,
    BuildBlock,
    CheckBlock,
    CommitBlock,
    Effect,
    Engine,
    HeaderEntry,
    HeightCommitted,
    Input,
    LogEntry,
    Message,
    Mode,
    ModeChanged,
    Persist,
    Persisted,
    Proposal,
    Received,
    Recovered,
    RejoinQuery,
    RejoinReply,
    Send,
    SetTimer,
    Start,
    StateEntry,
    Timer,
    TimerElapsed,
    TimerKind,
    WorkChanged,
    recover,
    reply_bytes,
)
from tests.consensus.four import (
    FIRST,
    HEAD_MS,
    ME,
    NOW,
    SECOND,
    SET,
    THIRD,
    block_by,
    head_at,
)
from tests.consensus.light_chain import CHAIN
from tests.make import VALIDATOR


def vote_by(who: Signer, kind: int, block: Block | None, **changes: Any) -> SignedVote:
    found = bytes(32) if block is None else block_id(block.header)
    vote = SignedVote(kind, 0, 1, 0, found, -1, who.public_key, bytes(64))
    vote = replace(vote, **changes)
    return replace(vote, signature=who.sign(signed_bytes(vote, CHAIN)))


class Bench:
    """An engine whose effects are kept; whoever tests answers them, or `settle` does."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.now = NOW
        self.done: list[Effect] = []

    def give(self, *events: Input) -> list[Effect]:
        """Give inputs; returns what is to be done, timers left out."""
        effects: list[Effect] = []
        for event in events:
            effects += self.engine.handle(event, self.now, self.now)
        self.done += effects
        return [one for one in effects if not isinstance(one, SetTimer)]

    def receive(self, *messages: Message) -> list[Effect]:
        return self.give(*[Received(one, b"peer") for one in messages])

    def settle(self, effects: Iterable[Effect]) -> list[Effect]:
        """Persist at once and find every block good, until nothing more comes of it."""
        waiting, seen = list(effects), list[Effect]()
        while waiting:
            effect = waiting.pop(0)
            seen.append(effect)
            if isinstance(effect, Persist):
                waiting += self.give(Persisted(effect.token))
            elif isinstance(effect, CheckBlock):
                waiting += self.give(BlockChecked(effect.height, effect.block_id, None))
        return seen

    def log(self) -> list[LogEntry]:
        """Return what a log would have by now."""
        written = [one.entries for one in self.done if isinstance(one, Persist)]
        return [HeaderEntry(CHAIN), *[entry for entries in written for entry in entries]]


def said(effects: Iterable[Effect]) -> list[Message]:
    return [one.message for one in effects if isinstance(one, Send)]


def votes_in(effects: Iterable[Effect]) -> list[SignedVote]:
    messages = said(effects)
    votes = [one for one in messages if isinstance(one, SignedVote)]
    return votes + [one.vote for one in messages if isinstance(one, Proposal)]


# Alone ------------------------------------------------------------------------------------------

ALONE = ValidatorSet((VALIDATOR.public_key,))
OWN = block_by(VALIDATOR.public_key, ALONE)
OWN_ID = block_id(OWN.header)


def alone(recovered: Recovered | None = None, **changes: Any) -> Bench:
    bench = Bench(Engine(VALIDATOR, CHAIN, head_at(0, ALONE, **changes), recovered))
    bench.give(Start())
    return bench


def test_work_becomes_a_block_a_record_a_certificate_and_a_commit() -> None:
    bench = alone()

    (build,) = bench.give(WorkChanged(has_transactions=True))
    (check,) = bench.give(BlockBuilt(1, 0, OWN))
    (persist,) = bench.give(BlockChecked(1, OWN_ID, None))
    assert isinstance(persist, Persist)
    *sent, commit = bench.give(Persisted(persist.token))

    precommit = vote_by(VALIDATOR, PRECOMMIT, OWN)
    certificate = Commit(1, 0, OWN_ID, b"\x01", (precommit.signature,))
    assert build == BuildBlock(1, 0, NOW, None, ())
    assert check == CheckBlock(1, OWN_ID, OWN)
    assert [vote.kind for vote in votes_in(sent)] == [PREVOTE, PRECOMMIT, PROPOSAL]
    assert commit == CommitBlock(1, OWN_ID, OWN, certificate)
    said_bytes = signed_bytes(precommit, CHAIN)
    assert verify_signature(VALIDATOR.public_key, said_bytes, certificate.signatures[0])


def test_blocks_keep_their_interval_and_wait_for_what_is_due() -> None:
    early, due, late = alone(), alone(due_ms=NOW + 500), alone(due_ms=HEAD_MS + 1)
    early.now = HEAD_MS + 199

    waits = early.engine.handle(WorkChanged(has_transactions=True), HEAD_MS + 199, 7)
    early.now = HEAD_MS + 200
    built = early.give(TimerElapsed(Timer(TimerKind.WORK, 1)))

    assert SetTimer(Timer(TimerKind.WORK, 1), 8) in waits
    assert built == [BuildBlock(1, 0, HEAD_MS + 200, None, ())]
    assert SetTimer(Timer(TimerKind.WORK, 1), NOW + 500) in due.done
    assert BuildBlock(1, 0, NOW, None, ()) in late.done


def test_a_block_of_nothing_is_not_asked_for_again_until_there_is_work() -> None:
    bench = alone()
    bench.give(WorkChanged(has_transactions=True))

    after = bench.give(BlockBuilt(1, 0, None))
    again = bench.give(WorkChanged(has_transactions=True))

    assert (after, again) == ([], [BuildBlock(1, 0, NOW, None, ())])


def test_the_next_height_begins_when_the_block_is_stored() -> None:
    bench = alone()
    bench.settle([*bench.give(WorkChanged(has_transactions=True), BlockBuilt(1, 0, OWN))])

    commit = Commit(1, 0, OWN_ID, b"\x01", (bytes(64),))
    head = head_at(1, ALONE, block_id=OWN_ID, time_ms=NOW, commit=commit)
    quiet = bench.give(HeightCommitted(head))
    bench.now = NOW + 200
    (build,) = bench.give(WorkChanged(has_transactions=True))

    assert (quiet, bench.engine.height) == ([], 2)
    assert build == BuildBlock(2, 0, NOW + 200, commit, ())


def test_after_a_crash_the_block_that_was_voted_for_is_committed_and_nothing_signed() -> None:
    bench = alone()
    first = bench.settle(bench.give(WorkChanged(has_transactions=True), BlockBuilt(1, 0, OWN)))

    again = alone(recover(bench.log(), CHAIN, 0))
    (check,) = [one for one in again.done if isinstance(one, CheckBlock)]
    after = again.give(BlockChecked(1, check.block_id, None))

    assert after == [one for one in first if isinstance(one, CommitBlock)]
    assert [one for one in again.done if isinstance(one, Persist | Send)] == []


inputs = st.one_of(
    st.builds(WorkChanged, st.booleans()),
    st.builds(TimerElapsed, st.builds(Timer, st.sampled_from(TimerKind), st.integers(0, 2))),
    st.builds(BlockBuilt, st.integers(0, 2), st.integers(0, 1), st.sampled_from(
        [OWN, block_by(VALIDATOR.public_key, ALONE, "b"), None])),
    st.builds(BlockChecked, st.integers(0, 2), st.just(OWN_ID), st.sampled_from([None, "bad"])),
    st.builds(Persisted, st.integers(0, 3)),
)  # fmt: skip


@given(st.lists(inputs, max_size=14))
def test_nothing_leaves_and_nothing_is_committed_before_it_is_written(events: list[Input]) -> None:
    bench, token, votes = alone(), 0, dict[tuple[int, int, int], SignedVote]()

    for event in events:
        bench.now += 700
        if isinstance(event, Persisted):
            token = max(token, event.token)
        for effect in bench.give(event):
            written = [
                vote
                for one in bench.done
                if isinstance(one, Persist) and one.token <= token
                for entry in one.entries
                if isinstance(entry, StateEntry)
                for vote in entry.signed
            ]
            assert all(vote in written for vote in votes_in([effect]))
            assert not isinstance(effect, CommitBlock) or written
            for vote in votes_in([effect]):
                place = (vote.height, vote.round, vote.kind)
                assert votes.setdefault(place, vote) == vote


# Among four -------------------------------------------------------------------------------------

BLOCK = block_by(FIRST.public_key)
BLOCK_ID = block_id(BLOCK.header)
PROPOSED = Proposal(vote_by(FIRST, PROPOSAL, BLOCK), BLOCK, None)


def member(recovered: Recovered | None = None, *, votes: bool = True) -> Bench:
    """Return an engine of the last of four; it votes once nobody answered its question."""
    bench = Bench(Engine(ME, CHAIN, head_at(), recovered))
    bench.give(Start())
    if votes:
        bench.now += 2_000
        bench.give(TimerElapsed(Timer(TimerKind.REJOIN, 1)))
    return bench


def test_a_proposal_is_prevoted_locked_and_decided_each_only_after_it_is_written() -> None:
    bench = member()

    (check,) = bench.receive(PROPOSED)
    (first,) = bench.give(BlockChecked(1, BLOCK_ID, None))
    assert isinstance(first, Persist)
    prevote = bench.give(Persisted(first.token))
    bench.receive(vote_by(FIRST, PREVOTE, BLOCK))
    (second,) = bench.receive(vote_by(SECOND, PREVOTE, BLOCK))
    assert isinstance(second, Persist)
    bench.receive(vote_by(FIRST, PRECOMMIT, BLOCK))
    held = bench.receive(vote_by(SECOND, PRECOMMIT, BLOCK))
    precommit, commit = bench.give(Persisted(second.token))

    assert check == CheckBlock(1, BLOCK_ID, BLOCK)
    assert said(prevote) == [vote_by(ME, PREVOTE, BLOCK)]
    assert held == []
    assert said([precommit]) == [vote_by(ME, PRECOMMIT, BLOCK)]
    signers = (FIRST, SECOND, ME)
    signatures = {one.public_key: vote_by(one, PRECOMMIT, BLOCK).signature for one in signers}
    certificate = make_commit(SET, (1, 0), BLOCK_ID, signatures)
    assert commit == CommitBlock(1, BLOCK_ID, BLOCK, certificate)


def test_a_bad_block_and_no_block_get_votes_for_none() -> None:
    refusing, waiting = member(), member()
    refusing.receive(PROPOSED)
    waiting.give(WorkChanged(has_transactions=True))

    refused = refusing.settle(refusing.give(BlockChecked(1, BLOCK_ID, "roots differ")))
    missed = waiting.settle(waiting.give(TimerElapsed(Timer(TimerKind.PROPOSE, 1))))

    assert votes_in(refused) == votes_in(missed) == [vote_by(ME, PREVOTE, None)]


def test_a_proposal_of_somebody_whose_turn_it_is_not_is_ignored() -> None:
    bench = member()
    block = block_by(SECOND.public_key)

    assert bench.receive(Proposal(vote_by(SECOND, PROPOSAL, block), block, None)) == []


def test_a_round_without_work_waits_for_ever() -> None:
    bench = member()

    bench.now += 3_600_000
    effects = bench.give(TimerElapsed(Timer(TimerKind.PROPOSE, 1)))

    assert (effects, bench.engine.machine.round) == ([], 0)


def locked() -> Bench:
    """Return a member that has precommitted the block."""
    bench = member()
    prevotes = [vote_by(one, PREVOTE, BLOCK) for one in (FIRST, SECOND)]
    bench.settle(bench.receive(PROPOSED))
    bench.settle(bench.receive(*prevotes))
    return bench


def test_a_restart_says_the_same_bytes_again_and_keeps_its_lock() -> None:
    before = locked()
    said_before = votes_in(before.done)

    after = member(recover(before.log(), CHAIN, 0))
    after.settle([one for one in after.done if isinstance(one, CheckBlock)])
    told = after.give(TimerElapsed(Timer(TimerKind.RESEND)))

    assert votes_in(told) == said_before == [
        vote_by(ME, PREVOTE, BLOCK), vote_by(ME, PRECOMMIT, BLOCK),
    ]  # fmt: skip
    machine = after.engine.machine
    assert (machine.locked_value, machine.locked_round) == (BLOCK_ID, 0)
    written = [entry for entry in after.log() if isinstance(entry, StateEntry)]
    assert all(list(entry.signed) == said_before for entry in written)


def test_a_validator_listens_before_it_votes() -> None:
    bench = member(votes=False)

    effects = bench.settle(bench.receive(PROPOSED))

    assert RejoinQuery(ME.public_key, bytes(16)) in said(bench.done)
    assert (bench.engine.mode, votes_in(effects)) == (Mode.LISTENING, [])


def reply_by(who: Signer, newest: SignedVote | None, height: int = 0) -> RejoinReply:
    reply = RejoinReply(who.public_key, ME.public_key, bytes(16), height, newest, bytes(64))
    return replace(reply, signature=who.sign(reply_bytes(CHAIN, reply)))


def test_a_validator_votes_as_soon_as_a_quorum_knows_no_vote_that_it_lacks() -> None:
    bench = member(votes=False)

    bench.receive(reply_by(FIRST, None))
    (changed,) = bench.receive(reply_by(SECOND, None))

    assert isinstance(changed, ModeChanged)
    assert (changed.mode, bench.engine.mode) == (Mode.SIGNING, Mode.SIGNING)


def follows(bench: Bench) -> list[Effect]:
    """Let a height be decided by the others; returns what came of it."""
    others = (FIRST, SECOND, THIRD)
    effects = bench.settle(bench.receive(PROPOSED))
    for kind in (PREVOTE, PRECOMMIT):
        effects += bench.settle(bench.receive(*[vote_by(one, kind, BLOCK) for one in others]))
    return effects


@pytest.mark.parametrize("newest", [vote_by(ME, PREVOTE, None), vote_by(ME, PRECOMMIT, BLOCK)])
def test_who_forgot_a_vote_follows_and_never_signs(newest: SignedVote) -> None:
    bench = member(votes=False)
    bench.receive(reply_by(FIRST, newest))

    effects = follows(bench)

    assert bench.engine.mode == Mode.OBSERVER
    assert votes_in(effects) == []
    assert [type(one) for one in effects if isinstance(one, CommitBlock)] == [CommitBlock]


def test_an_observer_with_a_damaged_log_says_so_in_its_new_one_and_signs_nothing() -> None:
    bench = member(Recovered(damage="the log is damaged"))

    effects = follows(bench)

    headers = [one for one in bench.log() if isinstance(one, HeaderEntry)]
    assert headers[1:] == [HeaderEntry(CHAIN, "the log is damaged")]
    assert recover(bench.log(), CHAIN, 0).damage == "the log is damaged"
    assert (bench.engine.mode, votes_in(effects)) == (Mode.OBSERVER, [])


def test_a_strangers_vote_under_this_key_stops_signing() -> None:
    bench = member()

    (changed,) = bench.receive(vote_by(ME, PREVOTE, None))
    effects = follows(bench)

    assert isinstance(changed, ModeChanged)
    assert (changed.mode, votes_in(effects)) == (Mode.OBSERVER, [])
    assert any(isinstance(one, CommitBlock) for one in effects)


def test_own_votes_that_come_back_are_no_strangers() -> None:
    bench = locked()

    bench.receive(*votes_in(bench.done))

    assert bench.engine.mode == Mode.SIGNING
