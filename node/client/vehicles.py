"""The file of one vehicle in its owner's hands: its number and its secrets, first to newest.

Whoever has the secrets can read the vehicle's whole history and enter records, so the file is for
its owner's eyes only. It is plain JSON; a backup of it is a copy.
"""

import os
import secrets
import stat
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chain.errors import MalformedBytesError, WashError
from chain.handles import SALT_BYTES, SECRET_BYTES, commitment, vin_commitment
from chain.ids import decode_id, encode_id
from node.files import put_whole
from node.passport.form import SECRETS_MAX

FILE_BYTES_MAX = 256 * 1024
VEHICLE_PREFIX = "veh"
_ID_BYTES = 32
_Hex = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class VehicleFileError(WashError):
    """A vehicle's file that can not be read, kept or used as asked."""

    code = 1020


class VehicleFile(BaseModel):
    """What the file says. `secrets` are hex; `vin_salt` is there where a VIN was committed."""

    model_config: ClassVar[ConfigDict] = ConfigDict(
        extra="forbid", frozen=True, strict=True, hide_input_in_errors=True
    )

    version: Annotated[int, Field(ge=1, le=1)]
    chain_id: _Hex
    vehicle: str
    secrets: Annotated[list[_Hex], Field(min_length=1, max_length=SECRETS_MAX)]
    vin_salt: _Hex | None = None

    @property
    def vehicle_id(self) -> bytes:
        """The vehicle's id as 32 bytes."""
        return decode_id(self.vehicle, VEHICLE_PREFIX)

    def secret_bytes(self) -> tuple[bytes, ...]:
        """Return the secrets as bytes."""
        return tuple([bytes.fromhex(one) for one in self.secrets])

    def commitment(self) -> bytes:
        """Return what the chain is told of the newest secret."""
        return commitment(bytes.fromhex(self.secrets[-1]))

    def salt_bytes(self) -> bytes:
        """Return the salt of the VIN as bytes; raises VehicleFileError if there is none."""
        if self.vin_salt is None:
            raise VehicleFileError("the vehicle's file has no salt to show a VIN with")
        return bytes.fromhex(self.vin_salt)

    def vin_commitment(self, vin: str) -> bytes:
        """Return what the chain is told of a VIN under this file's salt."""
        return vin_commitment(self.salt_bytes(), vin)

    def with_new_secret(self) -> "VehicleFile":
        """Return the file with one more secret, drawn by chance.

        Write it before the change is sent: a secret that was lost after the chain heard of it ends
        the history.
        """
        more = [*self.secrets, secrets.token_hex(SECRET_BYTES)]
        return self.model_copy(update={"secrets": more})


def new_vehicle(chain_id: bytes) -> VehicleFile:
    """Return a vehicle with an id, a first secret and a salt drawn by chance."""
    return VehicleFile(
        version=1,
        chain_id=chain_id.hex(),
        vehicle=encode_id(VEHICLE_PREFIX, secrets.token_bytes(_ID_BYTES)),
        secrets=[secrets.token_hex(SECRET_BYTES)],
        vin_salt=secrets.token_hex(SALT_BYTES),
    )


def read_vehicle(path: Path) -> VehicleFile:
    """Return what a file says; raises VehicleFileError, also if others could read it."""
    try:
        with path.open("rb") as handle:
            mode = os.fstat(handle.fileno()).st_mode
            data = handle.read(FILE_BYTES_MAX + 1)
    except OSError as error:
        text = f"{path}: {error.strerror or error}"
        raise VehicleFileError(text) from error
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        text = f"{path} is open to other users of this machine; run: chmod 600 {path}"
        raise VehicleFileError(text)
    try:
        found = VehicleFile.model_validate_json(data)
        decode_id(found.vehicle, VEHICLE_PREFIX)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        name = ".".join(str(part) for part in fault["loc"])
        text = f"{path} is no file of a vehicle: {name or 'it'}: {fault['msg']}"
        raise VehicleFileError(text) from error
    except MalformedBytesError as error:
        text = f"{path} is no file of a vehicle: vehicle: {error}"
        raise VehicleFileError(text) from error
    return found


def write_vehicle(path: Path, file: VehicleFile, *, replace: bool = False) -> None:
    """Write a file whole or not at all, for its owner only.

    Raises FileExistsError if the path is taken and `replace` is not asked for.
    """
    text = file.model_dump_json(indent=1) + "\n"
    put_whole(path, text, replace=replace, is_private=True)
