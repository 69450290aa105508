"""The node's core where something goes wrong: the disk, room that never comes, the way back."""

import gc
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from chain.errors import DiskFullError, ExpiredError, NonceStaleError, StoreError, TooLargeError
from chain.params import ChainParams, read_params
from chain.transaction import read_transaction
from chain.types import HOUR_MS
from node.live import intake
from node.live import node as node_module
from node.live.node import Node
from node.live.outcomes import Outcomes, Pending, TxStatus
from node.live.pool import Pool
from tests.make import START_MS, VALID_MS
from tests.node.live.test_node import FakeTime, open_node, running, transfer

REFERENCE = bytes(range(16))


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def node(tmp_path: Path, time: FakeTime) -> Iterator[Node]:
    one = open_node(tmp_path, time, block_interval_ms=50)
    yield one
    one.close()


def break_reading(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_key: bytes) -> bytes:
        text = "the disk is gone"
        raise StoreError(text)

    monkeypatch.setattr(node.ledger.store, "_read", fail)
    node.ledger.store._values.clear()


async def test_a_fault_of_the_disk_is_no_answer_to_one_item_of_a_batch(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = transfer(node)
    break_reading(node, monkeypatch)

    with pytest.raises(StoreError, match="the disk is gone"):
        await node.submit_batch([data])

    assert len(node.pool) == 0


async def test_a_fault_of_the_disk_between_blocks_stops_the_node_as_well(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    break_reading(node, monkeypatch)

    await node.run()

    assert isinstance(node.failure, StoreError)
    assert "the disk is gone" in str(node.failure)


def test_what_was_put_off_is_not_blamed_for_a_fault_of_the_disk(
    node: Node, time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = node.submit(transfer(node))
    node.pool.put_off(taken.tx_id, time.now_ms)
    break_reading(node, monkeypatch)

    with pytest.raises(StoreError):
        node.make_block(node.block_time())

    assert taken.tx_id in node.pool


def test_what_was_put_off_is_told_as_expired_once_a_block_proves_it(
    node: Node, time: FakeTime
) -> None:
    taken = node.submit(transfer(node, valid_until=time.now_ms + 5_000))
    node.pool.put_off(taken.tx_id, time.now_ms)
    time.now_ms += 5_000

    before = node.status(taken.tx_id)
    node.make_block(node.block_time())

    assert before == TxStatus("pending")
    assert node.status(taken.tx_id) == TxStatus("expired", searched=(0, 1))
    assert node.ledger.head.time_ms >= taken.valid_until


def small_blocks(monkeypatch: pytest.MonkeyPatch, gas_max: int) -> None:
    def read(state: object) -> ChainParams:
        return replace(read_params(state), block_gas_max=gas_max)  # type: ignore[arg-type]

    monkeypatch.setattr(node_module, "read_params", read)
    monkeypatch.setattr(intake, "read_params", read)


def test_what_no_block_has_room_for_is_refused_at_once(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    small_blocks(monkeypatch, 9_999)

    with pytest.raises(TooLargeError) as refused:
        node.submit(transfer(node, gas_limit=10_000))

    assert (refused.value.maximum, refused.value.found) == (9_999, 10_000)


async def test_what_has_no_room_even_alone_does_not_make_block_after_block(
    node: Node, time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = node.submit(transfer(node))
    monkeypatch.setattr("contracts.execution.read_params", _one_gas_short)
    made = node.make_block(node.block_time())
    assert made is not None
    assert made.tx_ids == ()

    time.now_ms += 500
    has_work = node.pool.has_work(node.block_time())

    assert (has_work, node.status(taken.tx_id)) == (False, TxStatus("pending"))


def _one_gas_short(state: object) -> ChainParams:
    return replace(read_params(state), block_gas_max=9_999)  # type: ignore[arg-type]


def test_the_reference_of_what_came_to_nothing_can_be_used_again(
    node: Node, time: FakeTime
) -> None:
    first = transfer(node, 0, client_ref=REFERENCE, valid_until=time.now_ms + 10)
    node.submit(first)
    time.now_ms += 10
    node.make_block(node.block_time())
    second = transfer(node, 0, client_ref=REFERENCE)

    taken = node.submit(second)

    assert node.status(read_transaction(first).tx_id).status == "expired"
    assert taken == Pending(read_transaction(second).tx_id, START_MS + VALID_MS)


def test_a_chain_that_went_back_knows_no_references_or_outcomes_of_what_is_undone(
    node: Node, time: FakeTime
) -> None:
    over = node.submit(transfer(node, 0, valid_until=time.now_ms + 10))
    time.now_ms += 10
    node.make_block(node.block_time())
    node.submit(transfer(node, 0, client_ref=REFERENCE))

    node.reopen(lambda: None)
    again = node.submit(transfer(node, 0, amount=6, client_ref=REFERENCE))

    assert node.status(over.tx_id).status == "unknown"
    assert node.status(again.tx_id) == TxStatus("pending")


def test_a_pool_does_not_grow_with_what_went_through_it(node: Node) -> None:
    pool = Pool()
    transactions = [read_transaction(transfer(node, nonce)) for nonce in range(3_000)]
    waits = transactions.pop()
    pool.add(waits)

    for tx in transactions:
        pool.add(tx)
        pool.remove(tx.tx_id)

    assert len(pool._ends) < 1_100
    assert pool.take_expired(waits.body.valid_until) == [waits]


def test_the_more_are_put_off_the_longer_each_waits(node: Node) -> None:
    pool = Pool()
    transactions = [read_transaction(transfer(node, nonce)) for nonce in range(3)]
    for tx in transactions:
        pool.add(tx)
        pool.put_off(tx.tx_id, 1_000)

    offered = [len(pool.offer(now_ms, 10**9)) for now_ms in (999, 1_000, 1_001, 1_002)]

    assert offered == [0, 1, 2, 3]


class _Block:
    """Stands for what was in use when an error was raised."""


def test_why_a_transaction_was_dropped_does_not_keep_the_block_in_memory() -> None:
    outcomes = Outcomes()
    block = _Block()
    alive = weakref.ref(block)

    def refuse(_run: _Block) -> None:
        raise NonceStaleError(lowest=5, found=1) from ExpiredError(now=1, valid_until=0)

    try:
        refuse(block)
    except NonceStaleError as error:
        outcomes.drop(b"id", error)
    del block
    gc.collect()

    assert isinstance(outcomes.error(b"id"), NonceStaleError)
    assert alive() is None


async def test_a_clock_that_was_set_back_does_not_stop_the_chain(
    node: Node, time: FakeTime
) -> None:
    async with running(node):
        first = node.submit(transfer(node, 0))
        await node.wait(first.tx_id, 5_000)
        before_ms = node.ledger.head.time_ms
        time.now_ms -= HOUR_MS
        second = node.submit(transfer(node, 1))
        status = await node.wait(second.tx_id, 5_000)

    interval_ms = read_params(node.state()).block_interval_ms
    assert status == TxStatus("final", 2, 0)
    assert node.ledger.head.time_ms == before_ms + interval_ms


async def test_a_disk_that_is_full_stops_the_node_and_nothing_is_final(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = node.submit(transfer(node))

    def fail(*_block: object) -> None:
        text = "no room"
        raise DiskFullError(text)

    monkeypatch.setattr(node.ledger.store, "append", fail)
    async with running(node):
        await node.stopped()

    assert node.status(taken.tx_id) == TxStatus("pending")
    assert isinstance(node.failure, StoreError)


async def test_a_transaction_that_breaks_execution_is_put_aside_and_told(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken = node.submit(transfer(node, 0))

    def break_down(*_: object) -> None:
        raise RecursionError

    with monkeypatch.context() as patched:
        patched.setattr("contracts.execution.run_actions", break_down)
        node.make_block(node.block_time())
    status = node.status(taken.tx_id)
    now = node.block_time()
    put_off = [node.pool.has_work(now + wait) for wait in (599_000, 601_000)]

    assert status.status == "pending"
    assert "does not execute" in str(status.error)
    assert put_off == [False, True]


def test_the_only_validator_commits_at_the_start_what_it_had_decided_before(
    tmp_path: Path, time: FakeTime, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = open_node(tmp_path, time)
    taken = first.submit(transfer(first))

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(first.ledger, "append", stop)
    with pytest.raises(KeyboardInterrupt):
        first.make_block(first.block_time())
    first.close()
    second = open_node(tmp_path, time)
    status = second.status(taken.tx_id)
    second.close()

    assert status == TxStatus("final", 1, 0)
