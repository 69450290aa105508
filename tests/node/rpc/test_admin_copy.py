"""Copies that a running node makes for its owner."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from chain.errors import DiskFullError
from chain.tables import Tuning
from chain.transaction import Transfer
from node.live.node import Node
from node.rpc.jsonrpc import Dispatcher
from node.rpc.methods import admin_copy
from node.rpc.registry import Call, Tier, collect
from node.storage.ledger import ChainLedger
from node.storage.snapshot import SnapshotFile
from node.storage.trust import check_trust
from tests.make import MONEY, TestChain, account
from tests.node.rpc.reading import Reader

GIFT = Transfer(MONEY, account("bob"), 5)
REGISTRY = collect(admin_copy)


@pytest.fixture
def node(chain: TestChain, monkeypatch: pytest.MonkeyPatch) -> Node:
    monkeypatch.setattr("node.storage.copying.STEP_BYTES", 1_000)
    monkeypatch.setattr("chain.snapshot.CHUNK_BYTES", 500)
    assert chain.do("alice", GIFT).ok
    return Reader(chain).node


def left_of_a_copy(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith("copy")]


async def answer(node: Node, method: str, path: object, tier: Tier = "admin") -> dict[str, Any]:
    request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": {"path": str(path)}}
    data = await Dispatcher(REGISTRY).handle(
        json.dumps(request).encode(), Call(node, tier), batch_max=1
    )
    assert data is not None
    said: dict[str, Any] = json.loads(data)
    return said


async def test_blocks_go_on_while_the_chain_is_copied(
    chain: TestChain, node: Node, tmp_path: Path
) -> None:
    before = chain.ledger.head_id
    task = asyncio.ensure_future(answer(node, "admin_backup", tmp_path / "copy"))
    while not task.done():
        await asyncio.sleep(0)
        if chain.ledger.height < 5:
            assert chain.do("alice", GIFT).ok

    said = (await task)["result"]

    copy = ChainLedger(tmp_path / "copy", chain.genesis, tuning=Tuning())
    assert (said["height"], said["head_id"], copy.head_id) == (1, before.hex(), before)
    assert chain.ledger.height == 5
    assert node.failure is None
    copy.close()


async def test_a_snapshot_of_the_newest_block_is_one_to_trust(
    chain: TestChain, node: Node, tmp_path: Path
) -> None:
    said = (await answer(node, "admin_snapshot", tmp_path / "file"))["result"]

    source = SnapshotFile(tmp_path / "file")
    check_trust(source.manifest, chain.genesis, chain.now + 1_000, steps=source.steps)
    assert (said["height"], said["block_id"]) == (1, chain.ledger.head_id.hex())
    assert said["chunks"] == len(source.manifest.chunks) > 1


@pytest.mark.parametrize("method", ["admin_backup", "admin_snapshot"])
async def test_only_the_owner_gives_a_path_and_nothing_is_written_over(
    node: Node, tmp_path: Path, method: str
) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    refused = [
        (await answer(node, method, path))["error"]["code"]
        for path in ("copy", "", tmp_path / "there", tmp_path / "link", tmp_path / "no" / "folder")
    ]
    others = [(await answer(node, method, tmp_path / "x", t))["error"]["code"]
              for t in ("public", "shop")]  # fmt: skip

    assert refused == [-32602] * 5
    assert others == [-32003, -32004]
    assert not (tmp_path / "x").exists()


@pytest.mark.parametrize("method", ["admin_backup", "admin_snapshot"])
async def test_a_full_disk_of_the_copy_is_no_fault_of_the_node(
    chain: TestChain, node: Node, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object) -> None:
        text = "the disk is full"
        raise DiskFullError(text)

    monkeypatch.setattr("chain.store.Store.put_raw", refuse)
    monkeypatch.setattr("node.storage.snapshot.SnapshotWriter.add", refuse)

    error = (await answer(node, method, tmp_path / "copy"))["error"]

    assert (error["code"], "the disk is full" in error["message"]) == (7007, True)
    assert node.failure is None
    assert left_of_a_copy(tmp_path) == []
    assert chain.do("alice", GIFT).ok


@pytest.mark.parametrize("method", ["admin_backup", "admin_snapshot"])
async def test_a_caller_who_goes_away_leaves_no_half_copy(
    chain: TestChain, node: Node, tmp_path: Path, method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = asyncio.ensure_future(answer(node, method, tmp_path / "copy"))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    second = (await answer(node, method, tmp_path / "second"))["error"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert (second["code"], "already" in second["message"]) == (7007, True)
    assert left_of_a_copy(tmp_path) == []
    monkeypatch.setattr("node.storage.copying.STEP_BYTES", 10**6)
    assert "result" in await answer(node, method, tmp_path / "third")
    assert chain.do("alice", GIFT).ok


async def test_a_chain_that_closes_ends_the_copy(
    chain: TestChain, node: Node, tmp_path: Path
) -> None:
    task = asyncio.ensure_future(answer(node, "admin_backup", tmp_path / "copy"))
    await asyncio.sleep(0)
    chain.close()

    error = (await task)["error"]

    assert (error["code"], "given up" in error["message"]) == (7007, True)
    assert not (tmp_path / "copy").exists()
