"""Ids as text: the published bech32m cases, and one text for every id."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import MalformedBytesError
from chain.ids import decode_bech32m, decode_id, encode_id

# BIP-350, "Test vectors for Bech32m".
VALID = [
    "A1LQFN3A",
    "a1lqfn3a",
    "an83characterlonghumanreadablepartthatcontainsthetheexcludedcharactersbioandnumber11sg7hg6",
    "abcdef1l7aum6echk45nj3s0wdvt2fg8x9yrzpqzd3ryx",
    "11llllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllllludsr8",
    "split1checkupstagehandshakeupstreamerranterredcaperredlc445v",
    "?1v759aa",
]
INVALID = [
    "\x201xj0phk",
    "\x7f1g6xzxy",
    "\x801vctc34",
    "qyrz8wqd2c9m",
    "1qyrz8wqd2c9m",
    "y1b0jsk6g",
    "lt1igcx5c0",
    "in1muywd",
    "mm1crxm3i",
    "au1s5cgom",
    "M1VUXWEZ",
    "16plkw9",
    "1p2gdwpf",
]


@pytest.mark.parametrize("text", VALID)
def test_published_texts_are_taken(text: str) -> None:
    prefix, _words = decode_bech32m(text)

    assert prefix == text.lower().rpartition("1")[0]


@pytest.mark.parametrize("text", INVALID)
def test_published_faults_are_refused(text: str) -> None:
    with pytest.raises(MalformedBytesError):
        decode_bech32m(text)


@given(st.binary(min_size=32, max_size=32))
def test_an_id_comes_back_from_its_text(value: bytes) -> None:
    text = encode_id("acct", value)

    assert (len(text), decode_id(text, "acct"), decode_id(text.upper(), "acct")) == (
        63,
        value,
        value,
    )


@given(st.binary(min_size=32, max_size=32), st.integers(5, 62), st.sampled_from("qpzry9x8"))
def test_a_mistyped_letter_is_found(value: bytes, place: int, letter: str) -> None:
    text = encode_id("acct", value)
    wrong = text[:place] + letter + text[place + 1 :]

    if wrong == text:
        assert decode_id(wrong, "acct") == value
    else:
        with pytest.raises(MalformedBytesError, match="checksum"):
            decode_id(wrong, "acct")


@given(st.text(max_size=100))
def test_any_text_is_an_id_or_refused(text: str) -> None:
    try:
        value = decode_id(text, "bkg")
    except MalformedBytesError:
        return
    assert encode_id("bkg", value) == text.lower()


def test_an_id_of_another_kind_is_refused_by_its_prefix() -> None:
    with pytest.raises(MalformedBytesError, match="begins with 'acct', expected 'bkg'"):
        decode_id(encode_id("acct", bytes(32)), "bkg")
