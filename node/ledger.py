"""A chain on disk with what executes its blocks: opened from a genesis file, recovered."""

from collections.abc import Callable
from pathlib import Path

from chain.block import Commit, Header, block_id
from chain.errors import CorruptStoreError, GenesisError
from chain.executed import ExecutedBlock
from chain.genesis import Genesis
from chain.receipt import Receipt
from chain.state import State
from chain.store import Store
from chain.tables import Tuning
from chain.transaction import ReceivedTransaction
from contracts.execution import Executor
from node.genesis_block import genesis_block
from node.recovery import check_head, rebuild_state, replay_blocks


class ChainLedger:
    """The store and executor of one chain, and its newest block."""

    def __init__(
        self,
        folder: Path,
        genesis: Genesis,
        is_verified: Callable[[ReceivedTransaction], bool] | None = None,
        *,
        tuning: Tuning | None = None,
    ) -> None:
        """Open the chain in `folder`, or begin it there.

        After a dirty stop the head is checked, and the state rebuilt from the blocks if it does not
        fit. Raises StoreError, GenesisError (another chain's folder) or CorruptStoreError; the
        store is closed then, and as dirty as it was.
        """
        self.genesis, self.folder = genesis, folder
        self.chain_id = genesis.chain_id()
        self.store = Store(str(folder), tuning)
        self.executor = Executor(self.chain_id, is_verified)
        self.recovered_from: CorruptStoreError | None = None
        try:
            self._begin(folder)
        except BaseException as error:
            untouched = isinstance(error, GenesisError) and not self.store.was_dirty
            self.store.close(clean=untouched)
            raise
        height = self.store.head_height()
        self.head: Header = self.store.header(height)
        self.head_id = block_id(self.head)
        self.head_commit: Commit | None = self.store.commit(height) if height else None

    def _begin(self, folder: Path) -> None:
        known = self.store.chain_id()
        if known is None:
            first = genesis_block(self.genesis)
            self.store.write_genesis(first.block, first)
        elif known != self.chain_id:
            text = (
                f"{folder} holds chain {known.hex()}, the genesis file is of {self.chain_id.hex()}"
            )
            raise GenesisError(text)
        if self.store.was_dirty:
            self._recover()

    def _recover(self) -> None:
        try:
            check_head(self.store)
        except CorruptStoreError as error:
            self.recovered_from = error
            rebuild_state(self.store, self.genesis, self.executor)
            check_head(self.store)
            return
        height = self.store.head_height()
        if replay_blocks(self.store, self.executor):
            self.recovered_from = CorruptStoreError(height, "a rebuild had stopped here")

    @property
    def height(self) -> int:
        """Height of the newest block."""
        return self.head.height

    def state(self) -> State:
        """Return the state at the head, for reading."""
        return State(self.store)

    def append(self, executed: ExecutedBlock, commit: Commit) -> tuple[Receipt, ...]:
        """Store an executed block with its certificate; it becomes the head."""
        self.store.append(executed, commit)
        self.head, self.head_id, self.head_commit = executed.block.header, executed.block_id, commit
        return executed.receipts

    def close(self, *, clean: bool = True) -> None:
        """Close the store."""
        self.store.close(clean=clean)
