"""A node that is killed loses nothing; one that is asked to stop does so at once, however busy."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from chain.errors import WashError
from chain.ids import encode_id
from node.client import AsyncWash
from node.demo.accounts import CUSTOMERS, signer_of
from tests import chaos_network
from tests.chaos import ROOT, run_chaos

KILLS, SEED = 4, 11
STOP_S_MAX = 5.0
WAITING = 20

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.name != "posix", reason="signals of POSIX"),
]


def test_a_node_that_is_killed_again_and_again_loses_nothing_final(tmp_path: Path) -> None:
    chaos = run_chaos(tmp_path / "data", KILLS, SEED)

    assert sum(count for name, count in chaos.counts.items() if name.startswith("killed")) == KILLS
    assert len(chaos.promised) > KILLS
    assert chaos.counts["promises kept"] >= len(chaos.promised)


async def test_a_network_whose_nodes_are_killed_at_random_keeps_every_promise(
    tmp_path: Path,
) -> None:
    counts = await chaos_network.run_chaos(tmp_path / "net", KILLS, SEED)

    assert counts["kills"] >= KILLS
    assert counts["checks"] == 1
    assert counts["final"] > KILLS
    assert counts["votes compared"] > 0


@contextmanager
def running(folder: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    process = subprocess.Popen(
        [sys.executable, "-m", "node", "dev", "--data", folder, "--port", "0", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"WASH_RPC_REQUESTS_PER_SECOND": "0", "WASH_LANG": "en"},
    )
    assert process.stdout is not None
    try:
        yield process, json.loads(process.stdout.readline())["url"]
    finally:
        process.kill()
        process.communicate()


async def keep_busy(url: str, process: subprocess.Popen[str], number: int) -> float:
    """Stop a node on which people wait, listen and pay; return how long it took, in seconds."""
    async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as group:
        sockets = [await session.ws_connect(f"{url}/ws") for _ in range(WAITING)]
        for socket in sockets:
            await socket.send_json(call("events_subscribe", filter={}))
            await socket.receive(timeout=5)
        tasks = [group.create_task(wait_for_nothing(session, url)) for _ in range(WAITING)]
        tasks += [group.create_task(pay_without_end(url, name)) for name in CUSTOMERS]
        await asyncio.sleep(0.5)
        began = time.monotonic()
        process.send_signal(number)
        await asyncio.to_thread(process.wait, 20)
        took = time.monotonic() - began
        for task in tasks:
            task.cancel()
    return took


def call(method: str, **params: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


async def wait_for_nothing(session: aiohttp.ClientSession, url: str) -> None:
    body = call("tx_wait", tx_id="00" * 32, timeout_ms=60_000)
    with suppress(aiohttp.ClientError):
        await session.post(f"{url}/rpc", json=body)


async def pay_without_end(url: str, name: str) -> None:
    to = encode_id("acct", signer_of("erin").public_key)
    pay = [{"type": "transfer", "asset": "CNY", "to": to, "amount": 1}]
    async with AsyncWash(url, key=signer_of(name), timeout_s=20) as wash:
        with suppress(WashError):  # the pool is full, or the node is gone
            while True:
                await wash.submit(await wash.sign(await wash.build(pay)))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_busy_node_stops_when_it_is_asked_to(tmp_path: Path, number: int) -> None:
    with running(tmp_path / "data") as (process, url):
        took = asyncio.run(keep_busy(url, process, number))
        _output, errors = process.communicate()
        code = process.returncode

    with running(tmp_path / "data") as (again, _url):
        recovered = (tmp_path / "data" / "chain.damaged-1").exists()
        again.terminate()
        again.communicate(timeout=20)

    assert (code, "Traceback" in errors, recovered) == (0, False, False), errors
    assert took < STOP_S_MAX
