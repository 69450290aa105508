"""Letters: public ones and sealed ones as bytes, and what a node keeps of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.crypto import Signer
from node.letters.form import (
    LETTER_BYTES_MAX,
    MESSAGE_LETTERS_MAX,
    TEXT_LETTERS_MAX,
    Between,
    LetterError,
    Role,
    check_sealed,
    letter_name,
    open_letter,
    read_picture,
    read_public,
    seal_letter,
    write_public,
)
from node.letters.picture import PICTURE_BYTES_MAX, SCANS_MAX
from node.letters.readers import KeyBounds, operators_keys, own_keys
from node.letters.store import LetterStore
from node.vault.errors import VaultFullError

ALICE, SHOP, MALLORY = (Signer(bytes([n]) * 32) for n in (1, 2, 3))
BETWEEN = Between(ALICE.public_key, SHOP.public_key, Role.MESSAGE)
KEYS = SHOP.public_key, ALICE.public_key
TEXT = "Scratch at the left door <b>\n划痕 🚗"
ABOUT = b"\x01" + bytes(32)


def test_a_public_letter_is_read_by_everybody() -> None:
    letter = write_public(TEXT)

    assert read_public(letter) == TEXT
    assert letter_name(letter) != letter_name(write_public(TEXT))  # each has its own salt


@pytest.mark.parametrize(
    "text", ["", "x" * (TEXT_LETTERS_MAX + 1), "bell \a", "tab\t", "nul \0", "c1 \x85", "\ud800"]
)
def test_what_no_public_letter_holds(text: str) -> None:
    with pytest.raises(LetterError):
        write_public(text)


def test_five_hundred_of_the_longest_letters_fit() -> None:
    assert read_public(write_public("🚗" * TEXT_LETTERS_MAX)) == "🚗" * TEXT_LETTERS_MAX


@pytest.mark.parametrize("letter", [b"", b"\x01" + bytes(16), b"\x02" * 40,
                                    b"\x01" + bytes(16) + b"\xff"])  # fmt: skip
def test_other_bytes_are_no_public_letter(letter: bytes) -> None:
    with pytest.raises(LetterError):
        read_public(letter)


def part(kind: int, content: bytes) -> bytes:
    return bytes([255, kind]) + (len(content) + 2).to_bytes(2, "big") + content


def jpeg(
    width: int = 40, height: int = 30, beside: bytes = b"", scan: bytes = b"\x12\xff\x00\x34"
) -> bytes:
    """Return bytes with the parts of a JPEG."""
    frame = b"\x08" + height.to_bytes(2, "big") + width.to_bytes(2, "big") + b"\x01\x01\x11\x00"
    head = part(0xDB, bytes(65)) + beside + part(0xC0, frame) + part(0xC4, bytes(20))
    return b"\xff\xd8" + head + part(0xDA, bytes(8)) + scan + b"\xff\xd9"


@pytest.mark.parametrize("text", ["", TEXT])
def test_a_picture_goes_with_a_public_text_or_alone(text: str) -> None:
    letter = write_public(text, picture=jpeg())

    assert (read_public(letter), read_picture(letter)) == (text, jpeg())
    assert read_picture(write_public(TEXT)) is None


@pytest.mark.parametrize(
    ("picture", "why"),
    [
        (b"", "no whole JPEG"),
        (b"\x89PNG" + bytes(40), "no whole JPEG"),
        (jpeg()[:-2], "no whole JPEG"),
        (jpeg()[:40] + b"\xff\xd9", "cut off"),
        (jpeg(beside=part(0xE1, b"Exif")), "0xe1 stands beside"),
        (jpeg(beside=part(0xFE, b"a remark")), "0xfe stands beside"),
        (jpeg(scan=b"\x12" + part(0xE1, b"Exif")), "stands beside"),
        (jpeg(scan=b"\xff\xd9" + jpeg()), "stands beside"),
        (jpeg(scan=b"\x12\xff\xd9<script>"), "stands beside"),
        (jpeg(scan=b"\x12" + part(0xDA, bytes(8)) * SCANS_MAX), "at most 16 scans"),
        (jpeg(width=1_601), "1601 by 30"),
        (jpeg(height=0), "40 by 0"),
        (b"\xff\xd8" + part(0xDA, bytes(8)) + b"\xff\xd9", "0 by 0"),
        (jpeg(scan=bytes(PICTURE_BYTES_MAX)), "at most"),
    ],
)
def test_what_is_no_plain_picture_is_refused(picture: bytes, why: str) -> None:
    with pytest.raises(LetterError, match=why):
        write_public(TEXT, picture=picture)


def test_text_beside_a_picture_is_bounded_like_others() -> None:
    words = "x" * (TEXT_LETTERS_MAX + 1)
    letter = b"\x04" + bytes(16) + len(words).to_bytes(2, "big") + words.encode() + jpeg()

    with pytest.raises(LetterError):
        read_public(letter)
    with pytest.raises(LetterError):
        read_public(b"\x04" + bytes(16) + b"\xff\xff" + jpeg())


@pytest.mark.parametrize("signer", [ALICE, SHOP])
def test_the_two_of_a_message_open_it(signer: Signer) -> None:
    letter = seal_letter(TEXT, BETWEEN, KEYS)

    assert open_letter(letter, BETWEEN, signer) == TEXT


def test_a_receiver_with_several_keys_opens_it_with_each() -> None:
    desk, login = Signer(bytes([4]) * 32), Signer(bytes([5]) * 32)
    keys = [one.public_key for one in (SHOP, desk, login, ALICE)]
    letter = seal_letter(TEXT, BETWEEN, keys)

    assert {open_letter(letter, BETWEEN, one) for one in (SHOP, desk, login, ALICE)} == {TEXT}
    with pytest.raises(LetterError):
        open_letter(letter, BETWEEN, MALLORY)


@pytest.mark.parametrize("count", [0, 1, 11])
def test_a_letter_is_for_two_to_ten_keys(count: int) -> None:
    with pytest.raises(LetterError):
        seal_letter(TEXT, BETWEEN, [SHOP.public_key] * count)


@pytest.mark.parametrize("count", [0, 2, 3, 5, 11, 255])
def test_a_letter_that_tells_another_number_of_boxes_is_none(count: int) -> None:
    good = seal_letter(TEXT, BETWEEN, [*KEYS, *KEYS])

    with pytest.raises(LetterError):
        check_sealed(bytes([3, count]) + good[2:])


def test_an_operator_reads_with_the_accounts_own_key_and_with_those_of_logins() -> None:
    keys = [
        KeyBounds(b"own", has_scopes=False, amounts=(), expires_at=None),
        KeyBounds(b"second", has_scopes=False, amounts=(), expires_at=None),
        KeyBounds(b"login", has_scopes=False, amounts=(0,), expires_at=5),
        KeyBounds(b"over", has_scopes=False, amounts=(0,), expires_at=4),
        KeyBounds(b"spends", has_scopes=False, amounts=(0, 1), expires_at=5),
        KeyBounds(b"scoped", has_scopes=True, amounts=(0,), expires_at=5),
        *[KeyBounds(b"%d" % n, has_scopes=False, amounts=(0,), expires_at=5) for n in range(9)],
    ]

    assert own_keys(keys) == [b"own"]
    assert operators_keys(keys, 4) == [b"own", b"login", b"0", b"1", b"2", b"3", b"4", b"5"]
    assert own_keys(keys[2:]) == []


def test_the_longest_message_fits() -> None:
    check_sealed(seal_letter("🚗" * MESSAGE_LETTERS_MAX, BETWEEN, KEYS))


def test_nobody_else_opens_it_and_nobody_shows_it_as_another() -> None:
    letter = seal_letter(TEXT, BETWEEN, KEYS)
    as_answer = Between(BETWEEN.sender, BETWEEN.receiver, Role.ANSWER)
    of_mallory = Between(MALLORY.public_key, BETWEEN.receiver, Role.MESSAGE)
    changed = letter[:-1] + bytes([letter[-1] ^ 1])

    for bad in ((letter, BETWEEN, MALLORY), (letter, as_answer, SHOP), (letter, of_mallory, SHOP),
                (changed, BETWEEN, SHOP)):  # fmt: skip
        with pytest.raises(LetterError):
            open_letter(*bad)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[LetterStore]:
    made = LetterStore(tmp_path, bytes_max=100)
    yield made
    made.close()


def test_a_store_keeps_finds_and_destroys(store: LetterStore) -> None:
    letters = {letter_name(one): one for one in (b"first letter", b"second letter")}
    assert (store.is_there, list(store.subjects())) == (False, [])
    for name, letter in [*letters.items(), *letters.items()]:
        store.put(name, ABOUT, letter)

    assert store.names(ABOUT) == sorted(letters)
    assert list(store.subjects()) == [ABOUT]
    assert store.bytes_used() == sum(map(len, letters.values()))
    for name in letters:
        store.erase(name, ABOUT)
    store.close()

    assert (store.names(ABOUT), store.bytes_used()) == ([], 0)
    store.close()
    files = b"".join(path.read_bytes() for path in store.folder.iterdir())
    assert b"first letter" not in files
    assert b"second letter" not in files


def test_a_store_has_a_limit(store: LetterStore) -> None:
    with pytest.raises(VaultFullError):
        store.put(bytes(32), ABOUT, bytes(101))


def test_pictures_leave_room_for_words(tmp_path: Path) -> None:
    store = LetterStore(tmp_path, bytes_max=4 * LETTER_BYTES_MAX)
    picture, words = bytes(LETTER_BYTES_MAX + 1), bytes(LETTER_BYTES_MAX - 1)
    store.put(bytes([0]) * 32, ABOUT, picture)
    for number in (1, 2):
        store.put(bytes([number]) * 32, ABOUT, words)
    with pytest.raises(VaultFullError):
        store.put(bytes([3]) * 32, ABOUT, picture)
    store.put(bytes([4]) * 32, ABOUT, words)
    used = store.bytes_used()
    store.close()

    assert used == 4 * LETTER_BYTES_MAX - 2
