"""`washnode run` and `washnode stop`: a node as a lasting process."""

import contextlib
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chain.errors import WashError
from node.commands.common import command
from node.commands.output import (
    EXIT_NOT_FOUND,
    EXIT_UNREACHABLE,
    CommandError,
    fail,
    finish,
    talk,
)
from node.commands.words import t

if TYPE_CHECKING:
    from chain.genesis import Genesis
    from node.config import Config

STOP_PATIENCE_S = 15.0
_PAUSE_S = 0.05


@command()
@click.option(
    "--config",
    "path",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    envvar="WASH_CONFIG",
    help="Settings; default WASH_CONFIG, else config.toml in the data folder.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    envvar=["WASH_DATA", "WASH_DATA_DIR"],
    help="Data folder; default WASH_DATA, else that of the settings.",
)
@click.option("--host", metavar="ADDRESS", help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65_535), help="Port to listen on; 0: a free one.")
@click.option(
    "--passphrase-file",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="Has the passphrase of the validator's key.",
)
@click.option(
    "--errors-only",
    is_flag=True,
    help="On standard error only errors; the log in the data folder has all.",
)
def run(
    *,
    path: Path | None,
    data: Path | None,
    host: str | None,
    port: int | None,
    passphrase_file: Path | None,
    errors_only: bool,
) -> None:
    """Run a node until it is stopped.

    A flag wins over a WASH_ variable, that over the settings file, that over the defaults. The log
    goes to standard error and into the data folder: washnode logs.
    """
    from node.app import build_node
    from node.commands.progress import progress_if_any
    from node.commands.serving import ready_facts, run_loop, serve_node
    from node.joining.desk import Desk
    from node.joining.records import FOLDER_NAME
    from node.logs import set_up_logs
    from node.net.join import NetworkNode, has_network

    config = find_config(path, data, {"rpc.host": host, "rpc.port": port})
    genesis = read_genesis(config)
    signer, sponsor, admitter = unlock_keys(config, passphrase_file)
    set_up_logs(config.log_level, data=config.data_dir, only_errors_shown=errors_only)

    async def main() -> None:
        with progress_if_any(t("Migrating")) as on_migrate:
            node = build_node(config, genesis, signer, sponsor=sponsor, on_migrate=on_migrate)
        if admitter is not None:
            node.desk = Desk(node, admitter, config.data_dir / FOLDER_NAME, config.p2p.url)
        companions = [NetworkNode(node, config.p2p, signer).run] if has_network(config.p2p) else []

        def tell(url: str) -> None:
            following = f"washnode status --rpc {url}"
            finish(ready_facts(node, url), t("Serving {url}", url=url), next_command=following)

        await serve_node(node, config, tell, companions)

    run_loop(main())


def find_config(path: Path | None, data: Path | None, flags: dict[str, object]) -> "Config":
    """Return the settings: of the file that is named, or of the one in the data folder.

    A change of what opens the keys that was cut off is ended first.
    """
    from node.keys.resealing import settle

    found = _read_config(path, data, flags)
    return _read_config(path, data, flags) if settle(found.data_dir) else found


def _read_config(path: Path | None, data: Path | None, flags: dict[str, object]) -> "Config":
    from node.commands.connect import CONFIG_NAME, DATA_DEFAULT
    from node.config import load_config

    if path is None:
        beside = (data or DATA_DEFAULT) / CONFIG_NAME
        path = beside if beside.is_file() else None
    given = {"data_dir": None if data is None else str(data), **flags}
    config = load_config(path, environment=os.environ, flags=given)
    if path is None or "data_dir" in config.model_fields_set:
        return config
    if (path.parent / config.chain.genesis_file).is_file():  # the settings of that very folder
        return config.model_copy(update={"data_dir": path.parent})
    return config


def read_genesis(config: "Config") -> "Genesis":
    """Return what the chain begins with, or say how to make a chain."""
    from chain.errors import GenesisError
    from chain.genesis import GENESIS_BYTES_MAX, parse_genesis
    from node.storage.folder import will_hold
    from node.storage.migrate import OtherRulesError

    path = config.genesis_path
    try:
        with path.open("rb") as file:
            data = file.read(GENESIS_BYTES_MAX + 1)
    except FileNotFoundError as error:
        fix = t("make a chain: washnode init {folder}", folder=config.data_dir)
        seen = t("there is no {path}", path=path)
        raise CommandError(seen, EXIT_NOT_FOUND, fix=fix) from error
    try:
        return parse_genesis(data)
    except GenesisError as error:
        if will_hold(config.data_dir / "chain"):
            raise OtherRulesError(config.data_dir, error) from error
        raise


def unlock_keys(config: "Config", passphrase_file: Path | None) -> tuple[Any, Any, Any]:
    """Return the key that signs blocks, the one that co-signs, and who lets shops in.

    The latter two are None where the settings name none; the last one is an Admitter.
    """
    from node.commands.connect import KEYS_NAME
    from node.commands.passphrase import ask_for_key
    from node.joining.sending import Admitter
    from node.keys.acting import ActingKey
    from node.keys.store import KeyStore
    from node.keys.unattended import find_secret

    store, keys = KeyStore(config.data_dir / KEYS_NAME), config.keys
    way = keys.unlock
    machine = None if way == "ask" else lambda: find_secret(way, config.data_dir)

    def passphrase(name: str) -> str | None:
        return ask_for_key(store.show(name), passphrase_file, machine)

    def unlock(name: str) -> Any:
        return store.unlock(name, passphrase(name))

    def acting(name: str) -> Any:
        secret = passphrase(name)
        earlier = store.earlier(name, secret)
        return ActingKey(store.export(name, secret), store.show(name).account, earlier)

    signer = unlock(keys.validator)
    sponsor = acting(keys.sponsor) if keys.sponsor else None
    if not keys.admitter:
        return signer, sponsor, None
    return signer, sponsor, Admitter(store.show(keys.admitter).account, unlock(keys.admitter))


@command(node=True)
def stop() -> None:
    """Stop the running node in order, and wait until it is gone."""
    from node.commands.connect import find_node, find_running, is_alive

    url, folder = find_node()
    running = None if folder is None else find_running(folder)
    if running is None and not talk().rpc:
        fix = t("name its data folder with --data, or its address with --rpc")
        fail(t("no node of this machine runs"), EXIT_UNREACHABLE, fix=fix)
    if not _ask_to_stop() and not _signal(None if running is None else running.pid):
        fail(t("{url} does not stop", url=url), fix=t("end its process yourself"))
    pid = None if running is None else running.pid
    if not _wait(lambda: is_alive(pid) if pid and sys.platform != "win32" else _answers()):
        seconds = int(STOP_PATIENCE_S)
        fail(t("{url} still runs after {seconds} s", url=url, seconds=seconds))
    finish({"stopped": url, "pid": pid}, t("Stopped: {url}", url=url))


def _ask_to_stop() -> bool:
    """Ask the node itself; false if it does not answer or does not know us."""
    from node.commands.connect import session

    try:
        with session("admin", timeout_s=STOP_PATIENCE_S) as talk_to:
            talk_to.ask("admin_stop")
    except WashError:
        if talk().rpc:
            raise
        return False
    return True


def _signal(pid: int | None) -> bool:
    if pid is None or sys.platform == "win32":
        return False
    with contextlib.suppress(OSError):
        os.kill(pid, signal.SIGTERM)
        return True
    return False


def _answers() -> bool:
    from node.commands.connect import session

    try:
        with session(timeout_s=1.0) as talk_to:
            talk_to.ask("rpc_version")
    except WashError:
        return False
    return True


def _wait(is_there: Callable[[], bool]) -> bool:
    """Wait until something is gone; false if it stays."""
    end = time.monotonic() + STOP_PATIENCE_S
    while is_there():
        if time.monotonic() > end:
            return False
        time.sleep(_PAUSE_S)
    return True
