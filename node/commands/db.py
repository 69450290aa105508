"""`washnode db`: a stopped node's data checked, repaired and measured."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.common import group
from node.commands.output import (
    EXIT_NOT_FOUND,
    CommandError,
    confirm,
    fail,
    finish,
    print_table,
    print_text,
)
from node.commands.progress import progress
from node.commands.words import t

if TYPE_CHECKING:
    from chain.genesis import Genesis
    from chain.recovery import RecoveryPlan
    from node.storage.stats import ChainStats


@group()
def db() -> None:
    """Check, repair and measure a node's data.

    The node must be stopped: it has its data for itself.
    """


DATA_OPTION = click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="DIR",
    envvar=["WASH_DATA", "WASH_DATA_DIR"],
    help="Data folder; default WASH_DATA, else washdata.",
)


@db.command()
@DATA_OPTION
def verify(*, data: Path | None) -> None:
    """Read every byte, execute every block again and compare all of it.

    Works on a copy. Exit code 1 if anything differs; the text names the height.
    """
    from node.storage.plans import read_plans
    from node.verify import VerificationError, verify_data

    chain, genesis = find_chain(data)
    plans = read_plans(chain.parent)
    with progress(t("Verifying")) as on_progress:
        try:
            verified = verify_data(chain, genesis, on_progress, plans)
        except VerificationError as error:
            fix = t("see what a repair can do: washnode db repair --data {folder}", **_at(chain))
            raise CommandError(str(error), fix=fix) from error
    facts = {
        "verified": True,
        "height": verified.blocks,
        "transactions": verified.transactions,
        "timers_fired": verified.timers_fired,
        "executed": verified.executed_from > 0,
    }
    if verified.executed_from:
        text = t(
            "{blocks} blocks with {transactions} transactions: every stored byte is as executing "
            "them gives.",
            blocks=verified.blocks,
            transactions=verified.transactions,
        )
    else:
        text = t(
            "Older blocks are not kept here, so none was executed again. Up to height {blocks} all "
            "that is kept fits its headers, and the state has the root that the newest one names.",
            blocks=verified.blocks,
        )
    finish(facts, text)


@db.command()
@DATA_OPTION
@click.option("--truncate", is_flag=True, help="Give up what comes after a lost block.")
@click.option("--force", is_flag=True, help="Make it anew even if nothing is wrong with it.")
def repair(*, data: Path | None, truncate: bool, force: bool) -> None:
    """Make a damaged chain anew from its blocks; the damaged files are kept beside it.

    It is verified first, and left alone if it is whole. A start does all this by itself. It can
    not bring blocks back: with --truncate the chain ends before the first that is lost, and the
    transactions after it are gone for good.
    """
    from chain.errors import StoreError
    from node.storage.disk import disk_faults
    from node.storage.folder import held, keep_before, settle
    from node.storage.plans import read_plans
    from node.storage.repair import LostBlocksError
    from node.storage.repair import repair as make_again

    chain, genesis = find_chain(data)
    plans = read_plans(chain.parent)
    if not force and _is_whole(chain, genesis, plans):
        return
    make_anew = partial(make_again, chain, genesis, plans=plans)
    asked = StoreError("asked for by hand")
    with disk_faults(chain), held(chain), progress(t("Making anew")) as on_progress:
        settle(chain)
        keep_before(chain)
        try:
            done = make_anew(asked, on_progress=on_progress)
        except LostBlocksError as lost:
            if not truncate:
                raise
            confirm(_what_is_lost(lost.height, lost.last, lost.transactions))
            keep_before(chain)
            done = make_anew(asked, truncate=True, on_progress=on_progress)
    facts = {
        "height": done.height,
        "lost_blocks": done.lost_blocks,
        "lost_transactions": done.lost_transactions,
        "kept": str(done.kept),
    }
    text = t("The chain is whole up to height {height}.", height=done.height)
    if done.lost_blocks:
        text += " " + t(
            "{blocks} blocks are lost, and at least {transactions} transactions with them.",
            blocks=done.lost_blocks,
            transactions=done.lost_transactions,
        )
    text += " " + t("The files as they were: {kept}", kept=done.kept)
    following = f"washnode db verify --data {chain.parent}"
    finish(facts, text, next_command=following)


def _is_whole(chain: Path, genesis: "Genesis", plans: "tuple[RecoveryPlan, ...]") -> bool:
    """Tell whether every byte is as it should be; if so, say it."""
    from chain.errors import StoreError, StoreInUseError
    from node.storage.disk import disk_faults
    from node.storage.folder import held, settle
    from node.verify import VerificationError, verify_data

    with disk_faults(chain), held(chain):
        settle(chain)  # what an interrupted start left beside the chain belongs to it
    with disk_faults(chain), progress(t("Verifying")) as on_progress:
        try:
            found = verify_data(chain, genesis, on_progress, plans)
        except StoreInUseError:
            raise
        except (VerificationError, StoreError):
            return False
    text = t(
        "The chain is whole, {blocks} blocks: nothing was changed. --force makes it anew.",
        blocks=found.blocks,
    )
    facts = {"height": found.blocks, "lost_blocks": 0, "lost_transactions": 0, "kept": None}
    finish(facts, text)
    return True


def _what_is_lost(first: int, last: int, transactions: int) -> str:
    return t(
        "Give up blocks {first} to {last}, with at least {transactions} transactions?",
        first=first,
        last=last,
        transactions=transactions,
    )


@db.command()
@DATA_OPTION
def stats(*, data: Path | None) -> None:
    """Show how many entries and bytes each table has, and how much room is left."""
    from node.storage.disk import disk_faults
    from node.storage.stats import chain_stats

    chain, _genesis = find_chain(data)
    with disk_faults(chain):
        found = chain_stats(chain)
    facts = {
        "folder": str(chain),
        "height": found.height,
        "bytes": found.bytes,
        "free_bytes": found.free_bytes,
        "stopped_clean": found.is_clean,
        "format": found.format,
        "tables": [
            {"name": one.name, "entries": one.entries, "more": one.is_more, "bytes": one.bytes}
            for one in found.tables
        ],
        "damaged": [str(path) for path in found.damaged],
    }
    finish(facts, lambda: _show_stats(chain, found))


def _show_stats(chain: Path, found: "ChainStats") -> None:
    free = "?" if found.free_bytes is None else _size(found.free_bytes)
    print_text(
        t(
            "{folder}: height {height}, {size} on disk, {free} free, format {format}",
            folder=chain,
            height=found.height,
            size=_size(found.bytes),
            free=free,
            format=found.format,
        )
    )
    rows = [
        (one.name, f"{one.entries:,}{'+' if one.is_more else ''}", _size(one.bytes))
        for one in found.tables
    ]
    print_table((t("table"), t("entries"), t("bytes")), rows)
    for path in found.damaged:
        print_text(t("Left by a repair, and needed by nothing: {path}", path=path))


def _size(count: int) -> str:
    for unit, size in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
        if count >= size:
            return f"{count / size:.1f} {unit}"
    return f"{count} B"


def chain_of(data: Path | None) -> Path:
    """Return where the chain of a data folder is, whatever it began with."""
    from node.commands.run import find_config

    return find_config(None, data, {}).data_dir / "chain"


def find_chain(data: Path | None) -> tuple[Path, "Genesis"]:
    """Return the folder of the chain and its genesis, or say that there is none."""
    from node.commands.run import find_config, read_genesis
    from node.storage.folder import will_hold

    config = find_config(None, data, {})
    genesis, chain = read_genesis(config), config.data_dir / "chain"
    if not will_hold(chain):
        fail(t("{folder} holds no chain", folder=config.data_dir), EXIT_NOT_FOUND)
    return chain, genesis


def _at(chain: Path) -> dict[str, Any]:
    return {"folder": chain.parent}
