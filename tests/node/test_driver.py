"""The driver: what is pending goes in, what finds no room waits, what is due is made in time."""

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from chain.block import PRECOMMIT, Block, Commit, block_id, make_commit, vote_bytes
from chain.errors import DiskFullError, InvalidBlockError, NonceUsedError, StoreError
from chain.executed import ExecutedBlock
from chain.rules import check_commit
from chain.transaction import Transfer
from chain.types import HOUR_MS, MINUTE_MS
from chain.validators import ValidatorSet
from consensus import (
    ApplyBlocks,
    Blocks,
    BlocksRefused,
    CheckBlock,
    CommitBlock,
    Effect,
    Engine,
    HeightCommitted,
    Input,
    Message,
    Mode,
    Received,
    ServeBlocks,
)
from contracts.execution import Executor, MoneyError
from node.blocks import execute_block, read_segment
from node.driver import Driver, head_of
from node.storage.wal import VoteLog
from tests.make import (
    MONEY,
    RICH,
    START_MS,
    VALIDATOR,
    TestChain,
    account,
    genesis,
    signer,
    word,
)

GIFT = Transfer(MONEY, account("bob"), 1)
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


def drive(chain: TestChain, log: VoteLog, **more: Any) -> tuple[Driver, list[ExecutedBlock]]:
    told: list[ExecutedBlock] = []
    ledger = chain.ledger
    recovered = log.recovered(ledger.height, is_alone=True)
    engine = Engine(VALIDATOR, ledger.chain_id, head_of(ledger), recovered)
    driver = Driver(ledger, engine, log, told.append, **more)
    driver.recover(START_MS)
    return driver, told


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


class Script:
    """Stands for an engine: says what the test puts in and keeps what it is told."""

    me = VALIDATOR.public_key

    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.told: list[Input] = []

    def handle(self, event: Input, _wall: int, _mono: int) -> list[Effect]:
        self.told.append(event)
        effects, self.effects = self.effects, []
        return effects

    def ask(self, driver: Driver, *effects: Effect) -> list[Input]:
        """Let the driver perform effects; returns its answers."""
        self.effects = list(effects)
        self.told = []
        driver.start(0)
        driver._is_started = False
        return self.told[1:]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[tuple[TestChain, Driver, Script, list[Any]]]:
    chain, script, sent = TestChain(tmp_path / "mine"), Script(), list[Any]()
    log = VoteLog(tmp_path / "votes", chain.ledger.chain_id)
    log.recovered(0)
    driver = Driver(
        chain.ledger, script, log,  # type: ignore[arg-type]
        send=lambda message, to: sent.append((message, to)),
        on_poison=lambda tx_id, text: sent.append((tx_id, text)),
    )  # fmt: skip
    yield chain, driver, script, sent
    log.close()
    chain.close()


def others(folder: Path, count: int) -> tuple[list[Block], list[Commit]]:
    """Return blocks 1 to `count` of the same chain, made by somebody else, and certificates."""
    chain = TestChain(folder / "theirs")
    for _ in range(count):
        chain.do("alice", GIFT)
    store, heights = chain.ledger.store, range(1, count + 1)
    made = [store.block(one) for one in heights], [store.commit(one) for one in heights]
    chain.close()
    return made


Asked = tuple[TestChain, Driver, Script, list[Any]]


def check(block: Block) -> CheckBlock:
    return CheckBlock(block.header.height, block_id(block.header), block)


def test_a_good_block_is_checked_and_committed_once(asked: Asked, tmp_path: Path) -> None:
    chain, driver, script, _ = asked
    (block,), (commit,) = others(tmp_path, 1)
    decided = CommitBlock(1, block_id(block.header), block, commit)

    (verdict,) = script.ask(driver, check(block))
    first = script.ask(driver, decided)
    second = script.ask(driver, decided)

    assert getattr(verdict, "fault", "?") is None
    assert first == second == [HeightCommitted(head_of(chain.ledger))]
    assert (chain.ledger.height, chain.ledger.head_commit) == (1, commit)


def signed_by(name: str, block: Block) -> Commit:
    header = block.header
    place = (header.height, 0)
    said = vote_bytes(PRECOMMIT, header.chain_id, place, block_id(header))
    signatures = {VALIDATOR.public_key: signer(name).sign(said)}
    return make_commit(ValidatorSet((VALIDATOR.public_key,)), place, block_id(header), signatures)


def test_a_block_with_a_bad_certificate_of_its_parent_gets_no_vote(
    asked: Asked, tmp_path: Path
) -> None:
    chain, driver, script, _ = asked
    (first, second), (commit, _) = others(tmp_path, 2)
    script.ask(driver, CommitBlock(1, block_id(first.header), first, commit))

    faults = []
    for carried in (None, signed_by("mallory", first), signed_by("validator", second)):
        (verdict,) = script.ask(driver, check(replace(second, last_commit=carried)))
        faults.append(str(getattr(verdict, "fault", None)))

    assert faults[0] == "a block without the certificate of height 1"
    assert faults[1].endswith("did not sign this certificate")
    assert faults[2].startswith("the certificate is of height 2")
    assert chain.ledger.height == 1


def test_nobody_signs_the_genesis(asked: Asked, tmp_path: Path) -> None:
    chain, _, _, _ = asked
    (first,), (commit,) = others(tmp_path, 1)

    with pytest.raises(InvalidBlockError, match="block 1 with a certificate"):
        execute_block(chain.ledger, replace(first, last_commit=commit))


def test_a_transaction_that_breaks_execution_costs_a_vote_and_is_named(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, driver, script, sent = asked
    (block,), _ = others(tmp_path, 1)

    def break_down(*_: object) -> None:
        raise RecursionError

    monkeypatch.setattr("contracts.execution.run_actions", break_down)
    (verdict,) = script.ask(driver, check(block))

    fault = str(getattr(verdict, "fault", None))
    ((tx_id, text),) = sent
    assert fault.startswith("height 1: the block does not execute here")
    assert (tx_id.hex() in text, list(driver.alarms)) == (True, [fault])


def test_a_fault_of_the_disk_while_checking_stops_the_node(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, driver, script, _ = asked
    (block,), _ = others(tmp_path, 1)

    def fail(*_: object) -> None:
        raise StoreError("gone")

    monkeypatch.setattr(chain.ledger.store, "get", fail)
    with pytest.raises(StoreError, match="gone"):
        script.ask(driver, check(block))


def test_a_certified_segment_is_applied_and_served_again(asked: Asked, tmp_path: Path) -> None:
    chain, driver, script, sent = asked
    blocks, commits = others(tmp_path, 5)

    answers = script.ask(driver, ApplyBlocks(tuple(blocks), commits[-1], b"peer"))
    script.ask(driver, ServeBlocks(2, 3, b"asker"), ServeBlocks(9, 1, b"asker"))

    assert answers == [HeightCommitted(head_of(chain.ledger))]
    assert [chain.ledger.store.commit(one) for one in range(1, 6)] == commits
    assert sent == [(Blocks(tuple(blocks[1:4]), commits[3]), b"asker")]
    assert read_segment(chain.ledger, 0, 2) is None


def test_a_segment_ends_where_it_does_not_follow_and_keeps_what_came_before(
    asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain, driver, script, _ = asked
    blocks, commits = others(tmp_path, 4)
    executor, real = chain.ledger.executor, Executor.check

    def refuse(ledger: object, parent: object, block: Block) -> ExecutedBlock:
        if block.header.height == 3:
            text = "roots differ"
            raise InvalidBlockError(text)
        return real(executor, ledger, parent, block)  # type: ignore[arg-type]

    monkeypatch.setattr(executor, "check", refuse)
    broken = script.ask(driver, ApplyBlocks(tuple(blocks), commits[3], b"peer"))
    unsigned = script.ask(driver, ApplyBlocks(tuple(blocks[2:]), commits[2], b"peer"))

    assert chain.ledger.height == 2
    assert broken == [
        HeightCommitted(head_of(chain.ledger)), BlocksRefused(b"peer", "roots differ"),
    ]  # fmt: skip
    assert [type(one) for one in unsigned] == [BlocksRefused]


# Several validators -----------------------------------------------------------------------------


def test_four_drivers_that_pass_messages_on_agree(tmp_path: Path) -> None:
    keys = [signer(f"validator {number}") for number in range(4)]
    start = genesis().model_copy(
        update={"validators": tuple(sorted(one.public_key.hex() for one in keys))}
    )
    post: list[tuple[int, Message]] = []
    chains, drivers, logs = list[TestChain](), list[Driver](), list[VoteLog]()
    for number, key in enumerate(keys):
        chain = TestChain(tmp_path / str(number), start)
        log = VoteLog(tmp_path / f"votes {number}", chain.ledger.chain_id)
        engine = Engine(key, chain.ledger.chain_id, head_of(chain.ledger), log.recovered(0))

        def carry(message: Message, _to: bytes | None, number: int = number) -> None:
            post.append((number, message))

        drivers.append(Driver(chain.ledger, engine, log, send=carry))
        chains.append(chain)
        logs.append(log)
    gift = chains[0].sign("alice", GIFT)

    for driver in drivers:
        driver.submit([gift])
        driver.start(START_MS + 5_000)
        driver.elapse(START_MS + 9_000, START_MS + 9_000)  # nobody answered: they vote
        driver.look(START_MS + 9_000, START_MS + 9_000, has_work=True)
    while post and any(chain.ledger.height == 0 for chain in chains):
        sender, message = post.pop(0)
        for number, driver in enumerate(drivers):
            if number != sender:
                event = Received(message, keys[sender].public_key)
                driver.handle(event, START_MS + 9_000)

    heads = {chain.ledger.head_id for chain in chains}
    tx_counts = [len(chain.ledger.store.block(1).transactions) for chain in chains]
    for chain, log in zip(chains, logs, strict=True):
        chain.close()
        log.close()
    assert (len(heads), tx_counts) == (1, [1, 1, 1, 1])
