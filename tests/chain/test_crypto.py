"""Signatures and hashes: what the one door lets through."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.crypto import (
    Signer,
    hash_bytes,
    public_key,
    sha256,
    sign,
    verify_signature,
)

seeds = st.binary(min_size=32, max_size=32)


@given(seeds, st.binary(max_size=100), st.integers(0, 63), st.integers(1, 255))
def test_a_changed_signature_is_bad(seed: bytes, message: bytes, place: int, change: int) -> None:
    signature = sign(seed, message)
    bad = signature[:place] + bytes([signature[place] ^ change]) + signature[place + 1 :]

    answers = [verify_signature(public_key(seed), message, one) for one in (signature, bad)]

    assert answers == [True, False]


@given(seeds, st.binary(max_size=20))
def test_a_signer_signs_as_its_seed_does(seed: bytes, message: bytes) -> None:
    signer = Signer(seed)

    assert (signer.public_key, signer.sign(message)) == (public_key(seed), sign(seed, message))


@pytest.mark.parametrize(("key", "signature"), [(31, 64), (33, 64), (32, 63), (32, 65), (0, 0)])
def test_wrong_lengths_are_bad_signatures_and_raise_nothing(key: int, signature: int) -> None:
    assert verify_signature(bytes(key), b"message", bytes(signature)) is False


@given(st.text("abc", max_size=5), st.binary(max_size=200))
def test_a_tagged_hash_is_the_one_of_bip_340(tag: str, data: bytes) -> None:
    prefix = hashlib.sha256(b"washnode/" + tag.encode()).digest()

    assert hash_bytes(tag, data) == sha256(prefix + prefix + data)
