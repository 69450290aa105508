"""Cursors: where a list goes on, as opaque text that holds for one question only.

A cursor carries a hash of the filter it was made for and a place that stays true: a height and a
number, or a key. Nothing is kept in memory, so cursors outlive restarts.
"""

from base64 import b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import Any, NoReturn

from chain.codec import Value, decode_value, encode_value
from chain.crypto import hash_bytes
from chain.errors import MalformedBytesError
from chain.types import SAFE_INT_MAX
from node.rpc.errors import InvalidParamsError

CURSOR_LENGTH_MAX = 512
_FILTER_BYTES = 8
_NUMBERS = (int, int)

PlacePart = int | bytes


def encode_cursor(filter_value: Value, place: Sequence[PlacePart]) -> str:
    """Return the cursor of a place in the list that `filter_value` describes."""
    data = encode_value([_filter_hash(filter_value), *place])
    return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def decode_cursor(
    text: str, filter_value: Value, kinds: tuple[type, ...] = _NUMBERS
) -> tuple[PlacePart, ...]:
    """Return the place of a cursor; raises InvalidParamsError if it is not one of this list.

    `kinds` are the types of the place's parts; integers come back within 0..2^53-1.
    """
    filter_hash, *place = _read(text)
    if filter_hash != _filter_hash(filter_value):
        _refuse("belongs to another list; use a cursor with the parameters it was given for")
    if tuple(map(type, place)) != kinds or not all(map(_fits, place)):
        _refuse("is no cursor; leave it out to begin anew")
    return tuple(place)


def decode_place(text: str | None, filter_value: Value, newest: tuple[int, int]) -> tuple[int, int]:
    """Return the (height, number) of a cursor, `newest` without one or where it lies beyond."""
    if text is None:
        return newest
    height, number = decode_cursor(text, filter_value)
    assert isinstance(height, int), "decode_cursor gives what was asked for"
    assert isinstance(number, int), "decode_cursor gives what was asked for"
    return min((height, min(number, newest[1])), newest)


def _read(text: str) -> list[Any]:
    """Return what `encode_cursor` put in, or some list that is longer than nothing."""
    if len(text) > CURSOR_LENGTH_MAX:
        _refuse(f"is {len(text)} letters long, at most {CURSOR_LENGTH_MAX} are allowed")
    try:
        padded = text.encode("ascii") + b"=" * (-len(text) % 4)
        found = decode_value(b64decode(padded, b"-_", validate=True))
    except (Base64Error, UnicodeEncodeError, MalformedBytesError):
        found = None
    if not isinstance(found, list) or not found:
        _refuse("is no cursor; leave it out to begin anew")
    return found


def _fits(part: object) -> bool:
    return isinstance(part, bytes) or (isinstance(part, int) and 0 <= part <= SAFE_INT_MAX)


def _filter_hash(filter_value: Value) -> bytes:
    return hash_bytes("cursor", encode_value(filter_value))[:_FILTER_BYTES]


def _refuse(why: str) -> NoReturn:
    raise InvalidParamsError("cursor", why)
