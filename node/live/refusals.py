"""What becomes of transactions that a block left out: dropped, offered again, or put aside."""

import logging

from chain.errors import ExpiredError, NonceUsedError, WashError
from chain.executed import ExecutedBlock
from chain.transaction import ReceivedTransaction
from chain.types import MINUTE_MS
from contracts.execution import BlockFullError
from contracts.firing import ExecutionFaultError
from node.live.intake import Intake
from node.live.outcomes import Outcomes
from node.live.pool import Pool
from node.live.unsent import Unsent

RETRY_MS = 1_000  # a transaction refused for what may pass is offered again after this
QUARANTINE_MS = 10 * MINUTE_MS  # one that this node can not execute, after this

_log = logging.getLogger("washnode.node")


class Refusals:
    """Acts on refusals; times are of blocks."""

    def __init__(self, pool: Pool, outcomes: Outcomes, intake: Intake, unsent: Unsent) -> None:
        """Begin with nothing refused."""
        self._pool, self._outcomes, self._verified = pool, outcomes, intake.verified
        self._unsent = unsent
        self.offered: dict[bytes, ReceivedTransaction] = {}  # to the newest block made here

    def drop(self, tx: ReceivedTransaction, error: WashError) -> None:
        """Say of a transaction that waits no more why no block contains it."""
        self._verified.discard(tx.witness_id)
        self._pool.free_reference(tx)
        self._unsent.drop(tx.tx_id, error)
        self._outcomes.drop(tx.tx_id, error)

    def drop_overtaken(self, executed: ExecutedBlock) -> None:
        """Drop what waits with a nonce that a block used, here also where others made the block."""
        for final in executed.transactions:
            tx = self._pool.take_overtaken(final)
            if tx is not None:
                self.drop(tx, NonceUsedError(tx.body.nonce))

    def refuse(self, tx: ReceivedTransaction, error: Exception, now: int) -> None:
        """Drop a transaction, or offer it again later where what it lacks may come."""
        if isinstance(error, ExecutionFaultError):
            _log.critical("%s", error)
            self.put_aside(tx.tx_id, str(error), now)
            return
        if not isinstance(error, WashError):
            error = WashError(str(error))
        if error.retry in {"same", "later"}:
            self._pool.put_off(tx.tx_id, now + RETRY_MS)
            return
        self._pool.remove(tx.tx_id)
        self.drop(tx, error)

    def put_aside(self, tx_id: bytes, text: str, now: int) -> None:
        """Keep a transaction that this node can not execute for a while; others may."""
        if tx_id in self._pool:
            self._outcomes.note_trouble(tx_id, WashError(text))
            self._pool.put_off(tx_id, now + QUARANTINE_MS)

    def take(self, executed: ExecutedBlock) -> None:
        """Act on what a stored block left out."""
        now = executed.block.header.time_ms
        for tx, error in self._left_out(executed):
            if not isinstance(error, BlockFullError):
                self.refuse(tx, error, now)
            elif not executed.tx_ids:  # not even alone: the next block is no better
                self._pool.put_off(tx.tx_id, now + RETRY_MS)
        self.offered = {}

    def take_unused(self, executed: ExecutedBlock) -> None:
        """Act on what left nothing of a block: without that block nothing is proven to be over."""
        now = executed.block.header.time_ms
        for tx, error in self._left_out(executed):
            if isinstance(error, ExpiredError):
                self._pool.put_off(tx.tx_id, now + QUARANTINE_MS)  # the next block drops it
            elif isinstance(error, BlockFullError):
                self._pool.put_off(tx.tx_id, now + RETRY_MS)
            else:
                self.refuse(tx, error, now)

    def _left_out(self, executed: ExecutedBlock) -> list[tuple[ReceivedTransaction, Exception]]:
        found = [(self.offered.get(one), error) for one, error in executed.refused]
        return [(tx, error) for tx, error in found if tx is not None]
