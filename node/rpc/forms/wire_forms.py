"""JSON forms of the chain's `@wire` classes for people and programs: ids as text, enums by name.

Derived from the same annotations as the canonical bytes, so an action that is added there has its
JSON form, its bounds and its schema here. What a form means for money and arguments depends on the
fields before it, so readers and writers are given those.
"""

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from types import NoneType, UnionType
from typing import Annotated, Any, NoReturn, Union, get_args, get_origin, get_type_hints

from chain.codec import AtMost, Between, ExactBytes
from chain.errors import MalformedBytesError
from chain.ids import decode_id, encode_id
from node.rpc.errors import InvalidParamsError

Json = Any  # what JSON can say; every reader checks it
Read = Callable[[Json, "Place"], Any]
Show = Callable[[Any, "Place"], Json]
_SEEN_LENGTH_MAX = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the JSON a value stands, what helps to read it, and the fields read before it."""

    path: str
    lookup: Any
    before: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def below(self, name: str, before: Mapping[str, Any] | None = None) -> "Place":
        """Return the place of a member."""
        path = f"{self.path}.{name}" if self.path else name
        return Place(path, self.lookup, before or {})

    def item(self, number: int) -> "Place":
        """Return the place of an item of an array."""
        return Place(f"{self.path}[{number}]", self.lookup, self.before)

    def refuse(self, expected: str, seen: Json) -> NoReturn:
        """Raise InvalidParamsError that names this place."""
        kind = {dict: "an object", list: "an array", NoneType: "null"}.get(type(seen))
        text = f"expected {expected}, found {kind or repr(seen)[:_SEEN_LENGTH_MAX]}"
        raise InvalidParamsError(self.path, text)


@dataclass(frozen=True, slots=True)
class Form:
    """How one type is read from JSON and shown, and its JSON Schema.

    `is_whole`: of a field that is an array, the form of all of it and not of an item.
    """

    read: Read
    show: Show
    schema: dict[str, Any]
    is_whole: bool = False


@dataclass(frozen=True, slots=True)
class Special:
    """What no annotation tells; the keys are (class name, field name) or ("", field name)."""

    forms: Mapping[tuple[str, str], Form]
    defaults: Mapping[tuple[str, str], Any]


def snake(name: str) -> str:
    """Return `set_param` for `SetParam`."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def id_form(prefix: str, what: str) -> Form:
    """Return the form of 32 bytes as bech32m text."""

    def read(value: Json, place: Place) -> bytes:
        if not isinstance(value, str):
            place.refuse(f"{what} ({prefix}1...)", value)
        try:
            return decode_id(value, prefix)
        except MalformedBytesError as error:
            raise InvalidParamsError(place.path, str(error)) from error

    pattern = f"^{prefix}1[02-9ac-hj-np-z]{{58}}$"
    schema = {"type": "string", "pattern": pattern, "description": what}
    return Form(read, lambda value, _place: encode_id(prefix, value), schema)


def name_form(names: type[IntEnum], most: int) -> Form:
    """Return the form of a number by its name in lower case; one of 0..most without stays a number.

    Numbers that have a name are not read: there is one way to say each.
    """
    numbers = {one.name.lower(): int(one) for one in names}
    texts = {number: name for name, number in numbers.items()}

    def read(value: Json, place: Place) -> int:
        if isinstance(value, str) and value in numbers:
            return numbers[value]
        if type(value) is not int or value in texts or not 0 <= value <= most:
            place.refuse("one of " + ", ".join(numbers), value)
        return value

    schema = {
        "anyOf": [{"enum": list(numbers)}, {"type": "integer", "minimum": 0, "maximum": most}]
    }
    return Form(read, lambda value, _place: texts.get(value, value), schema)


def int_form(low: int, high: int) -> Form:
    """Return the form of an integer in a range."""

    def read(value: Json, place: Place) -> int:
        if type(value) is not int or not low <= value <= high:
            place.refuse(f"an integer {low}..{high}", value)
        return value

    schema = {"type": "integer", "minimum": low, "maximum": high}
    return Form(read, lambda value, _place: value, schema)


def hex_form(low: int, high: int) -> Form:
    """Return the form of bytes as lower-case hex, at least `low` and at most `high` of them."""
    span = f"{low}" if low == high else f"at most {high}"

    def read(value: Json, place: Place) -> bytes:
        if not isinstance(value, str) or not re.fullmatch(r"(?:[0-9a-f]{2})*", value):
            place.refuse(f"{span} bytes in lower-case hex", value)
        if not low <= len(value) // 2 <= high:
            raise InvalidParamsError(
                place.path, f"expected {span} bytes in hex, found {len(value) // 2}"
            )
        return bytes.fromhex(value)

    pattern = f"^[0-9a-f]{{{2 * low}}}$" if low == high else "^([0-9a-f]{2})*$"
    schema = {"type": "string", "pattern": pattern, "maxLength": 2 * high}
    return Form(read, lambda value, _place: value.hex(), schema)


def read_text(value: Json, place: Place, bytes_max: int) -> str:
    """Return a text of at most `bytes_max` bytes as UTF-8."""
    if not isinstance(value, str):
        place.refuse(f"text of at most {bytes_max} bytes", value)
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        place.refuse("text of whole Unicode letters (no half of a pair)", "half of a pair")
    if size > bytes_max:
        raise InvalidParamsError(
            place.path, f"expected text of at most {bytes_max} bytes, found {size}"
        )
    return value


def text_form(bytes_max: int) -> Form:
    """Return the form of a text."""
    schema = {"type": "string", "maxLength": bytes_max}
    return Form(
        lambda value, place: read_text(value, place, bytes_max), lambda value, _place: value, schema
    )


def array_form(item: Form, most: int) -> Form:
    """Return the form of a tuple."""

    def read(value: Json, place: Place) -> tuple[Any, ...]:
        if not isinstance(value, list):
            place.refuse("an array", value)
        if len(value) > most:
            text = f"expected an array of at most {most}, found {len(value)}"
            raise InvalidParamsError(place.path, text)
        return tuple([item.read(one, place.item(i)) for i, one in enumerate(value)])

    def show(value: Any, place: Place) -> list[Any]:
        return [item.show(one, place.item(i)) for i, one in enumerate(value)]

    return Form(read, show, {"type": "array", "items": item.schema, "maxItems": most})


def optional_form(inner: Form) -> Form:
    """Return the form of a value or null."""
    return Form(
        lambda value, place: None if value is None else inner.read(value, place),
        lambda value, place: None if value is None else inner.show(value, place),
        {"anyOf": [inner.schema, {"type": "null"}]},
    )


class ClassForm:
    """The JSON form of one `@wire` class: an object of its fields."""

    def __init__(self, cls: type, special: Special) -> None:
        """Derive it from the annotations of `cls`, where `special` says nothing else."""
        self.cls = cls
        hints = get_type_hints(cls, include_extras=True)
        self.forms: dict[str, Form] = {}
        self.defaults: dict[str, Any] = {}
        for field in dataclasses.fields(cls):
            found = _pick(special.forms, cls, field.name)
            annotation = hints[field.name]
            form = form_of(annotation, special, found)
            self.forms[field.name] = form
            if (cls.__name__, field.name) in special.defaults:
                self.defaults[field.name] = special.defaults[cls.__name__, field.name]

    def read(self, value: Json, place: Place) -> Any:
        """Return the instance that an object describes; unknown members are refused."""
        if not isinstance(value, dict):
            place.refuse("an object", value)
        for name in value:
            if name not in self.forms:
                known = ", ".join(self.forms) or "none"
                text = f"is no member here; there are: {known}"
                raise InvalidParamsError(place.below(str(name)[:_SEEN_LENGTH_MAX]).path, text)
        fields: dict[str, Any] = {}
        for name, form in self.forms.items():
            inner = place.below(name, fields)
            if name in value:
                fields[name] = form.read(value[name], inner)
            elif name in self.defaults:
                fields[name] = self.defaults[name]
            else:
                raise InvalidParamsError(inner.path, "is missing")
        return self.cls(**fields)

    def show(self, item: Any, place: Place) -> dict[str, Any]:
        """Return the object that `read` turns into `item`."""
        fields = {name: getattr(item, name) for name in self.forms}
        return {
            name: form.show(fields[name], place.below(name, fields))
            for name, form in self.forms.items()
        }

    def schema(self, tag: str | None = None) -> dict[str, Any]:
        """Return the JSON Schema; `tag` is the member `type` of a class in a union."""
        properties = {name: form.schema for name, form in self.forms.items()}
        required = [name for name in self.forms if name not in self.defaults]
        entry: dict[str, Any] = {"type": "object", "additionalProperties": False}
        entry["description"] = (self.cls.__doc__ or "").split("\n", maxsplit=1)[0]
        if tag is not None:
            properties = {"type": {"const": tag}, **properties}
            required = ["type", *required]
        return {**entry, "properties": properties, "required": required}


def union_form(members: list[type], special: Special) -> Form:
    """Return the form of tagged classes: an object with `type`; one inside a class is flattened."""
    forms = {snake(member.__name__): ClassForm(member, special) for member in members}
    inner = {tag: _only_part(form, special) for tag, form in forms.items()}

    def read(value: Json, place: Place) -> Any:
        tag = value.get("type") if isinstance(value, dict) else None
        if not isinstance(tag, str) or tag not in forms:
            place.below("type").refuse("one of " + ", ".join(forms), tag)
        rest = {name: one for name, one in value.items() if name != "type"}
        part = inner[tag]
        if part is None:
            return forms[tag].read(rest, place)
        return forms[tag].cls(part.read(rest, place))

    def show(value: Any, place: Place) -> dict[str, Any]:
        tag = snake(type(value).__name__)
        part = inner[tag]
        if part is None:
            return {"type": tag, **forms[tag].show(value, place)}
        (field,) = forms[tag].forms
        return {"type": tag, **part.show(getattr(value, field), place)}

    schemas = [(inner[tag] or form).schema(tag) for tag, form in forms.items()]
    return Form(read, show, {"oneOf": schemas})


def _only_part(form: ClassForm, special: Special) -> ClassForm | None:
    """Return the form of a class's only field if that is one `@wire` class itself."""
    fields = dataclasses.fields(form.cls)
    hint = get_type_hints(form.cls, include_extras=True)[fields[0].name] if fields else None
    if len(fields) == 1 and isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return ClassForm(hint, special)
    return None


def _pick(forms: Mapping[tuple[str, str], Form], cls: type, field: str) -> Form | None:
    return forms.get((cls.__name__, field)) or forms.get(("", field))


def form_of(annotation: Any, special: Special, found: Form | None = None) -> Form:
    """Return the form of an annotation; `found` stands for the scalars in it."""
    if get_origin(annotation) is Annotated:
        inner, bound, *_more = get_args(annotation)
        return _bounded_form(inner, bound, special, found)
    if get_origin(annotation) in {UnionType, Union}:
        members = [one for one in get_args(annotation) if one is not NoneType]
        if len(members) == 1:
            return optional_form(form_of(members[0], special, found))
        return found or union_form(members, special)
    if found is not None:
        return found
    form = ClassForm(annotation, special)
    return Form(form.read, form.show, form.schema())


def _bounded_form(inner: Any, bound: object, special: Special, found: Form | None) -> Form:
    if get_origin(inner) is tuple and isinstance(bound, AtMost):
        if found is not None and found.is_whole:
            return found
        return array_form(form_of(get_args(inner)[0], special, found), bound.length)
    if found is not None:
        return found
    if isinstance(bound, Between):
        return int_form(bound.low, bound.high)
    if isinstance(bound, ExactBytes):
        return hex_form(bound.length, bound.length)
    assert isinstance(bound, AtMost), (inner, bound)  # a new kind of field needs a form
    return hex_form(0, bound.length) if inner is bytes else text_form(bound.length)
