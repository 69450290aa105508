"""The door under attack by bytes: broken HTTP, endless messages, readers that do not read.

What a connection can make the node hold is bounded, and the others are served meanwhile.
"""

import asyncio
import json
import logging
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from node.rpc.door import http as http_module
from node.rpc.door import server as server_module
from tests.node.rpc.door import Door, TestNode, open_door, request

BUFFER_BYTES_MAX = 1024 * 1024  # of what waits for one socket; an answer of the tests is shorter
STALLED_SECONDS = 0.2  # so long nothing is taken from a writer: the other side has stopped reading
CALL = json.dumps(request("echo", 1, text="x")).encode()
HANDSHAKE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
TEXT, PING, CONTINUED = 1, 9, 0


def post(*headers: bytes, body: bytes = CALL, host: bytes = b"Host: localhost") -> bytes:
    """Return a request with all headers given and no others."""
    lines = [b"POST /rpc HTTP/1.1", host, b"Content-Type: application/json", *headers]
    return b"\r\n".join(line for line in lines if line) + b"\r\n\r\n" + body


def sized(*headers: bytes, host: bytes = b"Host: localhost") -> bytes:
    """Return a request that tells its length and ends its connection."""
    length = b"Content-Length: %d" % len(CALL)
    return post(length, b"Connection: close", *headers, host=host)


def frame(data: bytes, kind: int = TEXT, *, last: bool = True) -> bytes:
    """Return a WebSocket frame as clients send them."""
    first = (0x80 if last else 0) | kind
    if len(data) < 126:
        head = struct.pack("!BB", first, 0x80 | len(data))
    else:
        head = struct.pack("!BBQ", first, 0x80 | 127, len(data))
    return head + bytes(4) + data


@pytest.fixture
async def door(tmp_path: Path) -> AsyncIterator[Door]:
    with TestNode(tmp_path) as made:
        async with open_door(made) as opened:
            yield opened


@asynccontextmanager
async def dial(
    door: Door, first: bytes = b""
) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """Connect, send, and cut the connection off in the end."""
    reader, writer = await asyncio.open_connection("127.0.0.1", door.port, limit=2**16)
    writer.write(first)
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def status_of(door: Door, data: bytes) -> int:
    """Return the status of the first answer."""
    async with dial(door, data) as (reader, _writer), asyncio.timeout(5):
        return int((await reader.readline()).split(b" ")[1])


async def push(writer: asyncio.StreamWriter, chunk: bytes, bytes_max: int) -> bool:
    """Send again and again; returns whether the other side stopped taking it, or hung up."""
    for _ in range(bytes_max // len(chunk)):
        writer.write(chunk)
        try:
            async with asyncio.timeout(STALLED_SECONDS):
                await writer.drain()
        except (TimeoutError, ConnectionError):
            return True
    return False


def transports(door: Door) -> list[Any]:
    """Return the node's sides of all open connections."""
    runner = door.server._runner
    assert runner is not None
    assert runner.server is not None
    return [one.transport for one in runner.server.connections if one.transport is not None]


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(5):
        while not condition():  # noqa: ASYNC110 - the server tells nobody who came or went
            await asyncio.sleep(0.005)


async def until_nobody_is_connected(door: Door) -> None:
    await until(lambda: not transports(door) and not door.server.open_streams)


# Broken HTTP ------------------------------------------------------------------------------------

CHUNKED = b"Transfer-Encoding: chunked"
BROKEN = {
    "negative length": post(b"Content-Length: -5"),
    "length in words": post(b"Content-Length: abc"),
    "length with a sign": post(b"Content-Length: +5"),
    "two lengths": post(b"Content-Length: 5", b"Content-Length: 62"),
    "a list of lengths": post(b"Content-Length: 62, 62"),
    "a length of many digits": post(b"Content-Length: " + b"9" * 30),
    "length and chunks": post(b"Content-Length: 62", CHUNKED),
    "chunked and more": post(b"Transfer-Encoding: chunked, gzip"),
    "an unknown encoding": post(b"Transfer-Encoding: xchunked"),
    "a chunk of no size": post(CHUNKED, body=b"zz\r\nhello\r\n0\r\n\r\n"),
    "a chunk of 2^72 bytes": post(CHUNKED, body=b"F" * 18 + b"\r\nhello\r\n0\r\n\r\n"),
    "a chunk that does not end": post(CHUNKED, body=b"5\r\nhelloXX0\r\n\r\n"),
    "100,000 trailers": post(CHUNKED, body=b"1\r\n{\r\n0\r\n" + b"X-A: b\r\n" * 100_000),
    "a long header": post(b"X-A: " + b"a" * 100_000),
    "a long header's name": post(b"X" * 100_000 + b": a"),
    "many headers": post(*[b"X-%d: b" % number for number in range(5_000)]),
    "a long path": b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a path of strange bytes": b"GET /\xff\xfe HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "a folded header": post(b"X-A: b\r\n folded"),
    "a space before a colon": post(b"X-A : b"),
    "a zero byte": post(b"X-A: a\0b"),
    "lines without returns": sized().replace(b"\r\n", b"\n"),
    "no host": sized(host=b""),
    "two hosts": sized(b"Host: evil.example"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "TLS": bytes.fromhex("16030100c8010000c40303") + bytes(200),
    "zeros": bytes(5_000),
    "a strange method": b"G\x01T / HTTP/1.1\r\nHost: localhost\r\n\r\n",
}


async def test_broken_http_is_refused_and_fills_no_log(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)

    statuses = {name: await status_of(door, data) for name, data in BROKEN.items()}

    assert statuses == dict.fromkeys(BROKEN, 400)
    assert caplog.records == []
    await until_nobody_is_connected(door)
    assert await door.call("echo", text="x") == "x"


@pytest.mark.parametrize(
    "host",
    [
        "evil.example", "localhost.evil.example", "localhost:8787.evil.example", "localhost@evil",
        "evil@localhost", "localhost.", "localhost:", "localhost:8x", "127.0.0.1.evil", "127.1",
        "2130706433", "0x7f.1", "[::1", "[::ffff:127.0.0.1]", "0.0.0.0", "lo\u0441alhost",
    ],
)  # fmt: skip
async def test_hosts_that_only_look_like_ours_are_refused(door: Door, host: str) -> None:
    status = await status_of(door, sized(host=b"Host: " + host.encode()))

    assert status == 403


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example", "http://localhost.evil.example", "http://localhost@evil.example",
        "http://localhost:1", "http://127.0.0.1", "null", "", "file://", "localhost",
        "https://localhost:8787, http://localhost", "chrome-extension://localhost", "http://[::1]",
    ],
)  # fmt: skip
async def test_pages_of_other_places_are_refused(door: Door, origin: str) -> None:
    header = b"Origin: " + origin.encode()

    posted = await status_of(door, sized(header))
    dialled = await status_of(door, HANDSHAKE.replace(b"\r\n\r\n", b"\r\n" + header + b"\r\n\r\n"))

    assert (posted, dialled) == (403, 403)


async def test_requests_in_a_row_are_answered_in_their_order(door: Door) -> None:
    calls = [json.dumps(request("echo", number, text="x")).encode() for number in range(200)]
    data = b"".join(post(b"Content-Length: %d" % len(one), body=one) for one in calls)

    async with dial(door, data) as (reader, _writer), asyncio.timeout(5):
        numbers = []
        for _ in calls:
            await reader.readuntil(b"\r\n\r\n")
            numbers.append(json.loads(await reader.readuntil(b"}"))["id"])

    assert numbers == list(range(200))


@pytest.mark.parametrize(
    "data",
    [post(b"X-A: " + b"a" * 500), post(b"Content-Length: 500", body=b" " * 500)],
    ids=["head", "body"],
)
async def test_requests_that_come_byte_by_byte_are_given_up(
    data: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(server_module, "IDLE_SECONDS_MAX", 0.1)
    monkeypatch.setattr(http_module, "BODY_SECONDS_MAX", 0.1)
    with TestNode(tmp_path) as made:
        async with open_door(made) as slow, dial(slow) as (_reader, writer):
            sent = 0
            for byte in data:
                if writer.is_closing() or (not transports(slow) and sent):
                    break
                writer.write(bytes([byte]))
                await asyncio.sleep(0.01)
                sent += 1

    assert sent < 400


async def test_half_requests_leave_nothing_behind(
    door: Door, caplog: pytest.LogCaptureFixture
) -> None:
    whole = sized()
    for end in range(0, len(whole), 5):
        async with dial(door, whole[:end]) as (_reader, writer):
            await writer.drain()
    for end in range(len(HANDSHAKE) - 2, len(HANDSHAKE) + 1):
        async with dial(door, HANDSHAKE[:end] + frame(CALL)[:end]) as (_reader, writer):
            await writer.drain()

    await until_nobody_is_connected(door)

    assert await door.call("echo", text="x") == "x"
    assert caplog.records == []


async def test_silent_sockets_are_bounded_and_newcomers_get_in_when_they_are_gone(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "REQUEST_CONNECTIONS_MAX", -492)  # 20 with the streams' 512
    silent = []
    for _ in range(60):
        silent.append(await asyncio.open_connection("127.0.0.1", door.port))
        await asyncio.sleep(0)

    held = len(transports(door))
    for _reader, writer in silent:
        writer.transport.abort()
    await until_nobody_is_connected(door)

    assert 20 <= held <= 30
    assert await door.call("echo", text="x") == "x"


# Floods -----------------------------------------------------------------------------------------

LONG_CALL = json.dumps(request("long_text", 1, length=100_000)).encode()
FLOODS = {
    "http": (b"", post(b"Content-Length: %d" % len(CALL)) * 200),
    "calls": (HANDSHAKE, frame(CALL) * 200),
    "pings": (HANDSHAKE, frame(b"x" * 100, PING) * 200),
    "long answers": (HANDSHAKE, frame(LONG_CALL) * 200),
    "junk": (HANDSHAKE, frame(b"{") * 2_000),
}


@pytest.mark.parametrize("kind", FLOODS)
async def test_who_asks_and_never_reads_is_no_longer_read_and_costs_little(
    door: Door, kind: str
) -> None:
    start, flood = FLOODS[kind]
    async with dial(door, start) as (_reader, writer):
        await until(lambda: transports(door))
        (first,) = transports(door)

        has_stalled = await push(writer, flood, 256 * 1024 * 1024)

        assert has_stalled
        assert first.get_write_buffer_size() <= BUFFER_BYTES_MAX
        assert await door.call("echo", text="x") == "x"
    await until(lambda: len(transports(door)) == 1)  # the client's that asked meanwhile


async def test_subscribers_that_never_read_cost_one_message_each(door: Door) -> None:
    subscribe = request("events_subscribe", 1, from_="earliest", window=1_000)
    async with dial(door, HANDSHAKE + frame(json.dumps(subscribe).encode()) * 32):
        await until(lambda: transports(door))
        (connection,) = transports(door)
        for _ in range(200):
            door.made.pay_in_block(16)
            await asyncio.sleep(0)
        for _ in range(100):
            await asyncio.sleep(0.001)

        assert connection.get_write_buffer_size() <= BUFFER_BYTES_MAX
        assert await door.call("echo", text="x") == "x"


@pytest.mark.parametrize(
    ("start", "more"),
    [
        (struct.pack("!BBQ", 1, 0xFF, 2**40) + bytes(4), b"x" * 65_536),
        (frame(b"x", last=False), frame(b"x" * 1_000, CONTINUED, last=False) * 100),
    ],
    ids=["a frame of 1 TiB", "fragments without end"],
)
async def test_messages_without_end_end_their_connection(
    door: Door, start: bytes, more: bytes
) -> None:
    async with dial(door, HANDSHAKE + start) as (_reader, writer):
        is_over = await push(writer, more, 64 * 1024 * 1024)

    assert is_over
    await until_nobody_is_connected(door)


# JSON made to hurt ------------------------------------------------------------------------------

MILLIONS = 5_000_000
BOMBS = {
    "deep": (b"[" * MILLIONS, -32700),
    "a batch of numbers": (b"[" + b"1," * 90_000 + b"1]", -32006),
    "a batch of notifications": (b"[" + b"{}," * 60_000 + b"{}]", -32006),
    "digits": (b"9" * MILLIONS, -32700),
    "decimals": (b"1." + b"9" * MILLIONS, -32600),
    "an exponent": (b"1e" + b"9" * MILLIONS, -32700),
    "escapes": (b'"' + b"\\u0041" * 800_000 + b'"', -32600),
    "members": (b"{" + b",".join(b'"%d":1' % one for one in range(99_000)) + b"}", -32600),
    "blanks": (b" " * MILLIONS, -32700),
    "a method's name": (b'{"jsonrpc":"2.0","id":1,"method":"%b"}' % (b"a" * MILLIONS), -32601),
    "a member's name": (b'{"jsonrpc":"2.0","id":1,"%b":1}' % (b"a" * MILLIONS), -32600),
    "a parameter": (
        b'{"jsonrpc":"2.0","id":1,"method":"only_shop","params":{"%b":1}}' % (b"a" * MILLIONS),
        -32003,
    ),
    "an id": (b'{"jsonrpc":"2.0","id":%b,"method":"x"}' % (b"9" * 4_000), -32600),
}


@pytest.mark.parametrize("kind", BOMBS)
async def test_json_made_to_hurt_gets_a_short_refusal(door: Door, kind: str) -> None:
    data, code = BOMBS[kind]

    length = b"Content-Length: %d" % len(data)
    async with dial(door, post(length, b"Connection: close", body=data)) as (reader, _writer):
        head, _, body = (await reader.read(-1)).partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 200 ")
    assert json.loads(body)["error"]["code"] == code
    assert len(body) < 1_000
