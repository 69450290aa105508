"""The container: what a compiled contract is on the chain.

Canonical bytes (chain.codec) of `Container`; `code_id` is their tagged hash. Nothing in it has to
be parsed twice: records are flattened, names are kept for people and for calls by name.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, TypeAlias

from chain.codec import AnyValue, AtMost, Between, decode, encode, wire
from chain.crypto import hash_bytes
from chain.types import SAFE_INT_MAX, U8, U16, U32, Count, Hash

VM_VERSION = 1
CONTAINER_BYTES_MAX = 24_576
FUNCTIONS_MAX = 64
REGISTERS_MAX = 256
INSTRUCTIONS_MAX = 8_192
FIELDS_MAX = 64
RECORD_SCALARS_MAX = 32
KEY_PARTS_MAX = 3
EVENT_FIELDS_MAX = 16
EVENT_INDEXED_MAX = 4
LOOP_BOUND_MAX = 4_096
LOOP_DEPTH_MAX = 8
CALL_DEPTH_MAX = 8
BYTES_MAX = 1_024  # longest bytes value a register may hold

Word: TypeAlias = Annotated[str, AtMost(48)]  # an identifier


class Kind(IntEnum):
    """Storage types; `size` of a scalar is the greatest length of BYTES and TEXT, else 0."""

    U8 = 1
    U16 = 2
    U32 = 3
    UINT = 4  # 0..2^53-1
    SINT = 5  # -(2^53-1)..2^53-1
    BOOL = 6
    ADDR = 7  # 32 bytes: an account or a contract instance
    HASH = 8  # 32 bytes
    BYTES = 9
    TEXT = 10  # UTF-8, opaque to code


REGISTER_TYPES = "?IIIIIBAYYY"  # register type letter of each Kind, by number
FIXED_BYTES = (
    0,
    1,
    2,
    4,
    8,
    8,
    1,
    32,
    32,
    0,
    0,
)  # stored width of each Kind; BYTES, TEXT: 2 + size
INT_RANGES: dict[int, tuple[int, int]] = {
    Kind.U8: (0, 255),
    Kind.U16: (0, 65_535),
    Kind.U32: (0, 2**32 - 1),
    Kind.UINT: (0, SAFE_INT_MAX),
    Kind.SINT: (-SAFE_INT_MAX, SAFE_INT_MAX),
}


@wire()
@dataclass(frozen=True, slots=True)
class Scalar:
    """One storage type; `size` bounds BYTES and TEXT in bytes and is 0 for the others."""

    kind: Annotated[int, Between(1, 10)]
    size: Annotated[int, Between(0, BYTES_MAX)] = 0


@wire()
@dataclass(frozen=True, slots=True)
class NamedScalar:
    """A scalar with its name, dotted where a nested record was flattened."""

    name: Word
    scalar: Scalar


Scalars: TypeAlias = Annotated[tuple[Scalar, ...], AtMost(RECORD_SCALARS_MAX)]
Key: TypeAlias = Annotated[tuple[Scalar, ...], AtMost(KEY_PARTS_MAX)]  # fixed-width kinds only
Row: TypeAlias = Annotated[tuple[NamedScalar, ...], AtMost(RECORD_SCALARS_MAX)]


@wire()
@dataclass(frozen=True, slots=True)
class Field:
    """A map from a key of 0 to 3 parts (0: a single variable) to a row."""

    name: Word
    key: Key
    row: Row


@wire()
@dataclass(frozen=True, slots=True)
class PotClass:
    """A family of pots by key, all in one asset; `extend_max_ms` counts from a pot's opening."""

    name: Word
    key: Key
    asset: U8
    extend_max_ms: Count


@wire()
@dataclass(frozen=True, slots=True)
class EventField:
    """One field of an event; at most four fields of an event are indexed."""

    name: Word
    scalar: Scalar
    indexed: bool


@wire()
@dataclass(frozen=True, slots=True)
class EventType:
    """An event that the code may emit."""

    name: Word
    fields: Annotated[tuple[EventField, ...], AtMost(EVENT_FIELDS_MAX)]


@wire()
@dataclass(frozen=True, slots=True)
class LinkCall:
    """A function of another instance that the code uses; `link` numbers `Container.links`."""

    link: U8
    function: Word
    is_action: bool
    params: Scalars
    returns: Scalars
    gas_max: U32


class FunctionKind(IntEnum):
    """What may call a function."""

    INIT = 0  # the deployment, once
    ACTION = 1  # a transaction, or a linking contract's action
    VIEW = 2  # anybody; changes nothing
    TIMER = 3  # the chain, when due; the parameters are the timer's key
    INTERNAL = 4  # functions of the same container with a greater number


@wire()
@dataclass(frozen=True, slots=True)
class Function:
    """Code over typed registers: constants first, then parameters, then locals (zero at entry).

    `registers` holds one letter (I B Y A) per register. `asset` is the asset that a payable
    function takes, a number in `Container.assets`, or nil.
    """

    name: Word
    kind: Annotated[int, Between(0, 4)]
    asset: U8 | None
    params: Scalars
    returns: Scalars
    constants: Annotated[tuple[AnyValue, ...], AtMost(REGISTERS_MAX)]
    registers: Annotated[bytes, AtMost(REGISTERS_MAX)]
    code: Annotated[bytes, AtMost(INSTRUCTIONS_MAX * 6)]


@wire()
@dataclass(frozen=True, slots=True)
class Container:
    """A compiled contract. Callees come before their callers; `errors[k]` has number k + 1."""

    magic: Annotated[str, AtMost(4)]
    vm: U16
    name: Word
    assets: Annotated[tuple[Word, ...], AtMost(8)]
    links: Annotated[tuple[Word, ...], AtMost(8)]
    link_calls: Annotated[tuple[LinkCall, ...], AtMost(32)]
    fields: Annotated[tuple[Field, ...], AtMost(FIELDS_MAX)]
    pots: Annotated[tuple[PotClass, ...], AtMost(16)]
    events: Annotated[tuple[EventType, ...], AtMost(64)]
    errors: Annotated[tuple[Word, ...], AtMost(255)]
    functions: Annotated[tuple[Function, ...], AtMost(FUNCTIONS_MAX)]
    abi_hash: Hash
    source_hash: Hash
    compiler: Word


def encode_container(container: Container) -> bytes:
    """Return the canonical bytes of a container."""
    return encode(container)


def decode_container(data: bytes) -> Container:
    """Return the container whose canonical bytes are `data`, or raise MalformedBytesError."""
    return decode(Container, data)


def code_id(data: bytes) -> bytes:
    """Return the 32-byte id of container bytes: what instances point at."""
    return hash_bytes("code", data)
