"""The canonical form against the MessagePack and UTF-8 test suites: one value, one encoding."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from chain.codec import DEPTH_MAX, Value, decode_value, encode_value
from chain.errors import MalformedBytesError, UnencodableValueError

VECTORS = Path(__file__).parents[1] / "vectors"
NOT_OURS = object()


def from_hex(text: str) -> bytes:
    return bytes.fromhex(text.replace("-", " "))


def stated_value(case: dict[str, Any]) -> Any:
    """Return the value that a case of the suite states, NOT_OURS for kinds we do not have."""
    if "bignum" in case:
        return int(case["bignum"])
    if "binary" in case:
        return from_hex(case["binary"])
    kind = next(name for name in case if name != "msgpack")
    value = case[kind]
    inner = value if kind == "array" else []
    foreign = kind in {"map", "timestamp", "ext"} or isinstance(value, float)
    return NOT_OURS if foreign or any(isinstance(item, dict) for item in inner) else value


def read_suite() -> list[tuple[Any, list[bytes]]]:
    """Return (value, every known encoding of it)."""
    suite: dict[str, list[dict[str, Any]]] = json.loads(
        (VECTORS / "msgpack" / "msgpack-test-suite.json").read_bytes()
    )
    return [
        (stated_value(case), [from_hex(text) for text in case["msgpack"]])
        for group in suite.values()
        for case in group
    ]


def read_texts() -> list[tuple[str, bool, bytes]]:
    """Return (number, valid, bytes) of every UTF-8 case."""
    lines = (VECTORS / "naughty" / "utf8tests.txt").read_text(encoding="ascii").splitlines()
    cases = []
    for line in lines:
        match = re.match(r"([\d.]+): ?(valid|invalid)( hex)?:([^:]*)", line)
        if match is not None:
            number, verdict, in_hex, text = match.groups()
            data = bytes.fromhex(text) if in_hex is not None else text.encode()
            cases.append((number, verdict == "valid", data))
    return cases


def is_refused(data: bytes) -> bool:
    try:
        decode_value(data)
    except MalformedBytesError:
        return True
    return False


def shortest(forms: list[bytes]) -> int:
    """Return the length of the shortest form that is no float (some integers are one, too)."""
    return min(len(form) for form in forms if form[0] not in {0xCA, 0xCB})


def as_text(data: bytes) -> bytes:
    """Return `data` as a MessagePack str in its shortest form, UTF-8 or not."""
    assert len(data) < 256, len(data)
    return (bytes([0xA0 | len(data)]) if len(data) < 32 else bytes([0xD9, len(data)])) + data


def test_exactly_the_shortest_encoding_of_each_value_is_accepted() -> None:
    suite = [(value, forms) for value, forms in read_suite() if value is not NOT_OURS]

    accepted = [[form for form in forms if not is_refused(form)] for _value, forms in suite]

    assert accepted == [[encode_value(value)] for value, _forms in suite]
    assert [len(forms[0]) for forms in accepted] == [shortest(forms) for _value, forms in suite]
    assert [decode_value(forms[0]) for forms in accepted] == [value for value, _forms in suite]


def test_maps_floats_extensions_and_timestamps_are_refused() -> None:
    foreign = [form for value, forms in read_suite() if value is NOT_OURS for form in forms]

    accepted = [form.hex() for form in foreign if not is_refused(form)]

    assert (len(foreign), accepted) == (52, [])


@pytest.mark.parametrize("value", [0, 127, 128, 255, 256, 65535, 65536, 2**32 - 1, 2**32, 2**63])
def test_an_integer_that_is_not_negative_takes_the_unsigned_form(value: int) -> None:
    lengths = {1: b"", 2: b"\xcc", 3: b"\xcd", 5: b"\xce", 9: b"\xcf"}

    data = encode_value(value)

    assert data == lengths[len(data)] + value.to_bytes(max(len(data) - 1, 1), "big")


def test_bytes_after_the_value_are_refused() -> None:
    wholes = [form for value, (form, *_longer) in read_suite() if value is not NOT_OURS]

    accepted = [form.hex() for form in wholes if not is_refused(form + b"\xc0")]

    assert accepted == []


def test_every_true_prefix_is_refused() -> None:
    wholes = [form for value, (form, *_longer) in read_suite() if value is not NOT_OURS]

    accepted = [
        form[:length].hex()
        for form in wholes
        for length in range(len(form))
        if not is_refused(form[:length])
    ]

    assert accepted == []


def test_the_first_byte_that_means_nothing_is_refused() -> None:
    assert is_refused(b"\xc1")
    assert is_refused(b"")


def test_nesting_ends_at_its_bound() -> None:
    deepest: Value = []
    for _level in range(DEPTH_MAX - 1):
        deepest = [deepest]

    data = encode_value(deepest)

    assert decode_value(data) == deepest
    with pytest.raises(UnencodableValueError):
        encode_value([deepest])
    assert [is_refused(b"\x91" * levels + b"\x90") for levels in (DEPTH_MAX, 10**5)] == [True, True]


def test_a_promised_length_that_is_not_there_costs_nothing() -> None:
    promises = [bytes([first]) + b"\xff\xff\xff\xff" for first in (0xC6, 0xDB, 0xDD, 0xDF)]

    refused = [is_refused(promise) for promise in promises]

    assert refused == [True] * 4


def test_text_is_utf8_or_refused() -> None:
    cases = read_texts()

    verdicts = [(number, not is_refused(as_text(data))) for number, _valid, data in cases]

    assert verdicts == [(number, valid) for number, valid, _data in cases]
    assert len(cases) == 222


def test_valid_text_comes_back_byte_for_byte() -> None:
    texts = [data.decode() for _number, valid, data in read_texts() if valid]

    again = [decode_value(encode_value(text)) for text in texts]

    assert again == texts
