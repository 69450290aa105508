"""Four validators on this machine: transfers until final, waits, catching up, bytes on the wire.

`make bench-net` or `python -m bench.network [--transactions N] [--runs N]`

Every validator is a process of its own, connected over loopback as over any other line; this
process is the client. `v` is one core's Ed25519 checks a second, measured before and after in the
same run; ratios are against it. Blocks may hold 30,000,000 gas and follow each other after 20 ms.
"""

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from bench.rpc import BATCH, now_ms, post, request
from bench.rpc_chain import BLOCK_INTERVAL_MS, BenchChain, Customers, make_plan
from bench.signature_threads import checks_a_second
from chain.genesis import Genesis
from chain.transaction import ReceivedTransaction
from node.devnet.plan import PlannedNode, make_network
from node.devnet.processes import DevNet, ask
from node.rehearse.genesis import make_genesis
from node.rehearse.plan import Plan
from node.rehearse.stage import Stage

CUSTOMERS = 400
VALIDATORS = 4
BLOCK_GAS_MAX, BLOCK_BYTES_MAX = 30_000_000, 8 * 1024 * 1024
IDLE_PAYMENTS = 60
PAUSE_S = 0.25


@dataclass(slots=True)
class Figures:
    """What one run measured; times in ms, rates a second."""

    checks: float = 0.0
    rate: float = 0.0
    bookings: float = 0.0
    catch_up: float = 0.0
    bytes_each: float = 0.0
    idle_p50: float = 0.0
    idle_p99: float = 0.0
    half_p50: float = 0.0
    half_p99: float = 0.0
    one_down_p50: float = 0.0
    one_down_p99: float = 0.0
    idle_cpu: float = 0.0  # of one core, per cent, each node


def adapted(genesis: Genesis, plan: Plan) -> Genesis:
    """Return the genesis with the plan's people, and roomy blocks."""
    people = make_genesis(plan)
    params = genesis.params.model_copy(
        update={
            "block_interval_ms": BLOCK_INTERVAL_MS,
            "block_gas_max": BLOCK_GAS_MAX,
            "block_bytes_max": BLOCK_BYTES_MAX,
        }
    )
    nodes = [one for one in genesis.accounts if not one.balances]
    changes = {"accounts": (*people.accounts, *nodes), "params": params, "assets": people.assets}
    return genesis.model_copy(update=changes)


class WallStage(Stage):
    """Sets the contracts up by sending transactions to a node, as anybody would."""

    def __init__(self, genesis: Genesis, node: PlannedNode) -> None:
        """Send to one node."""
        super().__init__(genesis)
        self._node = node

    @property
    def now(self) -> int:
        """The machine's time."""
        return now_ms()

    def next_due_ms(self) -> int | None:
        """Nothing is waited for."""
        return None

    def make_block(self, group: list[ReceivedTransaction], at: int) -> None:  # noqa: ARG002
        """Send a group and wait until it is final."""
        asyncio.run(submit_to_all([self._node], [tx.data for tx in group]))

    def close(self) -> None:
        """Nothing is to be ended."""


async def submit_to_all(nodes: list[PlannedNode], signed: list[bytes]) -> float:
    """Submit in batches, a line to each node, until all are final; returns the seconds."""
    hexes = [data.hex() for data in signed]
    batches = [hexes[at : at + BATCH] for at in range(0, len(hexes), BATCH)]
    last: list[tuple[str, str]] = []

    async def line(session: aiohttp.ClientSession, url: str) -> None:
        while batches:
            answers = await post(session, url, request("tx_submitBatch", {"txs": batches.pop(0)}))
            assert isinstance(answers, list)
            refused = [answer for answer in answers if "error" in answer]
            if refused:
                raise RuntimeError(refused[0])
            last.append((url, answers[-1]["tx_id"]))

    async with aiohttp.ClientSession() as session:
        start = time.perf_counter()
        await asyncio.gather(*[line(session, node.rpc_url) for node in nodes])
        for url, tx_id in last:
            await wait_final(session, url, tx_id)
        return time.perf_counter() - start


async def wait_final(session: aiohttp.ClientSession, url: str, tx_id: str) -> None:
    """Return once a transaction is final."""
    call = request("tx_wait", {"tx_id": tx_id, "timeout_ms": 30_000})
    status = await post(session, url, call)
    assert isinstance(status, dict)
    assert status["status"] == "final", status


async def pay_now_and_then(node: PlannedNode, payers: Customers, count: int) -> list[float]:
    """Return how long single payments took until final, ms, one after a pause after another."""
    times: list[float] = []
    async with aiohttp.ClientSession() as session:
        for _ in range(count):
            await asyncio.sleep(PAUSE_S)
            data = payers.transfer().hex()
            start = time.perf_counter()
            answer = await post(session, node.rpc_url, request("tx_submit", {"tx": data}))
            assert isinstance(answer, dict)
            await wait_final(session, node.rpc_url, answer["tx_id"])
            times.append((time.perf_counter() - start) * 1_000)
    return times


async def pay_at_half_load(nodes: list[PlannedNode], payers: Customers, rate: float) -> list[float]:
    """Return how long single payments took while half the full rate went by."""
    times = asyncio.create_task(pay_now_and_then(nodes[0], payers, IDLE_PAYMENTS // 2))
    while not times.done():
        start = time.perf_counter()
        batch = [payers.transfer() for _ in range(BATCH)]
        await submit_to_all([nodes[1]], batch)
        await asyncio.sleep(max(0.0, BATCH / (rate / 2) - (time.perf_counter() - start)))
    return await times


def percentile(times: list[float], share: float) -> float:
    """Return the time that a share of all stayed under."""
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]


def cpu_s(pid: int | None) -> float:
    """Return the CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100


async def until(node: PlannedNode, method: str, is_so: Callable[[Any], bool]) -> None:
    """Ask a node again and again until it answers what is waited for."""
    while True:
        answer = await ask(node, method)
        if answer is not None and is_so(answer):
            return
        await asyncio.sleep(0.02)


async def await_all(nodes: list[PlannedNode]) -> None:
    """Wait until all nodes answer and see each other."""
    async with asyncio.timeout(60):
        for node in nodes:
            await until(node, "node_peers", lambda told: told["online"] == VALIDATORS)


async def run(folder: Path, count: int) -> Figures:
    """Measure everything once."""
    figures = Figures()
    plan = make_plan(CUSTOMERS, now_ms())
    made: list[Genesis] = []

    def adapt(genesis: Genesis) -> Genesis:
        made.append(adapted(genesis, plan))
        return made[0]

    nodes = make_network(folder, VALIDATORS, 1, time_ms=now_ms(), adapt=adapt)
    validators, late = nodes[:VALIDATORS], nodes[VALIDATORS]
    net = DevNet(nodes)
    before = checks_a_second(1.0)
    try:
        for node in validators:
            net.start(node.name)
        await await_all(validators)
        stage = WallStage(made[0], validators[0])
        places = await asyncio.to_thread(stage.set_up, plan)
        payers = Customers(BenchChain(folder, made[0], places, CUSTOMERS), now_ms())
        signed = [payers.transfer() for _ in range(count)]
        calls = [payers.request(number) for number in range(count // 2)]
        await submit_to_all(validators, [payers.transfer() for _ in range(BATCH)])
        figures.rate = count / await submit_to_all(validators, signed)
        peers = await ask(validators[0], "node_peers")
        figures.bytes_each = sum(one["bytes_out"] for one in peers["peers"]) / (count + BATCH)
        figures.bookings = len(calls) / await submit_to_all(validators, calls)
        figures.catch_up = payers.signed / await catch_up(net, late, validators[0])
        await net.stop(late.name)
        times = await pay_now_and_then(validators[0], payers, IDLE_PAYMENTS)
        figures.idle_p50, figures.idle_p99 = statistics.median(times), percentile(times, 0.99)
        times = await pay_at_half_load(validators, payers, figures.rate)
        figures.half_p50, figures.half_p99 = statistics.median(times), percentile(times, 0.99)
        figures.idle_cpu = await idle_cpu(net, validators)
        net.kill(validators[3].name)
        await pay_now_and_then(validators[0], payers, 5)  # one of them meets the failed round
        times = await pay_now_and_then(validators[0], payers, IDLE_PAYMENTS)
        figures.one_down_p50 = statistics.median(times)
        figures.one_down_p99 = percentile(times, 0.99)
    finally:
        await net.stop()
    figures.checks = (before + checks_a_second(1.0)) / 2
    return figures


async def idle_cpu(net: DevNet, nodes: list[PlannedNode]) -> float:
    """Return what share of a core an idle node takes, per cent."""
    await asyncio.sleep(2)
    before = [cpu_s(net.pid(node.name)) for node in nodes]
    await asyncio.sleep(10)
    after = [cpu_s(net.pid(node.name)) for node in nodes]
    return sum(after) * 10 / len(nodes) - sum(before) * 10 / len(nodes)


async def catch_up(net: DevNet, late: PlannedNode, ahead: PlannedNode) -> float:
    """Start a fresh node; return how many seconds it took from its first block until it was level.

    Two polls' time, 40 ms, is the error.
    """
    info = await ask(ahead, "node_info")
    height = info["head"]["height"]
    net.start(late.name)
    async with asyncio.timeout(300):
        await until(late, "node_info", lambda told: told["head"]["height"] > 0)
        start = time.perf_counter()
        await until(late, "node_info", lambda told: told["head"]["height"] >= height)
    return time.perf_counter() - start


def show(name: str, values: list[float], unit: str, extra: str = "") -> None:
    """Print the median and each run's value."""
    each = " ".join(f"{value:,.1f}" for value in values)
    print(f"{name}: {statistics.median(values):,.1f} {unit} (runs: {each}){extra}")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    rows: list[Figures] = []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            rows.append(asyncio.run(run(Path(folder) / "net", options.transactions)))
    show("one core checks (v)", [row.checks for row in rows], "signatures a second")
    show("transfers until final", [row.rate for row in rows], "a second")
    ratios = " ".join(f"{row.rate / row.checks:.3f}" for row in rows)
    print(f"transfers until final to v: {ratios} (budget 0.15)")
    show("booking calls until final", [row.bookings for row in rows], "a second")
    ratios = " ".join(f"{row.bookings / row.rate:.2f}" for row in rows)
    print(f"booking calls to transfers: {ratios} (budget 0.45)")
    show("submit to final, idle, p50", [row.idle_p50 for row in rows], "ms", " (budget 50)")
    show("submit to final, idle, p99", [row.idle_p99 for row in rows], "ms", " (budget 150)")
    show("at half load, p50", [row.half_p50 for row in rows], "ms")
    show("at half load, p99", [row.half_p99 for row in rows], "ms")
    show("one validator down, p50", [row.one_down_p50 for row in rows], "ms")
    show("one validator down, p99", [row.one_down_p99 for row in rows], "ms")
    show("catching up", [row.catch_up for row in rows], "transactions a second")
    ratios = " ".join(f"{row.catch_up / row.checks:.3f}" for row in rows)
    print(f"catching up to v: {ratios} (budget 0.40)")
    show("sent by a node for each transaction", [row.bytes_each for row in rows], "bytes")
    show("an idle node", [row.idle_cpu for row in rows], "per cent of a core")


if __name__ == "__main__":
    main()
