"""`washnode service`: the node starts by itself with the computer, and again after a failure."""

import getpass
import os
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path, PosixPath, PurePath
from typing import TYPE_CHECKING, Any

import click

from node.commands.common import command, data_option, group
from node.commands.output import (
    EXIT_KEY,
    EXIT_NOT_FOUND,
    EXIT_USAGE,
    CommandError,
    fail,
    finish,
    say,
)
from node.commands.words import t

if TYPE_CHECKING:
    from node.config import Config
    from node.service_files import Machine, Service, Wanted

_HANDED_ON = ("PYTHONPATH", "PYTHONUTF8", "WASH_CONFIG")  # of a program that is not installed
_NAME = "washnode"


@group()
def service() -> None:
    """Let the node start by itself with the computer, and again after a failure.

    Linux has systemd for it, macOS launchd, Windows the Task Scheduler. Without --system it is the
    service of this user and needs no administrator.
    """


def _options(command: Any) -> Any:
    for option in (
        click.option(
            "--name",
            default=_NAME,
            show_default=True,
            help="Its name, where there are several.",
        ),
        click.option(
            "--system", "for_all", is_flag=True, help="A service of the machine; needs its owner."
        ),
    ):
        command = option(command)
    return command


@service.command(params=[data_option()])
@_options
@click.option("--print", "only_print", is_flag=True, help="Show the file and change nothing.")
def install(*, name: str, for_all: bool, only_print: bool) -> None:
    """Install the service and start the node in it."""
    from node.commands.connect import data_folder

    folder = data_folder().resolve()
    config = _config(folder)
    _check_keys(config, for_all=for_all)
    lingers = config.keys.unlock != "keyring"
    made = _make(name, folder, for_all=for_all, lingers=lingers)
    if only_print:
        click.echo(_text_of(made.content))
        return
    _put_into_force(made, folder)
    facts = {"file": str(made.file), "name": name, "system": for_all}
    following = "washnode open" if is_shop(folder) else "washnode service status"
    finish(facts, t("Installed: {file}", file=made.file), next_command=following)


def is_shop(folder: Path) -> bool:
    """Tell whether a shop was set up in a folder."""
    from node.joining.plan import PLAN_NAME

    return (folder / PLAN_NAME).is_file()


def _put_into_force(made: "Service", folder: Path) -> None:
    """Install a service and let it start the node; where that fails all is as it was before."""
    from node.commands.background import ensure_running
    from node.commands.connect import find_running

    was_there, was_running = Path(made.file).exists(), find_running(folder) is not None
    if was_there:  # an earlier one, which some managers do not replace
        _run(made.remove[0], may_fail=True)
    _write(made)
    try:
        for words in made.install:
            _run(words)
        _stop_running(folder)
        _run(made.start)
    except CommandError as error:
        _run(made.remove[0], may_fail=True)
        Path(made.file).unlink(missing_ok=True)
        if was_running:
            ensure_running(folder)
        fix = t("nothing is installed; sign in at this computer itself, or take --system")
        raise CommandError(error.message, error.exit_code, fix=fix) from error


@service.command(params=[data_option()])
@_options
def remove(*, name: str, for_all: bool) -> None:
    """Stop the service and take it away; the data stays."""
    from node.commands.connect import data_folder

    made = _make(name, data_folder().resolve(), for_all=for_all, lingers=False)
    path = Path(made.file)
    if not path.exists():
        fail(t("{file} is not there", file=path), EXIT_NOT_FOUND)
    _run(made.remove[0], may_fail=True)  # it may have been taken away by hand
    path.unlink()
    for words in made.remove[1:]:
        _run(words, may_fail=True)
    finish({"removed": str(path)}, t("Removed: {file}", file=path))


@service.command(params=[data_option()])
@_options
def status(*, name: str, for_all: bool) -> None:
    """Tell whether the service is installed and whether the node runs."""
    from node.commands.connect import data_folder, find_running

    folder = data_folder().resolve()
    made = _make(name, folder, for_all=for_all, lingers=False)
    is_installed = Path(made.file).exists()
    says = _ask(made.status) if is_installed else ""
    running = find_running(folder)
    facts = {
        "installed": is_installed,
        "file": str(made.file),
        "manager": says.splitlines()[0] if says else None,
        "runs": running is not None,
        "url": None if running is None else running.url,
    }
    following = None if is_installed else "washnode service install"
    if is_installed and running is None:
        following = "washnode start"
    finish(facts, lambda: _show(facts), next_command=following)


def _show(facts: dict[str, Any]) -> None:
    from node.commands.output import print_facts

    names = {
        "installed": t("installed"),
        "file": t("file"),
        "manager": t("service manager"),
        "runs": t("runs"),
        "url": t("address"),
    }
    print_facts({names[name]: value for name, value in facts.items()})


@command(params=[data_option()])
def start() -> None:
    """Start the node of this computer, by its service where one is installed.

    It goes on when this command is over; washnode stop stops it.
    """
    from node.commands.background import await_running, ensure_running
    from node.commands.connect import data_folder, find_running

    folder = data_folder().resolve()
    config = _config(folder)
    running = find_running(folder)
    if running is None:
        found = find_installed(folder)
        _check_keys(config, for_all=found is not None and found.for_all)
        if found is None:
            running = ensure_running(folder)
        else:
            _run(_make(_NAME, folder, for_all=found.for_all, lingers=False).start)
            running = await_running(folder)
    facts = {"url": running.url, "pid": running.pid, "data": str(folder)}
    shown = t("Runs: {url}", url=running.url)
    finish(facts, shown, next_command="washnode status")


@dataclass(frozen=True, slots=True)
class Installed:
    """The service that starts the node of a folder; `for_all`: with the machine."""

    file: Path
    for_all: bool


def find_installed(folder: Path) -> Installed | None:
    """Return the service of the usual name that starts the node of a folder, or None."""
    place = folder.resolve()
    for for_all in (True, False):
        try:
            made = _make(_NAME, place, for_all=for_all, lingers=False)
        except CommandError:
            return None  # a system without one that is known here
        file = Path(made.file)
        text = _text_of(file.read_bytes()) if file.is_file() else ""
        if str(place) in text:  # Windows keeps both kinds under one name
            is_task = file.suffix == ".xml"
            return Installed(file, "<BootTrigger" in text if is_task else for_all)
    return None


def _config(folder: Path) -> "Config":
    from node.commands.connect import CONFIG_NAME
    from node.commands.run import find_config

    if not (folder / CONFIG_NAME).is_file():
        seen = t("no node is set up in {folder}", folder=folder)
        fail(seen, EXIT_NOT_FOUND, fix=t("first: washnode setup"))
    return find_config(None, folder, {})


def _check_keys(config: "Config", *, for_all: bool) -> None:
    """End the command if a start without a person would ask for a passphrase."""
    from node.commands.connect import KEYS_NAME
    from node.keys.store import KeyStore

    keys = config.keys
    if keys.unlock == "keyring" and for_all:
        seen = t("the keyring opens only for a user who has signed in")
        fail(seen, EXIT_KEY, fix=t("leave --system out, or take a file: washnode key unlock file"))
    store = KeyStore(config.data_dir / KEYS_NAME)
    names = [one for one in (keys.validator, keys.sponsor, keys.admitter) if one]
    if keys.unlock == "ask" and any(store.show(one).is_sealed for one in names):
        seen = t("the keys ask for a passphrase, and nobody will be there")
        fail(seen, EXIT_KEY, fix=t("let them open by themselves: washnode key unlock file"))


def machine_here() -> "Machine":
    """Return this machine; tests put others here."""
    from node.service_files import Machine

    home = Path.home()
    return Machine(sys.platform, home, getpass.getuser(), home.stat().st_uid)


def _machine(folder: PurePath, *, for_all: bool) -> "Machine":
    """Return this machine; its own service runs as who has the data, not as who may install it."""
    machine = machine_here()
    if for_all and isinstance(folder, PosixPath) and folder.is_dir():
        return replace(machine, user=folder.owner())
    return machine


def _make(name: str, folder: PurePath, *, for_all: bool, lingers: bool) -> "Service":
    from node.service_files import make_service

    try:
        return make_service(
            _machine(folder, for_all=for_all),
            wanted(name, folder, for_all=for_all, lingers=lingers),
        )
    except ValueError as error:
        seen = t("no service manager is known for {system}", system=sys.platform)
        raise CommandError(seen, EXIT_USAGE) from error


def wanted(name: str, folder: PurePath, *, for_all: bool, lingers: bool) -> "Wanted":
    """Return what the service shall run: this very program, on a folder."""
    from node.commands.background import node_command
    from node.service_files import Wanted

    if not name or not set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-"):
        fail(t("a service's name has a-z, 0-9 and -"), EXIT_USAGE)
    environment = {one: os.environ[one] for one in _HANDED_ON if one in os.environ}
    words = node_command(Path(folder))
    return Wanted(name, words, folder, for_all, lingers, environment)


def _text_of(content: bytes) -> str:
    is_wide = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    return content.decode("utf-16" if is_wide else "utf-8")


def _stop_running(folder: Path) -> None:
    """Stop a node that was started by hand: a chain has one user."""
    from node.commands.background import stop_running
    from node.commands.connect import find_running

    running = find_running(folder)
    if running is not None:
        say(t("Stopping {url}; the service starts it again.", url=running.url))
        stop_running(running)


def _write(made: "Service") -> None:
    from node.files import put_whole

    path = Path(made.file)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".xml":  # UTF-16, which is no text to put_whole
            path.write_bytes(made.content)
        else:
            put_whole(path, made.content.decode(), replace=True)
    except OSError as error:
        seen = t("{file} can not be written: {error}", file=path, error=error.strerror or error)
        raise CommandError(seen, fix=t("with --system it takes the machine's owner")) from error


def _run(words: tuple[str, ...], *, may_fail: bool = False) -> None:
    shown = " ".join(words)
    try:
        done = subprocess.run(  # noqa: S603 - the system's own tools
            words, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError as error:
        if may_fail:
            return
        seen = t("{command} can not be run: {error}", command=shown, error=error)
        raise CommandError(seen, EXIT_NOT_FOUND) from error
    if done.returncode and not may_fail:
        told = " ".join((done.stderr or done.stdout).split())[:300]
        raise CommandError(t("{command} failed: {error}", command=shown, error=told))


def _ask(words: tuple[str, ...]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - the system's own tools
            words, capture_output=True, text=True, errors="replace", check=False
        )
    except OSError:
        return ""
    return (done.stdout or done.stderr).strip()
