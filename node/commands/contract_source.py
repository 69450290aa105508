"""What the contract commands share: sources that compile or end the command at the right line."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import click

from node.commands.output import EXIT_NOT_FOUND, EXIT_USAGE, CommandError, fail, talk
from node.commands.words import t
from node.terminal import escape_controls

SOURCE_SUFFIX, CONTAINER_SUFFIX = ".wash", ".container"
_F = TypeVar("_F", bound=Callable[..., object])


class SourceError(CommandError):
    """A source that does not compile: the place, then the line with a mark under the column."""

    def __init__(self, error: Any, lines: Sequence[str]) -> None:
        super().__init__(str(error), name="BAD_SOURCE")
        self.place = {"file": error.filename, "line": error.line, "column": error.column}
        text = lines[error.line - 1] if error.line <= len(lines) else ""
        before = "".join(" " if letter != "\t" else "\t" for letter in text[: error.column - 1])
        self.snippet = f"{text}\n{before}^" if text.strip() else ""

    def as_json(self) -> dict[str, Any]:
        """Return what a program is told: the place too."""
        said = super().as_json()
        said["error"] |= self.place
        return said

    def show(self, file: object = None) -> None:
        """Say it."""
        super().show(file)
        if self.snippet and not talk().as_json:
            for line in self.snippet.split("\n"):
                click.echo(escape_controls(line), err=True)


@contextmanager
def pointing_at(path: Path) -> Iterator[None]:
    """Turn a compiler's refusal into an error that shows the line."""
    from contracts.lang.errors import ContractSyntaxError

    try:
        yield
    except ContractSyntaxError as error:
        named = Path(error.filename)
        source = named if named.is_file() else path
        lines = source.read_text("utf-8-sig", errors="replace").splitlines()
        raise SourceError(error, lines) from error


def build_source(path: Path) -> Any:
    """Return a compiled and verified source, or end the command."""
    from node.workbench.built import build_file

    if not path.is_file():
        fail(t("{path} is no file", path=path), EXIT_NOT_FOUND)
    with pointing_at(path):
        return build_file(path)


def read_pairs(option: str, words: Sequence[str]) -> dict[str, str]:
    """Return the names and values of an option that is given as NAME=VALUE, or end the command."""
    found: dict[str, str] = {}
    for word in words:
        name, sign, value = word.partition("=")
        if not sign or not name or not value or name in found:
            seen = t("{option} {word!r} is not like name=value", option=option, word=word[:60])
            fail(seen, EXIT_USAGE)
        found[name] = value
    return found


def binding_options(command: _F) -> _F:
    """Give a command the options that bind a contract's assets and links, and its arguments."""
    for option in (
        click.option(
            "--arg",
            "arguments",
            multiple=True,
            metavar="NAME=VALUE",
            help="An argument of the deployment.",
        ),
        click.option(
            "--link",
            "links",
            multiple=True,
            metavar="NAME=CONTRACT",
            help="The contract behind a link of the code.",
        ),
        click.option(
            "--asset",
            "assets",
            multiple=True,
            metavar="NAME=SYMBOL",
            help="The asset behind a name in the code.",
        ),
    ):
        command = option(command)
    return command


def read_typed(reader: Any, codec: Any, function: Any, words: Sequence[str]) -> dict[str, Any]:
    """Return a function's arguments from words, all of them, or end the command."""
    params = () if function is None else function.params
    schemas = {name: codec.schema(kind) for name, kind in params}
    what = "init" if function is None else function.name
    values: dict[str, Any] = reader.read(words, schemas, what)
    missing = [name for name in schemas if name not in values]
    if missing:
        from node.commands.values import say_missing

        fail(say_missing(missing), EXIT_USAGE, fix=t("write name=value"))
    return values
