"""The bad lines of tests themselves: who dials is seen, directions are apart, breaks are breaks."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from chain.crypto import hash_bytes
from node.devnet.plan import PlannedNode, node_signer
from p2p import About, NodeRole, Session
from tests.faulty import Fault, Lines

NODES = [PlannedNode(f"node{one}", "validator", Path(), 1, 1) for one in (1, 2, 3)]
ABOUT = About("washnode/0", NodeRole.FULL, "", 0)
CHANCE = hash_bytes("test/a", b"x") + hash_bytes("test/b", b"x")


@asynccontextmanager
async def echoing() -> AsyncIterator[Lines]:
    """Put lines before a server that says everything back."""

    async def say_back(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(1_000):
                writer.write(data)
        writer.close()

    server = await asyncio.start_server(say_back, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    lines = Lines([replace(one, p2p_port=port) for one in NODES])
    try:
        yield lines
    finally:
        await lines.close()
        server.close()


async def said_back(port: int, data: bytes, patience_s: float = 5.0) -> bytes | None:
    """Return what comes back; None if nothing does, b"" if the line breaks."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(data)
        async with asyncio.timeout(patience_s):
            return await reader.read(1_000)
    except TimeoutError:
        return None
    except ConnectionError:
        return b""
    finally:
        writer.close()


def masked_hello(name: str) -> bytes:
    """Return a request and a first frame as a dialling node sends them."""
    [hello] = Session(node_signer(name), True, bytes(32), ABOUT, CHANCE).begin()
    mask = b"\x01\x02\x03\x04"
    said = bytes(one ^ mask[place % 4] for place, one in enumerate(hello))
    head = b"\x82\xfe" + len(hello).to_bytes(2, "big")
    return b"GET /p2p HTTP/1.1\r\n\r\n" + head + mask + said


async def test_a_line_carries_for_the_one_it_is_named_after() -> None:
    async with echoing() as lines:
        port = await lines.open("node1", "node2")
        own, other = masked_hello("node1"), masked_hello("node3")

        assert await said_back(port, own) == own
        assert await said_back(port, other) == b""


@pytest.mark.parametrize("direction", [("node1", "node2"), ("node2", "node1")])
async def test_a_dead_direction_lets_nothing_through_and_tells_nobody(
    direction: tuple[str, str],
) -> None:
    async with echoing() as lines:
        port = await lines.open("node1", "node2")
        lines.set(Fault(is_dead=True), direction)
        silent = await said_back(port, b"hello", 0.2)
        lines.heal()

        assert (silent, await said_back(port, b"hello")) == (None, b"hello")


async def test_a_cut_breaks_what_is_open_and_refuses_what_comes() -> None:
    async with echoing() as lines:
        port = await lines.open("node1", "node2")
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"hello")
        assert await reader.read(10) == b"hello"
        lines.cut(["node1"], ["node2"])
        with contextlib.suppress(ConnectionError):
            assert await reader.read(10) == b""
        writer.close()
        refused = await said_back(port, b"hello")
        lines.heal()

        assert (refused, await said_back(port, b"hello")) == (b"", b"hello")
