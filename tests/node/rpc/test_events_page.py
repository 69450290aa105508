"""The guide to events: what it shows is what happens."""

import json
import re
import shlex
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from chain.receipt import KernelEvent
from node.config_sections import RpcConfig
from node.rpc.door.access import Tokens
from node.rpc.door.server import RpcServer
from tests.node.rpc.event_page import renew
from tests.node.rpc.story import Teller
from tests.node.rpc_examples import book_a_wash

PAGE = (Path(__file__).parents[3] / "docs" / "events.md").read_text("utf-8")
SHOWN_AT = "http://127.0.0.1:8787"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


def fits(shown: str, told: str) -> bool:
    """Tell whether a line is what the page shows, where `...` stands for anything."""
    pattern = ".*".join(map(re.escape, shown.split("...")))
    return re.fullmatch(pattern, told) is not None


@pytest.fixture
async def client(tmp_path: Path) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of a node on whose chain alice has just booked."""
    teller = Teller(tmp_path / "node")
    await book_a_wash(teller)
    server = RpcServer(teller.node, teller.registry, RpcConfig(port=0), Tokens("s" * 32, "a" * 32))
    port = await server.start()
    async with aiohttp.ClientSession(f"http://127.0.0.1:{port}") as session:
        yield session
    await server.stop()
    teller.close()


async def run_curl(client: aiohttp.ClientSession, command: str, lines: int) -> list[str]:
    """Return the first lines that a curl command of the page prints."""
    _curl, _quiet, url, *options = shlex.split(command)
    given = list(zip(options[::2], options[1::2], strict=True))
    headers = dict(value.split(": ", 1) for name, value in given if name == "-H")
    data = next((value for name, value in given if name == "-d"), None)
    method = "GET" if data is None else "POST"
    path = url.removeprefix(SHOWN_AT)
    async with client.request(method, path, data=data, headers=headers) as response:
        assert response.status == 200
        return [(await response.content.readline()).decode().rstrip("\n") for _ in range(lines)]


@pytest.mark.parametrize("block", blocks("console"), ids=range(len(blocks("console"))))
async def test_what_curl_is_shown_to_print_is_what_comes(
    client: aiohttp.ClientSession, block: str
) -> None:
    command, *shown = block.removesuffix("\n").split("\n")

    told = await run_curl(client, command.removeprefix("$ "), len(shown))

    assert [
        (one, other) for one, other in zip(shown, told, strict=True) if not fits(one, other)
    ] == []


async def test_the_conversation_over_a_websocket_is_as_shown(
    client: aiohttp.ClientSession,
) -> None:
    (block,) = blocks("text")

    wrong = []
    async with client.ws_connect("/ws") as socket:
        for line in block.splitlines():
            if line.startswith("> "):
                await socket.send_str(line.removeprefix("> "))
                continue
            told = await socket.receive_str(timeout=5)
            if not fits(line.removeprefix("< "), told):
                wrong.append((line, told))

    assert wrong == []


async def test_the_event_that_is_shown_is_on_the_chain(client: aiohttp.ClientSession) -> None:
    shown = json.loads(blocks("json")[0])
    params = {"filter": {"type": shown["type"]}}
    asked: Any = {"jsonrpc": "2.0", "id": 1, "method": "events_query", "params": params}

    async with client.post("/rpc", json=asked) as response:
        told = await response.json()

    assert told["result"]["items"] == [shown], "run `python -m tests.node.rpc_examples`"


def test_the_page_moves_along_with_the_chain() -> None:
    shown = json.loads(blocks("json")[0])
    height = shown["height"] + 7

    later = renew(PAGE, {**shown, "height": height, "time": 1})

    assert f'"id": "{height}-1"' in later
    assert f"Last-Event-ID: {height}-0" in later
    assert later.count(f'"{height - 1}-"') == 2  # where the shown calls begin
    assert renew(later, shown) == PAGE


def test_all_types_of_the_chain_are_named() -> None:
    named = {word.removeprefix("chain.") for word in re.findall(r"`([a-z_.]+)`", PAGE)}

    assert {one.name.lower() for one in KernelEvent} - named == set()
