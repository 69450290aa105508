"""A chain that lost its quorum for good: it goes on by a plan, and others follow it."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.block import block_id
from chain.leveldb import leveldb
from chain.recovery import RecoveryPlan, sign_plan
from chain.tables import Table, height_key
from chain.transaction import ReceivedTransaction, Transaction, Transfer, read_transaction
from chain.transaction import sign_transaction as sign
from chain.types import MINUTE_MS
from chain.validators import ValidatorSet, read_validators
from consensus import Mode
from node.blocks import head_of, read_segment
from node.storage.ledger import ChainLedger
from node.storage.plans import keep_plan, read_plans
from node.verify import VerificationError, verify_data
from tests.make import GAS, MONEY, VALID_MS, account, genesis, signer, word
from tests.node.crowd import Crowd

FOUR = sorted(
    (signer(f"validator {number}") for number in range(4)), key=lambda one: one.public_key
)
NAMES = tuple("abcd")
OPERATORS = ("olga", "otto", "oona")
START = genesis(
    params={"heartbeat_ms": 10 * MINUTE_MS},
    roles=dict.fromkeys(OPERATORS, ("member", "operator")),
    validators=FOUR,
)
TWO = ValidatorSet(tuple(one.public_key for one in FOUR[:2]), epoch=1)


def gift(crowd: Crowd, nonce: int) -> ReceivedTransaction:
    fields: dict[str, Any] = {
        "version": 1, "chain_id": START.chain_id(), "account": account("alice"), "key": None,
        "nonce": nonce, "valid_until": crowd.now + VALID_MS, "gas_limit": GAS, "sponsor": None,
        "actions": (Transfer(MONEY, account("bob"), 1),), "client_ref": None,
    }  # fmt: skip
    return read_transaction(sign(Transaction(**fields), signer("alice")))


def plan_at(ledger: ChainLedger, validators: ValidatorSet = TWO) -> RecoveryPlan:
    plan = RecoveryPlan(ledger.chain_id, ledger.height, ledger.head_id, validators)
    for name in OPERATORS:
        plan = sign_plan(plan, account(name), signer(name))
    return plan


@pytest.fixture(scope="module")
def stuck(tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    """Four validators that decided three blocks; two are gone, two voted in vain and stopped."""
    crowd = Crowd(tmp_path_factory.mktemp("crowd"), START)
    for name, key in zip(NAMES, FOUR, strict=True):
        crowd.boot(name, key)
    for nonce in range(3):
        crowd.submit(gift(crowd, nonce))
        crowd.run(8_000)
    assert crowd.heights() == [3] * 4
    crowd.stop("c", "d")
    crowd.submit(gift(crowd, 3))
    crowd.run(60_000)
    assert crowd.heights() == [3, 3]
    crowd.stop()
    return crowd


def copy_of(crowd: Crowd, folder: Path) -> Crowd:
    shutil.copytree(crowd.folder, folder / "crowd")
    copy = Crowd(folder / "crowd", START)
    copy.now = crowd.now
    return copy


def recover(crowd: Crowd) -> RecoveryPlan:
    """Give the two that are left a plan, and let them decide two blocks by it."""
    found = crowd.boot("a", FOUR[0])
    plan = plan_at(found.ledger)
    crowd.stop()
    for name, key in zip("ab", FOUR[:2], strict=True):
        keep_plan(crowd.folder / name, plan)
        crowd.boot(name, key)
    crowd.run(20_000)
    crowd.submit(gift(crowd, 4))
    crowd.run(20_000)
    return plan


@pytest.fixture(scope="module")
def recovered(stuck: Crowd, tmp_path_factory: pytest.TempPathFactory) -> Crowd:
    """The same chain after the plan; its two nodes are stopped."""
    crowd = copy_of(stuck, tmp_path_factory.mktemp("recovered"))
    recover(crowd)
    crowd.stop()
    return crowd


def test_two_that_are_left_go_on_by_the_operators_plan(stuck: Crowd, tmp_path: Path) -> None:
    crowd = copy_of(stuck, tmp_path)
    found = crowd.boot("a", FOUR[0])
    voted = found.log.height
    crowd.stop()

    plan = recover(crowd)

    one, other = crowd.members.values()
    heights, heads = crowd.heights(), {one.ledger.head_id, other.ledger.head_id}
    above = one.ledger.store.header(plan.height + 1)
    commit, sets = one.ledger.head_commit, read_validators(one.ledger.state())
    modes = [member.driver.mode for member in (one, other)]
    crowd.stop()
    assert (voted, plan.height, heights, len(heads)) == (4, 3, [5, 5], 1)
    assert (above.parent_id, above.validators_hash) == (plan.head_id, TWO.set_hash())
    assert commit is not None
    assert (len(commit.signatures), sets) == (2, TWO)
    assert modes == [Mode.SIGNING] * 2


def test_without_a_plan_the_two_wait_for_ever(stuck: Crowd, tmp_path: Path) -> None:
    crowd = copy_of(stuck, tmp_path)
    for name, key in zip("ab", FOUR[:2], strict=True):
        crowd.boot(name, key)

    crowd.run(10 * MINUTE_MS)

    heights = crowd.heights()
    crowd.stop()
    assert heights == [3, 3]


def test_a_node_with_the_plan_syncs_from_genesis_and_one_without_stays_below(
    recovered: Crowd, tmp_path: Path
) -> None:
    crowd = copy_of(recovered, tmp_path)
    for name, key in zip("ab", FOUR[:2], strict=True):
        crowd.boot(name, key)
    (crowd.folder / "new").mkdir()
    keep_plan(crowd.folder / "new", read_plans(crowd.folder / "a")[0])
    crowd.boot("new", signer("newcomer"))
    crowd.boot("bare", signer("stranger"))

    crowd.run(60_000)

    heights, head = crowd.heights(), crowd.members["a"].ledger.head_id
    reached, bare = crowd.members["new"].ledger, crowd.members["bare"].ledger
    first, above = read_segment(reached, 1, 100), read_segment(reached, 4, 100)
    heads = (reached.head_id, reached.store.block(3), bare.store.block(3))
    crowd.stop()
    assert (heights, heads[0]) == ([5, 5, 5, 3], head)
    assert heads[1] == heads[2]
    assert first is not None
    assert above is not None
    assert [one.header.height for one in first.blocks] == [1, 2, 3]
    assert [one.header.height for one in above.blocks] == [4, 5]


def test_an_old_validator_that_comes_back_follows_once_it_has_the_plan(
    recovered: Crowd, tmp_path: Path
) -> None:
    crowd = copy_of(recovered, tmp_path)
    for name, key in zip("ab", FOUR[:2], strict=True):
        crowd.boot(name, key)
    crowd.boot("c", FOUR[2])
    crowd.run(30_000)
    without = crowd.heights()
    crowd.stop("c")
    keep_plan(crowd.folder / "c", read_plans(crowd.folder / "a")[0])

    crowd.boot("c", FOUR[2])
    crowd.run(30_000)

    heights = crowd.heights()
    crowd.stop()
    assert (without, heights) == ([5, 5, 3], [5, 5, 5])


def test_a_chain_that_recovered_twice_is_synced_from_genesis(
    recovered: Crowd, tmp_path: Path
) -> None:
    crowd = copy_of(recovered, tmp_path)
    ledger = crowd.boot("a", FOUR[0]).ledger
    alone = ValidatorSet(TWO.keys[:1], epoch=2)
    second = plan_at(ledger, alone)
    crowd.stop()
    for name in ("a", "new"):
        (crowd.folder / name).mkdir(exist_ok=True)
        for plan in (read_plans(crowd.folder / "b")[0], second):
            keep_plan(crowd.folder / name, plan)
    crowd.boot("a", FOUR[0])
    crowd.boot("new", signer("newcomer"))

    crowd.run(30_000)
    crowd.submit(gift(crowd, 5), "a")
    crowd.run(30_000)

    heights, sets = crowd.heights(), read_validators(crowd.members["new"].ledger.state())
    crowd.stop()
    assert (heights, sets) == ([7, 7], alone)


def test_a_plan_frees_a_validator_that_lost_its_vote_log(stuck: Crowd, tmp_path: Path) -> None:
    crowd = copy_of(stuck, tmp_path)
    (crowd.folder / "a" / "votes.log").unlink()
    before = crowd.boot("a", FOUR[0])
    crowd.run(5_000)
    mode = before.driver.mode

    crowd.stop()
    recover(crowd)

    heights, modes = crowd.heights(), [one.driver.mode for one in crowd.members.values()]
    crowd.stop()
    assert (mode, heights, modes) == (Mode.OBSERVER, [5, 5], [Mode.SIGNING] * 2)


# A plan that is not good --------------------------------------------------------------------------


def test_a_bad_plan_about_the_head_is_dropped_with_an_alarm_and_stops_nobody(
    stuck: Crowd, tmp_path: Path
) -> None:
    crowd = copy_of(stuck, tmp_path)
    ledger = crowd.boot("a", FOUR[0]).ledger
    plan = replace(plan_at(ledger), signatures=plan_at(ledger).signatures[:2])
    crowd.stop()
    keep_plan(crowd.folder / "a", plan)

    member = crowd.boot("a", FOUR[0])
    crowd.run(30_000)

    alarms, plans = list(member.driver.alarms), member.ledger.executor.plans
    head = head_of(member.ledger)
    crowd.stop()
    assert len(alarms) == 1
    assert "counts for nothing" in alarms[0]
    assert "2 of 3 operators signed" in alarms[0]
    assert (plans, head.validators.epoch, head.has_activation) == ((), 0, False)


def test_a_bad_plan_about_a_block_to_come_is_dropped_when_it_comes(
    recovered: Crowd, tmp_path: Path
) -> None:
    crowd = copy_of(recovered, tmp_path)
    (good,) = read_plans(crowd.folder / "a")
    (crowd.folder / "new").mkdir()
    ledger = crowd.boot("b", FOUR[1]).ledger
    early = replace(good, height=2, head_id=block_id(ledger.store.header(2)), signatures=())
    for plan in (early, good):
        keep_plan(crowd.folder / "new", plan)
    member = crowd.boot("new", signer("newcomer"))
    before = list(member.driver.alarms)

    crowd.run(30_000)

    alarms, plans, heights = list(member.driver.alarms), member.ledger.executor.plans, [5, 5]
    assert crowd.heights() == heights
    crowd.stop()
    assert before == []
    assert [("0 of 3 operators" in one) for one in alarms] == [True]
    assert plans == (good,)


def test_a_plan_that_the_chain_passed_over_is_dropped_at_the_start(
    recovered: Crowd, tmp_path: Path
) -> None:
    crowd = copy_of(recovered, tmp_path)
    ledger = crowd.boot("a", FOUR[0]).ledger
    late = replace(plan_at(ledger), height=1, head_id=block_id(ledger.store.header(1)))
    crowd.stop()
    keep_plan(crowd.folder / "a", late)

    member = crowd.boot("a", FOUR[0])

    alarms, plans = list(member.driver.alarms), member.ledger.executor.plans
    crowd.stop()
    verified = verify_data(member.data / "chain", START, plans=read_plans(member.data))
    assert ["went on above height 1" in one for one in alarms] == [True]
    assert ([plan.height for plan in plans], verified.blocks) == ([3], 5)


# Executed again -----------------------------------------------------------------------------------


def test_a_recovered_chain_is_verified_with_its_plan_and_not_without(
    recovered: Crowd, tmp_path: Path
) -> None:
    crowd = copy_of(recovered, tmp_path)
    chain, plans = crowd.folder / "a" / "chain", read_plans(crowd.folder / "a")

    verified = verify_data(chain, START, plans=plans)

    assert verified.blocks == 5
    with pytest.raises(VerificationError, match="height 4: validators_hash is"):
        verify_data(chain, START)
    with pytest.raises(VerificationError, match="height 4: validators_hash is"):
        verify_data(chain, START, plans=(replace(plans[0], head_id=word("x")),))


def test_a_start_makes_a_damaged_recovered_chain_anew(recovered: Crowd, tmp_path: Path) -> None:
    crowd = copy_of(recovered, tmp_path)
    data = crowd.folder / "a"
    before = crowd.boot("a", FOUR[0]).ledger.head_id
    crowd.stop()
    with leveldb.DB(str(data / "chain")) as database:
        database.delete(Table.RECEIPTS.value + height_key(2))

    member = crowd.boot("a", FOUR[0])

    repaired, head = member.ledger.repaired, member.ledger.head_id
    crowd.stop()
    assert repaired is not None
    assert (repaired.height, head) == (5, before)
