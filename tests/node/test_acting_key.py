"""A key that acts for an account: what it signs as, and what it opens that was sealed before."""

from pathlib import Path

from chain.crypto import PassphraseCost, Signer, seal_box, verify_signature
from node.keys.acting import ActingKey, account_of, other_key
from node.keys.store import KeyStore

CHEAP = PassphraseCost(passes=1, memory_bytes=8_192)
FIRST, SECOND = Signer(bytes(31) + b"\x01"), bytes(31) + b"\x02"


def seal(key: bytes) -> bytes:
    sealed = seal_box(key, b"letter", ephemeral=bytes(range(32)))
    assert sealed is not None
    return sealed


def test_an_account_is_not_its_newest_key() -> None:
    acting = ActingKey(SECOND, FIRST.public_key)

    assert (account_of(acting), account_of(FIRST)) == (FIRST.public_key, FIRST.public_key)
    assert (other_key(acting), other_key(FIRST)) == (acting.public_key.hex(), None)
    assert verify_signature(acting.public_key, b"deed", acting.sign(b"deed"))


def test_what_was_sealed_for_the_account_opens_with_a_key_of_before() -> None:
    acting = ActingKey(SECOND, FIRST.public_key, (FIRST,))
    alone = ActingKey(SECOND, FIRST.public_key)
    sealed = [seal(one) for one in (FIRST.public_key, acting.public_key)]
    stranger = seal(Signer(bytes(32)).public_key)

    assert [acting.open_box(one) for one in sealed] == [b"letter", b"letter"]
    assert [acting.open_box(one) for one in (stranger, b"", sealed[0][:-1])] == [None] * 3
    assert alone.open_box(sealed[0]) is None


def test_a_store_keeps_the_keys_of_before(tmp_path: Path) -> None:
    store = KeyStore(tmp_path / "keys", CHEAP)
    keys = [store.create("shop", "correct horse").public_key]
    for _ in range(2):
        store.begin_rotation("shop", "correct horse")
        keys.append(store.finish_rotation("shop")[0].public_key)

    earlier = [one.public_key for one in store.earlier("shop", "correct horse")]

    assert earlier == keys[:2]
    assert store.earlier("shop", "another") == ()
    assert store.show("shop").public_key == keys[2]
