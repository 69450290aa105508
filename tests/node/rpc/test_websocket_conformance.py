"""The WebSocket protocol itself, by the cases of the Autobahn test suite.

Their other side expects to get back what it sends, so the connections of these tests answer every
message with itself; all else is what the node runs.
"""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from kosoku import FailureError, run_fuzzingclient

from tests.node.rpc.door import TestNode, open_door

AT_ONCE = 16
TEXT_CASES = ("1.1.*", "2.*", "3.*", "4.*", "5.*", "6.*", "7.*", "10.*")
LONG_TEXT_CASES = ("9.1.1", "9.1.2", "9.1.3", "9.1.4", "9.3.*", "9.5.*", "9.7.*")
BINARY_CASES = ("1.2.*", "9.2.1", "9.4.1", "9.6.1", "9.8.1")
TOO_LONG_CASES = ("9.1.5", "9.1.6")
# aiohttp takes 1006, which no frame may bear, and answers it with the usual goodbye.
LENIENT = {"7.9.5": ("FAILED", "WRONG CODE", 1000)}


class Echo:
    """Stands where messages are answered."""

    async def handle(self, data: bytes, _call: object, **_: object) -> bytes:
        assert isinstance(data, bytes)
        return data


@pytest.fixture
async def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[str]:
    with TestNode(tmp_path) as made:
        async with open_door(made) as door:
            monkeypatch.setattr(door.server, "_dispatcher", Echo())
            yield f"ws://127.0.0.1:{door.port}/ws"


async def run_cases(url: str, *cases: str) -> list[Any]:
    """Return the results of cases, failed ones too."""
    try:
        return await run_fuzzingclient(url, cases=cases, concurrency=AT_ONCE)
    except FailureError as failure:
        return list(failure.results)


def failed(results: list[Any]) -> dict[str, tuple[str, str, int]]:
    """Return what was wrong: how it behaved, how it closed, the code of its goodbye."""
    return {
        one.case_id: (one.behavior.value, one.behavior_close.value, one.remote_close_code)
        for one in results
        if not one.passed
    }


async def test_framing_fragments_utf_8_and_goodbyes_are_as_the_protocol_wants(url: str) -> None:
    results = await run_cases(url, *TEXT_CASES)

    assert len(results) == 239
    assert failed(results) == LENIENT


async def test_long_messages_and_thousands_of_them_come_back_whole(url: str) -> None:
    results = await run_cases(url, *LONG_TEXT_CASES)

    assert len(results) == 25
    assert failed(results) == {}


@pytest.mark.parametrize(("cases", "code"), [(BINARY_CASES, 1003), (TOO_LONG_CASES, 1009)])
async def test_binary_and_too_long_messages_end_with_the_code_that_says_so(
    url: str, cases: tuple[str, ...], code: int
) -> None:
    results = await run_cases(url, *cases)

    assert {one.remote_close_code for one in results} == {code}


def utf_8_rows() -> Iterator[tuple[bytes, bool]]:
    """Return byte strings, and whether they are UTF-8."""
    path = Path(__file__).parents[2] / "vectors/naughty/utf8tests.txt"
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            _number, kind, value, *_ = line.split(":")
            if kind.endswith(" hex"):
                yield bytes.fromhex(value), kind.strip() == "valid hex"


async def test_each_text_that_is_not_utf_8_ends_its_connection(url: str) -> None:
    codes: dict[bool, set[int | None]] = {True: set(), False: set()}
    async with aiohttp.ClientSession() as client:
        for data, is_valid in utf_8_rows():
            async with client.ws_connect(url) as socket:
                await socket.send_frame(data, aiohttp.WSMsgType.TEXT)
                message = await socket.receive(timeout=5)
                is_back = message.type == aiohttp.WSMsgType.TEXT and message.data.encode() == data
                codes[is_valid].add(None if is_back else message.data)

    assert codes == {True: {None}, False: {1007}}
