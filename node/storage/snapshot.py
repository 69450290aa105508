"""Snapshots as files, and chains made from them.

    file        start | chunks, one behind the other | trailer | u32 length of the trailer |
                tagged hash of the trailer | end
    trailer     the manifest, and headers with their certificates that lead from the genesis to it

A file is written from the front and read from the end, so it is whole or none. A chain is made from
a manifest that is to be believed and its chunks in order, wherever they come from; what has been
taken in is on the disk, so that a stop costs one chunk. The folder of the chain is there at the end
or not at all.
"""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Annotated, NoReturn

from chain.codec import AtMost, decode, encode, wire
from chain.crypto import hash_bytes
from chain.errors import MalformedBytesError, SnapshotError, StoreError, StoreInUseError
from chain.genesis import Genesis
from chain.snapshot import (
    CHUNK_BYTES_MAX,
    MANIFEST_BYTES_MAX,
    ChunkInfo,
    SnapshotManifest,
    check_chunk,
    decode_manifest,
    describe_chunk,
    encode_manifest,
    snapshot_id,
)
from chain.state import State
from chain.store import Store
from chain.tables import THROW_AWAY
from chain.types import U32, Hash
from chain.validators import read_validators
from consensus import Candidate
from node.storage.disk import disk_faults
from node.storage.folder import beside, holds_database, sync_file, sync_folder
from node.storage.genesis_block import genesis_block
from node.storage.recovery import expected_queue, rebuild_tree
from node.storage.repair import note_height

START = b"washnode-snapshot-1\n"
END = b"\nend of snapshot\n"
STEPS_MAX = 512  # headers that lead from the genesis to the snapshot
TRAILER_BYTES_MAX = MANIFEST_BYTES_MAX + 16 * 1024 * 1024
_LENGTH_BYTES = 4
_SEAL_BYTES = _LENGTH_BYTES + 32
_QUEUE_BATCH = 10_000


@wire()
@dataclass(frozen=True, slots=True)
class _Trailer:
    manifest: Annotated[bytes, AtMost(MANIFEST_BYTES_MAX)]
    steps: Annotated[tuple[Candidate, ...], AtMost(STEPS_MAX)]


@wire()
@dataclass(frozen=True, slots=True)
class _Progress:
    """What a folder that is being filled is filled with, and how far: kept with the values."""

    snapshot: Hash
    chunks_done: U32
    last_key: Annotated[bytes, AtMost(CHUNK_BYTES_MAX)]


# Files ------------------------------------------------------------------------------------------


class SnapshotFile:
    """A snapshot in a file, read where it lies. Raises SnapshotError, or OSError."""

    def __init__(self, path: Path) -> None:
        """Read what the file says of itself; chunks are checked when they are read."""
        self.path = path
        with path.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            tail_bytes = _SEAL_BYTES + len(END)
            if size < len(START) + tail_bytes:
                self._refuse(f"{size} bytes are no snapshot")
            file.seek(0)
            is_begun = file.read(len(START)) == START
            file.seek(size - tail_bytes)
            tail = file.read(tail_bytes)
            if not is_begun or tail[_SEAL_BYTES:] != END:
                self._refuse("is no snapshot, or its end is missing")
            length = int.from_bytes(tail[:_LENGTH_BYTES], "big")
            start = size - tail_bytes - length
            if length > TRAILER_BYTES_MAX or start < len(START):
                self._refuse(f"the length of its trailer is {length} bytes")
            file.seek(start)
            data = file.read(length)
        if _seal(data) != tail[:_SEAL_BYTES]:
            self._refuse("its trailer is damaged")
        trailer = self._read_trailer(data)
        self.manifest, self.steps = decode_manifest(trailer.manifest), trailer.steps
        sizes = [chunk.size_bytes for chunk in self.manifest.chunks]
        self._starts = list(accumulate(sizes, initial=len(START)))
        if self._starts[-1] != start:
            self._refuse(f"its chunks take {start - len(START)} bytes, expected {sum(sizes)}")

    def _read_trailer(self, data: bytes) -> _Trailer:
        try:
            return decode(_Trailer, data)
        except MalformedBytesError as error:
            text = f"{self.path}: its trailer can not be read: {error}"
            raise SnapshotError(text) from error

    def _refuse(self, reason: str) -> NoReturn:
        text = f"{self.path}: {reason}"
        raise SnapshotError(text)

    def chunk(self, index: int) -> bytes:
        """Return the bytes of a chunk as they are in the file; IndexError for one beyond it."""
        size_bytes = self.manifest.chunks[index].size_bytes
        with self.path.open("rb") as file:
            file.seek(self._starts[index])
            return file.read(size_bytes)

    def chunks(self, first: int = 0) -> Iterator[bytes]:
        """Yield the chunks from one on, in order."""
        for index in range(first, len(self.manifest.chunks)):
            yield self.chunk(index)


class SnapshotWriter:
    """Writes a snapshot into a file: chunk by chunk, then `finish`; or `give_up`."""

    def __init__(self, path: Path) -> None:
        """Begin; nothing is at `path` before `finish`."""
        self.path, self._fresh = path, path.with_name(path.name + ".new")
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._fresh.open("wb")
        self._file.write(START)
        self.chunks: list[ChunkInfo] = []

    def add(self, data: bytes) -> None:
        """Write the next chunk."""
        self._file.write(data)
        self.chunks.append(describe_chunk(data))

    def finish(self, manifest: SnapshotManifest, steps: Sequence[Candidate] = ()) -> None:
        """Write the end and put the file in its place; the manifest names the chunks added."""
        assert list(manifest.chunks) == self.chunks, "the manifest is of these chunks"
        trailer = encode(_Trailer(encode_manifest(manifest), tuple(steps)))
        self._file.write(trailer + _seal(trailer) + END)
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self._fresh.replace(self.path)
        sync_folder(self.path.parent)

    def give_up(self) -> None:
        """Leave no trace."""
        self._file.close()
        self._fresh.unlink(missing_ok=True)


# Making a chain ---------------------------------------------------------------------------------


class Restoring:
    """Makes the chain folder of a believed manifest out of its chunks, in order.

    A folder that an earlier run began with the same snapshot is gone on with: `chunks_done` tells
    from where. Believing the manifest is the caller's work (`node.storage.trust`).
    """

    def __init__(self, chain: Path, genesis: Genesis, manifest: SnapshotManifest) -> None:
        """Begin, or go on; raises SnapshotError for another chain or a folder with a chain in it.

        `chain` is where the chain will be; it is made beside it, in `chain.restoring`.
        """
        self.chain, self.genesis, self.manifest = chain, genesis, manifest
        self._folder = beside(chain, "restoring")
        self._identity = snapshot_id(manifest)
        if manifest.header.chain_id != genesis.chain_id():
            _refuse(
                f"it is of chain {manifest.header.chain_id.hex()}, the genesis file describes "
                f"{genesis.chain_id().hex()}"
            )
        if holds_database(chain):
            _refuse(f"{chain} holds a chain already; name an empty folder")
        with disk_faults(self._folder):
            self._store, self._progress = self._begin()

    @property
    def chunks_done(self) -> int:
        """How many chunks have been taken in; the next one has this number."""
        return self._progress.chunks_done

    def _begin(self) -> tuple[Store, _Progress]:
        progress = _Progress(self._identity, 0, b"")
        if self._folder.is_dir():
            try:
                store = Store(str(self._folder), THROW_AWAY, create=False)
            except StoreInUseError:  # by another restore of the same
                raise
            except StoreError:  # not even begun
                shutil.rmtree(self._folder)
            else:
                found = _read_progress(store.mark())
                if found is not None and found.snapshot == self._identity:
                    return store, found
                store.close()
                shutil.rmtree(self._folder)
        self._folder.mkdir(parents=True)
        store = Store(str(self._folder), THROW_AWAY)
        store.put_mark(encode(progress))
        return store, progress

    def add(self, data: bytes) -> None:
        """Check the next chunk and take it in; raises SnapshotError and is as before."""
        progress = self._progress
        entries = check_chunk(self.manifest, progress.chunks_done, data, progress.last_key)
        following = _Progress(self._identity, progress.chunks_done + 1, entries[-1][0])
        with disk_faults(self._folder):
            self._store.put_state(entries, encode(following))
        self._progress = following

    def finish(self) -> None:
        """Make the tree, compare its root with the header's, and put the chain in its place.

        Raises SnapshotError where the chunks are not the state of the header; what was taken in is
        thrown away then.
        """
        missing = len(self.manifest.chunks) - self.chunks_done
        if missing:
            _refuse(f"{missing} of {len(self.manifest.chunks)} chunks are missing")
        try:
            with disk_faults(self._folder):
                self._check_state()
                first, beginning = genesis_block(self.genesis), self.genesis.canonical_bytes()
                self._store.write_base(first.block, self.manifest, beginning)
                self._store.compact()
                self._store.close()
        except SnapshotError:
            self.give_up()
            raise
        with disk_faults(self._folder):
            note_height(self._folder, self.manifest.height)
            for file in self._folder.iterdir():
                sync_file(file)
            sync_folder(self._folder)
            if self.chain.is_dir():
                self.chain.rmdir()  # an empty one
            self._folder.rename(self.chain)
            sync_folder(self.chain.parent)

    def _check_state(self) -> None:
        store, header = self._store, self.manifest.header
        found = rebuild_tree(store)
        if found != header.state_root:
            _refuse(f"its state has the root {found.hex()}, its header {header.state_root.hex()}")
        if read_validators(State(store)) != self.manifest.next_validators:
            _refuse("its state names other validators than its manifest")
        queue = sorted(expected_queue(store).items())
        for first in range(0, len(queue), _QUEUE_BATCH):
            store.put_state(queue[first : first + _QUEUE_BATCH], encode(self._progress))

    def close(self) -> None:
        """Stop for now; a later `Restoring` of the same snapshot goes on."""
        self._store.close()

    def give_up(self) -> None:
        """Throw away what was taken in."""
        self._store.close(clean=False)
        shutil.rmtree(self._folder, ignore_errors=True)


def _read_progress(data: bytes | None) -> _Progress | None:
    try:
        return None if data is None else decode(_Progress, data)
    except MalformedBytesError:
        return None


def find_begun(chain: Path) -> bytes | None:
    """Return the id of the snapshot of which `Restoring` of `chain` was begun, or None."""
    folder = beside(chain, "restoring")
    if not holds_database(folder):
        return None
    try:
        with Store(str(folder), THROW_AWAY, create=False) as store:
            found = _read_progress(store.mark())
    except StoreError:
        return None
    return None if found is None else found.snapshot


def restore(
    chain: Path,
    genesis: Genesis,
    source: SnapshotFile,
    on_progress: Callable[[int, int], None] | None = None,
) -> None:
    """Make the chain folder `chain` from a file whose manifest is believed; see `Restoring`."""
    restoring = Restoring(chain, genesis, source.manifest)
    try:
        for data in source.chunks(restoring.chunks_done):
            restoring.add(data)
            if on_progress is not None:
                on_progress(restoring.chunks_done, len(source.manifest.chunks))
    except BaseException:
        restoring.close()
        raise
    restoring.finish()


def _seal(trailer: bytes) -> bytes:
    length = len(trailer).to_bytes(_LENGTH_BYTES, "big")
    return length + hash_bytes("snapshot-trailer", trailer)


def _refuse(reason: str) -> NoReturn:
    text = f"snapshot: {reason}"
    raise SnapshotError(text)
