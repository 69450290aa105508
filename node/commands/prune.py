"""`washnode prune`: dropping the transactions of old blocks."""

from pathlib import Path

import click

from node.commands.common import command
from node.commands.db import DATA_OPTION, find_chain
from node.commands.output import EXIT_USAGE, confirm, fail, finish
from node.commands.progress import progress
from node.commands.words import t


@command()
@click.option(
    "--older-than",
    "age",
    required=True,
    metavar="TIME",
    help="How much older than the newest block, as 90d; at least a day.",
)
@click.option("--dry-run", is_flag=True, help="Tell what would be dropped, and drop nothing.")
@DATA_OPTION
def prune(*, age: str, dry_run: bool, data: Path | None) -> None:
    """Drop the transactions of old blocks of a stopped node, to free room.

    Headers, certificates, receipts and events stay, so balances, outcomes and proofs of receipts
    are as before; asking for such a transaction itself answers HISTORY_PRUNED. It can be had again
    only from a node that keeps all. The setting store.archive forbids it.
    """
    from node.commands.run import find_config
    from node.commands.values import need_duration
    from node.storage.ledger import ChainLedger
    from node.storage.plans import read_plans
    from node.storage.prune import AGE_MS_MIN, find_stop
    from node.storage.prune import prune as drop
    from node.storage.snapshots import SNAPSHOTS_NAME, SnapshotFolder

    age_ms = need_duration(age)
    if age_ms < AGE_MS_MIN:
        fail(t("{age} is less than a day", age=age), EXIT_USAGE, fix=t("write it like 90d"))
    if find_config(None, data, {}).store.archive:
        seen = t("this node keeps everything: store.archive is set")
        fail(seen, EXIT_USAGE, fix=t("take the setting out of config.toml if that is meant"))
    chain, genesis = find_chain(data)
    offered = SnapshotFolder(chain.parent / SNAPSHOTS_NAME).heights()
    ledger = ChainLedger(chain, genesis, plans=read_plans(chain.parent))
    try:
        store = ledger.store
        stop = find_stop(store, age_ms, offered)
        planned = drop(store, chain, stop, dry_run=True)
        if planned.blocks and not dry_run:
            confirm(
                t(
                    "Drop the transactions of {blocks} blocks below height {height}, {size} bytes?",
                    blocks=planned.blocks,
                    height=stop,
                    size=planned.body_bytes,
                )
            )
        with progress(t("Pruning")) as on_progress:
            done = planned if dry_run else drop(store, chain, stop, on_progress=on_progress)
    finally:
        ledger.close()
    facts = {
        "first_full_height": done.first_body,
        "blocks": done.blocks,
        "body_bytes": done.body_bytes,
        "freed_bytes": done.freed_bytes,
        "dry_run": dry_run,
    }
    finish(facts, _say(done.blocks, done.first_body, done.body_bytes, dry_run=dry_run))


def _say(blocks: int, height: int, size: int, *, dry_run: bool) -> str:
    if not blocks:
        return t("Nothing is old enough to be dropped.")
    if dry_run:
        return t(
            "{blocks} blocks below height {height} would lose their transactions, {size} bytes.",
            blocks=blocks,
            height=height,
            size=size,
        )
    return t(
        "{blocks} blocks below height {height} lost their transactions: {size} bytes are free.",
        blocks=blocks,
        height=height,
        size=size,
    )
