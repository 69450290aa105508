"""Networks of real processes: what goes on, what stops, and what comes back by itself."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from node.client import AsyncWash
from node.demo.accounts import CUSTOMERS
from node.devnet.plan import PlannedNode
from node.devnet.processes import DevNet, ask
from tests.netted import People, all_up, ended, level, network, peers_up, receipt_at, until

AWAY_BLOCKS = int(os.environ.get("AWAY_BLOCKS", "300"))  # 10,000 take minutes
BLOCK_GAS = 500_000
VALIDATORS = ("node1", "node2", "node3", "node4")

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.skipif(os.name != "posix", reason="kills as POSIX does"),
]


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DevNet]:
    made = network(tmp_path_factory.mktemp("net") / "nodes", 4, 1)
    try:
        asyncio.run(all_up(made))
        yield made
    finally:
        ended(made)


@pytest.fixture(scope="module")
def people(net: DevNet) -> People:
    return People.of(net)


async def revive(net: DevNet, *names: str) -> None:
    """Start nodes again and wait until all are whole again."""
    for name in names:
        net.start(name)
    await all_up(net)
    for one in net.nodes:
        await peers_up(one, len(VALIDATORS) - (one.name in VALIDATORS))
    await level(net.nodes)


async def rounds_of(node: PlannedNode, heights: range) -> list[int]:
    """Return in which round each height was decided."""
    async with AsyncWash(node.rpc_url) as wash:
        asked = [("chain_getBlock", {"height": one}) for one in heights]
        blocks: list[Any] = await wash.batch(asked)
    return [one["certificate"]["round"] for one in blocks]


async def test_with_one_validator_down_the_chain_goes_on_after_one_failed_round(
    net: DevNet, people: People
) -> None:
    shop = net["shop1"]
    await level(net.nodes)
    before = (await people.pay_through(shop))["height"]

    net.kill("node3")
    receipts = [await people.pay_through(shop) for _ in range(10)]
    last = receipts[-1]["height"]
    rounds = await rounds_of(net["node1"], range(before + 1, last + 1))
    await revive(net, "node3")
    back = await receipt_at(net["node3"], receipts[-1]["id"])

    assert [one["ok"] for one in receipts] == [True] * 10
    assert sum(rounds) == 1, rounds
    assert back == receipts[-1]


async def test_with_two_validators_down_the_chain_waits_says_why_and_goes_on_by_itself(
    net: DevNet, people: People
) -> None:
    height = await level(net.nodes)
    net.kill("node2")
    net.kill("node4")

    async def complaint() -> Any:
        health = await ask(net["node1"], "node_health") or {"warnings": []}
        return next((one for one in health["warnings"] if one["code"] == "NO_QUORUM"), None)

    complained = await until(complaint, "NO_QUORUM")
    tx_id = await people.send(net["shop1"])
    waiting = await ask(net["shop1"], "tx_wait", 5, tx_id=tx_id, timeout_ms=1_500)
    stands = await ask(net["node1"], "node_health")
    net.start("node2")
    receipt = await receipt_at(net["shop1"], tx_id)
    later = await complaint()
    await revive(net, "node4")

    assert complained["text"].startswith("2 of 4 validators are connected, 3 are needed")
    assert (waiting["status"], stands["height"]) == ("pending", height)
    assert receipt["height"] == height + 1
    assert later is None


async def test_after_a_restart_of_all_at_once_nothing_is_lost(net: DevNet, people: People) -> None:
    receipt = await people.pay_through(net["node1"])
    for name in VALIDATORS:
        net.kill(name)
    tx_id = await people.send(net["shop1"])  # taken by a shop that is alone
    net.kill("shop1")
    await revive(net, *VALIDATORS, "shop1")

    receipts = [await receipt_at(one, tx_id) for one in net.nodes]
    again = [await receipt_at(one, receipt["id"]) for one in net.nodes]

    assert receipts == [receipts[0]] * 5
    assert again == [receipt] * 5


async def make_blocks(people: People, node: PlannedNode, count: int) -> None:
    """Have so many more blocks made: with the gas that each payment names a block is soon full."""
    async with AsyncWash(node.rpc_url, timeout_s=60) as wash:
        end = (await wash.head())["height"] + count
        while (await wash.head())["height"] < end:
            batch = [people.pay(name, BLOCK_GAS)[1].hex() for name in CUSTOMERS for _ in range(50)]
            answers = await wash.rpc("tx_submitBatch", txs=batch)
            assert {one.get("status") for one in answers} == {"pending"}, answers[:1]
            await until(lambda: is_done(node), "an empty pool")


async def is_done(node: PlannedNode) -> bool:
    health = await ask(node, "node_health", 10)
    return health is not None and health["pending"] == 0


async def test_a_node_that_was_away_for_long_catches_up_while_the_chain_moves_on(
    tmp_path: Path,
) -> None:
    net = network(tmp_path / "nodes", 4, 1, interval_ms=1)
    people = People.of(net)
    try:
        await all_up(net)
        receipt = await people.pay_through(net["shop1"])
        net.kill("shop1")
        await make_blocks(people, net["node1"], AWAY_BLOCKS)
        net.start("shop1")
        await make_blocks(people, net["node2"], AWAY_BLOCKS // 10)
        height = await level(net.nodes, AWAY_BLOCKS)
        newest = await people.pay_through(net["shop1"])
        kept = await receipt_at(net["shop1"], receipt["id"])
    finally:
        ended(net)

    assert kept == receipt
    assert newest["height"] > height
