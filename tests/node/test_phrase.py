"""A recovery phrase gives the key back, and a mistake in it is told where it is."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mnemonic import Mnemonic

from node.keys.errors import PhraseError, UnknownWordError
from node.keys.phrase import TEXT_LENGTH_MAX, Language, read_phrase, write_phrase

FILE = Path(__file__).parents[1] / "vectors" / "bip39" / "vectors.json"
VECTORS: dict[str, list[tuple[str, str]]] = json.loads(FILE.read_bytes())
SECRET = bytes(range(32))
ENGLISH = Mnemonic("english").wordlist
CHINESE = Mnemonic("chinese_simplified").wordlist


def refusal(text: str, language: Language | None = None) -> PhraseError:
    with pytest.raises(PhraseError) as caught:
        read_phrase(text, language=language)
    return caught.value


@pytest.mark.parametrize(
    ("language", "name"), [("en", "english"), ("zh", "chinese_simplified")], ids=str
)
def test_the_published_phrases_are_ours(language: Language, name: str) -> None:
    vectors = VECTORS[name]

    written = [(entropy, write_phrase(bytes.fromhex(entropy), language)) for entropy, _ in vectors]

    assert written == [(entropy, phrase.split()) for entropy, phrase in vectors]
    assert len(written) == 24


@pytest.mark.parametrize("name", VECTORS)
def test_a_published_phrase_of_any_language_is_read_without_naming_it(name: str) -> None:
    vectors = VECTORS[name]

    read = [read_phrase(phrase, words=len(phrase.split())).hex() for _, phrase in vectors]

    assert read == [entropy for entropy, _ in vectors]


@given(st.binary(min_size=32, max_size=32), st.sampled_from(["en", "zh"]))
def test_every_secret_comes_back(secret: bytes, language: Language) -> None:
    words = write_phrase(secret, language)

    read = read_phrase(" ".join(words), language=language)

    library = Mnemonic({"en": "english", "zh": "chinese_simplified"}[language])
    assert (len(words), read) == (24, secret)
    assert bytes(library.to_entropy(words)) == secret


def test_numbers_capitals_line_ends_and_wide_spaces_do_not_matter() -> None:
    words = write_phrase(SECRET)
    text = "\u3000".join(f"{n}.  {word.upper()}\r\n" for n, word in enumerate(words, 1))

    assert read_phrase(text) == SECRET


def test_chinese_needs_no_spaces() -> None:
    words = write_phrase(SECRET, "zh")

    assert read_phrase("".join(words)) == SECRET


def test_a_mistyped_word_is_told_with_its_place_and_the_word_that_is_meant() -> None:
    words = write_phrase(SECRET)
    meant, words[6] = words[6], words[6][:-1] + "q"

    error = refusal(" ".join(words))

    assert isinstance(error, UnknownWordError)
    assert (error.position, error.word, error.near[0]) == (7, words[6], meant)
    assert str(error) == f"word 7 is unknown: {words[6]!r}; perhaps {' or '.join(error.near)}"


def test_an_unreadable_chinese_word_is_told_with_the_eight_that_fit() -> None:
    words = write_phrase(SECRET, "zh")
    meant, words[23] = words[23], "龘"

    error = refusal("".join(words))

    assert isinstance(error, UnknownWordError)
    assert (error.position, error.word, len(error.near)) == (24, "龘", 8)
    assert meant in error.near


def test_of_two_unknown_words_the_first_is_told() -> None:
    words = write_phrase(SECRET)
    words[2], words[5] = "abandonn", "zzzz"

    error = refusal(" ".join(words))

    assert isinstance(error, UnknownWordError)
    assert (error.position, error.near) == (3, ("abandon", "brand", "bacon"))


def test_known_words_in_a_wrong_order_are_refused() -> None:
    words = write_phrase(SECRET)
    words[0], words[1] = words[1], words[0]

    error = refusal(" ".join(words))

    assert str(error).startswith("all words are known but do not belong together")


def test_words_of_two_languages_are_asked_about() -> None:
    text = "abandon " * 22 + "badge essence"  # good in English and in French, as other secrets

    error = refusal(text)

    assert str(error).endswith("more than one language; say which with --lang")
    assert write_phrase(read_phrase(text, language="en")) == text.split()


def test_characters_of_both_chinese_lists_mean_the_same_in_both() -> None:
    traditional = Mnemonic("chinese_traditional").wordlist

    differing = [pair for pair in zip(CHINESE, traditional, strict=True) if pair[0] in traditional]

    assert {one == other for one, other in differing} == {True}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "a recovery phrase has 24 words, these are 0"),
        ("abandon " * 12, "a recovery phrase has 24 words, these are 12"),
        ("abandon " * 25, "a recovery phrase has 24 words, these are 25"),
        ("a" * (TEXT_LENGTH_MAX + 1), "4097 letters are too many for 24 words"),
    ],
)
def test_another_number_of_words_is_refused(text: str, told: str) -> None:
    error = refusal(text)

    assert str(error) == told


@given(st.one_of(st.text(max_size=300), st.lists(st.sampled_from(ENGLISH + CHINESE)).map(" ".join)))
def test_no_text_is_anything_but_a_phrase_or_refused(text: str) -> None:
    try:
        secret = read_phrase(text)
    except PhraseError:
        return

    assert len(secret) == 32
