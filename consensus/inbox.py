"""Which messages are worth a signature check, and those of the next height, which wait.

`wants` is asked before any signature is checked, so that a flood costs a look-up. A message of the
next height comes when a peer committed a moment earlier; a few for each sender are kept.
"""

from chain.block import PRECOMMIT, PREVOTE
from chain.vote import SignedVote
from consensus.height import HeightCore
from consensus.messages import (
    BlockBody,
    EvidenceFound,
    Message,
    PolkaCertificate,
    Proposal,
    RoundCertificate,
)
from consensus.rejoin import newest_of
from consensus.votes import ROUNDS_AHEAD_MAX

WAITING_PER_SENDER_MAX = 8
SENDERS_MAX = 160  # more than there can be validators


def height_of(message: Message) -> int | None:
    """Return the height that a message helps to decide, or None if it is of another kind."""
    match message:
        case SignedVote() | PolkaCertificate() | RoundCertificate():
            return message.height
        case Proposal():
            return message.vote.height
        case BlockBody():
            return message.block.header.height
        case _:
            return None


def wants(core: HeightCore, message: Message) -> bool:  # noqa: C901, PLR0911 - a kind a line
    """Tell whether a message may bring anything new, as far as is seen without any check."""
    height = height_of(message)
    if isinstance(message, EvidenceFound):
        return core.pool.wants(message.evidence)
    if height is None:
        return True
    if height == core.height + 1:
        return True
    if isinstance(message, SignedVote):
        if height == core.height - 1:
            return message.kind == PRECOMMIT
        return height == core.height and core.book.has_room(message, core.round)
    if height != core.height:
        return False
    if isinstance(message, Proposal):
        vote = message.vote
        if vote.validator != core.proposer(vote.round):
            return False
        heard = core.proposals.get(vote.round)
        is_near = core.round <= vote.round <= core.round + ROUNDS_AHEAD_MAX
        is_known = heard is not None and heard.vote == vote and vote.block_id in core.bodies
        return is_near and not is_known
    if isinstance(message, RoundCertificate):
        return message.round > core.round
    if isinstance(message, PolkaCertificate):
        return message.round > core.valid_round or message.round >= core.round
    return True


class WaitingRoom:
    """Messages of the next height, a few for each sender; the oldest of a sender go first."""

    def __init__(self) -> None:
        """Begin empty."""
        self._by_sender: dict[bytes, list[Message]] = {}

    def add(self, message: Message, sender: bytes) -> None:
        """Keep a message."""
        kept = self._by_sender.get(sender)
        if kept is None:
            if len(self._by_sender) >= SENDERS_MAX:
                return
            kept = self._by_sender[sender] = []
        if message in kept:
            return
        if len(kept) >= WAITING_PER_SENDER_MAX:
            del kept[0]
        kept.append(message)

    def take(self) -> list[tuple[Message, bytes]]:
        """Return what waits and forget it."""
        waiting = [
            (one, sender) for sender in sorted(self._by_sender) for one in self._by_sender[sender]
        ]
        self._by_sender.clear()
        return waiting

    def size(self) -> int:
        """Return how many messages wait."""
        return sum(map(len, self._by_sender.values()))


def newest_vote(core: HeightCore, validator: bytes) -> SignedVote | None:
    """Return a validator's newest vote that is known at this height, or None."""
    high = core.book.high.get(validator)
    if high is None:
        return None
    votes = [high]
    for kind in (PREVOTE, PRECOMMIT):
        tally = core.book.tally(high.round, kind)
        if tally is not None and validator in tally.voters:
            votes.append(tally.voters[validator])
    return newest_of(votes)
