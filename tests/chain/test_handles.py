"""Handles of vehicles: from the document alone, apart for every secret and place."""

import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.handles import commitment, handle, mark, next_place, vin_commitment
from tests.chain.protocol_files import FOLDER

SECRETS = st.binary(min_size=32, max_size=32)
PLACES = st.integers(0, 2**32 - 1)


def tagged(tag: str, data: bytes) -> str:
    prefix = hashlib.sha256(b"washnode/" + tag.encode()).digest()
    return hashlib.sha256(prefix + prefix + data).hexdigest()


def test_the_vectors_follow_from_the_document_with_sha256_alone() -> None:
    vectors = json.loads((FOLDER / "handles.json").read_text("utf-8"))

    for case in vectors["secrets"]:
        secret, record = bytes.fromhex(case["secret"]), bytes.fromhex(case["record"])
        assert case["commitment"] == tagged("vehicle-secret", secret)
        for one in case["handles"]:
            place = one["place"].to_bytes(4, "big")
            assert one["handle"] == tagged("vehicle-handle", secret + place)
        for one in case["marks"]:
            place = one["place"].to_bytes(4, "big")
            assert one["mark"] == tagged("vehicle-mark", secret + place + record)
    for case in vectors["vins"]:
        salt = bytes.fromhex(case["salt"])
        assert case["commitment"] == hmac.new(salt, case["vin"].encode(), "sha256").hexdigest()


@given(one=SECRETS, other=SECRETS, place=PLACES, second=PLACES)
def test_no_two_secrets_or_places_share_a_handle(
    one: bytes, other: bytes, place: int, second: int
) -> None:
    same = (one, place) == (other, second)

    assert (handle(one, place) == handle(other, second)) == same
    assert (mark(one, place, bytes(32)) == mark(other, second, bytes(32))) == same
    assert len({commitment(one), handle(one, place), mark(one, place, bytes(32))}) == 3


@given(secret=SECRETS, used=st.integers(0, 20), first=st.integers(0, 25))
def test_the_next_place_is_the_first_whose_handle_is_free(
    secret: bytes, used: int, first: int
) -> None:
    there = {handle(secret, place) for place in range(used)}

    assert next_place(secret, there.__contains__, first=first) == max(used, first)


def test_a_vin_counts_the_same_however_it_is_typed() -> None:
    salt = bytes(range(32))

    assert vin_commitment(salt, "wvwzzz1jz xw000001 ") == vin_commitment(salt, "WVWZZZ1JZXW000001")
    assert vin_commitment(bytes(32), "WVWZZZ1JZXW000001") != vin_commitment(
        salt, "WVWZZZ1JZXW000001"
    )


@pytest.mark.parametrize("vin", ["", "WVWZZZ1JZXW00000", "WVWZZZ1JZXW00000é", "WVWZZZ1JZXW00000-"])
def test_what_is_no_vin_is_refused(vin: str) -> None:
    with pytest.raises(ValueError, match="17 letters"):
        vin_commitment(bytes(32), vin)


@pytest.mark.parametrize("secret", [b"", bytes(31), bytes(33)])
def test_a_secret_of_another_length_is_refused(secret: bytes) -> None:
    with pytest.raises(ValueError, match="expected 32"):
        commitment(secret)
    with pytest.raises(ValueError, match="expected 32"):
        handle(secret, 0)
    with pytest.raises(ValueError, match="expected 32"):
        mark(bytes(32), 0, secret)
