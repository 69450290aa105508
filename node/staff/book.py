"""Who works here: names and keys on this machine only, never on the chain.

`staff.json` has the names, beside it one key file for each, sealed under the PIN. A PIN of six
digits stops whoever stands at the counter; who takes the machine away can try them all. So a key of
staff may do little, ends by itself, and is taken back on the chain.
"""

import json
import re
import unicodedata
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from pathlib import Path

from chain.crypto import PassphraseCost, Signer, sha256
from node.files import put_whole
from node.keys.errors import KeyFileError, WrongPassphraseError
from node.keys.file import COST
from node.keys.store import KeyStore
from node.staff.errors import StaffError

FOLDER = "staff"
LIST = "staff.json"
NAME_LENGTH_MAX = 40
MEMBERS_MAX = 24  # an account has at most 32 keys
_PIN = re.compile(r"[0-9]{6,12}")


@dataclass(frozen=True, slots=True)
class Member:
    """One person on this node. Wrong PINs are counted here, so that a restart forgets none."""

    id: str
    name: str
    account: str
    key: str
    duty: int
    until_ms: int
    wrong: int = 0
    locked_until_ms: int = 0


class StaffBook:
    """The members of staff whose keys this node keeps."""

    def __init__(self, folder: Path, cost: PassphraseCost = COST) -> None:
        """Read what is in a folder; one that is not there is made by the first member."""
        self._path, self._keys = folder / LIST, KeyStore(folder, cost)
        self._members: dict[str, Member] = {}
        if self._path.exists():
            found = json.loads(self._path.read_text("utf-8"))
            self._members = {one["id"]: Member(**one) for one in found}

    def all(self) -> list[Member]:
        """Return everybody, by name."""
        return sorted(self._members.values(), key=lambda one: (one.account, one.name))

    def get(self, member: str) -> Member | None:
        """Return a member by id."""
        return self._members.get(member)

    def named(self, name: str) -> list[Member]:
        """Return who goes by a name: names are unique within one shop."""
        wanted = clean_name(name).casefold()
        return [one for one in self.all() if one.name.casefold() == wanted]

    def add(self, member: Member, seed: bytes, pin: str) -> None:
        """Keep a member's key under a PIN."""
        check_pin(pin)
        taken = any(one.account == member.account for one in self.named(member.name))
        if taken or len(self._members) >= MEMBERS_MAX:
            text = f"{member.name!r} is taken" if taken else f"at most {MEMBERS_MAX} people"
            raise StaffError(text)
        self._keys.add(member.id, seed, pin)
        self.put(member)

    def put(self, member: Member) -> None:
        """Write what is known of a member."""
        self._members[member.id] = member
        self._write()

    def remove(self, member: str) -> None:
        """Forget a member and the key."""
        self._members.pop(member, None)
        (self._keys.folder / f"{member}.json").unlink(missing_ok=True)
        self._write()

    def open(self, member: str, pin: str) -> Signer | None:
        """Return a member's key, None if the PIN is another. It takes a while on purpose."""
        try:
            return self._keys.unlock(member, pin)
        except WrongPassphraseError:
            return None

    def change_pin(self, member: Member, old: str, new: str) -> None:
        """Seal a member's key under another PIN."""
        check_pin(new)
        try:
            self._keys.change_passphrase(member.id, old, new)
        except KeyFileError as error:
            raise StaffError(str(error)) from error
        self.put(replace(member, wrong=0, locked_until_ms=0))

    def _write(self) -> None:
        text = json.dumps([asdict(one) for one in self.all()], ensure_ascii=False, indent=1) + "\n"
        put_whole(self._path, text, replace=True, is_private=True)


def clean_name(name: str) -> str:
    """Return a name as it is kept: one form of each letter, no blanks around it."""
    plain = " ".join(unicodedata.normalize("NFC", name).split())
    if not plain or len(plain) > NAME_LENGTH_MAX or not plain.isprintable():
        text = f"a name has 1 to {NAME_LENGTH_MAX} letters on one line"
        raise StaffError(text)
    return plain


def check_pin(pin: str) -> None:
    """Raise StaffError for a PIN that is too short, or that anybody would try first."""
    if not _PIN.fullmatch(pin):
        text = "a PIN has 6 to 12 digits"
        raise StaffError(text)
    steps = {int(b) - int(a) for a, b in pairwise(pin)}
    if steps in ({0}, {1}, {-1}):
        text = "this PIN would be tried first; take another"
        raise StaffError(text)


def make_id(chance: Callable[[int], bytes]) -> str:
    """Return an id for a new member, which is also the name of the key file."""
    return f"s-{sha256(chance(16)).hex()[:12]}"
