"""Traitors: nodes that run the real engine and lie with its key.

Each has a few habits, chosen by the seed. It sees what its engine would send and sends something
else, to some or all.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from enum import IntEnum

from chain.block import PRECOMMIT, PREVOTE, Block, block_id, vote_bytes
from chain.crypto import Signer, hash_bytes
from chain.types import HOUR_MS
from chain.vote import SignedVote, signed_bytes
from consensus import (
    NIL_ID,
    BlockBody,
    Blocks,
    Message,
    PolkaCertificate,
    Proposal,
    RoundCertificate,
)
from node.sim.world import World


class Habit(IntEnum):
    """A way to lie."""

    TWO_PROPOSALS = 1  # different blocks for different receivers
    BAD_BODY = 2  # a block whose roots are wrong
    HIDDEN_BODY = 3  # a proposal whose block nobody gets
    OLD_POLKA = 4  # proposes again what an earlier polka allowed, or claims one
    FUTURE_TIME = 5
    WITHHELD_VOTES = 6  # from some receivers
    DOUBLE_VOTES = 7  # nil to some, a block to others
    FORGED_CERTIFICATES = 8  # too short, twice the same signer, another round
    ANY_VOTE = 9  # votes for whatever is proposed, lock or not
    SPLIT = 10  # votes for each of two rival blocks, to those who got it


@dataclass(slots=True)
class Plot:
    """What traitors know of each other: rival blocks, and which half of the others gets which."""

    rivals: dict[tuple[int, int], tuple[bytes, bytes]] = field(default_factory=dict)
    halves: dict[int, int] = field(default_factory=dict)  # node -> 0 or 1

    def half(self, receiver: int) -> int:
        """Return which half a node belongs to."""
        return self.halves.get(receiver, receiver % 2)


class Traitor:
    """Turns what an honest node would send into what a traitor sends."""

    def __init__(
        self,
        world: World,
        signer: Signer,
        chain_id: bytes,
        habits: list[Habit],
        *,
        index: int,
        plot: Plot,
    ) -> None:
        """Lie with `signer`'s key in these ways; `index` is its place among the validators."""
        self.index, self._plot = index, plot
        self._world, self._signer, self._chain_id = world, signer, chain_id
        self.habits = habits
        self._polkas: list[PolkaCertificate] = []
        self._rivals: dict[tuple[int, int], Block] = {}
        self._seen: list[tuple[int, int, bytes]] = []

    def learn(self, message: Message) -> None:
        """Remember what may serve a lie later."""
        if isinstance(message, PolkaCertificate):
            self._polkas = [*self._polkas[-3:], message]
        elif isinstance(message, Proposal):
            vote = message.vote
            self._seen = [*self._seen[-3:], (vote.height, vote.round, vote.block_id)]

    def twist(self, message: Message, receiver: int) -> list[Message]:
        """Return what the receiver gets instead."""
        self.learn(message)
        match message:
            case Proposal():
                return self._twist_proposal(message, receiver)
            case SignedVote():
                return self._twist_vote(message, receiver)
            case PolkaCertificate() | RoundCertificate():
                return [self._forge(message)]
            case Blocks() if Habit.FORGED_CERTIFICATES in self.habits:
                return [self._forge_blocks(message)]
            case BlockBody() if Habit.HIDDEN_BODY in self.habits:
                return []
            case _:
                return [message]

    def _says(self, vote: SignedVote, **changes: object) -> SignedVote:
        said = replace(vote, **changes, signature=bytes(64))  # type: ignore[arg-type]
        return replace(said, signature=self._signer.sign(signed_bytes(said, self._chain_id)))

    def _twist_proposal(self, message: Proposal, receiver: int) -> list[Message]:
        vote, block, habits = message.vote, message.block, self.habits
        if block is None:
            return [message]
        if Habit.OLD_POLKA in habits and self._world.chance(300):
            return self._old_polka(message)
        if Habit.HIDDEN_BODY in habits and self._world.chance(500):
            return [Proposal(vote, None, message.polka)]
        changed: Callable[[], Block] | None = None
        if Habit.TWO_PROPOSALS in habits and self._plot.half(receiver):
            changed = lambda: self._rival(vote, block)  # noqa: E731
        elif Habit.BAD_BODY in habits and vote.block_id[-1] % 4:  # the same for everybody
            root = hash_bytes("lie", vote.block_id)
            changed = lambda: replace(block, header=replace(block.header, state_root=root))  # noqa: E731
        elif Habit.FUTURE_TIME in habits and self._world.chance(500):
            time_ms = block.header.time_ms + HOUR_MS
            changed = lambda: replace(block, header=replace(block.header, time_ms=time_ms))  # noqa: E731
        if changed is None or vote.valid_round >= 0:
            return [message]
        other = changed()
        if Habit.TWO_PROPOSALS in habits:
            pair = (vote.block_id, block_id(other.header))
            self._plot.rivals[vote.height, vote.round] = pair
        said = self._says(vote, block_id=block_id(other.header))
        return [Proposal(said, other, None)]

    def _rival(self, vote: SignedVote, block: Block) -> Block:
        """Return another good block of the same place: one millisecond later, if that is good."""
        header = replace(block.header, time_ms=block.header.time_ms + 1)
        return self._rivals.setdefault((vote.height, vote.round), replace(block, header=header))

    def _old_polka(self, message: Proposal) -> list[Message]:
        vote = message.vote
        fitting = [
            one for one in self._polkas if one.height == vote.height and one.round < vote.round
        ]
        if not fitting:
            return [
                Proposal(self._says(vote, valid_round=max(vote.round - 1, 0)), message.block, None)
            ]
        polka = fitting[0]
        said = self._says(vote, block_id=polka.block_id, valid_round=polka.round)
        return [Proposal(said, None, polka)]

    def _twist_vote(self, vote: SignedVote, receiver: int) -> list[Message]:
        habits = self.habits
        if Habit.WITHHELD_VOTES in habits and receiver % 2 and self._world.chance(700):
            return []
        rivals = self._plot.rivals.get((vote.height, vote.round))
        if Habit.SPLIT in habits and rivals is not None:
            chosen = rivals[self._plot.half(receiver)]
            return [
                self._says(vote, kind=kind, block_id=chosen, valid_round=-1)
                for kind in (PREVOTE, PRECOMMIT)
            ]
        lies: list[Message] = [vote]
        if Habit.DOUBLE_VOTES in habits:
            if vote.block_id != NIL_ID and (receiver % 2 or self._world.chance(100)):
                lies = [self._says(vote, block_id=NIL_ID, valid_round=-1)]
            elif vote.block_id == NIL_ID and self._seen:
                lies = [self._says(vote, block_id=self._seen[-1][2], valid_round=-1)]
            if self._world.chance(200):
                lies.append(vote)
        elif Habit.ANY_VOTE in habits and vote.block_id == NIL_ID:
            here = [one for one in self._seen if one[0] == vote.height]
            if here:
                kind = self._world.one_of((PREVOTE, PRECOMMIT))
                lies.append(self._says(vote, kind=kind, block_id=here[-1][2], valid_round=-1))
        return lies

    def _forge_blocks(self, message: Blocks) -> Blocks:
        """Return another last block, certified by this traitor alone."""
        block = message.blocks[-1]
        header = replace(block.header, time_ms=block.header.time_ms + 1)
        found, commit = block_id(header), message.commit
        place = (commit.height, commit.round)
        said = vote_bytes(PRECOMMIT, self._chain_id, place, found)
        forged = replace(commit, block_id=found, signatures=(self._signer.sign(said),))
        bitmap = bytearray(len(commit.signers))
        bitmap[self.index // 8] |= 1 << self.index % 8
        forged = replace(forged, signers=bytes(bitmap))
        return Blocks((*message.blocks[:-1], replace(block, header=header)), forged)

    def _forge(self, message: PolkaCertificate | RoundCertificate) -> Message:
        if Habit.FORGED_CERTIFICATES not in self.habits or not self._world.chance(600):
            return message
        if isinstance(message, RoundCertificate):
            votes = message.votes[:1] * len(message.votes)
            return replace(message, votes=votes, round=message.round + self._world.between(0, 2))
        return self._world.one_of(
            (
                replace(message, signatures=message.signatures[:-1]),
                replace(message, signatures=message.signatures[:1] * len(message.signatures)),
                replace(message, round=message.round + 1),
                replace(message, block_id=hash_bytes("lie", message.block_id)),
            )
        )
