"""One record of the state tree: its bytes, and how a child is found, taken out and put in.

    inner bitmap || leaf bitmap || child hashes || (key hash || SHA-256(value)) per leaf child

Bitmaps are big-endian u16; 1 << n stands for the child at nibble n, children are in nibble order. A
child is written here as its parent sees it: none for no child, the 32-byte hash for an inner node,
leaf hash || key hash || SHA-256(value), 96 bytes, for a leaf. chain.tree has the tree itself.
"""

from hashlib import sha256
from struct import Struct

EMPTY_TREE_ROOT = bytes(32)

HASH_BYTES = 32
HEAD_BYTES = 4  # both bitmaps
TAIL_BYTES = 64  # key hash || value hash of a leaf child
TAIL_END = 64  # where the key hash ends in leaf hash || key hash || value hash
DEPTH_MAX = 64  # nibbles of a key hash
NO_CHILDREN = bytes(HEAD_BYTES)
BITMAPS = Struct(">HH")
# The bitmap bit of a nibble, indexed by its ASCII hex digit.
BIT_OF_DIGIT = tuple(
    1 << b"0123456789abcdef".index(code) if code in b"0123456789abcdef" else 0
    for code in range(ord("f") + 1)
)


def hash_record(record: bytes) -> bytes:
    """Return the root hash of a tree whose top record this is."""
    inner, leaf = BITMAPS.unpack_from(record)
    if inner or leaf & (leaf - 1):
        hashed = HEAD_BYTES + HASH_BYTES * (inner | leaf).bit_count()
        return sha256(b"\x01" + record[:hashed]).digest()
    return record[HEAD_BYTES : HEAD_BYTES + HASH_BYTES] or EMPTY_TREE_ROOT


def leaf_in(body: bytearray, inner: int, leaf: int, bit: int) -> bytes:
    """Return the 96 bytes of the leaf child at `bit`, none when there is no such child."""
    if not leaf & bit:
        return b""
    below = bit - 1
    start = HEAD_BYTES + HASH_BYTES * ((inner | leaf) & below).bit_count()
    tail = tail_start(inner, leaf, below)
    return bytes(body[start : start + HASH_BYTES] + body[tail : tail + TAIL_BYTES])


def tail_start(inner: int, leaf: int, below: int) -> int:
    """Return where the tails begin, after those of the leaf children in the mask `below`."""
    return (
        HEAD_BYTES
        + HASH_BYTES * (inner | leaf).bit_count()
        + TAIL_BYTES * (leaf & below).bit_count()
    )


def replace_child(
    body: bytearray, inner: int, leaf: int, bit: int, child: bytes
) -> tuple[int, int]:
    """Put a child of any kind (0, 32 or 96 bytes) in the place of `bit`; return the new bitmaps."""
    below = bit - 1
    # The tails come first: they lie behind the hashes, whose places they do not move.
    tail = tail_start(inner, leaf, below)
    body[tail : tail + (TAIL_BYTES if leaf & bit else 0)] = child[HASH_BYTES:]
    start = HEAD_BYTES + HASH_BYTES * ((inner | leaf) & below).bit_count()
    body[start : start + (HASH_BYTES if (inner | leaf) & bit else 0)] = child[:HASH_BYTES]
    inner &= ~bit
    leaf &= ~bit
    if len(child) == HASH_BYTES:
        inner |= bit
    elif child:
        leaf |= bit
    body[:HEAD_BYTES] = BITMAPS.pack(inner, leaf)
    return inner, leaf
