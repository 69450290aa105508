"""The codes that a gateway made, one small file each: what became of every one, for good.

A file has no secret, only the hash of one: who reads the folder can use no code.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chain.crypto import hash_bytes
from chain.errors import StoreError
from node.files import put_whole
from node.joining.code import JoinCode

FOLDER_NAME = "admissions"
NAME_LENGTH_MAX = 60
RECORD_BYTES_MAX = 4_096
_Key = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Time = Annotated[int, Field(ge=0, le=2**53 - 1)]
_NUMBER = re.compile(r"[0-9a-f]{16}")


class Use(BaseModel):
    """Who brought a code first; `height` once the chain has let him in."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    account: _Key
    node_key: _Key
    name: str
    at_ms: _Time
    tx_id: _Key | None = None
    height: _Time | None = None


class Record(BaseModel):
    """One code. `name`: the only name that its shop may take; "" leaves it to the shop."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    number: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    secret_hash: _Key
    made_at: _Time
    expires_at: _Time
    name: Annotated[str, Field(max_length=NAME_LENGTH_MAX)] = ""
    note: Annotated[str, Field(max_length=200)] = ""
    revoked_at: _Time | None = None
    use: Use | None = None

    def state(self, now_ms: int) -> str:
        """Return open, over, revoked, used (the chain's answer is out) or admitted."""
        if self.use is not None:
            return "used" if self.use.height is None else "admitted"
        if self.revoked_at is not None:
            return "revoked"
        return "open" if now_ms < self.expires_at else "over"


def hash_secret(code: JoinCode) -> str:
    """Return what is kept of a code's secret."""
    return hash_bytes("join-secret", code.chain + code.secret).hex()


class RecordBook:
    """The folder with the records of one gateway. Raises StoreError."""

    def __init__(self, folder: Path) -> None:
        """Look at a folder, which the first record makes."""
        self._folder = folder

    def find(self, code: JoinCode) -> Record | None:
        """Return the record of a code, or None if there is none with its secret."""
        found = self.read(code.number.hex())
        return found if found is not None and found.secret_hash == hash_secret(code) else None

    def read(self, number: str) -> Record | None:
        """Return the record with a number, or None."""
        if not _NUMBER.fullmatch(number):
            return None
        path = self._folder / f"{number}.json"
        try:
            with path.open("rb") as file:
                return Record.model_validate_json(file.read(RECORD_BYTES_MAX))
        except FileNotFoundError:
            return None
        except (OSError, ValidationError) as error:
            raise StoreError(f"{path} can not be read: {error}") from error

    def all(self) -> Iterator[Record]:
        """Yield every record, the oldest first."""
        numbers = sorted(path.stem for path in self._folder.glob("*.json"))
        found = [one for one in map(self.read, numbers) if one is not None]
        yield from sorted(found, key=lambda one: (one.made_at, one.number))

    def put(self, record: Record) -> None:
        """Write a record over the one with its number; it is on the disk when this returns."""
        path = self._folder / f"{record.number}.json"
        try:
            self._folder.mkdir(mode=0o700, exist_ok=True)
            text = record.model_dump_json(indent=1) + "\n"
            put_whole(path, text, replace=True, is_private=True)
        except OSError as error:
            raise StoreError(f"{path} can not be written: {error.strerror or error}") from error
