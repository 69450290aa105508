"""A chain on disk with what executes its blocks: opened from a genesis file, recovered."""

from collections.abc import Callable
from pathlib import Path

from chain.block import BLOCK_VERSION, Block, Commit, Header, block_id, commit_hash, list_hash
from chain.errors import CorruptStoreError, GenesisError, InvalidBlockError, UnknownIdError
from chain.executed import ExecutedBlock
from chain.genesis import Genesis, genesis_state
from chain.merkle import root
from chain.params import params_hash
from chain.receipt import Receipt
from chain.state import QUEUE_PREFIX, State
from chain.store import Store, Tuning, check_head
from chain.transaction import ReceivedTransaction
from chain.tree import update_tree
from chain.validators import read_validators
from contracts.execution import Executor


class _NoNodes:
    def get_node(self, _path: bytes, /) -> bytes | None:
        return None


def genesis_block(genesis: Genesis) -> ExecutedBlock:
    """Return height 0: a block without transactions whose state is the genesis file's."""
    chain_id = genesis.chain_id()
    state = genesis_state(genesis)
    changes = state.changes()
    leaves = {key: value for key, value in changes.items() if key[:1] != QUEUE_PREFIX}
    tree = update_tree(_NoNodes(), leaves)
    validators = read_validators(state).set_hash()
    empty = root([])
    header = Header(
        version=BLOCK_VERSION,
        chain_id=chain_id,
        height=0,
        time_ms=genesis.time_ms,
        parent_id=bytes(32),
        proposer=bytes(32),
        last_commit_hash=commit_hash(None),
        evidence_hash=list_hash("evidence", ()),
        skipped_hash=list_hash("skipped", ()),
        last_round=0,
        tx_root=empty,
        receipt_root=empty,
        state_root=tree.root,
        validators_hash=validators,
        next_validators_hash=validators,
        last_validators_change_height=0,
        params_hash=params_hash(genesis.chain_params()),
        gas_used=0,
    )
    block = Block(header, None, (), (), ())
    return ExecutedBlock(
        block=block,
        block_id=block_id(header),
        receipts=(),
        receipt_bytes=(),
        tx_ids=(),
        topics=(),
        changes=changes,
        nodes=tree.nodes,
        timers_fired=0,
        refused=(),
    )


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
        self.genesis = genesis
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


def rebuild_state(store: Store, genesis: Genesis, executor: Executor) -> None:
    """Make state, tree and indexes anew from the stored blocks; raises CorruptStoreError.

    It can be stopped anywhere: blocks above the head show the next start what is left to do.
    """
    store.clear_derived()
    first = genesis_block(genesis)
    store.write_genesis(first.block, first)
    replay_blocks(store, executor)


def replay_blocks(store: Store, executor: Executor) -> int:
    """Execute the stored blocks above the head and tell how many there were.

    Raises CorruptStoreError at a block that does not follow from the one before.
    """
    start = height = store.head_height()
    parent = store.header(height)
    while True:
        try:
            block = store.block(height + 1)
        except UnknownIdError:
            return height - start
        height += 1
        try:
            executed = executor.check(store, parent, block)
        except InvalidBlockError as error:
            raise CorruptStoreError(height, f"stored block: {error}") from error
        store.append(executed, store.commit(height))
        parent = block.header
