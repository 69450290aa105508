"""Does the body of a block belong to its header? Asked before anything is kept under a block's id.

A block's id is the hash of its header alone. A body that somebody put under the header of another's
block would be checked, refused, and held against that block: so it must not come that far. Pure.
"""

from collections.abc import Sequence

from chain.block import Block, commit_hash, list_hash
from chain.codec import encode
from chain.crypto import hash_bytes
from chain.merkle import root


def witness_ids_of(block: Block) -> tuple[bytes, ...]:
    """Return the witness ids of a block's transactions, without reading them."""
    return tuple([hash_bytes("witness", data) for data in block.transactions])


def body_fault(block: Block, witness_ids: Sequence[bytes]) -> str | None:
    """Return which part of a body is not what the header names, or None.

    `witness_ids` (32 bytes each) stand for the transactions, which may be missing.
    """
    header = block.header
    found = {
        "certificate of the parent": (commit_hash(block.last_commit), header.last_commit_hash),
        "evidence": (
            list_hash("evidence", tuple([encode(one) for one in block.evidence])),
            header.evidence_hash,
        ),
        "skipped calls": (list_hash("skipped", block.skipped), header.skipped_hash),
        "transactions": (root(witness_ids), header.tx_root),
    }
    others = [name for name, (is_there, named) in found.items() if is_there != named]
    if not others:
        return None
    return f"a block of height {header.height} with other {', '.join(others)} than its header names"
