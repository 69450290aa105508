"""The most urgent first; what is dropped when there is no room."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2p.kinds import KIB, Kind, Priority, message_bytes_max, priority_of
from p2p.queues import OVERHEAD_BYTES, Outbox, QueueLimits, SendQueue
from p2p.session import CHUNK_BYTES_MAX, MessageReceived
from tests.p2p.peers import pair

TIGHT = QueueLimits(dict.fromkeys(Priority, 1_000), 2_500)


def drain(queue: SendQueue) -> list[tuple[Kind, bytes]]:
    taken = []
    while (message := queue.next()) is not None:
        taken.append(message)
    return taken


def fill(*messages: tuple[Kind, int], limits: QueueLimits = TIGHT) -> SendQueue:
    """Put messages that cost as much as they say, each marked with its place."""
    queue = SendQueue(limits)
    for number, (kind, cost) in enumerate(messages):
        queue.put(kind, bytes([number]) + bytes(cost - OVERHEAD_BYTES - 1))
    return queue


def places(queue: SendQueue) -> list[tuple[Kind, int]]:
    return [(kind, payload[0]) for kind, payload in drain(queue)]


def test_the_most_urgent_goes_first_and_within_a_priority_the_oldest() -> None:
    order = [Kind.SYNC, Kind.TRANSACTIONS, Kind.BLOCK, Kind.WANT, Kind.VOTE, Kind.PING, Kind.VOTE]
    queue = fill(*[(kind, 200) for kind in order])

    assert queue.urgency() is Priority.CONTROL
    assert places(queue) == [
        (Kind.PING, 5),
        (Kind.VOTE, 4),
        (Kind.VOTE, 6),
        (Kind.BLOCK, 2),
        (Kind.WANT, 3),
        (Kind.TRANSACTIONS, 1),
        (Kind.SYNC, 0),
    ]
    assert (queue.next(), queue.urgency(), queue.size_bytes()) == (None, None, 0)


def test_a_full_priority_drops_its_own_oldest() -> None:
    queue = fill((Kind.VOTE, 400), (Kind.VOTE, 400), (Kind.SYNC, 900), (Kind.VOTE, 600))

    assert queue.dropped == Counter({Kind.VOTE: 1})
    assert places(queue) == [(Kind.VOTE, 1), (Kind.VOTE, 3), (Kind.SYNC, 2)]


def test_a_full_queue_drops_sync_before_transactions_before_proposals() -> None:
    bulk = [(Kind.PROPOSAL, 800), (Kind.TRANSACTIONS, 800), (Kind.SYNC, 800)]

    one = fill(*bulk, (Kind.VOTE, 800))
    two = fill(*bulk, (Kind.VOTE, 800), (Kind.PING, 800))
    three = fill(*bulk, (Kind.VOTE, 800), (Kind.PING, 1_000))

    assert one.dropped == Counter({Kind.SYNC: 1})
    assert two.dropped == Counter({Kind.SYNC: 1, Kind.TRANSACTIONS: 1})
    assert places(three) == [(Kind.PING, 4), (Kind.VOTE, 3)]


def test_nothing_more_urgent_is_dropped_for_a_new_message() -> None:
    queue = fill((Kind.PING, 1_000), (Kind.VOTE, 1_000), (Kind.SYNC, 600), (Kind.SYNC, 501))

    assert queue.dropped == Counter({Kind.SYNC: 2})
    assert places(queue) == [(Kind.PING, 0), (Kind.VOTE, 1)]


def test_a_message_that_never_fits_drops_nothing_else() -> None:
    queue = fill((Kind.VOTE, 400), (Kind.VOTE, 1_001))

    assert queue.dropped == Counter({Kind.VOTE: 1})
    assert places(queue) == [(Kind.VOTE, 0)]


def test_cleared_means_empty() -> None:
    queue = fill((Kind.VOTE, 400), (Kind.SYNC, 400))

    queue.clear()

    assert (len(queue), queue.size_bytes(), queue.next()) == (0, 0, None)


@pytest.mark.parametrize("kind", list(Kind))
def test_the_largest_message_of_each_kind_finds_room_by_default(kind: Kind) -> None:
    queue = SendQueue()

    queue.put(kind, bytes(message_bytes_max(kind)))

    assert (len(queue), queue.dropped) == (1, Counter())


@given(st.lists(st.tuples(st.sampled_from(Kind), st.integers(OVERHEAD_BYTES + 1, 1_100))))
def test_a_queue_is_in_order_bounded_and_accounts_for_every_message(
    messages: list[tuple[Kind, int]],
) -> None:
    queue = fill(*messages[:250])

    assert queue.size_bytes() <= TIGHT.all_bytes_max
    dropped = queue.dropped.copy()
    left = places(queue)

    assert left == sorted(left, key=lambda one: (priority_of(one[0]), one[1]))
    assert Counter(kind for kind, _ in left) + dropped == Counter(
        kind for kind, _ in messages[:250]
    )
    per_priority: Counter[Priority] = Counter()
    for kind, place in left:
        per_priority[priority_of(kind)] += messages[place][1]
    assert all(size <= 1_000 for size in per_priority.values())


def test_a_vote_goes_between_the_chunks_of_a_block() -> None:
    dialer, listener = pair()
    queue = SendQueue()
    outbox, told = Outbox(dialer, queue), []
    queue.put(Kind.SYNC, bytes(3 * CHUNK_BYTES_MAX))

    for number in range(6):
        frame = outbox.next_frame()
        if frame is not None:
            told += [
                one.kind for one in listener.receive(frame) if isinstance(one, MessageReceived)
            ]
        if number == 0:
            queue.put(Kind.BLOCK, bytes(CHUNK_BYTES_MAX + 1))
            queue.put(Kind.WANT, b"")  # of the block's priority: it waits for its end
        if number == 1:
            queue.put(Kind.VOTE, b"vote")

    assert told == [Kind.VOTE, Kind.BLOCK, Kind.WANT]
    told += [
        one.kind
        for frame in iter(outbox.next_frame, None)
        for one in listener.receive(frame)
        if isinstance(one, MessageReceived)
    ]
    assert told == [Kind.VOTE, Kind.BLOCK, Kind.WANT, Kind.SYNC]
    assert outbox.sent == Counter(dict.fromkeys(told, 1))
    assert outbox.sent_bytes[Kind.VOTE] == len(b"vote") + 19


@given(
    st.lists(
        st.one_of(st.none(), st.tuples(st.sampled_from(Kind), st.integers(0, 200 * KIB))),
        max_size=40,
    )
)
def test_whatever_is_put_between_frames_all_of_it_arrives(
    steps: list[tuple[Kind, int] | None],
) -> None:
    dialer, listener = pair()
    queue = SendQueue()
    outbox = Outbox(dialer, queue)
    put: Counter[tuple[Kind, bytes]] = Counter()
    got: Counter[tuple[Kind, bytes]] = Counter()

    for step in [*steps, *[None] * 400]:
        if step is not None:
            kind, size = step
            payload = bytes(min(size, message_bytes_max(kind)))
            queue.put(kind, payload)
            put[kind, payload] += 1
            continue
        frame = outbox.next_frame()
        if frame is None:
            continue
        for event in listener.receive(frame):
            assert isinstance(event, MessageReceived)
            got[event.kind, event.payload] += 1

    lost = sum(queue.dropped.values())
    assert sum((put - got).values()) == lost
    assert got <= put
