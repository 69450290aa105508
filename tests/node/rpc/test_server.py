"""The server over HTTP: what is answered, what is refused and how, and how it stops."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chain.errors import StoreError
from node.config_sections import RpcConfig
from node.rpc.door import http as http_module
from node.rpc.door import server as server_module
from node.rpc.door.http import Gate
from node.rpc.door.server import RpcServer
from tests.node.rpc.door import (
    EXAMPLES,
    TOKENS,
    TestNode,
    gates,
    open_door,
    plain,
    request,
    test_registry,
)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[TestNode]:
    with TestNode(tmp_path) as one:
        yield one


async def test_the_examples_of_the_specification_hold_over_http(made: TestNode) -> None:
    async with open_door(made) as door:
        answers = [await door.post(one["request_text"]) for one in EXAMPLES]

    expected = [one["response"] for one in EXAMPLES]
    assert [plain(answer) for _status, answer in answers] == [plain(one) for one in expected]
    assert [status for status, _answer in answers] == [
        204 if one is None else 200 for one in expected
    ]


async def test_each_tier_needs_its_token(made: TestNode) -> None:
    async with open_door(made) as door:
        found = {}
        for name, token in {"": None, "shop": TOKENS.shop, "admin": TOKENS.admin}.items():
            headers = {} if token is None else {"Authorization": f"Bearer {token}"}
            for method in ("only_shop", "only_admin"):
                status, answer = await door.post(request(method, 1), **headers)
                error = answer.get("error", {}).get("code")
                found[name, method] = (status, answer.get("result", error))

    assert found == {
        ("", "only_shop"): (200, -32003),
        ("", "only_admin"): (200, -32003),
        ("shop", "only_shop"): (200, "shop"),
        ("shop", "only_admin"): (200, -32004),
        ("admin", "only_shop"): (200, "admin"),
        ("admin", "only_admin"): (200, "admin"),
    }


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({"Authorization": "Bearer wrong"}, 401, -32003),
        ({"Host": "evil.example"}, 403, -32004),
        ({"Origin": "https://evil.example"}, 403, -32004),
        ({"Origin": "null"}, 403, -32004),
        ({"Content_Type": "text/plain"}, 415, -32600),
        ({"Content_Type": "application/x-www-form-urlencoded"}, 415, -32600),
        ({"Content_Encoding": "gzip"}, 415, -32600),
    ],
)
async def test_a_broken_transport_is_refused_with_a_status_and_a_json_error(
    made: TestNode, headers: dict[str, str], status: int, code: int
) -> None:
    async with open_door(made) as door:
        found, answer = await door.post(request("echo", 1, text="x"), **headers)

    assert (found, answer["id"], answer["error"]["code"]) == (status, None, code)
    assert "result" not in answer


async def test_a_type_with_a_charset_and_no_type_at_all_are_taken(made: TestNode) -> None:
    body = json.dumps(request("echo", 1, text="x")).encode()
    async with open_door(made) as door:
        typed = await door.post(body, Content_Type="Application/JSON; charset=utf-8")
        async with door.client.post(
            "/rpc", data=body, skip_auto_headers=["Content-Type"]
        ) as response:
            untyped = response.status, await response.json()

    assert typed == untyped == (200, {"jsonrpc": "2.0", "id": 1, "result": "x"})


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/rpc", 405),
        ("DELETE", "/rpc", 405),
        ("POST", "/events", 405),
        ("POST", "/health", 405),
        ("GET", "/nowhere", 404),
        ("GET", "/ws", 400),
    ],
)
async def test_wrong_methods_and_places_have_json_bodies_too(
    made: TestNode, method: str, path: str, status: int
) -> None:
    async with open_door(made) as door, door.client.request(method, path) as response:
        found = response.status, (await response.json())["error"]["code"]

    assert found == (status, -32600)


async def test_a_request_beyond_the_bound_is_not_read(made: TestNode) -> None:
    async def endless() -> Any:
        while True:
            yield b" " * 1_000

    async with open_door(made, request_bytes_max=2_000) as door:
        declared = await door.post(b" " * 2_001)
        just = await door.post(b" " * 1_900 + json.dumps(request("echo", 1, text="x")).encode())
        async with door.client.post("/rpc", data=endless(), headers={
            "Content-Type": "application/json"
        }) as response:  # fmt: skip
            chunked = response.status, await response.json()

    assert (declared[0], declared[1]["error"]["code"]) == (413, -32600)
    assert (chunked[0], chunked[1]["error"]["code"]) == (413, -32600)
    assert just[1]["result"] == "x"


async def test_a_body_that_does_not_come_is_given_up(
    made: TestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "BODY_SECONDS_MAX", 0.05)
    async with open_door(made) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"POST /rpc HTTP/1.1\r\nHost: localhost\r\nContent-Length: 50\r\n\r\n{")

        answer = await reader.read()

        writer.close()
    assert answer.startswith(b"HTTP/1.1 408 ")


async def test_headers_that_do_not_come_are_given_up(
    made: TestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "IDLE_SECONDS_MAX", 0.05)
    async with open_door(made) as door:
        reader, writer = await asyncio.open_connection("127.0.0.1", door.port)
        writer.write(b"POST /rpc HTTP/1.1\r\nHost: loc")

        answer = await reader.read()

        writer.close()
    assert answer == b""


async def test_sockets_beyond_the_bound_are_closed(
    made: TestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "REQUEST_CONNECTIONS_MAX", 1)
    async with open_door(made, connections_max=1) as door:
        held = [await asyncio.open_connection("127.0.0.1", door.port) for _ in range(2)]
        for _reader, writer in held:
            writer.write(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        for reader, _writer in held:
            await reader.readuntil(b"\r\n\r\n")
        reader, beyond = await asyncio.open_connection("127.0.0.1", door.port)

        try:
            refused = await reader.read()
        except ConnectionResetError:
            refused = b""

        for writer in [beyond, *(writer for _reader, writer in held)]:
            writer.close()
    assert refused == b""


async def test_who_asks_too_much_is_told_when_to_come_back(made: TestNode) -> None:
    async with open_door(made, requests_per_second=1) as door:
        async with asyncio.TaskGroup() as tasks:
            sent = [
                tasks.create_task(door.client.post("/rpc", json=request("echo", 1, text="x")))
                for _ in range(3)
            ]
        responses = [one.result() for one in sent]
        found = sorted((one.status, one.headers.get("Retry-After")) for one in responses)
        (late,) = [await one.json() for one in responses if one.status == 429]

    assert found == [(200, None), (200, None), (429, "1")]
    assert (late["error"]["code"], late["error"]["data"]["retry"]) == (-32002, "later")


async def test_a_batch_is_charged_for_each_call(made: TestNode) -> None:
    batch = [request("echo", number, text="x") for number in range(3)]
    async with open_door(made, requests_per_second=1) as door:
        status, answer = await door.post(batch)

        alone = await door.post(request("echo", 9, text="x"))

    assert (status, len(answer)) == (200, 3) or status == 429
    assert alone[0] in {200, 429}


async def test_batches_and_answers_have_bounds(made: TestNode) -> None:
    async with open_door(made, batch_max=3, response_bytes_max=2_000) as door:
        many = await door.post([request("echo", number, text="x") for number in range(4)])
        long = await door.call("long_text", length=3_000)

    assert (many[0], many[1]["error"]["code"]) == (200, -32006)
    assert long["code"] == -32005


async def test_pages_of_allowed_origins_may_ask_and_read(made: TestNode) -> None:
    origin = "https://shop.example"
    async with open_door(made, allowed_origins=(origin,)) as door:
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        async with door.client.options("/rpc", headers=asked) as response:
            preflight = response.status, response.headers["Access-Control-Allow-Origin"]
        async with door.client.post(
            "/rpc", json=request("echo", 1, text="x"), headers={"Origin": origin}
        ) as response:
            answer = response.status, response.headers["Access-Control-Allow-Origin"]
        own = {"Origin": f"http://127.0.0.1:{door.port}"}
        async with door.client.post(
            "/rpc", json=request("echo", 1, text="x"), headers=own
        ) as response:
            same = response.status, response.headers.get("Access-Control-Allow-Origin")
        evil = {**asked, "Origin": "https://evil.example"}
        async with door.client.options("/rpc", headers=evil) as response:
            refused = response.status, response.headers.get("Access-Control-Allow-Origin")

    assert (preflight, answer) == ((204, origin), (200, origin))
    assert (same, refused) == ((200, None), (403, None))


async def test_probes_learn_whether_the_node_works(made: TestNode) -> None:
    made.pay_in_block()
    async with open_door(made) as door:
        async with door.client.get("/health") as response:
            well = response.status, await response.json()
        made.node.failure = OSError("the disk is full")
        async with door.client.get("/health") as response:
            broken = response.status, await response.json()
        made.node.failure = None

    told = {"height": 1, "time": made.now_ms}
    assert well == (200, {"ready": True, **told})
    assert broken == (503, {"ready": False, **told})


async def test_figures_tell_of_blocks_and_calls(made: TestNode) -> None:
    async with open_door(made) as door:
        made.pay_in_block()
        await door.call("echo", text="x")
        await door.call("no_such_method")
        await door.call("echo", txt="x")
        async with door.client.get("/metrics") as response:
            lines = (await response.text()).splitlines()

    wanted = [
        "wash_height 1.0",
        'wash_tx_total{code="0",type="transfer"} 1.0',
        "wash_mempool_txs 0.0",
        'wash_rpc_requests_total{code="0",method="echo"} 1.0',
        'wash_rpc_requests_total{code="-32602",method="echo"} 1.0',
        'wash_rpc_requests_total{code="-32601",method="unknown"} 1.0',
        'wash_rpc_seconds_count{method="echo"} 2.0',
        "wash_event_subscribers 0.0",
    ]
    assert [line for line in wanted if line not in lines] == []


async def test_the_first_page_says_what_this_is_and_runs_nothing(made: TestNode) -> None:
    async with open_door(made) as door, door.client.get("/") as response:
        text, policy = await response.text(), response.headers["Content-Security-Policy"]

    assert "rpc.discover" in text
    assert policy.startswith("default-src 'none'")


async def test_events_are_listed_over_http_and_page_by_page(made: TestNode) -> None:
    for count in (2, 1):
        made.pay_in_block(count)
    async with open_door(made) as door:
        first = await door.call("events_query", limit=2)
        second = await door.call("events_query", limit=2, after=first["next"])
        refused = await door.call("events_query", after="99-0")
        blocks = await door.call("events_query", filter={"type": "block"}, after="1-")

    assert [one["id"] for one in first["items"]] == ["1-0", "1-1"]
    assert [one["id"] for one in second["items"]] == ["2-0"]
    assert (second["next"], second["scanned_to"]) == (None, "2-0")
    assert (refused["code"], refused["data"]["field"]) == (-32602, "after")
    assert [(one["id"], one["type"]) for one in blocks["items"]] == [("2-", "block")]


async def test_it_stops_within_two_seconds_with_everything_open(made: TestNode) -> None:
    async with open_door(made) as door:
        gates(door.node)["never"] = asyncio.Event()
        waiting = asyncio.ensure_future(door.post(request("wait_here", 1, name="never")))
        socket = await door.client.ws_connect("/ws")
        lines = await door.client.get("/events")
        await door.call("echo", text="they are all there")
        started = asyncio.get_running_loop().time()

        await door.server.stop()

        took = asyncio.get_running_loop().time() - started
        goodbye = await socket.receive()
        await lines.read()
        lost = await asyncio.gather(waiting, return_exceptions=True)
    assert took < 2
    assert goodbye.data == 1001
    assert isinstance(lost[0], Exception)


async def test_a_broken_disk_stops_the_node_and_tells_nothing_inside(
    made: TestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(*_: object) -> None:
        text = "sector 7"
        raise StoreError(text)

    async with open_door(made) as door:
        monkeypatch.setattr(made.node.feed, "read", break_down)
        called = await door.post(request("events_query", 1))
        monkeypatch.setattr(made.node.abis, "resolve", break_down)
        async with door.client.get("/events?contract=box") as response:
            asked = response.status, await response.json()

    assert (called[0], asked[0]) == (200, 500)
    assert (called[1]["error"]["code"], asked[1]["error"]["code"]) == (-32603, -32603)
    assert "sector" not in f"{called}{asked}"
    assert isinstance(made.node.failure, StoreError)


async def test_a_fault_of_our_own_is_logged_and_tells_nothing_inside(
    made: TestNode, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def break_down() -> None:
        text = "secret detail"
        raise ZeroDivisionError(text)

    async with open_door(made) as door:
        monkeypatch.setattr(door.server.metrics, "render", break_down)
        async with door.client.get("/metrics") as response:
            found = response.status, await response.text()

    assert found[0] == 500
    assert "secret" not in found[1]
    assert "secret detail" in caplog.text


async def test_too_many_bodies_at_once_are_put_off(
    made: TestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_module, "BODIES_BYTES_MAX", 100)
    async with open_door(made) as door:
        status, answer = await door.post(request("echo", 1, text="x" * 100))
        after = await door.post(request("echo", 1, text="x"))

    assert (status, answer["error"]["code"]) == (503, -32001)
    assert after[0] == 200


def test_listening_anywhere_is_no_name_of_ours() -> None:
    gates_ = [
        Gate(RpcConfig(host=host), TOKENS) for host in ("0.0.0.0", "::", "10.0.0.7", "2001:db8::7")
    ]

    named = [
        (host, gate._doors._is_ours(host))
        for gate, host in zip(
            gates_,
            ("0.0.0.0:8787", "[::]:8787", "10.0.0.7:8787", "[2001:db8::7]:8787"),
            strict=True,
        )
    ]

    assert [is_ours for _host, is_ours in named] == [False, False, True, True]


async def test_an_address_in_use_is_told(made: TestNode) -> None:
    async with open_door(made) as door:
        config = RpcConfig(port=door.port)
        other = RpcServer(made.node, test_registry(), config, TOKENS)

        with pytest.raises(OSError, match="address already in use"):
            await other.start()
