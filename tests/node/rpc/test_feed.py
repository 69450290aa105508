"""The feed: everything once, in order, from memory or from the store, in bounded steps."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.executed import event_topic
from chain.receipt import KernelEvent
from chain.types import ZERO_ID
from node.live import feed as feed_module
from node.live.feed import BLOCK_END, EVERYTHING, EventFeed, EventFilter, Pattern, Place
from tests.make import account, word
from tests.node.rpc.door import TestNode

START: Place = (0, BLOCK_END)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[TestNode]:
    with TestNode(tmp_path) as one:
        yield one


def read_all(feed: EventFeed, wanted: EventFilter, after: Place, step: int) -> list[Place]:
    """Return the places of all events after a place, read `step` at a time."""
    places: list[Place] = []
    while True:
        reading = feed.read(wanted, after, step)
        assert len(reading.events) <= step
        assert reading.place >= after
        places += [one.place for one in reading.events]
        if reading.is_whole:
            return places
        after = reading.place


def test_events_come_in_order_and_once_however_they_are_read(made: TestNode) -> None:
    for count in (3, 1, 2):
        made.pay_in_block(count)
    feed = made.node.feed

    readings = [read_all(feed, EVERYTHING, START, step) for step in (1, 2, 3, 100)]

    told = [(1, 0), (1, 1), (1, 2), (2, 0), (3, 0), (3, 1)]
    assert readings == [told] * 4


def test_reading_goes_on_after_any_place(made: TestNode) -> None:
    for count in (2, 2):
        made.pay_in_block(count)
    feed = made.node.feed

    found = {
        after: read_all(feed, EVERYTHING, after, 10)
        for after in [(1, 0), (1, 1), (1, 7), (1, BLOCK_END), (2, 0), (2, 1), (2, BLOCK_END)]
    }

    assert found == {
        (1, 0): [(1, 1), (2, 0), (2, 1)],
        (1, 1): [(2, 0), (2, 1)],
        (1, 7): [(2, 0), (2, 1)],
        (1, BLOCK_END): [(2, 0), (2, 1)],
        (2, 0): [(2, 1)],
        (2, 1): [],
        (2, BLOCK_END): [],
    }


def test_memory_and_store_tell_the_same(made: TestNode) -> None:
    for count in (2, 1):
        made.pay_in_block(count)
    kept = made.node.feed.read(EVERYTHING, START, 10)

    stored = EventFeed(made.node).read(EVERYTHING, START, 10)

    assert [(one.place, one.time_ms, one.event, one.origin) for one in stored.events] == [
        (one.place, one.time_ms, one.event, one.origin) for one in kept.events
    ]
    assert (stored.place, stored.is_whole) == (kept.place, kept.is_whole) == ((2, 0), True)


def test_one_reading_looks_at_a_bounded_number_of_blocks(
    made: TestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "BLOCKS_READ_MAX", 2)
    for _ in range(5):
        made.pay_in_block()
    nothing = EventFilter(account=word("nobody"))

    reading = made.node.feed.read(nothing, START, 10)

    assert (reading.events, reading.place, reading.is_whole) == ((), (2, 0), False)


def test_memory_holds_a_bounded_number_of_blocks(
    made: TestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "BLOCKS_KEPT_MAX", 2)

    for _ in range(4):
        made.pay_in_block()

    assert list(made.node.feed._kept) == [3, 4]


def test_the_index_finds_what_looking_through_blocks_finds(made: TestNode) -> None:
    for count in (2, 1):
        made.pay_in_block(count)
    to_bob = ((2, account("bob")),)
    topic = event_topic(ZERO_ID, KernelEvent.TRANSFERRED, 2, account("bob"))
    searched = EventFilter(patterns=(Pattern(ZERO_ID, KernelEvent.TRANSFERRED, to_bob),))
    indexed = EventFilter(patterns=(Pattern(ZERO_ID, KernelEvent.TRANSFERRED, to_bob, topic),))

    found = [
        [read_all(made.node.feed, wanted, START, step) for step in (1, 2, 50)]
        for wanted in (searched, indexed)
    ]

    assert found == [[[(1, 0), (1, 1), (2, 0)]] * 3] * 2


def test_a_topic_that_two_values_share_is_not_believed(made: TestNode) -> None:
    made.pay_in_block()
    topic = event_topic(ZERO_ID, KernelEvent.TRANSFERRED, 2, account("bob"))
    to_sam = ((2, account("sam")),)
    wanted = EventFilter(patterns=(Pattern(ZERO_ID, KernelEvent.TRANSFERRED, to_sam, topic),))

    reading = made.node.feed.read(wanted, START, 10)

    assert (reading.events, reading.place, reading.is_whole) == ((), (1, 0), True)


def test_a_transactions_events_are_found_without_a_search(made: TestNode) -> None:
    made.pay_in_block(3)
    tx_id = made.pay(2)
    made.pay(1)
    made.block()
    wanted = EventFilter(tx_id=tx_id)

    found = [read_all(made.node.feed, wanted, START, step) for step in (1, 10)]

    events = [
        one.place
        for one in made.node.feed.block(2).events
        if one.origin is not None and one.origin.id == tx_id
    ]
    assert found == [events, events]
    assert len(events) == 2


def test_blocks_are_told_one_by_one(made: TestNode) -> None:
    for count in (2, 1, 1):
        made.pay_in_block(count)
    blocks = EventFilter(is_blocks=True)

    found = [
        read_all(made.node.feed, blocks, after, 1) for after in (START, (1, 0), (2, BLOCK_END))
    ]

    assert found == [
        [(1, BLOCK_END), (2, BLOCK_END), (3, BLOCK_END)],
        [(1, BLOCK_END), (2, BLOCK_END), (3, BLOCK_END)],
        [(3, BLOCK_END)],
    ]


def test_a_reader_of_a_chain_that_was_put_back_goes_on_at_its_end(made: TestNode) -> None:
    made.pay_in_block()

    reading = made.node.feed.read(EVERYTHING, (9, 3), 10)

    assert (reading.events, reading.place, reading.is_whole) == ((), (1, 0), True)


async def test_after_the_chain_was_opened_anew_nothing_old_is_told(made: TestNode) -> None:
    made.pay_in_block()
    watching = asyncio.Event()
    made.node.feed.watch(watching)

    made.node.reopen(lambda: None)

    assert watching.is_set()
    assert list(made.node.feed._kept) == []
    assert read_all(made.node.feed, EVERYTHING, START, 5) == [(1, 0)]


async def test_a_block_wakes_everybody_who_watches(made: TestNode) -> None:
    watching, gone = asyncio.Event(), asyncio.Event()
    made.node.feed.watch(watching)
    made.node.feed.watch(gone)
    made.node.feed.unwatch(gone)

    made.pay_in_block()

    assert (watching.is_set(), gone.is_set()) == (True, False)


@given(
    counts=st.lists(st.integers(1, 4), max_size=5),
    steps=st.lists(st.integers(1, 5), min_size=1, max_size=20),
)
def test_readers_with_any_steps_miss_nothing_and_repeat_nothing(
    tmp_path_factory: pytest.TempPathFactory, counts: list[int], steps: list[int]
) -> None:
    told: list[Place] = []
    with TestNode(tmp_path_factory.mktemp("node")) as made:
        after, found = made.node.feed.latest, list[Place]()
        for turn, count in enumerate(counts):
            height = made.pay_in_block(count)
            told += [(height, number) for number in range(count)]
            reading = made.node.feed.read(EVERYTHING, after, steps[turn % len(steps)])
            found += [one.place for one in reading.events]
            after = reading.place
        found += read_all(made.node.feed, EVERYTHING, after, steps[0])

    assert found == told
