"""The time of a chain whose clock is driven: told by its owner, on no other chain, never back."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from chain.crypto import Signer
from chain.genesis import Genesis, ParamsModel
from chain.transaction import Transaction, Transfer, sign_transaction
from node.app import build_node
from node.config import Config
from node.config_sections import PoolConfig, StoreConfig
from node.live.node import Node
from node.rpc.errors import MethodDisabledError
from node.rpc.methods.admin_clock import ClockBackError, admin_set_clock
from node.rpc.registry import Call
from tests import make
from tests.make import MONEY, START_MS, account, signer

HOUR_MS = 3_600_000


def driven() -> Genesis:
    params = ParamsModel(heartbeat_ms=0, block_interval_ms=1)
    return make.genesis().model_copy(update={"clock": "driven", "params": params})


def open_node(folder: Path, genesis: Genesis, key: Signer = make.VALIDATOR) -> Node:
    config = Config(data_dir=folder, store=StoreConfig(sync=False), pool=PoolConfig(checkers=0))
    return build_node(config, genesis, key)


def told(node: Node, time_ms: int) -> dict[str, Any]:
    return dict(admin_set_clock(Call(node, "admin"), time_ms=time_ms))


def payment(node: Node, nonce: int) -> bytes:
    chain_id, alice = node.ledger.chain_id, account("alice")
    body = Transaction(
        1, chain_id, alice, None, nonce, START_MS + 3 * HOUR_MS, 20_000, None,
        (Transfer(MONEY, account("bob"), 1),), None,
    )  # fmt: skip
    return sign_transaction(body, signer("alice"))


async def test_what_waits_enters_one_block_at_the_very_time_to_which_the_clock_is_moved(
    tmp_path: Path,
) -> None:
    node = open_node(tmp_path, driven())
    running = asyncio.create_task(node.run())
    pending = [node.submit(payment(node, nonce)) for nonce in range(3)]
    for _ in range(50):  # turns in which it could make a block
        node.wake()
        await asyncio.sleep(0)
    before = told(node, START_MS)

    moved = told(node, START_MS + HOUR_MS)
    outcomes = [(await node.wait(one.tx_id, 30_000)).status for one in pending]
    after = told(node, START_MS + HOUR_MS)
    running.cancel()
    node.close()

    assert before == {
        "time_ms": START_MS, "height": 0, "head_time_ms": START_MS, "waiting": 3,
        "next_work_ms": None,
    }  # fmt: skip
    assert moved == {**before, "time_ms": START_MS + HOUR_MS}
    assert outcomes == ["final"] * 3
    assert after == {**moved, "height": 1, "head_time_ms": START_MS + HOUR_MS, "waiting": 0}


async def test_after_a_restart_time_goes_on_from_the_newest_block(tmp_path: Path) -> None:
    node = open_node(tmp_path, driven())
    told(node, START_MS + HOUR_MS)
    node.submit(payment(node, 0))
    assert node.make_block(START_MS + HOUR_MS) is not None
    node.close()

    again = open_node(tmp_path, driven())
    with pytest.raises(ClockBackError, match=f"it is {START_MS + HOUR_MS} ms already"):
        told(again, START_MS)
    here = told(again, START_MS + HOUR_MS)
    again.close()

    assert (here["height"], here["head_time_ms"]) == (1, START_MS + HOUR_MS)


async def test_time_never_goes_back(tmp_path: Path) -> None:
    node = open_node(tmp_path, driven())
    told(node, START_MS + 5)

    with pytest.raises(ClockBackError, match="take this time or a later one"):
        told(node, START_MS + 4)
    node.close()


async def test_the_time_of_any_other_chain_is_nobodys_to_set(tmp_path: Path) -> None:
    node = open_node(tmp_path, make.genesis())
    before = node.clock.offset_ms

    with pytest.raises(MethodDisabledError, match="nobody's to set"):
        told(node, START_MS + HOUR_MS)
    node.close()

    assert node.clock.offset_ms == before
