"""The kinds of parameters: how a value is written in JSON, checked once, and held inside.

Each is an annotated type: the check turns the JSON value into what the ledger uses (an id's text
becomes 32 bytes), the schema says the same to readers of the OpenRPC document.
"""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from chain.errors import MalformedBytesError
from chain.ids import decode_id

INTEGER_MAX = 2**53 - 1  # the largest integer that every JSON reader holds exactly
HEX_BYTES_MAX = 2 * 65_536
TEXT_BYTES_MAX = 1_024
NAME_LENGTH_MAX = 96
CURSOR_LENGTH_MAX = 512
LIMIT_DEFAULT = 50
LIMIT_MAX = 200
EVENT_NUMBER_MAX = 2**31 - 1
PROVEN_KEYS_MAX = 512  # keys of the state that one answer proves

_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_EVENT_ID = re.compile(r"(0|[1-9][0-9]{0,15})-(0|[1-9][0-9]{0,9})")
_CURSOR = re.compile(r"[A-Za-z0-9_-]+")
_REFERENCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_HASH_LENGTH = 64
_ID_LETTERS = "[02-9ac-hj-np-z]{58}"


def parse_account(value: object) -> bytes:
    """Return the 32 bytes of an account's id."""
    return _parse_id(value, ("acct",))


def parse_any_id(value: object) -> bytes:
    """Return the 32 bytes of an account's or a contract's id."""
    return _parse_id(value, ("acct", "ctr"))


def parse_hash(value: object) -> bytes:
    """Return the 32 bytes of a transaction's or block's id."""
    text = _text(value, "64 lower-case hex digits", _HASH_LENGTH)
    if len(text) != _HASH_LENGTH or _HEX.fullmatch(text) is None:
        raise ValueError(f"must be 64 lower-case hex digits, found {_shown(text)}")
    return bytes.fromhex(text)


def parse_hex(value: object) -> bytes:
    """Return bytes that are written as hex."""
    text = _text(value, "lower-case hex digits, two for each byte", 2 * HEX_BYTES_MAX)
    try:
        data = bytes.fromhex(text)
    except ValueError:
        data = b""
    if data.hex() != text:  # capitals, blanks; a pattern would take ten times as long
        raise ValueError(f"must be lower-case hex digits, two a byte, found {_shown(text)}")
    return data


def parse_event_id(value: object) -> tuple[int, int]:
    """Return (height, number in the block) of an event's id."""
    match = _EVENT_ID.fullmatch(_text(value, "an event id like 12-0", 32))
    if match is None:
        raise ValueError("must be an event id: height, a dash, number in the block (12-0)")
    height, number = int(match[1]), int(match[2])
    if height > INTEGER_MAX or number > EVENT_NUMBER_MAX:
        raise ValueError("must be an event id within the possible heights and numbers")
    return height, number


def parse_text(value: object) -> str:
    """Return a short text."""
    text = _text(value, "text", TEXT_BYTES_MAX)
    if len(text.encode()) > TEXT_BYTES_MAX:
        raise ValueError(f"must be at most {TEXT_BYTES_MAX} bytes of UTF-8")
    return text


def parse_reference(value: object) -> str:
    """Return the text of an id or a registered name, as it is; who uses it looks it up."""
    text = _text(value, "an id or a name", NAME_LENGTH_MAX)
    if _REFERENCE.fullmatch(text) is None:
        raise ValueError(f"must be an id or a registered name, found {_shown(text)}")
    return text


def parse_cursor(value: object) -> str:
    """Return an opaque cursor; who made it checks what is inside."""
    text = _text(value, "a cursor from an earlier answer", CURSOR_LENGTH_MAX)
    if _CURSOR.fullmatch(text) is None:
        raise ValueError("must be a cursor from an earlier answer of the same list")
    return text


def parse_at(value: object) -> str | int | bytes:
    """Return which state a read asks for: final or latest, a height, or a block's id."""
    if value in ("final", "latest"):
        return str(value)
    if type(value) is int and 0 <= value <= INTEGER_MAX:
        return value
    if isinstance(value, str) and len(value) == _HASH_LENGTH:
        return parse_hash(value)
    raise ValueError('must be "final", "latest", a height, or a block id (64 hex digits)')


def _text(value: object, expected: str, length_max: int) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a string: {expected}")  # noqa: TRY004 - pydantic's word for it
    if len(value) > length_max:
        raise ValueError(f"must be at most {length_max} characters: {expected}")
    return value


def _parse_id(value: object, prefixes: tuple[str, ...]) -> bytes:
    expected = "an id like " + " or ".join(f"{prefix}1..." for prefix in prefixes)
    text = _text(value, expected, 90)
    prefix = text.lower().partition("1")[0]
    if prefix not in prefixes:
        raise ValueError(f"must be {expected}, found {_shown(text)}")
    try:
        return decode_id(text, prefix)
    except MalformedBytesError as fault:
        raise ValueError(f"{fault}; expected {expected}") from None


def _shown(text: str) -> str:
    """Return the beginning of a refused text, short enough for a message."""
    shown_max = 40
    return repr(text if len(text) <= shown_max else text[:shown_max] + "...")


def _schema(description: str, **rest: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", "description": description, **rest})


AccountId = Annotated[
    bytes,
    PlainValidator(parse_account),
    _schema("An account's id (bech32m).", pattern=f"^acct1{_ID_LETTERS}$"),
]
AnyId = Annotated[
    bytes,
    PlainValidator(parse_any_id),
    _schema("The id of an account or a contract.", pattern=f"^(acct|ctr)1{_ID_LETTERS}$"),
]
ContractRef = Annotated[
    str,
    PlainValidator(parse_reference),
    _schema("A contract: its registered name or its id (ctr1...).", maxLength=NAME_LENGTH_MAX),
]
AssetRef = Annotated[
    str,
    PlainValidator(parse_reference),
    _schema("An asset: its symbol or its id (ast1...).", maxLength=NAME_LENGTH_MAX),
]
TxId = Annotated[
    bytes, PlainValidator(parse_hash), _schema("A transaction's id.", pattern="^[0-9a-f]{64}$")
]
BlockHash = Annotated[
    bytes, PlainValidator(parse_hash), _schema("A block's id.", pattern="^[0-9a-f]{64}$")
]
NodeKey = Annotated[
    bytes, PlainValidator(parse_hash), _schema("A node's key.", pattern="^[0-9a-f]{64}$")
]
HexBytes = Annotated[
    bytes,
    PlainValidator(parse_hex),
    _schema("Bytes as lower-case hex.", pattern="^([0-9a-f]{2})*$", maxLength=2 * HEX_BYTES_MAX),
]
EventId = Annotated[
    tuple[int, int],
    PlainValidator(parse_event_id),
    _schema("An event's id: height, a dash, number in the block.", pattern="^[0-9]+-[0-9]+$"),
]
Cursor = Annotated[
    str,
    PlainValidator(parse_cursor),
    _schema("`next_cursor` of the list's earlier answer.", maxLength=CURSOR_LENGTH_MAX),
]
Text = Annotated[
    str, PlainValidator(parse_text), _schema("A short text.", maxLength=TEXT_BYTES_MAX)
]
At = Annotated[
    str | int | bytes,
    PlainValidator(parse_at),
    WithJsonSchema(
        {
            "description": "Which state to read: the final one, or that of this block.",
            "oneOf": [
                {"enum": ["final", "latest"]},
                {"type": "integer", "minimum": 0, "maximum": INTEGER_MAX},
                {"type": "string", "pattern": "^[0-9a-f]{64}$"},
            ],
        }
    ),
]
Height = Annotated[int, Field(strict=True, ge=0, le=INTEGER_MAX, description="A block's height.")]
TimeMs = Annotated[
    int, Field(strict=True, ge=0, le=INTEGER_MAX, description="Milliseconds since 1970, UTC.")
]
DurationMs = Annotated[
    int, Field(strict=True, ge=0, le=INTEGER_MAX, description="A length of time in milliseconds.")
]
Amount = Annotated[
    int, Field(strict=True, ge=0, le=INTEGER_MAX, description="Money in minor units (fen).")
]
Limit = Annotated[
    int, Field(strict=True, ge=1, le=LIMIT_MAX, description="How many items at most.")
]
Lang = Annotated[Literal["en", "zh"], Field(description="The language of the texts.")]
