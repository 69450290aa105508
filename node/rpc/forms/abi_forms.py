"""How each kind of a contract's values is read from JSON, shown as JSON, and described."""

import re
import reprlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from chain.errors import MalformedBytesError
from chain.ids import decode_id, encode_id
from contracts.vm.container import INT_RANGES, Kind
from node.abi import Single
from node.rpc.errors import InvalidParamsError

ADDRESS_PREFIXES = ("acct", "ctr")
_HEX = re.compile(r"(?:[0-9a-f]{2})*")
_HASH_BYTES = 32
_ENUM_MAX = 255
_ID_LETTERS = "[02-9ac-hj-np-z]{58}"
_UNITS = {
    "time": "ms since 1970, UTC",
    "duration": "ms",
    "ratio": "basis points, 10000 is all",
}


@dataclass(frozen=True, slots=True)
class AssetLabel:
    """An asset that a contract is bound to: its id and symbol."""

    asset: bytes
    symbol: str


@dataclass(frozen=True, slots=True)
class ValueForm:
    """The JSON form of one value. `read` gives None for what does not fit.

    It may raise InvalidParamsError itself where it knows better what is wrong: with a path below
    that of the value, "" for the value's own.
    """

    expected: str
    read: Callable[[Any], Any]
    show: Callable[[Any], Any]
    schema: dict[str, Any]


@lru_cache(maxsize=65_536)
def id_text(prefix: str, value: bytes) -> str:
    """Return the text of an id; kept, because making one costs more than all else in an event."""
    return encode_id(prefix, value)


def labelled_amount(amount: int, label: AssetLabel | None) -> dict[str, Any]:
    """Return the JSON form of money; currency and asset are null where nobody knows them."""
    if label is None:
        return {"amount": amount, "currency": None, "asset": None}
    asset = id_text("ast", label.asset)
    return {"amount": amount, "currency": label.symbol, "asset": asset}


def form_of(
    kind: Single,
    enums: Mapping[str, Mapping[str, int]],
    assets: Mapping[str, AssetLabel],
    is_contract: Callable[[bytes], bool],
) -> ValueForm:
    """Return the form of a value; `is_contract` tells which addresses are shown as "ctr1..."."""
    meaning, detail = kind.meaning or ("", "")
    makers: dict[str, Callable[[], ValueForm]] = {
        "enum": lambda: _enum_form(enums[detail]),
        "money": lambda: _money_form(assets.get(detail)),
        "id": lambda: _id_form(detail),
    }
    if meaning in makers:
        return makers[meaning]()
    by_kind: dict[Kind, Callable[[], ValueForm]] = {
        Kind.BOOL: lambda: _BOOL,
        Kind.ADDR: lambda: _address_form(is_contract),
        Kind.HASH: lambda: _HASH,
        Kind.BYTES: lambda: _bytes_form(kind.size),
        Kind.TEXT: lambda: _text_form(kind.size),
    }
    if kind.kind in by_kind:
        return by_kind[kind.kind]()
    return _int_form(kind.kind, _UNITS.get(meaning, ""))


def _same(value: Any) -> Any:
    return value


def _read_bool(given: Any) -> bool | None:
    return given if type(given) is bool else None


def _read_hash(given: Any) -> bytes | None:
    fits = isinstance(given, str) and len(given) == 2 * _HASH_BYTES and _HEX.fullmatch(given)
    return bytes.fromhex(given) if fits else None


_BOOL = ValueForm("true or false", _read_bool, _same, {"type": "boolean"})
_HASH = ValueForm(
    "64 lower-case hex digits",
    _read_hash,
    bytes.hex,
    {"type": "string", "pattern": "^[0-9a-f]{64}$", "description": "64 lower-case hex digits"},
)


def _int_form(kind: Kind, unit: str) -> ValueForm:
    low, high = INT_RANGES[kind]

    def read(given: Any) -> int | None:
        return given if type(given) is int and low <= given <= high else None

    about = {"description": unit} if unit else {}
    schema = {"type": "integer", "minimum": low, "maximum": high, **about}
    expected = f"an integer {low}..{high}" + (f" ({unit})" if unit else "")
    return ValueForm(expected, read, _same, schema)


def _enum_form(members: Mapping[str, int]) -> ValueForm:
    """Return the form of a number by its name; one without a name stays a number.

    Numbers that have a name are not read: there is one way to say each.
    """
    names: dict[int, str] = {}
    for name, number in members.items():
        names.setdefault(number, name)

    def read(given: Any) -> int | None:
        if isinstance(given, str):
            return members.get(given)
        fits = type(given) is int and 0 <= given <= _ENUM_MAX and given not in names
        return given if fits else None

    def show(value: int) -> str | int:
        return names.get(value, value)

    unnamed = {"type": "integer", "minimum": 0, "maximum": _ENUM_MAX}
    schema = {"anyOf": [{"enum": list(members)}, unnamed]}
    return ValueForm("one of " + ", ".join(members), read, show, schema)


def _money_form(label: AssetLabel | None) -> ValueForm:
    number = _int_form(Kind.UINT, "")
    known = labelled_amount(0, label)
    expected = "an integer of minor units or {amount, currency, asset}"

    def read(given: Any) -> int | None:
        if not isinstance(given, dict):
            found: int | None = number.read(given)
            return found
        if "amount" not in given or not given.keys() <= known.keys():
            return None
        for part in ("currency", "asset"):
            if part in given and given[part] != known[part]:
                text = f"expected {known[part]!r}, found {reprlib.repr(given[part])}"
                raise InvalidParamsError(part, text)
        found = number.read(given["amount"])
        if found is None:
            text = f"expected {number.expected}, found {reprlib.repr(given['amount'])}"
            raise InvalidParamsError("amount", text)
        return found

    def show(value: int) -> dict[str, Any]:
        return {**known, "amount": value}

    schema = {"anyOf": [number.schema, AMOUNT_SCHEMA]}
    return ValueForm(expected, read, show, schema)


AMOUNT_SCHEMA: dict[str, Any] = {
    "type": "object",
    "description": "Money in minor units.",
    "properties": {
        "amount": {"type": "integer", "minimum": 0, "maximum": INT_RANGES[Kind.UINT][1]},
        "currency": {"type": ["string", "null"]},
        "asset": {"type": ["string", "null"]},
    },
    "required": ["amount"],
    "additionalProperties": False,
}


def read_id(given: Any, prefixes: tuple[str, ...]) -> bytes | None:
    """Return the 32 bytes of an id of one of some kinds; None if it is of none of them.

    Raises InvalidParamsError if it is one with a slip in it.
    """
    if not isinstance(given, str):
        return None
    prefix = given.rpartition("1")[0].lower()
    if prefix not in prefixes:
        return None
    try:
        return decode_id(given, prefix)
    except MalformedBytesError as error:
        raise InvalidParamsError("", str(error)) from error


def _id_form(prefix: str) -> ValueForm:
    about = f"an id {prefix}1..."
    schema = {"type": "string", "pattern": f"^{prefix}1{_ID_LETTERS}$", "description": about}

    def read(given: Any) -> bytes | None:
        return read_id(given, (prefix,))

    def show(value: bytes) -> str:
        return id_text(prefix, value)

    return ValueForm(f'an id "{prefix}1..."', read, show, schema)


def _address_form(is_contract: Callable[[bytes], bool]) -> ValueForm:
    about = "an id acct1... or ctr1..."
    schema = {"type": "string", "pattern": f"^(acct|ctr)1{_ID_LETTERS}$", "description": about}

    def read(given: Any) -> bytes | None:
        return read_id(given, ADDRESS_PREFIXES)

    def show(value: bytes) -> str:
        return id_text("ctr" if is_contract(value) else "acct", value)

    return ValueForm('an id "acct1..." or "ctr1..."', read, show, schema)


def _bytes_form(size: int) -> ValueForm:
    def read(given: Any) -> bytes | None:
        fits = isinstance(given, str) and len(given) <= 2 * size and _HEX.fullmatch(given)
        return bytes.fromhex(given) if fits else None

    expected = f"lower-case hex of at most {size} bytes"
    pattern = "^([0-9a-f]{2})*$"
    schema = {"type": "string", "pattern": pattern, "maxLength": 2 * size, "description": expected}
    return ValueForm(expected, read, bytes.hex, schema)


def _text_form(size: int) -> ValueForm:
    expected = f"text of at most {size} bytes (UTF-8)"

    def read(given: Any) -> str | None:
        try:
            fits = isinstance(given, str) and len(given.encode()) <= size
        except UnicodeEncodeError:  # half of a surrogate pair
            return None
        return given if fits else None

    def show(value: str | bytes) -> str:
        return value if isinstance(value, str) else value.decode()

    schema = {"type": "string", "maxLength": size, "description": expected}
    return ValueForm(expected, read, show, schema)
