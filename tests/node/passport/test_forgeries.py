"""Chains that somebody made at home: a passport of one is refused by whoever has an anchor."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chain.changes import SetValidator
from chain.transaction import Propose, Transfer
from node.passport.anchor import Anchor
from node.passport.form import read_passport, write_passport
from node.passport.report import Report, Verdict
from node.passport.verify import verify_passport
from tests.make import MONEY, VALIDATOR, account, genesis, signer
from tests.node.passport.garage import Garage

GIFT = Transfer(MONEY, account("bob"), 1)
SECOND = signer("second")


def failed(report: Report) -> list[str]:
    return [one.code for one in report.checks if one.ok is False]


def fill(garage: Garage, count: int) -> None:
    garage.register()
    for place in range(count):
        garage.attach(garage.wash(), place)


def replace_validator(garage: Garage) -> None:
    """Let the second validator join and the first one leave for good."""
    chain = garage.chain
    assert chain.do("olga", Propose(chain.joining(SECOND))).ok
    chain.voters = [VALIDATOR, SECOND]
    for _ in range(4):
        assert chain.do("alice", GIFT).ok
    assert chain.do("olga", Propose(SetValidator(VALIDATOR.public_key, 0))).ok
    for _ in range(2):
        assert chain.do("alice", GIFT).ok
    chain.voters = [SECOND]
    for _ in range(2):
        assert chain.do("alice", GIFT).ok


@pytest.fixture(scope="module")
def true(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Garage]:
    """Three records; then the only validator was replaced."""
    garage = Garage(tmp_path_factory.mktemp("true"))
    fill(garage, 3)
    replace_validator(garage)
    yield garage
    garage.chain.close()


@pytest.fixture(scope="module")
def retired(tmp_path_factory: pytest.TempPathFactory, true: Garage) -> Iterator[Garage]:
    """The same beginning, and with the key of who left a history of one record, and longer."""
    garage = Garage(tmp_path_factory.mktemp("retired"))
    fill(garage, 1)
    while garage.chain.ledger.height <= true.chain.ledger.height:
        assert garage.chain.do("alice", GIFT).ok
    yield garage
    garage.chain.close()


def test_the_validators_after_a_change_follow_from_the_first_ones(true: Garage) -> None:
    data = true.file()
    steps = read_passport(data).steps
    middle = steps[0].header.height

    found = [verify_passport(data, true.anchor(height)) for height in (1, middle, None)]

    assert steps
    assert [one.verdict for one in found] == [Verdict.GOOD] * 3


def test_without_the_steps_nothing_leads_from_the_first_validators(true: Garage) -> None:
    whole = read_passport(true.file())
    bare = write_passport(replace(whole, steps=()))
    unled = write_passport(replace(whole, steps=(), genesis=b""))
    stray = write_passport(replace(whole, genesis=b""))

    assert failed(verify_passport(bare, true.anchor())) == ["genesis"]
    assert verify_passport(unled, true.anchor()).verdict is Verdict.GOOD
    assert failed(verify_passport(unled, true.anchor(1))) == ["checkpoint"]
    assert failed(verify_passport(stray, true.anchor())) == ["genesis"]


def test_a_chain_with_a_genesis_of_its_own_agrees_only_with_itself(
    true: Garage, tmp_path: Path
) -> None:
    start = genesis(params={"sponsor_daily_max": 9})
    forged = Garage(tmp_path, start)
    fill(forged, 1)
    data, anchor = forged.file(), forged.anchor()
    forged.chain.close()

    trusted = Anchor(true.chain.ledger.chain_id, anchor.height, anchor.validators_hash)

    assert verify_passport(data, Anchor()).verdict is Verdict.UNANCHORED
    assert verify_passport(data, anchor).verdict is Verdict.GOOD  # to those who believe the forger
    assert failed(verify_passport(data, trusted)) == ["network"]


def test_a_history_signed_with_retired_keys_is_refused(true: Garage, retired: Garage) -> None:
    data, chain_id = retired.file(), true.chain.ledger.chain_id
    newest = true.anchor()

    alone = verify_passport(data, Anchor(chain_id))
    report = verify_passport(data, newest)
    later = verify_passport(data, replace(newest, height=retired.chain.ledger.height + 9))

    assert retired.chain.ledger.chain_id == chain_id
    assert alone.verdict is Verdict.UNANCHORED
    assert len(alone.facts["records"]) == 1
    assert failed(report) == failed(later) == ["checkpoint"]


def test_an_old_passport_is_refused_once_its_validators_have_left(true: Garage) -> None:
    whole = read_passport(true.file())
    height = whole.head.header.height
    old = replace(whole, head=true.candidate(2), steps=(), genesis=b"")

    report = verify_passport(write_passport(old), true.anchor(height))

    assert "checkpoint" in failed(report)
    assert "take a newer passport" in "".join(one.said() for one in report.checks)


def test_retired_keys_can_not_lend_a_good_head_to_another_way(
    true: Garage, retired: Garage
) -> None:
    good, bad = read_passport(true.file()), read_passport(retired.file())
    mixed = (
        replace(bad, steps=good.steps),
        replace(bad, head=good.head),
        replace(bad, steps=(*good.steps, good.head)),
        replace(bad, genesis=b"", steps=(*good.steps, good.head)),
        replace(good, steps=(bad.head,)),
    )

    verdicts = [verify_passport(write_passport(one), true.anchor()).verdict for one in mixed]

    assert verdicts == [Verdict.BAD] * len(mixed)
