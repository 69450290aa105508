"""A snapshot: the whole state after one block, in pieces that are checked one by one.

    manifest    header, certificate, the validators of the block and of the next, and for each chunk
                its hash, its size in bytes and its number of entries
    chunk       [key, value, key, value, ...], canonical bytes, keys ascending within it and from
                one chunk to the next

All leaves of the state tree are in it. The queue of what falls due is not: it is no leaf and
follows from timers and pots. How entries are cut into chunks is fixed, so that every node has the
same chunks at a height, and pieces of one snapshot can be fetched from several nodes; only
certificates differ, by who signed. Whether a manifest is to be believed is decided by its
certificate (a light client's work), whether the chunks are is decided by their hashes, and in the
end by the state root.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Annotated, NoReturn

from chain.block import Commit, Header, block_id
from chain.codec import AtMost, Between, decode, decode_value, encode, encode_value, wire
from chain.crypto import hash_bytes
from chain.errors import MalformedBytesError, SnapshotError
from chain.state import QUEUE_PREFIX
from chain.types import SAFE_INT_MAX, Count, Hash
from chain.validators import ValidatorSet

SNAPSHOT_VERSION = 1
CHUNK_BYTES = 1024 * 1024  # a chunk ends before the entry with which it would have more
CHUNK_BYTES_MAX = 16 * 1024 * 1024  # of a chunk with one long entry; longer values do not exist
CHUNKS_MAX = 65_536
MANIFEST_BYTES_MAX = 4 * 1024 * 1024
_ENTRY_BYTES = 10  # at most what the encoding adds to a key and its value


@wire()
@dataclass(frozen=True, slots=True)
class ChunkInfo:
    """What a chunk is: its tagged hash, its size in bytes, its number of entries."""

    hash: Hash
    size_bytes: Annotated[int, Between(1, CHUNK_BYTES_MAX)]
    entries: Annotated[int, Between(1, CHUNK_BYTES_MAX)]


@wire()
@dataclass(frozen=True, slots=True)
class SnapshotManifest:
    """What a snapshot is of, and its chunks in order."""

    version: Annotated[int, Between(SNAPSHOT_VERSION, SNAPSHOT_VERSION)]
    header: Header
    commit: Commit
    validators: ValidatorSet
    next_validators: ValidatorSet
    chunks: Annotated[tuple[ChunkInfo, ...], AtMost(CHUNKS_MAX)]

    @property
    def height(self) -> int:
        """Height of the block after which this was the state."""
        return self.header.height

    @property
    def entries(self) -> int:
        """How many entries all chunks have."""
        return sum(chunk.entries for chunk in self.chunks)

    @property
    def size_bytes(self) -> int:
        """How many bytes all chunks have."""
        return sum(chunk.size_bytes for chunk in self.chunks)


@wire()
@dataclass(frozen=True, slots=True)
class SnapshotBase:
    """Where a store that began with a snapshot begins: nothing of earlier blocks is there."""

    height: Annotated[int, Between(1, SAFE_INT_MAX)]
    validators: ValidatorSet
    next_validators: ValidatorSet


@wire()
@dataclass(frozen=True, slots=True)
class _Identity:
    block: Hash
    entries: Count
    chunks: Annotated[tuple[Hash, ...], AtMost(CHUNKS_MAX)]


def encode_manifest(manifest: SnapshotManifest) -> bytes:
    """Return the canonical bytes of a manifest."""
    return encode(manifest)


def decode_manifest(data: bytes) -> SnapshotManifest:
    """Return the manifest whose canonical bytes are `data`, or raise SnapshotError."""
    if len(data) > MANIFEST_BYTES_MAX:
        _refuse(f"the manifest has {len(data)} bytes, at most {MANIFEST_BYTES_MAX} are allowed")
    try:
        return decode(SnapshotManifest, data)
    except MalformedBytesError as error:
        text = f"the manifest can not be read: {error}"
        raise SnapshotError(text) from error


def snapshot_id(manifest: SnapshotManifest) -> bytes:
    """Return the 32 bytes that are the same for the same snapshot wherever it was made.

    They cover the block and the chunks, not the certificate: others may hold other signatures.
    """
    chunks = tuple([chunk.hash for chunk in manifest.chunks])
    identity = _Identity(block_id(manifest.header), manifest.entries, chunks)
    return hash_bytes("snapshot", encode(identity))


def write_chunks(entries: Iterable[tuple[bytes, bytes]]) -> Iterator[bytes]:
    """Yield the chunks of all leaves of a state, which come in key order.

    A chunk is made when it is asked for, so whoever has other work does it between two of them.
    Entries of the queue are passed over.
    """
    flat: list[bytes] = []
    size = 0
    for key, value in entries:
        if key >= QUEUE_PREFIX:
            continue
        added = len(key) + len(value) + _ENTRY_BYTES
        if flat and size + added > CHUNK_BYTES:
            yield encode_value(flat)
            flat, size = [], 0
        flat += (key, value)
        size += added
    if flat:
        yield encode_value(flat)


def describe_chunk(data: bytes) -> ChunkInfo:
    """Return what the manifest says of a chunk that was just made."""
    return ChunkInfo(_chunk_hash(data), len(data), len(read_entries(data)))


def check_chunk(
    manifest: SnapshotManifest, index: int, data: bytes, last_key: bytes = b""
) -> list[tuple[bytes, bytes]]:
    """Return the entries of chunk `index`; raises SnapshotError unless it is the one named.

    `last_key` is the last key of the chunk before it, b"" for none.
    """
    if not 0 <= index < len(manifest.chunks):
        _refuse(f"chunk {index} of {len(manifest.chunks)}, which count from 0")
    wanted = manifest.chunks[index]
    if len(data) != wanted.size_bytes:
        _refuse(f"chunk {index} has {len(data)} bytes, expected {wanted.size_bytes}")
    if _chunk_hash(data) != wanted.hash:
        _refuse(f"chunk {index} is damaged, or of another snapshot")
    entries = read_entries(data)
    if len(entries) != wanted.entries:
        _refuse(f"chunk {index} has {len(entries)} entries, expected {wanted.entries}")
    if entries[0][0] <= last_key:
        _refuse(f"chunk {index} does not go on behind the one before it")
    return entries


def is_chunk(manifest: SnapshotManifest, index: int, data: bytes) -> bool:
    """Tell whether bytes are those that a manifest names as chunk `index`, which it must have.

    What is in them is another question (`check_chunk`), and the manifest's maker answers for that.
    """
    wanted = manifest.chunks[index]
    return len(data) == wanted.size_bytes and _chunk_hash(data) == wanted.hash


def read_entries(data: bytes) -> list[tuple[bytes, bytes]]:
    """Return the entries of a chunk's bytes, or raise SnapshotError."""
    try:
        flat = decode_value(data)
    except MalformedBytesError as error:
        text = f"a chunk can not be read: {error}"
        raise SnapshotError(text) from error
    items = flat if isinstance(flat, list) else []
    entries: list[tuple[bytes, bytes]] = []
    before = b""
    for key, value in zip(items[::2], items[1::2], strict=False):
        if not isinstance(key, bytes) or not isinstance(value, bytes):
            _refuse("an entry of a chunk is not a pair of byte strings")
        if not before < key < QUEUE_PREFIX:
            _refuse(f"key {key[:64].hex()} of a chunk is out of order, or no leaf of the state")
        entries.append((key, value))
        before = key
    if not entries or 2 * len(entries) != len(items):
        _refuse("a chunk is a list of keys and values in turn, at least one of each")
    return entries


def _chunk_hash(data: bytes) -> bytes:
    return hash_bytes("snapshot-chunk", data)


def _refuse(reason: str) -> NoReturn:
    text = f"snapshot: {reason}"
    raise SnapshotError(text)
