"""What must hold of a store before a node uses it."""

from chain.block import block_id
from chain.errors import (
    CorruptStoreError,
    InvalidBlockError,
    MalformedBytesError,
    UnknownIdError,
)
from chain.merkle import root
from chain.rules import check_commit
from chain.state import State
from chain.store import Store
from chain.tables import Table, height_key
from chain.tree import tree_root
from chain.validators import read_validators
from node.storage.recovery import check_values

SCAN_BYTES_MAX = 256 * 1024 * 1024  # read in less than a second; a larger one after a bad stop only
NEWEST = 1_000
_FROM_HEIGHT = {Table.BLOCK: 0, Table.COMMIT: 1, Table.RECEIPTS: 1}


def check_store(store: Store, came_to: int | None, *, is_scanned: bool) -> None:
    """Raise CorruptStoreError or UnreadableStoreError unless the store is whole.

    The head, its certificate, its state's root and the newest blocks are looked at always; every
    byte of every table if `is_scanned`, which comes after a stop that was not in order. `came_to`
    is the height that the chain is known to have had. Makes the tree anew after a dirty stop.
    """
    height = store.head_height()
    if came_to is not None and height < came_to:
        text = f"the chain had come to {came_to}, but its blocks end at {height}"
        raise CorruptStoreError(height + 1, text)
    try:
        if is_scanned or store.was_dirty:
            scan_tables(store, height)
        _check_newest(store, height)
        _check_head(store, height)
    except (UnknownIdError, MalformedBytesError, InvalidBlockError) as error:
        raise CorruptStoreError(height, str(error)) from error


def scan_tables(store: Store, height: int) -> None:
    """Read every table with its checksums; blocks and what stands beside them have no gap."""
    for table in Table:
        first = _FROM_HEIGHT.get(table)
        if first is None:
            for _key in store.table_keys(table):
                pass
            continue
        expected = first
        for key in store.table_keys(table):
            if key != height_key(expected):
                break
            expected += 1
        else:
            if expected == height + 1:
                continue
        text = f"no {table.name.lower()} is stored, or one too many"
        raise CorruptStoreError(min(expected, height), text)


def _check_newest(store: Store, height: int) -> None:
    """Check that the newest blocks hang together, and their receipts with them."""
    child = None
    for number in range(height, max(height - NEWEST, -1), -1):
        header = store.header(number)
        found = block_id(header)
        if header.height != number or (child is not None and child.parent_id != found):
            raise CorruptStoreError(number, "the block is not the parent of the next")
        if store.find_block(found) != number:
            raise CorruptStoreError(number, "the block's id is not indexed")
        child = header
        if not number:
            break
        if store.commit(number).block_id != found:
            raise CorruptStoreError(number, "the certificate is of another block")
        if root(store.receipt_bytes(number)) != header.receipt_root:
            raise CorruptStoreError(number, "the receipts are not those of the block")


def _check_head(store: Store, height: int) -> None:
    header = store.header(height)
    if store.was_dirty:
        check_values(store, header)
    elif tree_root(store) != header.state_root:
        raise CorruptStoreError(height, "the stored state is not the one the head's header names")
    validators = read_validators(State(store))
    if height and validators.set_hash() == header.validators_hash:  # else they change from here on
        check_commit(store.commit(height), header, validators)
