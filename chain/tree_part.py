"""A part of the state tree: what shows the values of several keys under one root.

Proofs of single keys repeat the nodes at the top of the tree. Here each node stands once, whatever
the number of keys that need it, and a reader follows hashes from the root down.
"""

from binascii import hexlify
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256

from chain.errors import MalformedBytesError
from chain.tree import NodeReader, hash_key, prove_key
from chain.tree_record import (
    BIT_OF_DIGIT,
    BITMAPS,
    DEPTH_MAX,
    EMPTY_TREE_ROOT,
    HASH_BYTES,
    HEAD_BYTES,
    TAIL_BYTES,
    tail_start,
)

NODE_BYTES_MAX = HEAD_BYTES + 16 * HASH_BYTES


@dataclass(frozen=True, slots=True)
class TreePart:
    """Hashed bytes of inner nodes (bitmaps and child hashes), and tails of leaves.

    A tail (key hash || value hash) is there for a leaf that stands in the place of an absent key.
    """

    nodes: tuple[bytes, ...]
    tails: tuple[bytes, ...]


def prove_keys(reader: NodeReader, keys: Iterable[bytes]) -> TreePart:
    """Return the part that shows each key's value, or its absence, under the stored tree's root.

    Raises BrokenTreeError when the store lacks a record.
    """
    nodes: dict[bytes, None] = {}
    tails: dict[bytes, None] = {}
    for key in keys:
        proof = prove_key(reader, key)
        nodes.update(dict.fromkeys(proof.nodes))
        if proof.other:
            tails[proof.other] = None
    return TreePart(tuple(nodes), tuple(tails))


class PartReader:
    """Tells what a part shows under a root; remembers which of its pieces were needed.

    The part may be a stranger's: pieces that lead nowhere show nothing.
    """

    def __init__(self, root: bytes, part: TreePart) -> None:
        """Hash the pieces; raises MalformedBytesError for one that no tree has, or has twice."""
        self._root = root
        self._nodes = {sha256(b"\x01" + one).digest(): one for one in part.nodes}
        self._tails = {sha256(b"\x00" + one).digest(): one for one in part.tails}
        self._needed: dict[bytes, None] = {}
        for one in part.nodes:
            _check_node(one)
        if any(len(one) != TAIL_BYTES for one in part.tails):
            text = f"a tail of a leaf has {TAIL_BYTES} bytes"
            raise MalformedBytesError(text)
        if len(self._nodes) + len(self._tails) != len(part.nodes) + len(part.tails):
            raise MalformedBytesError("a piece of the state tree stands twice")

    def shows(self, key: bytes, value_hash: bytes | None) -> bool:
        """Tell whether the key's value has this SHA-256 under the root; None: whether it is absent.

        False also where the part does not reach.
        """
        key_hash = hash_key(key)
        digits = hexlify(key_hash)
        found = self._descend(digits)
        if found is None:
            return False
        place, depth, used = found
        if value_hash is not None:
            good = place == sha256(b"\x00" + key_hash + value_hash).digest()
        elif not place:
            good = True
        else:
            tail = self._tails.get(place, b"")
            same_way = hexlify(tail[:HASH_BYTES])[:depth] == digits[:depth]
            good = bool(tail) and tail[:HASH_BYTES] != key_hash and same_way
            used.append(place)
        if good:
            self._needed.update(dict.fromkeys(used))
        return good

    def _descend(self, digits: bytes) -> tuple[bytes, int, list[bytes]] | None:
        """Return the hash of the leaf in a key's place (none: no child), its depth, nodes used.

        None where a node on the way is not in the part.
        """
        place = b"" if self._root == EMPTY_TREE_ROOT else self._root
        used: list[bytes] = []
        # A root that is no node of the part is taken for the only leaf: nothing else hashes to it.
        is_inner = place in self._nodes
        while is_inner:
            node = self._nodes.get(place)
            if node is None or len(used) == DEPTH_MAX:
                return None
            inner, leaf = BITMAPS.unpack_from(node)
            bit = BIT_OF_DIGIT[digits[len(used)]]
            used.append(place)
            start = HEAD_BYTES + HASH_BYTES * ((inner | leaf) & (bit - 1)).bit_count()
            place = node[start : start + HASH_BYTES] if (inner | leaf) & bit else b""
            is_inner = bool(inner & bit)
        return place, len(used), used

    def needed(self) -> TreePart:
        """Return the pieces without which something shown so far would not be."""
        return TreePart(
            tuple([one for name, one in self._nodes.items() if name in self._needed]),
            tuple([one for name, one in self._tails.items() if name in self._needed]),
        )


def _check_node(node: bytes) -> None:
    if len(node) >= HEAD_BYTES:
        inner, leaf = BITMAPS.unpack_from(node)
        if not inner & leaf and len(node) == tail_start(inner, leaf, 0):
            return
    text = f"{len(node)} bytes are no node of a state tree"
    raise MalformedBytesError(text)
