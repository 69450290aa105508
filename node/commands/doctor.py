"""`washnode doctor`: what can be wrong with a node and its machine, each with its fix."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from node.commands.common import command
from node.commands.output import EXIT_UNHEALTHY, finish, pad, print_text, talk
from node.commands.words import t

if TYPE_CHECKING:
    from node.commands.doctor_checks import Check


@command(node=True)
@click.option("--fix", is_flag=True, help="Mend what is safe to mend: who may read key files.")
def doctor(*, fix: bool) -> None:
    """Look after a node: the program, disk, keys, clock, votes, backups, and the node if it runs.

    Each check is green, or one line says what to do. Exit code 8 if one is red.
    """
    from node.commands.connect import DATA_DEFAULT, dev_folder, find_running
    from node.commands.doctor_checks import check_machine
    from node.commands.doctor_node import check_running, check_stopped

    data = talk().data or DATA_DEFAULT
    if talk().data is None and not data.is_dir() and find_running(dev_folder()):
        data = dev_folder()
    checks = check_machine(data, is_mended=fix)
    if talk().rpc or find_running(data) is not None:
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
