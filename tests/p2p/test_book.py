"""Addresses: who may put them there, when they are dialled, who is told."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from p2p.book import (
    ADDRESSES_MAX,
    BACKOFF_MS_MAX,
    BACKOFF_MS_MIN,
    DROPPED_AFTER_FAILURES,
    TOLD_BY_ONE_MAX,
    Address,
    AddressBook,
    backoff_ms,
)
from p2p.errors import BadAddressError, BadPeerFileError
from tests.p2p.peers import key

ANN, BOB = key("ann").public_key, key("bob").public_key


def url(number: int) -> str:
    return f"ws://n{number}.example/p2p"


def urls(addresses: list[Address]) -> list[str]:
    return [one.url for one in addresses]


def test_configured_addresses_are_due_first_then_those_that_answered_before() -> None:
    book = AddressBook()
    book.add_told(url(1), None, ANN)
    book.add_told(url(2), BOB, ANN)
    book.note_success(url(2), BOB, 0)
    book.add_configured(url(3))

    assert urls(book.due(2_000, 9, b"")) == [url(3), url(2), url(1)]
    assert urls(book.due(2_000, 1, b"")) == [url(3)]
    assert urls(book.due(2_000, 9, b"", besides={url(3)})) == [url(2), url(1)]
    assert urls(book.due(0, 9, b"")) == [url(3), url(1)]


def test_chance_decides_among_equals() -> None:
    book = AddressBook()
    for number in range(40):
        book.add_told(url(number), None, ANN)

    first, again, other = (urls(book.due(0, 5, lot)) for lot in (b"1", b"1", b"2"))

    assert first == again != other


def test_attempts_are_further_apart_after_each_failure() -> None:
    whole = [1, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]

    assert [backoff_ms(failures, 0) // 1_000 for failures in range(12)] == whole
    assert backoff_ms(1_000, 0) == BACKOFF_MS_MAX


@given(st.integers(0, 2_000), st.integers(0, 2**64 - 1))
def test_the_lot_shortens_a_wait_by_at_most_a_quarter(failures: int, lot: int) -> None:
    whole = backoff_ms(failures, 0)

    assert 3 * whole // 4 < backoff_ms(failures, lot) <= whole


def test_a_failure_puts_off_and_a_success_makes_good() -> None:
    book = AddressBook()
    book.add_configured(url(1))

    for _ in range(3):
        book.note_failure(url(1), 0, b"")
    failed = book.get(url(1))
    book.note_success(url(1), BOB, 9_000)

    assert failed is not None
    assert failed.failures == 3
    assert 3_000 < failed.next_attempt_ms <= 4_000
    assert book.get(url(1)) == Address(
        url=url(1),
        source="configured",
        node_key_hex=BOB.hex(),
        last_success_ms=9_000,
        next_attempt_ms=9_000 + BACKOFF_MS_MIN,
    )


def test_what_is_told_of_a_known_address_changes_nothing() -> None:
    book = AddressBook()
    book.add_configured(url(1), BOB)

    assert not book.add_told("WS://N1.example:80/p2p", ANN, ANN)
    known = book.get(url(1))
    assert known is not None
    assert (known.source, known.node_key) == ("configured", BOB)


def test_an_address_that_was_told_can_be_configured_and_taken_off_again() -> None:
    book = AddressBook()
    book.add_told(url(1), BOB, ANN)
    book.note_failure(url(1), 0, b"")

    kept = book.add_configured(url(1))
    book.forget_configured([url(2)])

    assert (kept.source, kept.node_key, kept.next_attempt_ms) == ("configured", BOB, 0)
    assert len(book) == 0


def test_one_teller_fills_little_and_all_of_them_a_bounded_book() -> None:
    book = AddressBook()
    taken = [book.add_told(url(number), None, ANN) for number in range(TOLD_BY_ONE_MAX + 2)]
    for teller in range(20):
        for number in range(TOLD_BY_ONE_MAX):
            book.add_told(f"ws://t{teller}-{number}.example/p2p", None, bytes([teller]) * 32)

    assert taken == [True] * TOLD_BY_ONE_MAX + [False] * 2
    assert len(book) == ADDRESSES_MAX
    book.note_failure(url(0), 0, b"")
    assert book.add_told(url(2_000), None, BOB)
    assert (len(book), book.get(url(0))) == (ADDRESSES_MAX, None)
    assert not book.add_told(url(2_001), None, BOB)
    book.add_configured(url(2_002))
    assert len(book) == ADDRESSES_MAX


def test_too_many_configured_addresses_are_refused() -> None:
    book = AddressBook()
    for number in range(ADDRESSES_MAX):
        book.add_configured(url(number))

    with pytest.raises(BadAddressError, match="take some off"):
        book.add_configured(url(ADDRESSES_MAX))
    assert not book.add_told(url(ADDRESSES_MAX), None, ANN)


def test_where_nobody_was_ever_found_a_told_address_is_given_up() -> None:
    book = AddressBook()
    book.add_configured(url(1))
    book.add_told(url(2), None, ANN)
    book.add_told(url(3), None, ANN)
    book.note_success(url(3), BOB, 0)

    for number in (1, 2, 3):
        for _ in range(DROPPED_AFTER_FAILURES):
            book.note_failure(url(number), 0, b"")

    assert urls(book.all()) == [url(1), url(3)]


def test_only_what_was_found_good_is_handed_on() -> None:
    book = AddressBook()
    for number in range(5):
        book.add_told(url(number), None, ANN)
    for number in (1, 2, 3):
        book.note_success(url(number), BOB, 0)
    book.note_failure(url(3), 1, b"")

    assert sorted(urls(book.share(9, b""))) == [url(1), url(2)]
    assert len(book.share(1, b"")) == 1


def test_a_written_book_is_read_back() -> None:
    book = AddressBook()
    book.add_configured(url(1), BOB)
    book.add_told(url(2), None, ANN)
    book.note_failure(url(2), 5, b"")

    again = AddressBook.from_json(book.to_json())

    assert again.all() == book.all()


@pytest.mark.parametrize(
    "changes",
    [
        {"url": "http://n.example/p2p"},
        {"url": "ws://N.example/p2p"},
        {"source": "dreamt"},
        {"node_key_hex": "AB" * 32},
        {"failures": -1},
        {"next_attempt_ms": "0"},
        {"more": 1},
    ],
    ids=str,
)
def test_a_file_that_was_not_written_here_is_refused(changes: dict[str, object]) -> None:
    line = {"url": "ws://n.example/p2p", "source": "told", **changes}

    with pytest.raises(BadPeerFileError, match="delete it to begin anew"):
        AddressBook.from_json(json.dumps({"version": 1, "addresses": [line]}))


def test_an_address_that_stands_in_a_file_twice_is_refused() -> None:
    line = {"url": "ws://n.example/p2p", "source": "told"}

    with pytest.raises(BadPeerFileError):
        AddressBook.from_json(json.dumps({"version": 1, "addresses": [line, line]}))


class Booking(RuleBasedStateMachine):
    """Any order of telling, dialling and failing: bounds hold, configured addresses stay."""

    def __init__(self) -> None:
        super().__init__()
        self.book, self.now_ms = AddressBook(), 0
        self.configured: set[str] = set()

    numbers = st.integers(0, 30)

    @rule(number=numbers)
    def configure(self, number: int) -> None:
        self.configured.add(self.book.add_configured(url(number)).url)

    @rule(number=numbers, teller=st.sampled_from([ANN, BOB]))
    def tell(self, number: int, teller: bytes) -> None:
        self.book.add_told(url(number), None, teller)

    @rule(number=numbers, chance=st.binary(max_size=2))
    def fail(self, number: int, chance: bytes) -> None:
        self.book.note_failure(url(number), self.now_ms, chance)
        address = self.book.get(url(number))
        assert address is None or self.now_ms < address.next_attempt_ms

    @rule(number=numbers)
    def succeed(self, number: int) -> None:
        self.book.note_success(url(number), ANN, self.now_ms)

    @rule(number=numbers)
    def forget(self, number: int) -> None:
        self.book.forget(url(number))

    @rule(passed_ms=st.integers(0, BACKOFF_MS_MAX))
    def wait(self, passed_ms: int) -> None:
        self.now_ms += passed_ms

    @rule()
    def restart(self) -> None:
        self.book = AddressBook.from_json(self.book.to_json())

    @invariant()
    def configured_addresses_stay(self) -> None:
        kept = {one.url for one in self.book.all() if one.source == "configured"}
        assert kept == self.configured

    @invariant()
    def nobody_waits_longer_than_five_minutes(self) -> None:
        later_ms = self.now_ms + BACKOFF_MS_MAX
        assert len(self.book.due(later_ms, 99, b"")) == len(self.book)


TestBooking = Booking.TestCase
