"""Making a store whole after a bad stop: checked against its head, rebuilt if need be."""

from chain.block import block_id
from chain.errors import CorruptStoreError, InvalidBlockError, UnknownIdError
from chain.genesis import Genesis
from chain.state import QUEUE_PREFIX
from chain.store import Store
from chain.tree import tree_root, update_tree
from contracts.execution import Executor
from node.genesis_block import genesis_block

REBUILD_CHUNK = 20_000  # values to a batch when the tree is made anew


def check_head(store: Store) -> None:
    """After a dirty stop: raise CorruptStoreError unless head, id and values agree.

    The tree is made anew from all values: its root must be the one that the head's header names.
    """
    height = store.head_height()
    header = store.header(height)
    if store.find_block(block_id(header)) != height:
        raise CorruptStoreError(height, "the head's id is not indexed")
    if rebuild_tree(store) != header.state_root:
        raise CorruptStoreError(height, "the stored state is not the one the head's header names")


def rebuild_tree(store: Store) -> bytes:
    """Make the tree anew from the stored values and return its root."""
    store.clear_nodes()
    chunk: dict[bytes, bytes | None] = {}
    for key, value in store.iterate(b"", QUEUE_PREFIX):
        chunk[key] = value
        if len(chunk) == REBUILD_CHUNK:
            store.put_nodes(update_tree(store, chunk).nodes)
            chunk = {}
    store.put_nodes(update_tree(store, chunk).nodes)
    store.flush_nodes()
    return tree_root(store)


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
