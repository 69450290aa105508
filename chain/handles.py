"""A vehicle's secrets, and the handles under which its service records stand on the chain.

The owner's wallet draws 32 random bytes, the vehicle's secret. The chain knows a commitment to it.
The i-th entry made with that secret stands under `handle(secret, i)`, i from 0 without gaps; who
lacks the secret can not tell two handles of one vehicle from those of two. The last entry of a
secret commits the next one. Who is told the secrets finds every entry, and knows from the missing
next handle that there is no more.

Nothing here runs on the chain: to the contract all of it is opaque. Wallets, passports and their
verifiers must agree on it.
"""

from collections.abc import Callable

from chain.crypto import HASH_BYTES, hash_bytes, hmac_sha256

SECRET_BYTES = 32
SALT_BYTES = 32
ENTRIES_MAX = 2**32  # of one secret: its place is a u32
_PLACE_BYTES = 4
_VIN_LETTERS = 17  # ISO 3779


def commitment(secret: bytes) -> bytes:
    """Return what the chain is told of a secret: it binds to the secret and does not show it."""
    return hash_bytes("vehicle-secret", _checked(secret, SECRET_BYTES))


def handle(secret: bytes, place: int) -> bytes:
    """Return the key of entry number `place` (from 0) of a secret."""
    return hash_bytes("vehicle-handle", _placed(secret, place))


def mark(secret: bytes, place: int, record: bytes) -> bytes:
    """Return the owner's mark on a record that is entered under `handle(secret, place)`.

    Somebody who sees a handle on its way to the chain can use it first, for a record of their own.
    Without the secret they can not mark it, so that whoever reads with the secret knows it for
    strange.
    """
    return hash_bytes("vehicle-mark", _placed(secret, place) + _checked(record, HASH_BYTES))


def vin_commitment(salt: bytes, vin: str) -> bytes:
    """Return HMAC-SHA-256 of a VIN under a salt that the owner keeps.

    Small letters count as capitals and blanks do not count. The salt makes it safe: there are too
    few VINs for a plain hash to hide one.
    """
    letters = "".join(vin.split()).upper()
    if len(letters) != _VIN_LETTERS or not letters.isascii() or not letters.isalnum():
        text = f"a VIN has {_VIN_LETTERS} letters and digits, not {vin!r}"
        raise ValueError(text)
    return hmac_sha256(_checked(salt, SALT_BYTES), letters.encode())


def next_place(secret: bytes, is_used: Callable[[bytes], bool], *, first: int = 0) -> int:
    """Return the lowest place from `first` on whose handle is not used yet."""
    return next(place for place in range(first, ENTRIES_MAX) if not is_used(handle(secret, place)))


def _placed(secret: bytes, place: int) -> bytes:
    return _checked(secret, SECRET_BYTES) + place.to_bytes(_PLACE_BYTES, "big")


def _checked(value: bytes, length: int) -> bytes:
    if len(value) != length:
        text = f"{len(value)} bytes, expected {length}"
        raise ValueError(text)
    return value
