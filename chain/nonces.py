"""Replay protection: one sliding window of used nonces per key (as in DTLS, RFC 9147, 4.5.1).

Any unused nonce from 256 below the next one to 1,024 above the highest seen is good, once. There is
no gap to fill and no queue to get stuck. Windows outlive their keys, so a key that comes back
continues.
"""

from chain.errors import NonceStaleError, NonceTooFarError, NonceUsedError
from chain.state import Space, State
from chain.types import NONCE_JUMP_MAX, NONCE_WINDOW

_PREFIX = bytes([Space.NONCES])
_MASK = (1 << NONCE_WINDOW) - 1
_BITMAP_BYTES = NONCE_WINDOW // 8


def take_nonce(state: State, account: bytes, key: bytes, nonce: int) -> None:
    """Use up `nonce` of a key, or raise NonceUsedError, NonceStaleError or NonceTooFarError.

    Stored: 8 bytes `following` (highest seen plus one) and 32 bytes whose bit i tells whether nonce
    `following - 1 - i` is used.
    """
    place = _PREFIX + account + key
    data = state.get(place)
    if data is None:
        following, bitmap = 0, 0
    else:
        following = int.from_bytes(data[:8], "big")
        bitmap = int.from_bytes(data[8:], "big")
    ahead = nonce - following
    if ahead >= 0:
        if ahead >= NONCE_JUMP_MAX:
            raise NonceTooFarError(highest=following + NONCE_JUMP_MAX - 1, found=nonce)
        bitmap = (bitmap << (ahead + 1) | 1) & _MASK
        following = nonce + 1
    else:
        if -ahead > NONCE_WINDOW:
            raise NonceStaleError(lowest=following - NONCE_WINDOW, found=nonce)
        bit = 1 << (-ahead - 1)
        if bitmap & bit:
            raise NonceUsedError(nonce)
        bitmap |= bit
    state.put(place, following.to_bytes(8, "big") + bitmap.to_bytes(_BITMAP_BYTES, "big"))


def find_nonce(state: State, account: bytes, key: bytes, nonce: int) -> bool | None:
    """Tell whether a nonce of a key is used; None for one too old to be remembered."""
    data = state.get(_PREFIX + account + key)
    following = 0 if data is None else int.from_bytes(data[:8], "big")
    if data is None or nonce >= following:
        return False
    behind = following - nonce
    if behind > NONCE_WINDOW:
        return None
    return bool(int.from_bytes(data[8:], "big") & 1 << (behind - 1))


def next_nonce(state: State, account: bytes, key: bytes) -> int:
    """Return the lowest nonce above all that this key has used."""
    data = state.get(_PREFIX + account + key)
    return 0 if data is None else int.from_bytes(data[:8], "big")
