"""Whoever comes or goes, those seen lately are a quorum of the validators that are to decide."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from chain.changes import SetValidator
from chain.codec import encode
from chain.errors import LastValidatorError, QuorumRiskError, WashError, WrongStateError
from chain.governance import Occasion, open_proposals, propose, vote
from chain.membership import (
    activate_validators,
    check_validator_change,
    pending_activation,
    read_dropped,
    read_pending,
    silent_validators,
)
from chain.params import ChainParams, write_params
from chain.proposers import Proposers, Standing, note_block, read_proposers, write_proposers
from chain.readiness import newest_anchor, prove_readiness
from chain.roles import Role, set_role
from chain.state import VALIDATORS_KEY, State
from chain.transaction import Propose, Vote
from chain.validators import ValidatorSet, read_validators
from tests.make import TestChain, account, genesis, memory_state, signer, word

HEIGHT = 100
PEOPLE = [signer(f"v{number}") for number in range(7)]
KEYS = sorted(one.public_key for one in PEOPLE)


def board(seen: Sequence[int]) -> State:
    """Return a state of validators who were last seen so many heights before HEIGHT."""
    validators = ValidatorSet(tuple(KEYS[: len(seen)]))
    state = memory_state()
    state.put(VALIDATORS_KEY, encode(validators))
    entries = [
        Standing(key, HEIGHT - ago, 0, 0, tombstoned=False)
        for key, ago in zip(validators.keys, seen, strict=True)
    ]
    write_proposers(state, Proposers(validators, KEYS[0], (), tuple(entries)))
    return state


def test_lately_is_as_many_heights_as_there_are_validators_and_one() -> None:
    state = board([0, 5, 6, 90])

    assert silent_validators(state, KEYS[:5], HEIGHT) == (KEYS[2], KEYS[3])


def test_the_only_validator_stays() -> None:
    state = board([0])

    with pytest.raises(LastValidatorError) as refused:
        check_validator_change(state, KEYS[0], 0, HEIGHT)

    assert refused.value.key == KEYS[0]


@pytest.mark.parametrize(("key", "power", "words"), [(0, 1, "is a validator"), (5, 0, "is no")])
def test_who_is_in_does_not_come_and_who_is_out_does_not_go(
    key: int, power: int, words: str
) -> None:
    with pytest.raises(WrongStateError, match=words):
        check_validator_change(board([0, 0]), KEYS[key], power, HEIGHT)


def test_a_removal_that_leaves_too_few_who_were_seen_names_who_is_missing() -> None:
    state = board([0, 1, 2, 60])

    with pytest.raises(QuorumRiskError) as refused:
        check_validator_change(state, KEYS[1], 0, HEIGHT)
    gone = check_validator_change(state, KEYS[3], 0, HEIGHT)

    error = refused.value
    assert (error.seen, error.quorum, error.silent) == (2, 3, (KEYS[3],))
    assert f"not seen: {KEYS[3].hex()}" in str(error)
    assert gone == ValidatorSet(tuple(KEYS[:3]))


def test_a_candidate_counts_as_seen() -> None:
    both, one_away = board([0]), board([0, 1, 2, 60])

    assert check_validator_change(both, KEYS[1], 1, HEIGHT).quorum == 2
    assert check_validator_change(one_away, KEYS[4], 1, HEIGHT).quorum == 4
    with pytest.raises(QuorumRiskError, match="2 validators of the new set were seen"):
        check_validator_change(board([0, 60]), KEYS[2], 1, HEIGHT)


def four(tmp_path: Path) -> TestChain:
    """Return a chain of four validators and three operators."""
    operator: tuple[str, ...] = ("member", "operator")
    roles = dict.fromkeys(("otto", "oona"), operator)
    chain = TestChain(tmp_path, genesis(validators=PEOPLE[:4], roles=roles))
    chain.voters = PEOPLE[:4]
    return chain


def test_a_guard_is_asked_again_when_the_vote_is_decided(tmp_path: Path) -> None:
    chain = four(tmp_path)
    removal = chain.do("olga", Propose(SetValidator(PEOPLE[1].public_key, 0)))
    proposal = bytes(removal.events[0].values[0])
    chain.do("otto", Vote(proposal))
    chain.voters = PEOPLE[:3]
    for _number in range(7):
        chain.run()

    refused = chain.do("oona", Vote(proposal))
    chain.voters = PEOPLE[:4]
    chain.run()  # its parent's certificate has three signatures yet
    chain.run()
    decided = chain.do("oona", Vote(proposal))
    chain.close()

    assert (refused.error, decided.ok) == (QuorumRiskError.code, True)


def test_a_change_that_became_a_danger_is_dropped_before_it_is_in_force() -> None:
    state = board([0, 1, 2, 5])
    pending = ValidatorSet(tuple(KEYS[1:4]))
    propose_to(state, SetValidator(KEYS[0], 0))
    waiting = read_pending(state)

    activate_validators(state, HEIGHT + 1, KEYS[1])

    assert waiting is not None
    assert (waiting.activation, waiting.validators) == (HEIGHT + 2, pending)
    assert read_validators(state) == ValidatorSet(tuple(KEYS[:4]))
    assert (pending_activation(state), read_dropped(state)) == (None, waiting)


def propose_to(state: State, change: SetValidator) -> None:
    """Let the only operator decide a change in a block at HEIGHT."""
    write_params(state, ChainParams())
    set_role(state, account("olga"), Role.OPERATOR, held=True)
    assert propose(state, account("olga"), change, word("call"), Occasion(word("chain"), HEIGHT, 0))


class Membership(RuleBasedStateMachine):
    """Operators propose and vote as they like while validators come and go."""

    operators = tuple(account(name) for name in ("olga", "otto", "oona"))
    chain_id = word("chain")

    @initialize(count=st.integers(1, 4))
    def begin(self, count: int) -> None:
        """Begin with some validators, all of them at work."""
        self.state, self.height, self.calls = memory_state(), 0, 0
        write_params(self.state, ChainParams())
        self.state.put(VALIDATORS_KEY, encode(ValidatorSet(tuple(KEYS[:count]))))
        for operator in self.operators:
            set_role(self.state, operator, Role.OPERATOR, held=True)
        self.fresh()

    def fresh(self) -> None:
        self.height += 1
        keys = read_validators(self.state).keys
        note_block(self.state, self.height, keys[self.height % len(keys)], None, bytes(32))

    @rule(person=st.integers(0, 6), who=st.integers(0, 2))
    def add(self, person: int, who: int) -> None:
        """Let an operator propose somebody who is ready."""
        candidate = PEOPLE[person]
        anchor = newest_anchor(self.state, self.chain_id, 0)
        proof = prove_readiness(candidate, self.chain_id, anchor)
        self.try_to(who, SetValidator(candidate.public_key, 1, replace(proof, height=0)))

    @rule(person=st.integers(0, 6), who=st.integers(0, 2))
    def remove(self, person: int, who: int) -> None:
        """Let an operator propose that somebody leaves."""
        self.try_to(who, SetValidator(KEYS[person], 0))

    def try_to(self, who: int, change: SetValidator) -> None:
        self.calls += 1
        mark = self.state.mark()
        at = Occasion(self.chain_id, min(self.height, 50) or 1, 0)
        try:
            propose(self.state, self.operators[who], change, bytes([self.calls % 256]) * 32, at)
        except WashError:
            self.state.revert(mark)

    @rule(who=st.integers(0, 2), number=st.integers(0, 9))
    def vote(self, who: int, number: int) -> None:
        """Let an operator vote for any open proposal."""
        proposals = open_proposals(self.state, b"", 10)
        if not proposals:
            return
        mark = self.state.mark()
        proposal = proposals[number % len(proposals)][0]
        try:
            vote(self.state, self.operators[who], proposal, Occasion(self.chain_id, self.height, 0))
        except WashError:
            self.state.revert(mark)

    @rule(away=st.sets(st.integers(0, 6), max_size=3), blocks=st.integers(1, 12))
    def go_on(self, away: set[int], blocks: int) -> None:
        """Make blocks in which some validators are not seen."""
        for _number in range(blocks):
            keys = read_validators(self.state).keys
            record = read_proposers(self.state)
            if record is not None:
                entries = [
                    one
                    if one.key not in record.validators.keys or KEYS.index(one.key) in away
                    else replace(one, last_seen=self.height)
                    for one in record.entries
                ]
                write_proposers(self.state, replace(record, entries=tuple(entries)))
            awake = [key for key in keys if KEYS.index(key) not in away] or list(keys)
            proposer = awake[self.height % len(awake)]
            record = read_proposers(self.state)
            activate_validators(self.state, self.height, proposer)
            after = read_validators(self.state).keys
            if after != keys and record is not None:
                last_seen = {one.key: one.last_seen for one in record.entries}
                ages = [self.height - last_seen.get(key, self.height) for key in after]
                seen = sum(age <= len(keys) + 1 for age in ages)
                assert 3 * seen > 2 * len(after), "they could decide nothing"
            self.fresh()

    @invariant()
    def validators_differ_by_one_and_are_never_none(self) -> None:
        """Keep a set, and a waiting one that differs from it by one key."""
        keys = set(read_validators(self.state).keys)
        pending = read_pending(self.state)
        assert keys
        if pending is not None:
            assert len(keys ^ set(pending.validators.keys)) == 1


TestMembership = Membership.TestCase
TestMembership.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)
