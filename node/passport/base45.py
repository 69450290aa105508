"""Base45 (RFC 9285): bytes as the 45 letters that a QR code packs tightest."""

from chain.errors import MalformedBytesError

LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
_VALUES = {letter: value for value, letter in enumerate(LETTERS)}
_PAIR, _TRIPLE = 2, 3  # letters for a last single byte, and for two bytes


def encode_base45(data: bytes) -> str:
    """Return bytes as text: three letters for two bytes, two for a last single one."""
    text = []
    for start in range(0, len(data), 2):
        part = data[start : start + 2]
        value = int.from_bytes(part, "big")
        for _ in range(_TRIPLE if len(part) > 1 else _PAIR):
            value, rest = divmod(value, 45)
            text.append(LETTERS[rest])
    return "".join(text)


def decode_base45(text: str) -> bytes:
    """Return the bytes of a text, or raise MalformedBytesError."""
    data = bytearray()
    for start in range(0, len(text), _TRIPLE):
        part = text[start : start + _TRIPLE]
        try:
            value = sum(_VALUES[letter] * 45**place for place, letter in enumerate(part))
        except KeyError as error:
            said = f"{error.args[0]!r} is no letter of base45"
            raise MalformedBytesError(said) from None
        length = len(part) - 1
        if not length or value >= 256**length:
            said = f"{part!r} are no letters of base45 for {length} bytes"
            raise MalformedBytesError(said)
        data += value.to_bytes(length, "big")
    return bytes(data)
