"""Canonical bytes: the only door to MessagePack.

One value has one encoding: MessagePack arrays in declared order, over nil, bool, int, bin, str and
array, each in its shortest form. Maps, floats, extension types, longer forms and trailing bytes are
refused. A type is declared once, as a frozen dataclass under `@wire`; encoder, strict decoder and
JSON form are derived from its annotations.
"""

import dataclasses
import types
import typing
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Annotated, Any, TypeAlias, TypeVar, cast, get_args, get_origin, get_type_hints

import msgpack

from chain.errors import MalformedBytesError, UnencodableValueError

DEPTH_MAX = 32  # deeper nesting serves no type of ours and would cost stack in every decoder
INT_MIN = -(2**63)
INT_MAX = 2**64 - 1

Value = None | bool | int | bytes | str | Sequence["Value"]
T = TypeVar("T")

_pack = msgpack.Packer(use_bin_type=True).pack


def _refuse_map(_pairs: object) -> None:
    text = "a map; only nil, bool, int, bin, str and array are allowed"
    raise MalformedBytesError(text)


def _refuse_ext(code: int, _data: bytes) -> None:
    text = f"extension type {code}; only nil, bool, int, bin, str and array are allowed"
    raise MalformedBytesError(text)


def _unpack(data: bytes) -> Any:  # checked by whoever calls: `decode_value` or `decode`
    try:
        return msgpack.unpackb(data, raw=False, object_pairs_hook=_refuse_map, ext_hook=_refuse_ext)
    except MalformedBytesError:
        raise
    except Exception as error:
        kind, said = type(error).__name__, str(error)[:80]  # its repr may hold all the bytes
        text = f"{len(data)} bytes are not one MessagePack value: {kind} {said}"
        raise MalformedBytesError(text) from error


def _find_fault(value: object, depth: int) -> str | None:
    kind = type(value)
    if kind is list or kind is tuple:
        if depth >= DEPTH_MAX:
            return f"arrays nest deeper than {DEPTH_MAX}"
        for item in cast("list[object]", value):
            fault = _find_fault(item, depth + 1)
            if fault is not None:
                return fault
        return None
    if kind is int:
        inside = INT_MIN <= cast("int", value) <= INT_MAX
        return None if inside else f"integer {str(value)[:40]} does not fit in 64 bits"
    if value is None or kind is bool or kind is bytes or kind is str:
        return None
    return f"a value of type {kind.__name__}; only nil, bool, int, bin, str and array are allowed"


def encode_value(value: Value) -> bytes:
    """Return the canonical bytes of a value of None, bool, int, bytes, str, lists and tuples.

    Raises UnencodableValueError for anything else, for integers outside -2^63..2^64-1, for text
    that is no Unicode (lone surrogates) and for arrays nested deeper than DEPTH_MAX.
    """
    fault = _find_fault(value, 0)
    if fault is not None:
        raise UnencodableValueError(fault)
    try:
        return cast("bytes", _pack(value))
    except (ValueError, OverflowError) as error:
        raise UnencodableValueError(str(error)) from error


def decode_value(data: bytes) -> Value:
    """Return the value whose canonical bytes are `data`; arrays become lists.

    Raises MalformedBytesError on anything else, with what was seen.
    """
    value = _unpack(data)
    fault = _find_fault(value, 0)
    if fault is not None:
        raise MalformedBytesError(fault)
    _check_canonical(value, data)
    return cast("Value", value)


def _check_canonical(value: object, data: bytes) -> None:
    try:
        again = _pack(value)
    except (ValueError, OverflowError, TypeError) as error:
        raise MalformedBytesError(str(error)) from error
    if again != data:
        text = "not the shortest encoding of this value; encode it again"
        raise MalformedBytesError(text)


@dataclass(frozen=True, slots=True)
class ExactBytes:
    """Bound of a `bytes` field: exactly `length` bytes."""

    length: int


@dataclass(frozen=True, slots=True)
class AtMost:
    """Bound of a `bytes`, `str` (UTF-8) or `tuple` field: at most `length` bytes or items."""

    length: int


@dataclass(frozen=True, slots=True)
class AnyKind:
    """Mark of a field that holds any canonical value, bounded by the size of the whole."""


@dataclass(frozen=True, slots=True)
class Between:
    """Bound of an `int` field, both ends included."""

    low: int
    high: int


@dataclass(frozen=True, slots=True)
class _Form:
    """How one declared type is written, read back and shown: None means 'as it is'."""

    to_value: Callable[[Any], Any] | None
    from_value: Callable[[Any], Any]
    to_json: Callable[[Any], Any] | None


def _fail(expected: str, value: object) -> typing.NoReturn:
    if isinstance(value, list):  # may be nested deeper than `repr` has stack for
        seen = f"of {len(value)}"
    else:
        seen = repr(value[:60] if isinstance(value, bytes | str) else value)[:60]
    text = f"expected {expected}, found {type(value).__name__} {seen}"
    raise MalformedBytesError(text)


def _int_form(bound: Between) -> _Form:
    low, high = bound.low, bound.high

    def read(value: Any) -> int:
        if type(value) is int and low <= value <= high:
            return value
        _fail(f"an integer {low}..{high}", value)

    return _Form(None, read, None)


def _bytes_form(bound: ExactBytes | AtMost) -> _Form:
    length = bound.length
    if isinstance(bound, ExactBytes):

        def read(value: Any) -> bytes:
            if type(value) is bytes and len(value) == length:
                return value
            _fail(f"{length} bytes", value)
    else:

        def read(value: Any) -> bytes:
            if type(value) is bytes and len(value) <= length:
                return value
            _fail(f"at most {length} bytes", value)

    return _Form(None, read, bytes.hex)


def _text_form(bound: AtMost) -> _Form:
    length = bound.length

    def read(value: Any) -> str:
        if type(value) is str and len(value.encode()) <= length:
            return value
        _fail(f"text of at most {length} bytes", value)

    return _Form(None, read, None)


def _bool_form() -> _Form:
    def read(value: Any) -> bool:
        if type(value) is bool:
            return value
        _fail("a bool", value)

    return _Form(None, read, None)


def _optional_form(inner: _Form) -> _Form:
    read_inner, write_inner, show_inner = inner.from_value, inner.to_value, inner.to_json
    return _Form(
        write_inner and (lambda value: None if value is None else write_inner(value)),
        lambda value: None if value is None else read_inner(value),
        show_inner and (lambda value: None if value is None else show_inner(value)),
    )


def _tuple_form(inner: _Form, bound: AtMost) -> _Form:
    read_inner, write_inner, show_inner = inner.from_value, inner.to_value, inner.to_json
    length = bound.length

    def read(value: Any) -> tuple[Any, ...]:
        if type(value) is not list or len(value) > length:
            _fail(f"an array of at most {length}", value)
        return tuple([read_inner(item) for item in value])

    return _Form(
        write_inner and (lambda value: [write_inner(item) for item in value]),
        read,
        lambda value: [show_inner(item) for item in value] if show_inner else list(value),
    )


def _any_form() -> _Form:
    def read(value: Any) -> Any:
        fault = _find_fault(value, 0)
        if fault is not None:
            raise MalformedBytesError(fault)
        return value

    def show(value: Any) -> Any:
        if isinstance(value, bytes):
            return value.hex()
        return [show(item) for item in value] if isinstance(value, list | tuple) else value

    return _Form(None, read, show)


def _union_form(members: list[type]) -> _Form:
    by_tag = {_FORMS[member].tag or 0: _FORMS[member] for member in members}

    def write(value: Any) -> Any:
        form = _FORMS[type(value)]
        return [form.tag, *form.to_value(value)]

    def read(value: Any) -> Any:
        if type(value) is not list or not value or type(value[0]) is not int:
            _fail("a tagged array", value)
        form = by_tag.get(value[0])
        if form is None:
            _fail(f"a tag of {sorted(by_tag)}", value[0])
        return form.from_value(value[1:])

    def show(value: Any) -> Any:
        return {"type": type(value).__name__, **_FORMS[type(value)].to_json(value)}

    return _Form(write, read, show)


def _form_of(annotation: Any, bound: object = None) -> _Form:  # noqa: PLR0911 - a kind a line
    origin = get_origin(annotation)
    if origin is Annotated:
        inner, *bounds = get_args(annotation)
        return _any_form() if isinstance(bounds[0], AnyKind) else _form_of(inner, bounds[0])
    if annotation is bool:
        return _bool_form()
    if annotation is int and isinstance(bound, Between):
        return _int_form(bound)
    if annotation is bytes and isinstance(bound, ExactBytes | AtMost):
        return _bytes_form(bound)
    if annotation is str and isinstance(bound, AtMost):
        return _text_form(bound)
    if origin is tuple and isinstance(bound, AtMost):
        return _tuple_form(_form_of(get_args(annotation)[0]), bound)
    if origin in {types.UnionType, typing.Union}:
        members = [member for member in get_args(annotation) if member is not types.NoneType]
        if len(members) == 1:
            return _optional_form(_form_of(members[0]))
        return _union_form(members)
    known = _FORMS.get(annotation)
    assert known is not None, f"no codec form for {annotation!r} with bound {bound!r}"
    return _Form(known.to_value, known.from_value, known.to_json)


class _ClassForm:
    """The derived codec of one `@wire` class."""

    def __init__(self, cls: type, tag: int | None) -> None:
        hints = get_type_hints(cls, include_extras=True)
        names = [field.name for field in dataclasses.fields(cls)]
        forms = [_form_of(hints[name]) for name in names]
        self.cls, self.tag, self.names, self.count = cls, tag, names, len(names)
        self.readers = [form.from_value for form in forms]
        self.shows = [(name, form.to_json) for name, form in zip(names, forms, strict=True)]
        # Most fields are written as they are: fetch all at once, then change the few others.
        self._fetch = _fetcher(names)
        self._writers = [(i, form.to_value) for i, form in enumerate(forms) if form.to_value]

    def to_value(self, item: Any) -> Any:
        fetched = self._fetch(item)
        if not self._writers:
            return fetched
        values = list(fetched)
        for place, write in self._writers:
            values[place] = write(values[place])
        return values

    def from_value(self, value: Any) -> Any:
        if type(value) is not list or len(value) != self.count:
            _fail(f"an array of {self.count} ({self.cls.__name__})", value)
        return self.cls(*[read(item) for read, item in zip(self.readers, value)])  # noqa: B905 - counted

    def to_json(self, item: Any) -> dict[str, Any]:
        return {
            name: getattr(item, name) if show is None else show(getattr(item, name))
            for name, show in self.shows
        }


def _fetcher(names: list[str]) -> Callable[[Any], tuple[Any, ...]]:
    if len(names) > 1:
        return attrgetter(*names)
    if names:
        only = attrgetter(names[0])
        return lambda item: (only(item),)
    return lambda _item: ()


_FORMS: dict[type, _ClassForm] = {}
AnyValue: TypeAlias = Annotated[Any, AnyKind()]  # a field that holds any canonical value


def wire(*, tag: int | None = None) -> Callable[[type[T]], type[T]]:
    """Derive the codec of a frozen dataclass; `tag` lets it stand in a union of tagged classes."""

    def register(cls: type[T]) -> type[T]:
        _FORMS[cls] = _ClassForm(cls, tag)
        return cls

    return register


def encode(item: object) -> bytes:
    """Return the canonical bytes of an instance of a `@wire` class."""
    return cast("bytes", _pack(_FORMS[type(item)].to_value(item)))


def decode(cls: type[T], data: bytes) -> T:
    """Return the `cls` whose canonical bytes are `data`, or raise MalformedBytesError."""
    value = _unpack(data)
    item = _FORMS[cls].from_value(value)
    _check_canonical(value, data)
    return cast("T", item)


def to_value(item: object) -> list[Any]:
    """Return the nested arrays that `encode` packs."""
    return list(_FORMS[type(item)].to_value(item))


def from_value(cls: type[T], value: object) -> T:
    """Return the `cls` that `to_value` turned into `value`, or raise MalformedBytesError."""
    return cast("T", _FORMS[cls].from_value(value))


def to_json(item: object) -> dict[str, Any]:
    """Return the JSON form of an instance of a `@wire` class: bytes as hex, integers as numbers."""
    return _FORMS[type(item)].to_json(item)
