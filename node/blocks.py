"""Blocks of others: what must hold before one is voted for or stored, and what is sent to peers."""

from typing import Protocol

from chain.block import Block, Commit, Header, block_id
from chain.errors import InvalidBlockError, MalformedBytesError, RecoveryPlanError
from chain.executed import ExecutedBlock
from chain.membership import pending_activation
from chain.params import read_params
from chain.proposers import convicted_validators, previous_validators, proposer_order
from chain.recovery import begin_recovery, next_validators
from chain.rules import check_commit, check_header
from chain.state import State
from chain.timers import next_work_time
from chain.transaction import read_transaction
from chain.validators import read_validators
from consensus import BLOCKS_PER_MESSAGE, Blocks, Head, check_segment, segment_length
from contracts.execution import Executor
from node.storage.ledger import ChainLedger

SERVED_BYTES_MAX = 8 * 1024 * 1024  # of transactions in one message, unless one block has more


class AnyLedger(Protocol):
    """What the engine is told of a chain, on disk or simulated."""

    head: Header
    head_id: bytes
    executor: Executor

    @property
    def head_commit(self) -> Commit | None:
        """The certificate of the newest block."""

    def state(self) -> State:
        """Return the state at the head, for reading."""


def head_of(ledger: AnyLedger) -> Head:
    """Return what the engine must know of a chain's newest block.

    Where a good recovery plan is about it, the plan's validators decide the next one, which is due.
    """
    (state, is_recovery), head = _begin_next(ledger), ledger.head
    params, validators = read_params(state), read_validators(state)
    return Head(
        height=head.height,
        block_id=ledger.head_id,
        time_ms=head.time_ms,
        commit=ledger.head_commit,
        validators=validators,
        order=proposer_order(state, head.height + 1),
        interval_ms=params.block_interval_ms,
        heartbeat_ms=params.heartbeat_ms,
        due_ms=next_work_time(state, head.time_ms),
        has_activation=is_recovery or pending_activation(state) is not None,
        convicted=convicted_validators(state),
    )


def _begin_next(ledger: AnyLedger) -> tuple[State, bool]:
    """Return the state with which the next block begins, and whether it is a recovery's."""
    state, executor = ledger.state(), ledger.executor
    try:
        verify = executor.verify_signature
        return state, begin_recovery(state, ledger.head, executor.plans, verify)
    except RecoveryPlanError:  # nothing was changed; whoever opened the ledger drops it and says so
        return state, False


def execute_block(ledger: ChainLedger, block: Block) -> ExecutedBlock:
    """Execute a block on the head; raises InvalidBlockError unless all of it follows.

    That includes the certificate of its parent, with every signature.
    """
    plans = ledger.executor.plans
    check_header(block.header, ledger.head, read_validators(ledger.state()), plans)
    _check_parent(ledger, block.last_commit)
    return ledger.executor.check(ledger.store, ledger.head, block)


def _check_parent(ledger: ChainLedger, commit: Commit | None) -> None:
    if ledger.height == 0:
        if commit is not None:
            text = "block 1 with a certificate of the genesis, which nobody signs"
            raise InvalidBlockError(text)
        return
    if commit is None:
        text = f"a block without the certificate of height {ledger.height}"
        raise InvalidBlockError(text)
    if commit != ledger.head_commit:  # others may have collected other signatures
        state = ledger.state()
        check_commit(commit, ledger.head, previous_validators(state) or read_validators(state))


def check_segment_of(ledger: ChainLedger, blocks: tuple[Block, ...], commit: Commit) -> None:
    """Raise InvalidMessageError or InvalidBlockError unless a quorum decided these blocks.

    They link to each other, so the certificate of the last is good for all of them.
    """
    validators = next_validators(ledger.state(), ledger.head, ledger.executor.plans)
    check_segment(Blocks(blocks, commit), validators)
    check_commit(commit, blocks[-1].header, validators)


def certificate_of(blocks: tuple[Block, ...], number: int, commit: Commit) -> Commit:
    """Return the certificate of one block of a segment: the next block carries it."""
    if number + 1 == len(blocks):
        return commit
    carried, header = blocks[number + 1].last_commit, blocks[number].header
    if carried is None or (carried.height, carried.block_id) != (header.height, block_id(header)):
        text = f"height {header.height + 1} does not carry the certificate of its parent"
        raise InvalidBlockError(text)
    return carried


def read_segment(ledger: ChainLedger, start: int, count: int) -> Blocks | None:
    """Return stored blocks from a height on, as many as one message takes; None without any.

    There are none below the height from which this node keeps all blocks.
    """
    if max(start, 1) < ledger.store.first_body:
        return None
    stop = min(start + min(count, BLOCKS_PER_MESSAGE), ledger.height + 1)
    chosen: list[Block] = []
    size_bytes = 0
    for height in range(max(start, 1), stop):
        block = ledger.store.block(height)
        size_bytes += sum(map(len, block.transactions))
        if chosen and size_bytes > SERVED_BYTES_MAX:
            break
        chosen.append(block)
    pairs = [(one.header.validators_hash, one.header.next_validators_hash) for one in chosen]
    chosen = chosen[: segment_length(pairs)]
    if not chosen or start < 1:
        return None
    return Blocks(tuple(chosen), ledger.store.commit(chosen[-1].header.height))


def find_poison(block: Block, fault: Exception) -> bytes | None:
    """Return the id of the transaction that a fault of execution names, or None."""
    text = str(fault)
    for data in block.transactions:
        try:
            tx_id = read_transaction(data).tx_id
        except MalformedBytesError:
            continue
        if tx_id.hex() in text:
            return tx_id
    return None
