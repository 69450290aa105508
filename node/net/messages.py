"""What travels between nodes: the messages of agreement and those about transactions, as bytes.

Agreement (`consensus/messages.py`) speaks of blocks as a whole. On the wire a proposal names its
transactions by witness id, since most are known already; what is missing is asked for.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from chain.block import TRANSACTIONS_MAX, Commit, Evidence, Header
from chain.codec import AtMost, decode, encode, wire
from chain.errors import MalformedBytesError
from chain.snapshot import CHUNK_BYTES_MAX, MANIFEST_BYTES_MAX
from chain.types import TX_BYTES_MAX, U32, Hash, Height, Id
from chain.vote import SignedVote
from consensus import (
    BlockBody,
    Blocks,
    EvidenceFound,
    GetBlocks,
    Message,
    PolkaCertificate,
    Proposal,
    RejoinQuery,
    RejoinReply,
    RoundCertificate,
    Status,
    WantBlock,
)
from p2p import Kind

BATCH_MAX = 1_024  # transactions in one message

STEPS_MAX = 512  # headers that lead from the genesis to a snapshot
STEP_BYTES_MAX = 64 * 1024  # of a header with its certificate and two sets of validators

_Transaction: TypeAlias = Annotated[bytes, AtMost(TX_BYTES_MAX)]
_Step: TypeAlias = Annotated[bytes, AtMost(STEP_BYTES_MAX)]


@wire(tag=0x41)
@dataclass(frozen=True, slots=True)
class CompactProposal:
    """A proposal with its block, whose transactions are named by witness id, in their order."""

    vote: SignedVote
    header: Header
    last_commit: Commit | None
    evidence: Annotated[tuple[Evidence, ...], AtMost(64)]
    skipped: Annotated[tuple[Id, ...], AtMost(256)]
    witness_ids: Annotated[tuple[Hash, ...], AtMost(TRANSACTIONS_MAX)]
    polka: PolkaCertificate | None


@wire(tag=0x42)
@dataclass(frozen=True, slots=True)
class WantTransactions:
    """A request for transactions of a proposed block, by their places in it."""

    height: Height
    block_id: Hash
    places: Annotated[tuple[U32, ...], AtMost(TRANSACTIONS_MAX)]


@wire(tag=0x43)
@dataclass(frozen=True, slots=True)
class BlockTransactions:
    """The answer to WantTransactions: bytes of the transactions, in the order asked for."""

    block_id: Hash
    transactions: Annotated[tuple[_Transaction, ...], AtMost(TRANSACTIONS_MAX)]


@wire(tag=0x44)
@dataclass(frozen=True, slots=True)
class TransactionBatch:
    """Signed transactions for whoever makes blocks."""

    transactions: Annotated[tuple[_Transaction, ...], AtMost(BATCH_MAX)]


@wire(tag=0x45)
@dataclass(frozen=True, slots=True)
class WantSnapshots:
    """A request for an offer of each snapshot that is there."""


@wire(tag=0x46)
@dataclass(frozen=True, slots=True)
class SnapshotOffer:
    """A snapshot that is there, and candidates that lead from the genesis to it, all encoded."""

    manifest: Annotated[bytes, AtMost(MANIFEST_BYTES_MAX)]
    steps: Annotated[tuple[_Step, ...], AtMost(STEPS_MAX)]


@wire(tag=0x47)
@dataclass(frozen=True, slots=True)
class WantChunk:
    """A request for one chunk of the snapshot of a height."""

    height: Height
    index: U32


@wire(tag=0x48)
@dataclass(frozen=True, slots=True)
class SnapshotChunk:
    """The answer to WantChunk."""

    height: Height
    index: U32
    data: Annotated[bytes, AtMost(CHUNK_BYTES_MAX)]


SnapshotMessage: TypeAlias = WantSnapshots | SnapshotOffer | WantChunk | SnapshotChunk
AnyMessage: TypeAlias = (
    Message
    | CompactProposal
    | WantTransactions
    | BlockTransactions
    | TransactionBatch
    | SnapshotMessage
)


@wire()
@dataclass(frozen=True, slots=True)
class _Envelope:
    message: AnyMessage


_KINDS: dict[type, Kind] = {
    SignedVote: Kind.VOTE,
    PolkaCertificate: Kind.VOTE,
    RoundCertificate: Kind.VOTE,
    Status: Kind.VOTE,
    EvidenceFound: Kind.VOTE,
    RejoinQuery: Kind.VOTE,
    RejoinReply: Kind.VOTE,
    Proposal: Kind.PROPOSAL,
    CompactProposal: Kind.PROPOSAL,
    BlockTransactions: Kind.PROPOSAL,
    BlockBody: Kind.PROPOSAL,
    WantBlock: Kind.WANT,
    WantTransactions: Kind.WANT,
    TransactionBatch: Kind.TRANSACTIONS,
    GetBlocks: Kind.SYNC_REQUEST,
    Blocks: Kind.SYNC,
    WantSnapshots: Kind.SYNC_REQUEST,
    WantChunk: Kind.SYNC_REQUEST,
    SnapshotOffer: Kind.SYNC,
    SnapshotChunk: Kind.SYNC,
}


def pack(message: AnyMessage) -> tuple[Kind, bytes]:
    """Return a message's kind and its bytes."""
    return _KINDS[type(message)], encode(_Envelope(message))


def unpack(kind: Kind, data: bytes) -> AnyMessage:
    """Return the message of some bytes; raises MalformedBytesError.

    One that came as another kind than its own is refused: limits go by kind.
    """
    message = decode(_Envelope, data).message
    expected = _KINDS[type(message)]
    if kind != expected and (kind, expected) != (Kind.BLOCK, Kind.SYNC):
        text = f"{type(message).__name__} came as {kind.name}, it travels as {expected.name}"
        raise MalformedBytesError(text)
    return message
