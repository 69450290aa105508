"""Blocks, certificates and the rules of a header that follow from its parent alone."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.block import (
    PRECOMMIT,
    PREVOTE,
    Block,
    Commit,
    Header,
    block_id,
    commit_hash,
    decode_block,
    encode_block,
    list_hash,
    make_commit,
    vote_bytes,
)
from chain.codec import decode
from chain.errors import InvalidBlockError, MalformedBytesError
from chain.receipt import Event, Receipt, ReceiptKind, encode_receipt
from chain.rules import check_commit, check_header
from chain.validators import QuorumRule, ValidatorSet
from tests.make import signer, word

CHAIN = word("chain")
PEOPLE = {signer(f"validator {n}").public_key: signer(f"validator {n}") for n in range(9)}


def validators(count: int) -> ValidatorSet:
    return ValidatorSet(tuple(sorted(PEOPLE)[:count]))


def header(**changes: object) -> Header:
    first = Header(
        version=1,
        chain_id=CHAIN,
        height=4,
        time_ms=1_000,
        parent_id=word("parent"),
        proposer=validators(1).keys[0],
        last_commit_hash=commit_hash(None),
        evidence_hash=list_hash("evidence", ()),
        skipped_hash=list_hash("skipped", ()),
        last_round=0,
        tx_root=word("a"),
        receipt_root=word("b"),
        state_root=word("c"),
        validators_hash=word("d"),
        next_validators_hash=word("e"),
        last_validators_change_height=0,
        params_hash=word("f"),
        gas_used=7,
    )
    return replace(first, **changes)  # type: ignore[arg-type]


def commit_of(one: Header, members: ValidatorSet, count: int, round_number: int = 0) -> Commit:
    message = vote_bytes(PRECOMMIT, CHAIN, (one.height, round_number), block_id(one))
    signatures = {key: PEOPLE[key].sign(message) for key in members.keys[:count]}
    return make_commit(members, (one.height, round_number), block_id(one), signatures)


def test_a_header_has_the_fields_of_the_protocol_in_order() -> None:
    assert tuple(Header.__slots__) == (
        "version", "chain_id", "height", "time_ms", "parent_id", "proposer", "last_commit_hash",
        "evidence_hash", "skipped_hash", "last_round", "tx_root", "receipt_root", "state_root",
        "validators_hash", "next_validators_hash", "last_validators_change_height", "params_hash",
        "gas_used",
    )  # fmt: skip


def test_a_block_comes_back_from_its_bytes() -> None:
    block = Block(header(), commit_of(header(), validators(4), 3), (), (word("x"),), (b"tx", b""))

    assert decode_block(encode_block(block)) == block


@given(st.sampled_from(Header.__slots__))
def test_every_field_of_a_header_is_in_its_id(name: str) -> None:
    value = getattr(header(), name)
    other = word("other") if isinstance(value, bytes) else value + 1

    assert block_id(header(**{name: other})) != block_id(header())


@pytest.mark.parametrize(
    ("count", "quorum"), [(1, 1), (2, 2), (3, 3), (4, 3), (5, 4), (6, 5), (7, 5), (9, 7)]
)
def test_a_quorum_is_more_than_two_thirds(count: int, quorum: int) -> None:
    members = validators(count)

    check_commit(commit_of(header(), members, quorum), header(), members)
    with pytest.raises(InvalidBlockError, match=f"{quorum} are needed"):
        check_commit(commit_of(header(), members, quorum - 1), header(), members)

    assert members.quorum == quorum


@given(st.integers(1, 128), st.sampled_from(QuorumRule))
def test_two_quorums_share_more_than_a_third_or_withstand_crashes_alone(
    count: int, rule: QuorumRule
) -> None:
    members = ValidatorSet(tuple([bytes(32)] * count), rule)
    q, skip, faults = members.quorum, members.skip_threshold, members.faults_max

    shared = 2 * q - count

    assert 3 * q > 2 * count if rule == QuorumRule.BYZANTINE else 3 * q >= 2 * count > 3 * (q - 1)
    assert 3 * faults < count <= 3 * faults + 3
    assert shared > faults or (rule == QuorumRule.CRASH and count % 3 == 0 and shared > 0)
    assert q + skip == count + 1
    assert q <= count - faults


def test_the_rule_and_the_epoch_of_a_set_are_in_its_hash() -> None:
    keys = validators(4).keys

    sets = [ValidatorSet(keys, rule, epoch) for rule in QuorumRule for epoch in (0, 1)]

    assert len({one.set_hash() for one in sets}) == 4


def test_a_certificate_of_another_epoch_is_refused() -> None:
    one, members = header(), validators(4)

    with pytest.raises(InvalidBlockError, match="did not sign"):
        check_commit(commit_of(one, members, 3), one, replace(members, epoch=1))


def test_votes_of_different_kinds_places_and_blocks_sign_different_bytes() -> None:
    votes = [
        vote_bytes(PRECOMMIT, CHAIN, (1, 0), word("a")),
        vote_bytes(PREVOTE, CHAIN, (1, 0), word("a")),
        vote_bytes(PRECOMMIT, word("x"), (1, 0), word("a")),
        vote_bytes(PRECOMMIT, CHAIN, (2, 0), word("a")),
        vote_bytes(PRECOMMIT, CHAIN, (1, 1), word("a")),
        vote_bytes(PRECOMMIT, CHAIN, (1, 0), word("b")),
        vote_bytes(PRECOMMIT, CHAIN, (1, 0), word("a"), valid_round=0),
        vote_bytes(PRECOMMIT, CHAIN, (1, 0), word("a"), epoch=1),
    ]

    length = 16 + 1 + 32 + 4 + 8 + 4 + 32 + 4
    assert (len(set(votes)), {len(vote) for vote in votes}) == (8, {length})


GOOD = commit_of(header(), validators(4), 3)


@pytest.mark.parametrize(
    "commit",
    [
        replace(GOOD, height=5),
        replace(GOOD, round=1),
        replace(GOOD, block_id=word("other")),
        replace(GOOD, signers=b"\x0b"),
        replace(GOOD, signers=b"\x0f"),
        replace(GOOD, signers=b"\x17"),
        replace(GOOD, signers=b"\x07\x00"),
        replace(GOOD, signers=b""),
        replace(GOOD, signatures=GOOD.signatures[::-1]),
        replace(GOOD, signatures=GOOD.signatures[:2]),
        replace(GOOD, signatures=(*GOOD.signatures[:2], bytes(64))),
    ],
)
def test_a_certificate_with_anything_changed_is_refused(commit: Commit) -> None:
    check_commit(GOOD, header(), validators(4))

    with pytest.raises(InvalidBlockError):
        check_commit(commit, header(), validators(4))


def child(**changes: object) -> Header:
    parent = header()
    fields = {
        "height": 5,
        "time_ms": 1_001,
        "parent_id": block_id(parent),
        "validators_hash": parent.next_validators_hash,
        **changes,
    }
    return header(**fields)


@pytest.mark.parametrize(
    "changes",
    [
        {"version": 2},
        {"chain_id": word("x")},
        {"height": 6},
        {"parent_id": word("x")},
        {"validators_hash": word("x")},
        {"time_ms": 1_000},
        {"proposer": word("nobody")},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_a_header_that_does_not_follow_its_parent_is_refused(changes: dict[str, object]) -> None:
    check_header(child(), header(), validators(4))

    with pytest.raises(InvalidBlockError):
        check_header(child(**changes), header(), validators(4))


def test_a_receipt_comes_back_from_its_bytes() -> None:
    event = Event(word("box"), 3, (1, True, b"x", word("y")))
    receipt = Receipt(
        ReceiptKind.TIMER, word("id"), ok=True, trap=0, error=0, gas_used=9, events=(event,)
    )

    again = decode(Receipt, encode_receipt(receipt))

    assert again == receipt
    with pytest.raises(MalformedBytesError):
        decode(Receipt, encode_receipt(receipt) + b"\0")
