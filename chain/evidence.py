"""Evidence in a block: two votes of one validator that exclude each other, and what follows.

A validator that contradicts itself goes to the end of the proposers' order for good, and the chain
proposes to its operators that it be removed. It never removes one by itself: a restored backup is
the usual cause.
"""

from collections.abc import Callable

from chain.block import Evidence
from chain.codec import decode, encode
from chain.crypto import verify_signature
from chain.errors import InvalidBlockError, MalformedBytesError
from chain.governance import propose_removal
from chain.proposers import tombstone
from chain.state import State
from chain.validators import read_validators
from chain.vote import SignedVote, signed_bytes

EVIDENCE_AGE_MAX = 10_000  # blocks

Verify = Callable[[bytes, bytes, bytes], bool]


def read_evidence(
    evidence: Evidence, chain_id: bytes, verify: Verify = verify_signature
) -> tuple[SignedVote, SignedVote]:
    """Return the two votes; raises InvalidBlockError unless they are evidence of anything."""
    try:
        votes = [decode(SignedVote, data) for data in evidence.votes]
    except MalformedBytesError as error:
        text = f"evidence: {error}"
        raise InvalidBlockError(text) from error
    if len(votes) != 2 or evidence.votes[0] >= evidence.votes[1]:  # noqa: PLR2004 - one and other
        text = f"evidence of {len(votes)} votes, expected two in the order of their bytes"
        raise InvalidBlockError(text)
    one, other = votes
    places = [(vote.validator, vote.epoch, vote.height, vote.round, vote.kind) for vote in votes]
    if places[0] != places[1] or one == other:
        text = "evidence of two votes that do not exclude each other"
        raise InvalidBlockError(text)
    if (one.block_id, one.valid_round) == (other.block_id, other.valid_round):
        text = "evidence of one vote with two signatures"
        raise InvalidBlockError(text)
    for vote in votes:
        if not verify(vote.validator, signed_bytes(vote, chain_id), vote.signature):
            text = f"evidence: {vote.validator.hex()} did not sign this vote"
            raise InvalidBlockError(text)
    return one, other


def take_evidence(
    state: State, height: int, evidence: Evidence, chain_id: bytes, verify: Verify
) -> bool:
    """Let evidence in a block at `height` take effect; tells whether it had any.

    Evidence about a key that is no validator, of another recovery epoch, too old, or known before
    has none, and is no fault of the block. Raises InvalidBlockError for what is no evidence.
    """
    vote, _other = read_evidence(evidence, chain_id, verify)
    validators = read_validators(state)
    is_due = (
        vote.validator in validators.keys
        and vote.epoch == validators.epoch
        and height - EVIDENCE_AGE_MAX <= vote.height <= height
    )
    if not is_due or not tombstone(state, vote.validator):
        return False
    propose_removal(state, vote.validator, encode(evidence), height)
    return True
