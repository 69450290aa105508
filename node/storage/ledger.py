"""A chain on disk with what executes its blocks: opened from a genesis file, recovered."""

from collections.abc import Callable
from pathlib import Path

from chain.block import Commit, Header, block_id
from chain.executed import ExecutedBlock
from chain.genesis import Genesis
from chain.receipt import Receipt
from chain.state import State
from chain.tables import Tuning
from chain.transaction import ReceivedTransaction
from contracts.execution import Executor
from node.storage.disk import disk_faults
from node.storage.folder import FolderLock
from node.storage.repair import begin_mark, open_chain


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

        It is checked, and made anew from its blocks if need be. Raises StoreError, GenesisError
        (another chain's folder) or LostBlocksError; the files are as they were then.
        """
        self.genesis, self.folder = genesis, folder
        self.chain_id = genesis.chain_id()
        self.executor = Executor(self.chain_id, is_verified)
        with disk_faults(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(folder)
            try:
                self.store, self.repaired = open_chain(folder, genesis, tuning)
            except BaseException:
                self._lock.release()
                raise
            self._mark = begin_mark(folder, self.store, tuning)
        self.recovered_from = None if self.repaired is None else self.repaired.error
        height = self.store.head_height()
        self.head: Header = self.store.header(height)
        self.head_id = block_id(self.head)
        self.head_commit: Commit | None = self.store.commit(height) if height else None

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
        if self._mark is not None:
            self._mark.write(executed.block.header.height)
        self.head, self.head_id, self.head_commit = executed.block.header, executed.block_id, commit
        return executed.receipts

    def close(self, *, clean: bool = True) -> None:
        """Close the store."""
        try:
            with disk_faults(self.folder):
                self.store.close(clean=clean)
        finally:
            if self._mark is not None:
                self._mark.close()
            self._lock.release()
