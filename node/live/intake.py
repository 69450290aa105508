"""Taking transactions: from clients and from peers, one by one and in batches."""

from collections.abc import Callable
from typing import Protocol

from chain.errors import BadSignatureError, StoreError, TooLargeError, WashError
from chain.executed import ExecutedBlock
from chain.params import read_params
from chain.rules import admit_transaction, check_form, check_signatures
from chain.state import State
from chain.transaction import ReceivedTransaction, read_transaction
from contracts.execution import allowance_gas, transaction_gas
from node.live.outbox import Outbox
from node.live.outcomes import Outcomes, Pending
from node.live.pool import Pool
from node.live.signatures import SignatureCheckers, let_others
from node.storage.ledger import ChainLedger


class Core(Protocol):
    """What is asked of the node that takes transactions."""

    ledger: ChainLedger
    pool: Pool
    outbox: Outbox

    def state(self) -> State:
        """Return the state at the head, for reading."""

    def block_time(self) -> int:
        """Return the earliest time that the next block may have now, ms."""


class Intake:
    """Checks transactions as the next block would, and lets them wait for it."""

    def __init__(self, core: Core, checkers: SignatureCheckers, outcomes: Outcomes) -> None:
        """`on_accept` is told of each transaction and its sender, None for a client."""
        self._core, self._checkers, self._outcomes = core, checkers, outcomes
        self.verified: set[bytes] = set()  # witness ids of good signatures
        self.on_accept: list[Callable[[ReceivedTransaction, bytes | None], None]] = []

    def is_verified(self, tx: ReceivedTransaction) -> bool:
        """Tell whether a transaction's signatures were found good before."""
        return tx.witness_id in self.verified

    def submit(self, data: bytes) -> Pending:
        """Take signed bytes, or raise the typed refusal; the same bytes get the same answer."""
        tx = read_transaction(data)
        known = self._known(tx, None)
        if known is not None:
            return known
        self.check(tx)
        return self._accept(tx, None)

    def check(self, tx: ReceivedTransaction) -> None:
        """Raise what the next block would refuse a transaction for."""
        self._check(tx)
        check_signatures(tx)

    async def submit_batch(
        self, items: list[bytes], origin: bytes | None = None
    ) -> list[Pending | WashError]:
        """Take many; each item is answered by itself. Signatures are checked in other processes.

        `origin` is the key of the peer that sent them.
        """
        answers: list[Pending | WashError | None] = []
        fresh: list[tuple[int, ReceivedTransaction]] = []
        for place, data in enumerate(items):
            await let_others(place)
            try:
                tx = read_transaction(data)
                answers.append(self._known(tx, origin))
            except StoreError:  # no answer to one item: it stops the node
                raise
            except WashError as error:
                answers.append(error)
                continue
            if answers[-1] is None:
                fresh.append((place, tx))
        verdicts = await self._checkers.check([tx for _place, tx in fresh])
        for (place, tx), good in zip(fresh, verdicts, strict=True):
            await let_others(place)
            answers[place] = self._take(tx, origin, good=good)
        return [answer for answer in answers if answer is not None]

    def _take(
        self, tx: ReceivedTransaction, origin: bytes | None, *, good: bool
    ) -> Pending | WashError:
        known = self._known(tx, origin)  # it may stand in the batch twice
        if known is not None:
            return known
        try:
            self._check(tx)
            if not good:
                check_signatures(tx)
                raise BadSignatureError(tx.tx_id.hex())
            return self._accept(tx, origin)
        except StoreError:
            raise
        except WashError as error:
            return error

    def _known(self, tx: ReceivedTransaction, origin: bytes | None) -> Pending | None:
        """Return the answer to what waits or is in a block.

        What a client sends is kept also where a peer was the first to bring it: whoever is told
        `pending` need not care whether that peer comes back.
        """
        tx_id = tx.tx_id
        waiting = self._core.pool.get(tx_id)
        if waiting is not None and origin is None:  # its bytes: those at hand were not checked
            self._core.outbox.add(tx_id, waiting.data)
        if waiting is not None or self._core.ledger.store.find_transaction(tx_id) is not None:
            return Pending(tx_id, tx.body.valid_until, is_known=True)
        return None

    def _check(self, tx: ReceivedTransaction) -> None:
        """Check all but the signatures, as the next block would."""
        self.check_form_and_sender(tx, self._core.block_time())
        self._core.pool.check(tx)

    def check_form_and_sender(self, tx: ReceivedTransaction, now: int) -> None:
        """Raise what a block at `now` would refuse a transaction for, before it runs."""
        state = self._core.state()
        params = read_params(state)
        check_form(tx, self._core.ledger.chain_id, params, now)
        need, limit = transaction_gas(tx), tx.body.gas_limit
        if need > limit:
            raise TooLargeError("gas of size and signatures", maximum=limit, found=need)
        _key_limits, on_allowance = admit_transaction(state, tx, params, now)
        maximum = allowance_gas(params) if on_allowance else params.block_gas_max
        if limit > maximum:  # it would wait for room that no block has
            raise TooLargeError("gas_limit", maximum=maximum, found=limit)

    def _accept(self, tx: ReceivedTransaction, origin: bytes | None) -> Pending:
        self.verified.add(tx.witness_id)
        self._outcomes.forget(tx.tx_id)
        self._core.pool.add(tx)
        for tell in self.on_accept:
            tell(tx, origin)
        return Pending(tx.tx_id, tx.body.valid_until)

    async def verify(self, transactions: list[ReceivedTransaction]) -> None:
        """Check signatures of a block's transactions in other processes; remember the good."""
        fresh = [tx for tx in transactions if tx.witness_id not in self.verified]
        verdicts = await self._checkers.check(fresh)
        self.verified.update(
            [tx.witness_id for tx, good in zip(fresh, verdicts, strict=True) if good]
        )

    def forget(self, executed: ExecutedBlock) -> None:
        """Drop what is in a block from what waits."""
        for tx_id in executed.tx_ids:
            removed = self._core.pool.remove(tx_id)
            if removed is not None:
                self.verified.discard(removed.witness_id)
