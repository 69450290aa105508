"""Where the records contract keeps things, and what its rows say, read from its own code.

A container names its fields, so a passport made under later code of the contract is read as well,
as long as the names below are there: they are what this program knows of the contract.
"""

import struct
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Any

from chain.crypto import sha256
from chain.errors import MalformedBytesError
from chain.ids import encode_id
from chain.state import Space
from contracts.vm.container import Field, Kind, Scalar, decode_container
from contracts.vm.values import KeyForm, RowForm

NAME = "records"  # under which the operators install the contract
_INTEGERS = (Kind.U8, Kind.U16, Kind.U32, Kind.UINT)
_HASHES = (Kind.HASH, Kind.ADDR)
# By map: the kinds of its key's parts, and the kinds of the fields that are looked at.
_NEEDED: dict[str, tuple[tuple[tuple[Kind, ...], ...], dict[str, tuple[Kind, ...]]]] = {
    "vehicles": (
        (_HASHES,),
        {"commitment": _HASHES, "vin": _HASHES, "secrets": _INTEGERS},
    ),
    "places": (
        (_HASHES,),
        {
            **dict.fromkeys(("record", "mark", "vehicle", "commitment"), _HASHES),
            **dict.fromkeys(("at", "detached_at"), _INTEGERS),
        },
    ),
    "records": (
        (_HASHES,),
        {
            **dict.fromkeys(("shop", "handle"), _HASHES),
            **dict.fromkeys(("entries", "corrections", "service", "finished_at"), _INTEGERS),
        },
    ),
    "entries": ((_HASHES, (Kind.U16,)), {"kind": _INTEGERS}),
    "materials": ((_HASHES, (Kind.U16,)), {}),
    "fixes": ((_HASHES, (Kind.U16,)), {}),
}


class EntryKind(IntEnum):
    """The kind of a record's entry that has a row of its own besides."""

    MATERIAL = 3


@dataclass(frozen=True, slots=True)
class _Map:
    key: KeyForm
    row: RowForm
    names: tuple[str, ...]


class Rows:
    """The maps of one instance of the contract."""

    def __init__(self, contract: bytes, code: bytes) -> None:
        """Read the container `code`; raises MalformedBytesError if it is no records contract."""
        self.contract = contract
        self._maps = _read_maps(code)

    def key(self, name: str, *parts: Any) -> bytes:
        """Return the state key of a row."""
        found = self._maps[name].key.encode(list(parts), 0)
        return bytes([Space.STORAGE]) + self.contract + found

    def read(self, name: str, row: bytes) -> dict[str, Any]:
        """Return what a row says by the names of its fields; raises MalformedBytesError."""
        found = self._maps[name]
        try:
            values = found.row.decode(row)
        except (struct.error, ValueError, IndexError) as error:
            text = f"{len(row)} bytes are no row of {name}: {error}"
            raise MalformedBytesError(text) from error
        return dict(zip(found.names, values, strict=True))

    def show(self, name: str, row: bytes) -> dict[str, Any]:
        """Return a row as JSON: accounts by their ids, other bytes as hex."""
        values = self.read(name, row)
        scalars = self._maps[name].row.scalars
        return {
            field: _shown(scalar, value)
            for (field, value), scalar in zip(values.items(), scalars, strict=True)
        }


def _shown(scalar: Scalar, value: Any) -> Any:
    if scalar.kind == Kind.ADDR:
        return encode_id("acct", value)
    if scalar.kind == Kind.TEXT:
        return value.decode(errors="replace")
    return value.hex() if isinstance(value, bytes) else value


@lru_cache(maxsize=4)
def _read_maps(code: bytes) -> dict[str, _Map]:
    container = decode_container(code)
    found: dict[str, _Map] = {}
    for number, field in enumerate(container.fields):
        if field.name in _NEEDED and _fits(field):
            row = RowForm([one.scalar for one in field.row])
            names = tuple([one.name for one in field.row])
            found[field.name] = _Map(KeyForm(bytes([number]), field.key), row, names)
    missing = ", ".join(name for name in _NEEDED if name not in found)
    if missing:
        text = f"the code of {container.name} keeps no {missing} as this program knows them"
        raise MalformedBytesError(text)
    return found


def _fits(field: Field) -> bool:
    """Tell whether a map has the key and the fields that are looked at."""
    parts, needed = _NEEDED[field.name]
    kinds = {one.name: one.scalar.kind for one in field.row}
    return (
        len(field.key) == len(parts)
        and all(one.kind in kinds_of for one, kinds_of in zip(field.key, parts, strict=True))
        and all(kinds.get(name) in allowed for name, allowed in needed.items())
    )


def name_key() -> bytes:
    """Return the state key of the contract that the operators installed under the name."""
    return bytes([Space.NAME]) + NAME.encode()


def instance_key(contract: bytes) -> bytes:
    """Return the state key of the chain's record of a contract."""
    return bytes([Space.INSTANCE]) + contract


def code_key(code_id: bytes) -> bytes:
    """Return the state key of a container."""
    return bytes([Space.CODE]) + code_id


def value_hash(value: bytes | None) -> bytes | None:
    """Return what the state tree holds of a value; None for an absent one."""
    return None if value is None else sha256(value)
