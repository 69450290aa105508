"""What a vault keeps on disk: blobs, wrapped keys, marks of what was erased, the list of readings.

    b name          -> owner, time, blob
    k name account  -> wrapped key
    o owner name    -> length of the blob       what an owner has here
    f name          -> wrapped keys as the blob came with them
    u               -> bytes of all blobs
    w name          -> author               of a blob that is kept for another shop
    s author        -> bytes and number of what is kept for it
    e name          -> receipt of the erasure
    p name          -> nothing                  erased here, not confirmed on the chain yet
    l day number    -> line of the list of readings
    r owner day number -> nothing               the lines about an owner
    d day           -> nothing                  lists that the chain has
    c name          -> nothing                  erased, but perhaps not yet in every file

It is no part of a backup. A copy of a wrapped key that lies in a drawer can not be destroyed; what
saves a shop that lost its disk is the second node that keeps its customers' blobs.
"""

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chain.types import DAY_MS
from node.vault.erasing_store import ErasingStore
from node.vault.errors import GoneError, VaultFullError
from node.vault.sealing import WRAPPED_BYTES, Wrapped

FOLDER_NAME = "vault"
_BLOB, _KEY, _OWNED, _USED, _ERASED = b"b", b"k", b"o", b"u", b"e"
_PENDING, _LINE, _READ, _LOGGED = b"p", b"l", b"r", b"d"
_FIRST, _AUTHOR, _HOSTED = b"f", b"w", b"s"
_LENGTH, _DAY = struct.Struct(">I"), struct.Struct(">I")
_TIME = struct.Struct(">Q")
_ROOM = struct.Struct(">QQ")
_ID = 32
_LAST = b"\xff" * 64


@dataclass(frozen=True, slots=True)
class Line:
    """One reading that was served: `basis` is the contract's number for why.

    A line about one owner stands beside others' in the tree; `salt` keeps its hash, which is
    shown in their proofs, from being guessed.
    """

    at_ms: int
    blob: bytes
    owner: bytes
    reader: bytes
    purpose: int
    basis: int
    salt: bytes

    def leaf(self) -> bytes:
        """Return the bytes that are a leaf of the day's tree."""
        return (
            _TIME.pack(self.at_ms) + self.blob + self.owner + self.reader
            + bytes([self.purpose, self.basis]) + self.salt
        )  # fmt: skip

    @classmethod
    def read(cls, leaf: bytes) -> "Line":
        """Return the line of a leaf."""
        blob, owner, reader = (leaf[at : at + _ID] for at in (8, 40, 72))
        (at_ms,) = _TIME.unpack(leaf[:8])
        return cls(at_ms, blob, owner, reader, leaf[104], leaf[105], leaf[106:])


@dataclass(frozen=True, slots=True)
class Receipt:
    """A node's word that it has destroyed a blob and its keys."""

    blob: bytes
    owner: bytes
    at_ms: int
    signature: bytes


class VaultStore(ErasingStore):
    """A vault's database, opened when it is first needed."""

    holding = (_KEY, _BLOB, _FIRST)

    def __init__(self, folder: Path, bytes_max: int, owner_bytes_max: int) -> None:
        super().__init__(folder / FOLDER_NAME)
        self._bytes_max, self._owner_bytes_max = bytes_max, owner_bytes_max
        self._lines: tuple[int, int] | None = None  # the newest day, and how many lines it has

    # Blobs and keys -----------------------------------------------------------------------------

    def put(
        self,
        name: bytes,
        owner: bytes,
        blob: bytes,
        keys: Sequence[Wrapped],
        author: bytes | None = None,
    ) -> None:
        """Keep a blob and its wrapped keys; `author` is whom it is kept for, if for another shop.

        Raises GoneError if it was erased, VaultFullError.
        """
        if self.receipt(name) is not None:
            raise GoneError("these details were erased; the same are not taken again")
        changes: dict[bytes, bytes | None] = {
            _KEY + one.blob + one.account: one.sealed for one in keys
        }
        if self._db.get(_BLOB + name) is None:
            used = self.bytes_used()
            self.check_room(owner, len(blob))
            changes[_BLOB + name] = owner + blob
            changes[_OWNED + owner + name] = _LENGTH.pack(len(blob))
            changes[_USED] = _TIME.pack(used + len(blob))
            changes[_FIRST + name] = b"".join(one.account + one.sealed for one in keys)
            if author is not None:
                size, count = self.kept_for(author)
                changes[_AUTHOR + name] = author
                changes[_HOSTED + author] = _ROOM.pack(size + len(blob), count + 1)
        self._db.write(changes)

    def check_room(self, owner: bytes, length: int) -> None:
        """Raise VaultFullError if a blob of this length is too much for the node or the owner."""
        if self.bytes_used() + length > self._bytes_max:
            raise VaultFullError("all customers together", self._bytes_max)
        if self.bytes_of(owner) + length > self._owner_bytes_max:
            raise VaultFullError("one owner", self._owner_bytes_max)

    def put_keys(self, keys: Sequence[Wrapped]) -> int:
        """Keep wrapped keys of those blobs that are here; returns how many."""
        here = [one for one in keys if self._db.get(_BLOB + one.blob) is not None]
        self._db.write({_KEY + one.blob + one.account: one.sealed for one in here})
        return len(here)

    def blob(self, name: bytes) -> bytes | None:
        """Return a blob, or None."""
        found = self._db.get(_BLOB + name)
        return None if found is None else found[_ID:]

    def wrapped(self, name: bytes, account: bytes) -> bytes | None:
        """Return the key of a blob as it is wrapped for an account, or None."""
        return self._db.get(_KEY + name + account)

    def first_keys(self, name: bytes) -> list[Wrapped] | None:
        """Return the wrapped keys that a blob came with, whatever came later; None: not known."""
        found = self._db.get(_FIRST + name)
        if found is None:
            return None
        step = _ID + WRAPPED_BYTES
        parts = [found[at : at + step] for at in range(0, len(found), step)]
        return [Wrapped(name, one[:_ID], one[_ID:]) for one in parts]

    def all_keys(self, name: bytes) -> list[Wrapped]:
        """Return the wrapped keys of a blob, those that came later included."""
        start = _KEY + name
        return [Wrapped(name, key[-_ID:], one) for key, one in self._db.scan(start, start + _LAST)]

    def kept_for(self, author: bytes) -> tuple[int, int]:
        """Return bytes and number of the blobs that are kept for another shop."""
        found = self._db.get(_HOSTED + author)
        return (0, 0) if found is None else _ROOM.unpack(found)

    def bytes_used(self) -> int:
        """Return how many bytes all blobs have."""
        found = self._db.get(_USED)
        return 0 if found is None else int(_TIME.unpack(found)[0])

    def bytes_of(self, owner: bytes) -> int:
        """Return how many bytes the blobs of an owner have."""
        start = _OWNED + owner
        return sum(int(_LENGTH.unpack(size)[0]) for _, size in self._db.scan(start, start + _LAST))

    def names(self) -> list[bytes]:
        """Return the names of all blobs, by owner; without a look at the blobs, which are large."""
        return [key[-_ID:] for key in self._db.keys(_OWNED, _OWNED + _LAST)]

    def has(self, name: bytes) -> bool:
        """Tell whether a blob is kept, without reading it where that can be told."""
        return self._db.get(_FIRST + name) is not None or self.blob(name) is not None

    # Erasure ------------------------------------------------------------------------------------

    def erase(self, receipt: Receipt) -> None:
        """Destroy a blob and its wrapped keys in all files; the receipt stays."""
        name, owner = receipt.blob, receipt.owner
        told = owner + _TIME.pack(receipt.at_ms) + receipt.signature
        marks = {_ERASED + name: told, _PENDING + name: b""}
        self._destroy(name, {**marks, **self._without(name, owner)})

    def forget(self, name: bytes, owner: bytes) -> None:
        """Destroy a blob that never came on record; the same may come again."""
        self._destroy(name, self._without(name, owner))

    def _without(self, name: bytes, owner: bytes) -> dict[bytes, bytes | None]:
        """Return what changes where a blob and its wrapped keys go."""
        blob = self.blob(name)
        changes: dict[bytes, bytes | None] = {_BLOB + name: None}
        changes |= dict.fromkeys(self._db.keys(_KEY + name, _KEY + name + _LAST))
        if blob is not None:
            changes[_USED] = _TIME.pack(self.bytes_used() - len(blob))
            changes[_OWNED + owner + name] = None
            changes |= {_FIRST + name: None, _AUTHOR + name: None}
            changes |= self._less_for(self._db.get(_AUTHOR + name), len(blob))
        return changes

    def _less_for(self, author: bytes | None, length: int) -> dict[bytes, bytes | None]:
        if author is None:
            return {}
        size, count = self.kept_for(author)
        return {_HOSTED + author: _ROOM.pack(max(0, size - length), max(0, count - 1))}

    def receipt(self, name: bytes) -> Receipt | None:
        """Return the receipt of a blob that was erased here, or None."""
        found = self._db.get(_ERASED + name)
        if found is None:
            return None
        (at_ms,) = _TIME.unpack(found[_ID : _ID + 8])
        return Receipt(name, found[:_ID], at_ms, found[_ID + 8 :])

    def pending(self) -> list[bytes]:
        """Return the names of what was erased here and not confirmed on the chain yet."""
        return [key[1:] for key in self._db.keys(_PENDING, _PENDING + _LAST)]

    def settle(self, name: bytes) -> None:
        """Note that the chain has this node's confirmation."""
        self._db.write({_PENDING + name: None})

    # Readings -----------------------------------------------------------------------------------

    def note(self, line: Line) -> None:
        """Add a line to the list of its day; it is on disk before the details go out."""
        day = line.at_ms // DAY_MS
        if self._lines is None or self._lines[0] != day:
            self._lines = day, len(self.leaves(day))
        number = self._lines[1]
        place = _DAY.pack(day) + _DAY.pack(number)
        self._db.write({_LINE + place: line.leaf(), _READ + line.owner + place: b""})
        self._lines = day, number + 1

    def leaves(self, day: int) -> list[bytes]:
        """Return the lines of a day, as leaves in their order."""
        start = _LINE + _DAY.pack(day)
        return [leaf for _, leaf in self._db.scan(start, start + _LAST)]

    def lines_of(self, owner: bytes, before: tuple[int, int]) -> Iterator[tuple[int, int]]:
        """Yield (day, number) of the lines about an owner, the newest first, below a place."""
        start = _READ + owner
        stop = start + _DAY.pack(before[0]) + _DAY.pack(before[1])
        for key in reversed(list(self._db.keys(start, stop))):
            day, number = key[-8:-4], key[-4:]
            yield _DAY.unpack(day)[0], _DAY.unpack(number)[0]

    def open_days(self, today: int) -> list[int]:
        """Return the days before today that have lines and are not on the chain yet."""
        found: list[int] = []
        start = _LINE
        while True:
            key = next(self._db.keys(start, _LINE + _DAY.pack(today)), None)
            if key is None:
                return found
            day = _DAY.unpack(key[1:5])[0]
            if self._db.get(_LOGGED + key[1:5]) is None:
                found.append(day)
            start = _LINE + _DAY.pack(day + 1)

    def note_logged(self, day: int) -> None:
        """Note that the chain has a day's list."""
        self._db.write({_LOGGED + _DAY.pack(day): b""})
