"""What is JSON and what is not: public test files, and texts that somebody may try."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from node.rpc.errors import NotJsonError
from node.rpc.jsonrpc import parse_json

VECTORS = Path(__file__).parents[2] / "vectors"
SUITE: dict[str, str] = json.loads((VECTORS / "jsonrpc/json_parsing.json").read_text("utf-8"))

# Of what readers may decide: tiny numbers are zero, long integers stay exact.
TAKEN = {
    "i_number_double_huge_neg_exp",
    "i_number_real_underflow",
    "i_number_too_big_neg_int",
    "i_number_too_big_pos_int",
    "i_number_very_big_negative_int",
}

NOT_JSON = {
    "nothing": b"",
    "spaces": b" \t\r\n",
    "not a number": b"[NaN]",
    "infinity": b"[Infinity]",
    "negative infinity": b"[-Infinity]",
    "a number that overflows": b"[1e999]",
    "a number that overflows, nested": b'{"a":[{"b":-1e999}]}',
    "a long number that overflows": b"[" + b"9" * 400 + b".0]",
    "5,000 digits": b"9" * 5_000,
    "5,000 digits of a member": b'{"id":' + b"9" * 5_000 + b"}",
    "an escaped lone surrogate": rb'"\ud800"',
    "an escaped lone second surrogate": rb'"\udc00"',
    "escaped surrogates in the wrong order": rb'"\udc00\ud800"',
    "a lone surrogate as a name": rb'{"\ud800":1}',
    "a surrogate in UTF-8": b'"\xed\xa0\x80"',
    "overlong UTF-8": b'"\xc0\xaf"',
    "truncated UTF-8": b'"\xe4\xb8"',
    "a byte that UTF-8 never has": b'"\xff"',
    "beyond Unicode": b'"\xf4\x90\x80\x80"',
    "UTF-16 with a mark": '{"a":1}'.encode("utf-16"),
    "UTF-16": '{"a":1}'.encode("utf-16-le"),
    "UTF-32": '{"a":1}'.encode("utf-32-be"),
    "a byte order mark": b'\xef\xbb\xbf{"a":1}',
    "100,000 brackets": b"[" * 100_000,
    "100,000 closed brackets": b"[" * 100_000 + b"]" * 100_000,
    "more values than any request has": b"[" + b"1," * 200_000 + b"1]",
    "50,000 braces": b'{"a":' * 50_000,
    "a trailing comma": b"[1,]",
    "a trailing comma in an object": b'{"a":1,}',
    "a leading comma": b"[,1]",
    "single quotes": b"{'a':1}",
    "a bare name": b"{a:1}",
    "a control character in a string": b'"a\x01b"',
    "a tab in a string": b'"a\tb"',
    "a line break in a string": b'"a\nb"',
    "a zero byte after": b"{}\x00",
    "a form feed before": b"\x0c{}",
    "a no-break space": b"\xc2\xa0{}",
    "two documents": b"{}{}",
    "two documents on two lines": b"{}\n{}",
    "a comment": b"/* a */ {}",
    "a comment after": b"{} // a",
    "a hash comment": b"{} # a",
    "a leading zero": b"[01]",
    "a leading plus": b"[+1]",
    "hex digits": b"[0x10]",
    "no digits before the point": b"[.5]",
    "no digits after the point": b"[5.]",
    "an underscore": b"[1_000]",
    "a lone minus": b"[-]",
    "an unknown escape": rb'"\x41"',
    "a short escape": rb'"\u12"',
    "an open string": b'"abc',
    "an open array": b"[1",
    "a wrong bracket": b"[1}",
    "no comma": b"[1 2]",
    "no colon": b'{"a" 1}',
    "a number as a name": b"{1:1}",
    "True": b"[True]",
    "undefined": b"[undefined]",
    "a cut word": b"nul",
    "HTML": b"<html></html>",
    "a form": b"method=a&id=1",
}


def is_json(data: bytes) -> bool:
    try:
        parse_json(data)
    except NotJsonError:
        return False
    return True


@pytest.mark.parametrize("text", NOT_JSON.values(), ids=NOT_JSON.keys())
def test_what_is_not_exactly_json_is_refused(text: bytes) -> None:
    with pytest.raises(NotJsonError):
        parse_json(text)


def test_the_public_suite_is_read_as_it_says() -> None:
    taken = {name for name, text in SUITE.items() if is_json(bytes.fromhex(text))}

    assert taken == {name for name in SUITE if name.startswith("y_")} | TAKEN


def test_bytes_that_are_not_utf_8_are_no_string() -> None:
    lines = (VECTORS / "naughty/utf8tests.txt").read_text("utf-8").splitlines()
    rows = [line.split(":") for line in lines if line and not line.startswith("#")]
    hexed = [(row[1].strip(), bytes.fromhex(row[2])) for row in rows if row[1].endswith(" hex")]
    # Control characters are good UTF-8, but JSON wants them escaped.
    plain = [(kind, data) for kind, data in hexed if not any(byte < 0x20 for byte in data)]

    wrong = [
        data.hex()
        for kind, data in plain
        if is_json(b'"' + data + b'"') != (kind == "valid hex" and data not in {b'"', b"\\"})
    ]

    assert len(plain) > 100
    assert wrong == []


def test_of_two_members_with_one_name_the_last_counts() -> None:
    assert parse_json(b'{"a":1,"a":2}') == {"a": 2}


def test_nesting_is_read_to_a_depth_that_no_request_needs() -> None:
    depth = 150

    value = parse_json(b"[" * depth + b"]" * depth)

    for _ in range(depth - 1):
        (value,) = value
    assert value == []


def test_integers_are_exact_at_any_length() -> None:
    digits = "9" * 4_000

    assert parse_json(digits.encode()) == int(digits)


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@given(value=json_values, is_ascii=st.booleans())
def test_every_json_text_is_read_as_python_reads_it(value: Any, *, is_ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=is_ascii).encode()

    assert parse_json(text) == value
