"""Who broke the rules, from what he signed: evidence for the chain, and the accused of a fork."""

from collections.abc import Iterable

from chain.block import Commit, Evidence
from chain.codec import decode, encode
from chain.errors import MalformedBytesError
from chain.evidence import EVIDENCE_AGE_MAX
from chain.validators import ValidatorSet
from chain.vote import SignedVote
from consensus.certificates import read_bitmap
from consensus.events import Head
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
        """Begin empty, with no chain to judge by."""
        self._waiting: dict[bytes, Evidence] = {}
        self._head: Head | None = None

    def __bool__(self) -> bool:
        """Tell whether any waits."""
        return bool(self._waiting)

    def wants(self, evidence: Evidence) -> bool:
        """Tell whether evidence would be news to the chain, its signatures aside."""
        if not evidence.votes:
            return False
        try:
            vote = decode(SignedVote, evidence.votes[0])
        except MalformedBytesError:
            return False
        is_known = vote.validator in self._waiting or len(self._waiting) >= POOL_MAX
        return not is_known and self._has_effect(vote)

    def add(self, evidence: Evidence) -> bool:
        """Keep evidence whose signatures are good; tells whether it is news."""
        if not self.wants(evidence):
            return False
        self._waiting[accused_of(evidence)] = evidence
        return True

    def _has_effect(self, vote: SignedVote) -> bool:
        """Tell whether a block above the head could take evidence of this vote for a cause."""
        head = self._head
        if head is None:
            return True
        next_height, validators = head.height + 1, head.validators
        return (
            vote.validator in validators.keys
            and vote.validator not in head.convicted
            and vote.epoch == validators.epoch
            and next_height - EVIDENCE_AGE_MAX <= vote.height <= next_height
        )

    def take(self) -> tuple[Evidence, ...]:
        """Return what the next block should carry."""
        return tuple([self._waiting[key] for key in sorted(self._waiting)[:PER_BLOCK_MAX]])

    def follow(self, head: Head) -> None:
        """Drop what is no news above this block: known, too old, about no validator any more."""
        self._head = head
        for key, evidence in list(self._waiting.items()):
            if not self._has_effect(decode(SignedVote, evidence.votes[0])):
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
