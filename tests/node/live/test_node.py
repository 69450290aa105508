"""The node's core: transactions taken once, blocks made for work, outcomes told."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from chain.errors import BadSignatureError, DiskFullError, ExpiredError, NonceUsedError
from chain.executed import ExecutedBlock
from chain.tables import Tuning
from chain.transaction import (
    ReceivedTransaction,
    Transaction,
    Transfer,
    read_transaction,
    sign_transaction,
)
from node.live.clock import Clock
from node.live.node import Node
from node.live.outcomes import Pending, TxStatus
from node.live.pool import DuplicateReferenceError, Pool, PoolFullError, PoolLimits
from node.live.signatures import SignatureCheckers
from node.storage.ledger import ChainLedger
from node.storage.wal import VoteLog
from tests import make
from tests.make import MONEY, START_MS, VALID_MS, account, signer


class FakeTime:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now_ms = START_MS + 1_000

    def read(self) -> int:
        return self.now_ms


def open_node(
    folder: Path, time: FakeTime, pool: Pool | None = None, *, block_interval_ms: int = 1
) -> Node:
    genesis = make.genesis(params={"block_interval_ms": block_interval_ms})

    def open_ledger(is_verified: object) -> ChainLedger:
        return ChainLedger(folder / "chain", genesis, is_verified, tuning=Tuning(sync=False))  # type: ignore[arg-type]

    log = VoteLog(folder / "votes.log", genesis.chain_id(), sync=False)
    return Node(open_ledger, log, make.VALIDATOR, Clock(time.read), pool=pool)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def node(tmp_path: Path, time: FakeTime) -> Iterator[Node]:
    one = open_node(tmp_path, time)
    yield one
    one.close()


@asynccontextmanager
async def running(node: Node) -> AsyncIterator[None]:
    async with asyncio.TaskGroup() as tasks:
        loop = tasks.create_task(node.run())
        yield
        loop.cancel()


def transfer(
    node: Node, nonce: int = 0, *, amount: int = 5, name: str = "alice", **changes: object
) -> bytes:
    fields: dict[str, object] = {
        "version": 1,
        "chain_id": node.ledger.chain_id,
        "account": account(name),
        "key": None,
        "nonce": nonce,
        "valid_until": START_MS + VALID_MS,
        "gas_limit": 10_000,
        "sponsor": None,
        "actions": (Transfer(MONEY, account("bob"), amount),),
        "client_ref": None,
    }
    body = Transaction(**{**fields, **changes})  # type: ignore[arg-type]
    return sign_transaction(body, signer(name), None if body.sponsor is None else signer("bob"))


def spoil(data: bytes) -> bytes:
    """Change one bit of an unsponsored transaction's signature."""
    return data[:-2] + bytes([data[-2] ^ 1]) + data[-1:]


async def test_what_is_submitted_becomes_final_and_whoever_waits_is_told(node: Node) -> None:
    data = transfer(node)
    tx_id = read_transaction(data).tx_id

    async with running(node):
        taken = node.submit(data)
        status = await node.wait(tx_id, 5_000)

    assert (taken, status) == (Pending(tx_id, START_MS + VALID_MS), TxStatus("final", 1, 0))


async def test_a_transaction_that_fails_in_its_block_is_failed(node: Node) -> None:
    data = transfer(node, amount=make.RICH + 1)

    async with running(node):
        taken = node.submit(data)
        status = await node.wait(taken.tx_id, 5_000)

    assert status == TxStatus("failed", 1, 0)


def test_the_same_bytes_again_get_the_same_answer(node: Node) -> None:
    data = transfer(node)

    first = node.submit(data)
    second = node.submit(data)
    node.make_block(node.block_time())
    third = node.submit(data)

    known = Pending(first.tx_id, first.valid_until, is_known=True)
    assert (first.is_known, second, third) == (False, known, known)
    assert (len(node.pool), node.ledger.height) == (0, 1)


def test_a_second_transaction_with_a_waiting_nonce_is_refused(node: Node) -> None:
    node.submit(transfer(node))

    with pytest.raises(NonceUsedError):
        node.submit(transfer(node, amount=6))


def test_a_reference_names_one_transaction_of_an_account(node: Node) -> None:
    first = node.submit(transfer(node, client_ref=b"r" * 16))

    with pytest.raises(DuplicateReferenceError) as caught:
        node.submit(transfer(node, 1, client_ref=b"r" * 16))

    assert caught.value.tx_id == first.tx_id


def test_a_full_pool_refuses_newcomers_and_keeps_what_it_has(
    tmp_path: Path, time: FakeTime
) -> None:
    node = open_node(tmp_path, time, Pool(PoolLimits(transactions_max=1)))
    first = node.submit(transfer(node))

    with pytest.raises(PoolFullError):
        node.submit(transfer(node, 1))

    assert (first.tx_id in node.pool, len(node.pool)) == (True, 1)
    node.close()


def test_nobody_fills_the_pool_with_what_one_sponsor_co_signs(node: Node) -> None:
    pool = Pool(PoolLimits(per_account_max=2))
    first, second, third, other = (
        read_transaction(transfer(node, name=name, sponsor=account(sponsor)))
        for name, sponsor in (("alice", "bob"), ("carol", "bob"), ("dora", "bob"), ("dora", "olga"))
    )
    pool.add(first)
    pool.add(second)

    with pytest.raises(PoolFullError, match="2 transactions of this sponsor") as caught:
        pool.check(third)
    pool.check(other)
    pool.check(read_transaction(transfer(node, name="bob")))  # what he sends himself counts apart
    pool.remove(first.tx_id)
    pool.check(third)

    assert caught.value.maximum == 2


async def test_a_batch_answers_each_item_by_itself(node: Node) -> None:
    good, forged = transfer(node), transfer(node, 1)
    forged = spoil(forged)

    answers = await node.submit_batch([good, forged, good, b"\xc1"])

    kinds = [type(answer).__name__ for answer in answers]
    assert kinds == ["Pending", "BadSignatureError", "Pending", "MalformedBytesError"]


async def test_processes_check_the_signatures_of_a_large_batch(
    tmp_path: Path, time: FakeTime
) -> None:
    node = open_node(tmp_path, time)
    node._checkers = SignatureCheckers(1)
    batch = [transfer(node, nonce) for nonce in range(40)]
    forged = spoil(batch[7])

    answers = await node.submit_batch([*batch[:7], forged, *batch[8:]])

    assert [type(a) for a in answers] == [Pending] * 7 + [BadSignatureError] + [Pending] * 32
    node.close()


def test_a_transaction_that_waited_too_long_is_expired_with_the_blocks_that_prove_it(
    node: Node, time: FakeTime
) -> None:
    taken = node.submit(transfer(node))
    time.now_ms = START_MS + VALID_MS

    before = node.status(taken.tx_id)
    node.make_block(node.block_time())

    assert (before, node.status(taken.tx_id)) == (
        TxStatus("pending"),
        TxStatus("expired", searched=(0, 1)),
    )


def test_what_nobody_saw_is_unknown_until_its_time_is_over(node: Node, time: FakeTime) -> None:
    tx_id = read_transaction(transfer(node)).tx_id
    ends = START_MS + VALID_MS

    early = node.status(tx_id, ends)
    time.now_ms = ends
    node.make_block(node.block_time())

    assert (early.status, node.status(tx_id).status, node.status(tx_id, ends).status) == (
        "unknown",
        "unknown",
        "expired",
    )


def test_a_transaction_too_old_is_refused_at_once(node: Node, time: FakeTime) -> None:
    time.now_ms = START_MS + VALID_MS

    with pytest.raises(ExpiredError):
        node.submit(transfer(node))


def test_nonces_go_into_the_block_in_order_whatever_order_they_came_in(node: Node) -> None:
    for nonce in (2, 0, 1):
        node.submit(transfer(node, nonce))

    executed = node.make_block(node.block_time())

    assert executed is not None
    received: list[ReceivedTransaction] = [read_transaction(d) for d in executed.block.transactions]
    assert [tx.body.nonce for tx in received] == [0, 1, 2]


def test_the_next_nonce_counts_what_waits(node: Node) -> None:
    before = node.next_nonce(account("alice"), account("alice"))
    node.submit(transfer(node, 4))

    assert (before, node.next_nonce(account("alice"), account("alice"))) == (0, 5)


def test_simulating_changes_nothing_and_tells_balances(node: Node) -> None:
    tx = read_transaction(transfer(node))

    outcome = node.simulate(tx, signed=True)

    assert outcome.receipt is not None
    assert (outcome.receipt.ok, node.ledger.height, len(node.pool)) == (True, 0, 0)
    rows = {(c.account, c.before, c.after) for c in outcome.changes}
    assert rows == {
        (account("alice"), make.RICH, make.RICH - 5),
        (account("bob"), make.RICH, make.RICH + 5),
    }


async def test_waiting_ends_after_its_time(node: Node) -> None:
    status = await node.wait(b"x" * 32, 20)

    assert status == TxStatus("unknown", searched=(0, 0))


async def test_a_fault_of_the_disk_stops_the_node(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> ExecutedBlock:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(node.ledger, "append", refuse)
    node.submit(transfer(node))

    async with asyncio.timeout(5), running(node):
        await node.stopped()

    assert isinstance(node.failure, DiskFullError)


async def test_reopening_forgets_what_waited_and_keeps_the_chain(node: Node) -> None:
    taken = node.submit(transfer(node))
    ran: list[int] = []

    node.reopen(lambda: ran.append(1))

    assert (ran, len(node.pool), node.status(taken.tx_id).status) == ([1], 0, "unknown")
