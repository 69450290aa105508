"""Recovery phrases: a key's 32 bytes as 24 words that a person can write down (BIP-39).

The words hold the bytes themselves and a checksum of eight bits. BIP-39's other half, stretching
the words into a wallet's seed, is not used: the same words give the same key here and nothing in
another program.
"""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from difflib import get_close_matches
from functools import cache
from typing import Literal, TypeAlias

from mnemonic import Mnemonic

from node.keys.errors import PhraseError, UnknownWordError

Language: TypeAlias = Literal["en", "zh"]
WORD_LISTS: Mapping[Language, str] = {"en": "english", "zh": "chinese_simplified"}
SECRET_WORDS = 24
TEXT_LENGTH_MAX = 4_096
_WORD_BITS = 11
_WORD_LENGTH_MAX = 32  # longer than any word of any list; longer text is not shown back
_NUMBERING = re.compile(r"\d+[.):,]?")


def write_phrase(secret: bytes, language: Language = "en") -> list[str]:
    """Return the words of a secret of 16 to 32 bytes (24 words for 32 bytes)."""
    return _library(WORD_LISTS[language]).to_mnemonic(secret).split()


def spell_words(data: bytes, language: Language = "en") -> list[str]:
    """Return one word for every 11 bits of some bytes, without a checksum.

    They are for comparing by ear, not for keeping. The length is a multiple of 11 bytes.
    """
    count, rest = divmod(8 * len(data), _WORD_BITS)
    assert not rest, len(data)
    words, number = _library(WORD_LISTS[language]).wordlist, int.from_bytes(data, "big")
    places = [number >> _WORD_BITS * (count - 1 - place) for place in range(count)]
    return [words[place & (1 << _WORD_BITS) - 1] for place in places]


def read_phrase(text: str, *, words: int = SECRET_WORDS, language: Language | None = None) -> bytes:
    """Return the secret that a phrase of so many words holds.

    Without a `language` every word list is tried. Numbers between the words are passed over, and
    Chinese needs no spaces. Raises PhraseError naming the first unknown word and its position.
    """
    if len(text) > TEXT_LENGTH_MAX:
        found = f"{len(text)} letters are too many for {words} words"
        raise PhraseError(found)
    found_words = _split(text, words)
    if len(found_words) != words:
        found = f"a recovery phrase has {words} words, these are {len(found_words)}"
        raise PhraseError(found)
    names = _list_names() if language is None else (WORD_LISTS[language],)
    complete = [name for name in names if all(word in _places(name) for word in found_words)]
    if not complete:
        raise _name_the_unknown(found_words, names)
    secrets = {_check([_places(name)[word] for word in found_words]) for name in complete}
    secrets.discard(None)
    match list(secrets):
        case [bytes() as secret]:
            return secret
        case []:
            text = "all words are known but do not belong together: one is wrong, or the order is"
        case _:
            text = "the words mean something in more than one language; say which with --lang"
    raise PhraseError(text)


def _split(text: str, words: int) -> list[str]:
    plain = _normal(text).split()
    found = [word for word in plain if not _NUMBERING.fullmatch(word)]
    letters = "".join(found)
    if len(found) < words == len(letters) and not letters.isascii():
        return list(letters)  # a Chinese word is one character
    return found


def _normal(text: str) -> str:
    return unicodedata.normalize("NFKD", text.lower())


@cache
def _list_names() -> tuple[str, ...]:
    # English and Chinese first: they win when a wrong phrase is equally near to two lists.
    names = sorted(Mnemonic.list_languages())
    return (*WORD_LISTS.values(), *(name for name in names if name not in WORD_LISTS.values()))


@cache
def _library(name: str) -> Mnemonic:
    return Mnemonic(name)


@cache
def _places(name: str) -> dict[str, int]:
    return {_normal(word): place for place, word in enumerate(_library(name).wordlist)}


def _check(places: list[int]) -> bytes | None:
    """Return the secret in these places of a list, or None if the checksum is not its own."""
    joined = 0
    for place in places:
        joined = joined << _WORD_BITS | place
    checksum_bits = len(places) * _WORD_BITS // 33
    secret = (joined >> checksum_bits).to_bytes(checksum_bits * 4, "big")
    checksum = hashlib.sha256(secret).digest()[0] >> 8 - checksum_bits
    return secret if checksum == joined & (1 << checksum_bits) - 1 else None


def _name_the_unknown(words: list[str], names: tuple[str, ...]) -> UnknownWordError:
    places = max((_places(name) for name in names), key=lambda one: sum(w in one for w in words))
    unknown = [at for at, word in enumerate(words) if word not in places]
    first = unknown[0]
    word = words[first][:_WORD_LENGTH_MAX]
    near: list[str] = []
    if len(unknown) == 1:  # eight words of the list fit the checksum, seldom two of them are alike
        known = [places.get(word, 0) for word in words]
        fitting = [
            other
            for other, place in places.items()
            if _check([*known[:first], place, *known[first + 1 :]]) is not None
        ]
        near = get_close_matches(word, fitting, 3, 0.5) or (fitting if len(word) == 1 else [])
    near = near or get_close_matches(word, list(places), 3)
    return UnknownWordError(word, position=first + 1, near=tuple(near))
