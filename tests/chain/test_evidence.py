"""Evidence: what two votes must be to contradict each other, and what follows if they do."""

from dataclasses import replace
from typing import Any

import pytest

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL, Evidence
from chain.changes import SetValidator
from chain.codec import decode, encode
from chain.crypto import verify_signature
from chain.errors import InvalidBlockError
from chain.evidence import EVIDENCE_AGE_MAX, read_evidence, take_evidence
from chain.governance import Proposal, proposal_id
from chain.proposers import note_block, proposer_order, read_proposers
from chain.state import VALIDATORS_KEY, Space, State
from chain.validators import ValidatorSet
from chain.vote import SignedVote, signed_bytes
from tests.make import memory_state, signer, word

CHAIN = word("chain")
PEOPLE = sorted((signer(f"v{number}") for number in range(4)), key=lambda one: one.public_key)
KEYS = tuple(one.public_key for one in PEOPLE)
LIAR = PEOPLE[1]
HEIGHT = 20_000


def vote(block: bytes = word("a"), **changes: Any) -> SignedVote:
    """Return a vote of the liar, well signed."""
    fields: dict[str, Any] = {
        "kind": PRECOMMIT,
        "epoch": 0,
        "height": HEIGHT - 1,
        "round": 3,
        "block_id": block,
        "valid_round": -1,
        "validator": LIAR.public_key,
        "signature": bytes(64),
        **changes,
    }
    unsigned = SignedVote(**fields)
    by = next(one for one in PEOPLE if one.public_key == unsigned.validator)
    return replace(unsigned, signature=by.sign(signed_bytes(unsigned, CHAIN)))


def pair(one: SignedVote, other: SignedVote) -> Evidence:
    return Evidence(tuple(sorted((encode(one), encode(other)))))


def lie(**changes: Any) -> Evidence:
    return pair(vote(word("a"), **changes), vote(word("b"), **changes))


def begun() -> State:
    """Return the state in a block at HEIGHT, where evidence is taken."""
    state = memory_state()
    state.put(VALIDATORS_KEY, encode(ValidatorSet(KEYS)))
    note_block(state, HEIGHT, KEYS[0], None, KEYS[3])
    return state


def take(state: State, evidence: Evidence) -> bool:
    return take_evidence(state, HEIGHT, evidence, CHAIN, verify_signature)


@pytest.mark.parametrize("kind", [PREVOTE, PRECOMMIT, PROPOSAL])
def test_two_votes_for_different_blocks_contradict_each_other(kind: int) -> None:
    evidence = lie(kind=kind)

    found = read_evidence(evidence, CHAIN)

    assert [encode(one) for one in found] == list(evidence.votes)


def test_a_vote_for_none_or_with_another_valid_round_contradicts_too() -> None:
    for one, other in (
        (vote(word("a")), vote(bytes(32))),
        (vote(kind=PREVOTE), vote(kind=PREVOTE, valid_round=1)),
    ):
        assert read_evidence(pair(one, other), CHAIN)


GOOD = lie()
A_VOTE = vote()


@pytest.mark.parametrize(
    ("evidence", "words"),
    [
        (Evidence(()), "0 votes"),
        (Evidence(GOOD.votes[:1]), "1 votes"),
        (Evidence(GOOD.votes[::-1]), "order of their bytes"),
        (Evidence(GOOD.votes[:1] * 2), "order of their bytes"),
        (Evidence((b"one", b"other")), "evidence: "),
        (Evidence((GOOD.votes[0], GOOD.votes[1] + b"\0")), "evidence: "),
        (pair(A_VOTE, vote(word("b"), kind=PREVOTE)), "do not exclude"),
        (pair(A_VOTE, vote(word("b"), round=4)), "do not exclude"),
        (pair(A_VOTE, vote(word("b"), height=HEIGHT)), "do not exclude"),
        (pair(A_VOTE, vote(word("b"), epoch=1)), "do not exclude"),
        (pair(A_VOTE, vote(word("b"), validator=KEYS[2])), "do not exclude"),
        (pair(A_VOTE, replace(A_VOTE, signature=bytes(64))), "two signatures"),
        (pair(A_VOTE, replace(vote(word("b")), signature=bytes(64))), "did not sign"),
    ],
)
def test_anything_else_is_no_evidence(evidence: Evidence, words: str) -> None:
    with pytest.raises(InvalidBlockError, match=words):
        read_evidence(evidence, CHAIN)
    with pytest.raises(InvalidBlockError, match=words):
        take(begun(), evidence)


def test_votes_of_another_chain_are_no_evidence() -> None:
    with pytest.raises(InvalidBlockError, match="did not sign"):
        read_evidence(GOOD, word("another chain"))


def test_a_liar_is_last_for_good_and_its_removal_is_proposed_but_not_voted_for() -> None:
    state = begun()

    had_effect = take(state, GOOD)

    proposal = state.get(bytes([Space.PROPOSAL]) + proposal_id(encode(GOOD)))
    record = read_proposers(state)
    assert proposal is not None
    assert record is not None
    assert had_effect
    assert decode(Proposal, proposal) == Proposal(SetValidator(LIAR.public_key, 0), (), HEIGHT)
    assert [one.key for one in record.entries if one.tombstoned] == [LIAR.public_key]
    assert proposer_order(state, HEIGHT + 1)[-1] == LIAR.public_key


def test_the_second_piece_about_a_liar_changes_nothing() -> None:
    state = begun()
    take(state, GOOD)
    before = dict(state.changes())

    answers = [take(state, one) for one in (GOOD, lie(round=9), lie(kind=PREVOTE))]

    assert (answers, dict(state.changes())) == ([False] * 3, before)


@pytest.mark.parametrize(
    ("changes", "has_effect"),
    [
        ({"height": HEIGHT}, True),
        ({"height": HEIGHT - EVIDENCE_AGE_MAX}, True),
        ({"height": HEIGHT - EVIDENCE_AGE_MAX - 1}, False),
        ({"height": HEIGHT + 1}, False),
        ({"epoch": 1}, False),
    ],
)
def test_old_future_and_foreign_evidence_has_no_effect_and_is_no_fault(
    changes: dict[str, Any], *, has_effect: bool
) -> None:
    state = begun()
    before = dict(state.changes())

    assert take(state, lie(**changes)) == has_effect
    assert (dict(state.changes()) != before) == has_effect


def test_evidence_about_one_that_is_no_validator_has_no_effect() -> None:
    state = memory_state()
    state.put(VALIDATORS_KEY, encode(ValidatorSet((KEYS[0], *KEYS[2:]))))
    note_block(state, HEIGHT, KEYS[0], None, KEYS[3])

    assert not take(state, GOOD)
