"""Key exchange against RFC 7748, and streams against libsodium's own beginning of one."""

import nacl.bindings

from chain.crypto import (
    STREAM_EXTRA_BYTES,
    STREAM_HEADER_BYTES,
    StreamOpener,
    StreamSealer,
    exchange_key,
    shared_secret,
)

# RFC 7748, 6.1.
ALICE = bytes.fromhex("77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a")
BOB = bytes.fromhex("5dab087e624a8a4b79e17f8b83800ee66f3bb1292618b6fd1c2f8b27ff88e0eb")
ALICE_PUBLIC = "8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a"
BOB_PUBLIC = "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f"
SHARED = "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742"


def test_keys_are_exchanged_as_in_rfc_7748() -> None:
    alice, bob = exchange_key(ALICE), exchange_key(BOB)

    assert (alice.hex(), bob.hex()) == (ALICE_PUBLIC, BOB_PUBLIC)
    assert shared_secret(ALICE, bob) == shared_secret(BOB, alice) == bytes.fromhex(SHARED)
    assert shared_secret(ALICE, bytes(32)) is None


def test_a_stream_begins_as_libsodium_begins_one() -> None:
    key = bytes(range(32))
    theirs = nacl.bindings.crypto_secretstream_xchacha20poly1305_state()
    header = nacl.bindings.crypto_secretstream_xchacha20poly1305_init_push(theirs, key)
    parts = [b"", b"first", bytes(70_000)]

    ours = StreamSealer(key, header)
    sealed = [ours.seal(part) for part in parts]

    assert sealed == [
        nacl.bindings.crypto_secretstream_xchacha20poly1305_push(theirs, part) for part in parts
    ]
    opener = StreamOpener(key, header)
    assert [opener.open(part) for part in sealed] == parts
    assert [len(part) for part in sealed] == [len(part) + STREAM_EXTRA_BYTES for part in parts]
    assert len(header) == STREAM_HEADER_BYTES


def test_a_part_that_does_not_open_leaves_the_stream_as_it_was() -> None:
    sealer, opener = StreamSealer(bytes(32), bytes(24)), StreamOpener(bytes(32), bytes(24))
    sealed = sealer.seal(b"part")

    answers = [opener.open(one) for one in (b"", sealed[:-1], b"\x00" + sealed[1:], sealed)]

    assert answers == [None, None, None, b"part"]


def test_parts_with_a_mark_that_nobody_sets_are_refused() -> None:
    state = nacl.bindings.crypto_secretstream_xchacha20poly1305_state()
    header = nacl.bindings.crypto_secretstream_xchacha20poly1305_init_push(state, bytes(32))
    final = nacl.bindings.crypto_secretstream_xchacha20poly1305_TAG_FINAL

    marked = nacl.bindings.crypto_secretstream_xchacha20poly1305_push(state, b"x", None, final)

    assert StreamOpener(bytes(32), header).open(marked) is None
