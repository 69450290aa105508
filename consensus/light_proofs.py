"""What a trusted header proves: a transaction, a receipt, a value of the state or its absence.

The header is trusted already; a proof is somebody's claim. Each check returns what is final, or
raises ProofError saying what does not fit.
"""

from dataclasses import dataclass
from typing import Annotated, NoReturn

from chain.block import Header
from chain.codec import AtMost, decode, wire
from chain.errors import MalformedBytesError, WashError
from chain.merkle import leaf_hash, verify_inclusion
from chain.receipt import Receipt
from chain.state import QUEUE_PREFIX
from chain.transaction import ReceivedTransaction, read_transaction
from chain.tree import Proof, verify_proof
from chain.types import Count, Hash

PATH_LENGTH_MAX = 64
KEY_BYTES_SHOWN = 128
LEAF_BYTES_MAX = 2 * 1024 * 1024  # the longest receipt, with room


class ProofError(WashError):
    """A proof that does not show what it says."""

    code = 4003


@wire()
@dataclass(frozen=True, slots=True)
class LeafProof:
    """That `leaf` is item `index` of a list of `size`, counted from 0; `path` from it upwards."""

    leaf: Annotated[bytes, AtMost(LEAF_BYTES_MAX)]
    index: Count
    size: Count
    path: Annotated[tuple[Hash, ...], AtMost(PATH_LENGTH_MAX)]


def check_transaction(trusted: Header, proof: LeafProof) -> ReceivedTransaction:
    """Return the transaction that the block contains; its leaf is its signed bytes."""
    try:
        tx = read_transaction(proof.leaf)
    except MalformedBytesError as error:
        raise ProofError(f"leaf: {error}") from error
    _check_path(proof, tx.witness_id, ("tx_root", trusted.tx_root))
    return tx


def check_receipt(trusted: Header, proof: LeafProof) -> Receipt:
    """Return the receipt that the block gave: what became of a transaction or timer."""
    try:
        receipt = decode(Receipt, proof.leaf)
    except MalformedBytesError as error:
        raise ProofError(f"leaf: {error}") from error
    _check_path(proof, proof.leaf, ("receipt_root", trusted.receipt_root))
    return receipt


def check_state(trusted: Header, key: bytes, value: bytes | None, proof: Proof) -> None:
    """Raise ProofError unless the key had this value after the block; None: it was absent."""
    shown_key = key[:KEY_BYTES_SHOWN].hex()
    if key[:1] >= QUEUE_PREFIX:
        _refuse(f"key {shown_key} is of an index that no root covers")
    if not verify_proof(trusted.state_root, key, value, proof):
        shown = "absence" if value is None else f"a value of {len(value)} bytes"
        _refuse(
            f"{len(proof.nodes)} nodes do not show {shown} of the key {shown_key} "
            f"under state_root {trusted.state_root.hex()} of height {trusted.height}"
        )


def _check_path(proof: LeafProof, leaf: bytes, root: tuple[str, bytes]) -> None:
    if not verify_inclusion(leaf_hash(leaf), proof.index, proof.size, proof.path, root[1]):
        _refuse(
            f"path of {len(proof.path)} hashes does not lead from item {proof.index} "
            f"of {proof.size} to {root[0]} {root[1].hex()}"
        )


def _refuse(reason: str) -> NoReturn:
    raise ProofError(reason)
