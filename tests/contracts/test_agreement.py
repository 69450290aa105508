"""What a block says of agreement, and what executing makes of it: certificate, causes, recovery."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.block import PRECOMMIT, Block, Commit, Evidence, make_commit
from chain.changes import SetValidator
from chain.codec import encode
from chain.crypto import Signer
from chain.errors import InvalidBlockError, RecoveryPlanError
from chain.membership import pending_activation
from chain.proposers import previous_validators, proposer_order, read_proposers
from chain.recovery import RecoveryPlan, sign_plan
from chain.rules import check_commit, check_header
from chain.transaction import Propose, Transfer
from chain.types import DAY_MS, MINUTE_MS
from chain.validators import ValidatorSet, read_validators
from chain.vote import SignedVote, signed_bytes
from consensus.light import (
    Candidate,
    Invalid,
    NotEnoughTrust,
    Trusted,
    TrustOptions,
    trust_header,
    verify_next,
)
from contracts.execution import BlockInputs, Executor
from tests.make import MONEY, TestChain, account, certify, genesis, signer, word

FOUR = sorted(
    (signer(f"validator {number}") for number in range(4)), key=lambda one: one.public_key
)
KEYS = tuple(one.public_key for one in FOUR)
GIFT = Transfer(MONEY, account("bob"), 1)
Maker = Callable[..., TestChain]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    """Begin chains of four validators with a heartbeat."""
    made: list[TestChain] = []

    def begin(**changes: Any) -> TestChain:
        params = {"heartbeat_ms": 10 * MINUTE_MS, **changes}
        chain = TestChain(tmp_path / str(len(made)), genesis(params=params, validators=FOUR))
        chain.voters = list(FOUR)
        made.append(chain)
        return chain

    yield begin
    for chain in made:
        chain.close()


def lie_of(chain: TestChain, height: int) -> Evidence:
    """Return two precommits of the second validator at a height."""
    votes = []
    for block in (word("a"), word("b")):
        vote = SignedVote(PRECOMMIT, 0, height, 0, block, -1, KEYS[1], bytes(64))
        signature = FOUR[1].sign(signed_bytes(vote, chain.ledger.chain_id))
        votes.append(encode(replace(vote, signature=signature)))
    return Evidence(tuple(sorted(votes)))


# The certificate of the parent ------------------------------------------------------------------


def test_a_block_carries_a_certificate_of_its_parent(make: Maker) -> None:
    chain = make()
    chain.do("alice", GIFT)
    good = chain.build(chain.sign("alice", GIFT)).block
    commit = chain.ledger.head_commit
    assert commit is not None
    bad: list[tuple[Commit | None, str]] = [
        (None, "is missing"),
        (replace(commit, height=2), "is of height 2"),
        (replace(commit, block_id=word("x")), "is of height 1, block"),
        (replace(commit, signers=b"\x0f\x00"), "4 signatures"),
        (replace(commit, signers=b"\x1f"), "for 5 signers"),
        (replace(commit, signers=b"\x07"), "for 3 signers"),
        (replace(commit, signers=b"\x03", signatures=commit.signatures[:2]), "3 are needed"),
    ]

    for certificate, words in bad:
        with pytest.raises(InvalidBlockError, match=words):
            chain.check(replace(good, last_commit=certificate))

    assert chain.check(good).block == good


def test_the_certificate_is_one_of_the_validators_of_the_parents_height(make: Maker) -> None:
    chain = make()
    chain.do("olga", Propose(SetValidator(KEYS[0], 0)))
    chain.voters = FOUR[1:]
    chain.run()  # the last block of four, and it brings three into force
    sets = [previous_validators(chain.state()), read_validators(chain.state())]

    good = chain.build(chain.sign("alice", GIFT)).block
    assert good.last_commit is not None
    signatures = dict.fromkeys(KEYS[1:], bytes(64))
    by_two = make_commit(ValidatorSet(KEYS[1:3]), (2, 0), good.last_commit.block_id, signatures)

    assert sets == [ValidatorSet(KEYS), ValidatorSet(KEYS[1:])]
    assert chain.check(good).block == good
    with pytest.raises(InvalidBlockError, match="2 of 4 validators signed"):
        chain.check(replace(good, last_commit=by_two))


# Causes -----------------------------------------------------------------------------------------


def test_a_block_without_a_cause_is_refused_until_the_heartbeat(make: Maker) -> None:
    chain = make()
    early = chain.build(at=chain.now + 10 * MINUTE_MS - 1).block
    due = chain.build(at=chain.now + 10 * MINUTE_MS).block

    with pytest.raises(InvalidBlockError, match="nothing in it 599999 ms"):
        chain.check(early)

    assert chain.check(due).block == due


def test_a_development_chain_makes_a_block_whenever_it_is_wished(make: Maker) -> None:
    chain = make(dev=1)

    assert chain.run().block.transactions == ()


def test_a_transaction_is_a_cause_and_one_that_is_left_out_is_none(make: Maker) -> None:
    chain = make()

    chain.run(chain.sign("alice", GIFT))

    with pytest.raises(InvalidBlockError, match="nothing in it"):
        chain.check(chain.build(chain.sign("sam", GIFT)).block)


def test_what_is_due_is_a_cause(make: Maker) -> None:
    chain = make()
    box = chain.deploy()
    due = chain.now + MINUTE_MS
    assert chain.call("alice", box, "plan", word("bell"), due).ok

    block = chain.run(at=due)

    assert (block.timers_fired, block.block.transactions) == (1, ())


def test_evidence_is_a_cause_and_puts_the_liar_last(make: Maker) -> None:
    chain = make()
    chain.do("alice", GIFT)

    chain.run(evidence=(lie_of(chain, 1),))

    record = read_proposers(chain.state())
    assert record is not None
    assert [one.key for one in record.entries if one.tombstoned] == [KEYS[1]]
    assert proposer_order(chain.state(), 3)[-1] == KEYS[1]


def test_evidence_that_the_chain_has_already_is_no_cause(make: Maker) -> None:
    chain = make()
    chain.do("alice", GIFT)
    chain.run(evidence=(lie_of(chain, 1),))

    again = chain.build(evidence=(lie_of(chain, 1),)).block

    with pytest.raises(InvalidBlockError, match="heartbeat"):
        chain.check(again)


def test_evidence_that_is_none_makes_a_block_invalid(make: Maker) -> None:
    chain = make()
    chain.do("alice", GIFT)
    good = chain.build(evidence=(lie_of(chain, 1),)).block

    for evidence in (Evidence((b"one", b"other")), Evidence(good.evidence[0].votes[::-1])):
        with pytest.raises(InvalidBlockError, match="evidence"):
            chain.check(replace(good, evidence=(evidence,)))


def test_a_change_of_validators_that_waits_is_a_cause(make: Maker) -> None:
    chain = make()
    chain.do("olga", Propose(SetValidator(KEYS[0], 0)))

    chain.run()

    with pytest.raises(InvalidBlockError, match="nothing in it"):
        chain.check(chain.build().block)


# Recovery ---------------------------------------------------------------------------------------


def plan_for(chain: TestChain) -> tuple[RecoveryPlan, ValidatorSet]:
    """Return olga's plan for one of the four alone, and that set."""
    alone = ValidatorSet(KEYS[2:3], epoch=1)
    plan = RecoveryPlan(chain.ledger.chain_id, chain.head.height, chain.ledger.head_id, alone)
    return sign_plan(plan, account("olga"), signer("olga")), alone


def recover(chain: TestChain, plan: RecoveryPlan, voters: list[Signer] = FOUR[2:3]) -> Block:
    """Make and store the block that a plan is about, by those of `voters` who are left."""
    chain.ledger.executor.plans = (plan,)
    chain.voters = [one for one in voters if one.public_key in plan.validators.keys]
    built = chain.build()
    assert chain.check(built.block).block_id == built.block_id
    header = built.block.header
    check_header(header, chain.head, read_validators(chain.state()), (plan,))
    commit = certify(header, built.block_id, plan.validators, chain.voters)
    check_commit(commit, header, plan.validators)
    chain.ledger.append(built, commit)
    return built.block


def test_after_a_recovery_the_planned_validators_go_on_alone(make: Maker) -> None:
    chain = make()
    chain.do("olga", Propose(chain.joining(signer("newcomer"))))
    plan, alone = plan_for(chain)
    waiting = pending_activation(chain.state())

    header = recover(chain, plan).header
    chain.do("alice", GIFT)

    hashes = (header.validators_hash, header.next_validators_hash, chain.head.validators_hash)
    assert (waiting, pending_activation(chain.state())) == (3, None)
    assert hashes == (alone.set_hash(),) * 3
    assert (header.last_validators_change_height, chain.head.last_validators_change_height) == (
        2,
        2,
    )
    assert read_validators(chain.state()) == previous_validators(chain.state()) == alone
    assert proposer_order(chain.state(), 4) == alone.keys


def test_a_light_client_follows_no_recovery_and_jumps_it_if_enough_old_validators_stay(
    make: Maker,
) -> None:
    verdicts = []
    for staying in (KEYS[2:3], KEYS[1:3]):
        chain = make()
        chain.do("alice", GIFT)
        first = candidate_at_head(chain, ValidatorSet(KEYS))
        now, options = chain.now + MINUTE_MS, TrustOptions(DAY_MS)
        after = ValidatorSet(staying, epoch=1)
        plan = RecoveryPlan(chain.ledger.chain_id, 1, chain.ledger.head_id, after)
        recover(chain, sign_plan(plan, account("olga"), signer("olga")), FOUR[1:3])
        next_one = candidate_at_head(chain, after)
        chain.do("alice", GIFT)
        known = trust_header(first.header, ValidatorSet(KEYS))
        verdicts += [
            verify_next(known, one, now, options)
            for one in (next_one, candidate_at_head(chain, after))
        ]

    kinds = [type(verdict) for verdict in verdicts]
    assert kinds == [Invalid, NotEnoughTrust, Invalid, Trusted]


def candidate_at_head(chain: TestChain, validators: ValidatorSet) -> Candidate:
    commit = chain.ledger.head_commit
    assert commit is not None
    return Candidate(chain.head, commit, validators, read_validators(chain.state()))


def test_the_old_validators_can_not_decide_the_block_of_a_recovery(make: Maker) -> None:
    chain = make()
    chain.do("alice", GIFT)
    plan, alone = plan_for(chain)
    chain.ledger.executor.plans = (plan,)
    chain.voters = [FOUR[2]]
    built = chain.build()

    before = certify(built.block.header, built.block_id, ValidatorSet(alone.keys), [FOUR[2]])

    with pytest.raises(InvalidBlockError, match="did not sign"):
        check_commit(before, built.block.header, alone)


def test_a_node_without_the_plan_refuses_its_block_and_with_it_any_other(make: Maker) -> None:
    chain = make()
    chain.do("alice", GIFT)
    plain, (plan, _alone) = chain.build(chain.sign("alice", GIFT)).block, plan_for(chain)
    with_plan = Executor(chain.ledger.chain_id, plans=(plan,))
    store = chain.ledger.store

    inputs = BlockInputs(chain.now + 1_000, KEYS[2], plain.last_commit, ())
    changed = with_plan.build(store, chain.head, inputs).block

    for block, executor in ((changed, chain.ledger.executor), (plain, with_plan)):
        with pytest.raises(InvalidBlockError):
            executor.check(store, chain.head, block)
    assert with_plan.check(store, chain.head, changed).block == changed


def test_a_plan_that_the_operators_did_not_sign_stops_the_node_that_loaded_it(make: Maker) -> None:
    chain = make()
    chain.do("alice", GIFT)
    plan, _alone = plan_for(chain)
    chain.ledger.executor.plans = (replace(plan, signatures=()),)

    with pytest.raises(RecoveryPlanError, match="0 of 1 operators"):
        chain.build()


def test_a_plan_for_a_block_that_is_elsewhere_changes_nothing(make: Maker) -> None:
    chain = make()
    chain.do("alice", GIFT)
    plan, _alone = plan_for(chain)
    chain.ledger.executor.plans = (replace(plan, head_id=word("elsewhere")),)

    chain.do("alice", GIFT)
    chain.ledger.executor.plans = (plan,)
    chain.do("alice", GIFT)

    assert read_validators(chain.state()) == ValidatorSet(KEYS)


def test_a_chain_of_one_that_recovers_to_four_keeps_a_record_from_then_on(tmp_path: Path) -> None:
    chain = TestChain(tmp_path, genesis(params={"heartbeat_ms": 10 * MINUTE_MS}))
    chain.do("alice", GIFT)
    four = ValidatorSet(KEYS, epoch=1)
    plan = RecoveryPlan(chain.ledger.chain_id, 1, chain.ledger.head_id, four)
    chain.ledger.executor.plans = (sign_plan(plan, account("olga"), signer("olga")),)
    before = read_proposers(chain.state())
    chain.voters = list(FOUR)

    built = chain.build()
    assert chain.check(built.block).block_id == built.block_id
    chain.ledger.append(built, certify(built.block.header, built.block_id, four, FOUR))
    chain.do("alice", GIFT)
    sets = [read_validators(chain.state()), previous_validators(chain.state())]
    chain.close()

    assert (before, sets) == (None, [four, four])
