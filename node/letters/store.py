"""Letters on disk: each under its fingerprint, and found by what it is about.

    l name        -> about, letter
    a about name  -> nothing            what is kept about something
    u             -> bytes of all letters
    c name        -> nothing            erased, but perhaps not yet in every file

As the vault it is no part of a backup, since what is erased must be gone.
"""

import struct
from collections.abc import Iterator
from pathlib import Path

from node.letters.form import LETTER_BYTES_MAX
from node.vault.erasing_store import ErasingStore
from node.vault.errors import VaultFullError

FOLDER_NAME = "letters"
BYTES_MAX = 1024 * 1024 * 1024
PICTURE_QUARTERS = 3  # of it that letters with pictures may fill; words alone have the rest
ABOUT_BYTES = 33  # a kind and an id
_LETTER, _ABOUT, _USED = b"l", b"a", b"u"
_SIZE = struct.Struct(">Q")
_ID = 32
_LAST = b"\xff" * 64


class LetterStore(ErasingStore):
    """The letters that one node keeps. The folder is made when it is first needed."""

    holding = (_LETTER,)

    def __init__(self, folder: Path, bytes_max: int = BYTES_MAX) -> None:
        super().__init__(folder / FOLDER_NAME)
        self._bytes_max = bytes_max

    def put(self, name: bytes, about: bytes, letter: bytes) -> None:
        """Keep a letter; once more changes nothing. Raises VaultFullError."""
        if self.get(name) is not None:
            return
        used = self.bytes_used() + len(letter)
        is_long = len(letter) > LETTER_BYTES_MAX
        most = self._bytes_max * PICTURE_QUARTERS // 4 if is_long else self._bytes_max
        if used > most:
            raise VaultFullError("all letters together", most)
        self._db.write(
            {_LETTER + name: about + letter, _ABOUT + about + name: b"", _USED: _SIZE.pack(used)}
        )

    def get(self, name: bytes) -> bytes | None:
        """Return a letter, or None."""
        found = self._db.get(_LETTER + name) if self.is_there else None
        return None if found is None else found[ABOUT_BYTES:]

    def bytes_used(self) -> int:
        """Return how many bytes all letters have."""
        found = self._db.get(_USED)
        return 0 if found is None else int(_SIZE.unpack(found)[0])

    def names(self, about: bytes) -> list[bytes]:
        """Return the fingerprints of what is kept about something."""
        if not self.is_there:
            return []
        start = _ABOUT + about
        return [key[-_ID:] for key in self._db.keys(start, start + _LAST)]

    def subjects(self) -> Iterator[bytes]:
        """Yield what there are letters about, in order."""
        before = None
        for key in list(self._db.keys(_ABOUT, _ABOUT + _LAST)) if self.is_there else []:
            about = key[1 : 1 + ABOUT_BYTES]
            if about != before:
                yield about
            before = about

    def erase(self, name: bytes, about: bytes) -> None:
        """Destroy a letter so that no file has its bytes any more."""
        letter = self.get(name)
        if letter is None:
            return
        used = max(0, self.bytes_used() - len(letter))
        gone = {_LETTER + name: None, _ABOUT + about + name: None}
        self._destroy(name, {**gone, _USED: _SIZE.pack(used)})
