"""What must hold of a store before a node uses it."""

from collections.abc import Iterator
from heapq import merge

from chain.block import block_id
from chain.errors import (
    CorruptStoreError,
    InvalidBlockError,
    MalformedBytesError,
    PrunedError,
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
    except (UnknownIdError, PrunedError, MalformedBytesError, InvalidBlockError) as error:
        raise CorruptStoreError(height, str(error)) from error


def scan_tables(store: Store, height: int) -> None:
    """Read every table with its checksums; blocks and what stands beside them have no gap.

    Of a block that is not kept in full there is the header; below the height of the snapshot with
    which a chain began there is nothing.
    """
    by_height = {Table.BLOCK, Table.HEADER, Table.COMMIT, Table.RECEIPTS}
    for table in Table:
        if table not in by_height:
            for _key in store.table_keys(table):
                pass
    base = store.base_height
    blocks, headers = store.table_keys(Table.BLOCK), _headers(store)
    if next(blocks, None) != height_key(0):
        raise CorruptStoreError(0, "no block is stored")
    _check_gapless("block", merge(blocks, headers), max(base, 1), height)
    _check_gapless("commit", store.table_keys(Table.COMMIT), max(base, 1), height)
    _check_gapless("receipts", store.table_keys(Table.RECEIPTS), base + 1, height)


def _headers(store: Store) -> Iterator[bytes]:
    """Yield the heights of which there is the header alone, as keys."""
    for key in store.table_keys(Table.HEADER):
        if key >= height_key(store.first_body):
            height = int.from_bytes(key, "big")
            raise CorruptStoreError(height, "the block should be stored in full")
        yield key


def _check_gapless(what: str, keys: Iterator[bytes], first: int, height: int) -> None:
    expected = first
    for key in keys:
        if key != height_key(expected):
            break
        expected += 1
    else:
        if expected == height + 1:
            return
    text = f"no {what} is stored, or one too many"
    raise CorruptStoreError(min(expected, height), text)


def _check_newest(store: Store, height: int) -> None:
    """Check that the newest blocks hang together, and their receipts with them."""
    child = None
    for number in range(height, max(height - NEWEST, store.base_height - 1), -1):
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
        if number == store.base_height:
            break
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
