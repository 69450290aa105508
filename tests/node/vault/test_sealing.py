"""Sealing: what goes in comes out, for whom it is meant and nobody else."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.crypto import Signer, sha256
from node.vault.sealing import (
    BLOB_BYTES_MAX,
    CONTENT_BYTES_MAX,
    PAD_BYTES,
    Place,
    SealingError,
    Wrapped,
    blob_name,
    fresh_key,
    fresh_nonce,
    keys_hash,
    open_blob,
    seal_content,
    seal_details,
    unwrap_key,
    wrap_key,
)
from node.vault.statements import Deal, Deed, sign_statement, statement_bytes

VECTORS = Path(__file__).parents[2] / "vectors" / "vault" / "sealing.json"
OWNER, SHOP = Signer(b"o" * 32), Signer(b"s" * 32)
PLACE = Place(OWNER.public_key, 2, 7)
WHERE = b"c" * 32, b"v" * 32
KEY, NONCE = b"k" * 32, b"n" * 24
details = st.dictionaries(
    st.text(max_size=8), st.none() | st.booleans() | st.integers() | st.text(max_size=30)
)


def vectors() -> dict[str, Any]:
    """Return what the functions give for fixed arguments."""
    given_details = {"plate": "粤B·7Q2X9", "km": 48_120}
    blob = seal_details(given_details, PLACE, key=KEY, nonce=NONCE)
    name = blob_name(OWNER.public_key, blob)
    keys = [
        Wrapped(name, one.public_key, wrap_key(KEY, one.public_key, ephemeral=b"e" * 32))
        for one in (OWNER, SHOP)
    ]
    deal = Deal(Deed.READ, name, 3)
    said = sign_statement(OWNER, OWNER.public_key, WHERE, deal, (1_800_000_000_000, b"x" * 16))
    return {
        "owner_seed": (b"o" * 32).hex(),
        "shop_seed": (b"s" * 32).hex(),
        "kind": 2,
        "epoch": 7,
        "details": given_details,
        "key": KEY.hex(),
        "nonce": NONCE.hex(),
        "ephemeral": (b"e" * 32).hex(),
        "blob": blob.hex(),
        "name": name.hex(),
        "wrapped": [one.sealed.hex() for one in keys],
        "keys_hash": keys_hash(keys).hex(),
        "statement": {
            "chain_id": WHERE[0].hex(),
            "node": WHERE[1].hex(),
            "deed": deal.deed,
            "purpose": deal.purpose,
            "at": 1_800_000_000_000,
            "nonce": (b"x" * 16).hex(),
            "signed_bytes": statement_bytes(*WHERE, deal, said).hex(),
            "signature": said.signature.hex(),
        },
    }


def test_sealing_gives_the_published_bytes() -> None:
    assert vectors() == json.loads(VECTORS.read_text("utf-8"))


@given(details)
def test_details_come_out_as_they_went_in(content: dict[str, Any]) -> None:
    blob = seal_details(content, PLACE, key=KEY, nonce=NONCE)

    assert open_blob(blob, PLACE, key=KEY) == content
    assert (len(blob) - 1 - 24 - 16) % PAD_BYTES == 0


@given(st.binary(max_size=600))
def test_bytes_come_out_as_they_went_in(content: bytes) -> None:
    blob = seal_content(content, PLACE, key=KEY, nonce=NONCE)

    assert open_blob(blob, PLACE, key=KEY) == content


@given(st.integers(0, 10_000), st.integers(1, 255))
def test_a_changed_byte_opens_nothing(place: int, change: int) -> None:
    blob = seal_details({"a": 1}, PLACE, key=KEY, nonce=NONCE)
    at = place % len(blob)
    changed = blob[:at] + bytes([blob[at] ^ change]) + blob[at + 1 :]

    with pytest.raises(SealingError):
        open_blob(changed, PLACE, key=KEY)


@pytest.mark.parametrize(
    "other",
    [Place(SHOP.public_key, 2, 7), Place(OWNER.public_key, 3, 7), Place(OWNER.public_key, 2, 8)],
)
def test_a_blob_is_of_its_owner_kind_and_epoch_alone(other: Place) -> None:
    blob = seal_details({"a": 1}, PLACE, key=KEY, nonce=NONCE)

    with pytest.raises(SealingError):
        open_blob(blob, other, key=KEY)


@pytest.mark.parametrize("blob", [b"", b"\1", b"\1" + bytes(24), b"\1" + bytes(60), b"\2" * 400])
def test_what_is_no_blob_is_refused(blob: bytes) -> None:
    with pytest.raises(SealingError):
        open_blob(blob, PLACE, key=KEY)


def test_the_longest_content_is_a_blob_of_the_longest_length() -> None:
    blob = seal_content(bytes(CONTENT_BYTES_MAX), PLACE, key=KEY, nonce=NONCE)

    assert BLOB_BYTES_MAX - PAD_BYTES <= len(blob) <= BLOB_BYTES_MAX
    with pytest.raises(SealingError):
        seal_content(bytes(CONTENT_BYTES_MAX + 1), PLACE, key=KEY, nonce=NONCE)


@pytest.mark.parametrize("content", [{"a": b"x"}, {"a": float("nan")}, {"a": "x" * 70_000}])
def test_details_are_json_of_a_bounded_length(content: dict[str, Any]) -> None:
    with pytest.raises(SealingError):
        seal_details(content, PLACE, key=KEY, nonce=NONCE)


def test_details_of_the_same_size_class_have_the_same_length() -> None:
    lengths = {
        len(seal_details({"name": "x" * size}, PLACE, key=KEY, nonce=NONCE)) for size in range(200)
    }

    assert len(lengths) == 1


def test_a_wrapped_key_opens_for_its_account_alone() -> None:
    sealed = wrap_key(KEY, OWNER.public_key, ephemeral=fresh_key())

    assert unwrap_key(sealed, OWNER) == KEY
    for signer, bad in ((SHOP, sealed), (OWNER, sealed[:-1] + b"\0"), (OWNER, b"short")):
        with pytest.raises(SealingError):
            unwrap_key(bad, signer)


@pytest.mark.parametrize("key", [bytes(32), b"\1" + bytes(31), b"\xff" * 32, b"short"])
def test_nothing_is_wrapped_for_what_is_no_key(key: bytes) -> None:
    with pytest.raises(SealingError):
        wrap_key(KEY, key, ephemeral=b"e" * 32)


def test_a_name_binds_owner_and_bytes() -> None:
    names = {blob_name(owner, blob) for owner in (b"a" * 32, b"b" * 32) for blob in (b"1", b"2")}

    assert len(names) == 4
    assert blob_name(b"a" * 32, b"1") == sha256(b"a" * 32 + sha256(b"1"))


def test_the_hash_of_keys_does_not_depend_on_their_order() -> None:
    keys = [Wrapped(bytes([n]) * 32, b"a" * 32, bytes([n]) * 80) for n in range(3)]

    assert keys_hash(keys) == keys_hash(keys[::-1]) != keys_hash(keys[:2])


def test_fresh_keys_and_nonces_differ() -> None:
    assert len({fresh_key() for _ in range(9)} | {fresh_nonce() for _ in range(9)}) == 18
