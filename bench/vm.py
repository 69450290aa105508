"""The contract machine: what calls, loading, blocks of the worst kind and compiling take.

    python -m bench.vm [--rounds 7]

Times are CPU times, medians of rounds; each is also given as a share of one Ed25519 check of the
same run, or as a ratio of two times of the same run, which is what carries over to other machines.
Nanoseconds a gas by instruction: `python -m bench.opcodes`.
"""

import argparse
import gc
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from chain.executed import ExecutedBlock
from chain.params import ChainParams, read_params
from chain.state import State
from chain.transaction import Call, Deploy, call_id
from chain.types import HOUR_MS, MINUTE_MS
from contracts.actions import fixed_gas
from contracts.host import Frame, World
from contracts.lang.compiler import compile_contract
from contracts.vm.program import load_program
from node import catalog
from node.rehearse.run import measure_signature_rate
from tests.contracts.standard.setting import SLOT, account
from tests.contracts.standard.world import BookingWorld, new_world
from tests.make import TestChain, genesis

ROOT = Path(__file__).resolve().parent.parent
CALLS = 400
WORST = """
from wash import *

class Worst(Contract):
    money: Asset
    rows: Map[uint, Hash]
    texts: Map[uint, Text[1000]]
    pots: Pots[uint, money]
    Seen = Event(a=indexed[uint], b=indexed[uint], c=indexed[uint], d=indexed[uint])

    @action
    def puts(self, first: uint):
        for i in range(400):
            self.rows[first + i] = chain_id()

    @action
    def reads(self, first: uint):
        total = 0
        for i in range(2000):
            total += 1 if (first + i) in self.rows else 0

    @action
    def emits(self, first: uint):
        for i in range(16):
            emit(self.Seen, first, first + 1, first + 2, first + i)

    @action
    def timers(self, first: uint, at: Time):
        for i in range(8):
            schedule(self.ring, at=at, key=first + i)

    @action
    def loops(self):
        x = 0
        for i in range(100):
            for j in range(300):
                x = x + 1

    @action
    def hashes(self):
        x = chain_id()
        for i in range(4000):
            x = sha256(x)

    @timer
    def ring(self, key: uint):
        self.rows[key] = chain_id()
"""


def _large(name: str, head: str, line: str, functions: int, lines: int) -> str:
    body = "\n".join(f"        {line.format(i=i)}" for i in range(lines))
    actions = "".join(
        f"    @action\n    def f{n}(self, a: uint, b: uint):\n{body}\n\n" for n in range(functions)
    )
    return f"from wash import *\n\nclass {name}(Contract):\n    {head}\n\n{actions}"


LARGE: dict[str, Callable[[str], str]] = {
    "sums": lambda name: _large(name, "x: uint", "a = a + b", 60, 60),
    "rows": lambda name: _large(
        name, "rows: Map[tuple[uint, uint, uint], uint]", "self.rows[a, b, a] = b", 60, 9
    ),
    "small functions": lambda name: _large(name, "x: uint", "a = a + b", 63, 1),
}


def cpu_seconds(task: Callable[[], object]) -> float:
    """Return the CPU time of a task."""
    start = time.process_time()
    task()
    return time.process_time() - start


def median_seconds(task: Callable[[], object], rounds: int) -> float:
    """Return the median CPU time of a task."""
    return statistics.median([cpu_seconds(task) for _ in range(rounds)])


class Table:
    """Prints figures as they come, each beside the signature rate."""

    def __init__(self, rate: int) -> None:
        self.rate = rate

    def title(self, text: str) -> None:
        """Print a heading."""
        print(f"\n{text}", flush=True)

    def row(self, name: str, seconds: float, more: str = "") -> None:
        """Print a time, and how many Ed25519 checks it is."""
        checks = seconds * self.rate
        print(f"  {name:34} {seconds * 1e6:12,.1f} us {checks:10.2f} checks  {more}", flush=True)


# Calls ------------------------------------------------------------------------------------------


def _frames(world: BookingWorld, name: str, paid: int, origins: list[bytes]) -> Iterator[Frame]:
    state = State(world.ledger)
    params: ChainParams = read_params(state)
    for origin in origins:
        around = World(
            state, world.executor.library, world.chain_id, world.head.height + 1, world.now + 1,
            None, params, origin, account(name), account(name), bytes(32),
        )  # fmt: skip
        yield Frame(around, world.contract, account(name), paid)


def measure_calls(table: Table, rounds: int) -> None:
    """Measure a booking's life, call by call, over rows in memory."""
    table.title("booking calls, in memory, without signatures and state tree")
    world = new_world()
    order, held = world.order()
    origins = [number.to_bytes(32, "big") for number in range(CALLS)]
    ids = [call_id(origin, 0) for origin in origins]
    sums = {"seconds": 0.0, "gas": 0, "most": 0}

    def play(function: str, arguments: Callable[[bytes], list[Any]], paid: int = 0) -> None:
        routine = catalog.program("booking").by_name[function]
        name = "alice" if function in CUSTOMERS_CALLS else "shop"
        times, used, state = [], 0, State(world.ledger)
        for _ in range(rounds):
            frames = list(_frames(world, name, paid, origins))
            todo = list(zip(frames, [arguments(one) for one in ids], strict=True))
            used = 0
            start = time.process_time()
            for frame, given in todo:
                used += 500_000 - frame.call(routine, given, 500_000)[1]
            times.append(time.process_time() - start)
            state = frames[0].world.state
        for key, value in state.changes().items():
            if value is None:
                world.ledger.state.pop(key, None)
            else:
                world.ledger.state[key] = value
        each, worst = statistics.median(times) / CALLS, routine.worst_case_gas
        per_gas = each * 1e9 / (used / CALLS)
        text = f"{used / CALLS:8,.0f} gas, worst case {worst / (used / CALLS):.2f} of it"
        table.row(function, each, f"{text}, {per_gas:.0f} ns/gas")
        sums["seconds"] += each
        sums["gas"] += used // CALLS
        sums["most"] += worst

    play("request", lambda _id: list(order), held)
    world.head = replace(world.head, time_ms=SLOT)
    for function in ("check_in", "start_service", "ready", "confirm"):
        play(function, lambda one: [one])
    table.row(
        "a whole life", sums["seconds"], f"worst case {sums['most'] / sums['gas']:.2f} of used"
    )
    print(f"  calls a second: {5 / sums['seconds']:,.0f}")


CUSTOMERS_CALLS = {"request", "check_in", "confirm"}


# Loading and compiling --------------------------------------------------------------------------


def measure_loading(table: Table, rounds: int) -> None:
    """Measure decoding, verifying and preparing, and compiling."""
    table.title("loading (decode, verify, prepare) and compiling")
    for name in catalog.STANDARD:
        data = catalog.container_bytes(name)
        seconds = median_seconds(lambda data=data: load_program.__wrapped__(data), rounds)  # type: ignore[misc]
        table.row(
            f"load {name}", seconds, f"{len(data):,} bytes, {seconds * 1e6 / len(data):.2f} us/B"
        )
    for kind, make in LARGE.items():
        data = compile_contract(make("Large")).container_bytes
        seconds = median_seconds(lambda data=data: load_program.__wrapped__(data), rounds)  # type: ignore[misc]
        table.row(
            f"load one full of {kind}",
            seconds,
            f"{len(data):,} bytes, {seconds * 1e6 / len(data):.2f} us/B",
        )
    for name in catalog.STANDARD:
        source = (ROOT / "contracts" / "standard" / f"{name}.wash").read_bytes()
        seconds = median_seconds(lambda source=source: compile_contract(source), rounds)  # type: ignore[misc]
        table.row(f"compile {name}", seconds, f"{len(source):,} bytes of source")


# Blocks of the worst kind -----------------------------------------------------------------------


class Stage:
    """A chain with the contract of worst cases."""

    def __init__(self, folder: Path) -> None:
        self.chain = TestChain(folder, genesis())
        self.contract = self.chain.deploy(WORST, installed="worst")
        self.first = 0

    def fill(self, function: str, step: int, *more: Any) -> list[Any]:
        """Return signed calls that fill a block's gas."""
        chain = self.chain
        params = read_params(chain.state())
        receipt = self._one(function, step, *more)
        room = params.block_gas_max // receipt.gas_used
        calls = []
        for _ in range(min(room, 2_000)):
            self.first += step
            arguments = (self.first, *more) if step else more
            call = Call(self.contract, function, arguments, 0)
            calls.append(chain.sign("alice", call, gas_limit=receipt.gas_used + 100))
        return calls

    def _one(self, function: str, step: int, *more: Any) -> Any:
        self.first += step
        arguments = (self.first, *more) if step else more
        receipt = self.chain.call("alice", self.contract, function, *arguments, gas_limit=500_000)
        assert receipt.ok, (function, receipt)
        return receipt

    def time_block(self, transactions: list[Any], rounds: int) -> tuple[float, ExecutedBlock]:
        """Return the CPU time to check a block of these, and the block; it is stored."""
        built = self.chain.build(*transactions)
        seconds = median_seconds(lambda: self.chain.check(built.block), rounds)
        self.chain.store(built)
        return seconds, built


def measure_blocks(table: Table, rounds: int) -> None:
    """Measure blocks full of one thing, as a validator checks them."""
    table.title(
        "blocks of 1,500,000 gas full of one thing, checked with the state tree, without disk"
    )
    with tempfile.TemporaryDirectory() as folder:
        stage = Stage(Path(folder))
        far = stage.chain.now + 100 * HOUR_MS
        kinds: list[tuple[str, str, int, tuple[Any, ...]]] = [
            ("new rows", "puts", 400, ()),
            ("looking for rows", "reads", 2_000, ()),
            ("events", "emits", 16, ()),
            ("setting timers", "timers", 8, (far,)),
            ("empty loops", "loops", 0, ()),
            ("hashing", "hashes", 0, ()),
        ]
        for name, function, step, more in kinds:
            calls = stage.fill(function, step, *more)
            seconds, built = stage.time_block(calls, rounds)
            gas = built.block.header.gas_used
            table.row(name, seconds, f"{gas:9,} gas, {seconds * 1e9 / gas:6.1f} ns/gas")
        _measure_deploy(table, stage)
        _measure_timers(table, stage)
        stage.chain.close()


def _measure_deploy(table: Table, stage: Stage) -> None:
    """Each container differs, so that none is known already."""
    signed = []
    for number in range(6):
        data = compile_contract(LARGE["rows"](f"Large{number}")).container_bytes
        deploy = Deploy(data, (), (), ())
        signed.append(stage.chain.sign("olga", deploy, gas_limit=fixed_gas(deploy) + 20_000))
    seconds, built = stage.time_block(signed, 1)
    gas = built.block.header.gas_used
    table.row("deploying", seconds, f"{gas:9,} gas, {seconds * 1e9 / gas:6.1f} ns/gas")


def _measure_timers(table: Table, stage: Stage) -> None:
    chain = stage.chain
    at = chain.now + HOUR_MS
    due = 0
    while due < 10_000:
        calls = stage.fill("timers", 8, at)
        chain.store(chain.build(*calls))
        due += 8 * len(calls)
    blocks, times, fired = 0, [], 0
    while True:
        built = chain.build(at=max(chain.now + 200, at))
        if not built.timers_fired:
            break
        times.append(cpu_seconds(lambda built=built: chain.check(built.block)))  # type: ignore[misc]
        chain.store(built)
        blocks += 1
        fired += built.timers_fired
    table.row("200 timers due", statistics.median(times), f"{fired:,} due at once: {blocks} blocks")


# Developers -------------------------------------------------------------------------------------


def measure_lives(table: Table) -> None:
    """Measure whole lives on the workbench's way of running: a block each call."""
    table.title("a contract's tests")
    world = new_world()
    lives = 50

    def play() -> None:
        for number in range(lives):
            order, held = world.order(start=SLOT + number * MINUTE_MS)
            booking = world.must("alice", "request", *order, funds=held)
            world.must("alice", "cancel_booking", booking)

    table.row("a life of two calls, a block each", cpu_seconds(play) / lives)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    rounds = parser.parse_args().rounds
    gc.freeze()
    rate = measure_signature_rate()
    print(f"v = {rate:,} Ed25519 checks a second on one core now")
    table = Table(rate)
    measure_calls(table, rounds)
    measure_loading(table, rounds)
    measure_blocks(table, rounds)
    measure_lives(table)


if __name__ == "__main__":
    main()
