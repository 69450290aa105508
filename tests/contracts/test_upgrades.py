"""Upgrades: when other code begins, what it finds there, and how it is taken back."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.changes import InstallContract, UpgradeContract, WithdrawUpgrade
from chain.errors import LimitError, RoleError, UpgradeRefusedError, WrongStateError
from chain.receipt import Event, KernelEvent
from chain.state import State
from chain.transaction import Call, Propose
from chain.types import DAY_MS, ZERO_ID
from chain.upgrades import (
    UPGRADES_MAX,
    UPGRADES_PER_BLOCK,
    PendingUpgrade,
    pending_upgrade,
    read_upgrades,
)
from contracts.instances import Library
from contracts.upgrades import begin_upgrades
from contracts.vm.container import code_id
from tests.contracts.tallies import (
    BETTER,
    IDLE,
    MONTH,
    TALLY,
    count,
    decide,
    put_code,
    told,
    total,
    upgraded,
)
from tests.make import DictReader, TestChain, compiled, genesis, word


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[TestChain]:
    made = TestChain(tmp_path / "chain")
    yield made
    made.close()


def test_new_code_begins_in_the_first_block_at_its_time_before_what_is_due(
    chain: TestChain,
) -> None:
    tally = chain.deploy(TALLY, installed="tally")
    decided = decide(chain, tally, BETTER)
    at = chain.now + MONTH
    for name, when in (("early", at - 1), ("same", at), ("late", at + DAY_MS)):
        assert chain.do("alice", Call(tally, "plan", (word(name), when), 0)).ok

    before = chain.run(at=at - 1).receipts
    seen = total(chain, tally)
    block = chain.run(at=at)
    after = chain.run(at=at + DAY_MS).receipts

    planned = Event(ZERO_ID, KernelEvent.UPGRADE_PLANNED, (tally, code_id(compiled(BETTER)), at))
    assert decided.events[2] == planned
    assert (told(before), seen) == ([], 100)
    assert (told(block.receipts), block.timers_fired) == ([upgraded(tally, BETTER)], 2)
    assert ([one.ok for one in after], total(chain, tally)) == ([True], 2_100)


def test_rows_of_before_have_zeros_in_what_is_new(tmp_path: Path) -> None:
    chain = TestChain(tmp_path, genesis(params={"upgrade_notice_ms": 0}))
    tally = chain.deploy(TALLY, installed="tally")
    chain.do("alice", count(tally, "a"))
    decide(chain, tally, BETTER)

    receipts = [chain.do("alice", count(tally, "a")) for _number in range(2)]
    unknown = chain.do("alice", count(tally, "b"))
    chain.close()

    weighed = [one.events[0].values for one in receipts]
    assert weighed == [(word("a"), 1, -7, 0, 0), (word("a"), 1, -7, 10, 9)]
    assert not unknown.ok


def test_the_notice_counts_from_the_decision_and_a_later_date_stands(chain: TestChain) -> None:
    tally = chain.deploy(TALLY, installed="tally")
    other = chain.deploy(TALLY, installed="other")
    later = chain.now + 2 * MONTH

    decide(chain, tally, BETTER, at_ms=chain.now + DAY_MS)
    soonest = chain.now + MONTH
    decide(chain, other, BETTER, at_ms=later)

    code = code_id(compiled(BETTER))
    assert read_upgrades(chain.state()) == (
        PendingUpgrade(soonest, tally, code, (), ()),
        PendingUpgrade(later, other, code, (), ()),
    )


def test_a_block_with_an_upgrade_and_nothing_else_says_something(tmp_path: Path) -> None:
    start = genesis(params={"heartbeat_ms": 600_000, "upgrade_notice_ms": 10_000})
    chain = TestChain(tmp_path, start)
    tally = chain.deploy(TALLY, installed="tally")
    decide(chain, tally, BETTER)

    block = chain.run(at=chain.now + 10_000)
    chain.close()

    assert told(block.receipts) == [upgraded(tally, BETTER)]


def test_an_upgrade_is_taken_back_and_another_one_decided(chain: TestChain) -> None:
    tally = chain.deploy(TALLY, installed="tally")
    decide(chain, tally, BETTER)
    code = code_id(compiled(BETTER))

    second = decide(chain, tally, BETTER)
    wrong = chain.do("olga", Propose(WithdrawUpgrade(tally, word("code"))))
    taken = chain.do("olga", Propose(WithdrawUpgrade(tally, code)))
    left = pending_upgrade(chain.state(), tally)
    again = decide(chain, tally, BETTER)

    withdrawn = Event(ZERO_ID, KernelEvent.UPGRADE_WITHDRAWN, (tally, code))
    assert (second.error, wrong.error) == (WrongStateError.code, WrongStateError.code)
    assert (taken.events[2], left, again.ok) == (withdrawn, None, True)


def test_only_operators_decide_and_only_on_what_they_installed(chain: TestChain) -> None:
    guest = chain.deploy(TALLY, name="olga")
    tally = chain.deploy(TALLY, installed="tally")
    code = put_code(chain, BETTER)

    errors = [
        chain.do(name, Propose(UpgradeContract(contract, wanted, (), (), 0))).error
        for name, contract, wanted in (
            ("alice", tally, code),
            ("olga", guest, code),
            ("olga", tally, word("no code")),
            ("olga", tally, code_id(compiled(TALLY))),
        )
    ]

    refused = UpgradeRefusedError.code
    assert errors == [RoleError.code, WrongStateError.code, refused, refused]


def test_a_chain_that_is_played_back_comes_to_the_same_blocks(
    tmp_path: Path, chain: TestChain
) -> None:
    tally = chain.deploy(TALLY, installed="tally")
    chain.do("alice", Call(tally, "plan", (word("x"), chain.now + MONTH), 0))
    decide(chain, tally, BETTER)
    chain.run(at=chain.now + MONTH)
    chain.do("alice", count(tally, "x"))
    store = chain.ledger.store

    again = TestChain(tmp_path / "again", chain.genesis)
    for height in range(1, chain.head.height + 1):
        again.store(again.check(store.block(height)))
    heads = (again.head, again.state().scan(b"", b"\xff", 10_000))
    again.close()

    assert heads == (chain.head, chain.state().scan(b"", b"\xff", 10_000))


def test_who_begins_with_a_copy_of_the_state_knows_what_waits(chain: TestChain) -> None:
    tally = chain.deploy(TALLY, installed="tally")
    decide(chain, tally, BETTER)
    at = chain.now + MONTH
    copied = State(DictReader(dict(chain.state().scan(b"", b"\xff", 10_000))))
    height = chain.head.height + 1

    there = begin_upgrades(Library(), copied, height, at)
    here = chain.run(at=at)

    assert tuple(there) == here.receipts
    assert {key: here.changes[key] for key in copied.changes()} == copied.changes()


def test_so_many_wait_and_so_many_begin_in_a_block(tmp_path: Path) -> None:
    chain = TestChain(tmp_path, genesis(params={"upgrade_notice_ms": MONTH}))
    code = put_code(chain, IDLE.format(name="Idle", state="    m: uint"))
    ids = []
    for number in range(UPGRADES_MAX + 1):
        one = chain.deploy(IDLE.format(name="Idle", state=""), assets=())
        ids.append(one)
        assert chain.do("olga", Propose(InstallContract(f"c{number}", one))).ok
    changes = [Propose(UpgradeContract(one, code, (), (), 2 * MONTH + chain.now)) for one in ids]
    errors = [chain.do("olga", change, gas_limit=300_000).error for change in changes]

    at = chain.now + 2 * MONTH
    blocks = [chain.run(at=at + number) for number in range(UPGRADES_MAX // UPGRADES_PER_BLOCK + 1)]
    chain.close()

    assert errors == [0] * UPGRADES_MAX + [LimitError.code]
    assert [len(one.receipts) for one in blocks] == [8] * 8 + [0]
