"""`washnode key unlock`: what opens a node's keys at a start is changed, there and back."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from node.commands.common import command, data_option
from node.commands.output import EXIT_KEY, EXIT_NOT_FOUND, EXIT_USAGE, fail, finish, say
from node.commands.words import t
from node.keys.unattended import Way

if TYPE_CHECKING:
    from node.config import Config

_VARIABLE = "WASH_KEYS_UNLOCK"
_FILE = click.Path(dir_okay=False, path_type=Path)


@command(params=[data_option()])
@click.argument("way", type=click.Choice(["ask", "keyring", "file"]), required=False)
@click.option("--passphrase-file", type=_FILE, metavar="FILE", help="Has the passphrase.")
@click.option("--new-passphrase-file", type=_FILE, metavar="FILE", help="Has the new passphrase.")
def unlock(
    *, way: str | None, passphrase_file: Path | None, new_passphrase_file: Path | None
) -> None:
    """Change what opens the node's keys at a start: a person, the system's keyring, or a file.

    Its keys are sealed anew and the settings say so, all at once: a power cut leaves it as it was,
    or as it shall be. A node that runs goes on, and starts the new way from the next time on.
    Without a WAY it tells what opens them now.
    """
    from node.commands.connect import data_folder
    from node.keys.unattended import forget_secret

    folder = data_folder()
    config = _settings(folder)
    now, names = config.keys.unlock, names_in_use(config)
    if way is None or way == now:
        finish({"unlock": now, "keys": names}, lambda: tell_trade_off(now))
        return
    _check_service(folder, way)
    found = _change(config, way, names, passphrase_file, new_passphrase_file)
    if now != "ask":
        forget_secret(now, folder)
    tell_trade_off(way)
    say(t("Backups of before open by what opened the keys then: make a new one."))
    facts = {"unlock": way, "before": now, "keys": found, "folder": str(folder)}
    following = "washnode backup create TARGET" if way == "ask" else "washnode service install"
    finish(facts, t("Sealed anew: {names}", names=", ".join(found)), next_command=following)


def tell_trade_off(way: str) -> None:
    """Tell in one sentence what a way of opening keys gives, and what it costs."""
    if way == "keyring":
        say(
            t("The system's keyring opens the keys: nobody gets them from a stolen disk, and the "
              "node starts once you have signed in.")
        )  # fmt: skip
    elif way == "file":
        say(
            t("A file for this user only opens the keys: the node starts with the computer, and "
              "whoever can read all files of this user has them.")
        )  # fmt: skip
    else:
        say(
            t("A passphrase opens the keys: nobody gets them from this computer, and the node "
              "starts only while somebody is there to type it.")
        )  # fmt: skip


def _settings(folder: Path) -> "Config":
    from node.commands.run import find_config
    from node.joining.plan import read_plan

    config = find_config(None, folder, {})
    if config.data_dir.resolve() != folder.resolve() or not (folder / "keys").is_dir():
        fail(t("there are no keys of a node in {folder}", folder=folder), EXIT_NOT_FOUND)
    if _VARIABLE in os.environ:
        seen = t("{variable} says what opens the keys", variable=_VARIABLE)
        fail(seen, EXIT_USAGE, fix=t("take it away: the settings file will say it"))
    plan = read_plan(folder)
    if plan is not None and not plan.trading:
        fail(t("the shop is not in its network yet"), EXIT_USAGE, fix=t("first: washnode join"))
    return config


def names_in_use(config: "Config") -> list[str]:
    """Return the names of the keys that the node needs at a start."""
    keys = config.keys
    return sorted({one for one in (keys.validator, keys.sponsor, keys.admitter) if one})


def _check_service(folder: Path, way: str) -> None:
    """End the command if a service of the system could not start the node any more."""
    from node.commands.service import find_installed

    found = find_installed(folder)
    if found is None or (way == "keyring" and not found.for_all) or way == "file":
        return
    again = "washnode service remove" + (" --system" if found.for_all else "")
    if way == "keyring":
        seen = t("the keyring opens only for a user who has signed in")
    else:
        seen = t("the keys ask for a passphrase, and nobody will be there")
    fail(seen, EXIT_KEY, fix=t("take the service away first: {command}", command=again))


def _change(
    config: "Config", way: str, names: list[str], old_file: Path | None, new_file: Path | None
) -> list[str]:
    """Seal all keys anew; return the names of those."""
    from node.commands.connect import KEYS_NAME
    from node.commands.passphrase import ask_for_key, ask_passphrase
    from node.keys.resealing import Opener, reseal
    from node.keys.store import KeyStore
    from node.keys.unattended import find_secret, keep_secret

    folder, now = config.data_dir, config.keys.unlock
    store = KeyStore(folder / KEYS_NAME)
    secret = None if now == "ask" else find_secret(now, folder)
    machine = None if now == "ask" else lambda: find_secret(now, folder)
    needed: dict[str, str | None] = {}
    for name in names:
        given = ask_for_key(store.show(name), old_file, machine)
        store.unlock(name, given)  # a wrong one is told before a new one is asked
        needed[name] = given
    if way == "ask":
        after = ask_passphrase(new_file, t("New passphrase"), is_new=True)
    else:
        after = keep_secret(cast("Way", way), folder)
    return list(reseal(folder, needed, secret, Opener(way, after), store.cost).names)
