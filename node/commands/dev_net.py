"""`washnode dev net`: a network of real nodes on this machine, with a live table."""

import asyncio
import json
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
from node.commands.dev import dev
from node.commands.output import (
    EXIT_NOT_FOUND,
    EXIT_USAGE,
    CommandError,
    confirm,
    finish,
    print_text,
    talk,
)
from node.commands.words import t

if TYPE_CHECKING:
    from node.devnet.processes import DevNet
    from node.devnet.view import NodeRow

FOLDER_DEFAULT = Path("washnet")
START_PATIENCE_S = 60
LOOK_S = 1.0
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
@click.option("--nodes", type=click.IntRange(1, 50), default=4, show_default=True)
@click.option("--shops", type=click.IntRange(0, 20), default=1, show_default=True)
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
    from node.devnet.plan import NETWORK_NAME, make_network, read_network
    from node.devnet.processes import DevNet
    from node.live.clock import read_wall_ms

    kill_every_ms = None if kill_every is None else need_duration(kill_every)
    if fresh and (folder / NETWORK_NAME).exists():
        confirm(t("Throw away the network in {folder}?", folder=folder))
        shutil.rmtree(folder)
    if (folder / NETWORK_NAME).exists():
        planned = read_network(folder)
    else:
        try:
            planned = make_network(folder, nodes, shops, time_ms=read_wall_ms())
        except FileExistsError as error:
            raise CommandError(str(error), EXIT_USAGE) from error
    asyncio.run(_run(DevNet(planned), folder, kill_every_ms))


@net.command()
@click.argument("name")
@_FOLDER
def start(*, name: str, folder: Path) -> None:
    """Start a node of the network again that was killed or stopped."""
    from node.commands.connect import find_running
    from node.devnet.plan import read_network
    from node.devnet.processes import spawn

    chosen = next((one for one in read_network(folder) if one.name == name), None)
    if chosen is None:
        names = ", ".join(one.name for one in read_network(folder))
        text = t("there is no node {name}; there are {names}", name=name, names=names)
        raise CommandError(text, EXIT_NOT_FOUND)
    running = find_running(chosen.folder)
    if running is not None:
        raise CommandError(t("a node runs there already: {url}", url=running.url))
    child = spawn(chosen, detached=True)
    facts = {"name": name, "pid": child.pid, "rpc": chosen.rpc_url, "data": str(chosen.folder)}
    following = f"washnode status --rpc {chosen.rpc_url}"
    finish(
        facts, t("Starting {name}: {url}", name=name, url=chosen.rpc_url), next_command=following
    )


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
            await _show(devnet, stopping, kill_every_ms)
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
            code = devnet.exit_code(one.name)
            if code is not None or time.monotonic() > end:
                log = one.folder / "node.log"
                raise CommandError(t("{name} does not start", name=one.name), fix=str(log))
        await asyncio.sleep(0.1)


async def _stop_others(devnet: "DevNet") -> None:
    """Stop nodes that `dev net start` brought back."""
    from node.commands.connect import find_running

    for one in devnet.nodes:
        running = find_running(one.folder)
        if running is not None:
            import os
            import signal

            with suppress(OSError):
                os.kill(running.pid, signal.SIGTERM)


async def _show(devnet: "DevNet", stopping: asyncio.Event, kill_every_ms: int | None) -> None:
    facts = [
        {
            "name": one.name,
            "pid": devnet.pid(one.name),
            "rpc": one.rpc_url,
            "data": str(one.folder),
        }
        for one in devnet.nodes
    ]
    if talk().as_json:
        click.echo(json.dumps(facts))
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(_table(devnet))] if not talk().as_json else []
        if kill_every_ms is not None:
            running.append(tasks.create_task(_kill_again_and_again(devnet, kill_every_ms)))
        await stopping.wait()
        for task in running:
            task.cancel()


async def _kill_again_and_again(devnet: "DevNet", every_ms: int) -> None:
    while True:
        await asyncio.sleep(every_ms / 1_000)
        victim = secrets.choice(devnet.nodes).name
        devnet.kill(victim)
        await asyncio.sleep(every_ms / 2_000)
        devnet.start(victim)


async def _table(devnet: "DevNet") -> None:
    from rich.live import Live

    from node.devnet.view import look
    from node.live.clock import read_wall_ms

    started: dict[str, bool] = {}
    if not sys.stdout.isatty():
        for one in devnet.nodes:
            print_text(f"{one.name}  {one.rpc_url}  {one.folder}")
    with Live(auto_refresh=False) as live:
        while True:
            rows = await look(devnet, started, read_wall_ms())
            if sys.stdout.isatty():
                live.update(_drawn(rows), refresh=True)
            await asyncio.sleep(LOOK_S)


def _drawn(rows: "Iterable[NodeRow]") -> Any:
    from rich.table import Table

    heads = ("node", "role", "state", "height", "round", "peers", "waiting", "newest block")
    table = Table(*[t(one) for one in heads])
    for row in rows:
        age = None if row.head_age_ms is None else f"{row.head_age_ms // 1_000} s"
        cells = (row.name, row.role, row.state, row.height, row.round, row.peers, row.waiting, age)
        table.add_row(*["" if one is None else str(one) for one in cells])
    return table


dev.add_command(net)
