"""What must hold of a message before the engine sees it, and which signatures it rests on.

The engine takes what is signed for granted. So the edge asks `signatures_of` here, verifies what it
returns wherever it likes (another thread, a cache), and passes on only what is good.
"""

from collections.abc import Callable
from typing import TypeAlias

from chain.block import PRECOMMIT, PREVOTE, PROPOSAL, block_id, vote_bytes
from chain.codec import decode
from chain.crypto import verify_signature
from chain.errors import MalformedBytesError
from chain.validators import ValidatorSet
from chain.vote import SignedVote, signed_bytes
from consensus.certificates import (
    InvalidMessageError,
    check_round_certificate,
    polka_votes,
    read_bitmap,
)
from consensus.messages import (
    Blocks,
    EvidenceFound,
    Message,
    PolkaCertificate,
    Proposal,
    RejoinReply,
    RoundCertificate,
)
from consensus.rejoin import reply_bytes
from consensus.sync import check_segment
from consensus.votes import NIL_ID

Signed: TypeAlias = tuple[bytes, bytes, bytes]  # key, message, signature
Verify: TypeAlias = Callable[[bytes, bytes, bytes], bool]


def check_message(
    message: Message, chain_id: bytes, validators: ValidatorSet, verify: Verify = verify_signature
) -> None:
    """Raise InvalidMessageError unless a message is sound and all its signatures are good."""
    for key, said, signature in signatures_of(message, chain_id, validators):
        if not verify(key, said, signature):
            text = f"{type(message).__name__}: a signature that {key.hex()} did not make"
            raise InvalidMessageError(text)


def signatures_of(  # noqa: PLR0911 - a kind a line
    message: Message, chain_id: bytes, validators: ValidatorSet
) -> list[Signed]:
    """Return every signature a message rests on; raises InvalidMessageError if it is unsound."""
    match message:
        case SignedVote():
            return [_vote(message, chain_id, validators)]
        case Proposal():
            return _proposal(message, chain_id, validators)
        case PolkaCertificate():
            return _polka(message, chain_id, validators)
        case RoundCertificate():
            check_round_certificate(message, validators)
            return [_vote(vote, chain_id, validators) for vote in message.votes]
        case Blocks():
            return _blocks(message, chain_id, validators)
        case EvidenceFound():
            return _evidence(message, chain_id, validators)
        case RejoinReply():
            _expect_member(message.replier, validators)
            said = reply_bytes(chain_id, message)
            signed = [(message.replier, said, message.signature)]
            if message.newest is not None:
                if message.newest.validator != message.validator:
                    text = "a reply about one validator with a vote of another"
                    raise InvalidMessageError(text)
                newest = message.newest
                signed.append((newest.validator, signed_bytes(newest, chain_id), newest.signature))
            return signed
        case _:
            return []


def fits_set(message: Message, validators: ValidatorSet) -> bool:
    """Tell whether a message that was checked under one set of validators holds under another."""
    try:
        signatures_of(message, bytes(32), validators)
    except InvalidMessageError:
        return False
    return True


def _expect_member(key: bytes, validators: ValidatorSet) -> None:
    if key not in validators.keys:
        text = f"{key.hex()} is no validator of this height"
        raise InvalidMessageError(text)


def _vote(vote: SignedVote, chain_id: bytes, validators: ValidatorSet) -> Signed:
    _expect_member(vote.validator, validators)
    if vote.epoch != validators.epoch:
        text = f"a vote of recovery epoch {vote.epoch}, this is {validators.epoch}"
        raise InvalidMessageError(text)
    is_nil = vote.block_id == NIL_ID
    fits = {
        PREVOTE: vote.valid_round == -1 if is_nil else vote.valid_round < vote.round,
        PRECOMMIT: vote.valid_round == -1,
    }
    if not fits.get(vote.kind, False):
        text = f"a vote of kind {vote.kind}, round {vote.round}, valid round {vote.valid_round}"
        raise InvalidMessageError(text)
    return vote.validator, signed_bytes(vote, chain_id), vote.signature


def _proposal(message: Proposal, chain_id: bytes, validators: ValidatorSet) -> list[Signed]:
    vote, polka = message.vote, message.polka
    _expect_member(vote.validator, validators)
    is_sound = (
        vote.kind == PROPOSAL
        and vote.epoch == validators.epoch
        and vote.block_id != NIL_ID
        and vote.valid_round < vote.round
    )
    if not is_sound:
        text = f"a proposal of kind {vote.kind}, epoch {vote.epoch}, valid round {vote.valid_round}"
        raise InvalidMessageError(text)
    if message.block is not None:
        header = message.block.header
        if header.height != vote.height or block_id(header) != vote.block_id:
            text = f"a proposal for {vote.block_id.hex()} with another block"
            raise InvalidMessageError(text)
    signed = [(vote.validator, signed_bytes(vote, chain_id), vote.signature)]
    if (vote.valid_round >= 0) != (polka is not None):
        text = f"a proposal with valid round {vote.valid_round} and {'a' if polka else 'no'} polka"
        raise InvalidMessageError(text)
    if polka is not None:
        place = (polka.height, polka.round, polka.block_id)
        if place != (vote.height, vote.valid_round, vote.block_id):
            text = f"a proposal with the polka of round {polka.round}, not {vote.valid_round}"
            raise InvalidMessageError(text)
        signed += _polka(polka, chain_id, validators)
    return signed


def _polka(polka: PolkaCertificate, chain_id: bytes, validators: ValidatorSet) -> list[Signed]:
    votes = polka_votes(polka, validators)
    return [(vote.validator, signed_bytes(vote, chain_id), vote.signature) for vote in votes]


def _blocks(message: Blocks, chain_id: bytes, validators: ValidatorSet) -> list[Signed]:
    check_segment(message, validators)
    commit = message.commit
    keys = read_bitmap(validators, commit.signers)
    if len(keys) < validators.quorum or len(keys) != len(commit.signatures):
        text = f"a certificate of {len(commit.signatures)} signatures by {len(keys)} validators"
        raise InvalidMessageError(text)
    place = (commit.height, commit.round)
    said = vote_bytes(PRECOMMIT, chain_id, place, commit.block_id, epoch=validators.epoch)
    return [(key, said, one) for key, one in zip(keys, commit.signatures, strict=True)]


def _evidence(message: EvidenceFound, chain_id: bytes, validators: ValidatorSet) -> list[Signed]:
    votes: list[SignedVote] = []
    for data in message.evidence.votes:
        try:
            votes.append(decode(SignedVote, data))
        except MalformedBytesError as error:
            text = f"evidence: {error}"
            raise InvalidMessageError(text) from error
    if len(votes) != 2:  # noqa: PLR2004 - one against the other
        text = f"evidence of {len(votes)} votes, expected two"
        raise InvalidMessageError(text)
    one, other = votes
    place = (one.validator, one.epoch, one.height, one.round, one.kind)
    is_pair = place == (other.validator, other.epoch, other.height, other.round, other.kind)
    differs = (one.block_id, one.valid_round) != (other.block_id, other.valid_round)
    if not is_pair or not differs or message.evidence.votes[0] >= message.evidence.votes[1]:
        text = "evidence of two votes that do not exclude each other, or are out of order"
        raise InvalidMessageError(text)
    _expect_member(one.validator, validators)
    return [(vote.validator, signed_bytes(vote, chain_id), vote.signature) for vote in votes]
