"""The passport file: canonical bytes of `Passport`, every part of it bounded.

Nothing in it is taken on trust. Where a value stands in the state follows from the vehicle, its
secrets and the contract's code, so no key of the state is written down.
"""

from dataclasses import dataclass
from typing import Annotated

from chain.block import Commit, Header
from chain.codec import AtMost, decode, encode, wire
from chain.errors import MalformedBytesError
from chain.tree_part import NODE_BYTES_MAX
from chain.tree_record import TAIL_BYTES
from chain.types import U32, Hash, Id
from chain.validators import ValidatorSet
from consensus import Candidate
from contracts.vm.container import CONTAINER_BYTES_MAX
from node.passport.anchor import STEPS_MAX

FORMAT = "washnode-passport-1"
SLIP_FORMAT = "washnode-record-1"
FILE_BYTES_MAX = 16 * 1024 * 1024
SLIP_BYTES_MAX = 64 * 1024
GENESIS_BYTES_MAX = 256 * 1024
SECRETS_MAX = 1_024
PLACES_MAX = 8_192
ENTRIES_MAX = 500  # of a record, as its contract has it
CORRECTIONS_MAX = 60
NODES_MAX = 65_536
RECEIPT_BYTES_MAX = 32 * 1024
PATH_LENGTH_MAX = 32  # one bit of `sides` for each

Row = Annotated[bytes, AtMost(4_096)]
Secret = Hash
Format = Annotated[str, AtMost(32)]


@wire()
@dataclass(frozen=True, slots=True)
class Content:
    """All that the contract keeps of one record, as stored.

    Entries and corrections are in order of their numbers, materials in that of their entries.
    """

    record: Row
    entries: Annotated[tuple[Row, ...], AtMost(ENTRIES_MAX)]
    materials: Annotated[tuple[Row, ...], AtMost(ENTRIES_MAX)]
    corrections: Annotated[tuple[Row, ...], AtMost(CORRECTIONS_MAX)]


@wire()
@dataclass(frozen=True, slots=True)
class Place:
    """What stands under one handle; `content` is None where it is kept back, or no record."""

    row: Row
    content: Content | None


@wire()
@dataclass(frozen=True, slots=True)
class Vin:
    """The number on the car's frame, in capitals, and the salt under which it was committed."""

    salt: Hash
    number: Annotated[str, AtMost(17)]


@wire()
@dataclass(frozen=True, slots=True)
class Passport:
    """A vehicle's records at one head.

    `genesis` are the canonical bytes of the chain's genesis and `steps` the blocks that lead from
    there to `head`; both are empty where the exporter had no way from the genesis. `instance` is
    the chain's record of `contract`, `code` its container. `registration` is the vehicle's row;
    `vin` says which car it is, or is nil where the owner does not. `secrets` are the vehicle's from
    the first on, `places` what stands under their handles in order. `nodes` and `tails` are the
    pieces of the state tree that show all of it.
    """

    format: Format
    genesis: Annotated[bytes, AtMost(GENESIS_BYTES_MAX)]
    steps: Annotated[tuple[Candidate, ...], AtMost(STEPS_MAX)]
    head: Candidate
    contract: Id
    instance: Annotated[bytes, AtMost(1_024)]
    code: Annotated[bytes, AtMost(CONTAINER_BYTES_MAX)]
    vehicle: Id
    registration: Row
    vin: Vin | None
    secrets: Annotated[tuple[Secret, ...], AtMost(SECRETS_MAX)]
    places: Annotated[tuple[Place, ...], AtMost(PLACES_MAX)]
    nodes: Annotated[tuple[Annotated[bytes, AtMost(NODE_BYTES_MAX)], ...], AtMost(NODES_MAX)]
    tails: Annotated[tuple[Annotated[bytes, AtMost(TAIL_BYTES)], ...], AtMost(NODES_MAX)]


@wire()
@dataclass(frozen=True, slots=True)
class Slip:
    """One record, small enough for a QR code: the receipt in which its work ended.

    `validators` are those of the header's height; `next_validators` are there where they differ.
    `path` leads from the receipt up to the header's root; bit i of `sides` is set where hash i of
    the path stands on the left. Its place in the list is not told: the root does not show it.
    """

    format: Format
    header: Header
    commit: Commit
    validators: ValidatorSet
    next_validators: ValidatorSet | None
    receipt: Annotated[bytes, AtMost(RECEIPT_BYTES_MAX)]
    sides: U32
    path: Annotated[tuple[Hash, ...], AtMost(PATH_LENGTH_MAX)]


def write_passport(passport: Passport) -> bytes:
    """Return the bytes of a passport file."""
    return encode(passport)


def read_passport(data: bytes) -> Passport:
    """Return the passport that a file holds, or raise MalformedBytesError."""
    _check_length(data, FILE_BYTES_MAX)
    found = decode(Passport, data)
    _check_format(found.format, FORMAT)
    return found


def read_slip(data: bytes) -> Slip:
    """Return the slip whose bytes are `data`, or raise MalformedBytesError."""
    _check_length(data, SLIP_BYTES_MAX)
    found = decode(Slip, data)
    _check_format(found.format, SLIP_FORMAT)
    return found


def _check_length(data: bytes, length_max: int) -> None:
    if len(data) > length_max:
        text = f"{len(data)} bytes, at most {length_max} are read"
        raise MalformedBytesError(text)


def _check_format(found: str, expected: str) -> None:
    if found != expected:
        text = f"format {found!r}, this program reads {expected!r}"
        raise MalformedBytesError(text)
