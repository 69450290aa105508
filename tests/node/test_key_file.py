"""One key's file: what version 1 wrote opens, anything else is refused before it costs anything."""

import json
from typing import Any

import nacl.bindings
import nacl.exceptions
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.crypto import COST_MIN, _stretch, open_secret, public_key, seal_secret
from chain.ids import encode_id
from node.keys.errors import BadKeyFileError, KeyFileError
from node.keys.file import (
    FILE_BYTES_MAX,
    KeyFile,
    make_key_file,
    open_key_file,
    parse_key_file,
)

SEED = bytes(range(32))
ACCOUNT = public_key(SEED)
WORD = "five wet dogs"

# What version 1 wrote once is read for ever.
SEALED_TEXT = """{
 "version": 1,
 "account": "acct1qwss00lnecgtu8tsm5vwwj7qn9n7f43snwjs6hcamjrxgyj4xxuqy4u7jp",
 "public_key": "03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8",
 "protection": {
  "kind": "argon2id",
  "passes": 1,
  "memory_bytes": 8192,
  "salt": "000102030405060708090a0b0c0d0e0f",
  "nonce": "101112131415161718191a1b1c1d1e1f2021222324252627",
  "sealed": "SEALED"
 }
}
""".replace(
    "SEALED",
    "758c99ffe448dabfafe96d3e4a51e168ac6c7ae768a3aa53"
    "caa543cebd45ed8b7fe5221305ef8b0500fe0ced9f86fbc9",
)


def plain(**changes: Any) -> dict[str, Any]:
    file = make_key_file(SEED, ACCOUNT, None)
    return {**json.loads(file.text()), **changes}


def sealed(**changes: Any) -> dict[str, Any]:
    shown: dict[str, Any] = json.loads(SEALED_TEXT)
    return {**shown, "protection": {**shown["protection"], **changes}}


def test_the_stretched_passphrase_is_that_of_another_argon2id() -> None:
    # Node's crypto.argon2Sync gives this key for one pass over 8 KiB.
    key = "3fc3d90be7ddf21d283c9162a05dd29b32b97826dbbfed4383f8f648bd2767f9"

    assert _stretch(WORD.encode(), bytes(range(16)), COST_MIN).hex() == key


@given(st.binary(max_size=64), st.binary(min_size=1, max_size=64), st.integers(0, 2**20))
def test_a_sealed_secret_opens_with_its_passphrase_and_unchanged_only(
    secret: bytes, passphrase: bytes, place: int
) -> None:
    salt, nonce = bytes(16), bytes(24)
    data = seal_secret(secret, passphrase, salt=salt, nonce=nonce, cost=COST_MIN)
    at = place % len(data)
    changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]

    opened = [
        open_secret(data, passphrase, salt=salt, nonce=nonce, cost=COST_MIN),
        open_secret(data, passphrase + b"!", salt=salt, nonce=nonce, cost=COST_MIN),
        open_secret(changed, passphrase, salt=salt, nonce=nonce, cost=COST_MIN),
        open_secret(data[:at], passphrase, salt=salt, nonce=nonce, cost=COST_MIN),
    ]

    assert opened == [secret, None, None, None]


def test_a_file_of_version_1_opens() -> None:
    file = parse_key_file(SEALED_TEXT.encode(), "file")

    assert (open_key_file(file, WORD, "it"), file.text()) == (SEED, SEALED_TEXT)


@given(st.text(min_size=1, max_size=40).filter(lambda text: text.isprintable()))
def test_a_passphrase_is_the_same_however_its_accents_are_typed(text: str) -> None:
    file = make_key_file(SEED, ACCOUNT, text + "\u00e9", COST_MIN)

    assert open_key_file(file, text + "e\u0301", "it") == SEED


@pytest.mark.parametrize(
    "file",
    [
        plain(version=2),
        plain(version=True),
        plain(extra=1),
        plain(account="acct1qqqq"),
        plain(account=encode_id("ctr", ACCOUNT)),
        plain(public_key=ACCOUNT.hex().upper()),
        plain(protection={"kind": "none", "seed": "00"}),
        plain(protection={"kind": "rot13", "seed": SEED.hex()}),
        plain(protection=None),
        sealed(memory_bytes=64 * 1024**3),
        sealed(memory_bytes=8_191),
        sealed(memory_bytes=8_192.0),
        sealed(passes=1_000_000),
        sealed(passes=0),
        sealed(salt="00" * 15),
        sealed(sealed="00" * 4_000),
        [],
    ],
    ids=str,
)
def test_a_file_that_is_not_of_the_form_is_refused_unopened(file: object) -> None:
    with pytest.raises(BadKeyFileError) as caught:
        parse_key_file(json.dumps(file).encode(), "file")

    assert str(caught.value).startswith("file is no key file: ")
    assert SEED.hex() not in str(caught.value)


def test_a_secret_of_another_public_key_is_refused() -> None:
    file = parse_key_file(json.dumps(plain(public_key="00" * 32)).encode(), "file")

    with pytest.raises(BadKeyFileError, match="the secret is not that of the public key"):
        open_key_file(file, None, "it")


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=8,
)
near_files = st.builds(
    lambda base, name, value: json.dumps({**base, name: value}).encode(),
    st.sampled_from([plain(), sealed()]),
    st.sampled_from(["version", "account", "public_key", "protection", "x"]),
    json_values,
)
near_seals = st.builds(
    lambda name, value: json.dumps(sealed(**{name: value})).encode(),
    st.sampled_from(["kind", "passes", "memory_bytes", "salt", "nonce", "sealed", "seed"]),
    json_values,
)
any_bytes = st.binary(max_size=200) | st.integers(1, 5_000).map(lambda n: b"[" * n)


@given(near_files | near_seals | any_bytes | json_values.map(lambda one: json.dumps(one).encode()))
def test_no_bytes_are_anything_but_a_key_file_or_refused(data: bytes) -> None:
    try:
        file = parse_key_file(data, "file")
    except KeyFileError:
        return

    assert KeyFile.model_validate_json(file.text()) == file


def test_a_large_file_is_not_read() -> None:
    with pytest.raises(BadKeyFileError, match="larger than 16384 bytes"):
        parse_key_file(b" " * (FILE_BYTES_MAX + 1), "file")


def test_memory_that_libsodium_does_not_get_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def lacking(*_args: object) -> bytes:
        raise nacl.exceptions.RuntimeError

    monkeypatch.setattr(nacl.bindings, "crypto_pwhash_alg", lacking)

    with pytest.raises(KeyFileError, match="needs 8192 bytes of free memory"):
        make_key_file(SEED, ACCOUNT, WORD, COST_MIN)
