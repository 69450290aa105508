"""Boxes and sealed bytes: libsodium's own, whoever made them."""

import nacl.bindings
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.crypto import BOX_EXTRA_BYTES, Signer, open_bytes, seal_box, seal_bytes

ALICE, BOB = Signer(b"a" * 32), Signer(b"b" * 32)
messages = st.binary(max_size=200)
seeds = st.binary(min_size=32, max_size=32)

# draft-irtf-cfrg-xchacha-03, appendix A.3.1.
TEXT = (
    b"Ladies and Gentlemen of the class of '99: If I could offer you only one tip for the future, "
    b"sunscreen would be it."
)
KEY = bytes(range(0x80, 0xA0))
NONCE = bytes(range(0x40, 0x58))
ASSOCIATED = bytes.fromhex("50515253c0c1c2c3c4c5c6c7")
SEALED = bytes.fromhex(
    "bd6d179d3e83d43b9576579493c0e939572a1700252bfaccbed2902c21396cbb731c7f1b0b4aa6440bf3a82f4eda7e"
    "39ae64c6708c54c216cb96b72e1213b4522f8c9ba40db5d945b11b69b982c1bb9e3f3fac2bc369488f76b2383565d3"
    "fff921f9664c97637da9768812f615c68b13b52ec0875924c1c7987947deafd8780acf49"
)


def test_sealed_bytes_are_those_of_the_published_vector() -> None:
    assert seal_bytes(TEXT, ASSOCIATED, key=KEY, nonce=NONCE) == SEALED
    assert open_bytes(SEALED, ASSOCIATED, key=KEY, nonce=NONCE) == TEXT


@pytest.mark.parametrize("sealed", [b"", SEALED[:15], SEALED[:-1], SEALED[:-1] + b"\0"])
def test_what_was_not_sealed_so_does_not_open(sealed: bytes) -> None:
    assert open_bytes(sealed, ASSOCIATED, key=KEY, nonce=NONCE) is None


def test_another_key_nonce_or_context_does_not_open() -> None:
    assert open_bytes(SEALED, b"", key=KEY, nonce=NONCE) is None
    assert open_bytes(SEALED, ASSOCIATED, key=bytes(32), nonce=NONCE) is None
    assert open_bytes(SEALED, ASSOCIATED, key=KEY, nonce=bytes(24)) is None


@given(messages, seeds)
def test_a_box_is_one_that_libsodium_opens(message: bytes, ephemeral: bytes) -> None:
    sealed = seal_box(ALICE.public_key, message, ephemeral=ephemeral)

    assert sealed is not None
    assert len(sealed) == len(message) + BOX_EXTRA_BYTES
    assert ALICE.open_box(sealed) == message
    assert BOB.open_box(sealed) is None


@given(messages)
def test_a_box_that_libsodium_made_opens(message: bytes) -> None:
    recipient = nacl.bindings.crypto_sign_ed25519_pk_to_curve25519(ALICE.public_key)

    assert ALICE.open_box(nacl.bindings.crypto_box_seal(message, recipient)) == message


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_box_does_not_open(place: int, change: int) -> None:
    sealed = seal_box(ALICE.public_key, b"secret", ephemeral=b"e" * 32) or b""
    at = place % len(sealed)

    assert ALICE.open_box(sealed[:at] + bytes([sealed[at] ^ change]) + sealed[at + 1 :]) is None


@pytest.mark.parametrize("key", [b"", bytes(32), b"\x01" + bytes(31), b"\xff" * 32])
def test_there_is_no_box_for_what_is_no_key(key: bytes) -> None:
    assert seal_box(key, b"secret", ephemeral=b"e" * 32) is None
