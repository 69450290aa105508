"""The state tree: a 16-ary Merkle radix tree over the SHA-256 of state keys, latest version only.

The tree is a function of the set of (key, value) pairs alone. A key's place is its key hash, read
as 64 nibbles. A subtree that holds exactly one leaf is that leaf, so leaves stand as high as they
can; a run of inner nodes with one inner child each is not shortened.

Hashes (32 bytes, SHA-256):

    key hash    SHA-256(state key)
    leaf        SHA-256(0x00 || key hash || SHA-256(value))
    inner node  SHA-256(0x01 || inner bitmap || leaf bitmap || child hashes in nibble order)
    root        32 zero bytes when there is no key, the leaf's hash when there is one, otherwise
                the hash of the inner node at the empty path

A bitmap is a big-endian u16 in which 1 << n stands for the child at nibble n; a child is in one
bitmap at most. One record is stored per inner node:

    inner bitmap || leaf bitmap || child hashes || (key hash || SHA-256(value)) per leaf child

so what an inner node hashes is a prefix of its record, and what a leaf hashes is the tail entry.
The tail is what proves absence: it shows whose leaf stands where a key would be. A tree of one key
is a root record with that one leaf; no other record has fewer than two children unless its only
child is inner. A record is stored under its nibble path in lower-case ASCII hex, b"" for the root:
a node sorts before its descendants and a subtree is one contiguous range of an ordered store.
"""

from binascii import hexlify
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from chain.errors import MalformedBytesError, StoreError
from chain.tree_record import (
    BIT_OF_DIGIT,
    BITMAPS,
    DEPTH_MAX,
    EMPTY_TREE_ROOT,
    HASH_BYTES,
    HEAD_BYTES,
    NO_CHILDREN,
    TAIL_BYTES,
    TAIL_END,
    hash_record,
    leaf_in,
    replace_child,
    tail_start,
)

# What every step of one update shares: sorted hex key hashes, the new leaf of each (96 bytes, b""
# to delete), the reader's function, the records to write.
_Batch = tuple[
    list[bytes],
    list[bytes],
    Callable[[bytes], bytes | None],
    dict[bytes, bytes | None],
]


class BrokenTreeError(StoreError):
    """A record points to a child that the store does not have: the database is damaged."""

    def __init__(self, path: bytes) -> None:
        """Keep the hex nibble path of the missing record."""
        super().__init__(f"no tree node at {path!r}: restore the database or sync it again")
        self.path = path


class NodeReader(Protocol):
    """Where the tree's records are kept."""

    def get_node(self, path: bytes, /) -> bytes | None:
        """Return the record at a hex nibble path of 0 to 63 digits, None when there is none."""


@dataclass(frozen=True, slots=True)
class TreeUpdate:
    """The root after a batch, and the records to write: path to bytes, None to delete.

    A path to delete may be one that was never stored.
    """

    root: bytes
    nodes: dict[bytes, bytes | None]


def hash_key(key: bytes) -> bytes:
    """Return the 32 bytes that place a state key in the tree."""
    return sha256(key).digest()


def tree_root(reader: NodeReader) -> bytes:
    """Return the root of the stored tree, hashed from its top record."""
    record = reader.get_node(b"")
    return EMPTY_TREE_ROOT if record is None else hash_record(record)


def update_tree(reader: NodeReader, changes: Mapping[bytes, bytes | None]) -> TreeUpdate:
    """Apply state key to new value (None deletes); return the new root and records.

    Deleting an absent key changes nothing. The store itself is not written to. Raises
    BrokenTreeError when the store lacks a record.
    """
    leaves: dict[bytes, bytes] = {}
    for key, value in changes.items():
        key_hash = hash_key(key)
        if value is None:
            leaves[hexlify(key_hash)] = b""
        else:
            tail = key_hash + sha256(value).digest()
            leaves[hexlify(key_hash)] = sha256(b"\x00" + tail).digest() + tail
    keys = sorted(leaves)
    nodes: dict[bytes, bytes | None] = {}
    record = reader.get_node(b"") or NO_CHILDREN
    seen = None
    if keys:
        batch = (keys, [leaves[key] for key in keys], reader.get_node, nodes)
        seen = _update_node(batch, 0, len(keys), 0, record)
    if seen is None:
        return TreeUpdate(hash_record(record), nodes)
    return TreeUpdate(seen[:HASH_BYTES] or EMPTY_TREE_ROOT, nodes)


def _update_node(batch: _Batch, first: int, end: int, depth: int, record: bytes) -> bytes | None:
    """Apply keys first..end, which share `depth` nibbles, to the node at those nibbles.

    Return the node as its parent now sees it: 32 bytes for an inner node, 96 for a lone leaf, none
    when it is gone; None when nothing changed.
    """
    keys, _, get_node, nodes = batch
    path = keys[first][:depth]
    inner, leaf = BITMAPS.unpack_from(record)
    body = bytearray(record)
    changed = False
    while first < end:
        key = keys[first]
        digit = key[depth]
        after = first + 1
        while after < end and keys[after][depth] == digit:
            after += 1
        bit = BIT_OF_DIGIT[digit]
        if inner & bit:
            if after - first == 1:
                child = _update_path(batch, first, depth + 1)
            else:
                child = _update_node(
                    batch, first, after, depth + 1, _read(get_node, key[: depth + 1])
                )
        else:
            child = _update_slot(batch, first, after, depth + 1, leaf_in(body, inner, leaf, bit))
        if child is not None:
            changed = True
            if inner & bit and len(child) == HASH_BYTES:
                start = HEAD_BYTES + HASH_BYTES * ((inner | leaf) & (bit - 1)).bit_count()
                body[start : start + HASH_BYTES] = child
            else:
                inner, leaf = replace_child(body, inner, leaf, bit, child)
        first = after
    return _finish_node(nodes, path, body, inner, leaf) if changed else None


def _update_path(batch: _Batch, index: int, depth: int) -> bytes | None:
    """Apply one key to the inner node at its first `depth` nibbles, without recursion.

    Most of the work of a large tree is here: below the top few levels the keys of a batch stand
    alone. Return what the parent now sees, as _update_node does.
    """
    keys, _, get_node, nodes = batch
    key = keys[index]
    above: list[tuple[bytes, bytes, int]] = []
    while True:
        path = key[:depth]
        record = get_node(path)
        if record is None:
            raise BrokenTreeError(path)
        inner, leaf = BITMAPS.unpack_from(record)
        bit = BIT_OF_DIGIT[key[depth]]
        if not inner & bit:
            break
        above.append((path, record, bit))
        depth += 1
    child = _update_bottom(batch, index, depth, record)
    if child is None:
        return None
    for path, record, bit in reversed(above):
        inner, leaf = BITMAPS.unpack_from(record)
        if len(child) == HASH_BYTES:
            occupied = inner | leaf
            start = HEAD_BYTES + HASH_BYTES * (occupied & (bit - 1)).bit_count()
            nodes[path] = new = record[:start] + child + record[start + HASH_BYTES :]
            hashed = HEAD_BYTES + HASH_BYTES * occupied.bit_count()
            child = sha256(b"\x01" + new[:hashed]).digest()
        else:
            body = bytearray(record)
            inner, leaf = replace_child(body, inner, leaf, bit, child)
            child = _finish_node(nodes, path, body, inner, leaf)
    return child


def _update_bottom(batch: _Batch, index: int, depth: int, record: bytes) -> bytes | None:
    """Apply one key to the node in which its place is a leaf or empty; return as _update_node."""
    keys, leaves, _, nodes = batch
    key, new = keys[index], leaves[index]
    inner, leaf = BITMAPS.unpack_from(record)
    occupied = inner | leaf
    bit = BIT_OF_DIGIT[key[depth]]
    below = bit - 1
    start = HEAD_BYTES + HASH_BYTES * (occupied & below).bit_count()
    hashed = HEAD_BYTES + HASH_BYTES * occupied.bit_count()
    tail = hashed + TAIL_BYTES * (leaf & below).bit_count()
    if not new or (leaf & bit and record[tail : tail + HASH_BYTES] != new[HASH_BYTES:TAIL_END]):
        return _update_node(batch, index, index + 1, depth, record)
    if leaf & bit:
        after_hash, after_tail = start + HASH_BYTES, tail + TAIL_BYTES
        head = record[:start]
    else:
        after_hash, after_tail = start, tail
        head = BITMAPS.pack(inner, leaf | bit) + record[HEAD_BYTES:start]
        hashed += HASH_BYTES
    record = b"".join(
        (head, new[:HASH_BYTES], record[after_hash:tail], new[HASH_BYTES:], record[after_tail:])
    )
    nodes[key[:depth]] = record
    return sha256(b"\x01" + record[:hashed]).digest()


def _read(get_node: Callable[[bytes], bytes | None], path: bytes) -> bytes:
    record = get_node(path)
    if record is None:
        raise BrokenTreeError(path)
    return record


def _update_slot(batch: _Batch, first: int, end: int, depth: int, old: bytes) -> bytes | None:
    """Apply keys first..end to a child at `depth` that is a leaf (96 bytes) or absent (none).

    Return what the parent now sees, as _update_node does.
    """
    keys, leaves, _, _ = batch
    if end - first == 1:
        new = leaves[first]
        if old and hexlify(old[HASH_BYTES:TAIL_END]) != keys[first]:
            if not new:
                return None
        elif not old and not new:
            return None
        else:
            return new
    record = NO_CHILDREN
    if old:
        # The leaf moves one level down, into a node of its own that the new keys then join.
        bit = BIT_OF_DIGIT[hexlify(old[HASH_BYTES:TAIL_END])[depth]]
        record = BITMAPS.pack(0, bit) + old
    return _update_node(batch, first, end, depth, record)


def _finish_node(
    nodes: dict[bytes, bytes | None], path: bytes, body: bytearray, inner: int, leaf: int
) -> bytes:
    """Note the record of a changed node; return the node as its parent sees it."""
    if inner or leaf & (leaf - 1):
        record = bytes(body)
        nodes[path] = record
        hashed = HEAD_BYTES + HASH_BYTES * (inner | leaf).bit_count()
        return sha256(b"\x01" + record[:hashed]).digest()
    # Empty or a lone leaf: the parent takes it over, and only the root keeps a record for one.
    nodes[path] = bytes(body) if leaf and not path else None
    return bytes(body[HEAD_BYTES:])


@dataclass(frozen=True, slots=True)
class Proof:
    """What shows that a key has a value, or has none, under a root.

    `nodes` are the hashed bytes of the inner nodes from the root down (bitmaps and child hashes).
    `other` is the tail (key hash || value hash) of the leaf that stands in the key's place, b""
    when the key is present or its place is empty.
    """

    nodes: tuple[bytes, ...]
    other: bytes

    def to_value(self) -> list[bytes | list[bytes]]:
        """Return the proof as [nodes, other], lists and bytes only."""
        return [list(self.nodes), self.other]

    @classmethod
    def from_value(cls, value: object) -> "Proof":
        """Read what to_value returns; raise MalformedBytesError for anything else."""
        match value:
            case [list(nodes) | tuple(nodes), bytes(other)] if len(nodes) <= DEPTH_MAX:
                if all(isinstance(node, bytes) for node in nodes):
                    return cls(tuple(nodes), other)
        message = "a tree proof is [list of at most 64 byte strings, byte string]"
        raise MalformedBytesError(message)


def prove_key(reader: NodeReader, key: bytes) -> Proof:
    """Return the proof of the key's value, or of its absence, under the stored tree's root.

    Raises BrokenTreeError when the store lacks a record.
    """
    key_hash = hash_key(key)
    digits = hexlify(key_hash)
    nodes: list[bytes] = []
    record = reader.get_node(b"") or NO_CHILDREN
    inner, leaf = BITMAPS.unpack_from(record)
    while inner or leaf & (leaf - 1):
        nodes.append(record[: tail_start(inner, leaf, 0)])
        depth = len(nodes)
        bit = BIT_OF_DIGIT[digits[depth - 1]]
        if not inner & bit:
            leaf &= bit
            break
        path = digits[:depth]
        found = reader.get_node(path)
        if found is None:
            raise BrokenTreeError(path)
        record = found
        inner, leaf = BITMAPS.unpack_from(record)
    # By now `leaf` has the one bit of the leaf in the key's place, or none.
    if not leaf:
        return Proof(tuple(nodes), b"")
    all_inner, all_leaves = BITMAPS.unpack_from(record)
    start = tail_start(all_inner, all_leaves, leaf - 1)
    tail = record[start : start + TAIL_BYTES]
    return Proof(tuple(nodes), b"" if tail[:HASH_BYTES] == key_hash else tail)


def verify_proof(root: bytes, key: bytes, value: bytes | None, proof: Proof) -> bool:
    """Tell whether the proof shows the key's value (None: its absence) under the root.

    Takes anything a stranger sends and never raises.
    """
    if not (_is_bytes(root) and len(root) == HASH_BYTES and _is_bytes(key) and _is_proof(proof)):
        return False
    if not (value is None or _is_bytes(value)):
        return False
    key_hash = hash_key(key)
    place = _leaf_at(root, hexlify(key_hash), proof.nodes)
    if place is None:
        return False
    if value is not None:
        tail = key_hash + sha256(value).digest()
        return not proof.other and sha256(b"\x00" + tail).digest() == place
    if not place:
        return not proof.other
    shared = len(proof.nodes)
    return (
        len(proof.other) == TAIL_BYTES
        and proof.other[:HASH_BYTES] != key_hash
        and hexlify(proof.other)[:shared] == hexlify(key_hash)[:shared]
        and sha256(b"\x00" + proof.other).digest() == place
    )


def _is_bytes(value: object) -> bool:
    return isinstance(value, bytes)


def _is_proof(proof: object) -> bool:
    if not isinstance(proof, Proof):
        return False
    nodes: object = proof.nodes  # what a type promises, a stranger need not keep
    return (
        isinstance(nodes, tuple)
        and len(nodes) <= DEPTH_MAX
        and all(isinstance(node, bytes) for node in nodes)
        and _is_bytes(proof.other)
    )


def _leaf_at(root: bytes, digits: bytes, nodes: tuple[bytes, ...]) -> bytes | None:
    """Follow the nodes down from the root; return the leaf hash they end at, none for no child.

    None when a node is not what its parent committed to, or the nodes end too early or too late.
    """
    if not nodes:
        return b"" if root == EMPTY_TREE_ROOT else root
    expected = root
    for depth, node in enumerate(nodes):
        if len(node) < HEAD_BYTES or sha256(b"\x01" + node).digest() != expected:
            return None
        inner, leaf = BITMAPS.unpack_from(node)
        if inner & leaf or len(node) != tail_start(inner, leaf, 0):
            return None
        bit = BIT_OF_DIGIT[digits[depth]]
        start = HEAD_BYTES + HASH_BYTES * ((inner | leaf) & (bit - 1)).bit_count()
        expected = node[start : start + HASH_BYTES]
        if not inner & bit:
            if depth != len(nodes) - 1:
                return None
            return expected if leaf & bit else b""
    return None
