"""`washnode doctor`: what can be wrong with a node and its machine, each with its fix."""

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.commands.common import command
from node.commands.output import (
    EXIT_UNHEALTHY,
    EXIT_USAGE,
    fail,
    finish,
    pad,
    print_text,
    talk,
)
from node.commands.words import t

if TYPE_CHECKING:
    from node.commands.doctor_checks import Check
    from node.commands.doctor_machine import Mending


@command(node=True)
@click.option(
    "--fix",
    is_flag=True,
    help="Mend what is safe to mend: who may read keys, leftovers of stops, sleep on Windows.",
)
@click.option("--dry-run", is_flag=True, help="With --fix: tell what it would do, and do nothing.")
def doctor(*, fix: bool, dry_run: bool) -> None:
    """Look after a node: the program, machine, disk, keys, clock, votes, backups, and the node.

    Of a node that runs also its peers, what is not sent, and of a shop its prices, hours and
    prepaid money. Each check is green, or one line says what to do. Exit code 8 if one is red.
    """
    from node.commands.connect import DATA_DEFAULT, dev_folder, find_running
    from node.commands.doctor_node import check_running, check_stopped

    if dry_run and not fix:
        fail(t("--dry-run goes with --fix"), EXIT_USAGE)

    data = talk().data or DATA_DEFAULT
    if talk().data is None and not data.is_dir() and find_running(dev_folder()):
        data = dev_folder()
    is_running = find_running(data) is not None
    mending: Mending = "none" if not fix else "told" if dry_run else "done"
    checks = _check_machine(data, mending, is_running=is_running)
    if talk().rpc or is_running:
        checks += check_running(data)
    else:
        checks += check_stopped(data)
    worst = _worst(checks)
    facts = {
        "light": worst,
        "data": str(data),
        "checks": [
            {"name": one.name, "light": one.light, "text": one.text, "fix": one.fix or None}
            for one in checks
        ],
    }
    finish(facts, lambda: _show(checks), next_command=_following(data, worst))
    if worst == "red":
        sys.exit(EXIT_UNHEALTHY)


def _check_machine(data: Path, mending: "Mending", *, is_running: bool) -> "list[Check]":
    """Return the checks of the program, the machine and a data folder."""
    from node.commands import doctor_checks as checks
    from node.commands.doctor_machine import (
        check_files,
        check_leftovers,
        check_sleep,
        check_windows_rights,
    )

    found = [checks.check_program(), check_sleep(mending), checks.check_folder(data)]
    if not data.is_dir():
        return found
    found.append(checks.check_disk(data))
    if os.name == "posix":
        is_told = mending == "told"
        rights = checks.check_rights(data, is_mended=mending == "done")
        found.append(checks.would_mend(rights) if is_told else rights)
    else:
        found.append(check_windows_rights(data, mending))
    found += [checks.check_keys(data), checks.check_backup_age(data), check_files(data)]
    if not is_running:
        found.append(check_leftovers(data, mending))
    start = checks.check_start(data)
    return found if start is None else [*found, start]


def _worst(checks: "list[Check]") -> str:
    lights = {one.light for one in checks}
    return next((light for light in ("red", "yellow") if light in lights), "green")


def _following(data: Path, worst: str) -> str | None:
    return f"washnode doctor --data {data}" if worst == "red" else None


def _show(checks: "list[Check]") -> None:
    words = {"green": t("green"), "yellow": t("YELLOW"), "red": t("RED")}
    for one in checks:
        click.echo(click.style(pad(words[one.light], 7), fg=one.light), nl=False)
        print_text(f"{one.text}; {one.fix}" if one.fix else one.text)
