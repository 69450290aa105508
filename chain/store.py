"""The store: LevelDB behind a few named tables, one batch a block.

A commit is one atomic write: block, certificate, receipts, indexes and state together, so a
power cut leaves the height before or the height after. A mark tells a clean stop from a dirty one.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import TracebackType
from typing import Any, Self

from chain.block import Block, Commit, block_id, encode_block
from chain.codec import encode, encode_value
from chain.due_window import DueWindow
from chain.errors import StoreError
from chain.executed import ExecutedBlock
from chain.frozen import OPEN_KEY, Frozen
from chain.leveldb import leveldb
from chain.snapshot import SnapshotBase, SnapshotManifest
from chain.state import QUEUE_PREFIX, QUEUE_STOP
from chain.store_blocks import BASE_KEY, BODIES_KEY, CHAIN_KEY, HEAD_KEY, BlockReads
from chain.store_faults import find_fault
from chain.store_format import FORMAT, GENESIS_KEY, SCHEMA_KEY, read_format
from chain.tables import Table, Tuning, height_key, place_key

CACHED_BYTES_MAX = 1_024  # longer values are read anew: a full cache of them would fill the memory
_STATE, _NODE = Table.STATE.value, Table.NODE.value
_MARK_KEY = Table.META.value + b"filling"


class Store(BlockReads):
    """One chain on disk. Opening marks it dirty, `close` clean; `was_dirty` tells the last stop."""

    def __init__(
        self,
        path: str,
        tuning: Tuning | None = None,
        *,
        create: bool = True,
        reads_older: bool = False,
    ) -> None:
        """Open the store in folder `path`, or make it if there is none and `create` says so.

        One of an earlier format is opened only if that is wanted, for reading or migrating.
        LevelDB checks everything it reads and merges. Raises StoreInUseError, OlderFormatError,
        NewerFormatError, UnreadableStoreError, DiskFullError, ReadOnlyStoreError, StoreError.
        """
        self._path, self._tuning = path, tuning or Tuning()
        super().__init__(self._tuning)
        self._broken: StoreError | None = None  # after a failed write, none is tried any more
        try:
            self._db = leveldb.DB(
                path,
                create_if_missing=create,
                paranoid_checks=True,
                write_buffer_size=self._tuning.write_buffer_bytes,
                bloom_filter_bits=10,
                compression=None,  # hashes and signatures, which do not shrink
            )
        except (leveldb.Error, OSError) as error:
            raise find_fault(error, path, "open") from error
        try:
            self._begin(reads_older=reads_older)
        except StoreError:
            self._db.close()
            raise
        self._values: dict[bytes, bytes | None] = {}
        self._nodes: dict[bytes, bytes | None] = {}
        self._held: dict[bytes, bytes | None] = {}  # tree records not on disk yet
        self._due = DueWindow(self._scan, QUEUE_PREFIX, QUEUE_STOP)

    def _begin(self, *, reads_older: bool) -> None:
        self.format = read_format(self._read(SCHEMA_KEY), self._path, reads_older=reads_older)
        self.was_dirty = self._read(OPEN_KEY) is not None
        self._load_reach()
        batch = self._db.write_batch(sync=self._tuning.sync)
        batch.put(OPEN_KEY, b"1")
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
                batch.delete(OPEN_KEY)
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

    def _walk(self, source: Any = None, **bounds: Any) -> Iterator[Any]:
        try:
            with (self._db if source is None else source).iterator(
                verify_checksums=True, **bounds
            ) as found:
                yield from found
        except leveldb.Error as error:
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
        except leveldb.Error as error:
            raise find_fault(error, self._path, "read") from error
        return value

    def _write(self, batch: Any) -> None:
        """Write a batch, all of it or nothing; after a failure the log must get nothing more."""
        if self._broken is not None:
            raise self._broken
        try:
            batch.write()
        except leveldb.Error as error:
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
        put(HEAD_KEY, height)
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

    def set_format(self, number: int, genesis: bytes) -> None:
        """Write down a format and what the chain's id is the hash of; waits for the disk."""
        batch = self._db.write_batch(sync=True)
        self._put_format(batch, genesis, number)
        self._write(batch)
        self.format = number

    @staticmethod
    def _put_format(batch: Any, genesis: bytes, number: int = FORMAT) -> None:
        batch.put(SCHEMA_KEY, b"%d" % number)
        batch.put(GENESIS_KEY, genesis)

    def write_genesis(self, block: Block, executed: ExecutedBlock, genesis: bytes = b"") -> None:
        """Write height 0: the state of the genesis file, under a block without transactions.

        `genesis` is what the chain's id is the hash of.
        """
        height = height_key(0)
        batch = self._db.write_batch(sync=True)
        self._put_format(batch, genesis)
        batch.put(CHAIN_KEY, block.header.chain_id)
        batch.put(Table.BLOCK.value + height, encode_block(block))
        batch.put(Table.BLOCK_ID.value + executed.block_id, height)
        for key, value in executed.changes.items():
            if value is not None:
                batch.put(_STATE + key, value)
        _write_all(batch, _NODE, executed.nodes)
        batch.put(HEAD_KEY, height)
        self._write(batch)
        self._nodes.update(executed.nodes)
        self._remember(executed)

    def drop_bodies(self, heights: Iterable[int], first_body: int) -> None:
        """Keep no more than the headers of some blocks; from `first_body` on all are whole.

        In one batch. Receipts, certificates and indexes stay.
        """
        batch = self._db.write_batch(sync=True)
        for height in heights:
            batch.put(Table.HEADER.value + height_key(height), encode(self.header(height)))
            batch.delete(Table.BLOCK.value + height_key(height))
        batch.put(BODIES_KEY, height_key(first_body))
        self._write(batch)
        self.first_body = first_body
        self._blocks.clear()

    # Copies and snapshots ---------------------------------------------------------------------

    def freeze(self) -> Frozen:
        """Return all that is stored now, to be read while more is written; close it after use."""
        self.flush_nodes()
        return Frozen(self._db.snapshot(), self._walk)

    def put_raw(self, entries: Iterable[tuple[bytes, bytes]]) -> None:
        """Write entries as `Frozen.entries` gives them, in one batch: for filling a new store."""
        batch = self._db.write_batch(sync=False)
        for key, value in entries:
            batch.put(key, value)
        self._write(batch)

    def put_mark(self, value: bytes | None) -> None:
        """Remember some bytes about how far the filling of a new store has come; None: forget."""
        batch = self._db.write_batch(sync=True)
        if value is None:
            batch.delete(_MARK_KEY)
        else:
            batch.put(_MARK_KEY, value)
        self._write(batch)

    def mark(self) -> bytes | None:
        """Return what `put_mark` wrote, or None."""
        return self._read(_MARK_KEY)

    def put_state(self, entries: Iterable[tuple[bytes, bytes]], mark: bytes) -> None:
        """Write committed values and a mark into a store that is being filled, in one batch."""
        batch = self._db.write_batch(sync=True)
        for key, value in entries:
            batch.put(_STATE + key, value)
        batch.put(_MARK_KEY, mark)
        self._write(batch)
        self._values.clear()
        self._due.clear()

    def write_base(self, genesis: Block, manifest: SnapshotManifest, beginning: bytes) -> None:
        """Let a store with a snapshot's state and tree be a chain that begins with its block."""
        header, height = manifest.header, height_key(manifest.height)
        base = SnapshotBase(manifest.height, manifest.validators, manifest.next_validators)
        batch = self._db.write_batch(sync=True)
        self._put_format(batch, beginning)
        batch.put(CHAIN_KEY, header.chain_id)
        batch.put(Table.BLOCK.value + height_key(0), encode_block(genesis))
        batch.put(Table.BLOCK_ID.value + block_id(genesis.header), height_key(0))
        batch.put(Table.HEADER.value + height, encode(header))
        batch.put(Table.COMMIT.value + height, encode(manifest.commit))
        batch.put(Table.BLOCK_ID.value + block_id(header), height)
        batch.put(BASE_KEY, encode(base))
        batch.put(BODIES_KEY, height_key(manifest.height + 1))
        batch.put(HEAD_KEY, height)
        batch.delete(_MARK_KEY)
        self._write(batch)
        self._load_reach()

    # Whole tables -----------------------------------------------------------------------------

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

    def clear_nodes(self) -> None:
        """Forget the tree, which follows from the values."""
        self._held.clear()
        self._nodes.clear()
        batch = self._db.write_batch()
        for key in self._walk(prefix=_NODE, include_value=False):
            batch.delete(key)
        self._write(batch)

    def compact(self, table: Table | None = None) -> None:
        """Merge the store's files, or those of one table: what was deleted gives its room back."""
        self.flush_nodes()
        start = None if table is None else table.value
        stop = None if table is None else bytes([table.value[0] + 1])
        self._db.compact_range(start=start, stop=stop)


def salvage(path: str) -> None:
    """Let LevelDB make the store in a folder openable from whatever of its files is whole.

    What it can not read is gone then: used on a copy.
    """
    try:
        leveldb.repair_db(path, paranoid_checks=True, compression=None, bloom_filter_bits=10)
    except (leveldb.Error, OSError) as error:
        raise find_fault(error, path, "open") from error


def _write_all(batch: Any, prefix: bytes, changes: Mapping[bytes, bytes | None]) -> None:
    put, delete = batch.put, batch.delete
    for key, value in changes.items():
        if value is None:
            delete(prefix + key)
        else:
            put(prefix + key, value)
