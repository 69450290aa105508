"""May a node be sent work? Reasons, and the probes that tell them."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp.test_utils import make_mocked_request

from node.config_sections import RpcConfig
from node.live.hearing import BEHIND_MAX, hears_nobody, heights_behind
from node.monitoring import readiness
from node.monitoring.readiness import (
    READY_FREE_BYTES_MIN,
    REASON_NAMES,
    Vitals,
    find_reasons,
)
from node.rpc.door.access import RefusedPlaceError
from node.rpc.door.http import FarProbeError, Gate
from tests.node.rpc.door import TOKENS, Door, TestNode, open_door

WELL = Vitals(has_failed=False, is_stopping=False, is_alone=False, behind=0, free=None)
ILL = Vitals(has_failed=True, is_stopping=True, is_alone=True, behind=812, free=0)


@pytest.fixture
def made(tmp_path: Path) -> Iterator[TestNode]:
    with TestNode(tmp_path) as node:
        yield node


async def ask(door: Door, path: str) -> tuple[int, Any]:
    async with door.client.get(path) as response:
        return response.status, await response.json()


def test_a_node_is_ready_unless_something_stands_against_it() -> None:
    at_the_edge = replace(WELL, behind=BEHIND_MAX, free=READY_FREE_BYTES_MIN)

    assert (find_reasons(WELL), find_reasons(at_the_edge)) == ([], [])


def test_every_reason_has_its_name_two_languages_and_a_fix() -> None:
    found = find_reasons(ILL)

    assert tuple(reason.name for reason in found) == REASON_NAMES
    assert [one for one in found if not (one.text and one.fix and one.zh != one.text)] == []


@pytest.mark.parametrize(
    ("told", "behind"),
    [([], 0), ([3], 0), ([9], 4), ([9, 5], 0), ([9, 7, 5], 2), ([10**9, 5, 5], 0), ([4, 4], 0)],
)
def test_one_peer_among_several_can_not_make_up_a_height(told: list[int], behind: int) -> None:
    engine: Any = SimpleNamespace(height=5, catch_up=SimpleNamespace(heights=told))

    assert heights_behind(engine) == behind


@pytest.mark.parametrize(
    ("validators", "network", "told", "alone"),
    [
        ((b"me",), None, [], False),
        ((b"me", b"you"), None, [], True),
        ((b"me", b"you"), None, [1], False),
        ((b"you",), [], [1], True),
        ((b"you",), ["a peer"], [], True),
        ((b"you",), ["a peer"], [1], False),
    ],
)
def test_who_is_not_the_only_validator_must_hear_of_others(
    validators: tuple[bytes, ...], network: list[str] | None, told: list[int], *, alone: bool
) -> None:
    machine = SimpleNamespace(validators=SimpleNamespace(keys=validators))
    catch_up = SimpleNamespace(heights=told)
    engine = SimpleNamespace(me=b"me", machine=machine, catch_up=catch_up)
    peers = None if network is None else SimpleNamespace(peers=lambda: network)
    node: Any = SimpleNamespace(driver=SimpleNamespace(engine=engine), network=peers)

    assert hears_nobody(node) is alone


async def test_a_working_node_is_live_and_ready(made: TestNode) -> None:
    made.pay_in_block()
    async with open_door(made) as door:
        found = [await ask(door, path) for path in ("/health/live", "/health/ready")]

    assert found == [(200, {"live": True}), (200, {"ready": True, "reasons": []})]


async def test_a_failed_node_is_neither_and_tells_no_details(made: TestNode) -> None:
    async with open_door(made) as door:
        made.node.failure = OSError("account acct1secret")
        live, (status, body) = await ask(door, "/health/live"), await ask(door, "/health/ready")
        made.node.failure = None

    assert live == (503, {"live": False})
    assert (status, [one["name"] for one in body["reasons"]]) == (503, ["FAILED"])
    assert "secret" not in str(body)


async def test_a_node_without_room_is_live_and_not_ready(
    made: TestNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "free_bytes", lambda _folder: 1_000)
    async with open_door(made) as door:
        live, (status, body) = await ask(door, "/health/live"), await ask(door, "/health/ready")

    assert live == (200, {"live": True})
    assert (status, body["ready"]) == (503, False)
    assert body["reasons"] == [
        {
            "name": "DISK_FULL",
            "text": "1000 bytes are free on the disk of the chain",
            "zh": "链所在磁盘仅剩 1000 字节",
            "fix": "make room: 268435456 bytes",
        }
    ]


async def test_a_node_that_lacks_blocks_of_its_peers_is_not_ready(made: TestNode) -> None:
    engine = made.node.driver.engine
    async with open_door(made) as door:
        for peer in (b"1" * 32, b"2" * 32):
            engine.catch_up.note(peer, 50, engine.height, 0)
        status, body = await ask(door, "/health/ready")

    assert (status, [one["name"] for one in body["reasons"]]) == (503, ["BEHIND"])
    assert "49 blocks" in body["reasons"][0]["text"]


def request(remote: str, **headers: str) -> Any:
    made = make_mocked_request("GET", "/metrics", headers={"Host": "localhost", **headers})
    return made.clone(remote=remote)


def test_from_elsewhere_a_token_is_needed() -> None:
    gate = Gate(RpcConfig(), TOKENS)
    shop = {"Authorization": f"Bearer {TOKENS.shop}"}

    assert gate.enter_near(request("127.0.0.1")) == "public"
    assert gate.enter_near(request("192.0.2.7", **shop)) == "shop"
    with pytest.raises(FarProbeError, match="needs a token"):
        gate.enter_near(request("192.0.2.7"))
    with pytest.raises(RefusedPlaceError):
        gate.enter_near(request("127.0.0.1", Origin="https://evil.example"))
