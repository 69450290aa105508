"""Checking a chain that can not be executed again, because older blocks are not kept in full.

What is kept must fit together: headers link, ids, certificates, receipts and transactions are those
that headers name, and the state, hashed anew from every value, is that of the newest header.
"""

from collections.abc import Callable
from dataclasses import dataclass

from chain.block import Header, block_id
from chain.errors import CorruptStoreError, InvalidBlockError, WashError
from chain.merkle import root
from chain.receipt import count_firings
from chain.rules import check_commit
from chain.state import State
from chain.store import Store
from chain.transaction import read_transaction
from chain.validators import ValidatorSet, read_validators
from node.storage.check import scan_tables
from node.storage.recovery import check_values


@dataclass(frozen=True, slots=True)
class Kept:
    """What was looked at: transactions in blocks kept in full, firings in all receipts."""

    transactions: int
    timers_fired: int


def check_kept(store: Store, on_progress: Callable[[int, int], None]) -> Kept:
    """Check every byte of a store against its headers, and its state against the newest.

    Certificates are checked with every signature where their validators are the newest ones or
    those of the snapshot that the chain began with; of older ones only whom they are of. Raises
    CorruptStoreError, or another WashError.
    """
    head = store.head_height()
    scan_tables(store, head)
    check_values(store, store.header(head))
    sets = [read_validators(State(store))]
    if store.base is not None:
        sets += [store.base.validators, store.base.next_validators]
    known = {one.set_hash(): one for one in sets}
    transactions = timers_fired = 0
    parent: Header | None = None
    for height in range(store.base_height, head + 1):
        header = store.header(height)
        _check_links(store, height, header, parent)
        if height:
            _check_commit(store, header, known)
        if height > store.base_height:
            timers_fired += _check_receipts(store, header)
        if store.has_body(height):
            transactions += _check_body(store, header)
        parent = header
        on_progress(height, head)
    return Kept(transactions, timers_fired)


def _check_links(store: Store, height: int, header: Header, parent: Header | None) -> None:
    if header.height != height or (parent is not None and header.parent_id != block_id(parent)):
        raise CorruptStoreError(height, "the block is not the child of the one before")
    if store.find_block(block_id(header)) != height:
        raise CorruptStoreError(height, "the block's id is not indexed")


def _check_commit(store: Store, header: Header, known: dict[bytes, ValidatorSet]) -> None:
    commit = store.commit(header.height)
    if commit.block_id != block_id(header):
        raise CorruptStoreError(header.height, "the certificate is of another block")
    validators = known.get(header.validators_hash)
    if validators is not None:
        try:
            check_commit(commit, header, validators)
        except InvalidBlockError as error:
            raise CorruptStoreError(header.height, str(error)) from error


def _check_receipts(store: Store, header: Header) -> int:
    if root(store.receipt_bytes(header.height)) != header.receipt_root:
        raise CorruptStoreError(header.height, "the receipts are not those of the block")
    return count_firings(store.receipts(header.height))


def _check_body(store: Store, header: Header) -> int:
    try:
        found = [read_transaction(data) for data in store.block(header.height).transactions]
    except WashError as error:
        raise CorruptStoreError(header.height, str(error)) from error
    if root([tx.witness_id for tx in found]) != header.tx_root:
        raise CorruptStoreError(header.height, "the transactions are not those of the block")
    for number, tx in enumerate(found):
        if store.find_transaction(tx.tx_id) != (header.height, number):
            raise CorruptStoreError(header.height, f"transaction {tx.tx_id.hex()} is not indexed")
    return len(found)
