"""The throw-away chain of a rehearsal in this very process: one validator, a clock that jumps."""

from pathlib import Path

from chain.executed import ExecutedBlock
from chain.genesis import Genesis, genesis_asset_id
from chain.ledger import get_supply
from chain.state import Space, State
from chain.store import Store
from chain.tables import THROW_AWAY
from chain.transaction import ReceivedTransaction
from consensus import Engine
from contracts.execution import BlockFullError
from node.catalog import program
from node.driver import Driver, head_of
from node.rehearse.errors import RehearsalError
from node.rehearse.stage import Stage
from node.rehearse.tally import Tally
from node.rehearse.wallets import signer_of
from node.storage.ledger import ChainLedger
from node.storage.wal import NoLog


class RehearsalChain(Stage):
    """One validator; the table is kept as its blocks come."""

    def __init__(self, folder: Path, genesis: Genesis, tally: Tally) -> None:
        """Begin the chain in `folder`."""
        super().__init__(genesis)
        self.tally = tally
        self.verified: set[bytes] = set()
        self.ledger = ChainLedger(folder / "chain", genesis, self._is_verified, tuning=THROW_AWAY)
        self._interval_ms = genesis.chain_params().block_interval_ms
        engine = Engine(signer_of("validator", 0), self.chain_id, head_of(self.ledger))
        self._driver = Driver(self.ledger, engine, NoLog(), self._on_commit)
        self.transactions = 0
        self.timers_fired = 0

    def _is_verified(self, tx: ReceivedTransaction) -> bool:
        return tx.witness_id in self.verified

    def _on_commit(self, executed: ExecutedBlock) -> None:
        for _witness_id, error in executed.refused:
            if not isinstance(error, BlockFullError):
                text = f"height {executed.block.header.height}: {error}"
                raise RehearsalError(text)
        self.transactions += len(executed.tx_ids)
        self.timers_fired += executed.timers_fired
        self.tally.add_receipts(executed.receipts)

    @property
    def now(self) -> int:
        """Time of the newest block, ms UTC."""
        return self.ledger.head.time_ms

    def next_due_ms(self) -> int | None:
        """Return when something falls due next, ms UTC, or None."""
        return self._driver.next_work_time()

    def trust(self, received: list[ReceivedTransaction]) -> None:
        """Take these signatures as good: they were checked before they came here."""
        self.verified = {tx.witness_id for tx in received}

    def make_block(self, group: list[ReceivedTransaction], at: int) -> None:
        """Make a block of a group and what is due, at a time or as soon after as may be."""
        self._driver.submit(group)
        at = max(at, self.now + self._interval_ms)
        while True:
            if self._driver.make_block(at) is None:
                text = f"no block was made at {at}"
                raise RehearsalError(text)
            if not self._driver.pending:
                return
            at = self.now + self._interval_ms  # what did not fit beside much that fell due

    def check_bookings(self, expected: int) -> None:
        """Raise RehearsalError unless every planned booking was made: none may go missing."""
        if (made := self.tally.total().bookings) != expected:
            text = f"{made} of {expected} bookings were made; the others' requests failed"
            raise RehearsalError(text)

    def check_end(self) -> bool:
        """Tell whether every pot is empty and every asset's balances add up to its supply."""
        return is_settled(self.ledger.store, self.genesis)

    def close(self) -> None:
        """Close the chain."""
        self.ledger.close()


def is_settled(store: Store, genesis: Genesis) -> bool:
    """Tell whether every pot is empty and every asset's balances add up to its supply."""
    pots = store.scan(bytes([Space.POT]), bytes([Space.POT + 1]), 1)
    sums: dict[bytes, int] = {}
    for key, value in store.iterate(bytes([Space.BALANCE]), bytes([Space.BALANCE + 1])):
        asset = key[33:]
        sums[asset] = sums.get(asset, 0) + int.from_bytes(value, "big")
    state = State(store)
    assets = [genesis_asset_id(one.symbol) for one in genesis.assets]
    return not pots and all(sums.get(one, 0) == get_supply(state, one) for one in assets)


def tally_for_rehearsal() -> Tally:
    """Return a tally that knows the contracts a rehearsal deploys."""
    return Tally({name: program(name) for name in ("shops", "booking", "notes")})
