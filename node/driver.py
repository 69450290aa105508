"""The driver: performs the engine's effects and feeds the answers back. It decides nothing."""

from collections import deque
from collections.abc import Callable, Sequence
from typing import assert_never

from chain.executed import ExecutedBlock
from chain.params import read_params
from chain.timers import next_work_time
from chain.transaction import ReceivedTransaction
from consensus import (
    BlockBuilt,
    BuildBlock,
    CommitBlock,
    Effect,
    Engine,
    HeightCommitted,
    Input,
    Persist,
    Persisted,
    SetTimer,
    WorkArrived,
)
from contracts.execution import BlockFullError, BlockInputs
from node.storage.ledger import ChainLedger
from node.storage.wal import VoteLog


class Driver:
    """Runs one chain with one engine; time is an argument, for clocks and time travel alike."""

    def __init__(
        self,
        ledger: ChainLedger,
        engine: Engine,
        log: VoteLog,
        proposer: bytes,
        on_commit: Callable[[ExecutedBlock], None] | None = None,
    ) -> None:
        """`on_commit` is told of every block once it is stored."""
        self.ledger, self._engine, self._log, self._proposer = ledger, engine, log, proposer
        self._on_commit = on_commit
        self.pending: list[ReceivedTransaction] = []
        self.wake_at_ms: int | None = None
        self._built: ExecutedBlock | None = None

    def submit(self, transactions: Sequence[ReceivedTransaction]) -> None:
        """Add transactions for the next block."""
        self.pending.extend(transactions)

    def next_work_time(self) -> int | None:
        """Return the earliest time at which something falls due or a heartbeat is, or None."""
        state, head_time_ms = self.ledger.state(), self.ledger.head.time_ms
        due = next_work_time(state, head_time_ms)
        heartbeat_ms = read_params(state).heartbeat_ms
        if not heartbeat_ms:
            return due
        beat = head_time_ms + heartbeat_ms
        return beat if due is None else min(due, beat)

    def make_block(self, now_ms: int) -> ExecutedBlock | None:
        """Let the engine make a block at `now_ms` from what is pending and due, if it will."""
        self._built = None
        height = self.ledger.height
        self.handle(WorkArrived(), now_ms)
        return self._built if self.ledger.height > height else None

    def handle(self, event: Input, now_ms: int) -> None:
        """Give the engine an input and perform what it asks for, until it asks for nothing more."""
        inputs: deque[Input] = deque([event])
        while inputs:
            for effect in self._engine.handle(inputs.popleft(), now_ms):
                answer = self._perform(effect)
                if answer is not None:
                    inputs.append(answer)

    def _keep_waiting(self, offered: list[ReceivedTransaction]) -> None:
        """Take what found no room in the block back, before all that came since."""
        assert self._built is not None, "a block was just built"
        full = {one for one, error in self._built.refused if isinstance(error, BlockFullError)}
        if full:
            self.pending = [tx for tx in offered if tx.witness_id in full] + self.pending

    def _perform(self, effect: Effect) -> Input | None:
        match effect:
            case BuildBlock(height, time_ms, last_commit):
                transactions, self.pending = self.pending, []
                inputs = BlockInputs(time_ms, self._proposer, last_commit, transactions)
                ledger = self.ledger
                self._built = ledger.executor.build(ledger.store, ledger.head, inputs)
                self._keep_waiting(transactions)
                return BlockBuilt(height, self._built.block_id)
            case Persist(height, record):
                self._log.append(record)
                return Persisted(height, record)
            case CommitBlock(height, block_id, commit):
                built = self._built
                assert built is not None, "the engine commits what it built"
                assert built.block_id == block_id, "the engine commits what it built"
                self.ledger.append(built, commit)
                self._log.begin_height()
                if self._on_commit is not None:
                    self._on_commit(built)
                return HeightCommitted(height, built.block.header.time_ms)
            case SetTimer(_height, at_ms):
                self.wake_at_ms = at_ms
                return None
            case _ as never:
                assert_never(never)
