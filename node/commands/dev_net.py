"""`washnode dev net`: a network of real nodes on this machine, with a live table."""

import asyncio
import secrets
import shutil
import sys
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.common import group
from node.commands.output import (
    EXIT_NOT_FOUND,
    EXIT_UNREACHABLE,
    EXIT_USAGE,
    CommandError,
    confirm,
    fail,
    finish,
    print_text,
    say,
    talk,
)
from node.commands.words import t

if TYPE_CHECKING:
    from node.devnet.plan import PlannedNode
    from node.devnet.processes import DevNet
    from node.devnet.view import NodeRow

FOLDER_DEFAULT = Path("washnet")
START_PATIENCE_S = 60
STOP_PATIENCE_S = 10
LOOK_S = 1.0
_PAUSE_S = 0.1
_FOLDER = click.option(
    "--out",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=FOLDER_DEFAULT,
    show_default=True,
    metavar="DIR",
    help="Where the nodes' folders are.",
)


@group(name="net", invoke_without_command=True)
@click.option(
    "--nodes",
    type=click.IntRange(1, 50),
    default=4,
    show_default=True,
    help="How many validators.",
)
@click.option(
    "--shops",
    type=click.IntRange(0, 20),
    default=1,
    show_default=True,
    help="How many shops' nodes, which follow.",
)
@_FOLDER
@click.option("--fresh", is_flag=True, help="Throw an old network away first.")
@click.option("--kill-every", metavar="DURATION", help="Kill a node this often, start it again.")
@click.pass_context
def net(
    context: click.Context,
    *,
    nodes: int,
    shops: int,
    folder: Path,
    fresh: bool,
    kill_every: str | None,
) -> None:
    """Run validators and shops' nodes as real processes on this machine.

    The table shows how each node is; Ctrl-C stops all. With --json it prints each node's name, pid,
    address and folder once all answer. A node that is killed stays dead until `dev net start NAME`.
    """
    if context.invoked_subcommand is not None:
        return
    from node.commands.values import need_duration
    from node.devnet.processes import DevNet

    kill_every_ms = None if kill_every is None else max(need_duration(kill_every), 1)
    planned = _plan(folder, nodes, shops, fresh=fresh)
    asyncio.run(_run(DevNet(planned), folder, kill_every_ms))


def _plan(folder: Path, nodes: int, shops: int, *, fresh: bool) -> "list[PlannedNode]":
    """Return the nodes of the network in a folder, which is made if there is none."""
    from node.commands.connect import find_running
    from node.devnet.plan import NETWORK_NAME, make_network, read_network
    from node.live.clock import read_wall_ms

    if (folder / NETWORK_NAME).exists():
        planned = read_network(folder)
        running = [one.name for one in planned if find_running(one.folder) is not None]
        if running:
            text = t(
                "nodes of {folder} run already: {names}", folder=folder, names=", ".join(running)
            )
            fail(text, EXIT_USAGE, fix=t("stop them, or take another folder with --out"))
        if not fresh:
            say(t("The network in {folder} goes on; --fresh begins another.", folder=folder))
            return planned
        confirm(t("Throw away the network in {folder}?", folder=folder))
        for one in planned:  # what else lies there stays
            shutil.rmtree(folder / one.name, ignore_errors=True)
        (folder / NETWORK_NAME).unlink()
    try:
        return make_network(folder, nodes, shops, time_ms=read_wall_ms())
    except FileExistsError as error:
        fix = t("take a folder that is empty or not there")
        raise CommandError(t("{path} has other files", path=folder), EXIT_USAGE, fix=fix) from error


@net.command()
@click.argument("name")
@_FOLDER
def start(*, name: str, folder: Path) -> None:
    """Start a node of the network again that was killed or stopped."""
    from node.commands.connect import find_running
    from node.devnet.plan import read_network
    from node.devnet.processes import spawn

    planned = read_network(folder)
    chosen = next((one for one in planned if one.name == name), None)
    if chosen is None:
        names = ", ".join(one.name for one in planned)
        text = t("there is no node {name}; there are {names}", name=name, names=names)
        raise CommandError(text, EXIT_NOT_FOUND)
    running = find_running(chosen.folder)
    if running is not None:
        fail(t("a node runs there already: {url}", url=running.url), EXIT_USAGE)
    child = spawn(chosen, detached=True)
    # Found from then on by `dev net`, which stops it with the others.
    end = time.monotonic() + START_PATIENCE_S
    while find_running(chosen.folder) is None:
        if child.poll() is not None or time.monotonic() > end:
            raise _not_starting(chosen)
        time.sleep(_PAUSE_S)
    facts = {**_facts(chosen), "pid": child.pid}
    following = f"washnode status --rpc {chosen.rpc_url}"
    finish(facts, t("{name} runs: {url}", name=name, url=chosen.rpc_url), next_command=following)


def _not_starting(node: "PlannedNode") -> CommandError:
    fix = t("read {path}", path=node.folder / "node.log")
    return CommandError(t("{name} does not start", name=node.name), EXIT_UNREACHABLE, fix=fix)


def _facts(node: "PlannedNode") -> dict[str, Any]:
    return {
        "name": node.name,
        "role": node.role,
        "pid": None,
        "rpc": node.rpc_url,
        "data": str(node.folder),
    }


async def _run(devnet: "DevNet", folder: Path, kill_every_ms: int | None) -> None:
    import signal

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


async def _await_all(devnet: "DevNet", stopping: asyncio.Event) -> None:
    """Wait until every node answers."""
    from node.devnet.processes import ask

    end = time.monotonic() + START_PATIENCE_S
    waiting = list(devnet.nodes)
    while waiting and not stopping.is_set():
        answers = await asyncio.gather(*[ask(one, "node_health") for one in waiting])
        waiting = [one for one, answer in zip(waiting, answers, strict=True) if answer is None]
        for one in waiting:
            if devnet.exit_code(one.name) is not None or time.monotonic() > end:
                raise _not_starting(one)
        await asyncio.sleep(_PAUSE_S)


async def _stop_others(devnet: "DevNet") -> None:
    """Stop nodes that `dev net start` brought back, and wait until they are gone."""
    import os
    import signal

    from node.commands.connect import find_running

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
            await asyncio.sleep(_PAUSE_S)


def _tell(devnet: "DevNet") -> None:
    rows = [{**_facts(one), "pid": devnet.pid(one.name)} for one in devnet.nodes]
    following = f"washnode status --rpc {devnet.nodes[0].rpc_url}"

    def show() -> None:
        for row in rows:
            print_text(f"{row['name']:8}  {row['pid']:7}  {row['rpc']}  {row['data']}")

    finish({"nodes": rows}, show, next_command=following)
    sys.stdout.flush()


async def _watch(devnet: "DevNet", stopping: asyncio.Event, kill_every_ms: int | None) -> None:
    async with asyncio.TaskGroup() as group:
        tasks = []
        if sys.stdout.isatty() and not talk().as_json:
            tasks.append(group.create_task(_table(devnet)))
        if kill_every_ms is not None:
            tasks.append(group.create_task(_kill_again_and_again(devnet, kill_every_ms)))
        await stopping.wait()
        for task in tasks:
            task.cancel()


async def _kill_again_and_again(devnet: "DevNet", every_ms: int) -> None:
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


async def _table(devnet: "DevNet") -> None:
    from rich.live import Live

    from node.devnet.view import look
    from node.live.clock import read_wall_ms

    started: set[str] = set()
    with Live(auto_refresh=False) as live:
        while True:
            rows = await look(devnet, started, read_wall_ms())
            live.update(_drawn(rows), refresh=True)
            await asyncio.sleep(LOOK_S)


def _drawn(rows: "Iterable[NodeRow]") -> Any:
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
