"""Certificates: votes of many in few bytes, and back. Their signatures are checked elsewhere."""

from collections.abc import Mapping
from itertools import compress

from chain.block import PRECOMMIT, PREVOTE, Commit, make_commit
from chain.errors import WashError
from chain.validators import ValidatorSet
from chain.vote import SignedVote
from consensus.messages import PolkaCertificate, RoundCertificate
from consensus.votes import NIL_ID, Value


class InvalidMessageError(WashError):
    """A message that no honest peer sends."""

    code = 4003


def make_bitmap(validators: ValidatorSet, keys: Mapping[bytes, object]) -> bytes:
    """Return which validators are in `keys`: bit i of byte i // 8 is validator i's."""
    bitmap = bytearray((len(validators.keys) + 7) // 8)
    for index, key in enumerate(validators.keys):
        if key in keys:
            bitmap[index // 8] |= 1 << index % 8
    return bytes(bitmap)


def read_bitmap(validators: ValidatorSet, bitmap: bytes) -> list[bytes]:
    """Return the validators of a bitmap; raises InvalidMessageError if it does not fit the set."""
    count = len(validators.keys)
    bits = [bitmap[i // 8] >> i % 8 & 1 for i in range(8 * len(bitmap))]
    if len(bitmap) != (count + 7) // 8 or any(bits[count:]):
        text = f"a bitmap {bitmap.hex()} for {count} validators"
        raise InvalidMessageError(text)
    return list(compress(validators.keys, bits))


def _signatures(votes: Mapping[bytes, SignedVote]) -> dict[bytes, bytes]:
    return {key: vote.signature for key, vote in votes.items()}


def commit_of(
    validators: ValidatorSet,
    place: tuple[int, int],
    block_id: bytes,
    votes: Mapping[bytes, SignedVote],
) -> Commit:
    """Return the commit certificate of precommits by voter; `place` is (height, round)."""
    return make_commit(validators, place, block_id, _signatures(votes))


def polka_of(
    validators: ValidatorSet,
    place: tuple[int, int],
    value: Value,
    votes: Mapping[bytes, SignedVote],
) -> PolkaCertificate:
    """Return the certificate of a quorum's prevotes, exactly a quorum of them."""
    chosen = {key: votes[key] for key in sorted(votes)[: validators.quorum]}
    made = commit_of(validators, place, value[0], chosen)
    return PolkaCertificate(*place, value[0], value[1], made.signers, made.signatures)


def polka_votes(polka: PolkaCertificate, validators: ValidatorSet) -> list[SignedVote]:
    """Return the prevotes that a certificate stands for; raises InvalidMessageError."""
    if polka.block_id == NIL_ID:
        text = "a polka for no block"
        raise InvalidMessageError(text)
    if polka.valid_round >= polka.round:
        text = f"a polka of round {polka.round} with valid round {polka.valid_round}"
        raise InvalidMessageError(text)
    keys = read_bitmap(validators, polka.signers)
    if len(keys) != validators.quorum or len(polka.signatures) != len(keys):
        text = (
            f"a polka of {len(keys)} signers and {len(polka.signatures)} signatures, "
            f"expected {validators.quorum} of both"
        )
        raise InvalidMessageError(text)
    value = (polka.block_id, polka.valid_round)
    return [
        SignedVote(PREVOTE, validators.epoch, polka.height, polka.round, *value, key, signature)
        for key, signature in zip(keys, polka.signatures, strict=True)
    ]


def check_round_certificate(certificate: RoundCertificate, validators: ValidatorSet) -> None:
    """Raise InvalidMessageError unless the votes justify the round, their signatures aside."""
    votes, height, target = certificate.votes, certificate.height, certificate.round
    if len({vote.validator for vote in votes}) != len(votes):
        text = "a round certificate in which somebody votes twice"
        raise InvalidMessageError(text)
    if any(vote.height != height for vote in votes):
        text = f"a round certificate of height {height} with votes of another"
        raise InvalidMessageError(text)
    is_over = all(vote.kind == PRECOMMIT and vote.round == target - 1 for vote in votes)
    is_ahead = all(vote.round >= target for vote in votes)
    enough = is_over and len(votes) >= validators.quorum
    if not enough and not (is_ahead and len(votes) >= validators.skip_threshold):
        text = f"{len(votes)} votes do not justify round {target}"
        raise InvalidMessageError(text)
