"""The store: LevelDB behind a few named tables, one batch a block. The only door to plyvel.

A commit is one atomic write: block, certificate, receipts, indexes and state together, so a
power cut leaves the height before or the height after. A mark tells a clean stop from a dirty one.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from types import TracebackType
from typing import Any, Self

import plyvel

from chain.block import Block, Commit, Header, decode_block, encode_block
from chain.codec import decode, decode_value, encode, encode_value
from chain.due_window import DueWindow
from chain.errors import CorruptStoreError, MalformedBytesError, StoreError, UnknownIdError
from chain.executed import ExecutedBlock
from chain.receipt import Receipt
from chain.recent import Recent
from chain.state import QUEUE_PREFIX, QUEUE_STOP
from chain.store_faults import find_fault
from chain.tables import Place, Table, Tuning, height_key, place_key, read_place

SCHEMA = b"1"
CACHED_BYTES_MAX = 1_024  # longer values are read anew: a full cache of them would fill the memory
_STATE, _NODE = Table.STATE.value, Table.NODE.value
_HEAD_KEY = Table.META.value + b"head"
_OPEN_KEY = Table.META.value + b"open"
_SCHEMA_KEY = Table.META.value + b"schema"
_CHAIN_KEY = Table.META.value + b"chain"


class Store:
    """One chain on disk. Opening marks it dirty, `close` clean; `was_dirty` tells the last stop."""

    def __init__(self, path: str, tuning: Tuning | None = None, *, create: bool = True) -> None:
        """Open the store in folder `path`, or make it if there is none and `create` says so.

        LevelDB checks everything it reads and merges. Raises StoreInUseError,
        UnreadableStoreError, DiskFullError, ReadOnlyStoreError or another StoreError.
        """
        self._path, self._tuning = path, tuning or Tuning()
        self._broken: StoreError | None = None  # after a failed write, none is tried any more
        try:
            self._db = plyvel.DB(
                path,
                create_if_missing=create,
                paranoid_checks=True,
                write_buffer_size=self._tuning.write_buffer_bytes,
                bloom_filter_bits=10,
                compression=None,  # hashes and signatures, which do not shrink
            )
        except (plyvel.Error, OSError) as error:
            raise find_fault(error, path, "open") from error
        try:
            self._begin()
        except StoreError:
            self._db.close()
            raise
        self._values: dict[bytes, bytes | None] = {}
        self._nodes: dict[bytes, bytes | None] = {}
        self._held: dict[bytes, bytes | None] = {}  # tree records not on disk yet
        self._due = DueWindow(self._scan, QUEUE_PREFIX, QUEUE_STOP)
        self._blocks: Recent[Block] = Recent(self._tuning.blocks_cached_bytes)
        self._receipts: Recent[list[Receipt]] = Recent(self._tuning.receipts_cached_bytes)

    def _begin(self) -> None:
        schema = self._read(_SCHEMA_KEY)
        if schema not in {None, SCHEMA}:
            text = f"store {self._path} has schema {schema!r}, this program reads {SCHEMA!r}"
            raise StoreError(text)
        self.was_dirty = self._read(_OPEN_KEY) is not None
        batch = self._db.write_batch(sync=self._tuning.sync)
        batch.put(_OPEN_KEY, b"1")
        self._write(batch)

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
        if self._db.closed:
            return
        try:
            if clean and self._broken is None:
                self.flush_nodes()
                batch = self._db.write_batch(sync=True)
                batch.delete(_OPEN_KEY)
                self._write(batch)
        finally:
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
        return list(islice(self.iterate(start, stop), limit))

    def iterate(self, start: bytes, stop: bytes) -> Iterator[tuple[bytes, bytes]]:
        """Yield every committed pair of start <= key < stop, in key order."""
        for key, value in self._walk(start=_STATE + start, stop=_STATE + stop):
            yield key[1:], value

    def _walk(self, **bounds: Any) -> Iterator[Any]:
        try:
            with self._db.iterator(verify_checksums=True, **bounds) as found:
                yield from found
        except plyvel.Error as error:
            raise find_fault(error, self._path, "read") from error

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
        batch = self._db.write_batch(sync=self._tuning.sync)
        _write_all(batch, _NODE, self._held)
        self._write(batch)
        self._forget_held()

    def _forget_held(self) -> None:
        if len(self._nodes) >= self._tuning.nodes_cached_max:
            self._nodes.clear()
        self._nodes.update(self._held)
        self._held.clear()

    def _read(self, key: bytes) -> bytes | None:
        try:
            value: bytes | None = self._db.get(key, verify_checksums=True)
        except plyvel.Error as error:
            raise find_fault(error, self._path, "read") from error
        return value

    def _write(self, batch: Any) -> None:
        """Write a batch, all of it or nothing; after a failure the log must get nothing more."""
        if self._broken is not None:
            raise self._broken
        try:
            batch.write()
        except plyvel.Error as error:
            self._broken = find_fault(error, self._path, "write")
            raise self._broken from error

    # Writing ----------------------------------------------------------------------------------

    def append(self, executed: ExecutedBlock, commit: Commit) -> None:
        """Write a committed block with everything that follows from it, in one batch."""
        header = executed.block.header
        height = height_key(header.height)
        is_flush = len(self._held) + len(executed.nodes) > self._tuning.nodes_held_max
        batch = self._db.write_batch(sync=self._tuning.sync)
        put = batch.put
        block_bytes = encode_block(executed.block)
        put(Table.BLOCK.value + height, block_bytes)
        put(Table.COMMIT.value + height, encode(commit))
        put(Table.RECEIPTS.value + height, encode_value(executed.receipt_bytes))
        put(Table.BLOCK_ID.value + executed.block_id, height)
        for number, tx_id in enumerate(executed.tx_ids):
            put(Table.TRANSACTION.value + tx_id, place_key(header.height, number))
        for number, topic in executed.topics:
            put(Table.TOPIC.value + topic + place_key(header.height, number), b"")
        _write_all(batch, _STATE, executed.changes)
        if is_flush:
            _write_all(batch, _NODE, self._held)
            _write_all(batch, _NODE, executed.nodes)
        put(_HEAD_KEY, height)
        self._write(batch)
        self.put_nodes(executed.nodes)
        if is_flush:
            self._forget_held()
        self._remember(executed)
        self._blocks.keep(header.height, executed.block, len(block_bytes))
        size_bytes = sum(map(len, executed.receipt_bytes))
        self._receipts.keep(header.height, list(executed.receipts), size_bytes)

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
        height = height_key(0)
        batch = self._db.write_batch(sync=True)
        batch.put(_SCHEMA_KEY, SCHEMA)
        batch.put(_CHAIN_KEY, block.header.chain_id)
        batch.put(Table.BLOCK.value + height, encode_block(block))
        batch.put(Table.BLOCK_ID.value + executed.block_id, height)
        for key, value in executed.changes.items():
            if value is not None:
                batch.put(_STATE + key, value)
        _write_all(batch, _NODE, executed.nodes)
        batch.put(_HEAD_KEY, height)
        self._write(batch)
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

    def table_entries(self, table: Table) -> Iterator[tuple[bytes, bytes]]:
        """Yield every (key without prefix, value) of a table in key order, checksums verified."""
        self.flush_nodes()
        for key, value in self._walk(prefix=table.value):
            yield key[1:], value

    def table_keys(self, table: Table) -> Iterator[bytes]:
        """Yield every key (without prefix) of a table in order; checks the values' bytes too."""
        for key in self._walk(prefix=table.value, include_value=False):
            yield key[1:]

    def table_bytes(self, table: Table) -> int:
        """Return about how many bytes a table takes on disk, the log left out."""
        start = table.value
        size: int = self._db.approximate_size(start, bytes([start[0] + 1]))
        return size

    def _at_height(self, table: Table, height: int) -> bytes:
        try:
            data = self._read(table.value + height_key(height))
        except StoreError as error:
            raise CorruptStoreError(height, f"{table.name.lower()} unreadable: {error}") from error
        if data is None:
            text = f"height {height}: no {table.name.lower()} is stored"
            raise UnknownIdError(text)
        return data

    def clear_nodes(self) -> None:
        """Forget the tree, which follows from the values."""
        self._held.clear()
        self._nodes.clear()
        batch = self._db.write_batch()
        for key in self._walk(prefix=_NODE, include_value=False):
            batch.delete(key)
        self._write(batch)

    def compact(self) -> None:
        """Merge the store's files; used before a chain is put away."""
        self.flush_nodes()
        self._db.compact_range()


def salvage(path: str) -> None:
    """Let LevelDB make the store in a folder openable from whatever of its files is whole.

    What it can not read is gone then: used on a copy.
    """
    try:
        plyvel.repair_db(path, paranoid_checks=True, compression=None, bloom_filter_bits=10)
    except (plyvel.Error, OSError) as error:
        raise find_fault(error, path, "open") from error


def _write_all(batch: Any, prefix: bytes, changes: Mapping[bytes, bytes | None]) -> None:
    put, delete = batch.put, batch.delete
    for key, value in changes.items():
        if value is None:
            delete(prefix + key)
        else:
            put(prefix + key, value)
