"""Faults, fading points, bans and their ends."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from p2p.errors import BadPeerFileError
from p2p.scores import (
    BAN_MS_MAX,
    BAN_MS_MIN,
    BANS_FORGOTTEN_MS,
    FAULT_POINTS,
    MINUTE_MS,
    SUBJECTS_MAX,
    ScoreBook,
    by_address,
    by_key,
)

EVE = by_key(b"e" * 32)
BOB = by_address("192.0.2.7")


def test_a_grave_fault_bans_at_once_for_ten_minutes() -> None:
    book = ScoreBook()

    assert book.note_fault(EVE, "bad_block", 1_000)
    assert book.banned_until_ms(EVE, 1_000) == 1_000 + 10 * MINUTE_MS
    assert book.banned(1_000) == [(EVE, 1_000 + BAN_MS_MIN)]
    assert book.is_banned(EVE, 1_000 + BAN_MS_MIN - 1)
    assert not book.is_banned(EVE, 1_000 + BAN_MS_MIN)
    assert not book.is_banned(BOB, 1_000)


def test_small_faults_add_up_and_fade() -> None:
    book = ScoreBook()

    bans = [book.note_fault(BOB, "unasked", 0) for _ in range(9)]

    assert (bans, book.points(BOB, 0)) == ([False] * 9, 90)
    assert book.points(BOB, MINUTE_MS) == 80
    assert not book.note_fault(BOB, "unasked", MINUTE_MS)
    assert book.note_fault(BOB, "unasked", MINUTE_MS)
    assert book.points(BOB, MINUTE_MS) == 0


def test_points_fade_alike_however_often_they_are_asked_for() -> None:
    often, once = ScoreBook(), ScoreBook()
    for book in (often, once):
        book.note_fault(EVE, "malformed", 0)

    for now_ms in range(0, 2 * MINUTE_MS, 7):
        often.points(EVE, now_ms)

    assert often.points(EVE, 2 * MINUTE_MS) == once.points(EVE, 2 * MINUTE_MS) == 30


def test_bans_double_up_to_a_day_and_are_forgotten_a_day_later() -> None:
    book, now_ms, lengths = ScoreBook(), 0, []
    for _ in range(10):
        book.note_fault(EVE, "bad_block", now_ms)
        until_ms = book.banned_until_ms(EVE, now_ms)
        assert until_ms is not None
        lengths.append((until_ms - now_ms) // MINUTE_MS)
        now_ms = until_ms

    later_ms = now_ms + BANS_FORGOTTEN_MS + 1
    book.note_fault(EVE, "bad_block", later_ms)

    assert lengths == [10, 20, 40, 80, 160, 320, 640, 1_280, 1_440, 1_440]
    assert book.banned_until_ms(EVE, later_ms) == later_ms + BAN_MS_MIN


def test_faults_during_a_ban_do_not_lengthen_it() -> None:
    book = ScoreBook()
    book.note_fault(EVE, "bad_block", 0)

    assert book.note_fault(EVE, "bad_block", 1)
    assert book.banned_until_ms(EVE, 1) == BAN_MS_MIN


def test_the_operator_bans_and_pardons() -> None:
    book = ScoreBook()
    book.ban(EVE, 1_000, 0)
    book.ban(EVE, 10, 0)

    assert book.banned_until_ms(EVE, 0) == 1_000
    assert (book.pardon(EVE), book.pardon(EVE)) == (True, False)
    assert not book.is_banned(EVE, 0)


def test_a_full_book_forgets_who_did_least() -> None:
    book = ScoreBook()
    book.note_fault(EVE, "bad_block", 0)
    for number in range(SUBJECTS_MAX - 1):
        book.note_fault(by_address(str(number)), "stale" if number == 77 else "unasked", 0)

    book.note_fault(BOB, "unasked", 0)

    assert len(book) == SUBJECTS_MAX
    assert book.points(by_address("77"), 0) == 0
    assert (book.points(by_address("76"), 0), book.points(BOB, 0)) == (10, 10)
    assert book.is_banned(EVE, 0)


def test_a_written_book_is_read_back() -> None:
    book = ScoreBook()
    book.note_fault(EVE, "bad_block", 5)
    book.note_fault(BOB, "too_fast", 6)

    again = ScoreBook.from_json(book.to_json())

    assert again.to_json() == book.to_json()
    assert again.banned(7) == book.banned(7)


GOOD_LINE = {
    "subject": BOB,
    "fading_ms": 5,
    "noted_ms": 1,
    "bans": 0,
    "banned_until_ms": 0,
}


@pytest.mark.parametrize(
    "changes",
    [
        {"subject": "bob"},
        {"subject": "key:abc"},
        {"fading_ms": -1},
        {"fading_ms": 600_000},
        {"noted_ms": "1"},
        {"noted_ms": 1.0},
        {"banned_until_ms": 2**60},
        {"bans": 65},
        {"more": 1},
    ],
    ids=str,
)
def test_a_file_that_was_not_written_here_is_refused(changes: dict[str, object]) -> None:
    text = json.dumps({"version": 1, "scores": [{**GOOD_LINE, **changes}]})

    with pytest.raises(BadPeerFileError, match="delete it to begin anew"):
        ScoreBook.from_json(text)


@given(st.text() | st.sampled_from(["{}", "[]", '{"version": 2, "scores": []}', "\ud800"]))
def test_no_text_causes_anything_but_the_one_error(text: str) -> None:
    with pytest.raises(BadPeerFileError):
        ScoreBook.from_json(text)


class Scoring(RuleBasedStateMachine):
    """Any faults at any times: bans only after enough points, never beyond a day, always an end."""

    def __init__(self) -> None:
        super().__init__()
        self.book, self.now_ms = ScoreBook(), 0
        self.points = {EVE: 0, BOB: 0}  # without fading: never fewer than in the book

    @rule(subject=st.sampled_from([EVE, BOB]), fault=st.sampled_from(sorted(FAULT_POINTS)))
    def err(self, subject: str, fault: str) -> None:
        was_banned = self.book.is_banned(subject, self.now_ms)
        is_banned = self.book.note_fault(subject, fault, self.now_ms)
        self.points[subject] += 0 if was_banned else FAULT_POINTS[fault]

        assert is_banned == self.book.is_banned(subject, self.now_ms)
        assert not is_banned or was_banned or self.points[subject] >= 100
        if is_banned and not was_banned:
            self.points[subject] = 0

    @rule(passed_ms=st.integers(0, 3 * BAN_MS_MAX))
    def wait(self, passed_ms: int) -> None:
        self.now_ms += passed_ms

    @rule()
    def restart(self) -> None:
        self.book = ScoreBook.from_json(self.book.to_json())

    @invariant()
    def every_ban_ends_within_a_day(self) -> None:
        for subject, until_ms in self.book.banned(self.now_ms):
            assert self.now_ms < until_ms <= self.now_ms + BAN_MS_MAX
            assert self.book.points(subject, self.now_ms) < 100


TestScoring = Scoring.TestCase


def test_two_halves_of_a_ban_make_one_within_six_seconds() -> None:
    soon, late = ScoreBook(), ScoreBook()
    answers = [soon.note_fault(EVE, "malformed", now_ms) for now_ms in (0, 5_999)]
    answers += [late.note_fault(EVE, "malformed", now_ms) for now_ms in (0, 6_000)]

    assert answers == [False, True, False, False]
    assert late.points(EVE, 6_000) == 99
