"""Merkle trees over ordered lists, as in RFC 6962 section 2.1 (and RFC 9162), over SHA-256.

A leaf hashes as SHA-256(0x00 || data), a node as SHA-256(0x01 || left || right), the empty list as
SHA-256 of nothing. The left half of a tree is the largest power of two below its size. Hashes are
32 bytes, indexes count from 0, a path runs from the leaf upwards.
"""

from collections.abc import Sequence
from hashlib import sha256

HASH_BYTES = 32
EMPTY_ROOT = sha256(b"").digest()
SIZE_MAX = 2**63  # more leaves than any list holds; bounds the work done for a hostile number


def leaf_hash(data: bytes) -> bytes:
    """Return the 32-byte hash of one leaf's data."""
    return sha256(b"\x00" + data).digest()


def root(leaves: Sequence[bytes]) -> bytes:
    """Return the 32-byte root over the data of the leaves, in their order."""
    if not leaves:
        return EMPTY_ROOT
    return _fold([sha256(b"\x00" + data).digest() for data in leaves])


def inclusion_path(leaves: Sequence[bytes], index: int) -> list[bytes]:
    """Return the sibling hashes from leaf `index` up to the root (RFC 6962 section 2.1.1).

    Raises IndexError when there is no such leaf.
    """
    return inclusion_paths(leaves, [index])[0]


def inclusion_paths(leaves: Sequence[bytes], indexes: Sequence[int]) -> list[list[bytes]]:
    """Return the paths of several leaves of one tree, which is hashed once."""
    for index in indexes:
        if not 0 <= index < len(leaves):
            message = f"leaf {index} of a tree of {len(leaves)}: give an index below its size"
            raise IndexError(message)
    level = [leaf_hash(data) for data in leaves]
    paths: list[list[bytes]] = [[] for _ in indexes]
    places = list(indexes)
    while len(level) > 1:
        for path, place in zip(paths, places, strict=True):
            sibling = place ^ 1
            if sibling < len(level):
                path.append(level[sibling])
        level = _level_above(level)
        places = [place >> 1 for place in places]
    return paths


def verify_inclusion(
    leaf_hash: bytes,
    index: int,
    size: int,
    path: Sequence[bytes],
    root: bytes,
) -> bool:
    """Tell whether the leaf hash stands at `index` of the tree of `size` leaves under `root`.

    Takes anything a stranger sends and never raises (RFC 9162 section 2.1.3.2).
    """
    if not (_is_position(index) and _is_position(size) and index < size):
        return False
    if not (_is_hash(leaf_hash) and _is_hash(root) and _are_hashes(path)):
        return False
    node, last = leaf_hash, size - 1
    for sibling in path:
        if last == 0:
            return False
        if index & 1 or index == last:
            node = sha256(b"\x01" + sibling + node).digest()
            # A last node without a sibling is carried up unchanged.
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            node = sha256(b"\x01" + node + sibling).digest()
        index >>= 1
        last >>= 1
    return last == 0 and node == root


def consistency_path(leaves: Sequence[bytes], size_a: int) -> list[bytes]:
    """Return the proof that the first `size_a` leaves head this list (RFC 6962 section 2.1.2).

    Raises IndexError unless 1 <= size_a <= len(leaves).
    """
    if not 1 <= size_a <= len(leaves):
        message = f"size {size_a} of a tree of {len(leaves)}: give a size from 1 to its size"
        raise IndexError(message)
    if size_a == len(leaves):
        return []
    level = [leaf_hash(data) for data in leaves]
    index = size_a - 1
    while index & 1:
        level = _level_above(level)
        index >>= 1
    # The verifier has the subtree that ends at size_a only when it is the whole first tree.
    path = [level[index]] if index else []
    while len(level) > 1:
        sibling = index ^ 1
        if sibling < len(level):
            path.append(level[sibling])
        level = _level_above(level)
        index >>= 1
    return path


def verify_consistency(
    size_a: int,
    size_b: int,
    root_a: bytes,
    root_b: bytes,
    path: Sequence[bytes],
) -> bool:
    """Tell whether the tree of `size_a` leaves under `root_a` heads the one of `size_b`.

    Takes anything a stranger sends and never raises. A first size of 0 is refused: it proves
    nothing (RFC 9162 section 2.1.4.2).
    """
    if not (_is_position(size_a) and _is_position(size_b) and 0 < size_a <= size_b):
        return False
    if not (_is_hash(root_a) and _is_hash(root_b) and _are_hashes(path)):
        return False
    if size_a == size_b:
        return not path and root_a == root_b
    hashes = list(path)
    if size_a & (size_a - 1) == 0:
        hashes.insert(0, root_a)
    if not hashes:
        return False
    return _recompute(size_a - 1, size_b - 1, hashes) == (root_a, root_b)


def _recompute(index: int, last: int, hashes: list[bytes]) -> tuple[bytes, bytes] | None:
    """Return both roots that a consistency path leads to, None when its length is wrong."""
    while index & 1:
        index >>= 1
        last >>= 1
    node_a = node_b = hashes[0]
    for sibling in hashes[1:]:
        if last == 0:
            return None
        if index & 1 or index == last:
            node_a = sha256(b"\x01" + sibling + node_a).digest()
            node_b = sha256(b"\x01" + sibling + node_b).digest()
            while not index & 1 and index:
                index >>= 1
                last >>= 1
        else:
            node_b = sha256(b"\x01" + node_b + sibling).digest()
        index >>= 1
        last >>= 1
    return (node_a, node_b) if last == 0 else None


def _fold(level: list[bytes]) -> bytes:
    while len(level) > 1:
        level = _level_above(level)
    return level[0]


def _level_above(level: list[bytes]) -> list[bytes]:
    """Hash neighbours in pairs; an odd last node moves up as it is."""
    above = [
        sha256(b"\x01" + left + right).digest()
        for left, right in zip(level[::2], level[1::2], strict=False)
    ]
    if len(level) & 1:
        above.append(level[-1])
    return above


def _is_position(value: object) -> bool:
    return type(value) is int and 0 <= value <= SIZE_MAX


def _is_hash(value: object) -> bool:
    return isinstance(value, bytes) and len(value) == HASH_BYTES


def _are_hashes(values: object) -> bool:
    # A path holds at most one hash per level and one more; longer ones are not even read.
    if not isinstance(values, (list, tuple)) or len(values) > SIZE_MAX.bit_length() + 1:
        return False
    return all(_is_hash(value) for value in values)
