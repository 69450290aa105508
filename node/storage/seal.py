"""The seal of a chain that is put away: its head and the digest of every file, in one small file.

The blocks prove themselves when they are executed again; the seal also tells when the end of the
chain was cut off or a byte changed that no block depends on.
"""

import hashlib
import json
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

SEAL_NAME = "seal.json"
SEAL_BYTES_MAX = 4 * 1024 * 1024
_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class SealError(Exception):
    """A seal that is missing, unreadable or broken."""


class Seal(BaseModel):
    """What a kept chain was when it was put away; `files` are relative paths with their SHA-256."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    chain_id: _Hash
    height: Annotated[int, Field(ge=0)]
    head_id: _Hash
    files: dict[str, _Hash]

    def text(self) -> str:
        """Return the one text that says this."""
        return json.dumps(self.model_dump(), sort_keys=True, indent=1) + "\n"


def file_digests(folder: Path) -> dict[str, str]:
    """Return path -> SHA-256 (hex) of every file under a folder but the seal."""
    digests: dict[str, str] = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != SEAL_NAME:
            with path.open("rb") as file:
                digests[name] = hashlib.file_digest(file, "sha256").hexdigest()
    return digests


def seal_folder(folder: Path, chain_id: bytes, height: int, head_id: bytes) -> Seal:
    """Write the seal of a closed chain and return it; the database's log files go first."""
    for name in ("LOG", "LOG.old", "LOCK"):
        (folder / "chain" / name).unlink(missing_ok=True)
    seal = Seal(
        chain_id=chain_id.hex(), height=height, head_id=head_id.hex(), files=file_digests(folder)
    )
    (folder / SEAL_NAME).write_text(seal.text(), encoding="utf-8")
    return seal


def read_seal(folder: Path) -> Seal:
    """Return a folder's seal; raises SealError unless it is there, whole and in its one form."""
    path = folder / SEAL_NAME
    try:
        data = path.read_bytes()[: SEAL_BYTES_MAX + 1]
    except OSError as error:
        text = f"{path}: {error.strerror or error}; is this a folder that --keep made?"
        raise SealError(text) from error
    try:
        seal = Seal.model_validate_json(data)
    except ValidationError as error:
        text = f"{path}: {error.errors()[0]['msg']}"
        raise SealError(text) from error
    if seal.text().encode() != data:
        text = f"{path}: not as it was written"
        raise SealError(text)
    return seal


def broken_files(folder: Path, seal: Seal) -> list[str]:
    """Return the files that are not as they were sealed, sorted."""
    found = file_digests(folder)
    return sorted(name for name in {*found, *seal.files} if found.get(name) != seal.files.get(name))
