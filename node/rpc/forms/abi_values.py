"""Values of contracts as JSON and back, as their ABI says: money as amounts, ids as text.

JSON that a client sends becomes what the machine takes, or InvalidParamsError with the path of the
first part that does not fit. What the machine gives becomes JSON. Pure: the client uses it too.
"""

import reprlib
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NoReturn

from chain.errors import MalformedBytesError
from contracts.vm.container import Scalar
from contracts.vm.values import read_arguments
from node.abi import (
    AbiEvent,
    AbiFunction,
    AbiType,
    Named,
    Record,
    Single,
    flatten,
    width_of,
)
from node.rpc.errors import InvalidParamsError
from node.rpc.forms.abi_forms import AssetLabel, ValueForm, form_of, id_text, labelled_amount

_SHOWN_MAX = 60  # letters of a wrong value that an error repeats


def plain_json(value: Any) -> Any:
    """Return the JSON form of a canonical value of no known type: bytes as hex."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [plain_json(one) for one in value]
    return value


def scalars_of(fields: Sequence[Named]) -> list[Scalar]:
    """Return the machine's types of named fields, flattened."""
    return [Scalar(int(one.kind), one.size) for _name, kind in fields for one in flatten(kind)]


def _never(_value: bytes) -> bool:
    return False


class Codec:
    """Values of one contract, by the enums of its ABI.

    `assets` are its bindings by name; `is_contract` tells which addresses are contracts.
    """

    def __init__(
        self,
        enums: Mapping[str, Mapping[str, int]],
        assets: Mapping[str, AssetLabel] | None = None,
        is_contract: Callable[[bytes], bool] = _never,
    ) -> None:
        self._enums = enums
        self._assets = assets or {}
        self._is_contract = is_contract
        self._forms: dict[Single, ValueForm] = {}

    def _form(self, kind: Single) -> ValueForm:
        form = self._forms.get(kind)
        if form is None:
            form = form_of(kind, self._enums, self._assets, self._is_contract)
            self._forms[kind] = form
        return form

    # JSON to values -----------------------------------------------------------------------------

    def read_arguments(
        self, function: AbiFunction, given: object, path: str = "args"
    ) -> tuple[Any, ...]:
        """Return the values of a call in the order in which a transaction has them."""
        return tuple(self.read_fields(function.params, given, path))

    def read(self, kind: AbiType, given: object, path: str) -> list[Any]:
        """Return the stored values of a type that `given` (parsed JSON) states."""
        if isinstance(kind, Record):
            return self.read_fields(kind.fields, given, path)
        form = self._form(kind)
        try:
            value = form.read(given)
        except InvalidParamsError as error:
            text = str(error).removeprefix(f"{error.field}: ")
            raise InvalidParamsError(_below(path, error.field), text) from error
        if value is None:
            _refuse(path, form.expected, given)
        return [value]

    def read_fields(self, fields: Sequence[Named], given: object, path: str) -> list[Any]:
        """Return the values that an object states for named fields, in order."""
        names = [name for name, _kind in fields]
        if not isinstance(given, dict):
            _refuse(path, f"an object with {_listed(names)}", given)
        extra = [name for name in given if name not in names]
        if extra:
            text = f"is unknown; there are {_listed(names)}"
            raise InvalidParamsError(_below(path, str(extra[0])[:_SHOWN_MAX]), text)
        values: list[Any] = []
        for name, kind in fields:
            below = _below(path, name)
            if name not in given:
                text = f"is missing; expected {self.describe(kind)}"
                raise InvalidParamsError(below, text)
            values += self.read(kind, given[name], below)
        return values

    def describe(self, kind: AbiType) -> str:
        """Return in a few words what is expected of a value of a type."""
        if isinstance(kind, Record):
            return f"an object with {_listed([name for name, _ in kind.fields])}"
        return self._form(kind).expected

    # Values to JSON -----------------------------------------------------------------------------

    def show(self, kind: AbiType, values: Sequence[Any]) -> Any:
        """Return the JSON form of a type's stored values."""
        if isinstance(kind, Single):
            return self._form(kind).show(values[0])
        return self.show_fields(kind.fields, values)

    def show_fields(self, fields: Sequence[Named], values: Sequence[Any]) -> dict[str, Any]:
        """Return an object of named fields from their stored values."""
        shown: dict[str, Any] = {}
        at = 0
        for name, kind in fields:
            if isinstance(kind, Single):
                shown[name] = self._form(kind).show(values[at])
                at += 1
            else:
                width = width_of(kind)
                shown[name] = self.show_fields(kind.fields, values[at : at + width])
                at += width
        return shown

    def show_arguments(self, function: AbiFunction, values: Sequence[Any]) -> dict[str, Any] | None:
        """Return the arguments of a call that somebody sent, by name; None if they do not fit."""
        params = function.params
        try:
            return self.show_fields(params, read_arguments(scalars_of(params), values))
        except MalformedBytesError:
            return None

    def show_returns(self, function: AbiFunction, values: Sequence[Any]) -> Any:
        """Return the JSON form of what a function gave: null if it gives nothing."""
        return None if function.returns is None else self.show(function.returns, values)

    def show_event(self, event: AbiEvent, values: Sequence[Any]) -> dict[str, Any]:
        """Return an event's values by field."""
        return self.show_fields(event.fields, values)

    # JSON Schema --------------------------------------------------------------------------------

    def schema(self, kind: AbiType) -> dict[str, Any]:
        """Return the JSON Schema of a type."""
        if isinstance(kind, Single):
            return self._form(kind).schema
        return self.fields_schema(kind.fields)

    def fields_schema(self, fields: Sequence[Named]) -> dict[str, Any]:
        """Return the JSON Schema of an object of named fields, such as a call's arguments."""
        return {
            "type": "object",
            "properties": {name: self.schema(kind) for name, kind in fields},
            "required": [name for name, _kind in fields],
            "additionalProperties": False,
        }

    def returns_schema(self, function: AbiFunction) -> dict[str, Any]:
        """Return the JSON Schema of what a function gives."""
        return {"type": "null"} if function.returns is None else self.schema(function.returns)


def _below(path: str, name: str) -> str:
    return f"{path}.{name}" if path and name else path or name


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names) if names else "nothing"


def _refuse(path: str, expected: str, given: object) -> NoReturn:
    text = f"expected {expected}, found {reprlib.repr(given)[:_SHOWN_MAX]}"
    raise InvalidParamsError(path, text)


__all__ = ["AssetLabel", "Codec", "id_text", "labelled_amount", "plain_json", "scalars_of"]
