"""A block is what executing gives: for builder and checker, whatever is in it or breaks."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.block import Block, block_id, decode_block, encode_block
from chain.changes import SetParam
from chain.errors import (
    InsufficientFundsError,
    InvalidBlockError,
    MalformedBytesError,
    StoreError,
)
from chain.ledger import balance_key
from chain.merkle import root
from chain.receipt import ReceiptKind, encode_receipt
from chain.rules import check_commit, check_header
from chain.transaction import Mint, Propose, Transfer
from chain.tree import prove_key, verify_proof
from chain.types import HOUR_MS
from chain.validators import ValidatorSet
from contracts import actions as actions_module
from contracts import execution as execution_module
from contracts.execution import BlockFullError
from contracts.firing import ExecutionFaultError
from tests.make import MONEY, RICH, VALIDATOR, TestChain, account, certify, genesis, signer, word

ALICE, BOB = account("alice"), account("bob")
GIFT = Transfer(MONEY, BOB, 1)


def test_a_block_carries_what_it_did(chain: TestChain) -> None:
    txs = [chain.sign("alice", GIFT), chain.sign("bob", Transfer(MONEY, ALICE, 2 * RICH))]

    executed = chain.run(*txs)

    header = executed.block.header
    assert [(one.kind, one.id, one.ok) for one in executed.receipts] == [
        (ReceiptKind.TRANSACTION, txs[0].tx_id, True),
        (ReceiptKind.TRANSACTION, txs[1].tx_id, False),
    ]
    assert executed.receipts[1].error == InsufficientFundsError.code
    assert header.tx_root == root([tx.witness_id for tx in txs])
    assert header.receipt_root == root([encode_receipt(one) for one in executed.receipts])
    assert header.gas_used == sum(one.gas_used for one in executed.receipts)
    assert (header.height, header.proposer) == (1, VALIDATOR.public_key)


def test_the_header_after_a_block_proves_a_balance_in_it(chain: TestChain) -> None:
    chain.do("alice", GIFT)
    key = balance_key(BOB, MONEY)

    proof = prove_key(chain.ledger.store, key)

    values = (RICH + 1).to_bytes(8, "big"), RICH.to_bytes(8, "big"), None
    answers = [verify_proof(chain.head.state_root, key, value, proof) for value in values]
    assert answers == [True, False, False]


def test_a_block_is_after_its_parent(chain: TestChain) -> None:
    with pytest.raises(InvalidBlockError, match="not after"):
        chain.build(at=chain.now)


def test_a_builder_leaves_out_what_a_checker_refuses_the_block_for(chain: TestChain) -> None:
    good, bad = chain.sign("alice", GIFT), chain.sign("sam", GIFT)
    built = chain.build(good, bad)
    smuggled = replace(built.block, transactions=(good.data, bad.data))

    with pytest.raises(InvalidBlockError, match=bad.tx_id.hex()):
        chain.check(smuggled)

    assert built.block.transactions == (good.data,)
    assert [one for one, _ in built.refused] == [bad.witness_id]


def test_a_block_has_room_for_so_much_gas(tmp_path: Path) -> None:
    chain = TestChain(tmp_path, genesis(params={"block_gas_max": 100_000}))
    box = chain.ledger.executor

    built = chain.build(*[chain.sign("alice", GIFT) for _ in range(3)])
    chain.close()

    # Gas that is not used makes room again.
    assert (box.chain_id, len(built.tx_ids)) == (chain.ledger.chain_id, 3)


def test_what_finds_no_room_is_left_for_the_next_block(tmp_path: Path) -> None:
    chain = TestChain(tmp_path, genesis(params={"block_gas_max": 60_500}))
    txs = [chain.sign("alice", GIFT) for _ in range(2)]

    built = chain.build(*txs)
    chain.close()

    assert built.tx_ids == (txs[0].tx_id,)
    assert [(one, type(error)) for one, error in built.refused] == [
        (txs[1].witness_id, BlockFullError)
    ]


def test_a_transaction_that_the_node_can_not_run_is_left_out_and_makes_a_checker_raise(
    chain: TestChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    tx = chain.sign("alice", GIFT)
    good = chain.build(tx)

    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setitem(actions_module._KERNEL, Transfer, broken)
    built = chain.build(tx, chain.sign("olga", Mint(MONEY, BOB, 1)))

    with pytest.raises(ExecutionFaultError, match=tx.tx_id.hex()):
        chain.check(good.block)
    assert [(one, type(error)) for one, error in built.refused] == [
        (tx.witness_id, ExecutionFaultError)
    ]
    assert len(built.tx_ids) == 1


def test_a_disk_that_can_not_be_read_blames_no_transaction(
    chain: TestChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    tx = chain.sign("alice", GIFT)
    good = chain.build(tx)

    def broken(*_arguments: object) -> None:
        raise StoreError

    monkeypatch.setitem(actions_module._KERNEL, Transfer, broken)

    with pytest.raises(StoreError):
        chain.build(tx)
    with pytest.raises(StoreError):
        chain.check(good.block)


# A changed block ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestChain, Block]]:
    """A chain, and its next block: a timer, two transactions and a certificate."""
    chain = TestChain(tmp_path_factory.mktemp("busy"))
    box, due = chain.deploy(), chain.now + HOUR_MS
    assert chain.call("alice", box, "plan", word("bell"), due).ok
    txs = (
        chain.sign("alice", GIFT, valid_until=due + HOUR_MS),
        chain.sign("sam", GIFT, sponsor=signer("bob"), valid_until=due + HOUR_MS),
    )
    yield chain, chain.build(*txs, at=due).block
    chain.close()


@settings(max_examples=300)
@given(st.integers(0, 10**6), st.integers(1, 255))
def test_no_changed_byte_of_a_block_is_accepted(
    busy: tuple[TestChain, Block], place: int, change: int
) -> None:
    chain, block = busy
    data = bytearray(encode_block(block))
    data[place % len(data)] ^= change
    validators = ValidatorSet((VALIDATOR.public_key,))
    commit = certify(block.header, block_id(block.header), validators, [VALIDATOR])

    with pytest.raises((MalformedBytesError, InvalidBlockError, ExecutionFaultError)):
        accept(chain, decode_block(bytes(data)), commit)
    accept(chain, block, commit)


def accept(chain: TestChain, block: Block, commit: Any) -> None:
    """Do all a node does with a block that it did not make."""
    validators = ValidatorSet((VALIDATOR.public_key,))
    check_header(block.header, chain.head, validators)
    check_commit(commit, block.header, validators)
    chain.check(block)


@pytest.mark.parametrize(
    "change",
    [
        {"version": 2}, {"chain_id": bytes(32)}, {"height": 7}, {"parent_id": bytes(32)},
        {"last_commit_hash": bytes(32)}, {"evidence_hash": bytes(32)}, {"skipped_hash": bytes(32)},
        {"last_round": 1}, {"tx_root": bytes(32)}, {"receipt_root": bytes(32)},
        {"state_root": bytes(32)}, {"validators_hash": bytes(32)},
        {"next_validators_hash": bytes(32)},
        {"last_validators_change_height": 1}, {"params_hash": bytes(32)}, {"gas_used": 0},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
def test_a_header_that_says_anything_else_is_refused(
    busy: tuple[TestChain, Block], change: dict[str, Any]
) -> None:
    chain, block = busy

    with pytest.raises(InvalidBlockError, match=next(iter(change))):
        chain.check(replace(block, header=replace(block.header, **change)))


@pytest.mark.parametrize(
    "change",
    [
        {"transactions": ()},
        {"last_commit": None},
        {"skipped": (word("x"),)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_body_that_says_anything_else_is_refused(
    busy: tuple[TestChain, Block], change: dict[str, Any]
) -> None:
    chain, block = busy

    with pytest.raises(InvalidBlockError):
        chain.check(replace(block, **change))


def test_the_order_of_transactions_is_part_of_a_block(busy: tuple[TestChain, Block]) -> None:
    chain, block = busy

    with pytest.raises(InvalidBlockError, match="tx_root"):
        chain.check(replace(block, transactions=block.transactions[::-1]))


def test_a_checker_stops_at_the_transaction_that_is_too_much(
    chain: TestChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(execution_module._BlockRun, "_check_room", lambda _run, _tx: None)
    gas = chain.build(chain.sign("alice", GIFT)).block.header.gas_used
    assert chain.do("olga", Propose(SetParam("block_gas_max", 2 * gas))).ok
    built = chain.build(*[chain.sign("alice", GIFT, gas_limit=2 * gas) for _ in range(6)])
    done: list[object] = []

    def run_and_note(*arguments: Any) -> Any:
        done.append(arguments)
        return actions_module.run_actions(*arguments)

    monkeypatch.setattr(execution_module, "run_actions", run_and_note)

    with pytest.raises(InvalidBlockError, match="gas"):
        chain.check(built.block)

    assert len(done) == 3
