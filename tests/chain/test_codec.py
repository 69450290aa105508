"""Canonical bytes: one value has one encoding, and nothing else is read."""

from dataclasses import dataclass
from typing import Annotated

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.codec import (
    DEPTH_MAX,
    INT_MAX,
    INT_MIN,
    AnyValue,
    AtMost,
    Between,
    ExactBytes,
    decode,
    decode_value,
    encode,
    encode_value,
    from_value,
    to_json,
    to_value,
    wire,
)
from chain.errors import MalformedBytesError, UnencodableValueError

scalars = (
    st.none() | st.booleans() | st.integers(INT_MIN, INT_MAX) | st.binary(max_size=40) | st.text()
)
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=5), max_leaves=20)


@wire(tag=1)
@dataclass(frozen=True, slots=True)
class Left:
    amount: Annotated[int, Between(0, 100)]


@wire(tag=2)
@dataclass(frozen=True, slots=True)
class Right:
    word: Annotated[str, AtMost(8)]
    any: AnyValue


@wire()
@dataclass(frozen=True, slots=True)
class Record:
    id: Annotated[bytes, ExactBytes(4)]
    is_open: bool
    parts: Annotated[tuple[Left | Right, ...], AtMost(3)]
    note: Annotated[bytes, AtMost(4)] | None


records = st.builds(
    Record,
    st.binary(min_size=4, max_size=4),
    st.booleans(),
    st.lists(
        st.builds(Left, st.integers(0, 100))
        | st.builds(Right, st.text("abä", max_size=4), st.lists(scalars, max_size=3)),
        max_size=3,
    ).map(tuple),
    st.none() | st.binary(max_size=4),
)


@given(values)
def test_a_value_comes_back_from_its_bytes(value: object) -> None:
    data = encode_value(value)  # type: ignore[arg-type]

    again = decode_value(data)

    assert again == value


@given(st.binary(max_size=40))
def test_bytes_that_are_read_are_the_only_encoding_of_their_value(data: bytes) -> None:
    try:
        value = decode_value(data)
    except MalformedBytesError:
        return

    assert encode_value(value) == data


@given(records)
def test_a_record_comes_back_from_its_bytes_and_from_its_arrays(record: Record) -> None:
    data = encode(record)

    read = decode(Record, data), from_value(Record, decode_value(data)), decode_value(data)

    assert read == (record, record, _lists(to_value(record)))


def _lists(value: object) -> object:
    return [_lists(item) for item in value] if isinstance(value, list | tuple) else value


@given(records, st.data())
def test_a_record_with_a_byte_changed_is_refused_or_another_record(
    record: Record, data: st.DataObject
) -> None:
    good = encode(record)
    place = data.draw(st.integers(0, len(good) - 1))
    bad = good[:place] + bytes([good[place] ^ data.draw(st.integers(1, 255))]) + good[place + 1 :]

    try:
        read = decode(Record, bad)
    except MalformedBytesError:
        return

    assert (read != record, encode(read)) == (True, bad)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"\x01\x02",  # trailing
        b"\xcc\x01",  # 1 in two bytes
        b"\xd9\x01a",  # short text in the long form
        b"\xdc\x00\x01\x01",  # a short array in the long form
        b"\x81\x01\x02",  # a map
        b"\xcb" + bytes(8),  # a float
        b"\xd4\x01\x00",  # an extension
        b"\xa1\xff",  # no UTF-8
        b"\x91" * (DEPTH_MAX + 1) + b"\x01",
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedBytesError):
        decode_value(data)


@pytest.mark.parametrize("value", [INT_MAX + 1, INT_MIN - 1, 1.5, {}, "\ud800", object()])
def test_other_values_have_no_encoding(value: object) -> None:
    with pytest.raises(UnencodableValueError):
        encode_value(value)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "arrays",
    [
        [b"1234", True, []],
        [b"1234", True, [], None, None],
        [b"123", True, [], None],
        ["1234", True, [], None],
        [b"1234", 1, [], None],
        [b"1234", True, [[1, 101]], None],
        [b"1234", True, [[1, True]], None],
        [b"1234", True, [[3, 1]], None],
        [b"1234", True, [[]], None],
        [b"1234", True, [[1, 1]] * 4, None],
        [b"1234", True, [[2, "123456789", 1]], None],
        [b"1234", True, [], b"12345"],
        b"1234",
        None,
    ],
)
def test_a_record_of_the_wrong_shape_is_refused(arrays: object) -> None:
    data = msgpack.packb(arrays)

    with pytest.raises(MalformedBytesError):
        decode(Record, data)


def test_json_has_hex_for_bytes_and_names_for_tags() -> None:
    record = Record(b"\0\1\2\3", is_open=True, parts=(Left(7), Right("ä", [b"\xff", 1])), note=None)

    shown = to_json(record)

    assert shown == {
        "id": "00010203",
        "is_open": True,
        "parts": [{"type": "Left", "amount": 7}, {"type": "Right", "word": "ä", "any": ["ff", 1]}],
        "note": None,
    }


@pytest.mark.parametrize("depth", [100, 1_000, 1_020, 100_000])
def test_arrays_nested_too_deep_for_the_stack_are_refused_as_any_other(depth: int) -> None:
    data = b"\x91" * depth + b"\xc0"

    with pytest.raises(MalformedBytesError):
        decode(Record, data)


@pytest.mark.parametrize(
    "data", [bytes(60_000), b"\xff" * 60_000, b"\xda\xea\x60" + b"\xff" * 60_000]
)
def test_a_refusal_does_not_repeat_what_it_was_given(data: bytes) -> None:
    with pytest.raises(MalformedBytesError) as refused:
        decode_value(data)

    assert len(str(refused.value)) < 200
