"""The running node over its own door: transactions until final, reads, event fan-out.

`python -m bench.rpc [--transactions N] [--runs N]`

One validator in a process of its own, this process is the client; everything goes over HTTP or
WebSocket on loopback. Transactions are signed beforehand. `v` is one core's Ed25519 checks a
second, measured before and after in the same run; ratios are against it. Blocks of this chain may
hold 30,000,000 gas and follow each other after 20 ms; a chain with the default 1,500,000 gas and
200 ms makes at most some 3,000 transfers a second, whatever the machine.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp

from bench.rpc_chain import BenchChain, Customers, make_chain
from bench.signature_threads import checks_a_second

CUSTOMERS = 400
BATCH = 500
LINES = 4  # HTTP connections that submit
FANOUT_EVENTS = 200


@dataclass(frozen=True, slots=True)
class Load:
    """How long reads are counted, and how many follow the events."""

    read_seconds: float = 3.0
    subscribers: int = 200


def now_ms() -> int:
    """Return the machine's time."""
    return time.time_ns() // 1_000_000


@asynccontextmanager
async def serving(module: str, *arguments: str) -> AsyncIterator[str]:
    """Run a server in a process of its own; yields its address."""
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: ASYNC220, S603
        assert process.stdout is not None
        try:
            yield process.stdout.readline().strip()
        finally:
            process.terminate()


def request(method: str, params: object, number: int = 1) -> bytes:
    """Return the bytes of one call."""
    call = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
    return json.dumps(call).encode()


async def post(session: aiohttp.ClientSession, url: str, body: bytes) -> object:
    """Send a call and return its result."""
    headers = {"Content-Type": "application/json"}
    async with session.post(f"{url}/rpc", data=body, headers=headers) as response:
        answer = await response.json()
    if "error" in answer:
        raise RuntimeError(answer["error"])
    return answer["result"]


async def submit_all(url: str, signed: Sequence[bytes]) -> float:
    """Submit in batches over some connections until all are final; returns the seconds."""
    hexes = [data.hex() for data in signed]
    bodies = [
        request("tx_submitBatch", {"txs": hexes[at : at + BATCH]})
        for at in range(0, len(hexes), BATCH)
    ]
    queue = list(reversed(bodies))
    last: list[str] = []

    async def line(session: aiohttp.ClientSession) -> None:
        while queue:
            answers = await post(session, url, queue.pop())
            assert isinstance(answers, list)
            refused = [answer for answer in answers if "error" in answer]
            if refused:
                raise RuntimeError(refused[0])
            last.append(answers[-1]["tx_id"])

    async with aiohttp.ClientSession() as session:
        start = time.perf_counter()
        await asyncio.gather(*(line(session) for _ in range(LINES)))
        for tx_id in last:
            call = request("tx_wait", {"tx_id": tx_id, "timeout_ms": 30_000})
            status = await post(session, url, call)
            assert isinstance(status, dict)
            assert status["status"] == "final", status
        return time.perf_counter() - start


async def reads_a_second(
    url: str, connections: int, path: str, body: bytes, seconds: float
) -> float:
    """Return how many requests a second some connections get answered, each one at a time."""
    done = 0
    end = time.perf_counter() + seconds
    headers = {"Content-Type": "application/json"}

    async def line(session: aiohttp.ClientSession) -> None:
        nonlocal done
        while time.perf_counter() < end:
            async with session.post(f"{url}{path}", data=body, headers=headers) as response:
                await response.read()
            done += 1

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(line(session) for _ in range(connections)))
    return done / seconds


async def fan_out(url: str, customers: Customers, subscribers: int) -> tuple[float, float]:
    """Return (events delivered a second, seconds until the last subscriber had the last one)."""
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        sockets = [await session.ws_connect(f"{url}/ws") for _ in range(subscribers)]
        subscribe = request(
            "events_subscribe", {"filter": {"type": "chain.transferred"}, "window": 1_000}
        ).decode()
        for socket in sockets:
            await socket.send_str(subscribe)
            await socket.receive()
        signed = [customers.transfer() for _ in range(FANOUT_EVENTS)]
        start = time.perf_counter()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(submit_all(url, signed))
            for socket in sockets:
                tasks.create_task(take_events(socket, FANOUT_EVENTS))
        seconds = time.perf_counter() - start
        for socket in sockets:
            await socket.close()
    return subscribers * FANOUT_EVENTS / seconds, seconds


async def take_events(socket: aiohttp.ClientWebSocketResponse, wanted: int) -> None:
    """Read until so many events have come."""
    taken = 0
    while taken < wanted:
        message = json.loads((await socket.receive()).data)
        if message.get("method") == "events_next":
            taken += len(message["params"]["events"])


async def transactions(chain: BenchChain, count: int, load: Load) -> tuple[float, float, float]:
    """Return a second's (transfers, booking calls, signature checks) of one run, and the rest."""
    customers = Customers(chain, now_ms())
    transfers = [customers.transfer() for _ in range(count)]
    bookings = [customers.request(number) for number in range(count)]
    before = checks_a_second(1.0)
    async with serving("bench.rpc_server", str(chain.folder)) as url:
        await submit_all(url, [customers.transfer() for _ in range(BATCH)])  # processes start
        first = count / await submit_all(url, transfers)
        second = count / await submit_all(url, bookings)
        after = checks_a_second(1.0)
        await show_reads(url, load.read_seconds)
        delivered, seconds = await fan_out(url, customers, load.subscribers)
        print(
            f"fan-out: {load.subscribers} subscribers x {FANOUT_EVENTS} events in {seconds:.2f} s: "
            f"{delivered:,.0f} events delivered a second"
        )
    return first, second, (before + after) / 2


async def show_reads(url: str, seconds: float) -> None:
    """Print reads a second against a bare handler of the same server library."""
    body = request("chain_head", {})
    async with serving("bench.bare_server") as bare:
        for connections in (1, 16):
            ours = await reads_a_second(url, connections, "/rpc", body, seconds)
            theirs = await reads_a_second(bare, connections, "/", body, seconds)
            print(
                f"reads, {connections:2} connections: {ours:,.0f}/s, bare handler "
                f"{theirs:,.0f}/s, ratio {ours / theirs:.2f}"
            )


def show(name: str, rates: Sequence[float], v: Sequence[float], budget: float) -> None:
    """Print a rate, its ratio to v in each run, and the budget."""
    ratios = [rate / check for rate, check in zip(rates, v, strict=True)]
    each = " ".join(f"{ratio:.3f}" for ratio in ratios)
    median: Callable[[Sequence[float]], float] = lambda x: sorted(x)[len(x) // 2]  # noqa: E731
    print(f"{name}: {median(rates):,.0f}/s, ratios to v {each} (budget {budget:.2f})")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--quick", action="store_true", help="only see that it runs")
    options = parser.parse_args()
    load = Load(0.05, 3) if options.quick else Load()
    rows: list[tuple[float, float, float]] = []
    for _ in range(options.runs):
        with tempfile.TemporaryDirectory() as folder:
            chain = make_chain(Path(folder), CUSTOMERS, now_ms())
            rows.append(asyncio.run(transactions(chain, options.transactions, load)))
    transfers, bookings, checks = ([row[place] for row in rows] for place in range(3))
    print(f"one core checks {sorted(checks)[len(checks) // 2]:,.0f} signatures a second (v)")
    show("transfers until final", transfers, checks, 0.50)
    show("booking calls until final", bookings, checks, 0.225)
    shares = " ".join(f"{b / t:.2f}" for t, b in zip(transfers, bookings, strict=True))
    print(f"booking calls to transfers: {shares} (budget 0.45)")


if __name__ == "__main__":
    main()
