"""WebSocket connections: requests in order, bounded, and over when the other side is gone."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from node.rpc.door import websocket as websocket_module
from node.rpc.door.websocket import Pace
from tests.node.rpc.door import (
    EXAMPLES,
    Client,
    TestNode,
    connect,
    gates,
    open_door,
    plain,
    request,
)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[TestNode]:
    with TestNode(tmp_path) as one:
        yield one


async def test_the_examples_of_the_specification_hold_over_websockets(made: TestNode) -> None:
    answers: list[Any] = []
    async with connect(made) as client:
        for one in EXAMPLES:
            await client.socket.send_str(one["request_text"])
            if one["response"] is not None:
                answers.append(await client.receive())
        last = await client.call("echo", text="nothing else came")

    expected = [one["response"] for one in EXAMPLES if one["response"] is not None]
    assert [plain(one) for one in answers] == [plain(one) for one in expected]
    assert last == "nothing else came"


async def test_answers_come_in_order_but_waiting_holds_up_nobody(made: TestNode) -> None:
    gate = gates(made.node)["a"] = asyncio.Event()
    async with connect(made) as client:
        await client.socket.send_json(request("wait_here", 0, name="a"))
        for number in range(1, 6):
            await client.socket.send_json(request("echo", number, text="x"))
        before = [(await client.receive())["id"] for _ in range(5)]
        gate.set()
        after = (await client.receive())["id"]

    assert (before, after) == ([1, 2, 3, 4, 5], 0)


async def test_reading_pauses_while_too_many_requests_wait(
    made: TestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(websocket_module, "REQUESTS_RUNNING_MAX", 2)
    held = [asyncio.Event(), asyncio.Event()]
    gates(made.node).update(a=held[0], b=held[1])
    async with connect(made) as client:
        for number, name in enumerate("ab"):
            await client.socket.send_json(request("wait_here", number, name=name))
        await client.socket.send_json(request("echo", 2, text="x"))
        with pytest.raises(TimeoutError):
            await client.socket.receive(timeout=0.05)
        held[1].set()
        came = [(await client.receive())["id"] for _ in range(2)]

    assert came == [1, 2]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Host": "evil.example"}, 403),
        ({"Authorization": "Bearer wrong"}, 401),
    ],
)
async def test_strange_pages_hosts_and_tokens_get_no_connection(
    made: TestNode, headers: dict[str, str], status: int
) -> None:
    async with open_door(made) as door:
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await door.client.ws_connect("/ws", headers=headers)

    assert refused.value.status == status


async def test_connections_beyond_the_bound_are_refused_and_make_room_when_they_end(
    made: TestNode,
) -> None:
    async with open_door(made, connections_max=1) as door:
        first = await door.client.ws_connect("/ws")
        with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
            await door.client.ws_connect("/ws")
        await first.close()
        second = await door.client.ws_connect("/ws")
        alive = await Client(second).call("echo", text="x")
        await second.close()

    assert (refused.value.status, alive) == (503, "x")


async def test_binary_messages_end_the_connection(made: TestNode) -> None:
    async with connect(made) as client:
        await client.socket.send_bytes(b"{}")
        message = await client.socket.receive(timeout=5)

    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1003)


async def test_messages_beyond_the_bound_end_the_connection(made: TestNode) -> None:
    async with connect(made, request_bytes_max=2_000) as client:
        await client.socket.send_str(" " * 2_100)
        message = await client.socket.receive(timeout=5)

    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1009)


async def test_batches_have_their_own_bound(made: TestNode) -> None:
    async with connect(made, websocket_batch_max=2) as client:
        await client.socket.send_json([request("echo", number, text="x") for number in range(3)])
        answer = await client.receive()

    assert answer["error"]["code"] == -32006


async def test_who_asks_too_fast_is_slowed_down_and_loses_nothing(made: TestNode) -> None:
    async with connect(made, requests_per_second=50) as client:
        started = asyncio.get_running_loop().time()
        for number in range(110):
            await client.socket.send_json(request("echo", number, text="x"))
        came = [(await client.receive())["id"] for _ in range(110)]
        took = asyncio.get_running_loop().time() - started

    assert came == list(range(110))
    assert took >= 0.1


async def test_pings_are_answered_and_a_silent_client_is_cut_off(made: TestNode) -> None:
    pace = Pace(heartbeat=0.02, silence_max=0.1)
    async with open_door(made, pace) as door:
        pings = await door.client.ws_connect("/ws", autoping=False)
        await pings.ping(b"hello")
        seen = set()
        for _ in range(2):
            message = await pings.receive(timeout=5)
            seen.add((message.type, bytes(message.data)))
        last = await pings.receive(timeout=5)
        while last.type == aiohttp.WSMsgType.PING:
            last = await pings.receive(timeout=5)

    assert (aiohttp.WSMsgType.PONG, b"hello") in seen
    assert last.type in {aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR}


async def test_the_rest_of_a_batch_beyond_the_pace_is_refused(made: TestNode) -> None:
    async with connect(made, requests_per_second=2) as client:
        for _ in range(2):
            await client.socket.send_json(
                [request("echo", number, text="x") for number in range(3)]
            )
        answers = [await client.receive() for _ in range(2)]

    assert len(answers[0]) == 3
    assert answers[1]["error"]["code"] == -32002
