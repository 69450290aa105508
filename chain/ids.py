"""Ids as people see them: bech32m text with a prefix that says what is named (BIP-350).

`acct1...` is an account, `ctr1...` a contract, `ast1...` an asset, `bkg1...` a booking: 32 bytes in
52 letters and a checksum that finds any four wrong letters. Transaction ids are 64 hex digits
instead.
"""

from chain.errors import MalformedBytesError

TEXT_LENGTH_MAX = 90
_LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_VALUES = {letter: value for value, letter in enumerate(_LETTERS)}
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_BECH32M = 0x2BC830A3
_CHECKSUM_LENGTH = 6
_ID_BYTES = 32
_FIVE_BITS = 5
_PRINTABLE = (33, 126)  # ASCII codes of what may stand in a prefix


def encode_id(prefix: str, value: bytes) -> str:
    """Return the text of a 32-byte id; `prefix` is one to ten lower-case letters."""
    assert len(value) == _ID_BYTES, value
    assert prefix.isascii(), prefix
    assert prefix.islower(), prefix
    return encode_bech32m(prefix, value)


def encode_bech32m(prefix: str, value: bytes) -> str:
    """Return any bytes as bech32m text (BIP-350); one that is to be read has at most 90 letters."""
    words = _regroup(value, 8, _FIVE_BITS, pad=True)
    words += _checksum(prefix, words)
    return prefix + "1" + "".join(_LETTERS[word] for word in words)


def decode_id(text: str, prefix: str) -> bytes:
    """Return the 32 bytes that `text` names; raises MalformedBytesError saying what is wrong."""
    found, words = decode_bech32m(text)
    if found != prefix:
        _refuse(text, f"begins with {found!r}, expected {prefix!r}")
    value = bytes(_regroup(bytes(words), _FIVE_BITS, 8, pad=False))
    if len(value) != _ID_BYTES or encode_id(prefix, value) != text.lower():
        _refuse(text, f"holds {len(value)} whole bytes, expected {_ID_BYTES}")
    return value


def bytes_of_words(words: list[int]) -> bytes:
    """Return the whole bytes in 5-bit words, or b"" where what is left over is not nothing."""
    rest = len(words) * _FIVE_BITS % 8
    if rest >= _FIVE_BITS or (words and words[-1] & (1 << rest) - 1):
        return b""
    return bytes(_regroup(bytes(words), _FIVE_BITS, 8, pad=False))


def first_bytes(letters: str) -> bytes:
    """Return the bytes that an id begins with whose text begins so, behind its prefix and the 1.

    As many as the letters say for certain; raises MalformedBytesError for a letter of no id.
    """
    if any(letter not in _VALUES for letter in letters):
        _refuse(letters, "has letters that no id has")
    bits = 0
    for letter in letters:
        bits = bits << _FIVE_BITS | _VALUES[letter]
    whole, rest = divmod(len(letters) * _FIVE_BITS, 8)
    return (bits >> rest).to_bytes(whole, "big")


def decode_bech32m(text: str) -> tuple[str, list[int]]:
    """Return (prefix, 5-bit words without the checksum) of any bech32m text (BIP-350)."""
    if len(text) > TEXT_LENGTH_MAX:
        _refuse(text, f"is {len(text)} letters long, at most {TEXT_LENGTH_MAX} are allowed")
    if text not in {text.lower(), text.upper()}:
        _refuse(text, "mixes small and capital letters")
    prefix, one, tail = text.lower().rpartition("1")
    low, high = _PRINTABLE
    if not one or not prefix or not all(low <= ord(letter) <= high for letter in prefix):
        _refuse(text, "has no prefix before a 1")
    if len(tail) < _CHECKSUM_LENGTH or any(letter not in _VALUES for letter in tail):
        _refuse(text, "has letters that no id has, or too few")
    words = [_VALUES[letter] for letter in tail]
    if _polymod(_expand(prefix) + words) != _BECH32M:
        _refuse(text, "has a wrong checksum: a letter is mistyped")
    return prefix, words[:-_CHECKSUM_LENGTH]


def _refuse(text: str, why: str) -> None:
    message = f"id {text[:TEXT_LENGTH_MAX]!r} {why}"
    raise MalformedBytesError(message)


def _expand(prefix: str) -> list[int]:
    codes = [ord(letter) for letter in prefix]
    return [code >> _FIVE_BITS for code in codes] + [0] + [code & 31 for code in codes]


def _checksum(prefix: str, words: list[int]) -> list[int]:
    rest = _polymod(_expand(prefix) + words + [0] * _CHECKSUM_LENGTH) ^ _BECH32M
    return [rest >> 5 * (_CHECKSUM_LENGTH - 1 - place) & 31 for place in range(_CHECKSUM_LENGTH)]


def _polymod(words: list[int]) -> int:
    rest = 1
    for word in words:
        top = rest >> 25
        rest = (rest & 0x1FFFFFF) << 5 ^ word
        for place, value in enumerate(_GENERATOR):
            if top >> place & 1:
                rest ^= value
    return rest


def _regroup(data: bytes, source: int, target: int, *, pad: bool) -> list[int]:
    """Turn groups of `source` bits into groups of `target` bits, first bits first."""
    held = bits = 0
    groups: list[int] = []
    for value in data:
        held = held << source | value
        bits += source
        while bits >= target:
            bits -= target
            groups.append(held >> bits & (1 << target) - 1)
    if pad and bits:
        groups.append(held << target - bits & (1 << target) - 1)
    return groups
