"""The letters of a running node: taken if the chain names them, given out while it does.

A letter is public, or sealed before it comes here; so whoever has one may bring it, and nobody has
to say who asks. What the chain no longer names is destroyed: a review whose text was taken back or
changed, an answer that was replaced, a message that is closed.
"""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from chain.errors import WashError
from chain.executed import ExecutedBlock
from chain.governance import contract_by_name
from chain.ids import encode_id
from node import catalog
from node.letters.form import LetterError, check_sealed, letter_name, read_picture, read_public
from node.letters.store import LetterStore
from node.live.views import look
from node.vault.errors import GoneError, RefusedBlobError

CONTRACT_NAME = "reviews"
MESSAGE_PREFIX = "fbk"
CLOSED = 3
PAUSE_S = 0.01  # between two looks at many letters: blocks and answers come first
LOOK_S = 60
_NOTHING = bytes(32)
_OF_REVIEWS = ("Edited", "Replied", "TextErased")
_OF_MESSAGES = ("FeedbackMoved",)

_log = logging.getLogger("washnode.letters")


class Kind(IntEnum):
    """What letters can be about."""

    REVIEW = 1
    MESSAGE = 2


@dataclass(frozen=True, slots=True)
class About:
    """A review, by its visit, or a message."""

    kind: Kind
    id: bytes

    def key(self) -> bytes:
        """Return the bytes under which it is found on disk."""
        return bytes([self.kind]) + self.id

    def text(self) -> str:
        """Return how the API names it."""
        is_review = self.kind is Kind.REVIEW
        return self.id.hex() if is_review else encode_id(MESSAGE_PREFIX, self.id)


@dataclass(frozen=True, slots=True)
class Named:
    """A letter that the chain names: its role, fingerprint, and why the operators hid it (0)."""

    role: str
    name: bytes
    hidden: int = 0


class Letters:
    """Keeps the letters of one node."""

    def __init__(self, node: Any, store: LetterStore) -> None:
        self.node, self.store = node, store
        self.on_uneven: list[Callable[[About], None]] = []  # told where a letter may be missing
        self.on_wanted: list[Callable[[About], None]] = []  # and where one is new, or looked for
        self._changed: set[About] = set()
        self._wake = asyncio.Event()
        self._is_reopened = False
        self.is_looking = True  # whether all of them are to be looked over
        node.on_commit.append(self.on_commit)
        node.on_reopen.append(self._on_reopen)

    def named(self, about: About) -> list[Named]:
        """Return which letters the chain names now. Raises GoneError for what is not there."""
        found = self._look("review_of" if about.kind is Kind.REVIEW else "feedback", about.id)
        if found is None:
            raise GoneError("there is no such review or message on this chain")
        if about.kind is Kind.REVIEW:
            text = Named("text", found["text"], int(found["hidden"]))
            wanted = [text, Named("reply", found["reply"])]
        elif found["stage"] == CLOSED:
            wanted = []
        else:
            wanted = [Named("message", found["message"]), Named("answer", found["answer"])]
        return [one for one in wanted if one.name != _NOTHING]

    def put(self, about: About, letter: bytes) -> Named:
        """Keep a letter that the chain names. Raises GoneError, RefusedBlobError."""
        name = letter_name(letter)
        named = next((one for one in self.named(about) if one.name == name), None)
        if named is None:
            raise RefusedBlobError("the chain names no such letter there")
        try:
            _check_form(about, named, letter)
        except LetterError as error:
            raise RefusedBlobError(str(error)) from error
        is_new = self.store.get(name) is None
        self.store.put(name, about.key(), letter)
        for tell in self.on_uneven:
            tell(about)
        if is_new:
            self.want(about)
        return named

    def want(self, about: About) -> None:
        """Have letters fetched that their reader misses, if anybody has them."""
        for tell in self.on_wanted:
            tell(about)

    def get(self, about: About) -> list[tuple[Named, bytes | None]]:
        """Return the letters that the chain names, None for one that this node does not keep.

        Raises GoneError for what is not there.
        """
        found = [(one, self.store.get(one.name)) for one in self.named(about)]
        if any(letter is None for _named, letter in found):
            for tell in self.on_uneven:
                tell(about)
        return found

    def kept(self, about: About) -> list[tuple[Named, bytes | None]]:
        """Return the same to whoever carries letters; nothing for what is not there."""
        try:
            return [(one, self.store.get(one.name)) for one in self.named(about)]
        except GoneError:
            return []

    def receiver(self, about: About) -> bytes | None:
        """Return whom a message is for; None if there is no such message."""
        found = self._look("feedback", about.id) if about.kind is Kind.MESSAGE else None
        return None if found is None else bytes(found["receiver"])

    def _look(self, view: str, place: bytes) -> Any:
        contract = contract_by_name(self.node.state(), CONTRACT_NAME)
        return None if contract is None else look(self.node, contract, view, place)

    # What it does by itself -----------------------------------------------------------------------

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Note what a block that was just stored may have taken back."""
        place = contract_by_name(self.node.state(), CONTRACT_NAME)
        for receipt in executed.receipts if place is not None else ():
            for event in receipt.events:
                kind = _kind_of(event.number) if event.contract == place else None
                if kind is not None:
                    self._changed.add(About(kind, bytes(event.values[0])))
                    self._wake.set()

    def _on_reopen(self) -> None:
        """Look over all again: blocks that a snapshot replaced may have taken anything back."""
        self.is_looking = True
        self._is_reopened = True
        self._wake.set()

    async def run(self) -> None:
        """Destroy what the chain no longer names, now and whenever that changes."""
        while True:
            self._wake.clear()
            try:
                while self.is_looking:
                    await self._look_over_all()
                for about in list(self._changed):
                    self._changed.discard(about)
                    self._tidy(about)
            except WashError as error:  # the chain goes on without its letters
                _log.error("letters failed: %s", error)
            try:
                async with asyncio.timeout(LOOK_S):
                    await self._wake.wait()
            except TimeoutError:
                pass

    async def _look_over_all(self) -> None:
        self._is_reopened = False
        for key in self.store.subjects():
            self._tidy(About(Kind(key[0]), key[1:]))
            await asyncio.sleep(PAUSE_S)
        self.is_looking = self._is_reopened

    def _tidy(self, about: About) -> None:
        kept = self.store.names(about.key())
        if not kept:
            return
        try:
            wanted = {one.name for one in self.named(about)}
        except GoneError:  # a practice network that went back in time
            return
        for name in kept:
            if name in wanted:
                continue
            if self._is_awaited(name):
                self._changed.add(about)  # looked at again in a minute
            else:
                self.store.erase(name, about.key())

    def _is_awaited(self, name: bytes) -> bool:
        """Tell whether a transaction that waits here will have the chain name a letter."""
        return any(name in data for data in self.node.outbox)


def _check_form(about: About, named: Named, letter: bytes) -> None:
    """Raise LetterError unless a letter has the form of those in its place."""
    if about.kind is Kind.MESSAGE:
        check_sealed(letter)
        return
    read_public(letter)
    if named.role != "text" and read_picture(letter) is not None:
        raise LetterError("pictures are for reviews, not for answers")


def _kind_of(number: int) -> Kind | None:
    """Return what an event of the contract may have taken back, by its number."""
    events = catalog.program(CONTRACT_NAME).container.events
    name = events[number].name if number < len(events) else ""
    if name in _OF_REVIEWS:
        return Kind.REVIEW
    return Kind.MESSAGE if name in _OF_MESSAGES else None
