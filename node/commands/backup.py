"""`washnode backup`: copies of a node's data that are known to be good."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.common import group
from node.commands.db import DATA_OPTION, find_chain
from node.commands.output import (
    EXIT_NOT_FOUND,
    EXIT_USAGE,
    CommandError,
    confirm,
    fail,
    finish,
    say,
    warn,
)
from node.commands.words import t

if TYPE_CHECKING:
    from node.commands.connect import Running
    from node.storage.backup import Tested
    from node.storage.copying import CopiedHead

LONG_S = 86_400.0  # a copy of a large chain to a slow disk may take hours
EXECUTED_BLOCKS_MAX = 2_000  # of a chain that a test executes again without being told to
_DAY_MS = 86_400_000
_HOUR_MS = 3_600_000
_FOLDER = click.Path(file_okay=False, path_type=Path)


@group()
def backup() -> None:
    """Make, test and bring back copies of a node's data."""


@backup.command()
@click.argument("target", type=_FOLDER)
@DATA_OPTION
def create(*, target: Path, data: Path | None) -> None:
    """Make a backup as a new folder in TARGET, best on another disk.

    The node may run: the copy is of one moment between two blocks. Keys go along only as they are
    sealed; the vote log and the tokens stay. Test it afterwards, and now and then.
    """
    from node import __version__
    from node.commands.connect import find_running
    from node.commands.run import find_config
    from node.live.clock import read_wall_ms
    from node.storage.backup import create_backup, note_backup
    from node.storage.copying import copy_stopped

    chain, genesis = find_chain(data)
    config = find_config(None, data, {})
    running = find_running(chain.parent)

    def copy_chain(folder: Path) -> "CopiedHead":
        if running is not None:
            return _ask_for_copy(running, folder)
        return copy_stopped(chain, folder)

    say(t("Copying the chain {name}.", name=genesis.name))
    made = create_backup(
        chain.parent,
        config.genesis_path,
        target,
        copy_chain,
        now_ms=read_wall_ms(),
        program=__version__,
    )
    note_backup(chain.parent, made)
    for name in made.unsealed:
        warn(
            t(
                "key {name} has no passphrase and is not in the backup; write down its words: "
                "washnode key backup {name} --data {folder}",
                name=name,
                folder=chain.parent,
            )
        )
    facts = {
        "backup": str(made.folder),
        "height": made.manifest.height,
        "files": len(made.manifest.files),
        "unsealed_keys": list(made.unsealed),
        "while_running": running is not None,
    }
    text = t("Backup of height {height}: {folder}", height=facts["height"], folder=made.folder)
    finish(facts, text, next_command=f"washnode backup test {made.folder}")


def _ask_for_copy(running: "Running", folder: Path) -> "CopiedHead":
    from node.storage.copying import CopiedHead

    said = ask_owner(running, "admin_backup", path=str(folder.absolute()))
    return CopiedHead(
        chain_id=bytes.fromhex(said["chain_id"]),
        height=said["height"],
        head_id=bytes.fromhex(said["head_id"]),
        head_time_ms=said["head_time_ms"],
    )


def ask_owner(running: "Running", method: str, **params: Any) -> Any:
    """Return what a node of this machine answers its owner; it may take long."""
    from node.commands.connect import find_token, make_client

    with make_client(running.url, find_token(running.folder, "admin"), LONG_S) as wash:
        return wash.rpc(method, **params)


@backup.command()
@click.argument("target", type=_FOLDER)
@click.option("--full", is_flag=True, help="Execute every block again, however many there are.")
def test(*, target: Path, full: bool) -> None:
    """Check a backup: every byte, the newest blocks, and the state against its root.

    TARGET is a backup, or a folder with some of which the newest is taken. Nothing in it is
    changed. A short chain is executed again from its beginning, a longer one with --full.
    """
    from node.live.clock import read_wall_ms
    from node.storage.backup import check_backup

    folder = _find(target)
    with tempfile.TemporaryDirectory(prefix="washnode-") as name:
        temporary = Path(name)
        found = check_backup(folder, temporary)
        is_executed = found.keeps_all and (full or found.manifest.height <= EXECUTED_BLOCKS_MAX)
        if is_executed:
            _execute(folder, temporary, found)
    if full and not is_executed:
        warn(t("older blocks are not kept in it, so they can not be executed again"))
    age_ms = max(0, read_wall_ms() - found.manifest.made_at_ms)
    facts = {
        "backup": str(folder),
        "good": True,
        "chain_id": found.manifest.chain_id,
        "chain_name": found.manifest.chain_name,
        "height": found.manifest.height,
        "made_at_ms": found.manifest.made_at_ms,
        "age_ms": age_ms,
        "executed": is_executed,
    }
    text = t(
        "Good: {name} at height {height}, made {age} ago.",
        name=found.manifest.chain_name,
        height=found.manifest.height,
        age=show_age(age_ms),
    )
    if is_executed:
        text += " " + t("Every block was executed again and gives this state.")
    else:
        text += " " + t(
            "The state has the root that its newest block names; no block was executed."
        )
    finish(facts, text, next_command=f"washnode backup restore {folder} --data DIR")


def _find(target: Path) -> Path:
    from node.storage.backup import find_backup

    if not target.is_dir():
        fail(t("there is no {path}", path=target), EXIT_NOT_FOUND)
    return find_backup(target)


def _execute(folder: Path, temporary: Path, found: "Tested") -> None:
    from node.storage.plans import read_plans
    from node.verify import VerificationError, verify_data

    try:
        verify_data(temporary / "chain", found.genesis, plans=read_plans(folder))
    except VerificationError as error:
        fix = t("make another backup: washnode backup create TARGET")
        raise CommandError(f"{folder}: {error}", fix=fix) from error


def show_age(age_ms: int) -> str:
    """Return a length of time as people say it."""
    if age_ms >= 2 * _DAY_MS:
        return t("{count} days", count=age_ms // _DAY_MS)
    if age_ms >= _HOUR_MS:
        return t("{count} hours", count=age_ms // _HOUR_MS)
    return t("{count} minutes", count=age_ms // 60_000)


@backup.command()
@click.argument("target", type=_FOLDER)
@click.option("--data", required=True, type=_FOLDER, metavar="DIR", help="An empty or new folder.")
@click.option("--sole", is_flag=True, help="No other copy of this only validator runs or will.")
def restore(*, target: Path, data: Path, sole: bool) -> None:
    """Bring a backup back into a new data folder, after checking it.

    The node does not know what it signed since the backup, so it only follows at first. Where it is
    one of four validators or more it votes again by itself once that is safe. The only validator
    of a chain makes blocks again at once with --sole: what came after the backup is lost then.
    """
    from node.storage.backup import check_backup, check_empty, put_back

    folder = _find(target)
    check_empty(data)
    with tempfile.TemporaryDirectory(prefix="washnode-") as name:
        found = check_backup(folder, Path(name))
    if sole:
        _confirm_sole(found)
    put_back(folder, found.manifest, data, _vote_log_writer(found, is_sole=sole))
    facts = {"data": str(data), "height": found.manifest.height, "observer": not sole}
    text = t("Brought back to height {height}.", height=found.manifest.height)
    if not sole:
        text += " " + t("The node follows at first and signs nothing until that is safe.")
    finish(facts, text, next_command=f"washnode run --data {data}")


def _confirm_sole(found: "Tested") -> None:
    count = len(found.validators.keys)
    if count != 1:
        seen = t("this chain has {count} validators", count=count)
        fail(seen, EXIT_USAGE, fix=t("leave --sole out: the others know what this one signed"))
    confirm(
        t(
            "Two copies of one validator split the chain, and what came after height {height} is "
            "lost. Is the old node gone for good, with every other copy of it?",
            height=found.manifest.height,
        )
    )


def _vote_log_writer(found: "Tested", *, is_sole: bool) -> Callable[[Path], None]:
    """Return what writes the vote log of a restored folder."""
    height = found.manifest.height
    distrust = (
        f"this node was brought back from a backup of height {height}, so nobody knows what it "
        "signed since; it follows, and votes again by itself once that is safe. If it is the "
        "chain's only validator and no other copy of it runs, restore again with --sole"
    )
    epoch = found.validators.epoch

    def write(folder: Path) -> None:
        from node.storage.wal import VoteLog

        log = VoteLog(folder / "votes.log", bytes.fromhex(found.manifest.chain_id))
        log.begin(None if is_sole else distrust, epoch)
        log.close()

    return write
