"""A shop's letters between its node and the gateway where its customers are.

Customers write at the gateway and the shop at its own node, which nobody can call from outside. So
the shop's node does both ways: it takes what the chain names and the gateway has, and brings what
the gateway lacks. Nothing is believed: a letter is taken if its fingerprint is on the chain.
"""

from collections.abc import Callable, Iterator
from typing import Any

from chain.executed import ExecutedBlock
from chain.governance import contract_by_name
from node import catalog
from node.carrying import TRIES_MAX, Ask, Rounds, SilentError
from node.letters.service import CONTRACT_NAME, About, Kind, Letters

WAITING_MAX = 1_000  # letters on their way; what is more is found when somebody looks for it
_ABOUT = {
    "Reviewed": Kind.REVIEW, "Edited": Kind.REVIEW, "Replied": Kind.REVIEW,
    "FeedbackSent": Kind.MESSAGE, "FeedbackMoved": Kind.MESSAGE,
}  # fmt: skip
IsMeant = Callable[[About, bytes], bool]  # by what a letter is about, and its shop or operator


class LetterCarrier:
    """Carries between this node and one gateway the letters that `is_meant` tells, by receiver."""

    def __init__(
        self, letters: Letters, is_meant: IsMeant, ask: Ask, tries_max: int = TRIES_MAX
    ) -> None:
        self._letters, self._is_meant, self._ask = letters, is_meant, ask
        self._rounds = Rounds(self._carry, WAITING_MAX, tries_max)
        self.carry_all = self._rounds.carry_all
        letters.node.on_commit.append(self.on_commit)

    def want(self, about: About) -> None:
        """Carry the letters about something, soon."""
        self._rounds.want(about)

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Note what a block that was just stored says about letters that are meant here."""
        for about, receiver in told_letters(self._letters, executed):
            if self._is_meant(about, receiver):
                self._rounds.want(about)

    async def run(self) -> None:
        """Carry what waits, now and whenever there is more, until cancelled."""
        for key in self._letters.store.subjects():
            self.want(About(Kind(key[0]), key[1:]))
        await self._rounds.run()

    async def _carry(self, about: About) -> bool:
        return await make_alike(self._letters, about, self._ask)


class Carrier(LetterCarrier):
    """Carries the letters of the shop whose account this node's key has."""

    def __init__(self, letters: Letters, shop: bytes, ask: Ask) -> None:
        super().__init__(letters, lambda _about, receiver: receiver == shop, ask)
        letters.on_uneven.append(self.want)


def told_letters(letters: Letters, executed: ExecutedBlock) -> Iterator[tuple[About, bytes]]:
    """Yield what a block names letters about, each with the shop or operator that it is for."""
    place = contract_by_name(letters.node.state(), CONTRACT_NAME)
    events = catalog.program(CONTRACT_NAME).container.events
    for receipt in executed.receipts if place is not None else ():
        for event in receipt.events:
            if event.contract != place or event.number >= len(events):
                continue
            kind = _ABOUT.get(events[event.number].name)
            if kind is not None:
                yield About(kind, bytes(event.values[0])), bytes(event.values[1])


async def make_alike(letters: Letters, about: About, ask: Ask) -> bool:
    """Make both sides alike; tells whether nothing is missing anywhere. Raises SilentError."""
    here = {one.name.hex(): letter for one, letter in letters.kept(about)}
    if not here:
        return True
    there = _contents(await ask("letter_get", {"about": about.text()}))
    is_done = True
    for name, letter in here.items():
        theirs = there.get(name)
        if letter is None and theirs is not None:
            letters.put(about, theirs)
        elif letter is not None and theirs is None:
            content = {"about": about.text(), "content": letter.hex()}
            is_done &= await ask("letter_put", content) is not None
        elif letter is None:
            is_done = False
    return is_done


def _contents(answer: Any) -> dict[str, bytes | None]:
    """Return the letters of an answer by fingerprint. Raises SilentError for what is none."""
    try:
        return {
            str(one["name"]): bytes.fromhex(one["content"]) if one["content"] else None
            for one in answer["letters"]
        }
    except (TypeError, KeyError, ValueError):
        raise SilentError from None
