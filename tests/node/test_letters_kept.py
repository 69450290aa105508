"""Which letters a node takes, gives out and destroys: those that the chain names, and no others."""

import asyncio
import secrets
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chain.byte_store import ByteStore
from node.letters.form import Between, Role, letter_name, seal_letter, write_public
from node.letters.service import CLOSED, About, Kind, Letters
from node.letters.store import ABOUT_BYTES, LetterStore
from node.live.outbox import Outbox
from node.vault.errors import GoneError, RefusedBlobError
from tests.node.test_letters import ALICE, KEYS, SHOP, jpeg
from tests.node.vault.test_store import files_with
from tests.node.vault.vault_node import until

VISIT, MESSAGE = About(Kind.REVIEW, bytes(32)), About(Kind.MESSAGE, bytes([7]) * 32)
NOTHING = bytes(32)
TEXT, REPLY = write_public("Fine."), write_public("Thank you.")
SEALED = seal_letter("Hello", Between(ALICE.public_key, SHOP.public_key, Role.MESSAGE), KEYS)


class Told(Letters):
    """Letters of a chain that says what a test wants."""

    def __init__(self, folder: Path) -> None:
        node = SimpleNamespace(on_commit=[], on_reopen=[], outbox=Outbox(None))
        super().__init__(node, LetterStore(folder))
        self.told: dict[str, Any] = {}

    def _look(self, view: str, place: bytes) -> Any:
        del place
        return self.told.get(view)

    def say(self, text: bytes = b"", reply: bytes = b"", hidden: int = 0) -> None:
        """Let the chain name these letters of the review."""
        names = [letter_name(one) if one else NOTHING for one in (text, reply)]
        self.told["review_of"] = {"text": names[0], "reply": names[1], "hidden": hidden}

    def look_again(self) -> None:
        """Do what a block that touched them leads to."""
        for about in (VISIT, MESSAGE):
            self._tidy(about)


@pytest.fixture
def letters(tmp_path: Path) -> Iterator[Told]:
    made = Told(tmp_path)
    yield made
    made.store.close()


def test_a_review_may_have_a_picture_and_its_answer_none(letters: Told) -> None:
    text, reply = write_public("", picture=jpeg()), write_public("Look", picture=jpeg())
    letters.say(text, reply)
    letters.put(VISIT, text)

    with pytest.raises(RefusedBlobError, match="not for answers"):
        letters.put(VISIT, reply)
    assert [letter for _named, letter in letters.get(VISIT)] == [text, None]


def test_only_what_the_chain_names_is_taken(letters: Told) -> None:
    with pytest.raises(GoneError):
        letters.put(VISIT, TEXT)
    letters.say(TEXT)
    with pytest.raises(RefusedBlobError):
        letters.put(VISIT, REPLY)

    assert letters.put(VISIT, TEXT).role == "text"
    assert [(one.role, kept) for one, kept in letters.get(VISIT)] == [("text", TEXT)]


@pytest.mark.parametrize("bad", [b"\x01" + bytes(16), b"\x01" + bytes(16) + b"x" * 501, SEALED])
def test_what_is_no_text_is_not_taken_although_the_chain_names_it(
    letters: Told, bad: bytes
) -> None:
    letters.say(bad)

    with pytest.raises(RefusedBlobError):
        letters.put(VISIT, bad)


def test_a_text_that_was_taken_back_is_destroyed_and_its_answer_stays(letters: Told) -> None:
    letters.say(TEXT, REPLY)
    letters.put(VISIT, TEXT)
    letters.put(VISIT, REPLY)
    letters.say(b"", REPLY)

    before = letters.get(VISIT)  # at once, whether or not it was destroyed by now
    letters.look_again()

    assert [(one.role, kept) for one, kept in before] == [("reply", REPLY)]
    assert letters.store.names(VISIT.key()) == [letter_name(REPLY)]


def test_a_hidden_text_stays_and_says_why(letters: Told) -> None:
    letters.say(TEXT)
    letters.put(VISIT, TEXT)
    letters.say(TEXT, hidden=2)
    letters.look_again()

    [(named, kept)] = letters.get(VISIT)

    assert (named.hidden, kept) == (2, TEXT)


def test_an_answer_whose_transaction_still_waits_is_not_destroyed(letters: Told) -> None:
    letters.say(TEXT)
    letters.store.put(letter_name(REPLY), VISIT.key(), REPLY)
    letters.node.outbox.add(bytes(32), b"a call with " + letter_name(REPLY))  # the line is down
    letters.look_again()
    waiting = letters.store.names(VISIT.key())
    letters.node.outbox.end(bytes(32), "refused", 1, "")
    letters.look_again()

    assert (waiting, letters.store.names(VISIT.key())) == ([letter_name(REPLY)], [])


async def test_what_was_taken_back_in_blocks_that_a_snapshot_replaced_is_destroyed(
    letters: Told,
) -> None:
    letters.say(TEXT)
    letters.put(VISIT, TEXT)
    task = asyncio.ensure_future(letters.run())
    await until(lambda: not letters.is_looking)
    letters.say()
    for tell in letters.node.on_reopen:
        tell()
    await until(lambda: not letters.is_looking)
    task.cancel()

    assert letters.store.names(VISIT.key()) == []


def test_a_closed_message_is_destroyed(letters: Told) -> None:
    open_ = {"message": letter_name(SEALED), "answer": NOTHING, "stage": 1}
    letters.told["feedback"] = open_
    letters.put(MESSAGE, SEALED)
    letters.look_again()
    kept = letters.store.names(MESSAGE.key())
    letters.told["feedback"] = {**open_, "stage": CLOSED}
    letters.look_again()

    assert kept == [letter_name(SEALED)]
    assert (letters.get(MESSAGE), letters.store.names(MESSAGE.key())) == ([], [])


def test_a_chain_that_went_back_destroys_nothing(letters: Told) -> None:
    letters.say(TEXT)
    letters.put(VISIT, TEXT)
    letters.told.clear()
    letters.look_again()

    assert letters.store.names(VISIT.key()) == [letter_name(TEXT)]


def test_a_stop_while_a_letter_is_destroyed_is_made_good_at_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = LetterStore(tmp_path)
    name, about, letter = b"n" * 32, b"a" * ABOUT_BYTES, secrets.token_bytes(1_000)
    store.put(name, about, letter)
    monkeypatch.setattr(ByteStore, "destroy", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        store.erase(name, about)
    left = files_with(store.folder, letter)
    monkeypatch.undo()

    store.close()

    assert (store.get(name), store.names(about), store.bytes_used()) == (None, [], 0)
    assert (left != [], files_with(store.folder, letter)) == (True, [])
    store.close()
