"""The event stream over plain HTTP: lines that browsers understand, and where to go on."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic_core import from_json

from chain.errors import StoreError
from chain.ids import encode_id
from node.rpc.door.websocket import Pace
from tests.make import account, word
from tests.node.rpc.door import TestNode, open_door


@pytest.fixture
def made(tmp_path: Path) -> Iterator[TestNode]:
    with TestNode(tmp_path) as one:
        yield one


async def read_block(response: aiohttp.ClientResponse) -> list[str]:
    """Return the lines of the next message, without the empty one that ends it."""
    lines: list[str] = []
    async with asyncio.timeout(5):
        while line := (await response.content.readline()).decode().rstrip("\n"):
            lines.append(line)
    return lines


async def read_ids(response: aiohttp.ClientResponse, count: int) -> list[str]:
    ids: list[str] = []
    while len(ids) < count:
        lines = await read_block(response)
        if len(lines) == 2 and lines[1].startswith("data: "):
            ids.append(lines[0].removeprefix("id: "))
            assert from_json(lines[1].removeprefix("data: "))["id"] == ids[-1]
    return ids


async def test_events_are_lines_with_their_ids(made: TestNode) -> None:
    made.pay_in_block(2)
    async with open_door(made) as door, door.client.get("/events?after=earliest") as response:
        first = await read_block(response)
        old = await read_ids(response, 2)
        made.pay_in_block()
        new = await read_ids(response, 1)
        head = response.status, response.content_type, response.headers["Cache-Control"]

    assert head == (200, "text/event-stream", "no-store")
    assert first == ["retry: 2000"]
    assert (old, new) == (["1-0", "1-1"], ["2-0"])


async def test_a_reader_that_comes_back_goes_on_where_it_was(made: TestNode) -> None:
    for _ in range(2):
        made.pay_in_block(2)
    async with open_door(made) as door:
        back = {"Last-Event-ID": "1-0"}
        async with door.client.get("/events?after=2-0", headers=back) as response:
            ids = await read_ids(response, 3)

    assert ids == ["1-1", "2-0", "2-1"]


async def test_a_quiet_stream_moves_the_readers_place(made: TestNode) -> None:
    sam = encode_id("acct", account("sam"))
    pace = Pace(heartbeat=0.02)
    async with (
        open_door(made, pace) as door,
        door.client.get(f"/events?account={sam}") as response,
    ):
        await read_block(response)
        before = await read_block(response)
        made.pay_in_block(2)
        after = await read_block(response)
        while after == before:
            after = await read_block(response)

    assert before == [": alive", "id: 0-0"]
    assert after == [": alive", "id: 1-1"]


async def test_the_query_filters_by_type_and_fields(made: TestNode) -> None:
    box = made.deploy_box()
    made.ring(box, "front", made.now_ms + 10_000)
    made.ring(box, "back", made.now_ms + 10_000)
    name = encode_id("ctr", box)
    queries = [
        {"type": f"{name}.Rang"},
        {"type": f"{name}.Rang", "id": word("back").hex()},
        {"contract": name, "number": "1"},
    ]
    found = []
    async with open_door(made) as door:
        for query, count in zip(queries, (2, 1, 1), strict=True):
            params = {**query, "after": "earliest"}
            async with door.client.get("/events", params=params) as response:
                found.append(await read_ids(response, count))

    front, back = found[0]
    assert found == [[front, back], [back], [front]]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("after=nonsense", "after"),
        ("after=9-0", "after"),
        ("type=nonsense", "filter.type"),
        ("colour=red", "filter.values"),
        ("type=chain.minted&to=bob", "filter.values.to"),
        ("type=chain.minted&amount=red", "filter.values.amount"),
        ("type=chain.minted&type=chain.burned", "type"),
        ("account=bob", "account"),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused_before_the_stream_begins(
    made: TestNode, query: str, field: str
) -> None:
    async with open_door(made) as door, door.client.get(f"/events?{query}") as response:
        status, body = response.status, await response.json()

    assert (status, body["error"]["code"], body["error"]["data"]["field"]) == (400, -32602, field)


async def test_pages_elsewhere_may_read_only_if_they_are_listed(made: TestNode) -> None:
    listed, other = "https://shop.example", "https://evil.example"
    async with open_door(made, allowed_origins=(listed,)) as door:
        found: list[Any] = []
        for origin in (listed, other):
            async with door.client.get("/events", headers={"Origin": origin}) as response:
                found.append((response.status, response.headers.get("Access-Control-Allow-Origin")))

    assert found == [(200, listed), (403, None)]


@pytest.mark.parametrize("error", [StoreError("sector 7"), ZeroDivisionError("ours")])
async def test_a_fault_within_a_stream_ends_the_stream(
    made: TestNode, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def break_down(*_: object) -> None:
        raise error

    async with open_door(made) as door, door.client.get("/events") as response:
        await read_block(response)
        monkeypatch.setattr(made.node.feed, "read", break_down)
        made.pay_in_block()
        with pytest.raises(aiohttp.ClientError):
            await response.read()

    assert made.node.failure is (error if isinstance(error, StoreError) else None)


async def test_a_reader_that_leaves_makes_room(made: TestNode) -> None:
    async with open_door(made, connections_max=1) as door:
        response = await door.client.get("/events")
        async with door.client.get("/events") as refused:
            status = refused.status
        response.close()
        async with asyncio.timeout(5):
            while door.server.open_streams:  # noqa: ASYNC110 - the server sees the closed socket
                await asyncio.sleep(0.001)

    assert status == 503


async def test_a_reader_that_stops_is_cut_off(made: TestNode) -> None:
    async with open_door(made, Pace(stall_max=0.1)) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port, limit=1_024)
        writer.write(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        await reader.readline()
        async with asyncio.timeout(20):
            while door.server.open_streams:
                made.pay_in_block(10)
                await asyncio.sleep(0)
        writer.close()

    assert made.node.ledger.height < 10_000
