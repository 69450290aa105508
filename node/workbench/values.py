"""A contract's values as plain Python: names for accounts, words for enums, ids as their text."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from chain.ids import decode_id
from contracts.vm.container import INT_RANGES, Kind
from node.abi import AbiType, ContractAbi, Named, Record, Single, width_of
from node.rpc.forms.abi_forms import id_text
from node.workbench.failures import WorkbenchError
from node.workbench.times import read_duration, read_time

_HASH_BYTES = 32
_HASH_DIGITS = 2 * _HASH_BYTES
_REPR_MAX = 60


class Values:
    """Reads and shows the values of one contract.

    `find_address` gives the 32 bytes of a name or id, `name_of` what to call them.
    """

    def __init__(
        self,
        abi: ContractAbi,
        find_address: Callable[[str], bytes],
        name_of: Callable[[bytes], str],
    ) -> None:
        self._enums, self._find_address, self._name_of = abi.enums, find_address, name_of

    # From Python --------------------------------------------------------------------------------

    def read_arguments(
        self, what: str, params: Sequence[Named], given: Sequence[Any], named: Mapping[str, Any]
    ) -> tuple[Any, ...]:
        """Return canonical values of arguments by place and by name; raises WorkbenchError."""
        names = [name for name, _kind in params]
        by_name = {**dict(zip(names, given, strict=False)), **named}
        missing = [name for name in names if name not in by_name]
        unknown = [name for name in named if name not in names]
        twice = [name for name in names[: len(given)] if name in named]
        if missing or unknown or twice or len(given) > len(names):
            text = f"{what} takes ({', '.join(names)}); given are {len(given)} by place"
            if named:
                text += f" and {', '.join(named)}"
            raise WorkbenchError(text)
        values: list[Any] = []
        for name, kind in params:
            values += self.read(kind, by_name[name], f"{what}({name})")
        return tuple(values)

    def read(self, kind: AbiType, given: Any, what: str) -> list[Any]:
        """Return the stored values of a type."""
        if isinstance(kind, Record):
            fields = given if isinstance(given, Mapping) else {}
            names = [name for name, _kind in kind.fields]
            if set(fields) != set(names):
                _refuse(what, f"a dict with {', '.join(names)}", given)
            found: list[Any] = []
            for name, part in kind.fields:
                found += self.read(part, fields[name], f"{what}.{name}")
            return found
        try:
            return [self._read_single(kind, given, what)]
        except WorkbenchError as error:
            text = str(error) if str(error).startswith(what) else f"{what}: {error}"
            raise WorkbenchError(text) from error

    def _read_single(self, kind: Single, given: Any, what: str) -> Any:  # noqa: PLR0911
        meaning, detail = kind.meaning or ("", "")
        if meaning == "enum" and isinstance(given, str):
            members = self._enums[detail]
            return (
                members[given] if given in members else _refuse(what, " or ".join(members), given)
            )
        if meaning == "time":
            return read_time(given)
        if meaning == "duration":
            return read_duration(given)
        if meaning == "money" and isinstance(given, Mapping):
            given = given.get("amount")
        if kind.kind == Kind.ADDR:
            return self._find_address(given) if isinstance(given, str) else _bytes(what, given)
        if kind.kind == Kind.HASH and isinstance(given, str):
            return _read_hash(what, detail if meaning == "id" else "", given)
        if kind.kind in {Kind.HASH, Kind.BYTES}:
            return _bytes(what, given)
        return _read_plain(kind.kind, given, what)

    # To Python ----------------------------------------------------------------------------------

    def show(self, kind: AbiType, values: Sequence[Any]) -> Any:
        """Return a type's stored values as Python."""
        if isinstance(kind, Single):
            return self._show_single(kind, values[0])
        return self.show_fields(kind.fields, values)

    def show_fields(self, fields: Sequence[Named], values: Sequence[Any]) -> dict[str, Any]:
        """Return named fields as a dict."""
        shown: dict[str, Any] = {}
        at = 0
        for name, kind in fields:
            width = width_of(kind)
            shown[name] = self.show(kind, values[at : at + width])
            at += width
        return shown

    def _show_single(self, kind: Single, value: Any) -> Any:
        meaning, detail = kind.meaning or ("", "")
        if meaning == "enum":
            names = {number: name for name, number in self._enums[detail].items()}
            return names.get(value, value)
        if meaning == "id":
            return id_text(detail, value)
        if kind.kind == Kind.ADDR:
            return self._name_of(value)
        if kind.kind == Kind.TEXT and isinstance(value, bytes):
            return value.decode()
        return value


def _read_plain(kind: Kind, given: Any, what: str) -> Any:
    if kind == Kind.TEXT:
        return given if isinstance(given, str) else _refuse(what, "text", given)
    if kind == Kind.BOOL:
        return given if isinstance(given, bool) else _refuse(what, "True or False", given)
    low, high = INT_RANGES[kind]
    fits = type(given) is int and low <= given <= high
    return given if fits else _refuse(what, f"an int from {low} to {high}", given)


def _bytes(what: str, given: Any) -> bytes:
    try:
        data = bytes.fromhex(given) if isinstance(given, str) else given
    except ValueError:
        data = None
    if not isinstance(data, bytes):
        _refuse(what, "bytes, or their hex", given)
    return data


def _read_hash(what: str, prefix: str, given: str) -> bytes:
    if prefix and given.startswith(f"{prefix}1"):
        return decode_id(given, prefix)
    try:
        data = bytes.fromhex(given) if len(given) == _HASH_DIGITS else b""
    except ValueError:
        data = b""
    if len(data) != _HASH_BYTES:
        _refuse(what, f"an id {prefix}1... or 32 bytes" if prefix else "32 bytes", given)
    return data


def _refuse(what: str, expected: str, given: Any) -> NoReturn:
    text = f"{what} is {repr(given)[:_REPR_MAX]}, expected {expected}"
    raise WorkbenchError(text)
