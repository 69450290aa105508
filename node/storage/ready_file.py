"""Proofs of readiness as files: what a candidate hands to an operator."""

import os
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chain.errors import NotReadyError
from chain.types import SAFE_INT_MAX
from node.files import move_over
from node.storage.folder import sync_folder

READY_BYTES_MAX = 64 * 1024  # with room for the spaces of people
_Hex32 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Hex64 = Annotated[str, Field(pattern=r"^[0-9a-f]{128}$")]


class ReadyFile(BaseModel):
    """The whole file, as the method `admin_validator_ready` answers."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    chain_id: _Hex32
    key: _Hex32
    height: Annotated[int, Field(ge=0, le=SAFE_INT_MAX)]
    block_id: _Hex32
    signature: _Hex64

    def change(self) -> dict[str, Any]:
        """Return the change that the proof is for, as JSON."""
        ready = {"height": self.height, "block_id": self.block_id, "signature": self.signature}
        return {"type": "set_validator", "key": self.key, "power": 1, "ready": ready}


def read_ready_file(path: Path) -> ReadyFile:
    """Return the proof in a file; raises NotReadyError that names what is wrong, or OSError."""
    with path.open("rb") as file:
        data = file.read(READY_BYTES_MAX + 1)
    if len(data) > READY_BYTES_MAX:
        text = f"{path} has more than {READY_BYTES_MAX} bytes; it is no proof of readiness"
        raise NotReadyError(text)
    try:
        return ReadyFile.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "file"
        text = f"{path} is no proof of readiness: {place}: {first['msg']}"
        raise NotReadyError(text) from error


def put_ready_file(path: Path, proof: ReadyFile) -> None:
    """Put a proof into a file in the place of an older one, whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    with fresh.open("wb") as file:
        file.write(proof.model_dump_json(indent=1).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    move_over(fresh, path)
    sync_folder(path.parent)
