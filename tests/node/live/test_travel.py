"""Time travel: what falls due on the way happens at its time, the clock goes on from there."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.errors import StoreError
from chain.transaction import Transfer
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.demo.accounts import account_of
from node.demo.genesis import MONEY
from node.demo.script import send
from node.demo.tools import tools_of
from node.live.node import Node
from node.live.travel import (
    TIME_MAX_MS,
    Journey,
    NoBlockError,
    PastTimeError,
    catch_up,
    halt,
    make_block,
    travel,
)
from tests.node.demo.setting import NOON, WallClock, Watcher, open_demo

TOLD_MS = 1  # after the end of a visit, in the next block: others are told
LAPSE_MS = 30 * MINUTE_MS
NO_SHOW_MS = HOUR_MS + 20 * MINUTE_MS
UNNOTICED_MS = 90 * MINUTE_MS + 20 * MINUTE_MS


@pytest.fixture
def wall() -> WallClock:
    return WallClock()


@pytest.fixture
def node(tmp_path: Path, wall: WallClock) -> Iterator[Node]:
    made = open_demo(tmp_path, wall)
    yield made
    made.close()


async def test_a_block_is_made_at_every_due_time_and_at_the_end(node: Node) -> None:
    await tools_of(node).seed("default")
    watcher = Watcher(node)

    journey = await travel(node, NOON + 2 * HOUR_MS)

    assert watcher.times == [
        NOON + TOLD_MS, NOON + LAPSE_MS, NOON + LAPSE_MS + TOLD_MS, NOON + NO_SHOW_MS,
        NOON + UNNOTICED_MS, NOON + 2 * HOUR_MS,
    ]  # fmt: skip
    assert journey == Journey(
        from_ms=NOON, to_ms=NOON + 2 * HOUR_MS, wished_ms=NOON + 2 * HOUR_MS,
        blocks=6, timers_fired=8, transactions=0, failed=0, events=6,
    )  # fmt: skip
    assert journey.has_arrived


async def test_the_clock_goes_on_from_there(node: Node, wall: WallClock) -> None:
    await travel(node, NOON + DAY_MS)

    wall.now_ms += 5

    assert node.clock.now_ms() == NOON + DAY_MS + 5


async def test_what_waits_is_carried_out_before_the_journey(node: Node) -> None:
    sent = send(node, "alice", Transfer(MONEY, account_of("bob"), 1))

    journey = await travel(node, NOON + DAY_MS)

    assert node.status(sent).status == "final"
    assert journey.transactions == 1


async def test_a_long_journey_is_made_in_parts(node: Node) -> None:
    await tools_of(node).seed("default")

    first = await travel(node, NOON + 2 * HOUR_MS, blocks_max=2)
    second = await travel(node, NOON + 2 * HOUR_MS)

    assert (first.has_arrived, first.to_ms) == (False, NOON + LAPSE_MS)
    assert (second.has_arrived, second.blocks) == (True, 4)


async def test_others_have_their_turn_on_the_way(node: Node) -> None:
    await tools_of(node).seed("busy-saturday")
    turns = 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    async with asyncio.TaskGroup() as tasks:
        counting = tasks.create_task(count_turns())
        loop = tasks.create_task(node.run())
        journey = await tools_of(node).travel_by(20 * DAY_MS)
        counting.cancel()
        loop.cancel()

    assert journey.has_arrived
    assert turns > 0
    assert node.failure is None


@pytest.mark.parametrize("to_ms", [0, NOON, TIME_MAX_MS + 1])
async def test_the_chain_goes_forward_only(node: Node, to_ms: int) -> None:
    with pytest.raises(PastTimeError) as caught:
        await travel(node, to_ms)

    assert (caught.value.now_ms, caught.value.wished_ms) == (NOON, to_ms)


async def test_a_halt_is_noted_and_what_fell_due_waits_for_its_grace(node: Node) -> None:
    await tools_of(node).seed("default")

    executed, noted = halt(node, 3 * HOUR_MS)

    back_ms = NOON + 3 * HOUR_MS
    assert executed.block.header.time_ms == back_ms
    assert executed.timers_fired == 3  # due before it, not in it: the finished visit is told
    assert noted is not None
    assert (noted.began, noted.ended) == (NOON + LAPSE_MS, back_ms)
    assert noted.over == back_ms + 15 * MINUTE_MS
    journey = await travel(node, noted.over)
    assert journey.timers_fired == 3


def test_a_halt_in_which_nothing_falls_due_is_none(node: Node) -> None:
    executed, noted = halt(node, HOUR_MS)

    assert (executed.block.header.time_ms, noted) == (NOON + HOUR_MS, None)
    with pytest.raises(PastTimeError):
        halt(node, 0)


def test_a_chain_that_stands_still_on_purpose_makes_no_block(node: Node) -> None:
    node.is_halted = True

    with pytest.raises(NoBlockError, match="halted"):
        make_block(node)


def test_a_fault_while_making_a_block_stops_the_node(
    node: Node, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_down(_at_ms: int) -> None:
        raise StoreError("the disk is gone")

    monkeypatch.setattr(node, "make_block", break_down)

    with pytest.raises(StoreError):
        make_block(node)

    assert isinstance(node.failure, StoreError)


def test_a_block_that_comes_too_soon_is_told(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node, "make_block", lambda _at_ms: None)

    with pytest.raises(NoBlockError, match="try again"):
        make_block(node)


async def test_after_a_restart_time_goes_on_from_the_head(tmp_path: Path, wall: WallClock) -> None:
    first = open_demo(tmp_path / "again", wall)
    await travel(first, NOON + DAY_MS)
    first.close()

    second = open_demo(tmp_path / "again", wall)
    catch_up(second)

    wall.now_ms += 7
    assert second.clock.now_ms() == NOON + DAY_MS + 7
    second.close()
