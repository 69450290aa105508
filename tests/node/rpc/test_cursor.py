"""Cursors hold for one list only, and no text whatever breaks who reads them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.types import SAFE_INT_MAX
from node.rpc.cursor import decode_cursor, decode_place, encode_cursor
from node.rpc.errors import InvalidParamsError

NEWEST = (100, 7)
naturals = st.integers(0, SAFE_INT_MAX)


@given(place=st.tuples(naturals, naturals), key=st.binary(max_size=64))
def test_a_cursor_leads_back_to_its_place(place: tuple[int, int], key: bytes) -> None:
    plain = encode_cursor(("list", None), place)
    mixed = encode_cursor("keys", (key, 3))

    found = decode_cursor(plain, ("list", None)), decode_cursor(mixed, "keys", (bytes, int))

    assert found == (place, (key, 3))


def test_a_cursor_of_another_list_is_refused() -> None:
    cursor = encode_cursor(("list", b"one"), (1, 2))

    with pytest.raises(InvalidParamsError, match="belongs to another list"):
        decode_cursor(cursor, ("list", b"other"))


@pytest.mark.parametrize(
    ("cursor", "kinds"),
    [
        (encode_cursor("list", (1, 2)), (bytes,)),
        (encode_cursor("list", (1, 2)), (int, int, int)),
        (encode_cursor("list", (1, b"")), (int, int)),
        (encode_cursor("list", (-1, 2)), (int, int)),
        (encode_cursor("list", (True, 2)), (int, int)),
    ],
)
def test_a_cursor_of_another_shape_is_refused(cursor: str, kinds: tuple[type, ...]) -> None:
    with pytest.raises(InvalidParamsError, match="is no cursor"):
        decode_cursor(cursor, "list", kinds)


@given(text=st.text(max_size=40) | st.binary(max_size=20).map(lambda data: data.hex()))
def test_any_other_text_is_refused(text: str) -> None:
    with pytest.raises(InvalidParamsError, match="cursor"):
        decode_cursor(text, "list")


def test_a_text_that_is_too_long_is_not_even_read() -> None:
    with pytest.raises(InvalidParamsError, match="600 letters"):
        decode_cursor("A" * 600, "list")


def test_a_place_beyond_the_newest_is_the_newest() -> None:
    cursors = [
        None,
        *(encode_cursor("list", one) for one in ((100, 3), (100, 9), (101, 0), (5, 9))),
    ]

    places = [decode_place(cursor, "list", NEWEST) for cursor in cursors]

    assert places == [NEWEST, (100, 3), NEWEST, NEWEST, (5, 7)]
