"""`washnode backup nightly`: a backup a day by itself, into a folder that is named once."""

from pathlib import Path

import click

from node.commands.backup import backup
from node.commands.db import DATA_OPTION
from node.commands.output import EXIT_NOT_FOUND, EXIT_USAGE, fail, finish
from node.commands.words import t


@backup.command()
@click.argument("target", type=click.Path(file_okay=False, path_type=Path), required=False)
@click.option("--off", is_flag=True, help="Make none by itself any more.")
@DATA_OPTION
def nightly(*, target: Path | None, off: bool, data: Path | None) -> None:
    """Let the node make a backup a day in TARGET, best on another disk, while the shop is closed.

    The newest seven are kept. Where the computer is off at night, it is made when it comes on. It
    counts from the node's next start on.
    """
    from node.commands.connect import CONFIG_NAME, DATA_DEFAULT, find_running
    from node.commands.run import find_config
    from node.files import put_whole
    from node.settings_text import with_setting

    folder = data or DATA_DEFAULT
    path = folder / CONFIG_NAME
    if (target is None) != off:
        fail(t("where to with the backups?"), EXIT_USAGE, fix=t("name a folder, or give --off"))
    if not path.is_file():
        seen = t("no node is set up in {folder}", folder=folder)
        fail(seen, EXIT_NOT_FOUND, fix=t("first: washnode setup"))
    if target is not None and not target.is_dir():
        seen = t("there is no {path}", path=target)
        fail(seen, EXIT_NOT_FOUND, fix=t("plug the disk in, or make the folder"))
    if target is not None and target.resolve().is_relative_to(folder.resolve()):
        seen = t("{path} lies in the folder that is to be saved", path=target)
        fail(seen, EXIT_USAGE, fix=t("take another disk"))
    place = "" if target is None else str(target.resolve())
    changed = with_setting(path.read_text("utf-8-sig"), "store", "backup_to", place)
    if changed is None:
        fix = t("write backup_to under [store] by hand")
        fail(t("the settings have a form of their own"), EXIT_USAGE, fix=fix)
    put_whole(path, changed, replace=True, is_private=True)
    told = find_config(None, folder, {}).store.backup_to
    text = t("A backup a day goes to {path}.", path=told) if told else t("No backup by itself.")
    following = "washnode stop; washnode start" if find_running(folder) else None
    finish({"backup_to": told or None, "data": str(folder)}, text, next_command=following)
