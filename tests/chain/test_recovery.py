"""A recovery plan: who must sign it, what it may say, and what it says as a file."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.accounts import add_key, remove_key
from chain.block import Header, block_id
from chain.codec import decode, encode
from chain.errors import InvalidBlockError, RecoveryPlanError
from chain.membership import PendingValidators, pending_activation
from chain.recovery import (
    PLAN_BYTES_MAX,
    PlanSignature,
    RecoveryPlan,
    begin_recovery,
    check_plan,
    next_validators,
    parse_plan,
    plan_above,
    plan_hash,
    sift_plans,
    sign_plan,
    write_plan,
)
from chain.roles import Role, set_role
from chain.rules import check_header
from chain.state import PENDING_VALIDATORS_KEY, VALIDATORS_KEY, State
from chain.transaction import AccountKey
from chain.validators import QuorumRule, ValidatorSet, read_validators
from tests.chain.protocol_vectors import block_vectors
from tests.make import account, memory_state, signer, word

HEAD = decode(Header, bytes.fromhex(block_vectors()["header"]["bytes"]))
OLD = ValidatorSet(tuple(sorted(word(f"old {number}") for number in range(4))), epoch=2)
NEW = ValidatorSet(tuple(sorted((OLD.keys[0], word("new")))), epoch=3)
PLAN = RecoveryPlan(HEAD.chain_id, HEAD.height, block_id(HEAD), NEW)
NAMES = ("olga", "otto", "oona", "oskar")


def state_of(*operators: str) -> State:
    state = memory_state()
    state.put(VALIDATORS_KEY, encode(OLD))
    for name in operators:
        set_role(state, account(name), Role.OPERATOR, held=True)
    return state


def signed_by(*names: str, plan: RecoveryPlan = PLAN) -> RecoveryPlan:
    for name in names:
        plan = sign_plan(plan, account(name), signer(name))
    return plan


def test_a_plan_puts_its_validators_in_place_and_drops_a_change_under_way() -> None:
    state = state_of("olga")
    other = PendingValidators(HEAD.height + 2, ValidatorSet(OLD.keys[:2], epoch=2))
    state.put(PENDING_VALIDATORS_KEY, encode(other))

    took_effect = begin_recovery(state, HEAD, (signed_by("olga"),))

    assert took_effect
    assert (read_validators(state), pending_activation(state)) == (NEW, None)


def test_a_plan_about_another_block_changes_nothing() -> None:
    state = state_of("olga")
    others = (replace(PLAN, height=HEAD.height + 1), replace(PLAN, head_id=word("x")))

    answers = [begin_recovery(state, HEAD, plans) for plans in ((), others)]

    assert (answers, plan_above(others, HEAD)) == ([False] * 2, None)
    assert read_validators(state) == OLD


def test_a_bad_plan_about_this_block_stops_whoever_loaded_it() -> None:
    state = state_of("olga")

    with pytest.raises(RecoveryPlanError, match="0 of 1 operators"):
        begin_recovery(state, HEAD, (PLAN,))

    assert read_validators(state) == OLD


def test_of_several_plans_only_the_one_about_this_block_is_looked_at() -> None:
    state, good = state_of("olga"), signed_by("olga")
    others = (replace(PLAN, height=1), replace(PLAN, head_id=word("x")))
    plans = (*others, good)

    assert plan_above(plans, HEAD) is good
    assert next_validators(state, HEAD, plans) == NEW
    assert next_validators(state, HEAD, others) == OLD
    assert sift_plans(plans, state, HEAD) == (plans, ())


def test_a_plan_that_must_not_take_effect_is_sifted_out_with_the_reason() -> None:
    state, other = state_of("olga"), replace(PLAN, head_id=word("x"))
    by_plan = replace(HEAD, validators_hash=NEW.set_hash())

    unsigned = sift_plans((PLAN, other), state, HEAD)
    passed_over = sift_plans((signed_by("olga"), other), state, HEAD, child=HEAD)

    assert unsigned[0] == passed_over[0] == (other,)
    assert "0 of 1 operators signed" in unsigned[1][0]
    assert "went on above height 10 with other validators" in passed_over[1][0]
    assert sift_plans((signed_by("olga"),), state, HEAD, child=by_plan)[1] == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"chain_id": word("x")}, "chain is"),
        ({"height": HEAD.height + 1}, "height is 11, here it is 10"),
        ({"head_id": word("x")}, "head_id is"),
        ({"validators": replace(NEW, epoch=2)}, "epoch is 2, the next of this chain is 3"),
        ({"validators": replace(NEW, epoch=4)}, "epoch is 4"),
        ({"validators": replace(NEW, rule=QuorumRule.CRASH)}, "quorum rule"),
        ({"validators": replace(NEW, keys=())}, "no validators"),
        ({"validators": replace(NEW, keys=NEW.keys[::-1])}, "out of order"),
        ({"validators": replace(NEW, keys=NEW.keys[:1] * 2)}, "stand twice"),
    ],
)
def test_a_plan_that_says_anything_else_is_refused(change: dict[str, Any], words: str) -> None:
    state = state_of("olga")
    check_plan(signed_by("olga"), state, HEAD)

    with pytest.raises(RecoveryPlanError, match=words):
        check_plan(signed_by("olga", plan=replace(PLAN, **change)), state, HEAD)


@given(st.integers(1, 9), st.integers(0, 9))
def test_more_than_two_thirds_of_the_operators_are_enough(count: int, signing: int) -> None:
    names = [f"operator {number}" for number in range(count)]
    state, plan = state_of(*names), signed_by(*names[:signing])

    needed = next(votes for votes in range(count + 1) if 3 * votes > 2 * count)

    if min(signing, count) >= needed:
        check_plan(plan, state, HEAD)
    else:
        with pytest.raises(RecoveryPlanError, match=f"{signing} of {count} operators signed"):
            check_plan(plan, state, HEAD)


def test_nobody_recovers_a_chain_without_operators() -> None:
    with pytest.raises(RecoveryPlanError, match="0 of 0 operators"):
        check_plan(PLAN, state_of(), HEAD)


def test_signatures_that_do_not_count_are_named() -> None:
    state, good = state_of(*NAMES), signed_by(*NAMES)
    first = good.signatures[0]
    cases = {
        "is no operator": signed_by(*NAMES, "sam"),
        "signed twice": replace(good, signatures=(*good.signatures, first)),
        "did not sign": replace(good, validators=replace(NEW, keys=OLD.keys)),
        "is no key of account": sign_plan(PLAN, account("olga"), signer("sam")),
    }

    for words, plan in cases.items():
        with pytest.raises(RecoveryPlanError, match=words):
            check_plan(plan, state, HEAD)


def test_a_signature_is_over_one_plan_alone() -> None:
    changes: list[dict[str, Any]] = [
        {"chain_id": word("x")}, {"height": 1}, {"head_id": word("x")},
        {"validators": OLD}, {"validators": replace(NEW, epoch=9)},
    ]  # fmt: skip

    hashes = [plan_hash(replace(PLAN, **change)) for change in changes]

    assert len({*hashes, plan_hash(PLAN)}) == 6
    assert plan_hash(signed_by(*NAMES)) == plan_hash(PLAN)


def test_a_key_that_was_rotated_away_signs_no_plan_and_its_successor_does() -> None:
    state, new = state_of("olga"), signer("olga's new key")
    add_key(state, account("olga"), AccountKey(new.public_key, None, (), None))
    remove_key(state, account("olga"), account("olga"))

    check_plan(sign_plan(PLAN, account("olga"), new), state, HEAD)
    with pytest.raises(RecoveryPlanError, match="is no key of account"):
        check_plan(signed_by("olga"), state, HEAD)


@pytest.mark.parametrize("bound", [{"scopes": ()}, {"expires_at": HEAD.time_ms + 1}])
def test_a_key_with_bounds_signs_no_plan(bound: dict[str, Any]) -> None:
    state, key = state_of("olga"), signer("till")
    fields = {"scopes": None, "limits": (), "expires_at": None, **bound}
    add_key(state, account("olga"), AccountKey(key=key.public_key, **fields))

    with pytest.raises(RecoveryPlanError, match="has bounds"):
        check_plan(sign_plan(PLAN, account("olga"), key), state, HEAD)


def test_an_operator_that_signs_again_replaces_its_signature() -> None:
    twice = sign_plan(signed_by("olga", "otto"), account("olga"), signer("till"))

    assert twice.signatures == tuple(
        sorted(
            (
                PlanSignature(
                    account("olga"), account("till"), signer("till").sign(plan_hash(PLAN))
                ),
                *signed_by("otto").signatures,
            ),
            key=lambda one: one.operator,
        )
    )


def test_above_a_plan_a_header_bears_the_plans_validators() -> None:
    fields: dict[str, Any] = {
        "height": HEAD.height + 1,
        "time_ms": HEAD.time_ms + 1,
        "parent_id": block_id(HEAD),
        "proposer": NEW.keys[0],
        "validators_hash": NEW.set_hash(),
    }
    child = replace(HEAD, **fields)
    announced = replace(child, validators_hash=HEAD.next_validators_hash)
    elsewhere = replace(PLAN, head_id=word("x"))

    check_header(child, HEAD, OLD, (elsewhere, PLAN))
    check_header(announced, HEAD, ValidatorSet(NEW.keys), (elsewhere,))
    for header, plans, words in (
        (child, (), "validators_hash"),
        (child, (elsewhere,), "validators_hash"),
        (announced, (PLAN,), "validators_hash"),
        (replace(child, proposer=OLD.keys[1]), (PLAN,), "is no validator"),
    ):
        with pytest.raises(InvalidBlockError, match=words):
            check_header(header, HEAD, OLD, plans)


# As a file -------------------------------------------------------------------------------------


@given(
    st.builds(
        ValidatorSet,
        st.lists(st.binary(min_size=32, max_size=32), max_size=4).map(tuple),
        st.sampled_from(QuorumRule),
        st.integers(0, 2**32 - 1),
    ),
    st.lists(st.sampled_from(NAMES), unique=True),
)
def test_a_plan_comes_back_from_its_file_and_from_its_bytes(
    validators: ValidatorSet, names: list[str]
) -> None:
    plan = signed_by(*names, plan=replace(PLAN, validators=validators))

    assert parse_plan(write_plan(plan).encode()) == plan
    assert decode(RecoveryPlan, encode(plan)) == plan


FILE: dict[str, Any] = json.loads(write_plan(signed_by("olga")))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"extra": 1}, "extra"),
        ({"height": -1}, "height"),
        ({"height": "1"}, "height"),
        ({"head_id": "00"}, "head_id"),
        ({"chain_id": FILE["chain_id"].upper()}, "chain_id"),
        ({"validators": {**FILE["validators"], "rule": "none"}}, "validators.rule"),
        ({"validators": {**FILE["validators"], "epoch": 2**32}}, "validators.epoch"),
        ({"validators": {**FILE["validators"], "keys": ["00" * 32] * 129}}, "validators.keys"),
        ({"signatures": FILE["signatures"] * 1_025}, "signatures"),
        ({"signatures": [{"operator": "00" * 32}]}, "signatures.0"),
    ],
)
def test_a_file_that_is_no_plan_is_refused_with_the_place_named(
    change: dict[str, Any], words: str
) -> None:
    with pytest.raises(RecoveryPlanError, match=words):
        parse_plan(json.dumps({**FILE, **change}).encode())


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"\xff", b" " * (PLAN_BYTES_MAX + 1)])
def test_bytes_that_are_no_plan_are_refused(data: bytes) -> None:
    with pytest.raises(RecoveryPlanError):
        parse_plan(data)
