"""The votes of one height: tallies by round, kind and value, and who contradicts himself.

A value is (block id, valid round); nil is (32 zero bytes, -1). A voter counts once for each value,
and has at most two in a round and kind, so memory is bounded by rounds and validators.
"""

from dataclasses import dataclass, field
from typing import TypeAlias

from chain.block import PRECOMMIT, PREVOTE
from chain.validators import ValidatorSet
from chain.vote import SignedVote

ROUNDS_AHEAD_MAX = 2  # votes of later rounds only show that their voters are there
VALUES_PER_VOTER_MAX = 2  # two are evidence; more add nothing

Value: TypeAlias = tuple[bytes, int]
NIL_ID = bytes(32)
NIL: Value = (NIL_ID, -1)


def value_of(vote: SignedVote) -> Value:
    """Return what a vote is for."""
    return (vote.block_id, vote.valid_round)


@dataclass(slots=True)
class Tally:
    """Votes of one kind in one round: by value, then by voter."""

    values: dict[Value, dict[bytes, SignedVote]] = field(default_factory=dict)
    voters: dict[bytes, SignedVote] = field(default_factory=dict)  # each one's first
    quorum_value: Value | None = None

    def copy(self) -> "Tally":
        """Return a tally that goes its own way."""
        values = {value: dict(votes) for value, votes in self.values.items()}
        return Tally(values, dict(self.voters), self.quorum_value)


class VoteBook:
    """What is known of everybody's votes at one height."""

    __slots__ = ("_quorum", "_rounds", "_size", "decided", "high", "keys", "polkas")

    def __init__(self, validators: ValidatorSet) -> None:
        """Begin with no votes of these validators."""
        self.keys = frozenset(validators.keys)
        self._quorum = validators.quorum
        self._rounds: dict[tuple[int, int], Tally] = {}
        self._size = 0
        self.high: dict[bytes, SignedVote] = {}  # each voter's vote of its highest round
        self.polkas: list[int] = []  # rounds in which a quorum prevoted one block
        self.decided: list[tuple[int, bytes]] = []  # where a quorum precommitted one block

    def copy(self) -> "VoteBook":
        """Return a book that goes its own way."""
        other = VoteBook.__new__(VoteBook)
        rounds = {place: tally.copy() for place, tally in self._rounds.items()}
        other.keys, other._quorum, other._rounds = self.keys, self._quorum, rounds  # noqa: SLF001
        other.high, other._size = dict(self.high), self._size  # noqa: SLF001
        other.polkas, other.decided = list(self.polkas), list(self.decided)
        return other

    def tally(self, round_number: int, kind: int) -> Tally | None:
        """Return the votes of a kind in a round, or None if there are none."""
        return self._rounds.get((round_number, kind))

    def places(self) -> list[tuple[int, int]]:
        """Return every (round, kind) that has votes, in order."""
        return sorted(self._rounds)

    def has(self, vote: SignedVote) -> bool:
        """Tell whether this voter's vote for this value is here."""
        tally = self._rounds.get((vote.round, vote.kind))
        if tally is None:
            return False
        return vote.validator in tally.values.get((vote.block_id, vote.valid_round), ())

    def has_room(self, vote: SignedVote, current_round: int) -> bool:
        """Tell whether `add` would learn anything of a vote, before its signature is checked."""
        if vote.validator not in self.keys:
            return False
        high = self.high.get(vote.validator)
        if high is None or vote.round > high.round:
            return True
        if vote.round > current_round + ROUNDS_AHEAD_MAX:
            return False
        tally = self._rounds.get((vote.round, vote.kind))
        return tally is None or (not self.has(vote) and _count(tally, vote) < VALUES_PER_VOTER_MAX)

    def add(self, vote: SignedVote, current_round: int) -> SignedVote | None:
        """Count a vote; returns the voter's other vote of this round and kind if there is one."""
        high = self.high.get(vote.validator)
        if high is None or vote.round > high.round:
            self.high[vote.validator] = vote
        if vote.round > current_round + ROUNDS_AHEAD_MAX:
            return None
        return self._count(vote, VALUES_PER_VOTER_MAX)

    def add_certified(self, votes: list[SignedVote]) -> list[tuple[SignedVote, SignedVote]]:
        """Count the votes of a certificate: a quorum vouches for them, so no bound applies.

        Returns pairs of votes by which voters contradict themselves.
        """
        pairs: list[tuple[SignedVote, SignedVote]] = []
        for vote in votes:
            high = self.high.get(vote.validator)
            if high is None or vote.round > high.round:
                self.high[vote.validator] = vote
            other = self._count(vote, None)
            if other is not None:
                pairs.append((vote, other))
        return pairs

    def _count(self, vote: SignedVote, values_max: int | None) -> SignedVote | None:
        place = (vote.round, vote.kind)
        tally = self._rounds.get(place)
        if tally is None:
            tally = self._rounds[place] = Tally()
        value = (vote.block_id, vote.valid_round)
        votes = tally.values.get(value)
        if votes is not None and vote.validator in votes:
            return None
        first = tally.voters.get(vote.validator)
        if values_max is not None and first is not None and _count(tally, vote) >= values_max:
            return first
        if votes is None:
            votes = tally.values[value] = {}
        votes[vote.validator] = vote
        self._size += 1
        if first is None:
            tally.voters[vote.validator] = vote
        if len(votes) >= self._quorum and tally.quorum_value is None:
            tally.quorum_value = value
            if value[0] != NIL_ID:
                self._note_quorum(vote)
        return first

    def _note_quorum(self, vote: SignedVote) -> None:
        if vote.kind == PREVOTE:
            self.polkas.append(vote.round)
        elif vote.kind == PRECOMMIT:
            self.decided.append((vote.round, vote.block_id))

    def quorum_value(self, round_number: int, kind: int) -> Value | None:
        """Return the value that a quorum voted for in a round, or None."""
        tally = self._rounds.get((round_number, kind))
        return None if tally is None else tally.quorum_value

    def has_quorum_of_any(self, round_number: int, kind: int) -> bool:
        """Tell whether a quorum voted in a round, for whatever."""
        tally = self._rounds.get((round_number, kind))
        return tally is not None and len(tally.voters) >= self._quorum

    def votes_for(self, round_number: int, kind: int, value: Value) -> dict[bytes, SignedVote]:
        """Return the votes for a value by voter."""
        tally = self._rounds.get((round_number, kind))
        return {} if tally is None else tally.values.get(value, {})

    def has_polka(self, round_number: int, block_id: bytes) -> bool:
        """Tell whether a quorum prevoted for a block in a round."""
        value = self.quorum_value(round_number, PREVOTE)
        return value is not None and value[0] == block_id

    def voters_of(self, block_id: bytes) -> list[bytes]:
        """Return who voted for a block in any round, sorted."""
        found = {
            voter
            for tally in self._rounds.values()
            for value, votes in tally.values.items()
            if value[0] == block_id
            for voter in votes
        }
        return sorted(found)

    def size(self) -> int:
        """Return how many votes are kept."""
        return self._size


def _count(tally: Tally, vote: SignedVote) -> int:
    """Return for how many values a voter's votes are here."""
    return sum(vote.validator in votes for votes in tally.values.values())
