"""The genesis that a draft and its members' entries make, and the words to compare it by.

A file holds the draft and the entries, never the genesis itself: that follows from them, so there
is nothing in which the two could differ.
"""

import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Literal

from pydantic import Field

from chain.codec import encode_value
from chain.crypto import hash_bytes
from chain.genesis import Genesis, GenesisAccount
from chain.ids import encode_id
from node.ceremony.draft import Draft, check_draft, genesis_with
from node.ceremony.entry import Entry, check_entry, check_signatures, entry_hash
from node.ceremony.form import MEMBERS_MAX, VERSION, Form, Version, read_form, refuse
from node.keys.phrase import spell_words

WORDS = 8
_WORDS_BYTES = 11  # 88 bits, eleven for each word
_KIND: Literal["washnode genesis"] = "washnode genesis"


class Gathering(Form):
    """A draft with the entries of all its members, sorted by account."""

    version: Version
    draft: Draft
    members: Annotated[tuple[Entry, ...], Field(min_length=1, max_length=MEMBERS_MAX)]

    def genesis(self) -> Genesis:
        """Return what the chain begins with, or raise GenesisError."""
        return genesis_with(
            self.draft,
            validators=tuple(sorted(one.validator for one in self.members if one.validator)),
            accounts=tuple(
                GenesisAccount(account=one.account, roles=one.roles, balances=one.balances)
                for one in self.members
            ),
        )

    def file_hash(self) -> bytes:
        """Return the 32 bytes that members sign: the chain's id, and names and addresses too."""
        entries = [entry_hash(one) for one in self.members]
        return hash_bytes(
            "genesis-file", encode_value((VERSION, self.genesis().chain_id(), entries))
        )


class Collected(Gathering):
    """The file that members look at, compare and sign."""

    kind: Literal["washnode genesis"]


def collect(draft: Draft, entries: Iterable[Entry]) -> Collected:
    """Return the genesis of a draft and its members; raises GenesisError naming who is at fault."""
    members = tuple(sorted(entries, key=lambda one: one.account))
    if not 1 <= len(members) <= MEMBERS_MAX:
        refuse(f"{len(members)} entries, 1 to {MEMBERS_MAX} make a chain")
    made = Collected(kind=_KIND, version=VERSION, draft=draft, members=members)
    check_gathering(made)
    return made


def parse_collected(data: bytes) -> Collected:
    """Return the genesis in a JSON file, all of it checked, or raise GenesisError."""
    found = read_form(Collected, data)
    check_gathering(found)
    return found


def check_gathering(found: Gathering) -> None:
    """Raise GenesisError unless a draft and its entries make a chain, each signed by its member."""
    check_draft(found.draft)
    for entry in found.members:
        check_signatures(entry)
        check_entry(found.draft, entry)
    _check_twice(found.members)
    accounts = [one.account for one in found.members]
    if accounts != sorted(accounts):
        refuse("the members are out of order; collect their entries again")
    _check_complete(found)
    found.genesis()


def _check_twice(members: Sequence[Entry]) -> None:
    same: tuple[tuple[str, Callable[[Entry], str | None]], ...] = (
        ("key", lambda one: one.account),
        ("validator's key", lambda one: one.validator),
        ("name", lambda one: unicodedata.normalize("NFKC", one.name).casefold()),
        ("address", lambda one: one.url or None),
    )
    for what, read in same:
        seen: dict[str, Entry] = {}
        for entry in members:
            value = read(entry)
            if value is None:
                continue
            if value in seen:
                refuse(f"{seen[value]} and {entry} have the same {what}; leave one of them out")
            seen[value] = entry


def _check_complete(found: Gathering) -> None:
    if not any(one.validator for one in found.members):
        refuse("nobody brings a validator: nobody could make blocks; add one with --validator")
    if not any("operator" in one.roles for one in found.members):
        refuse("nobody is an operator: nothing could be decided; add one with --operator")
    accounts = {one.account for one in found.members}
    for asset in found.draft.assets:
        if asset.issuer not in accounts:
            issuer = encode_id("acct", bytes.fromhex(asset.issuer))
            refuse(f"{issuer} issues {asset.symbol} and is no member; collect its entry as well")


def chain_words(chain_id: bytes) -> list[str]:
    """Return eight words for a chain's id, to be read aloud.

    They are 88 bits of its hash, from the English list of BIP-39 in every language: the first four
    letters tell its words apart, while many signs of the Chinese list are pronounced alike.
    """
    return spell_words(hash_bytes("genesis-words", chain_id)[:_WORDS_BYTES])


def check_words(chain_id: bytes, heard: str) -> None:
    """Raise CeremonyError unless the words that another member reads are those of this chain."""
    ours, theirs = chain_words(chain_id), heard.lower().replace(",", " ").split()
    if len(theirs) != WORDS:
        refuse(f"{len(theirs)} words, a chain has {WORDS}; give all that the other reads")
    for place, (own, other) in enumerate(zip(ours, theirs, strict=True), start=1):
        if own != other:
            refuse(
                f"word {place} is {own!r} here and {other[:32]!r} there: the two files are not "
                "the same chain; nobody signs until you found out why"
            )


def check_mine(found: Gathering, mine: Entry) -> None:
    """Raise CeremonyError unless a member's own entry is in a genesis, unchanged."""
    theirs = next((one for one in found.members if one.account == mine.account), None)
    if theirs is None:
        refuse(f"the entry of {mine} is not in it; have it collected, and sign nothing before")
    changed = [
        name
        for name in Entry.model_fields
        if not name.endswith("signature") and getattr(theirs, name) != getattr(mine, name)
    ]
    if changed:
        refuse(
            f"the entry of {mine} is not the one in it: {', '.join(changed)} differs; "
            "have this one collected, and sign nothing before"
        )
