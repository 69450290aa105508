"""What a command says: results on standard output, talk on standard error, JSON when asked."""

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn
from unicodedata import east_asian_width

import click

from node.commands.words import lang, t
from node.terminal import escape_controls, speaks_unicode

EXIT_ERROR = 1
EXIT_USAGE = 2  # also: a person said no
EXIT_NOT_FOUND = 3
EXIT_KEY = 4
EXIT_UNREACHABLE = 5
EXIT_REJECTED = 6
EXIT_PENDING = 7
EXIT_UNHEALTHY = 8

_NAMES = {
    EXIT_ERROR: "ERROR",
    EXIT_USAGE: "USAGE",
    EXIT_NOT_FOUND: "NOT_FOUND",
    EXIT_KEY: "KEY",
    EXIT_UNREACHABLE: "NODE_UNREACHABLE",
    EXIT_REJECTED: "REJECTED",
    EXIT_PENDING: "STILL_PENDING",
    EXIT_UNHEALTHY: "UNHEALTHY",
}


@dataclass(slots=True)
class Talk:
    """How one run of a command talks, and which node it talks to."""

    as_json: bool = False
    quiet: bool = False
    yes: bool = False
    rpc: str | None = None
    data: Path | None = None
    token_file: Path | None = None


_TALK: ContextVar[Talk | None] = ContextVar("washnode_talk", default=None)


def talk() -> Talk:
    """Return how this run talks."""
    found = _TALK.get()
    return begin_talk() if found is None else found


def begin_talk(*, as_json: bool = False) -> Talk:
    """Begin a new run."""
    made = Talk(as_json=as_json)
    _TALK.set(made)
    return made


class CommandError(click.ClickException):
    """The end of a command: one line, and with `--json` one object, then an exit code.

    `fix` is what to do about it; `code`, `name` and `zh` are a node's where it was one that said
    no.
    """

    exit_code: int  # type: ignore[misc]  # one class stands for all ends

    def __init__(
        self,
        text: str,
        exit_code: int = EXIT_ERROR,
        *,
        fix: str = "",
        code: int | None = None,
        name: str | None = None,
        zh: str = "",
    ) -> None:
        super().__init__(text)
        self.exit_code, self.fix, self.zh = exit_code, fix, zh
        self.code, self.name = code, name or _NAMES.get(exit_code, "ERROR")

    def as_json(self) -> dict[str, Any]:
        """Return what a program is told."""
        said = {
            "code": self.code,
            "name": self.name,
            "message": self.message,
            "zh": self.zh or None,
            "fix": self.fix or None,
            "exit_code": self.exit_code,
        }
        return {"error": said}

    def show(self, file: object = None) -> None:  # noqa: ARG002 - it decides where by itself
        """Say it: the line on standard error, with `--json` the object on standard output."""
        if talk().as_json:
            print_json(self.as_json())
        text = self.message.rstrip(".")
        if self.zh and lang() == "zh":
            text = f"{self.zh} ({text})"
        if self.fix:
            text = f"{text} {self.fix}" if text.endswith("?") else f"{text}; {self.fix}"
        click.echo(f"washnode: {escape_controls(text)}", err=True)


def fail(text: str, exit_code: int = EXIT_ERROR, *, fix: str = "") -> NoReturn:
    """End the command with one line, the fix after a semicolon."""
    raise CommandError(text, exit_code, fix=fix)


def say(text: str) -> None:
    """Tell a person something by the way; programs and `--quiet` do not hear it."""
    if not talk().quiet and not talk().as_json:
        click.echo(escape_controls(text), err=True)


def warn(text: str) -> None:
    """Tell something that matters on standard error, also with `--quiet`."""
    click.echo(f"washnode: {escape_controls(text)}", err=True)


def finish(
    facts: Mapping[str, Any],
    show: Callable[[], None] | str | None = None,
    *,
    next_command: str | None = None,
) -> None:
    """Print a result: the facts as JSON, or what `show` prints or is; then the next command."""
    if talk().as_json:
        print_json({**facts, "next": next_command} if next_command else dict(facts))
        return
    if isinstance(show, str):
        print_text(show)
    elif show is not None:
        show()
    else:
        print_facts(facts)
    if next_command:
        say(t("Next: {command}", command=next_command))


def print_json(value: object) -> None:
    """Print one JSON value: on one line for programs, indented for a terminal."""
    indent = 2 if sys.stdout.isatty() else None
    ascii_only = not speaks_unicode(sys.stdout)
    text = json.dumps(value, ensure_ascii=ascii_only, indent=indent, default=str)
    click.echo("\n".join(escape_controls(line) for line in text.split("\n")))


def print_text(text: str) -> None:
    """Print one line of which others may have written a part: they can not begin another."""
    click.echo(escape_controls(text))


def print_lines(text: str) -> None:
    """Print a text of several lines, all of them this program's own."""
    for line in text.split("\n"):
        print_text(line)


def print_facts(facts: Mapping[str, Any]) -> None:
    """Print facts as a list of names and values."""
    shown = [(name.replace("_", " "), plain(value)) for name, value in facts.items()]
    width = max((width_of(name) for name, _ in shown), default=0)
    for name, value in shown:
        print_text(f"{pad(name, width)}  {value}".rstrip())


def width_of(text: str) -> int:
    """Return the columns that a text takes on a terminal: a Chinese character takes two."""
    return sum(2 if east_asian_width(one) in "WF" else 1 for one in text)


def pad(text: str, width: int) -> str:
    """Return a text with spaces behind it, so that it takes `width` columns."""
    return text + " " * (width - width_of(text))


def plain(value: object) -> str:
    """Return a value of JSON as a person reads it."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return t("yes") if value else t("no")
    if isinstance(value, Mapping) and "amount" in value:
        return show_money(value)
    if isinstance(value, Mapping | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def show_money(money: Mapping[str, Any]) -> str:
    """Return an amount as people write it: 12.34 CNY. The demo's and most assets have cents."""
    amount, currency = money.get("amount"), money.get("currency")
    if type(amount) is not int:
        return str(amount)
    sign, cents = ("-" if amount < 0 else ""), abs(amount)
    return f"{sign}{cents // 100:,}.{cents % 100:02d} {currency or ''}".rstrip()


def print_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table: ruled on a terminal, plain columns for a pipe."""
    cells = [[escape_controls(plain(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        widths = [max(map(width_of, column)) for column in zip(columns, *cells, strict=True)]
        for row in (columns, *cells):
            line = "  ".join(pad(cell, width) for cell, width in zip(row, widths, strict=True))
            click.echo(line.rstrip())
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns)
    for row in cells:
        table.add_row(*map(Text, row))
    Console().print(table)


def is_terminal() -> bool:
    """Tell whether a person is there to answer."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str) -> None:
    """Go on if a person says yes, or `--yes` did; else end the command."""
    if talk().yes:
        return
    if not is_terminal():
        fail(question, EXIT_USAGE, fix=t("nobody is there to ask: give --yes"))
    if not click.confirm(escape_controls(question), err=True):
        fail(t("cancelled"), EXIT_USAGE, fix=t("nothing was changed"))
