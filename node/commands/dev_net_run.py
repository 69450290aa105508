"""What `washnode dev net` does while it runs: start, watch, show, stop."""

import asyncio
import os
import secrets
import signal
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

from node.commands.connect import find_running
from node.commands.output import EXIT_UNREACHABLE, CommandError, finish, print_text, say, talk
from node.commands.words import t
from node.devnet.plan import OPERATOR, PlannedNode
from node.devnet.processes import DevNet, ask
from node.devnet.view import NodeRow, look
from node.live.clock import read_wall_ms

START_PATIENCE_S = 60
STOP_PATIENCE_S = 10
LOOK_S = 1.0
PAUSE_S = 0.1


def not_starting(node: PlannedNode) -> CommandError:
    """Return the refusal that names a node's log."""
    fix = t("read {path}", path=node.folder / "node.log")
    return CommandError(t("{name} does not start", name=node.name), EXIT_UNREACHABLE, fix=fix)


def facts_of(node: PlannedNode) -> dict[str, Any]:
    """Return what a program wants to know of a node."""
    return {
        "name": node.name,
        "role": node.role,
        "pid": None,
        "rpc": node.rpc_url,
        "data": str(node.folder),
    }


async def run(devnet: DevNet, folder: Path, kill_every_ms: int | None) -> None:
    """Run a network until it is told to stop; then stop every node of it."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):  # Windows: KeyboardInterrupt comes instead
            loop.add_signal_handler(number, stopping.set)
    try:
        for one in devnet.nodes:
            devnet.start(one.name)
        await _await_all(devnet, stopping)
        if not stopping.is_set():
            _tell(devnet)
            await _watch(devnet, stopping, kill_every_ms)
    finally:
        await devnet.stop()
        await _stop_others(devnet)
    if not talk().as_json:
        print_text(t("All stopped; the network is kept in {folder}.", folder=folder))


async def _await_all(devnet: DevNet, stopping: asyncio.Event) -> None:
    """Wait until every node answers."""
    end = time.monotonic() + START_PATIENCE_S
    waiting = list(devnet.nodes)
    while waiting and not stopping.is_set():
        answers = await asyncio.gather(*[ask(one, "node_health") for one in waiting])
        waiting = [one for one, answer in zip(waiting, answers, strict=True) if answer is None]
        for one in waiting:
            if devnet.exit_code(one.name) is not None or time.monotonic() > end:
                raise not_starting(one)
        await asyncio.sleep(PAUSE_S)


async def _stop_others(devnet: DevNet) -> None:
    """Stop nodes that `dev net start` brought back, and wait until they are gone."""
    end = time.monotonic() + STOP_PATIENCE_S
    number = signal.SIGTERM
    waiting = list(devnet.nodes)
    while waiting:
        found = [(one, find_running(one.folder)) for one in waiting]
        for _node, running in found:
            if running is not None:
                with suppress(OSError):
                    os.kill(running.pid, number)
        waiting = [one for one, running in found if running is not None]
        if time.monotonic() > end:
            number = getattr(signal, "SIGKILL", number)
        if waiting:
            await asyncio.sleep(PAUSE_S)


def _tell(devnet: DevNet) -> None:
    rows = [{**facts_of(one), "pid": devnet.pid(one.name)} for one in devnet.nodes]
    first = devnet.nodes[0].folder
    following = f"washnode contract standard --from {OPERATOR} --data {first}"

    def show() -> None:
        for row in rows:
            print_text(f"{row['name']:8}  {row['pid']:7}  {row['rpc']}  {row['data']}")
        say(
            t(
                "The operator's key is {key} in {folder}: it is public, for trying things only.",
                key=OPERATOR,
                folder=first / "keys",
            )
        )

    operator = {"key": OPERATOR, "data": str(first)}
    finish({"nodes": rows, "operator": operator}, show, next_command=following)
    sys.stdout.flush()


async def _watch(devnet: DevNet, stopping: asyncio.Event, kill_every_ms: int | None) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = []
        if sys.stdout.isatty() and not talk().as_json:
            tasks.append(group.create_task(_table(devnet)))
        if kill_every_ms is not None:
            tasks.append(group.create_task(_kill_again_and_again(devnet, kill_every_ms)))
        await stopping.wait()
        for task in tasks:
            task.cancel()


async def _kill_again_and_again(devnet: DevNet, every_ms: int) -> None:
    """Kill a node that this program started, and start it again before the next one's turn."""
    while True:
        await asyncio.sleep(every_ms / 1_000)
        running = [one.name for one in devnet.nodes if devnet.pid(one.name) is not None]
        if not running:
            continue
        victim = secrets.choice(running)
        devnet.kill(victim)
        say(t("{name} is killed.", name=victim))
        await asyncio.sleep(every_ms / 2_000)
        devnet.start(victim)


async def _table(devnet: DevNet) -> None:
    from rich.live import Live

    started: set[str] = set()
    with Live(auto_refresh=False) as live:
        while True:
            rows = await look(devnet, started, read_wall_ms())
            live.update(_drawn(rows), refresh=True)
            await asyncio.sleep(LOOK_S)


def _drawn(rows: Iterable[NodeRow]) -> Any:
    from rich.table import Table

    table = Table(
        t("node"),
        t("role"),
        t("state"),
        t("height"),
        t("round"),
        t("peers"),
        t("waiting"),
        t("newest block"),
    )
    for row in rows:
        age = None if row.head_age_ms is None else f"{row.head_age_ms // 1_000} s"
        cells = (row.name, row.role, row.state, row.height, row.round, row.peers, row.waiting, age)
        table.add_row(*["" if one is None else str(one) for one in cells])
    return table
