"""A chain on disk with what executes its blocks: opened from a genesis file, recovered."""

from collections.abc import Callable, Sequence
from pathlib import Path

from chain.block import Commit, Header, block_id
from chain.errors import RecoveryPlanError
from chain.executed import ExecutedBlock
from chain.genesis import Genesis
from chain.receipt import Receipt
from chain.recovery import RecoveryPlan, check_follows, plan_above, sift_plans
from chain.state import State
from chain.tables import Tuning
from chain.transaction import ReceivedTransaction
from contracts.execution import Executor
from node.storage.disk import disk_faults
from node.storage.folder import FolderLock
from node.storage.held_files import patiently
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
        plans: Sequence[RecoveryPlan] = (),
        on_migrate: Callable[[int, int], None] | None = None,
    ) -> None:
        """Open the chain in `folder`, or begin it there.

        It is checked, and made anew from its blocks if need be. Raises StoreError, GenesisError
        (another chain's folder) or LostBlocksError; the files are as they were then. `plans` are
        the operators' for when a quorum was lost; `on_migrate` is told (blocks done, of all) while
        a chain of an earlier format is migrated; `refused_plans` says why some of them do not
        count, for whoever runs the chain to tell.
        """
        self.genesis, self.folder = genesis, folder
        self.chain_id = genesis.chain_id()
        self.executor = Executor(self.chain_id, is_verified, plans=plans)
        self.refused_plans: list[str] = []
        with disk_faults(folder):
            folder.parent.mkdir(parents=True, exist_ok=True)
            self._lock = FolderLock(folder)
            try:
                opened = patiently(lambda: open_chain(folder, genesis, tuning, plans, on_migrate))
                self.store, self.repaired = opened
            except BaseException:
                self._lock.release()
                raise
            self._mark = begin_mark(folder, self.store, tuning)
        self.recovered_from = None if self.repaired is None else self.repaired.error
        height = self.store.head_height()
        self.head: Header = self.store.header(height)
        self.head_id = block_id(self.head)
        self.head_commit: Commit | None = self.store.commit(height) if height else None
        self._drop_passed_over()
        self.sift_plans()

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
        self.sift_plans()
        return executed.receipts

    def sift_plans(self, child: Header | None = None) -> None:
        """Drop what is no good among the plans about the head, which else would stop execution.

        `child`, where it is known, is the header above the head: it shows whether a plan counted.
        """
        executor, verify = self.executor, self.executor.verify_signature
        executor.plans, refused = sift_plans(executor.plans, self.state(), self.head, verify, child)
        self.refused_plans += refused

    def _drop_passed_over(self) -> None:
        """Drop plans about older blocks above which the chain went on without them."""
        for plan in self.executor.plans:
            if plan.height < self.store.base_height:  # all of that is in the snapshot
                self.executor.plans = tuple(one for one in self.executor.plans if one != plan)
                continue
            if plan.height >= self.height or not plan_above((plan,), self._header(plan.height)):
                continue
            try:
                check_follows(plan, self._header(plan.height + 1))
            except RecoveryPlanError as error:
                self.executor.plans = tuple(one for one in self.executor.plans if one != plan)
                self.refused_plans.append(str(error))

    def _header(self, height: int) -> Header:
        return self.store.header(height)

    def close(self, *, clean: bool = True) -> None:
        """Close the store."""
        try:
            with disk_faults(self.folder):
                self.store.close(clean=clean)
        finally:
            if self._mark is not None:
                self._mark.close()
            self._lock.release()
