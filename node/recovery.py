"""Making a store whole after a bad stop: checked against its head, rebuilt if need be."""

from chain.block import block_id
from chain.errors import CorruptStoreError, InvalidBlockError, UnknownIdError
from chain.genesis import Genesis
from chain.pots import read_pot
from chain.state import QUEUE_PREFIX, QUEUE_STOP, Space, State
from chain.store import Store
from chain.timers import Kind, queue_key, read_timer
from chain.tree import tree_root, update_tree
from contracts.execution import Executor
from node.genesis_block import genesis_block

REBUILD_CHUNK = 20_000  # values to a batch when the tree is made anew


def check_head(store: Store) -> None:
    """After a dirty stop: raise CorruptStoreError unless head, id and values agree.

    The tree is made anew from all values: its root must be the one that the head's header names.
    The queue of what falls due must be that of the timers and pots.
    """
    height = store.head_height()
    header = store.header(height)
    if store.find_block(block_id(header)) != height:
        raise CorruptStoreError(height, "the head's id is not indexed")
    if rebuild_tree(store) != header.state_root:
        raise CorruptStoreError(height, "the stored state is not the one the head's header names")
    if dict(store.iterate(QUEUE_PREFIX, QUEUE_STOP)) != expected_queue(store):
        raise CorruptStoreError(height, "the queue is not that of the stored timers and pots")


def expected_queue(store: Store) -> dict[bytes, bytes]:
    """Return the queue of what falls due as it follows from all timers and pots."""
    state = State(store)
    queue: dict[bytes, bytes] = {}
    for place, _value in store.iterate(bytes([Space.TIMER]), bytes([Space.TIMER + 1])):
        timer = read_timer(state, place)
        assert timer is not None, "it was just read"
        queue[queue_key(timer.due, Kind.TIMER, timer.sequence)] = place
    for place, _value in store.iterate(bytes([Space.POT]), bytes([Space.POT + 1])):
        pot = read_pot(state, place)
        assert pot is not None, "it was just read"
        queue[queue_key(pot.until, Kind.FALLBACK, pot.sequence)] = place
    return queue


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
