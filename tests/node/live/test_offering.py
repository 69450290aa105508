"""What a running node offers to nodes that begin."""

import asyncio
from pathlib import Path

from chain.transaction import Transfer
from node.live.offering import Offering
from node.storage.snapshots import SnapshotFolder, SnapshotMaker
from tests.make import MONEY, TestChain, account, genesis
from tests.node.rpc.reading import Reader

GIFT = Transfer(MONEY, account("bob"), 1)


async def test_snapshots_of_fixed_heights_are_made_beside_the_node(tmp_path: Path) -> None:
    chain = TestChain(tmp_path / "chain", genesis(params={"snapshot_interval_blocks": 3}))
    node = Reader(chain).node
    offering = Offering(node, SnapshotFolder(tmp_path / "snapshots"))
    offered: list[list[int]] = []
    async with asyncio.TaskGroup() as group:
        task = group.create_task(offering.run())
        for _ in range(10):
            executed = chain.run(chain.sign("alice", GIFT))
            for tell in node.on_commit:
                tell(executed)
            for _ in range(50):
                await asyncio.sleep(0.002)
                if offering.folder.heights() not in offered:
                    offered.append(offering.folder.heights())
        task.cancel()
    offering.stop()
    chain.close()

    assert offered == [[], [3], [3, 6], [6, 9]]
    newest = offering.folder.newest()
    assert newest is not None
    assert newest.manifest.height == 9


def test_what_an_interrupted_making_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "10000.snapshot.new").write_bytes(b"half")
    (tmp_path / "20000.snapshot").write_bytes(b"not one")
    (tmp_path / "other").write_bytes(b"")

    folder = SnapshotFolder(tmp_path)
    is_left_to_others = (tmp_path / "10000.snapshot.new").exists()
    SnapshotMaker(folder)

    assert is_left_to_others
    assert folder.heights() == [20_000]
    assert (folder.newest(), folder.read_chunk(20_000, 0)) == (None, None)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["20000.snapshot", "other"]
