"""Where a passphrase comes from: a file, the environment or a person, never the command line.

What stands on a command line is seen by every user of the machine and kept by the shell.
"""

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import click

from node.commands.output import EXIT_KEY, fail
from node.commands.words import t
from node.keys.errors import KeyFileError
from node.keys.file import PASSPHRASE_BYTES_MAX
from node.keys.store import KeyInfo

TEXT_VARIABLE = "WASH_PASSPHRASE"
FILE_VARIABLE = "WASH_PASSPHRASE_FILE"
NEW_LENGTH_MIN = 8  # of a new one; keys with shorter ones open as ever


def read_passphrase_file(path: Path) -> str:
    """Return the passphrase in a file: its text without the line's end."""
    try:
        with path.open("rb") as file:
            data = file.read(PASSPHRASE_BYTES_MAX + 3)  # and a line's end
        text = data.decode("utf-8-sig")
    except OSError as error:
        fault = f"passphrase file {path}: {error.strerror or error}"
        raise KeyFileError(fault) from error
    except UnicodeDecodeError as error:
        fault = f"passphrase file {path}: not UTF-8 text"
        raise KeyFileError(fault) from error
    return text.removesuffix("\n").removesuffix("\r")


def take_passphrase(
    file: Path | None,
    environment: Mapping[str, str],
    *,
    prompt: str,
    is_terminal: bool,
    is_new: bool = False,
) -> str:
    """Return a passphrase from the file that was named, the environment, or the person there.

    Raises click.UsageError when there is neither: a command without a terminal must not wait. A
    new one that is too short ends the command; a person is asked again.
    """
    given = _given(file, environment)
    if given is not None:
        if is_new and len(given) < NEW_LENGTH_MIN:
            fix = t("take a longer one: whoever has the file can try millions of short ones")
            fail(_say_short(given), EXIT_KEY, fix=fix)
        return given
    if is_terminal:
        return _ask_twice(prompt) if is_new else _ask(prompt)
    how = f"--passphrase-file FILE, {FILE_VARIABLE} or {TEXT_VARIABLE}"
    text = t("a passphrase is needed and nobody is there to ask; give {how}", how=how)
    raise click.UsageError(text)


def _given(file: Path | None, environment: Mapping[str, str]) -> str | None:
    if file is not None:
        return read_passphrase_file(file)
    if TEXT_VARIABLE in environment:
        return environment[TEXT_VARIABLE]
    if FILE_VARIABLE in environment:
        return read_passphrase_file(Path(environment[FILE_VARIABLE]))
    return None


def _say_short(passphrase: str) -> str:
    return t(
        "a new passphrase has at least {least} characters, this one has {count}",
        least=NEW_LENGTH_MIN,
        count=len(passphrase),
    )


def _ask(prompt: str) -> str:
    asked: str = click.prompt(prompt, hide_input=True, err=True)
    return asked


def _ask_twice(prompt: str) -> str:
    while True:
        asked = _ask(prompt)
        if len(asked) < NEW_LENGTH_MIN:
            click.echo(f"{_say_short(asked)}.", err=True)
            continue
        if _ask(t("Once more")) == asked:
            return asked
        click.echo(t("The two differ; type it again."), err=True)


def ask_passphrase(file: Path | None, prompt: str, *, is_new: bool = False) -> str:
    """Return a passphrase for this run of a command; see `take_passphrase`."""
    is_terminal = sys.stdin.isatty() and sys.stderr.isatty()
    return take_passphrase(file, os.environ, prompt=prompt, is_terminal=is_terminal, is_new=is_new)


def ask_for_key(
    info: KeyInfo, file: Path | None, machine: Callable[[], str] | None = None
) -> str | None:
    """Return the passphrase of a key, None for one without.

    `machine` tells the secret of this machine, where there is one; what was given wins over it.
    """
    if not info.is_sealed:
        return None
    if machine is not None and _given(file, os.environ) is None:
        return machine()
    return ask_passphrase(file, t("Passphrase of {name}", name=info.name))
