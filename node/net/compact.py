"""Proposals without their transactions, and how a receiver puts them together. Pure.

Compact blocks after BIP 152, with whole witness ids: two transactions of one id are one.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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
    sender: bytes

    def missing(self) -> tuple[int, ...]:
        return tuple([place for place, data in enumerate(self.found) if data is None])


class Puzzles:
    """Proposals that wait for transactions; the oldest makes room."""

    def __init__(self) -> None:
        """Begin with none."""
        self._waiting: dict[bytes, _Waiting] = {}

    def begin(
        self, proposal: CompactProposal, sender: bytes, find: Find
    ) -> Proposal | WantTransactions:
        """Return the whole proposal if everything is known, else what to ask its sender for."""
        found = [find(one) for one in proposal.witness_ids]
        waiting = _Waiting(proposal, found, sender)
        missing = waiting.missing()
        if not missing:
            return _whole(proposal, [one for one in found if one is not None])
        name = block_id(proposal.header)
        self._waiting.pop(name, None)
        if len(self._waiting) >= WAITING_MAX:
            del self._waiting[next(iter(self._waiting))]
        self._waiting[name] = waiting
        return WantTransactions(proposal.header.height, name, missing)

    def complete(self, answer: BlockTransactions, sender: bytes) -> Proposal | None:
        """Return the proposal that an answer completes; None if nothing waited for it.

        Raises MalformedBytesError for an answer with other transactions than were asked for.
        """
        waiting = self._waiting.get(answer.block_id)
        if waiting is None or waiting.sender != sender:
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
        del self._waiting[answer.block_id]
        return _whole(waiting.proposal, [one for one in found if one is not None])

    def forget_below(self, height: int) -> None:
        """Drop proposals of heights that are decided."""
        for name, waiting in list(self._waiting.items()):
            if waiting.proposal.header.height < height:
                del self._waiting[name]


def _whole(proposal: CompactProposal, transactions: list[bytes]) -> Proposal:
    block = Block(
        proposal.header,
        proposal.last_commit,
        proposal.evidence,
        proposal.skipped,
        tuple(transactions),
    )
    return Proposal(proposal.vote, block, proposal.polka)


def answer_want(want: WantTransactions, block: Block) -> BlockTransactions | None:
    """Return the transactions that a peer lacks of a block; None if it has no such places."""
    count = len(block.transactions)
    if any(place >= count for place in want.places):
        return None
    chosen = tuple([block.transactions[place] for place in want.places])
    return BlockTransactions(want.block_id, chosen)
