"""Details sealed under a record's key, and that key wrapped for those who may open them. Pure.

    blob     = 1 || nonce (24) || XChaCha20-Poly1305(key, nonce, padded, associated)
    padded   = form (1: JSON, 2: bytes) || content || 0x80 || zeros, up to a multiple of 256
    associated = "washnode details 1" || owner (32) || kind (1) || epoch (4)
    name     = SHA-256(owner || SHA-256(blob))
    wrapped  = sealed box of the key for the Ed25519 key of an account (80)

Chance is an argument everywhere; the caller brings fresh bytes. The epoch is the owner's number on
the chain, which grows whenever somebody is shut out. So a blob can be taken for no other owner's,
kind's or time's.
"""

import json
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chain.crypto import (
    BOX_EXTRA_BYTES,
    KEY_BYTES,
    SEAL_NONCE_BYTES,
    SEAL_TAG_BYTES,
    Signer,
    hash_bytes,
    open_bytes,
    seal_box,
    seal_bytes,
    sha256,
)
from chain.errors import WashError

BLOB_BYTES_MAX = 2 * 1024 * 1024  # as the contract has it
DETAILS_BYTES_MAX = 64 * 1024
WRAPPED_BYTES = KEY_BYTES + BOX_EXTRA_BYTES
PAD_BYTES = 256  # lengths tell less than that
_VERSION = b"\x01"
_ASSOCIATED = b"washnode details 1"
_END = b"\x80"
_JSON, _BYTES = b"\x01", b"\x02"
_HEAD_BYTES = 1 + SEAL_NONCE_BYTES
_OVERHEAD_BYTES = _HEAD_BYTES + SEAL_TAG_BYTES + PAD_BYTES
CONTENT_BYTES_MAX = BLOB_BYTES_MAX - _OVERHEAD_BYTES - 2


class SealingError(WashError):
    """Details that can not be sealed, or a blob that this key does not open."""

    code = 1020


@dataclass(frozen=True, slots=True)
class Place:
    """What a blob is of: whose, of which kind (number of the contract), under which epoch."""

    owner: bytes
    kind: int
    epoch: int

    def associated(self) -> bytes:
        """Return the bytes that are authenticated together with the details."""
        return _ASSOCIATED + self.owner + bytes([self.kind]) + self.epoch.to_bytes(4, "big")


@dataclass(frozen=True, slots=True)
class Wrapped:
    """A blob's key, sealed for one account."""

    blob: bytes
    account: bytes
    sealed: bytes


def fresh_key() -> bytes:
    """Return a new record key: 32 bytes of chance."""
    return secrets.token_bytes(KEY_BYTES)


def fresh_nonce() -> bytes:
    """Return a new nonce for one sealing: 24 bytes of chance."""
    return secrets.token_bytes(SEAL_NONCE_BYTES)


def seal_details(details: dict[str, Any], place: Place, *, key: bytes, nonce: bytes) -> bytes:
    """Return details as a blob. Raises SealingError if they are no JSON or longer than 64 KiB."""
    try:
        text = json.dumps(
            details, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
        )
        content = text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise SealingError(f"details are a JSON object: {error}") from error
    if len(content) > DETAILS_BYTES_MAX:
        text = f"details have {len(content)} bytes, at most {DETAILS_BYTES_MAX} are sealed"
        raise SealingError(text)
    return _seal(_JSON + content, place, key, nonce)


def seal_content(content: bytes, place: Place, *, key: bytes, nonce: bytes) -> bytes:
    """Return bytes, as of a photo, as a blob. Raises SealingError if it would exceed 2 MB."""
    if len(content) > CONTENT_BYTES_MAX:
        text = f"{len(content)} bytes, at most {CONTENT_BYTES_MAX} are sealed in one blob"
        raise SealingError(text)
    return _seal(_BYTES + content, place, key, nonce)


def _seal(content: bytes, place: Place, key: bytes, nonce: bytes) -> bytes:
    ended = content + _END
    padded = ended + bytes(-len(ended) % PAD_BYTES)
    return _VERSION + nonce + seal_bytes(padded, place.associated(), key=key, nonce=nonce)


def open_blob(blob: bytes, place: Place, *, key: bytes) -> dict[str, Any] | bytes:
    """Return the details, or the bytes, in a blob.

    Raises SealingError: another key or place, or bytes were changed.
    """
    nonce, sealed = blob[1:_HEAD_BYTES], blob[_HEAD_BYTES:]
    padded = None
    if blob[:1] == _VERSION and len(nonce) == SEAL_NONCE_BYTES and len(key) == KEY_BYTES:
        padded = open_bytes(sealed, place.associated(), key=key, nonce=nonce)
    content, end, zeros = (padded or b"").rpartition(_END)
    if not end or zeros.strip(b"\0") or not content:
        raise SealingError("this blob is not of this place, or not under this key")
    if content[:1] == _BYTES:
        return content[1:]
    details = json.loads(content[1:])
    if not isinstance(details, dict):
        raise SealingError("details are a JSON object")
    return details


def blob_name(owner: bytes, blob: bytes) -> bytes:
    """Return the name of a blob: it binds the owner, so that nobody else can enter it as theirs."""
    return sha256(owner + sha256(blob))


def wrap_key(key: bytes, recipient: bytes, *, ephemeral: bytes) -> bytes:
    """Return a record's key sealed for an Ed25519 key; `ephemeral` are 32 fresh bytes."""
    sealed = seal_box(recipient, key, ephemeral=ephemeral)
    if sealed is None:
        raise SealingError(f"{recipient.hex()} is no key that anything can be sealed for")
    return sealed


def unwrap_key(sealed: bytes, signer: Signer) -> bytes:
    """Return the record's key in a wrapped one. Raises SealingError if it is not for this key."""
    key = signer.open_box(sealed)
    if key is None or len(key) != KEY_BYTES:
        raise SealingError("the key of these details is not wrapped for this account's key")
    return key


def keys_hash(keys: Iterable[Wrapped]) -> bytes:
    """Return the hash by which the chain knows a set of wrapped keys, in whatever order."""
    parts = sorted(one.blob + one.account + one.sealed for one in keys)
    return hash_bytes("wrapped-keys", b"".join(parts))
