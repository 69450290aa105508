"""Blocks: header, body, commit certificate.

A block's id is the hash of its header, and the header commits to every field of the body. It
carries the state root after its own block, so one certificate proves a result. No round number is
in it: a value proposed again in a later round is the same block.
"""

from dataclasses import dataclass
from typing import Annotated

from chain.codec import AtMost, decode, encode, wire
from chain.crypto import hash_bytes
from chain.merkle import root
from chain.types import (
    TX_BYTES_MAX,
    U16,
    U32,
    Count,
    Hash,
    Height,
    Id,
    PublicKey,
    Signature,
    TimeMs,
)
from chain.validators import VALIDATORS_MAX, ValidatorSet

BLOCK_VERSION = 1
TRANSACTIONS_MAX = 65_536
VOTE_PREFIX = b"washnode-vote-1\0"
PREVOTE = 1
PRECOMMIT = 2
PROPOSAL = 3


@wire()
@dataclass(frozen=True, slots=True)
class Header:
    """What a block is. Roots and hashes are 32 bytes, time is ms UTC."""

    version: U16
    chain_id: Hash
    height: Height
    time_ms: TimeMs
    parent_id: Hash
    proposer: PublicKey
    last_commit_hash: Hash
    evidence_hash: Hash
    skipped_hash: Hash
    last_round: U32
    tx_root: Hash
    receipt_root: Hash
    state_root: Hash
    validators_hash: Hash
    next_validators_hash: Hash
    last_validators_change_height: Height
    params_hash: Hash
    gas_used: Count


@wire()
@dataclass(frozen=True, slots=True)
class Commit:
    """A commit certificate: precommits of a quorum for one block in one round.

    `signers` is a bitmap by validator index (bit i of byte i // 8), `signatures` follow in that
    order.
    """

    height: Height
    round: U32
    block_id: Hash
    signers: Annotated[bytes, AtMost((VALIDATORS_MAX + 7) // 8)]
    signatures: Annotated[tuple[Signature, ...], AtMost(VALIDATORS_MAX)]


@wire()
@dataclass(frozen=True, slots=True)
class Evidence:
    """Two votes of one validator that exclude each other; the agreement fills it."""

    votes: Annotated[tuple[Annotated[bytes, AtMost(512)], ...], AtMost(2)]


@wire()
@dataclass(frozen=True, slots=True)
class Block:
    """Header and body; `transactions` are signed bytes, in the order they took effect."""

    header: Header
    last_commit: Commit | None
    evidence: Annotated[tuple[Evidence, ...], AtMost(64)]
    skipped: Annotated[tuple[Id, ...], AtMost(256)]
    transactions: Annotated[
        tuple[Annotated[bytes, AtMost(TX_BYTES_MAX)], ...], AtMost(TRANSACTIONS_MAX)
    ]


def block_id(header: Header) -> bytes:
    """Return the 32-byte id of a block."""
    return hash_bytes("block", encode(header))


def encode_block(block: Block) -> bytes:
    """Return the canonical bytes of a block."""
    return encode(block)


def decode_block(data: bytes) -> Block:
    """Return the block whose canonical bytes are `data`, or raise MalformedBytesError."""
    return decode(Block, data)


def commit_hash(commit: Commit | None) -> bytes:
    """Return the hash of a certificate; 32 zero bytes for none (as in the first block)."""
    return bytes(32) if commit is None else hash_bytes("commit", encode(commit))


def list_hash(tag: str, items: tuple[bytes, ...]) -> bytes:
    """Return the hash of a list of byte strings, by tag."""
    return hash_bytes(tag, root(items))


def vote_bytes(  # noqa: PLR0917 - what is signed, in its order
    kind: int,
    chain_id: bytes,
    place: tuple[int, int],
    block: bytes,
    valid_round: int = -1,
    epoch: int = 0,
) -> bytes:
    """Return the bytes a vote signs, 101 of them, fixed width.

    Prefix, kind, chain, u32 recovery epoch, u64 height, u32 round, block id, i32 valid round.
    `place` is (height, round); `block` is 32 bytes, zero for a vote for none.
    """
    height, round_number = place
    return b"".join(
        (
            VOTE_PREFIX,
            bytes([kind]),
            chain_id,
            epoch.to_bytes(4, "big"),
            height.to_bytes(8, "big"),
            round_number.to_bytes(4, "big"),
            block,
            valid_round.to_bytes(4, "big", signed=True),
        )
    )


def make_commit(
    validators: ValidatorSet, place: tuple[int, int], block: bytes, signatures: dict[bytes, bytes]
) -> Commit:
    """Return the certificate of (height, round) from signatures by validator key."""
    bitmap = bytearray((len(validators.keys) + 7) // 8)
    ordered: list[bytes] = []
    for index, key in enumerate(validators.keys):
        if key in signatures:
            bitmap[index // 8] |= 1 << index % 8
            ordered.append(signatures[key])
    return Commit(place[0], place[1], block, bytes(bitmap), tuple(ordered))
