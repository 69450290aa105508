"""Long work gives way: nobody waits for somebody else's batch, and who computes much pays."""

import asyncio
import json
import time
from pathlib import Path
from types import ModuleType
from typing import Any

from node.live.signatures import BATCH_TURN
from node.rpc.door.limits import Buckets
from node.rpc.jsonrpc import TURN_SECONDS_MAX, Dispatcher
from node.rpc.registry import Call, collect, rpc_method
from tests.node.live.test_node import FakeTime, open_node, transfer
from tests.node.rpc.sample_methods import make_call

WORK_SECONDS = 0.03


@rpc_method()
def compute(call: Call) -> int:
    """Keep the processor busy."""
    del call
    end = time.thread_time() + WORK_SECONDS
    rounds = 0
    while time.thread_time() < end:
        rounds += 1
    return rounds


@rpc_method()
async def idle(call: Call) -> int:
    """Wait without working."""
    del call
    await asyncio.sleep(WORK_SECONDS)
    return 0


def make_dispatcher() -> Dispatcher:
    module = ModuleType("methods")
    for function in (compute, idle):
        function.__module__ = "methods"
        setattr(module, function.__name__, function)
    return Dispatcher(collect(module))


def calls(method: str, count: int) -> bytes:
    one = {"jsonrpc": "2.0", "id": 1, "method": method}
    return json.dumps([one] * count).encode()


async def turns_during(work: Any) -> int:
    """Return how often others had their turn while `work` was done."""
    turns = 0
    task = asyncio.ensure_future(work)
    while not task.done():
        await asyncio.sleep(0)
        turns += 1
    await task
    return turns


async def test_others_have_their_turn_within_a_batch_that_is_much_work() -> None:
    dispatcher = make_dispatcher()

    light = await turns_during(dispatcher.handle(calls("compute", 1), make_call(), batch_max=9))
    heavy = await turns_during(dispatcher.handle(calls("compute", 9), make_call(), batch_max=9))

    assert heavy - light >= 9 * WORK_SECONDS / TURN_SECONDS_MAX - 2


async def test_work_is_told_with_its_calls_and_waiting_is_none() -> None:
    dispatcher = make_dispatcher()
    told: list[tuple[int, float]] = []

    def spend(number: int, seconds: float) -> None:
        told.append((number, seconds))

    await dispatcher.handle(calls("compute", 2), make_call(), batch_max=9, spend=spend)
    await dispatcher.handle(calls("idle", 2), make_call(), batch_max=9, spend=spend)

    assert [number for number, _seconds in told] == [2, 2]
    assert told[0][1] >= 2 * WORK_SECONDS
    assert told[1][1] < WORK_SECONDS


def test_what_was_computed_beyond_the_calls_is_owed_up_to_a_bound() -> None:
    buckets = Buckets(per_second=10)

    buckets.take("a", 1, now_ms=0)
    buckets.owe("a", 29, now_ms=0)
    waits = [buckets.take("a", 1, now_ms=0), buckets.take("b", 1, now_ms=0)]
    buckets.owe("b", 10**9, now_ms=0)

    assert waits == [1_100, 0]
    assert buckets.take("b", 1, now_ms=0) == 8_200  # 100 are owed at most, 19 were left


def test_calls_that_were_cheaper_than_paid_for_give_nothing_back() -> None:
    buckets = Buckets(per_second=10)

    buckets.take("a", 20, now_ms=0)
    buckets.owe("a", -5, now_ms=0)

    assert buckets.take("a", 1, now_ms=0) == 100


async def test_a_large_batch_of_transactions_lets_others_have_their_turn(tmp_path: Path) -> None:
    node = open_node(tmp_path, FakeTime())
    items = [transfer(node, nonce) for nonce in range(2 * BATCH_TURN)]

    turns = await turns_during(node.submit_batch(items))

    assert turns > 4
    assert len(node.pool) == len(items)
    node.close()
