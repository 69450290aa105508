"""Signatures, hashes, sealed secrets, boxes and streams: the only door to libsodium.

Ed25519 (RFC 8032) with libsodium's acceptance rules: it refuses small-order keys and points and
non-canonical encodings. Other libraries accept some of those, and two validators that disagree on
one signature split the chain, so every check in the project goes through `verify_signature`.
"""

import hashlib
import hmac
from dataclasses import dataclass

import nacl.bindings
import nacl.exceptions

KEY_BYTES = 32
SIGNATURE_BYTES = 64
HASH_BYTES = 32
SALT_BYTES = 16
SEAL_NONCE_BYTES = 24
SEAL_TAG_BYTES = 16  # a sealed secret is this much longer than the secret
STREAM_HEADER_BYTES = 24
STREAM_EXTRA_BYTES = 17  # a sealed part of a stream is this much longer than the part
BOX_EXTRA_BYTES = 48  # a sealed box is this much longer than what is in it
_BOX_NONCE_BYTES = 24

_open_signed = nacl.bindings.crypto_sign_open
_sign_message = nacl.bindings.crypto_sign


def public_key(seed: bytes) -> bytes:
    """Return the 32-byte Ed25519 public key of a 32-byte seed (RFC 8032, 5.1.5)."""
    return nacl.bindings.crypto_sign_seed_keypair(seed)[0]


class Signer:
    """A key pair that signs many messages: the seed is expanded once."""

    __slots__ = ("_secret", "public_key")

    def __init__(self, seed: bytes) -> None:
        """Expand a 32-byte `seed`."""
        self.public_key, self._secret = nacl.bindings.crypto_sign_seed_keypair(seed)

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message` (deterministic, RFC 8032)."""
        return _sign_message(message, self._secret)[:SIGNATURE_BYTES]

    def open_box(self, sealed: bytes) -> bytes | None:
        """Return what `seal_box` sealed for this key, or None: for another, or bytes changed."""
        secret = nacl.bindings.crypto_sign_ed25519_sk_to_curve25519(self._secret)
        public = nacl.bindings.crypto_scalarmult_base(secret)
        if len(sealed) < BOX_EXTRA_BYTES:
            return None
        try:
            return nacl.bindings.crypto_box_seal_open(sealed, public, secret)
        except nacl.exceptions.CryptoError:
            return None


def sign(seed: bytes, message: bytes) -> bytes:
    """Return the 64-byte Ed25519 signature of `message` under a 32-byte `seed`."""
    return Signer(seed).sign(message)


def verify_signature(public_key: bytes, message: bytes, signature: bytes) -> bool:
    """Tell whether a signature is the key's over `message`; never raises, whatever the lengths."""
    if len(signature) != SIGNATURE_BYTES or len(public_key) != KEY_BYTES:
        return False
    try:
        _open_signed(signature + message, public_key)
    except nacl.exceptions.BadSignatureError:
        return False
    return True


_MIDSTATES: dict[str, "hashlib._Hash"] = {}


def hash_bytes(tag: str, data: bytes) -> bytes:
    """Return SHA-256(SHA-256(tag) || SHA-256(tag) || data), 32 bytes (tagged hash of BIP-340).

    The tag keeps hashes of different kinds of data apart. The 64-byte prefix fills one SHA-256
    block, whose midstate is kept, so the tag costs nothing.
    """
    midstate = _MIDSTATES.get(tag)
    if midstate is None:
        prefix = hashlib.sha256(b"washnode/" + tag.encode()).digest()
        midstate = _MIDSTATES[tag] = hashlib.sha256(prefix + prefix)
    state = midstate.copy()
    state.update(data)
    return state.digest()


def sha256(data: bytes) -> bytes:
    """Return plain SHA-256 of `data`, 32 bytes (FIPS 180-4)."""
    return hashlib.sha256(data).digest()


def hmac_sha256(key: bytes, data: bytes) -> bytes:
    """Return HMAC-SHA-256 of `data` under `key`, 32 bytes (RFC 2104)."""
    return hmac.digest(key, data, "sha256")


@dataclass(frozen=True, slots=True)
class PassphraseCost:
    """What one try of a passphrase costs: `passes` over `memory_bytes` (RFC 9106)."""

    passes: int
    memory_bytes: int


COST_MIN = PassphraseCost(1, 8_192)  # libsodium's least; for tests


def seal_secret(
    secret: bytes, passphrase: bytes, *, salt: bytes, nonce: bytes, cost: PassphraseCost
) -> bytes:
    """Return `secret` encrypted and authenticated under a passphrase.

    Argon2id makes the key, XSalsa20-Poly1305 seals. The caller brings a fresh `salt` and `nonce`.
    Raises MemoryError if the machine lacks the memory that `cost` asks for.
    """
    key = _stretch(passphrase, salt, cost)
    return nacl.bindings.crypto_secretbox(secret, nonce, key)


def open_secret(
    sealed: bytes, passphrase: bytes, *, salt: bytes, nonce: bytes, cost: PassphraseCost
) -> bytes | None:
    """Return what `seal_secret` sealed, or None: another passphrase, or bytes were changed."""
    key = _stretch(passphrase, salt, cost)
    try:
        return nacl.bindings.crypto_secretbox_open(sealed, nonce, key)
    except nacl.exceptions.CryptoError:
        return None


def _stretch(passphrase: bytes, salt: bytes, cost: PassphraseCost) -> bytes:
    try:
        return nacl.bindings.crypto_pwhash_alg(
            nacl.bindings.crypto_secretbox_KEYBYTES,
            passphrase,
            salt,
            cost.passes,
            cost.memory_bytes,
            nacl.bindings.crypto_pwhash_ALG_ARGON2ID13,
        )
    except nacl.exceptions.RuntimeError as error:  # libsodium's only reason at run time
        text = f"a passphrase needs {cost.memory_bytes} bytes of free memory to be checked"
        raise MemoryError(text) from error


def exchange_key(secret: bytes) -> bytes:
    """Return the 32-byte X25519 public key of a 32-byte secret (RFC 7748, 5)."""
    return nacl.bindings.crypto_scalarmult_base(secret)


def shared_secret(secret: bytes, public_key: bytes) -> bytes | None:
    """Return the 32 bytes that two X25519 keys share, or None if the public key is of low order.

    With such a key the result would be all zero, whatever the secret (RFC 7748, 6.1).
    """
    try:
        return nacl.bindings.crypto_scalarmult(secret, public_key)
    except nacl.exceptions.RuntimeError:  # libsodium's only reason
        return None


def seal_box(public_key: bytes, message: bytes, *, ephemeral: bytes) -> bytes | None:
    """Return `message` sealed so that only the owner of an Ed25519 key opens it; None: a bad key.

    A sealed box of libsodium for the X25519 key that belongs to `public_key`. The caller brings 32
    fresh bytes, `ephemeral`, and forgets them: nobody can tell who sealed, nor open it again
    without the key.
    """
    try:
        recipient = nacl.bindings.crypto_sign_ed25519_pk_to_curve25519(public_key)
    except (nacl.exceptions.RuntimeError, nacl.exceptions.ValueError):
        return None
    sender = nacl.bindings.crypto_scalarmult_base(ephemeral)
    nonce = hashlib.blake2b(sender + recipient, digest_size=_BOX_NONCE_BYTES).digest()
    return sender + nacl.bindings.crypto_box(message, nonce, recipient, ephemeral)


def seal_bytes(message: bytes, associated: bytes, *, key: bytes, nonce: bytes) -> bytes:
    """Return `message` encrypted and, with `associated`, authenticated: XChaCha20-Poly1305.

    The caller brings a 32-byte key and a fresh 24-byte nonce.
    """
    return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_encrypt(message, associated, nonce, key)


def open_bytes(sealed: bytes, associated: bytes, *, key: bytes, nonce: bytes) -> bytes | None:
    """Return what `seal_bytes` sealed, or None if key, nonce or any byte is another."""
    if len(sealed) < SEAL_TAG_BYTES:
        return None
    try:
        return nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(
            sealed, associated, nonce, key
        )
    except nacl.exceptions.CryptoError:
        return None


class StreamSealer:
    """Seals the parts of one stream: XChaCha20-Poly1305 under a key that changes with each part.

    A part opens only after all parts before it, in order (libsodium's secretstream). A key must be
    used for one stream only.
    """

    __slots__ = ("_state",)

    def __init__(self, key: bytes, header: bytes) -> None:
        """Begin a stream under a fresh 32-byte `key`; the 24-byte `header` goes to the reader."""
        self._state = nacl.bindings.crypto_secretstream_xchacha20poly1305_state()
        # Sealing and opening begin in the same state; libsodium's call for the sealing side differs
        # only in that it draws the header itself. Here chance is an argument.
        nacl.bindings.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, key)

    def seal(self, part: bytes) -> bytes:
        """Return the next part, sealed."""
        return nacl.bindings.crypto_secretstream_xchacha20poly1305_push(self._state, part)


class StreamOpener:
    """Opens what a StreamSealer with the same key and header sealed."""

    __slots__ = ("_state",)

    def __init__(self, key: bytes, header: bytes) -> None:
        """Begin to read a stream: 32-byte `key`, 24-byte `header`."""
        self._state = nacl.bindings.crypto_secretstream_xchacha20poly1305_state()
        nacl.bindings.crypto_secretstream_xchacha20poly1305_init_pull(self._state, header, key)

    def open(self, sealed: bytes) -> bytes | None:
        """Return the next part, or None if it was changed, left out, repeated or moved."""
        if len(sealed) < STREAM_EXTRA_BYTES:
            return None
        try:
            part, tag = nacl.bindings.crypto_secretstream_xchacha20poly1305_pull(
                self._state, sealed
            )
        except nacl.exceptions.CryptoError:  # the state is as it was
            return None
        return part if tag == 0 else None  # no other mark is ever set
