"""Who broke the rules, from what he signed: evidence for the chain, and the accused of a fork."""

from collections.abc import Iterable

from chain.block import Commit, Evidence
from chain.codec import decode, encode
from chain.validators import ValidatorSet
from chain.vote import SignedVote
from consensus.certificates import read_bitmap
from consensus.messages import PolkaCertificate

POOL_MAX = 64
PER_BLOCK_MAX = 4


def make_evidence(one: SignedVote, other: SignedVote) -> Evidence:
    """Return the one form of two votes that exclude each other."""
    first, second = sorted((encode(one), encode(other)))
    return Evidence((first, second))


class EvidencePool:
    """Evidence that waits for a block: one piece for a validator, which bars it as well as ten."""

    def __init__(self) -> None:
        """Begin empty."""
        self._waiting: dict[bytes, Evidence] = {}

    def __bool__(self) -> bool:
        """Tell whether any waits."""
        return bool(self._waiting)

    def add(self, evidence: Evidence) -> bool:
        """Keep evidence whose signatures are good; tells whether it is news."""
        accused = accused_of(evidence)
        if accused in self._waiting or len(self._waiting) >= POOL_MAX:
            return False
        self._waiting[accused] = evidence
        return True

    def take(self) -> tuple[Evidence, ...]:
        """Return what the next block should carry."""
        return tuple([self._waiting[key] for key in sorted(self._waiting)[:PER_BLOCK_MAX]])

    def forget(self, carried: Iterable[Evidence], validators: ValidatorSet) -> None:
        """Drop what is on the chain now, and what is about no validator of the next height."""
        done = [accused_of(evidence) for evidence in carried]
        for key in [one for one in self._waiting if one in done or one not in validators.keys]:
            del self._waiting[key]


def accused_of(evidence: Evidence) -> bytes:
    """Return whom two votes convict; the evidence was checked before."""
    return decode(SignedVote, evidence.votes[0]).validator


def accuse(
    first: tuple[Commit, ValidatorSet],
    second: tuple[Commit, ValidatorSet],
    polkas: Iterable[tuple[PolkaCertificate, ValidatorSet]],
) -> list[bytes]:
    """Return the validators that two certificates for different blocks of one height convict.

    In one round: whoever signed both. Across rounds: whoever precommitted in the lower one and then
    prevoted for another block under a valid round below it (amnesia; the accountable variant of
    arXiv 1807.04938, where a prevote names the round that justifies it). `polkas` are those known
    of the height. With more than a third of traitors at least that many are named.
    """
    (low, low_set), (high, high_set) = sorted((first, second), key=lambda pair: pair[0].round)
    assert low.block_id != high.block_id, "no fork"
    precommitted = {*read_bitmap(low_set, low.signers)}
    if low.round == high.round:
        return sorted(precommitted & {*read_bitmap(high_set, high.signers)})
    guilty: list[bytes] = []
    for polka, validators in polkas:
        breaks = low.round < polka.round <= high.round and polka.valid_round < low.round
        if breaks and polka.block_id != low.block_id:
            guilty += [one for one in read_bitmap(validators, polka.signers) if one in precommitted]
    return sorted({*guilty})
