"""What a node says of itself, and what it warns of."""

import shutil
from typing import Any

import pytest

from node.rpc.methods.node import DISK_FREE_BYTES_MIN, Vitals, find_warnings
from tests import make
from tests.make import START_MS, TestChain
from tests.node.rpc.reading import Reader

WELL: dict[str, Any] = {
    "now_ms": START_MS,
    "head_time_ms": START_MS,
    "lag_ms": 0,
    "disk_free_bytes": DISK_FREE_BYTES_MIN,
    "pending": 0,
    "is_halted": False,
    "failure": None,
    "recovered": None,
}


async def test_a_node_tells_its_chain_and_its_part_in_it(chain: TestChain) -> None:
    chain.run()
    reader = Reader(chain)

    info = await reader.ask("node_info")

    head = info.pop("head")
    assert (head["height"], head["hash"]) == (1, chain.ledger.head_id.hex())
    assert info == {
        "version": reader.node.version,
        "api": "1",
        "chain_id": chain.ledger.chain_id.hex(),
        "chain_name": "test",
        "genesis_hash": chain.ledger.store.block(1).header.parent_id.hex(),
        "roles": ["validator", "archive"],
        "is_dev": False,
        "features": ["contracts", "events", "proofs", "timers"],
        "sponsor": None,
        "validator_key": make.VALIDATOR.public_key.hex(),
        "started_at_ms": chain.now,
    }


async def test_a_node_that_fetches_a_snapshot_says_how_far_it_is(chain: TestChain) -> None:
    reader = Reader(chain)
    reader.node.chunks = (3, 40)

    health = await reader.ask("node_health")

    assert health["syncing"] is True
    assert health["catching_up"] == {"part": "snapshot", "done": 3, "of": 40}
    assert [one for one in health["warnings"] if one["code"] == "SYNCING"] == [
        {
            "code": "SYNCING",
            "text": "the node fetches a snapshot of the chain: 3 of 40 chunks are here",
            "fix": "wait: it ends by itself; what is read until then is old",
        }
    ]


async def test_a_healthy_node_has_no_warnings(
    chain: TestChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type(shutil.disk_usage("/"))(10, 5, DISK_FREE_BYTES_MIN)
    monkeypatch.setattr(shutil, "disk_usage", lambda _folder: usage)

    health = await Reader(chain).ask("node_health")

    assert health == {
        "ready": True,
        "syncing": False,
        "catching_up": None,
        "height": 0,
        "head_time_ms": START_MS,
        "time_ms": START_MS,
        "lag_ms": 0,
        "peers": 0,
        "clock_offset_ms": 0,
        "disk_free_bytes": DISK_FREE_BYTES_MIN,
        "pending": 0,
        "unsent": 0,
        "warnings": [],
    }


async def test_a_node_that_failed_is_not_ready(chain: TestChain) -> None:
    reader = Reader(chain)
    reader.node.failure = OSError("the disk is gone")

    health = await reader.ask("node_health")

    assert (health["ready"], health["warnings"][0]["code"]) == (False, "FAILED")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"failure": "the disk is full"}, "FAILED"),
        ({"disk_free_bytes": None}, "DISK_UNKNOWN"),
        ({"disk_free_bytes": DISK_FREE_BYTES_MIN - 1}, "DISK_LOW"),
        ({"now_ms": START_MS - 1_001}, "CLOCK_BEHIND"),
        ({"lag_ms": 10_001}, "LAGGING"),
        ({"lag_ms": 10_001, "is_halted": True}, "HALTED"),
        ({"observes": "the vote log is missing"}, "OBSERVER"),
        ({"alarm": "height 3: two blocks"}, "ALARM"),
        ({"recovered": "height 3: no such value"}, "RECOVERED"),
    ],
)
def test_each_trouble_has_its_warning(change: dict[str, Any], code: str) -> None:
    warnings = find_warnings(Vitals(**{**WELL, **change}))

    assert [one["code"] for one in warnings] == [code]
    assert all(one["text"] and one["fix"] for one in warnings)
