"""The driver: what is pending goes in, what finds no room waits, what is due is made in time."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chain.errors import DiskFullError, NonceUsedError
from chain.executed import ExecutedBlock
from chain.rules import check_commit
from chain.types import HOUR_MS, MINUTE_MS
from chain.validators import ValidatorSet
from consensus import (
    Mode,
)
from contracts.execution import MoneyError
from node.driver import Driver
from node.storage.wal import VoteLog
from tests.make import (
    RICH,
    START_MS,
    VALIDATOR,
    TestChain,
    genesis,
    word,
)
from tests.node.driving import GIFT, drive

Maker = Callable[..., tuple[TestChain, Driver, list[ExecutedBlock]]]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Maker]:
    closing: list[TestChain | VoteLog] = []

    def begin(**params: int) -> tuple[TestChain, Driver, list[ExecutedBlock]]:
        chain = TestChain(tmp_path / "chain", genesis(params=params))
        log = VoteLog(tmp_path / "votes", chain.ledger.chain_id)
        closing.extend((chain, log))
        return chain, *drive(chain, log)

    yield begin
    for one in closing:
        one.close()


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
    wake_ms = driver.next_timer_ms()
    driver.elapse(START_MS + 200, START_MS + 200)

    assert (early, wake_ms) == (None, START_MS + 200)
    assert [len(one.tx_ids) for one in told] == [1]


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
    log = VoteLog(tmp_path / "votes", chain.ledger.chain_id)

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


def test_a_chain_with_a_heartbeat_makes_no_idle_block_before_it(
    make: Maker, tmp_path: Path
) -> None:
    chain, driver, told = make(heartbeat_ms=MINUTE_MS)
    beat_ms = START_MS + MINUTE_MS

    wished = driver.make_block(beat_ms - 2)
    driver.look(beat_ms - 1, beat_ms - 1, has_work=True)  # and then offers nothing
    wake_ms = driver.next_timer_ms()
    driver.elapse(beat_ms, beat_ms)

    other = TestChain(tmp_path / "other", chain.genesis)
    checked = other.check(told[0].block)
    other.close()
    assert (wished, wake_ms, told) == (None, beat_ms, [checked])


# The disk ---------------------------------------------------------------------------------------


def test_a_block_of_one_validator_costs_one_sync_of_the_log_and_one_write_of_the_store(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, driver, _ = make()
    driver.make_block(START_MS + 1_000)
    driver.submit([chain.sign("alice", GIFT)])
    done: list[str] = []
    fsync, write = os.fsync, chain.ledger.store._write

    def sync_log(file: int) -> None:
        done.append("log")
        fsync(file)

    def write_store(batch: object) -> None:
        done.append("store")
        write(batch)

    monkeypatch.setattr(os, "fsync", sync_log)
    monkeypatch.setattr(chain.ledger.store, "_write", write_store)

    driver.make_block(START_MS + 2_000)

    assert done == ["log", "store"]


def kill_before_commit(
    chain: TestChain, driver: Driver, monkeypatch: pytest.MonkeyPatch, at: int
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(chain.ledger, "append", stop)
        with pytest.raises(KeyboardInterrupt):
            driver.make_block(at)


def test_after_a_kill_between_vote_and_commit_the_same_block_is_committed(
    make: Maker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, driver, _ = make()
    driver.make_block(START_MS + 500)
    driver.submit([chain.sign("alice", GIFT)])
    kill_before_commit(chain, driver, monkeypatch, START_MS + 1_000)
    before = (tmp_path / "votes").read_bytes()
    reopened = chain.reopen()
    log = VoteLog(tmp_path / "votes", chain.ledger.chain_id)
    voted = log.recovered(1).bodies

    again, told = drive(reopened, log)
    again.start(START_MS + 9_000)
    log.close()
    after = (tmp_path / "votes").read_bytes()

    assert [one.block for one in told] == list(voted)
    assert [len(one.tx_ids) for one in told] == [1]
    assert reopened.ledger.head.time_ms == START_MS + 1_000
    assert after == before  # nothing was signed anew
    reopened.close()


def test_a_node_with_a_damaged_log_makes_no_block(make: Maker, tmp_path: Path) -> None:
    chain, driver, _ = make()
    driver.make_block(START_MS + 500)
    data = bytearray((tmp_path / "votes").read_bytes())
    data[30] ^= 1
    (tmp_path / "votes").write_bytes(data)
    log = VoteLog(tmp_path / "votes", chain.ledger.chain_id)

    observer, told = drive(chain, log)
    observer.submit([chain.sign("alice", GIFT)])
    made = observer.make_block(START_MS + 1_000)
    log.close()

    assert (made, told, observer.mode) == (None, [], Mode.OBSERVER)
    assert "move votes.log away" in observer.mode_reason
    assert (tmp_path / "votes.damaged-1").read_bytes() == data


@pytest.mark.parametrize("fault", [DiskFullError("full"), MoneyError("made of nothing")])
def test_a_fault_of_disk_or_money_passes_through(
    make: Maker, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    chain, driver, told = make()

    def fail(*_: object) -> ExecutedBlock:
        raise fault

    monkeypatch.setattr(chain.ledger.executor, "build", fail)
    with pytest.raises(type(fault)):
        driver.make_block(START_MS + 1_000)

    assert told == []


def test_a_block_that_can_not_be_built_stops_nobody(
    make: Maker, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, driver, told = make()
    driver.submit([chain.sign("alice", GIFT)])

    def fail(*_: object) -> ExecutedBlock:
        raise KeyError("a mistake of ours")

    with monkeypatch.context() as patched:
        patched.setattr(chain.ledger.executor, "build", fail)
        failed = driver.make_block(START_MS + 1_000)
    made = driver.make_block(START_MS + 2_000)

    assert failed is None
    assert [one.partition(": ")[0] for one in driver.alarms] == ["height 1"]
    assert made is not None
    assert (told, len(made.tx_ids)) == ([made], 1)


# Blocks of others -------------------------------------------------------------------------------
