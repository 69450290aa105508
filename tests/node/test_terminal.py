"""Other people's text on a terminal."""

import io
import json

import pytest

from node.terminal import escape_controls, speaks_unicode


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Wash & Go", "Wash & Go"),
        ("净车坊·浦东店\u3000一号", "净车坊·浦东店\u3000一号"),
        ("👩\u200d🔧", "👩\u200d🔧"),
        ("\x1b[31mred\x07", "\\u001b[31mred\\u0007"),
        ("a\u009b2Jb\x7f", "a\\u009b2Jb\\u007f"),
        ("price\u202e00.1\nnext\u2028", "price\\u202e00.1\\u000anext\\u2028"),
        ("\ud800\U000e0001", "\\ud800\\udb40\\udc01"),
    ],
)
def test_what_a_terminal_could_obey_is_escaped_and_nothing_else(text: str, shown: str) -> None:
    assert escape_controls(text) == shown


def test_escapes_mean_the_same_inside_json() -> None:
    value = {"name": "\x1b[0m\u009b\u202e\U000e0001 净\\u0041"}

    text = escape_controls(json.dumps(value, ensure_ascii=False))

    assert json.loads(text) == value


def test_only_an_encoding_of_every_character_speaks_unicode() -> None:
    streams = [
        io.TextIOWrapper(io.BytesIO(), encoding=name)
        for name in ("utf-8", "UTF-16", "ascii", "latin-1", "cp1252")
    ]

    assert [speaks_unicode(stream) for stream in streams] == [True, True, False, False, False]
