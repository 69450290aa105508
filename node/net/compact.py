"""Proposals without their transactions, and how a receiver puts them together. Pure.

Compact blocks after BIP 152, with whole witness ids: two transactions of one id are one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from chain.block import Block, block_id
from chain.errors import MalformedBytesError
from chain.transaction import read_transaction
from consensus import Proposal
from node.net.messages import BlockTransactions, CompactProposal, WantTransactions

WAITING_MAX = 4  # proposals of which transactions are missing

Find = Callable[[bytes], bytes | None]  # a transaction's bytes by its witness id


def compact(proposal: Proposal, witness_ids: Sequence[bytes]) -> CompactProposal | Proposal:
    """Return a proposal that names its transactions; one without its block stays as it is."""
    block = proposal.block
    if block is None:
        return proposal
    return CompactProposal(
        proposal.vote,
        block.header,
        block.last_commit,
        block.evidence,
        block.skipped,
        tuple(witness_ids),
        proposal.polka,
    )


@dataclass(slots=True)
class _Waiting:
    """A proposal, and what is there of its transactions."""

    proposal: CompactProposal
    found: list[bytes | None]

    def missing(self) -> tuple[int, ...]:
        return tuple([place for place, data in enumerate(self.found) if data is None])


class Puzzles:
    """Proposals that wait for transactions, each sender's for itself; the oldest makes room.

    Whoever repeats a proposal and keeps its transactions to himself must not stand in the way of
    those who bring them.
    """

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: dict[tuple[bytes, bytes], _Waiting] = {}  # by block id and sender

    def __len__(self) -> int:
        """Return how many proposals wait."""
        return len(self._waiting)

    def begin(
        self, proposal: CompactProposal, sender: bytes, find: Find
    ) -> Proposal | WantTransactions:
        """Return the whole proposal if everything is known, else what to ask its sender for."""
        found = [find(one) for one in proposal.witness_ids]
        waiting = _Waiting(proposal, found)
        missing = waiting.missing()
        if not missing:
            return _whole(proposal, [one for one in found if one is not None])
        name = block_id(proposal.header)
        self._waiting.pop((name, sender), None)
        if len(self._waiting) >= WAITING_MAX:
            del self._waiting[self._least_missed(sender)]
        self._waiting[name, sender] = waiting
        return WantTransactions(proposal.header.height, name, missing)

    def _least_missed(self, sender: bytes) -> tuple[bytes, bytes]:
        """Return the oldest proposal of a sender, or the oldest of all."""
        own = [place for place in self._waiting if place[1] == sender]
        return own[0] if own else next(iter(self._waiting))

    def complete(self, answer: BlockTransactions, sender: bytes) -> Proposal | None:
        """Return the proposal that an answer completes; None if nothing waited for it.

        Raises MalformedBytesError for an answer with other transactions than were asked for.
        """
        waiting = self._waiting.get((answer.block_id, sender))
        if waiting is None:
            return None
        missing = waiting.missing()
        if len(answer.transactions) != len(missing):
            text = f"{len(answer.transactions)} transactions, {len(missing)} were asked for"
            raise MalformedBytesError(text)
        found = list(waiting.found)
        for place, data in zip(missing, answer.transactions, strict=True):
            if read_transaction(data).witness_id != waiting.proposal.witness_ids[place]:
                text = f"transaction {place} is another than the proposal names"
                raise MalformedBytesError(text)
            found[place] = data
        for name in [one for one in self._waiting if one[0] == answer.block_id]:
            del self._waiting[name]
        return _whole(waiting.proposal, [one for one in found if one is not None])

    def forget_below(self, height: int) -> None:
        """Drop proposals of heights that are decided."""
        for place, waiting in list(self._waiting.items()):
            if waiting.proposal.header.height < height:
                del self._waiting[place]

    def forget(self, sender: bytes) -> None:
        """Drop what a peer that is gone began."""
        for place in [one for one in self._waiting if one[1] == sender]:
            del self._waiting[place]


def _whole(proposal: CompactProposal, transactions: list[bytes]) -> Proposal:
    block = Block(
        proposal.header,
        proposal.last_commit,
        proposal.evidence,
        proposal.skipped,
        tuple(transactions),
    )
    return Proposal(proposal.vote, block, proposal.polka)


def answer_want(want: WantTransactions, block: Block) -> BlockTransactions:
    """Return the transactions that a peer lacks of a block.

    Raises MalformedBytesError unless the places rise and are in the block: a place that is named
    again and again would make a long answer of a short question.
    """
    places = want.places
    if places and (places[-1] >= len(block.transactions) or not _rise(places)):
        text = f"places in a block of {len(block.transactions)} that do not rise, or are not there"
        raise MalformedBytesError(text)
    return BlockTransactions(want.block_id, tuple([block.transactions[one] for one in places]))


def _rise(places: Sequence[int]) -> bool:
    return all(one < other for one, other in pairwise(places))
