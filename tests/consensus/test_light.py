"""The light client's rule: what is believed of a later block, and every way not to be."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.block import Commit, block_id
from chain.codec import decode, encode
from chain.errors import InvalidBlockError, MalformedBytesError
from chain.rules import check_commit
from chain.validators import ValidatorSet
from consensus import (
    Candidate,
    Checkpoint,
    Invalid,
    LightClientError,
    NotEnoughTrust,
    Trusted,
    TrustedBlock,
    TrustOptions,
    Verdict,
    trust_header,
    verify_checkpoint,
    verify_next,
)
from tests.consensus.light_chain import (
    CHAIN,
    START_MS,
    STEP_MS,
    LightChain,
    forge,
    header_of,
    set_of,
    sign_header,
)
from tests.make import signer, word

FOUR = "a b c d"
PERIOD_MS = 100 * STEP_MS
OPTIONS = TrustOptions(PERIOD_MS)
NOW = START_MS + 50 * STEP_MS
CHAIN_OF_FOUR = LightChain(FOUR, 10)
# From height 3 on e takes d's place, from 6 on f takes c's, from 7 on g takes b's.
CHANGING = LightChain(FOUR, 10, {2: "a b c e", 5: "a b e f", 6: "a e f g"})


def trusted_at(chain: LightChain, height: int) -> TrustedBlock:
    return trust_header(chain.headers[height], set_of(chain.names[height]))


def judge(candidate: Candidate, trusted: TrustedBlock | None = None, now_ms: int = NOW) -> Verdict:
    return verify_next(trusted or CHAIN_OF_FOUR.genesis(), candidate, now_ms, OPTIONS)


def reason_of(verdict: Verdict) -> str:
    assert isinstance(verdict, Invalid), verdict
    return verdict.reason


@pytest.mark.parametrize("height", [1, 2, 10])
def test_a_block_that_a_quorum_of_the_known_validators_signed_is_trusted(height: int) -> None:
    candidate = CHAIN_OF_FOUR.candidate(height, ["a", "c", "d"])

    verdict = judge(candidate)

    header = CHAIN_OF_FOUR.headers[height]
    block = TrustedBlock(CHAIN, height, header.time_ms, set_of(FOUR.split()), 0, header)
    assert verdict == Trusted(block)


def test_a_change_of_validators_is_followed_one_height_at_a_time() -> None:
    trusted = CHANGING.genesis()

    for height in range(1, 11):
        verdict = judge(CHANGING.candidate(height), trusted)
        assert isinstance(verdict, Trusted)
        trusted = verdict.block

    assert trusted == trusted_at(CHANGING, 10)


def test_a_jump_needs_more_than_a_third_of_the_known_validators() -> None:
    trusted = trusted_at(CHANGING, 1)

    verdicts = [judge(CHANGING.candidate(height), trusted) for height in (2, 3, 6, 7)]

    assert [type(one) for one in verdicts] == [Trusted, Trusted, Trusted, NotEnoughTrust]
    assert verdicts[-1] == NotEnoughTrust(
        "1 of the 4 validators trusted at height 1 signed height 7, more than a third are needed; "
        "try a height between"
    )


def test_those_who_jump_must_be_enough_at_both_ends() -> None:
    trusted, two_of_four = trusted_at(CHANGING, 1), ["a", "b"]

    verdict = judge(CHANGING.candidate(6, two_of_four), trusted)

    assert verdict == Invalid("2 of 4 validators signed, 3 are needed")


GOOD = CHAIN_OF_FOUR.candidate(3)
NEXT = CHAIN_OF_FOUR.candidate(1)
SET = set_of(FOUR.split())
OTHERS = ["w", "x", "y", "z"]


def changed_header(good: Candidate, **changes: Any) -> Candidate:
    """Return a candidate whose validators signed a changed header."""
    header = replace(good.header, **changes)
    return replace(good, header=header, commit=sign_header(header, SET, FOUR.split()))


def changed_commit(**changes: Any) -> Candidate:
    return replace(GOOD, commit=replace(GOOD.commit, **changes))


SIGNATURES = GOOD.commit.signatures
REFUSED: dict[str, tuple[Candidate, str]] = {
    "another version": (changed_header(GOOD, version=2), "version is 2, expected 1"),
    "another chain": (
        changed_header(GOOD, chain_id=word("other")),
        f"chain_id is {word('other').hex()}, expected {CHAIN.hex()}",
    ),
    "the height that is trusted": (
        changed_header(GOOD, height=0),
        "height is 0, expected one above the trusted 0",
    ),
    "a time not after the trusted one": (
        changed_header(GOOD, time_ms=START_MS),
        f"time is {START_MS}, expected one after the trusted {START_MS}",
    ),
    "a time that has not come": (
        changed_header(GOOD, time_ms=NOW),
        f"time is {NOW}, expected one before {NOW}",
    ),
    "a proposer who is no validator": (
        changed_header(GOOD, proposer=signer("x").public_key),
        f"proposer {signer('x').public_key.hex()} is no validator of height 3",
    ),
    "validators that the header does not name": (
        replace(GOOD, validators=set_of(OTHERS)),
        "hash of validators is",
    ),
    "next validators that the header does not name": (
        replace(GOOD, next_validators=set_of(OTHERS)),
        "hash of next_validators is",
    ),
    "a change after the block itself": (
        changed_header(GOOD, last_validators_change_height=4),
        "last_validators_change_height is 4, above height 3",
    ),
    "a change that the header keeps back": (
        forge(GOOD, OTHERS, OTHERS, last_validators_change_height=0),
        f"validators_hash without a change is {set_of(OTHERS).set_hash().hex()}",
    ),
    "next validators without a change": (
        replace(
            changed_header(GOOD, next_validators_hash=set_of(OTHERS).set_hash()),
            next_validators=set_of(OTHERS),
        ),
        "last_validators_change_height is 0, expected 3",
    ),
    "other validators at the next height": (
        forge(NEXT, OTHERS, OTHERS),
        f"validators_hash is {set_of(OTHERS).set_hash().hex()}, expected {SET.set_hash().hex()}",
    ),
    "a certificate of another height": (
        changed_commit(height=4),
        "height of the certificate is 4, expected 3",
    ),
    "a certificate of another block": (
        changed_commit(block_id=word("block")),
        f"block of the certificate is {word('block').hex()}",
    ),
    "a certificate of another round": (
        changed_commit(round=1),
        "did not sign this block in round 1",
    ),
    "a longer bitmap": (
        changed_commit(signers=GOOD.commit.signers + b"\0"),
        "bytes of the signers' bitmap is 2, expected 1",
    ),
    "a signer beyond the validators": (
        changed_commit(signers=b"\x17"),
        "signer 4 of 4 validators, who count from 0",
    ),
    "more signatures than signers": (
        changed_commit(signers=b"\x07"),
        "4 signatures of 3 signers",
    ),
    "fewer signatures than signers": (
        changed_commit(signatures=SIGNATURES[:3]),
        "3 signatures of 4 signers",
    ),
    "one signature twice": (
        changed_commit(signatures=(SIGNATURES[0], SIGNATURES[0], *SIGNATURES[2:])),
        f"validator {SET.keys[1].hex()} did not sign this block in round 0",
    ),
    "signatures in another order": (
        changed_commit(signatures=SIGNATURES[::-1]),
        f"validator {SET.keys[0].hex()} did not sign this block in round 0",
    ),
    "a stranger's signature": (
        changed_commit(signatures=(*SIGNATURES[:3], signer("x").sign(b"this"))),
        f"validator {SET.keys[3].hex()} did not sign this block in round 0",
    ),
    "a signature over another block": (
        changed_commit(signatures=CHAIN_OF_FOUR.candidate(4).commit.signatures),
        f"validator {SET.keys[0].hex()} did not sign this block in round 0",
    ),
    "too few signers": (
        CHAIN_OF_FOUR.candidate(3, ["a", "b"]),
        "2 of 4 validators signed, 3 are needed",
    ),
    "too few signers at the next height": (
        CHAIN_OF_FOUR.candidate(1, ["a"]),
        "1 of 4 validators signed, 3 are needed",
    ),
    "nobody at the next height": (
        CHAIN_OF_FOUR.candidate(1, []),
        "0 of 4 validators signed, 3 are needed",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_what_was_seen(name: str) -> None:
    candidate, expected = REFUSED[name]

    assert expected in reason_of(judge(candidate))


def test_the_next_height_must_have_the_trusted_block_as_its_parent() -> None:
    candidate = changed_header(CHAIN_OF_FOUR.candidate(4), parent_id=word("parent"))

    reason = reason_of(judge(candidate, trusted_at(CHAIN_OF_FOUR, 3)))

    expected = block_id(CHAIN_OF_FOUR.headers[3])
    assert reason == f"parent_id is {word('parent').hex()}, expected {expected.hex()}"


def test_a_change_that_was_before_the_trusted_block_is_the_one_it_knows() -> None:
    good = CHANGING.candidate(4)
    header = replace(good.header, last_validators_change_height=1)
    names = CHANGING.names_at(4)
    candidate = replace(good, header=header, commit=sign_header(header, good.validators, names))

    reason = reason_of(judge(candidate, trusted_at(CHANGING, 3)))

    assert reason == "last_validators_change_height is 1, expected 2"


def test_one_traitor_who_stands_in_a_set_twice_counts_once() -> None:
    key = signer("a").public_key
    twice = ValidatorSet((key, key))
    header = header_of(3, twice, last_validators_change_height=2)
    one = sign_header(header, ValidatorSet((key,)), ["a"]).signatures[0]
    commit = Commit(3, 0, block_id(header), b"\x03", (one, one))

    reason = reason_of(judge(Candidate(header, commit, twice, twice)))

    assert reason == "validators: 2 keys, expected each once and in order"


def test_a_forged_set_that_a_third_of_the_known_validators_signed_is_not_trusted() -> None:
    candidate = forge(GOOD, ["a", "w", "x", "y"], ["a", "w", "x", "y"])

    verdict = judge(candidate)

    assert isinstance(verdict, NotEnoughTrust)


def test_nobody_answers_for_a_block_older_than_the_trusting_period() -> None:
    trusted, candidate = CHAIN_OF_FOUR.genesis(), CHAIN_OF_FOUR.candidate(1)

    last = judge(candidate, trusted, START_MS + PERIOD_MS - 1)
    over = judge(candidate, trusted, START_MS + PERIOD_MS)

    assert isinstance(last, Trusted)
    assert over == Invalid(
        f"the trusted block is {PERIOD_MS} ms old, and validators answer for {PERIOD_MS} ms only; "
        "begin at a newer checkpoint"
    )


def test_a_clock_that_is_slow_by_less_than_the_drift_still_believes() -> None:
    candidate = CHAIN_OF_FOUR.candidate(1)
    trusted, now_ms = CHAIN_OF_FOUR.genesis(), START_MS + STEP_MS

    verdicts = [
        verify_next(trusted, candidate, now_ms, TrustOptions(PERIOD_MS, drift_ms))
        for drift_ms in (0, 1)
    ]

    assert [type(one) for one in verdicts] == [Invalid, Trusted]


def test_a_header_is_trusted_only_with_the_next_validators_it_names() -> None:
    with pytest.raises(
        LightClientError, match=f"next validators {set_of(OTHERS).set_hash().hex()}"
    ):
        trust_header(CHAIN_OF_FOUR.headers[3], set_of(OTHERS))


def checkpoint(**changes: Any) -> Checkpoint:
    return replace(Checkpoint(CHAIN, 3, SET.set_hash(), vouched_ms=START_MS), **changes)


def test_a_checkpoint_makes_the_block_that_its_validators_signed_trusted() -> None:
    verdicts = [
        verify_checkpoint(place, GOOD, NOW, OPTIONS)
        for place in (checkpoint(), checkpoint(vouched_ms=None))
    ]

    assert verdicts == [Trusted(trusted_at(CHAIN_OF_FOUR, 3))] * 2


@pytest.mark.parametrize(
    ("place", "candidate", "now_ms", "reason"),
    [
        (checkpoint(height=4), GOOD, NOW, "height is 3, expected 4"),
        (checkpoint(validators_hash=word("x")), GOOD, NOW, "validators_hash is "),
        (checkpoint(chain_id=word("x")), GOOD, NOW, "chain_id is "),
        (checkpoint(), forge(GOOD, OTHERS, OTHERS), NOW, "validators_hash is "),
        (checkpoint(), CHAIN_OF_FOUR.candidate(3, ["a", "b"]), NOW, "2 of 4 validators signed"),
        (checkpoint(), GOOD, START_MS + PERIOD_MS, "the checkpoint is 100000 ms old"),
        (checkpoint(vouched_ms=None), GOOD, NOW + PERIOD_MS, "the block is 147000 ms old"),
    ],
)
def test_a_checkpoint_that_does_not_fit_is_refused(
    place: Checkpoint, candidate: Candidate, now_ms: int, reason: str
) -> None:
    assert reason in reason_of(verify_checkpoint(place, candidate, now_ms, OPTIONS))


ENCODED = {height: encode(CHANGING.candidate(height)) for height in (2, 6)}


@given(st.sampled_from([2, 6]), st.data(), st.integers(1, 255))
def test_no_candidate_with_a_changed_byte_is_trusted(
    height: int, data: st.DataObject, flipped: int
) -> None:
    wire = bytearray(ENCODED[height])
    wire[data.draw(st.integers(0, len(wire) - 1))] ^= flipped

    try:
        verdict = judge(decode(Candidate, bytes(wire)), trusted_at(CHANGING, 1))
    except MalformedBytesError:
        return

    assert not isinstance(verdict, Trusted)


def is_certified(candidate: Candidate) -> bool:
    try:
        check_commit(candidate.commit, candidate.header, candidate.validators)
    except InvalidBlockError:
        return False
    return True


@given(st.integers(2, 10), st.sets(st.sampled_from("abcdefg")))
def test_signers_are_counted_as_the_rule_says(height: int, names: set[str]) -> None:
    trusted = trusted_at(CHANGING, 1)
    candidate = CHANGING.candidate(height, sorted(names))

    verdict = judge(candidate, trusted)

    signed = names & set(CHANGING.names_at(height))
    known = signed & set(FOUR.split())
    if height > 2 and 3 * len(known) <= 4:
        expected: type[Verdict] = NotEnoughTrust
    else:
        expected = Trusted if len(signed) >= 3 else Invalid
    assert type(verdict) is expected
    assert is_certified(candidate) == (len(signed) >= 3)


def test_every_byte_of_a_header_and_certificate_counts() -> None:
    encoded, trusted = ENCODED[2], trusted_at(CHANGING, 1)

    believed = []
    for place in range(len(encoded)):
        wire = encoded[:place] + bytes([encoded[place] ^ 1]) + encoded[place + 1 :]
        try:
            verdict = judge(decode(Candidate, wire), trusted)
        except MalformedBytesError:
            continue
        if isinstance(verdict, Trusted):
            believed.append(place)

    assert believed == []
