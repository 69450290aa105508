"""A shop that joins late, in processes of its own: the state of its peers, then blocks."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.genesis import Genesis
from node.client import AsyncWash, WashRpcError
from node.devnet.plan import make_genesis, plan_nodes, write_network
from node.devnet.processes import DevNet
from node.live.clock import read_wall_ms
from tests.netted import People, all_up, ended, level, receipt_at, until

EVERY, HEIGHT = 10, 25
NEWEST = HEIGHT // EVERY * EVERY

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does"),
]


def often(genesis: Genesis) -> Genesis:
    """Let the nodes of a chain make snapshots often."""
    params = genesis.params.model_copy(update={"snapshot_interval_blocks": EVERY})
    return genesis.model_copy(update={"params": params})


@pytest.fixture
def net(tmp_path: Path) -> Iterator[DevNet]:
    nodes = plan_nodes(tmp_path / "nodes", 2, 1)
    genesis = often(make_genesis(nodes, time_ms=read_wall_ms(), interval_ms=20))
    write_network(nodes, tmp_path / "nodes", genesis, "snapshot_distance = 5\n")
    made = DevNet(nodes)
    try:
        yield made
    finally:
        ended(made)


async def lacks_block(net: DevNet, name: str) -> str:
    """Return what a node answers when asked for block 1: why it has none, or nothing."""
    async with AsyncWash(net[name].rpc_url) as wash:
        try:
            await wash.rpc("chain_getBlock", height=1)
        except WashRpcError as error:
            return str(error)
    return ""


async def test_a_shop_that_joins_late_takes_the_state_and_survives_kill_9(net: DevNet) -> None:
    people = People.of(net)
    net.start("node1")
    net.start("node2")
    await all_up(net, "node1", "node2")
    receipts = [await people.pay_through(net["node1"]) for _ in range(HEIGHT)]
    offered = [net[name].folder / "snapshots" / f"{NEWEST}.snapshot" for name in ("node1", "node2")]

    async def are_there() -> bool:
        return all(one.exists() for one in offered)

    await until(are_there, "the snapshots of both")
    net.start("shop1")
    await all_up(net, "shop1")
    height = await level(net.nodes, receipts[-1]["height"])
    lack = await lacks_block(net, "shop1")
    paid = await people.pay_through(net["shop1"])
    net.kill("shop1")
    net.start("shop1")
    await all_up(net, "shop1")
    again = await receipt_at(net["shop1"], paid["id"])

    assert height >= HEIGHT
    assert f"kept from height {NEWEST + 1} on" in lack
    assert again == paid
    assert [await lacks_block(net, name) for name in ("node1", "node2")] == ["", ""]
