"""`washnode db migrate` and `db export`: data of earlier formats, and of earlier rules."""

from pathlib import Path

import click

from node.commands.db import DATA_OPTION, db, find_chain
from node.commands.output import EXIT_NOT_FOUND, confirm, fail, finish
from node.commands.progress import progress
from node.commands.words import t


@db.command()
@DATA_OPTION
@click.option("--back", is_flag=True, help="Put the files of the format before in their place.")
def migrate(*, data: Path | None, back: bool) -> None:
    """Bring a stopped node's data to the format of this program; a start does it by itself.

    The files of before are kept beside the new ones as chain.format-N: the way back to the program
    of before is --back. Remove them when you need it no more. An interrupted migration begins anew.
    """
    from chain.store_format import FORMAT
    from node.storage.disk import disk_faults
    from node.storage.folder import held
    from node.storage.migrate import migrate_if_older

    if back:
        _go_back(data)
        return
    chain, genesis = find_chain(data)
    with disk_faults(chain), held(chain), progress(t("Migrating")) as on_progress:
        kept = migrate_if_older(chain, genesis, on_progress)
    facts = {"format": FORMAT, "kept": None if kept is None else str(kept)}
    if kept is None:
        finish(facts, t("The data has format {format} already.", format=FORMAT))
        return
    text = t("The data has format {format} now. The files of before: {kept}", **facts)
    finish(facts, text, next_command=f"washnode run --data {chain.parent}")


def _go_back(data: Path | None) -> None:
    from node.commands.db import chain_of
    from node.storage.disk import disk_faults
    from node.storage.folder import held, read_height
    from node.storage.migrate import go_back, kept_before

    chain = chain_of(data)
    kept = kept_before(chain)
    if kept is None:
        fail(t("beside {folder} no files of an earlier format are kept", folder=chain))
    number, _path, height = kept
    reached = read_height(chain)
    if height is not None and reached is not None and reached > height:
        question = t(
            "Go back to format {format}, {blocks} blocks before? Peers give them again; a node "
            "without peers loses them.",
            format=number,
            blocks=reached - height,
        )
        confirm(question)
    with disk_faults(chain), held(chain):
        number, aside = go_back(chain)
    facts = {"format": number, "kept": str(aside)}
    text = t("The data has format {format} again. Today's files: {kept}", **facts)
    finish(facts, text)


@db.command()
@DATA_OPTION
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="The new file, JSON lines.",
)
@click.option("--state", is_flag=True, help="All values of the newest state as well.")
def export(*, data: Path | None, out: Path, state: bool) -> None:
    """Write every block with its receipts into one file, of whatever format and rules it is.

    Works without knowing the rules: of chains that this program does not run, too. A line for each
    block, values in the order in which docs/protocol.md lists them, bytes in hex.
    """
    from node.commands.db import chain_of
    from node.storage.disk import disk_faults
    from node.storage.folder import will_hold
    from node.storage.raw_export import export_raw

    chain = chain_of(data)
    if not will_hold(chain):
        fail(t("{folder} holds no chain", folder=chain.parent), EXIT_NOT_FOUND)
    if out.exists():
        confirm(t("Replace {path}?", path=out))
    count = 0
    with (
        disk_faults(chain),
        progress(t("Writing")) as on_progress,
        out.open("w", encoding="utf-8", newline="\n") as file,
    ):
        for line in export_raw(chain, with_state=state, on_progress=on_progress):
            file.write(line)
            count += 1
    facts = {"path": str(out), "lines": count, "bytes": out.stat().st_size}
    finish(facts, t("{path}: {lines} lines", path=out, lines=count))
