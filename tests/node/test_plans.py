"""Plan files in a data folder: read at every start, refused by name, written whole."""

from dataclasses import replace
from pathlib import Path

import pytest

from chain.errors import RecoveryPlanError
from chain.recovery import PLAN_BYTES_MAX, RecoveryPlan, sign_plan, write_plan
from chain.transaction import Propose
from chain.validators import ValidatorSet
from node.app import NotValidatorError, build_node
from node.config import Config
from node.rpc.reading.validator_history import find_validators
from node.storage.plans import PLANS_MAX, PLANS_NAME, keep_plan, plan_path, read_plans
from tests import make
from tests.make import TestChain, account, certify, genesis, signer, word

PLAN = RecoveryPlan(genesis().chain_id(), 7, word("head"), ValidatorSet((word("key"),), epoch=1))


def test_a_folder_without_plans_has_none(tmp_path: Path) -> None:
    assert read_plans(tmp_path / "nowhere") == ()


def test_plans_come_back_in_the_order_of_their_heights(tmp_path: Path) -> None:
    plans = tuple(replace(PLAN, height=height) for height in (0, 9, 10, 100))

    for plan in plans[::-1]:
        keep_plan(tmp_path, plan)

    assert read_plans(tmp_path) == plans
    assert keep_plan(tmp_path, plans[0]) == plan_path(tmp_path, 0)
    assert sorted(path.name for path in (tmp_path / PLANS_NAME).iterdir()) == [
        "0.json", "10.json", "100.json", "9.json",
    ]  # fmt: skip


def test_what_an_interrupted_write_left_is_no_plan(tmp_path: Path) -> None:
    path = keep_plan(tmp_path, PLAN)
    path.with_name("8.json.new").write_text("{", encoding="utf-8")

    assert read_plans(tmp_path) == (PLAN,)


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("7.json", b"{", "7.json: recovery plan: file: "),
        ("7.json", b" " * (PLAN_BYTES_MAX + 1), "bytes, at most"),
        ("6.json", write_plan(PLAN).encode(), "6.json is about height 7"),
        ("plan.json", write_plan(PLAN).encode(), "plan.json is about height 7"),
        ("07.json", write_plan(PLAN).encode(), "07.json is about height 7"),
    ],
)
def test_a_file_that_is_no_plan_stops_the_start_and_is_named(
    tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    (tmp_path / PLANS_NAME).mkdir()
    (tmp_path / PLANS_NAME / name).write_bytes(data)

    with pytest.raises(RecoveryPlanError) as caught:
        build_node(Config(data_dir=tmp_path), genesis(), make.VALIDATOR)

    assert words in str(caught.value)
    assert str(caught.value).endswith("load the right one: washnode recovery load FILE")
    assert not (tmp_path / "chain").exists()


def test_more_plans_than_a_node_reads_are_told(tmp_path: Path) -> None:
    for height in range(PLANS_MAX + 1):
        keep_plan(tmp_path, replace(PLAN, height=height))

    with pytest.raises(RecoveryPlanError, match="holds 65 plans, at most 64 are read"):
        read_plans(tmp_path)


def test_a_validator_of_a_plan_may_run_a_node(tmp_path: Path) -> None:
    config, newcomer = Config(data_dir=tmp_path), signer("newcomer")
    with pytest.raises(NotValidatorError):
        build_node(config, genesis(), newcomer)
    after = ValidatorSet((newcomer.public_key,), epoch=1)
    keep_plan(tmp_path, replace(PLAN, validators=after))

    node = build_node(config, genesis(), newcomer)

    plans = node.ledger.executor.plans
    node.close()
    assert [plan.height for plan in plans] == [7]


def test_the_validators_before_and_after_a_recovery_are_found(chain: TestChain) -> None:
    first = ValidatorSet((make.VALIDATOR.public_key,))
    chain.do("olga", Propose(chain.joining(signer("newcomer"))))
    after = ValidatorSet((signer("new").public_key,), epoch=1)
    plan = RecoveryPlan(chain.ledger.chain_id, 1, chain.ledger.head_id, after)
    chain.ledger.executor.plans = (make_good(plan),)
    chain.voters = [signer("new")]
    built = chain.build()
    chain.ledger.append(built, certify(built.block.header, built.block_id, after, chain.voters))
    chain.do("olga", Propose(chain.joining(signer("newcomer"))))
    chain.run()  # the last block of one, which brings two into force

    two = replace(after, keys=tuple(sorted((*after.keys, account("newcomer")))))
    sets = [first, after, two]
    assert [find_validators(chain.ledger, one.set_hash()) for one in sets] == sets


def make_good(plan: RecoveryPlan) -> RecoveryPlan:
    return sign_plan(plan, account("olga"), signer("olga"))
