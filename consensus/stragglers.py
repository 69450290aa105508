"""Precommits that come after their block was decided: the next certificate should have them too.

Whoever signs late is there all the same. A certificate that leaves him out makes him look absent,
and after a while he would propose last.
"""

from chain.block import PRECOMMIT, Commit, make_commit
from chain.validators import ValidatorSet
from chain.vote import SignedVote
from consensus.events import Head
from consensus.rounds import RoundMachine


class Stragglers:
    """Signatures under the newest block: those that decided it, and those that follow."""

    def __init__(self) -> None:
        """Begin with no block."""
        self._last: tuple[ValidatorSet, dict[bytes, bytes]] | None = None

    def begin(self, before: RoundMachine, head: Head) -> None:
        """A height was decided: collect from the votes that its machine has, if it decided it."""
        self._last, commit = None, head.commit
        if head.height != before.height or commit is None:
            return
        votes = before.book.votes_for(commit.round, PRECOMMIT, (commit.block_id, -1))
        signatures = {key: vote.signature for key, vote in votes.items()}
        if len(signatures) >= before.validators.quorum:
            self._last = (before.validators, signatures)

    def add(self, vote: SignedVote, commit: Commit | None) -> Commit | None:
        """Return the head's certificate with a late precommit for it; others change nothing."""
        if self._last is None or commit is None or vote.kind != PRECOMMIT:
            return commit
        validators, signatures = self._last
        fits = (vote.round, vote.block_id) == (commit.round, commit.block_id)
        if not fits or vote.validator not in validators.keys or vote.validator in signatures:
            return commit
        signatures[vote.validator] = vote.signature
        place = (commit.height, commit.round)
        return make_commit(validators, place, commit.block_id, signatures)
