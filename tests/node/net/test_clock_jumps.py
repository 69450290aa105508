"""A clock that jumps: its node stops deciding by itself, says why, and goes on when it is set."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from chain.transaction import read_transaction
from chain.types import HOUR_MS
from node.commands.doctor_node import judge_warnings
from node.config_sections import P2pConfig
from node.live.clock import read_wall_ms
from tests.node.net.dialled import Member, until
from tests.node.net.linked import LinkedNet

NAMES = ("node1", "node2", "node3", "node4")

pytestmark = [pytest.mark.timeout(60)]


async def test_a_clock_that_jumps_takes_no_part_and_moves_no_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.net.join.CLOCK_LOOK_S", 0.1)
    paper = LinkedNet(tmp_path / "paper", len(NAMES), 0)
    members: list[Member] = []
    for name in NAMES:
        urls = tuple(f"ws://127.0.0.1:{one.joined.network.port}/p2p" for one in members)
        made = Member(paper, name, tmp_path / name, P2pConfig(listen=True, port=0, peers=urls))
        await until(made.is_listening)
        members.append(made)
    jumper, other = members[0].node, members[1].node
    await until(lambda: all(len(one.joined.network.connected()) == 3 for one in members))

    async def pay() -> int:
        data = paper.pay("alice", "bob")
        other.submit(data)
        tx_id = read_transaction(data).tx_id
        await until(lambda: all(one.node.status(tx_id).status == "final" for one in members))
        return other.ledger.head.time_ms

    def says(words: str) -> Callable[[], bool]:
        return lambda: words in str(jumper.driver.trouble)

    offs = []
    for jump_ms, words in ((HOUR_MS, "ahead of those"), (-HOUR_MS, "behind those")):
        jumper.clock.offset_ms = jump_ms
        await until(says(words))
        offs.append(abs(await pay() - read_wall_ms()))
    warning = {"code": "PAUSED", "text": str(jumper.driver.trouble), "fix": "set it"}
    (light, _votes) = [one.light for one in judge_warnings({"warnings": [warning]})]
    jumper.clock.offset_ms = 0
    await until(lambda: jumper.driver.trouble is None)
    await pay()
    await asyncio.gather(*[one.stop() for one in members])

    assert light == "red"
    assert max(offs) < HOUR_MS // 2  # the chain's time followed the others
