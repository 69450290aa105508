"""A database whose erasures leave nothing in its files, also after a stop in between.

c name  -> nothing            what is gone for readers, and not yet from the files
"""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from chain.byte_store import ByteStore
from node.storage.disk import disk_faults

_CLEANING = b"c"
_LAST = b"\xff" * 64


class ErasingStore:
    """Opened, and its folder made, when it is first needed; what a stop left half erased goes then.

    `holding` are the beginnings of keys under which something erased, named by 32 bytes, lies.
    """

    holding: ClassVar[tuple[bytes, ...]]

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: ByteStore | None = None

    @property
    def _db(self) -> ByteStore:
        if self._opened is None:
            with disk_faults(self.folder):
                self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                self._opened = ByteStore(str(self.folder))
                for key in list(self._opened.keys(_CLEANING, _CLEANING + _LAST)):
                    self._clean(key[1:])
        return self._opened

    @property
    def is_there(self) -> bool:
        """Whether anything was ever kept here."""
        return self._opened is not None or self.folder.is_dir()

    def close(self) -> None:
        """Close the database."""
        if self._opened is not None:
            self._opened.close()
            self._opened = None

    def _destroy(self, name: bytes, changes: Mapping[bytes, bytes | None]) -> None:
        """Write `changes`, after which nobody reads what is erased, and clean the files then."""
        self._db.write({**changes, _CLEANING + name: b""})
        self._clean(name)

    def _clean(self, name: bytes) -> None:
        for prefix in self.holding:
            self._db.destroy(prefix + name)
        self._db.write({_CLEANING + name: None})
