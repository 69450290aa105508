"""The driver: what is pending goes in, what finds no room waits, what is due is made in time."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chain.errors import NonceUsedError
from chain.executed import ExecutedBlock
from chain.rules import check_commit
from chain.transaction import Transfer
from chain.types import HOUR_MS, MINUTE_MS
from chain.validators import ValidatorSet
from consensus.engine import Engine
from node.driver import Driver
from node.storage.wal import VoteLog
from tests.make import MONEY, RICH, START_MS, VALIDATOR, TestChain, account, genesis, word

GIFT = Transfer(MONEY, account("bob"), 1)
Maker = Callable[..., tuple[TestChain, Driver, list[ExecutedBlock]]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    closing: list[TestChain | VoteLog] = []

    def begin(**params: int) -> tuple[TestChain, Driver, list[ExecutedBlock]]:
        chain = TestChain(tmp_path / "chain", genesis(params=params))
        log = VoteLog(tmp_path / "votes")
        closing.extend((chain, log))
        return chain, *drive(chain, log)

    yield begin
    for one in closing:
        one.close()


def drive(chain: TestChain, log: VoteLog) -> tuple[Driver, list[ExecutedBlock]]:
    told: list[ExecutedBlock] = []
    ledger = chain.ledger
    head = ledger.height, ledger.head.time_ms, ledger.head_commit
    engine = Engine(VALIDATOR, ledger.chain_id, head, block_interval_ms=200)
    return Driver(ledger, engine, log, VALIDATOR.public_key, told.append), told


def test_pending_transactions_become_a_certified_block(make: Maker) -> None:
    chain, driver, told = make()
    txs = [chain.sign("alice", GIFT), chain.sign("bob", GIFT)]
    driver.submit(txs)

    made = driver.make_block(START_MS + 1_000)

    assert made is not None
    assert (told, made.tx_ids, driver.pending) == ([made], tuple(tx.tx_id for tx in txs), [])
    assert chain.ledger.head_commit is not None
    check_commit(chain.ledger.head_commit, chain.head, ValidatorSet((VALIDATOR.public_key,)))
    assert chain.ledger.store.block(1) == made.block


def test_a_block_too_early_is_not_made_and_nothing_is_lost(make: Maker) -> None:
    chain, driver, told = make()
    driver.submit([chain.sign("alice", GIFT)])

    early = driver.make_block(START_MS + 199)
    in_time = driver.make_block(START_MS + 200)

    assert (early, driver.wake_at_ms, told) == (None, START_MS + 200, [in_time])


def test_what_finds_no_room_waits_for_the_next_block_and_the_refused_does_not(make: Maker) -> None:
    chain, driver, told = make(block_gas_max=100_000)
    txs = [chain.sign("alice", GIFT) for _ in range(3)]
    bad = chain.sign("alice", GIFT, gas_limit=1)
    full = [chain.sign("alice", GIFT, gas_limit=99_500) for _ in range(2)]
    driver.submit([*txs, txs[0], bad, *full])

    driver.make_block(START_MS + 1_000)
    waiting = list(driver.pending)
    for number in range(2, 5):
        driver.make_block(START_MS + number * 1_000)

    assert waiting == full
    assert [one.tx_ids for one in told] == [
        tuple(tx.tx_id for tx in txs), (full[0].tx_id,), (full[1].tx_id,), (),
    ]  # fmt: skip
    assert NonceUsedError in [type(error) for _, error in told[0].refused]


def test_what_is_due_is_next_and_a_heartbeat_if_nothing_is(make: Maker) -> None:
    chain, driver, _ = make(heartbeat_ms=10 * MINUTE_MS)
    first = driver.next_work_time()
    box = chain.deploy()
    chain.call("alice", box, "plan", word("soon"), chain.now + MINUTE_MS)
    soon = driver.next_work_time()
    chain.call("alice", box, "unplan", word("soon"))
    chain.call("alice", box, "plan", word("late"), chain.now + HOUR_MS)

    late = driver.next_work_time()

    assert first == START_MS + 10 * MINUTE_MS
    assert soon == START_MS + 1_000 + MINUTE_MS
    assert late == chain.now + 10 * MINUTE_MS


def test_a_chain_without_heartbeat_waits_for_what_is_due_alone(make: Maker) -> None:
    chain, driver, _ = make()
    first = driver.next_work_time()
    box = chain.deploy()
    chain.call("alice", box, "plan", word("late"), START_MS + HOUR_MS)

    assert (first, driver.next_work_time()) == (None, START_MS + HOUR_MS)


def test_a_chain_goes_on_after_a_restart(make: Maker, tmp_path: Path) -> None:
    chain, driver, _ = make()
    driver.submit([chain.sign("alice", GIFT)])
    driver.make_block(START_MS + 1_000)
    log = VoteLog(tmp_path / "other votes")

    again, told = drive(chain, log)
    again.submit([chain.sign("alice", GIFT)])
    again.make_block(START_MS + 2_000)
    log.close()

    assert [one.block.header.height for one in told] == [2]
    assert told[0].block.last_commit == chain.ledger.store.commit(1)
    assert chain.balance("bob") == RICH + 2


def test_an_idle_block_is_made_when_asked_for(make: Maker) -> None:
    chain, driver, told = make()

    driver.make_block(START_MS + 10 * MINUTE_MS)

    assert [(one.tx_ids, one.timers_fired) for one in told] == [((), 0)]
    assert chain.now == START_MS + 10 * MINUTE_MS
