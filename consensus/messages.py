"""What validators send each other about the next block, and full nodes about those before it.

`SignedVote` (`chain/vote.py`) is the prevote, the precommit and the signed part of a proposal.
Everything here is bounded where it is declared; `consensus/admission.py` says what more must hold
before a message may reach the engine.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from chain.block import Block, Commit, Evidence
from chain.codec import AtMost, Between, ExactBytes, wire
from chain.types import U8, U32, Hash, Height, PublicKey, Signature
from chain.validators import VALIDATORS_MAX
from chain.vote import SignedVote

BLOCKS_PER_MESSAGE = 100
QUERY_BYTES = 16

_Bitmap: TypeAlias = Annotated[bytes, AtMost((VALIDATORS_MAX + 7) // 8)]
_Signatures: TypeAlias = Annotated[tuple[Signature, ...], AtMost(VALIDATORS_MAX)]
_Round: TypeAlias = Annotated[int, Between(-1, 2**31 - 1)]  # -1: none


@wire(tag=0x22)
@dataclass(frozen=True, slots=True)
class PolkaCertificate:
    """Prevotes of a quorum for one block with one valid round, in one round.

    Signers and signatures are those of a commit certificate.
    """

    height: Height
    round: U32
    block_id: Hash
    valid_round: _Round
    signers: _Bitmap
    signatures: _Signatures


@wire(tag=0x21)
@dataclass(frozen=True, slots=True)
class Proposal:
    """A signed proposal, its block where the receiver may lack it, and the polka it refers to.

    A block that is proposed again has `vote.valid_round` >= 0: the round of its polka.
    """

    vote: SignedVote
    block: Block | None
    polka: PolkaCertificate | None


@wire(tag=0x23)
@dataclass(frozen=True, slots=True)
class RoundCertificate:
    """Why a round may be entered.

    A quorum's precommits of the round before, or skip_threshold votes of this round or later ones.
    """

    height: Height
    round: U32
    votes: Annotated[tuple[SignedVote, ...], AtMost(VALIDATORS_MAX)]


@wire(tag=0x24)
@dataclass(frozen=True, slots=True)
class Status:
    """Where somebody is: the height being decided, and what of its round is known there.

    The bitmaps tell whose prevotes and precommits of that round arrived, `polka_round` is the
    valid round.
    """

    height: Height
    round: U32
    step: U8
    head_id: Hash
    prevotes: _Bitmap
    precommits: _Bitmap
    polka_round: _Round
    has_proposal: bool


@wire(tag=0x25)
@dataclass(frozen=True, slots=True)
class WantBlock:
    """A request for the block that somebody voted for."""

    height: Height
    block_id: Hash


@wire(tag=0x26)
@dataclass(frozen=True, slots=True)
class BlockBody:
    """The answer to WantBlock."""

    block: Block


@wire(tag=0x27)
@dataclass(frozen=True, slots=True)
class GetBlocks:
    """A request for decided blocks from a height on."""

    start: Height
    count: Annotated[int, Between(1, BLOCKS_PER_MESSAGE)]


@wire(tag=0x28)
@dataclass(frozen=True, slots=True)
class Blocks:
    """One segment of the chain under one set of validators, with the certificate of its last block.

    Parents link the blocks, so the one certificate is good for all of them.
    """

    blocks: Annotated[tuple[Block, ...], AtMost(BLOCKS_PER_MESSAGE)]
    commit: Commit


@wire(tag=0x29)
@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """Two votes that exclude each other, for whoever proposes next."""

    evidence: Evidence


@wire(tag=0x2A)
@dataclass(frozen=True, slots=True)
class RejoinQuery:
    """Asks what of a validator's own votes others remember; `query` makes an answer fresh."""

    validator: PublicKey
    query: Annotated[bytes, ExactBytes(QUERY_BYTES)]


@wire(tag=0x2B)
@dataclass(frozen=True, slots=True)
class RejoinReply:
    """The answer: the replier's head, and the newest vote of the asking validator that it knows."""

    replier: PublicKey
    validator: PublicKey
    query: Annotated[bytes, ExactBytes(QUERY_BYTES)]
    head_height: Height
    newest: SignedVote | None
    signature: Signature


Message: TypeAlias = (
    SignedVote
    | Proposal
    | PolkaCertificate
    | RoundCertificate
    | Status
    | WantBlock
    | BlockBody
    | GetBlocks
    | Blocks
    | EvidenceFound
    | RejoinQuery
    | RejoinReply
)
