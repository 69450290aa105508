"""The stream of events: nothing missed, nothing twice, whatever happens to the line."""

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from node.client import AsyncWash, BadAnswer, EventStream, NodeUnreachable
from node.client.subscription import read_event_id
from tests.node.client.fake_node import FakeNode, running


async def take(stream: EventStream, count: int) -> list[int]:
    return [(await anext(stream))["n"] for _ in range(count)]


async def test_events_come_in_order_and_are_acknowledged_as_they_are_used() -> None:
    node = FakeNode()
    node.emit(10)

    wanted = {"type": "booking.*"}
    async with running(node) as url, AsyncWash(url) as wash:
        stream = wash.events(wanted, after="earliest", window=4)
        numbers = await take(stream, 10)
        place = stream.position
        await stream.close()

    assert numbers == list(range(10))
    assert place == "9-0"  # the tenth is not done with
    (line,) = node.lines
    assert line.subscribed == {"filter": {"type": "booking.*"}, "from": "earliest", "window": 4}
    assert line.acked == sorted(line.acked, key=read_event_id)


async def test_latest_means_the_moment_of_the_first_connection() -> None:
    node = FakeNode(drop_line_after=0)
    node.emit(5)

    async with running(node) as url, AsyncWash(url) as wash, wash.events() as stream:
        position = stream.position
        node.emit(3)
        numbers = await take(stream, 3)

    assert position == "5-0"
    assert numbers == [5, 6, 7]
    assert stream.reconnects == 1


async def test_a_stream_goes_on_after_the_id_it_is_given() -> None:
    node = FakeNode()
    node.emit(5)

    async with running(node) as url, AsyncWash(url) as wash:
        numbers = await take(wash.events(after="3-0"), 2)

    assert numbers == [3, 4]


@settings(max_examples=15, deadline=None)
@given(
    cuts=st.lists(st.integers(0, 12), max_size=4),
    window=st.integers(1, 8),
    count=st.integers(1, 25),
)
def test_lost_lines_lose_and_repeat_nothing(cuts: list[int], window: int, count: int) -> None:
    async def play() -> list[int]:
        node, seen = FakeNode(), list[int]()
        node.emit(count)
        places = list(cuts)
        async with running(node) as url, AsyncWash(url) as wash:
            stream = wash.events(after="earliest", window=window)
            while len(seen) < count:
                if places and node.drop_line_after is None:
                    node.drop_line_after = places.pop()
                seen.append((await anext(stream))["n"])
            await stream.close()
        return seen

    assert asyncio.run(play()) == list(range(count))


async def test_a_node_that_restarts_is_found_again() -> None:
    first, second = FakeNode(), FakeNode()
    first.emit(2)
    second.emit(4)

    async with running(first) as url:
        wash = AsyncWash(url)
        stream = wash.events(after="earliest")
        before = await take(stream, 2)
    async with running(second, int(url.rpartition(":")[2])):
        after = await take(stream, 2)
        await wash.close()

    assert (before, after) == ([0, 1], [2, 3])


async def test_patience_ends_and_the_first_connection_has_none() -> None:
    async with running(FakeNode()) as url:
        wash = AsyncWash(url)
        stream = wash.events(patience_s=0.0)
        async with stream:
            pass
        stream = wash.events(patience_s=0.0)
        await stream.__aenter__()

    async with wash:
        with pytest.raises(NodeUnreachable):
            await anext(stream)
        with pytest.raises(NodeUnreachable):
            await anext(wash.events())


async def test_a_stream_of_a_closed_client_says_so() -> None:
    async with running(FakeNode()) as url:
        async with AsyncWash(url) as wash, wash.events() as stream:
            pass
        late = wash.events()

        with pytest.raises(StopAsyncIteration):
            await anext(stream)
        with pytest.raises(RuntimeError, match="closed"):
            await anext(late)


async def test_closing_ends_the_loop_that_waits() -> None:
    node = FakeNode()
    node.emit(1)

    async with running(node) as url, AsyncWash(url) as wash:
        stream, seen = wash.events(after="earliest"), list[Any]()

        async def read() -> None:
            seen.extend([event async for event in stream])

        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(read())
            await node.was_given.wait()
            await stream.close()

    assert len(seen) <= 1


@pytest.mark.parametrize(
    "message",
    [
        [],
        {"method": "events_next", "params": None},
        {"method": "events_next", "params": {"sub": "s1", "events": [{"id": "x"}]}},
        {"method": "events_next", "params": {"sub": "s1", "events": [7]}},
        {"method": "events_next", "params": {"sub": "s1", "events": [], "latest_id": 1}},
    ],
)
async def test_garbage_on_the_line_is_a_bad_answer(message: Any) -> None:
    node = FakeNode()

    async with running(node) as url, AsyncWash(url) as wash, wash.events() as stream:
        await node.lines[0].say(message)
        with pytest.raises(BadAnswer):
            await anext(stream)
        await stream.close()


async def test_a_sign_of_life_moves_the_position_on() -> None:
    node = FakeNode()
    quiet = {"sub": "s1", "events": [], "latest_id": "41-"}

    async with running(node) as url, AsyncWash(url) as wash, wash.events() as stream:
        line = node.lines[0]
        await line.say({"method": "events_next", "params": {**quiet, "sub": "s2"}})
        await line.say({"method": "events_next", "params": quiet})
        event = {"id": "42-0", "n": 1}
        await line.say({"method": "events_next", "params": {"sub": "s1", "events": [event]}})
        seen = await take(stream, 1)
        position = stream.position
        await stream.close()

    assert (seen, position) == ([1], "41-")


def test_a_block_stands_behind_its_events() -> None:
    assert read_event_id("8-3") < read_event_id("8-") < read_event_id("9-0")
