"""`washnode logs`: what the node of this computer tells of itself, from its data folder."""

import json
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from node.commands.common import command, data_option
from node.commands.output import EXIT_NOT_FOUND, fail, print_json, print_text, say, talk
from node.commands.words import t

if TYPE_CHECKING:
    from node.log_files import LogReader

PAUSE_S = 0.3
LINES_MAX = 100_000
_LEVELS = ("debug", "info", "warning", "error", "critical")
_HEAD = ("time", "level", "logger", "text", "trace")


@command(params=[data_option()])
@click.option(
    "-n",
    "--lines",
    "count",
    type=click.IntRange(0, LINES_MAX),
    default=50,
    show_default=True,
    help="How many of the last lines.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what comes; Ctrl-C ends.")
@click.option(
    "--level",
    type=click.Choice(_LEVELS[:4]),
    default="debug",
    help="Only what is at least so bad.",
)
def logs(*, count: int, follow: bool, level: str) -> None:
    """Show the log of the node of this computer, the newest lines last.

    Times are UTC. The log is kept in the data folder in a few files that take turns; the oldest
    lines go first.
    """
    from node.log_files import LogReader, has_log

    folder = _folder()
    if not has_log(folder):
        fix = t("start the node: washnode start; or name its folder with --data")
        fail(t("there is no log in {folder}", folder=folder), EXIT_NOT_FOUND, fix=fix)
    reader = LogReader(folder)
    least = _LEVELS.index(level)
    with suppress(KeyboardInterrupt):  # how a person ends it
        last = list(reader.last(count))
        if not last and count:
            say(t("the log in {folder} has no lines yet", folder=folder))
        for line in last:
            _print(line, least)
        for line in _coming(reader) if follow else ():
            _print(line, least)


def _folder() -> Path:
    """Return the data folder that is meant; without one named, that of a node that runs."""
    from node.commands.connect import DATA_DEFAULT, find_node

    if talk().data is not None:
        return talk().data or DATA_DEFAULT
    return find_node()[1] or DATA_DEFAULT


def _coming(reader: "LogReader") -> Iterator[str]:
    while True:
        yield from reader.more()
        time.sleep(PAUSE_S)


def _print(line: str, least: int) -> None:
    facts = _read(line)
    level = facts.get("level")
    if level in _LEVELS and _LEVELS.index(level) < least:
        return
    if talk().as_json:
        print_json(facts)
        return
    if "text" not in facts or "time" not in facts:
        print_text(line)
        return
    shown = " ".join(f"{name}={value}" for name, value in facts.items() if name not in _HEAD)
    at = str(facts["time"]).replace("T", " ")[:19]
    print_text(f"{at} {level or '-'!s:8} {facts['text']} {shown}".rstrip())
    for one in str(facts.get("trace") or "").splitlines():
        print_text(f"    {one}")


def _read(line: str) -> dict[str, Any]:
    """Return the facts of a line; of one that is damaged, the text that it is."""
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else {"text": line}
