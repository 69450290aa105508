"""Reading a store's blocks and what stands beside them: by height, by id, by topic.

A block that is not kept in full has its header in a table of its own. Below the height of the
snapshot with which a store began there is nothing but the genesis.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from itertools import islice
from typing import Any

from chain.block import Block, Commit, Header, decode_block
from chain.codec import decode, decode_value
from chain.errors import (
    CorruptStoreError,
    MalformedBytesError,
    PrunedError,
    StoreError,
    UnknownIdError,
)
from chain.receipt import Receipt
from chain.recent import Recent
from chain.snapshot import SnapshotBase
from chain.store_format import GENESIS_KEY
from chain.tables import Place, Table, Tuning, height_key, place_key, read_place

HEAD_KEY = Table.META.value + b"head"
CHAIN_KEY = Table.META.value + b"chain"
BASE_KEY = Table.META.value + b"base"
BODIES_KEY = Table.META.value + b"bodies"


class BlockReads(ABC):
    """What a store tells of its blocks; the store itself reads the bytes."""

    def __init__(self, tuning: Tuning) -> None:
        """Begin with nothing at hand; `_load_reach` tells what is kept."""
        self._blocks: Recent[Block] = Recent(tuning.blocks_cached_bytes)
        self._receipts: Recent[list[Receipt]] = Recent(tuning.receipts_cached_bytes)
        self.base: SnapshotBase | None = None  # where a store that a snapshot began begins
        self.first_body = 1  # from this height on, all blocks are kept in full

    @abstractmethod
    def _read(self, key: bytes) -> bytes | None:
        """Return the value of a key with its table's prefix, or None."""

    @abstractmethod
    def _walk(self, **bounds: Any) -> Iterator[Any]:
        """Yield keys, or keys and values, within bounds."""

    def _load_reach(self) -> None:
        """Find out which blocks are kept."""
        base, bodies = self._read(BASE_KEY), self._read(BODIES_KEY)
        self.base = None if base is None else decode(SnapshotBase, base)
        self.first_body = 1 if bodies is None else int.from_bytes(bodies, "big")

    @property
    def base_height(self) -> int:
        """The height from which headers and certificates are kept; 0: from the genesis on."""
        return 0 if self.base is None else self.base.height

    @property
    def keeps_all(self) -> bool:
        """Whether every block from the genesis on is kept in full."""
        return self.first_body <= 1

    def chain_id(self) -> bytes | None:
        """Return the id of the chain in the store, or None if it is empty."""
        return self._read(CHAIN_KEY)

    def genesis_bytes(self) -> bytes | None:
        """Return what the chain's id is the hash of; None in a store that does not know it."""
        return self._read(GENESIS_KEY) or None

    def head_height(self) -> int:
        """Return the height of the newest block."""
        data = self._read(HEAD_KEY)
        if data is None:
            text = "the store is empty"
            raise StoreError(text)
        return int.from_bytes(data, "big")

    def block(self, height: int) -> Block:
        """Return the block at a height; raises UnknownIdError, PrunedError, CorruptStoreError."""
        block = self._blocks.get(height)
        if block is None:
            data = self._at_height(Table.BLOCK, height, self.first_body)
            try:
                block = decode_block(data)
            except MalformedBytesError as error:
                raise CorruptStoreError(height, f"stored block: {error}") from error
            self._blocks.keep(height, block, len(data))
        return block

    def header(self, height: int) -> Header:
        """Return the header at a height; raises what `block` does."""
        if 0 < height < self.first_body:
            data = self._read(Table.HEADER.value + height_key(height))
            if data is not None:
                try:
                    return decode(Header, data)
                except MalformedBytesError as error:
                    raise CorruptStoreError(height, f"stored header: {error}") from error
        try:
            return self.block(height).header
        except PrunedError as error:
            raise PrunedError(height, self.base_height) from error

    def has_body(self, height: int) -> bool:
        """Tell whether the block at a height is kept in full."""
        if height >= self.first_body:
            return True
        return self._read(Table.BLOCK.value + height_key(height)) is not None

    def commit(self, height: int) -> Commit:
        """Return the certificate of the block at a height (from 1 on)."""
        data = self._at_height(Table.COMMIT, height, self.base_height)
        try:
            return decode(Commit, data)
        except MalformedBytesError as error:
            raise CorruptStoreError(height, f"stored certificate: {error}") from error

    def receipt_bytes(self, height: int) -> list[bytes]:
        """Return the encoded receipts of the block at a height (from 1 on)."""
        data = self._at_height(Table.RECEIPTS, height, self.base_height + 1)
        try:
            items = decode_value(data)
        except MalformedBytesError as error:
            raise CorruptStoreError(height, f"stored receipts: {error}") from error
        if not isinstance(items, list) or not all(isinstance(one, bytes) for one in items):
            raise CorruptStoreError(height, "stored receipts are no list of bytes")
        return items

    def receipts(self, height: int) -> list[Receipt]:
        """Return the receipts of the block at a height (from 1 on)."""
        receipts = self._receipts.get(height)
        if receipts is None:
            encoded = self.receipt_bytes(height)
            try:
                receipts = [decode(Receipt, data) for data in encoded]
            except MalformedBytesError as error:
                raise CorruptStoreError(height, f"stored receipts: {error}") from error
            self._receipts.keep(height, receipts, sum(map(len, encoded)))
        return list(receipts)

    def find_transaction(self, tx_id: bytes) -> Place | None:
        """Return (height, number among the block's transactions), or None."""
        data = self._read(Table.TRANSACTION.value + tx_id)
        if data is None:
            return None
        return read_place(data)

    def find_block(self, wanted: bytes) -> int | None:
        """Return the height of the block with an id, or None."""
        data = self._read(Table.BLOCK_ID.value + wanted)
        return None if data is None else int.from_bytes(data, "big")

    def find_events(self, topic: bytes, after: Place, limit: int) -> list[Place]:
        """Return at most `limit` places (height, number) of a topic above `after`, in order."""
        prefix = Table.TOPIC.value + topic
        start, stop = prefix + place_key(*after), prefix + b"\xff" * 9
        keys = self._walk(start=start, stop=stop, include_start=False, include_value=False)
        return [read_place(key[len(prefix) :]) for key in islice(keys, limit)]

    def newest_events(self, topic: bytes, before: Place, limit: int) -> list[Place]:
        """Return at most `limit` places (height, number) of a topic below `before`, last first."""
        prefix = Table.TOPIC.value + topic
        stop = prefix + place_key(*before)
        keys = self._walk(start=prefix, stop=stop, include_value=False, reverse=True)
        return [read_place(key[len(prefix) :]) for key in islice(keys, limit)]

    def _at_height(self, table: Table, height: int, first: int) -> bytes:
        """Return the bytes of a height; those below `first` may be missing for a reason."""
        try:
            data = self._read(table.value + height_key(height))
        except StoreError as error:
            raise CorruptStoreError(height, f"{table.name.lower()} unreadable: {error}") from error
        if data is None and 0 < height < first:
            raise PrunedError(height, first)
        if data is None:
            text = f"height {height}: no {table.name.lower()} is stored"
            raise UnknownIdError(text)
        return data
