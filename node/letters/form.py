"""What letters are as bytes: public ones, and those that the two sides alone can open. Pure.

    public  = 1 || salt (16) || UTF-8
    pictured = 4 || salt (16) || bytes of text (2) || UTF-8 || JPEG, and text may be none
    sealed  = 2 || box (80) || box (80) || nonce (24) || XChaCha20-Poly1305(key, nonce, padded,
              associated)
    several = 3 || how many boxes (1) || boxes || nonce (24) || the same
    padded  = UTF-8 || 0x80 || zeros, up to a multiple of 256
    associated = "washnode letter 1" || sender (32) || receiver (32) || role (1: message, 2: answer)
    box     = the key in a sealed box, for the key of the receiver and for that of the sender;
              several: for those of a receiver who reads with more than one, then of the sender
    name    = tagged hash "letter" of the bytes: the fingerprint that the chain has

The salt keeps a text that was taken back from being guessed by its fingerprint. Sender and receiver
are those of the message, in its answer as well, so that nobody shows a letter as another one.
"""

import secrets
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum

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
)
from chain.errors import WashError
from node.letters.picture import PICTURE_BYTES_MAX, PictureError, check_picture

LETTER_BYTES_MAX = 16 * 1024
PICTURED_BYTES_MAX = LETTER_BYTES_MAX + PICTURE_BYTES_MAX
TEXT_LETTERS_MAX = 500  # of a review and its answer, as their rules have it
MESSAGE_LETTERS_MAX = 2_000
SALT_BYTES = 16
_SIZE_BYTES = 2
_PICTURED_HEAD = 1 + SALT_BYTES + _SIZE_BYTES
Chance = Callable[[int], bytes]
KEYS_MAX = 10  # that one letter is sealed for
_PUBLIC, _SEALED, _SEVERAL, _PICTURED = 1, 2, 3, 4
_TWO = 2
_ASSOCIATED = b"washnode letter 1"
_BOX_BYTES = KEY_BYTES + BOX_EXTRA_BYTES
_PAD_BYTES = 256
_END = b"\x80"


class LetterError(WashError):
    """Bytes that are no letter, or a text that none can hold."""

    code = 1020


class Role(IntEnum):
    """Which of the two letters of a message."""

    MESSAGE = 1
    ANSWER = 2


@dataclass(frozen=True, slots=True)
class Between:
    """Whose letter it is: of a message or of its answer."""

    sender: bytes
    receiver: bytes
    role: Role

    def associated(self) -> bytes:
        """Return the bytes that are authenticated together with the text."""
        return _ASSOCIATED + self.sender + self.receiver + bytes([self.role])


def letter_name(letter: bytes) -> bytes:
    """Return the fingerprint by which the chain knows a letter."""
    return hash_bytes("letter", letter)


def write_public(text: str, salt: bytes | None = None, picture: bytes | None = None) -> bytes:
    """Return what everybody may see as a letter: a text, a picture, or both. Raises LetterError."""
    fresh = secrets.token_bytes(SALT_BYTES) if salt is None else salt
    if picture is None:
        return bytes([_PUBLIC]) + fresh + _encode(text, TEXT_LETTERS_MAX)
    words = _encode(text, TEXT_LETTERS_MAX) if text else b""
    letter = bytes([_PICTURED]) + fresh + len(words).to_bytes(_SIZE_BYTES, "big") + words + picture
    read_public(letter)
    return letter


def read_public(letter: bytes) -> str:
    """Return the text of a public letter, empty beside a picture. Raises LetterError."""
    picture = read_picture(letter)
    if picture is not None:
        words = letter[_PICTURED_HEAD : len(letter) - len(picture)]
        return _decode(words, TEXT_LETTERS_MAX) if words else ""
    if letter[:1] != bytes([_PUBLIC]) or len(letter) > LETTER_BYTES_MAX:
        raise LetterError("this is no letter that everybody may read")
    return _decode(letter[1 + SALT_BYTES :], TEXT_LETTERS_MAX)


def read_picture(letter: bytes) -> bytes | None:
    """Return the picture of a public letter, None if it has none. Raises LetterError."""
    if letter[:1] != bytes([_PICTURED]):
        return None
    size = int.from_bytes(letter[1 + SALT_BYTES : _PICTURED_HEAD], "big")
    picture = letter[_PICTURED_HEAD + size :]
    try:
        check_picture(picture)
    except PictureError as error:
        raise LetterError(str(error)) from error
    return picture


def check_sealed(letter: bytes) -> None:
    """Raise LetterError unless bytes have the form of a sealed letter; nobody opens it for that."""
    _boxes_end(letter)


def _boxes_end(letter: bytes) -> tuple[int, int]:
    """Return where the boxes of a sealed letter begin and end. Raises LetterError."""
    kind = letter[:1]
    first, count = (1, _TWO) if kind == bytes([_SEALED]) else (2, int.from_bytes(letter[1:2]))
    is_known = kind == bytes([_SEALED]) or (
        kind == bytes([_SEVERAL]) and _TWO < count <= KEYS_MAX  # two have one form only
    )
    end = first + count * _BOX_BYTES
    sealed = len(letter) - end - SEAL_NONCE_BYTES - SEAL_TAG_BYTES
    is_padded = sealed > 0 and sealed % _PAD_BYTES == 0
    if not is_known or not is_padded or len(letter) > LETTER_BYTES_MAX:
        raise LetterError("this is no sealed letter")
    return first, end


def seal_letter(
    text: str, between: Between, keys: Sequence[bytes], chance: Chance = secrets.token_bytes
) -> bytes:
    """Return a text that two sides alone can open; `keys` are the receiver's, then the sender's.

    Raises LetterError.
    """
    if not _TWO <= len(keys) <= KEYS_MAX:
        told = f"a letter is sealed for 2 to {KEYS_MAX} keys, and not for {len(keys)}"
        raise LetterError(told)
    ended = _encode(text, MESSAGE_LETTERS_MAX) + _END
    padded = ended + bytes(-len(ended) % _PAD_BYTES)
    key, nonce = chance(KEY_BYTES), chance(SEAL_NONCE_BYTES)
    boxes = [seal_box(one, key, ephemeral=chance(KEY_BYTES)) for one in keys]
    if None in boxes:
        raise LetterError("one of them has no key that anything can be sealed for")
    sealed = seal_bytes(padded, between.associated(), key=key, nonce=nonce)
    head = bytes([_SEALED]) if len(keys) == _TWO else bytes([_SEVERAL, len(keys)])
    return head + b"".join(one or b"" for one in boxes) + nonce + sealed


def open_letter(letter: bytes, between: Between, signer: Signer) -> str:
    """Return the text of a sealed letter, by a key of either side. Raises LetterError."""
    first, end = _boxes_end(letter)
    nonce, sealed = letter[end : end + SEAL_NONCE_BYTES], letter[end + SEAL_NONCE_BYTES :]
    for at in range(first, end, _BOX_BYTES):
        key = signer.open_box(letter[at : at + _BOX_BYTES])
        if key is None or len(key) != KEY_BYTES:
            continue
        padded = open_bytes(sealed, between.associated(), key=key, nonce=nonce)
        text, ended, zeros = (padded or b"").rpartition(_END)
        if ended and not zeros.strip(b"\0"):
            return _decode(text, MESSAGE_LETTERS_MAX)
    raise LetterError("this letter is between others, or some of it was changed")


def _encode(text: str, letters_max: int) -> bytes:
    _check(text, letters_max)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise LetterError("half of a letter is no text") from error


def _decode(data: bytes, letters_max: int) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise LetterError("a letter is UTF-8") from error
    _check(text, letters_max)
    return text


def _check(text: str, letters_max: int) -> None:
    if not 1 <= len(text) <= letters_max:
        told = f"a text here has 1 to {letters_max} letters, and this one {len(text)}"
        raise LetterError(told)
    strange = next((one for one in text if one != "\n" and unicodedata.category(one) == "Cc"), None)
    if strange is not None:
        told = f"a text has no control characters, and this one has U+{ord(strange):04X}"
        raise LetterError(told)
