"""ABIs as typed values, read from JSON that a stranger may have written."""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from chain.errors import WashError
from contracts.vm.container import BYTES_MAX, FunctionKind, Kind

ABI_BYTES_MAX = 256 * 1024
_PREFIX = re.compile(r"[a-z][a-z0-9]{0,9}")  # of an id's text
_SIZED = re.compile(r"(bytes|text)\[([0-9]{1,4})\]")
_PLAIN = {
    "u8": Kind.U8, "u16": Kind.U16, "u32": Kind.U32, "uint": Kind.UINT, "sint": Kind.SINT,
    "bool": Kind.BOOL, "address": Kind.ADDR, "hash": Kind.HASH,
}  # fmt: skip
_PLAIN_NAMES = {kind: name for name, kind in _PLAIN.items()}
_MEANING_KINDS = {  # which kinds a meaning can stand on
    "money": (Kind.UINT,),
    "time": (Kind.UINT,),
    "duration": (Kind.UINT,),
    "ratio": (Kind.U16,),
    "enum": (Kind.U8,),
    "id": (Kind.HASH,),
}
GROUPS = (
    ("actions", FunctionKind.ACTION),
    ("views", FunctionKind.VIEW),
    ("timers", FunctionKind.TIMER),
)


class BadAbiError(WashError):
    """An ABI that is not well formed or does not fit its contract."""

    code = -32602

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.field = "abi"  # the parameter that it is everywhere


@dataclass(frozen=True, slots=True)
class Single:
    """One value; `meaning` says what the number or the bytes stand for, as ("enum", "State")."""

    kind: Kind
    size: int = 0
    meaning: tuple[str, str] | None = None

    @property
    def text(self) -> str:
        """The type's name."""
        plain = _PLAIN_NAMES.get(self.kind)
        return plain if plain is not None else f"{self.kind.name.lower()}[{self.size}]"


@dataclass(frozen=True, slots=True)
class Record:
    """A record; nested ones are rebuilt from the dotted names under which they are stored."""

    name: str
    fields: "tuple[tuple[str, AbiType], ...]"


AbiType: TypeAlias = Single | Record
Named: TypeAlias = tuple[str, AbiType]


@dataclass(frozen=True, slots=True)
class AbiFunction:
    """A function; `payable` names the contract's asset that comes along, `returns` nil: nothing."""

    name: str
    kind: FunctionKind
    doc: str
    params: tuple[Named, ...]
    returns: AbiType | None
    payable: str | None


@dataclass(frozen=True, slots=True)
class AbiEvent:
    """An event; `indexed` has the places of the fields that can be searched for."""

    name: str
    fields: tuple[Named, ...]
    indexed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class AbiPots:
    """A family of pots: the parts of its key and the name of its asset."""

    name: str
    key: tuple[AbiType, ...]
    asset: str


@dataclass(frozen=True, slots=True)
class ContractAbi:
    """What clients need to know of a contract's code. `errors[k]` has number k + 1."""

    name: str
    doc: str
    assets: tuple[str, ...]
    links: tuple[str, ...]
    enums: dict[str, dict[str, int]]
    functions: dict[str, AbiFunction]
    init: AbiFunction | None
    events: tuple[AbiEvent, ...]
    errors: tuple[str, ...]
    pots: tuple[AbiPots, ...]

    def function(self, name: str, kind: FunctionKind) -> AbiFunction | None:
        """Return the function of that name and kind, or None."""
        found = self.functions.get(name)
        return found if found is not None and found.kind == kind else None

    def functions_of(self, kind: FunctionKind) -> list[AbiFunction]:
        """Return the functions of a kind in the order of the source."""
        return [one for one in self.functions.values() if one.kind == kind]

    def error_name(self, number: int) -> str | None:
        """Return the name of the error with a number (from 1), or None."""
        return self.errors[number - 1] if 1 <= number <= len(self.errors) else None


def flatten(kind: AbiType) -> Iterator[Single]:
    """Yield the single values of a type in stored order."""
    if isinstance(kind, Single):
        yield kind
    else:
        for _name, part in kind.fields:
            yield from flatten(part)


def width_of(kind: AbiType) -> int:
    """Return how many stored values a type has."""
    return sum(1 for _ in flatten(kind))


def abi_bytes(document: object) -> bytes:
    """Return the bytes whose SHA-256 stands in a container; raises BadAbiError."""
    try:
        text = json.dumps(
            document, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False
        )
    except (TypeError, ValueError, RecursionError) as error:
        message = f"no JSON document: {error}"
        raise BadAbiError(message) from error
    if len(text) > ABI_BYTES_MAX:
        message = f"ABI of {len(text)} bytes, at most {ABI_BYTES_MAX} are allowed"
        raise BadAbiError(message)
    return text.encode()


def parse_abi(document: object) -> ContractAbi:
    """Return the ABI that `document` (parsed JSON) states; raises BadAbiError if it is none."""
    try:
        return _Reader(document).read()
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
        text = f"ABI is not of the published form: {repr(error)[:200]}"
        raise BadAbiError(text) from error


class _Reader:
    """Reads one document; any slip in its form raises one of a few plain exceptions."""

    def __init__(self, document: Any) -> None:
        self.document = document
        self.enums = {
            _word(name): {_word(member): _u8(value) for member, value in members.items()}
            for name, members in document["enums"].items()
        }
        self.records = {
            _word(name): self._record(name, fields) for name, fields in document["records"].items()
        }

    def read(self) -> ContractAbi:
        document = self.document
        functions = [
            self._function(one, kind) for group, kind in GROUPS for one in _list(document[group])
        ]
        start = document["init"]
        errors = document["errors"]
        return ContractAbi(
            name=_text(document["name"]),
            doc=_text(document["doc"]),
            assets=tuple(map(_word, _list(document["assets"]))),
            links=tuple([_word(one["name"]) for one in _list(document["links"])]),
            enums=self.enums,
            functions=_by_name(functions),
            init=None if start is None else self._function(start, FunctionKind.INIT),
            events=tuple(map(self._event, _list(document["events"]))),
            errors=tuple([_word(errors[str(number + 1)]) for number in range(len(errors))]),
            pots=tuple(map(self._pots, _list(document["pots"]))),
        )

    def _record(self, name: str, fields: Any) -> Record:
        flat = [(_text(one["name"]), self._single(one)) for one in _list(fields)]
        return Record(name, _nest(flat, name))

    def _single(self, entry: Any) -> Single:
        text = _text(entry["type"])
        sized = _SIZED.fullmatch(text)
        if sized is not None:
            size = int(sized[2])
            if not 1 <= size <= BYTES_MAX:
                message = f"size of {text!r}"
                raise ValueError(message)
            return Single(Kind.BYTES if sized[1] == "bytes" else Kind.TEXT, size)
        kind = _PLAIN[text]
        meaning = entry.get("meaning")
        return Single(kind, 0, None if meaning is None else self._meaning(kind, meaning))

    def _meaning(self, kind: Kind, entry: dict[str, Any]) -> tuple[str, str] | None:
        ((what, value),) = entry.items()
        if kind not in _MEANING_KINDS[what] or (what == "enum" and value not in self.enums):
            text = f"meaning {what} {value!r} of {kind.name}"
            raise ValueError(text)
        if what == "id" and not _PREFIX.fullmatch(_text(value)):
            return None  # no text of an id can begin with that: shown as plain bytes
        return what, _text(value)

    def _type(self, entry: Any) -> AbiType:
        record = self.records.get(entry["type"])
        return self._single(entry) if record is None else record

    def _named(self, entries: Any) -> tuple[Named, ...]:
        named = tuple([(_word(one["name"]), self._type(one)) for one in _list(entries)])
        if len(dict(named)) != len(named):
            text = "two of one name"
            raise ValueError(text)
        return named

    def _function(self, entry: Any, kind: FunctionKind) -> AbiFunction:
        returns = None if entry["returns"] is None else self._type(entry["returns"])
        payable = None if entry["payable"] is None else _word(entry["payable"])
        params = self._named(entry["params"])
        return AbiFunction(
            _word(entry["name"]), kind, _text(entry["doc"]), params, returns, payable
        )

    def _event(self, entry: Any) -> AbiEvent:
        marks = [one["indexed"] is True for one in _list(entry["fields"])]
        indexed = tuple(place for place, marked in enumerate(marks) if marked)
        return AbiEvent(_word(entry["name"]), self._named(entry["fields"]), indexed)

    def _pots(self, entry: Any) -> AbiPots:
        key = tuple(map(self._type, _list(entry["key"])))
        return AbiPots(_word(entry["name"]), key, _word(entry["asset"]))


def _by_name(functions: list[AbiFunction]) -> dict[str, AbiFunction]:
    named = {one.name: one for one in functions}
    if len(named) != len(functions):
        text = "two functions of one name"
        raise ValueError(text)
    return named


def _nest(flat: Sequence[tuple[str, Single]], name: str) -> tuple[Named, ...]:
    """Rebuild nested records from dotted names: neighbours with one first word belong together."""
    fields: list[Named] = []
    at = 0
    while at < len(flat):
        head, dot, _rest = flat[at][0].partition(".")
        if not dot:
            fields.append((_word(head), flat[at][1]))
            at += 1
            continue
        inner = []
        while at < len(flat) and flat[at][0].startswith(head + "."):
            inner.append((flat[at][0][len(head) + 1 :], flat[at][1]))
            at += 1
        fields.append((_word(head), Record(f"{name}.{head}", _nest(inner, f"{name}.{head}"))))
    if not fields or len(dict(fields)) != len(fields):
        text = f"record {name} has no fields, or two of one name"
        raise ValueError(text)
    return tuple(fields)


def _list(value: object) -> list[Any]:
    if isinstance(value, list):
        return value
    text = f"{repr(value)[:40]} is no list"
    raise TypeError(text)


def _text(value: object) -> str:
    if isinstance(value, str):
        return value
    text = f"{repr(value)[:40]} is no text"
    raise TypeError(text)


def _word(value: object) -> str:
    text = _text(value)
    if text.isascii() and text.isidentifier() and len(text) <= 48:  # noqa: PLR2004 - the container's bound of names
        return text
    message = f"{text[:60]!r} is no name"
    raise ValueError(message)


def _u8(value: object) -> int:
    if type(value) is int and 0 <= value <= 255:  # noqa: PLR2004 - one byte
        return value
    text = f"{repr(value)[:40]} is no number of an enum"
    raise ValueError(text)
