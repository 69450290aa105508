"""Messages in chunks: mixed, bounded, and whatever else a peer sends."""

from collections.abc import Iterator
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.crypto import STREAM_EXTRA_BYTES
from p2p.errors import (
    ForgedFrameError,
    MalformedFrameError,
    MessageTooLargeError,
    SessionClosedError,
    SessionError,
)
from p2p.kinds import MIB, Kind, message_bytes_max
from p2p.session import (
    CHUNK_BYTES_MAX,
    FRAME_BYTES_MAX,
    UNFINISHED_BYTES_MAX,
    MessageReceived,
    Session,
)
from tests.p2p.peers import deliver, pair, session


def seal(sender: Session, opened: bytes) -> bytes:
    """Seal what an honest session would never send."""
    assert sender._agreed is not None
    return sender._agreed.sealer.seal(opened)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES_MAX - 1, CHUNK_BYTES_MAX, CHUNK_BYTES_MAX + 1])
def test_a_message_comes_out_as_it_went_in(size: int) -> None:
    dialer, listener = pair()
    payload = bytes(range(256)) * (size // 256) + bytes(size % 256)

    frames = dialer.send(Kind.SYNC, payload)

    assert len(frames) == max(1, -(-size // CHUNK_BYTES_MAX))
    assert max(map(len, frames)) <= FRAME_BYTES_MAX
    assert deliver(frames, listener) == [MessageReceived(Kind.SYNC, payload)]
    assert listener.unfinished_bytes == 0


@pytest.mark.parametrize("kind", list(Kind))
def test_the_largest_message_of_each_kind_passes_and_one_byte_more_does_not(kind: Kind) -> None:
    dialer, listener = pair()
    payload = bytes(message_bytes_max(kind))

    assert deliver(dialer.send(kind, payload), listener) == [MessageReceived(kind, payload)]
    with pytest.raises(MessageTooLargeError):
        dialer.send(kind, payload + b"\x00")


def test_a_vote_overtakes_a_block() -> None:
    dialer, listener = pair()
    block = bytes(3 * CHUNK_BYTES_MAX)
    bulk = dialer.frames(Kind.BLOCK, block)

    frames = [next(bulk), *dialer.send(Kind.VOTE, b"vote"), *bulk]

    assert deliver(frames, listener) == [
        MessageReceived(Kind.VOTE, b"vote"),
        MessageReceived(Kind.BLOCK, block),
    ]


def test_two_messages_of_one_kind_are_sent_one_after_the_other() -> None:
    dialer, listener = pair()
    first = dialer.frames(Kind.SYNC, bytes(2 * CHUNK_BYTES_MAX))

    with pytest.raises(SessionClosedError, match="SYNC is unfinished"):
        dialer.frames(Kind.SYNC, b"second")
    events = deliver([*first, *dialer.send(Kind.SYNC, b"second")], listener)

    assert [len(event.payload) for event in events if isinstance(event, MessageReceived)] == [
        2 * CHUNK_BYTES_MAX,
        6,
    ]


@given(
    st.lists(st.tuples(st.sampled_from(Kind), st.integers(0, 200_000)), max_size=12),
    st.randoms(use_true_random=False),
)
def test_messages_mixed_in_any_way_come_out_whole(
    messages: list[tuple[Kind, int]], lot: Random
) -> None:
    dialer, listener = pair()
    waiting = [
        (kind, bytes([number]) * min(size, message_bytes_max(kind)))
        for number, (kind, size) in enumerate(messages)
    ]
    expected = {kind: [one for one in waiting if one[0] is kind] for kind in Kind}
    got: dict[Kind, list[tuple[Kind, bytes]]] = {kind: [] for kind in Kind}
    begun: dict[Kind, Iterator[bytes]] = {}

    while waiting or begun:
        free = [one for one in waiting if one[0] not in begun]
        if free and (not begun or lot.random() < 0.5):
            kind, payload = free[0]
            waiting.remove(free[0])
            begun[kind] = dialer.frames(kind, payload)
        kind = lot.choice(list(begun))
        frame = next(begun[kind], None)
        if frame is None:
            del begun[kind]
            continue
        for event in listener.receive(frame):
            assert isinstance(event, MessageReceived)
            got[event.kind].append((event.kind, event.payload))

    assert got == expected
    assert listener.unfinished_bytes == 0


FULL = bytes(CHUNK_BYTES_MAX)


WRONG_CHUNKS: dict[str, tuple[list[bytes], type[SessionError]]] = {
    "empty": ([b""], MalformedFrameError),
    "no mark": ([b"\x04"], MalformedFrameError),
    "kind 0": ([b"\x00\x01"], MalformedFrameError),
    "kind 11": ([b"\x0b\x01"], MalformedFrameError),
    "mark 2": ([b"\x04\x02"], MalformedFrameError),
    "not full": ([b"\x09\x00" + FULL[1:]], MalformedFrameError),
    "nothing, and more": ([b"\x09\x00"], MalformedFrameError),
    "an empty end": ([b"\x09\x00" + FULL, b"\x09\x01"], MalformedFrameError),
    "a long ping": ([b"\x01\x01" + bytes(16 * 1_024 + 1)], MessageTooLargeError),
    "half a long ping": ([b"\x01\x00" + FULL], MessageTooLargeError),
    "a long vote": ([b"\x04\x00" + FULL, b"\x04\x01x"], MessageTooLargeError),
    "many transactions": ([b"\x07\x00" + FULL] * 17, MessageTooLargeError),
    "a long frame": ([b"\x09\x01" + FULL + b"x"], MessageTooLargeError),
}


@pytest.mark.parametrize("name", WRONG_CHUNKS)
def test_chunks_that_are_refused(name: str) -> None:
    chunks, refusal = WRONG_CHUNKS[name]
    dialer, listener = pair()
    *before, last = [seal(dialer, chunk) for chunk in chunks]
    assert deliver(before, listener) == []

    with pytest.raises(refusal):
        listener.receive(last)

    assert listener.unfinished_bytes == 0


def test_unfinished_messages_are_bounded_in_all() -> None:
    dialer, listener = pair()
    kinds = [Kind.SYNC] * 384 + [Kind.PROPOSAL] * 192 + [Kind.WANT] * 192
    for kind in kinds[: UNFINISHED_BYTES_MAX // CHUNK_BYTES_MAX]:
        listener.receive(seal(dialer, bytes([kind, 0]) + FULL))

    assert listener.unfinished_bytes == UNFINISHED_BYTES_MAX == 40 * MIB
    with pytest.raises(MessageTooLargeError, match="all unfinished"):
        listener.receive(seal(dialer, bytes([Kind.WANT, 0]) + FULL))


@pytest.mark.parametrize("order", [[1, 0], [0, 0], [1], [0, 2]])
def test_frames_that_are_moved_repeated_or_left_out_do_not_open(order: list[int]) -> None:
    dialer, listener = pair()
    frames = [dialer.send(Kind.VOTE, bytes([number]))[0] for number in range(3)]

    with pytest.raises(ForgedFrameError):
        deliver([frames[number] for number in order], listener)


@given(st.data())
def test_a_changed_frame_does_not_open(data: st.DataObject) -> None:
    dialer, listener = pair()
    frame = bytearray(dialer.send(Kind.VOTE, b"some vote")[0])
    place = data.draw(st.integers(0, len(frame) - 1))
    frame[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(ForgedFrameError):
        listener.receive(bytes(frame))


def test_before_the_handshake_nothing_is_sent() -> None:
    with pytest.raises(SessionClosedError):
        session("ann", is_dialer=True).send(Kind.VOTE, b"vote")


@given(st.lists(st.binary(max_size=400), max_size=6), st.booleans(), st.integers(0, 3))
def test_no_bytes_of_strangers_cause_anything_but_a_session_error(
    frames: list[bytes],
    is_dialer: bool,  # noqa: FBT001
    honest: int,
) -> None:
    """Random frames after none, some or all of an honest handshake."""
    ours = session("bob", is_dialer=is_dialer)
    theirs = session("ann", is_dialer=not is_dialer)
    waiting = ours.begin() + theirs.begin()
    receiver, other = (theirs, ours) if is_dialer else (ours, theirs)
    for _ in range(honest):
        deliver(waiting, receiver)
        waiting, receiver, other = receiver.take_frames(), other, receiver

    for frame in frames:
        try:
            ours.receive(frame)
        except SessionError:
            assert ours.unfinished_bytes == 0
    ours.take_frames()


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_no_bytes_of_a_member_cause_anything_but_a_session_error(chunks: list[bytes]) -> None:
    """Random chunks under the right key."""
    dialer, listener = pair()

    for chunk in chunks:
        try:
            events = listener.receive(seal(dialer, chunk))
        except SessionError:
            break
        assert sum(len(one.payload) for one in events if isinstance(one, MessageReceived)) <= 300


def test_a_frame_is_as_long_as_the_page_says() -> None:
    assert (STREAM_EXTRA_BYTES, FRAME_BYTES_MAX) == (17, 65_555)
