"""A signed vote: what a validator says about one block, or about none, in one round."""

from dataclasses import dataclass
from typing import Annotated

from chain.block import vote_bytes
from chain.codec import Between, wire
from chain.types import U32, Hash, Height, PublicKey, Signature


@wire(tag=0x20)
@dataclass(frozen=True, slots=True)
class SignedVote:
    """A prevote (1), a precommit (2) or the signed part of a proposal (3).

    `block_id` is 32 zero bytes for none. `valid_round` is the round whose polka justifies the block
    in a later round, -1 without one; a precommit has none.
    """

    kind: Annotated[int, Between(1, 3)]
    epoch: U32
    height: Height
    round: U32
    block_id: Hash
    valid_round: Annotated[int, Between(-1, 2**31 - 1)]
    validator: PublicKey
    signature: Signature


def signed_bytes(vote: SignedVote, chain_id: bytes) -> bytes:
    """Return the bytes that a vote's signature is over."""
    place = (vote.height, vote.round)
    return vote_bytes(vote.kind, chain_id, place, vote.block_id, vote.valid_round, vote.epoch)
