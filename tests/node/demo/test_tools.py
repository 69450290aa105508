"""Snapshots, the faucet and mining."""

import shutil
from pathlib import Path

import pytest

from chain.errors import BadSignatureError, NotIssuerError
from chain.ledger import get_balance
from chain.transaction import IssueAsset, Transfer, asset_id
from chain.types import DAY_MS, HOUR_MS
from node.demo.accounts import FUNDS_EACH, account_of
from node.demo.genesis import MONEY
from node.demo.script import contract_named, send
from node.demo.snapshots import (
    SNAPSHOTS_MAX,
    SnapshotFailedError,
    Snapshots,
    UnknownSnapshotError,
)
from node.demo.tools import tools_of
from node.demo.world import DemoSetupError
from node.live.node import Node
from tests.node.demo.setting import NOON, WallClock, Watcher, open_demo

ALICE, BOB = account_of("alice"), account_of("bob")


async def test_a_revert_brings_everything_back(node: Node, wall: WallClock) -> None:
    tools = tools_of(node)
    await tools.seed("default")
    reopened: list[int] = []
    node.on_reopen.append(lambda: reopened.append(node.ledger.height))
    kept = await tools.snapshot()
    head, state_root = node.ledger.head_id, node.ledger.head.state_root
    await tools.travel_by(3 * DAY_MS)
    wall.now_ms += HOUR_MS
    send(node, "alice", Transfer(MONEY, BOB, 7))

    back = await tools.revert(kept.number)

    assert back == kept
    assert (node.ledger.head_id, node.ledger.head.state_root) == (head, state_root)
    assert node.clock.now_ms() == kept.now_ms
    assert len(node.pool) == 0
    assert reopened == [kept.height, kept.height]


async def test_the_same_future_can_be_played_twice(node: Node) -> None:
    tools = tools_of(node)
    await tools.seed("busy-saturday")
    kept = await tools.snapshot()
    heads = []

    for _ in range(2):
        watcher = Watcher(node)
        await tools.travel_by(20 * DAY_MS)
        heads.append((node.ledger.head_id, dict(watcher.endings), watcher.failed))
        node.on_commit.clear()
        await tools.revert(kept.number)

    assert heads[0] == heads[1]


async def test_a_snapshot_carries_out_what_waits(node: Node) -> None:
    sent = send(node, "alice", Transfer(MONEY, BOB, 7))

    kept = await tools_of(node).snapshot()

    assert node.status(sent).status == "final"
    assert kept.height == node.ledger.height


async def test_a_revert_forgets_later_snapshots_and_keeps_its_own(node: Node) -> None:
    tools = tools_of(node)
    numbers = [(await tools.snapshot()).number for _ in range(3)]

    await tools.revert(numbers[1])

    assert Snapshots(node).numbers() == numbers[:2]
    with pytest.raises(UnknownSnapshotError, match="no snapshot 3; kept are 1, 2"):
        await tools.revert(numbers[2])


async def test_the_latest_ten_are_kept(node: Node) -> None:
    tools = tools_of(node)

    for _ in range(SNAPSHOTS_MAX + 2):
        await tools.snapshot()

    assert Snapshots(node).numbers() == list(range(3, SNAPSHOTS_MAX + 3))


async def test_snapshots_outlive_a_restart(tmp_path: Path) -> None:
    first = open_demo(tmp_path)
    kept = await tools_of(first).snapshot()
    await tools_of(first).mine(3)
    first.close()

    second = open_demo(tmp_path)
    back = await tools_of(second).revert(kept.number)

    assert (back, second.ledger.height) == (kept, kept.height)
    second.close()


async def test_the_faucet_gives_the_demos_money(node: Node) -> None:
    _height, receipt = await tools_of(node).mint(ALICE, MONEY, 123)

    assert receipt.ok
    assert get_balance(node.state(), ALICE, MONEY) == FUNDS_EACH + 123


async def test_the_faucet_gives_what_a_demo_account_issued(node: Node) -> None:
    send(node, "bob", IssueAsset("PTS", 0, 0, None, ()))
    await tools_of(node).mine(1)
    points = asset_id(BOB, "PTS")

    await tools_of(node).mint(ALICE, points, 5)

    assert get_balance(node.state(), ALICE, points) == 5


async def test_the_faucet_has_no_key_of_a_strangers_asset(node: Node) -> None:
    send(node, "bob", IssueAsset("ODD", 0, 0, bytes(range(32)), ()))
    await tools_of(node).mine(1)

    with pytest.raises(NotIssuerError, match="its key is not known here"):
        await tools_of(node).mint(ALICE, asset_id(BOB, "ODD"), 5)


async def test_mining_makes_so_many_blocks(node: Node) -> None:
    height = node.ledger.height

    made = await tools_of(node).mine(5)

    assert [one.block.header.height for one in made] == list(range(height + 1, height + 6))
    assert made[0].block.header.time_ms == NOON


async def test_scenarios_need_the_demos_shops(tmp_path: Path) -> None:
    node = open_demo(tmp_path, with_world=False)

    with pytest.raises(DemoSetupError, match="no demo shops"):
        await tools_of(node).seed("default")
    with pytest.raises(DemoSetupError, match="no contract 'booking'"):
        contract_named(node.state(), "booking")

    node.close()


@pytest.mark.parametrize("about", ["", "[]", '{"number": 1}'])
async def test_a_snapshot_that_can_not_be_read_is_told(
    node: Node, tmp_path: Path, about: str
) -> None:
    kept = await tools_of(node).snapshot()
    (tmp_path / "snapshots" / "1" / "snapshot.json").write_text(about, "utf-8")

    with pytest.raises(SnapshotFailedError, match="snapshot 1 can not be read"):
        await tools_of(node).revert(kept.number)

    assert node.ledger.height == kept.height


async def test_a_full_disk_leaves_the_chain_as_it_was(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tools_of(node)
    kept = await tools.snapshot()
    await tools.mine(2)
    head = node.ledger.head_id

    def refuse(*_paths: Path) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(shutil, "copytree", refuse)
        with pytest.raises(SnapshotFailedError, match="No space left on device"):
            await tools.snapshot()
        with pytest.raises(SnapshotFailedError, match="the chain is as it was"):
            await tools.revert(kept.number)

    assert node.ledger.head_id == head
    assert Snapshots(node).numbers() == [kept.number]
    await tools.mine(1)


async def test_a_folder_that_can_not_be_put_in_place_is_put_back(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    tools = tools_of(node)
    kept = await tools.snapshot()
    await tools.mine(2)
    head = node.ledger.head_id
    replace = Path.replace

    def refuse_new(self: Path, target: Path) -> Path:
        if self.name == "chain.new":
            raise OSError(13, "Permission denied")
        return replace(self, target)

    with monkeypatch.context() as broken:
        broken.setattr(Path, "replace", refuse_new)
        with pytest.raises(SnapshotFailedError, match="Permission denied"):
            await tools.revert(kept.number)

    assert node.ledger.head_id == head


async def test_a_step_that_the_node_refuses_is_counted(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_data: bytes) -> None:
        raise BadSignatureError("not today")

    monkeypatch.setattr(node, "submit", refuse)

    seeded = await tools_of(node).seed("default")

    assert (seeded.refused, seeded.steps_ahead) == (2 + 5, 0)  # openings and requests
    assert [booking for _visit, booking in seeded.visits] == [None] * 5
