"""Subscriptions: events without gaps, and slow readers at their own cost."""

import asyncio
import json
import socket as sockets
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from chain.errors import StoreError
from chain.ids import encode_id
from node.rpc.door.websocket import Pace
from tests.make import account, word
from tests.node.rpc.door import Client, Door, TestNode, connect, gates, open_door, request

BEATING = Pace(heartbeat=0.02)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[TestNode]:
    with TestNode(tmp_path) as one:
        yield one


async def test_events_come_after_the_answer_that_names_their_subscription(made: TestNode) -> None:
    made.pay_in_block(2)
    async with connect(made) as client:
        answer = await client.call("events_subscribe", from_="earliest")
        told = client.told
        first = await client.next_told()

    assert answer == {"sub": "s1", "next_id": "1-0", "latest_id": "1-1"}
    assert told == []
    assert (first["sub"], first["latest_id"]) == ("s1", "1-1")
    assert [one["id"] for one in first["events"]] == ["1-0", "1-1"]
    assert first["events"][0]["type"] == "chain.transferred"
    assert first["events"][0]["values"]["to"] == encode_id("acct", account("bob"))


async def test_new_blocks_are_told_at_once_and_old_ones_from_an_id_on(made: TestNode) -> None:
    for _ in range(3):
        made.pay_in_block(2)
    async with connect(made) as client:
        await client.call("events_subscribe", from_="2-0")
        latest = await client.call("events_subscribe")
        made.pay_in_block()
        told = [await client.next_told() for _ in range(3)]

    found: dict[str, list[str]] = {"s1": [], "s2": []}
    for one in told:
        found[one["sub"]] += [event["id"] for event in one["events"]]
    assert found == {"s1": ["2-1", "3-0", "3-1", "4-0"], "s2": ["4-0"]}
    assert latest == {"sub": "s2", "next_id": "4-0", "latest_id": "3-1"}


async def test_the_node_waits_at_the_end_of_the_window_and_drops_nothing(made: TestNode) -> None:
    for _ in range(4):
        made.pay_in_block(3)
    async with connect(made) as client:
        await client.call("events_subscribe", from_="earliest", window=5)
        first = await client.ids_until("2-1")
        quiet = await client.call("echo", text="nothing came")
        partly = await client.call("events_ack", sub="s1", id="1-1")
        second = await client.ids_until("3-0")
        whole = await client.call("events_ack", sub="s1", id="3-0")
        third = await client.ids_until("4-2")

    assert (first, quiet) == (["1-0", "1-1", "1-2", "2-0", "2-1"], "nothing came")
    assert (partly, second) == ({"sub": "s1", "unacked": 3}, ["2-2", "3-0"])
    assert (whole, third) == ({"sub": "s1", "unacked": 0}, ["3-1", "3-2", "4-0", "4-1", "4-2"])


async def test_a_quiet_stream_shows_how_far_it_has_seen_everything(made: TestNode) -> None:
    wanted = {"account": encode_id("acct", account("sam"))}
    async with connect(made, BEATING) as client:
        await client.call("events_subscribe", filter=wanted)
        before = await client.next_told()
        made.pay_in_block(2)
        after = await client.next_told()
        while after["latest_id"] == before["latest_id"]:
            after = await client.next_told()

    assert before == {"sub": "s1", "events": [], "latest_id": "0-0"}
    assert after == {"sub": "s1", "events": [], "latest_id": "1-1"}


async def test_an_ended_subscription_is_silent(made: TestNode) -> None:
    async with connect(made) as client:
        await client.call("events_subscribe")
        ended = await client.call("events_unsubscribe", sub="s1")
        again = await client.call("events_unsubscribe", sub="s1")
        made.pay_in_block()
        await client.call("echo", text="x")

    assert ended == {"sub": "s1", "latest_id": "0-0"}
    assert (again["code"], client.told) == (6001, [])


async def test_filters_choose_by_type_value_account_and_transaction(made: TestNode) -> None:
    box = made.deploy_box()
    made.ring(box, "front", made.now_ms + 10_000)
    made.ring(box, "back", made.now_ms + 10_000)
    paid = made.pay()
    height = made.block()
    name = encode_id("ctr", box)
    filters: list[dict[str, Any]] = [
        {"type": f"{name}.Rang"},
        {"type": f"{name}.*", "values": {"id": word("back").hex()}},
        {"contract": name, "values": {"number": 1}},
        {"type": f"{name}.Rang", "values": {"id": word("back").hex(), "number": 1}},
        {"type": "chain.transferred", "values": {"to": encode_id("acct", account("bob"))}},
        {"contract": "chain", "account": encode_id("acct", account("alice"))},
        {"tx": paid.hex()},
        {"tx": word("unknown").hex()},
        {"type": "block"},
    ]
    async with open_door(made) as door:
        found = [
            [one["id"] for one in (await door.call("events_query", filter=one))["items"]]
            for one in filters
        ]

    front, back = [
        f"{one.place[0]}-{one.place[1]}"
        for told in range(1, height)
        for one in made.node.feed.block(told).events
        if one.event is not None and one.event.contract == box
    ]
    assert found == [
        [front, back],
        [back],
        [front],
        [],
        [f"{height}-0"],
        [f"{height}-0"],
        [f"{height}-0"],
        [],
        [f"{one}-" for one in range(1, height + 1)],
    ]


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"from_": "nonsense"}, "from"),
        ({"from_": "5-0"}, "from"),
        ({"from_": "01-0"}, "from"),
        ({"window": 0}, "window"),
        ({"window": 1_001}, "window"),
        ({"filter": {"type": "Closed"}}, "filter.type"),
        ({"filter": {"type": "chain.nothing"}}, "filter.type"),
        ({"filter": {"type": "block", "values": {"a": 1}}}, "filter.type"),
        ({"filter": {"values": {"a": 1}}}, "filter.values"),
        ({"filter": {"type": "chain.transferred", "values": {"a": 1}}}, "filter.values"),
        ({"filter": {"type": "chain.minted", "values": {"to": "bob"}}}, "filter.values.to"),
        ({"filter": {"colour": "red"}}, "filter.colour"),
        ({"filter": {"account": "acct1x"}}, "filter.account"),
    ],
)
async def test_a_subscription_that_makes_no_sense_says_which_part(
    made: TestNode, params: dict[str, Any], field: str
) -> None:
    async with connect(made) as client:
        refused = await client.call("events_subscribe", **params)

    assert (refused["code"], refused["data"]["field"]) == (-32602, field)


async def test_what_is_acknowledged_must_have_been_sent(made: TestNode) -> None:
    async with connect(made) as client:
        await client.call("events_subscribe")
        early = await client.call("events_ack", sub="s1", id="1-0")
        other = await client.call("events_ack", sub="s9", id="0-0")

    assert (early["code"], other["code"]) == (-32602, 6001)


async def test_subscriptions_have_a_bound_and_need_a_connection(made: TestNode) -> None:
    async with connect(made, subscriptions_max=2) as client:
        answers = [await client.call("events_subscribe") for _ in range(3)]
    async with open_door(made) as door:
        over_http = await door.call("events_subscribe")

    assert [one.get("sub") for one in answers] == ["s1", "s2", None]
    assert (answers[2]["code"], over_http["code"]) == (2004, -32007)


@pytest.mark.parametrize("error", [StoreError("sector 7"), ZeroDivisionError("ours")])
async def test_a_fault_within_a_connection_ends_it(
    made: TestNode, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def break_down(*_: object) -> None:
        raise error

    async with connect(made) as client:
        await client.call("events_subscribe")
        monkeypatch.setattr(made.node.feed, "read", break_down)
        made.pay_in_block()
        message = await client.socket.receive(timeout=5)

    assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1011)
    assert made.node.failure is (error if isinstance(error, StoreError) else None)


async def test_in_a_batch_events_wait_for_the_whole_answer(made: TestNode) -> None:
    made.pay_in_block()
    gate = gates(made.node)["a"] = asyncio.Event()
    async with connect(made) as client:
        batch = [
            request("events_subscribe", 1, from_="earliest"),
            request("wait_here", 2, name="a"),
        ]
        await client.socket.send_json(batch)
        await client.socket.send_json(request("echo", 3, text="x"))
        first = await client.receive()
        gate.set()
        second = await client.receive()
        third = await client.receive()

    assert (first["id"], [one["id"] for one in second]) == (3, [1, 2])
    assert [one["id"] for one in third["params"]["events"]] == ["1-0"]


async def stalled_reader(door: Door, message: dict[str, Any]) -> sockets.socket:
    """Return a socket that sent a request and reads nothing, with a small buffer."""
    loop = asyncio.get_running_loop()
    raw = sockets.socket()
    raw.setsockopt(sockets.SOL_SOCKET, sockets.SO_RCVBUF, 4_096)
    raw.setblocking(False)
    await loop.sock_connect(raw, ("127.0.0.1", door.port))
    head = (
        b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: MDEyMzQ1Njc4OTAxMjM0NQ==\r\n\r\n"
    )
    await loop.sock_sendall(raw, head)
    text = json.dumps(message).encode()
    assert len(text) < 126
    await loop.sock_sendall(raw, bytes([0x81, 0x80 | len(text), 0, 0, 0, 0]) + text)
    return raw


async def test_a_reader_that_stops_is_cut_off_and_others_never_notice(made: TestNode) -> None:
    pace = Pace(stall_max=0.2)
    async with open_door(made, pace, window_max=10_000) as door:
        wanted = request("events_subscribe", 1, from_="earliest", window=10_000)
        stopped = await stalled_reader(door, wanted)
        async with door.client.ws_connect("/ws") as socket:
            other = Client(socket)
            await other.call("events_subscribe", window=10_000)
            height = 0
            while door.server.open_streams > 1:
                height = made.pay_in_block(10)
                ids = await other.ids_until(f"{height}-9")
                assert len(ids) == 10
                assert height < 10_000
            assert height > 1
        stopped.close()
