"""The store: LevelDB behind a few named tables, one batch a block. The only door to plyvel.

A commit is one atomic write: block, certificate, receipts, indexes and state together, so a
power cut leaves the height before or the height after. A mark tells a clean stop from a dirty one.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from types import TracebackType
from typing import Any, Self, TypeAlias

import plyvel

from chain.block import Block, Commit, Header, decode_block, encode_block
from chain.codec import decode, decode_value, encode, encode_value
from chain.due_window import DueWindow
from chain.errors import CorruptStoreError, MalformedBytesError, StoreError, UnknownIdError
from chain.executed import ExecutedBlock
from chain.receipt import Receipt
from chain.recent import Recent
from chain.state import QUEUE_PREFIX, QUEUE_STOP
from chain.tables import Table, Tuning

SCHEMA = b"1"
CACHED_BYTES_MAX = 1_024  # longer values are read anew: a full cache of them would fill the memory
_HEIGHT_BYTES = 8
_PLACE = (5, 3)  # bytes of a height and of a number within it, in indexes
Place: TypeAlias = tuple[int, int]  # a height and a number in its block

_STATE, _NODE = Table.STATE.value, Table.NODE.value
_HEAD_KEY = Table.META.value + b"head"
_OPEN_KEY = Table.META.value + b"open"
_SCHEMA_KEY = Table.META.value + b"schema"
_CHAIN_KEY = Table.META.value + b"chain"


class Store:
    """One chain on disk. Opening marks it dirty, `close` clean; `was_dirty` tells the last stop."""

    def __init__(self, path: str, tuning: Tuning | None = None, *, checked: bool = False) -> None:
        """Open or make the store in folder `path`.

        `checked`: verify LevelDB's checksums at every
        read. Raises StoreError if it is in use, unreadable or of another schema.
        """
        self._tuning, self._checked = tuning or Tuning(), checked
        try:
            self._db = plyvel.DB(
                path,
                create_if_missing=True,
                paranoid_checks=checked,
                write_buffer_size=self._tuning.write_buffer_bytes,
                bloom_filter_bits=10,
                compression=None,  # hashes and signatures, which do not shrink
            )
        except (plyvel.Error, OSError) as error:
            text = f"store {path} does not open: {error}; is another node using it?"
            raise StoreError(text) from error
        schema = self._db.get(_SCHEMA_KEY)
        if schema not in {None, SCHEMA}:
            self._db.close()
            text = f"store {path} has schema {schema!r}, this program reads {SCHEMA!r}"
            raise StoreError(text)
        self.was_dirty = self._db.get(_OPEN_KEY) is not None
        self._db.put(_OPEN_KEY, b"1", sync=self._tuning.sync)
        self._values: dict[bytes, bytes | None] = {}
        self._nodes: dict[bytes, bytes | None] = {}
        self._held: dict[bytes, bytes | None] = {}  # tree records not on disk yet
        self._due = DueWindow(self._scan, QUEUE_PREFIX, QUEUE_STOP)
        self._blocks: Recent[Block] = Recent(self._tuning.blocks_cached_bytes)
        self._receipts: Recent[list[Receipt]] = Recent(self._tuning.receipts_cached_bytes)

    def __enter__(self) -> Self:
        """Return the open store."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close, as dirty if an exception passes."""
        self.close(clean=kind is None)

    def close(self, *, clean: bool = True) -> None:
        """Close the store; `clean` unless something went wrong."""
        if not self._db.closed:
            if clean:
                self.flush_nodes()
                self._db.delete(_OPEN_KEY, sync=True)
            self._db.close()

    # State reader and node reader -------------------------------------------------------------

    def get(self, key: bytes) -> bytes | None:
        """Return the committed value of a state key, or None."""
        values = self._values
        if key in values:
            return values[key]
        if len(values) >= self._tuning.values_cached_max:
            values.clear()
        value = self._read(_STATE + key)
        if value is None or len(value) <= CACHED_BYTES_MAX:
            values[key] = value
        return value

    def scan(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        """Return at most `limit` committed pairs of start <= key < stop, in key order."""
        if start >= QUEUE_PREFIX:
            return self._due.scan(start, stop, limit)
        return self._scan(start, stop, limit)

    def _scan(self, start: bytes, stop: bytes, limit: int) -> list[tuple[bytes, bytes]]:
        found: list[tuple[bytes, bytes]] = []
        with self._db.iterator(
            start=_STATE + start, stop=_STATE + stop, verify_checksums=self._checked
        ) as pairs:
            for key, value in pairs:
                if len(found) == limit:
                    break
                found.append((key[1:], value))
        return found

    def iterate(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield every committed pair of start <= key < stop, in key order."""
        with self._db.iterator(
            start=_STATE + start, stop=_STATE + stop, verify_checksums=self._checked
        ) as pairs:
            for key, value in pairs:
                yield key[1:], value

    def get_node(self, path: bytes) -> bytes | None:
        """Return the tree record at a path, or None."""
        if path in self._held:
            return self._held[path]
        nodes = self._nodes
        if path in nodes:
            return nodes[path]
        if len(nodes) >= self._tuning.nodes_cached_max:
            nodes.clear()
        node = nodes[path] = self._read(_NODE + path)
        return node

    def put_nodes(self, nodes: Mapping[bytes, bytes | None]) -> None:
        """Take tree records; they are on disk after `flush_nodes` or a later block."""
        self._held.update(nodes)

    def flush_nodes(self) -> None:
        """Write the tree records that wait in memory."""
        with self._db.write_batch(sync=self._tuning.sync) as batch:
            self._write_held(batch)

    def _write_held(self, batch: Any) -> None:
        _write_all(batch, _NODE, self._held)
        if len(self._nodes) >= self._tuning.nodes_cached_max:
            self._nodes.clear()
        self._nodes.update(self._held)
        self._held.clear()

    def _read(self, key: bytes) -> bytes | None:
        try:
            value: bytes | None = self._db.get(key, verify_checksums=self._checked)
        except plyvel.Error as error:
            text = f"LevelDB can not read what it wrote: {error}"
            raise StoreError(text) from error
        return value

    # Writing ----------------------------------------------------------------------------------

    def append(self, executed: ExecutedBlock, commit: Commit) -> None:
        """Write a committed block with everything that follows from it, in one batch."""
        header = executed.block.header
        height = _height_key(header.height)
        self.put_nodes(executed.nodes)
        with self._db.write_batch(sync=self._tuning.sync) as batch:
            put = batch.put
            put(Table.BLOCK.value + height, encode_block(executed.block))
            put(Table.COMMIT.value + height, encode(commit))
            put(Table.RECEIPTS.value + height, encode_value(executed.receipt_bytes))
            put(Table.BLOCK_ID.value + executed.block_id, height)
            for number, tx_id in enumerate(executed.tx_ids):
                put(Table.TRANSACTION.value + tx_id, _place(header.height, number))
            for number, topic in executed.topics:
                put(Table.TOPIC.value + topic + _place(header.height, number), b"")
            _write_all(batch, _STATE, executed.changes)
            if len(self._held) > self._tuning.nodes_held_max:
                self._write_held(batch)
            put(_HEAD_KEY, height)
        self._remember(executed)

    def _remember(self, executed: ExecutedBlock) -> None:
        if len(self._values) >= self._tuning.values_cached_max:
            self._values.clear()
        self._values.update(executed.changes)
        for key, value in executed.changes.items():
            if value is not None and len(value) > CACHED_BYTES_MAX:
                del self._values[key]
        self._due.apply([one for one in executed.changes.items() if one[0] >= QUEUE_PREFIX])

    def write_genesis(self, block: Block, executed: ExecutedBlock) -> None:
        """Write height 0: the state of the genesis file, under a block without transactions."""
        height = _height_key(0)
        with self._db.write_batch(sync=True) as batch:
            batch.put(_SCHEMA_KEY, SCHEMA)
            batch.put(_CHAIN_KEY, block.header.chain_id)
            batch.put(Table.BLOCK.value + height, encode_block(block))
            batch.put(Table.BLOCK_ID.value + executed.block_id, height)
            for key, value in executed.changes.items():
                if value is not None:
                    batch.put(_STATE + key, value)
            _write_all(batch, _NODE, executed.nodes)
            batch.put(_HEAD_KEY, height)
        self._nodes.update(executed.nodes)
        self._remember(executed)

    # Reading blocks ---------------------------------------------------------------------------

    def chain_id(self) -> bytes | None:
        """Return the id of the chain in the store, or None if it is empty."""
        return self._read(_CHAIN_KEY)

    def head_height(self) -> int:
        """Return the height of the newest block."""
        data = self._read(_HEAD_KEY)
        if data is None:
            text = "the store is empty"
            raise StoreError(text)
        return int.from_bytes(data, "big")

    def block(self, height: int) -> Block:
        """Return the block at a height; raises UnknownIdError or CorruptStoreError."""
        block = self._blocks.get(height)
        if block is None:
            data = self._at_height(Table.BLOCK, height)
            try:
                block = decode_block(data)
            except MalformedBytesError as error:
                raise CorruptStoreError(height, f"stored block: {error}") from error
            self._blocks.keep(height, block, len(data))
        return block

    def header(self, height: int) -> Header:
        """Return the header at a height."""
        return self.block(height).header

    def commit(self, height: int) -> Commit:
        """Return the certificate of the block at a height (from 1 on)."""
        data = self._at_height(Table.COMMIT, height)
        try:
            return decode(Commit, data)
        except MalformedBytesError as error:
            raise CorruptStoreError(height, f"stored certificate: {error}") from error

    def receipt_bytes(self, height: int) -> list[bytes]:
        """Return the encoded receipts of the block at a height (from 1 on)."""
        data = self._at_height(Table.RECEIPTS, height)
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
            receipts = [decode(Receipt, data) for data in encoded]
            self._receipts.keep(height, receipts, sum(map(len, encoded)))
        return list(receipts)

    def find_transaction(self, tx_id: bytes) -> Place | None:
        """Return (height, number among the block's transactions), or None."""
        data = self._read(Table.TRANSACTION.value + tx_id)
        if data is None:
            return None
        return _read_place(data)

    def find_block(self, wanted: bytes) -> int | None:
        """Return the height of the block with an id, or None."""
        data = self._read(Table.BLOCK_ID.value + wanted)
        return None if data is None else int.from_bytes(data, "big")

    def find_events(self, topic: bytes, after: Place, limit: int) -> list[Place]:
        """Return at most `limit` places (height, number) of a topic above `after`, in order."""
        prefix = Table.TOPIC.value + topic
        start, stop = prefix + _place(*after), prefix + b"\xff" * 9
        with self._db.iterator(
            start=start, stop=stop, include_start=False, include_value=False
        ) as keys:
            return [_read_place(key[len(prefix) :]) for key in islice(keys, limit)]

    def newest_events(self, topic: bytes, before: Place, limit: int) -> list[Place]:
        """Return at most `limit` places (height, number) of a topic below `before`, last first."""
        prefix = Table.TOPIC.value + topic
        with self._db.iterator(
            start=prefix, stop=prefix + _place(*before), include_value=False, reverse=True
        ) as keys:
            return [_read_place(key[len(prefix) :]) for key in islice(keys, limit)]

    def table_entries(self, table: Table) -> Iterator[tuple[bytes, bytes]]:
        """Yield every (key without prefix, value) of a table in key order, checksums verified."""
        self.flush_nodes()
        try:
            with self._db.iterator(prefix=table.value, verify_checksums=True) as pairs:
                for key, value in pairs:
                    yield key[1:], value
        except plyvel.Error as error:
            text = f"LevelDB can not read table {table.name.lower()}: {error}"
            raise StoreError(text) from error

    def _at_height(self, table: Table, height: int) -> bytes:
        try:
            data = self._read(table.value + _height_key(height))
        except StoreError as error:
            raise CorruptStoreError(height, f"{table.name.lower()} unreadable: {error}") from error
        if data is None:
            text = f"height {height}: no {table.name.lower()} is stored"
            raise UnknownIdError(text)
        return data

    def clear_derived(self) -> None:
        """Forget state, tree and topics, which follow from the blocks; used before a rebuild."""
        self.clear_nodes()
        for table in (Table.STATE, Table.TOPIC):
            self._clear(table)
        self._values.clear()
        self._due.clear()

    def clear_nodes(self) -> None:
        """Forget the tree, which follows from the values."""
        self._held.clear()
        self._nodes.clear()
        self._clear(Table.NODE)

    def _clear(self, table: Table) -> None:
        with self._db.write_batch() as batch:
            for key, _value in self._db.iterator(prefix=table.value):
                batch.delete(key)

    def compact(self) -> None:
        """Merge the store's files; used before a chain is put away."""
        self.flush_nodes()
        self._db.compact_range()


def _write_all(batch: Any, prefix: bytes, changes: Mapping[bytes, bytes | None]) -> None:
    put, delete = batch.put, batch.delete
    for key, value in changes.items():
        if value is None:
            delete(prefix + key)
        else:
            put(prefix + key, value)


def _height_key(height: int) -> bytes:
    return height.to_bytes(_HEIGHT_BYTES, "big")


def _place(height: int, number: int) -> bytes:
    return height.to_bytes(_PLACE[0], "big") + number.to_bytes(_PLACE[1], "big")


def _read_place(data: bytes) -> Place:
    return int.from_bytes(data[: _PLACE[0]], "big"), int.from_bytes(data[_PLACE[0] :], "big")
