"""What follows from the blocks, made anew: the tree from the values, or all of it from blocks."""

from collections.abc import Callable, Sequence

from chain.block import Block, Commit, Header
from chain.errors import CorruptStoreError, InvalidBlockError, StoreError, UnknownIdError
from chain.features import check_features
from chain.genesis import Genesis
from chain.pots import read_pot
from chain.recovery import RecoveryPlan, next_validators, sift_plans
from chain.rules import check_commit, check_header
from chain.state import QUEUE_PREFIX, QUEUE_STOP, Space, State
from chain.store import Store
from chain.timers import Kind, queue_key, read_timer
from chain.tree import tree_root, update_tree
from contracts.execution import Executor
from node.storage.genesis_block import genesis_block

REBUILD_CHUNK = 20_000  # values to a batch when the tree is made anew


def check_values(store: Store, head: Header) -> None:
    """After a dirty stop: raise CorruptStoreError unless the values are those of the head.

    The tree is made anew from all values: its root must be the one that the head's header names.
    The queue of what falls due must be that of the timers and pots.
    """
    if rebuild_tree(store) != head.state_root:
        text = "the stored state is not the one the head's header names"
        raise CorruptStoreError(head.height, text)
    if dict(store.iterate(QUEUE_PREFIX, QUEUE_STOP)) != expected_queue(store):
        text = "the queue is not that of the stored timers and pots"
        raise CorruptStoreError(head.height, text)


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


def replay(
    source: Store,
    target: Store,
    genesis: Genesis,
    last: int,
    on_progress: Callable[[int, int], None],
    *,
    plans: Sequence[RecoveryPlan] = (),
) -> None:
    """Execute the blocks of one store up to `last` into another, which is empty.

    Signatures of transactions are not checked again: the certificates and the roots are. A plan
    counts where the block above the one it names was made by it. Raises
    CorruptStoreError at a block that is missing, damaged, or does not follow.
    """
    executor = Executor(genesis.chain_id(), lambda _tx: True, plans=plans)
    first = genesis_block(genesis)
    target.write_genesis(first.block, first, genesis.canonical_bytes())
    parent = first.block.header
    for height in range(1, last + 1):
        block = find_block(source, height)
        if block is None:
            raise CorruptStoreError(height, "the block is damaged or missing")
        commit = _find_commit(source, height)
        state = State(target)
        check_features(state, height)  # never by rules that this program lacks
        executor.plans, _ = sift_plans(executor.plans, state, parent, child=block.header)
        validators = next_validators(state, parent, executor.plans)
        try:
            check_header(block.header, parent, validators, executor.plans)
            check_commit(commit, block.header, validators)
            executed = executor.check(target, parent, block)
        except InvalidBlockError as error:
            raise CorruptStoreError(height, f"stored block: {error}") from error
        target.append(executed, commit)
        parent = block.header
        on_progress(height, last)


def find_block(store: Store, height: int) -> Block | None:
    """Return the block at a height, or None if it is missing or can not be read."""
    try:
        return store.block(height)
    except (StoreError, UnknownIdError):
        return None


def _find_commit(store: Store, height: int) -> Commit:
    """Return the certificate of a height, if need be the one that the next block carries."""
    try:
        return store.commit(height)
    except (StoreError, UnknownIdError) as error:
        child = find_block(store, height + 1)
        if child is None or child.last_commit is None:
            text = "the block's certificate is damaged or missing"
            raise CorruptStoreError(height, text) from error
        return child.last_commit
