"""`washnode dev net`: a network of real nodes on this machine, with a live table."""

import shutil
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.commands.common import group
from node.commands.output import (
    EXIT_NOT_FOUND,
    EXIT_USAGE,
    CommandError,
    confirm,
    fail,
    finish,
    say,
)
from node.commands.words import t

if TYPE_CHECKING:
    from node.devnet.plan import PlannedNode

FOLDER_DEFAULT = Path("washnet")
_FOLDER = click.option(
    "--out",
    "folder",
    # Whole: the nodes' processes begin in another folder than this command.
    type=click.Path(file_okay=False, path_type=Path, resolve_path=True),
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
    import asyncio

    from node.commands.dev_net_run import run
    from node.commands.values import need_duration
    from node.devnet.plan import give_operator_key
    from node.devnet.processes import DevNet

    kill_every_ms = None if kill_every is None else max(need_duration(kill_every), 1)
    planned = _plan(folder, nodes, shops, fresh=fresh)
    give_operator_key(planned[0])
    asyncio.run(run(DevNet(planned), folder, kill_every_ms))


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
    from node.commands.dev_net_run import PAUSE_S, START_PATIENCE_S, facts_of, not_starting
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
            raise not_starting(chosen)
        time.sleep(PAUSE_S)
    facts = {**facts_of(chosen), "pid": child.pid}
    following = f"washnode status --rpc {chosen.rpc_url}"
    finish(facts, t("{name} runs: {url}", name=name, url=chosen.rpc_url), next_command=following)
