"""Join codes: what is typed is what was said, and what is wrong is told."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.joining.code import (
    SECRET_BYTES,
    JoinCode,
    JoinCodeError,
    make_code,
    parse_code,
)

CHAIN = bytes(range(32))
HOUR = 498_000
GATEWAYS = ("https://gate1.wash.example", "https://gate2.wash.example:8443")
SECRET = b"secretbits"
CODE = JoinCode(GATEWAYS, CHAIN[:12], SECRET, HOUR)
TEXT = CODE.text()
ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def test_a_code_is_gateways_and_ten_groups_of_five() -> None:
    pattern = rf"gate1\.wash\.example\+gate2\.wash\.example:8443/{'-'.join(['[a-z0-9]{5}'] * 10)}"

    assert re.fullmatch(pattern, TEXT)
    assert not set(TEXT.partition("/")[2]) & set("bio1")


def test_a_new_code_has_a_secret_of_its_own_and_says_what_it_is_for() -> None:
    made, other = (
        make_code(GATEWAYS, CHAIN, HOUR, bytes([number]) * SECRET_BYTES) for number in range(2)
    )

    assert parse_code(made.text()) == made
    assert (made.chain, made.expires_at, made.gateways) == (CHAIN[:12], HOUR * 3_600_000, GATEWAYS)
    assert made.is_of(CHAIN)
    assert not made.is_of(bytes(32))
    assert made.number != other.number


@given(
    secret=st.binary(min_size=10, max_size=10),
    chain=st.binary(min_size=12, max_size=12),
    hour=st.integers(0, 2**24 - 1),
    names=st.lists(
        st.from_regex(r"[a-z0-9-]{1,20}\.example(:[1-9][0-9]{0,3})?", fullmatch=True),
        min_size=1,
        max_size=4,
    ),
)
def test_every_code_is_read_as_it_was_made(
    secret: bytes, chain: bytes, hour: int, names: list[str]
) -> None:
    code = JoinCode(tuple(f"https://{one}" for one in names), chain, secret, hour)

    assert parse_code(code.text()) == code


@pytest.mark.parametrize(
    "typed",
    [
        TEXT.upper(),
        f"  {TEXT}\n",
        TEXT.replace("-", " "),
        TEXT.replace("-", ""),
        TEXT.partition("/")[0] + " / " + TEXT.partition("/")[2].replace("0", "O").upper(),
        TEXT.partition("/")[0] + "/" + TEXT.partition("/")[2].replace("l", "1"),
    ],
)
def test_blanks_capitals_and_letters_that_look_alike_do_not_matter(typed: str) -> None:
    assert parse_code(typed) == CODE


@settings(max_examples=20)
@given(at=st.integers(0, 49), letter=st.sampled_from(ALPHABET))
def test_one_wrong_letter_is_found_with_its_group(at: int, letter: str) -> None:
    hosts, _, groups = TEXT.partition("/")
    letters = groups.replace("-", "")
    typed = f"{hosts}/{letters[:at]}{letter}{letters[at + 1 :]}"
    if letter == letters[at]:
        assert parse_code(typed) == CODE
        return

    with pytest.raises(JoinCodeError, match=f"group {at // 5 + 1} of"):
        parse_code(typed)


@pytest.mark.parametrize(
    ("typed", "fault"),
    [
        ("", "ten groups of five letters"),
        ("gate1.wash.example", "ten groups of five letters"),
        ("/" + TEXT.partition("/")[2], "ten groups of five letters"),
        (TEXT[:-1], "these are 49"),
        (TEXT + "q", "these are 51"),
        (TEXT[:-2] + "qq", "mistyped"),
        (TEXT.replace("gate1", "gate3"), "before the slash"),
        (TEXT.replace("gate1.wash.example+", ""), "before the slash"),
        ("x" * 600, "ten groups of five letters"),
    ],
)
def test_what_is_no_code_is_told_apart(typed: str, fault: str) -> None:
    with pytest.raises(JoinCodeError, match=fault):
        parse_code(typed)


@pytest.mark.parametrize(
    "gateway",
    ["ftp://gate.example", "https://gate.example/rpc", "https://", "http://gate.example",
     "https://a b.example", "https://me@gate.example", "https://gate.example:70000",
     "https://gate.example?x=1", "https://[a]", "https://洗车.example", "https://" + 120 * "x"],
)  # fmt: skip
def test_a_code_names_only_gateways_that_can_be_typed_and_trusted(gateway: str) -> None:
    with pytest.raises(JoinCodeError):
        make_code((gateway,), CHAIN, HOUR, SECRET)


def test_a_code_names_at_least_one_gateway_and_not_many() -> None:
    for gateways in ((), tuple(f"https://gate{number}.example" for number in range(5))):
        with pytest.raises(JoinCodeError, match="1 to 4"):
            make_code(gateways, CHAIN, HOUR, SECRET)


@pytest.mark.parametrize(
    "near", ["http://127.0.0.1:8787", "http://192.168.1.20", "http://[::1]:80"]
)
def test_within_the_own_network_a_gateway_needs_no_certificate(near: str) -> None:
    made = make_code((near,), CHAIN, HOUR, SECRET)

    assert parse_code(made.text()).gateways == (near,)
