"""Every text that the commands can say: what a translation must have."""

import ast
from collections.abc import Iterator
from inspect import cleandoc
from pathlib import Path

import click

import node.commands
from node.cli import TABLE, main
from node.commands.words import fold

FOLDER = Path(node.commands.__file__).parent


def calls_of_t(path: Path) -> Iterator[ast.Call]:
    """Yield every call of `t` in a file."""
    for one in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(one, ast.Call) and ast.unparse(one.func) == "t":
            yield one


def said_texts(path: Path) -> Iterator[str]:
    """Yield the texts that a file says."""
    for call in calls_of_t(path):
        if isinstance(call.args[0], ast.Constant):
            yield fold(str(call.args[0].value))


def spoken_variables(path: Path) -> Iterator[str]:
    """Yield the places where a text is no literal: nobody could look it up."""
    for call in calls_of_t(path):
        if not isinstance(call.args[0], ast.Constant):
            yield f"{path.name}:{call.lineno}"


def help_texts(command: click.Command) -> Iterator[str]:
    """Yield the help of a command, its options and its subcommands."""
    if command.help:
        yield fold(cleandoc(command.help))
    for param in command.params:
        text = getattr(param, "help", None)
        if text:
            yield fold(cleandoc(text))
    if isinstance(command, click.Group):
        for inner in command.commands.values():
            yield from help_texts(inner)


def all_texts() -> set[str]:
    """Return all that is said, in English."""
    found = {text for path in FOLDER.glob("*.py") for text in said_texts(path)}
    main.load_all()
    found |= set(help_texts(main))
    for theme, rows in TABLE.items():
        found |= {theme, *(row[3] for row in rows)}
    return found | {"Show this and stop."}
