"""`washnode key`: make, show, back up, bring back and change keys.

The functions return what a command prints as a dictionary; the commands below only ask and print.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeAlias, TypeVar

import click

from chain.ids import decode_id, encode_id
from node.commands.common import group
from node.commands.key_guardian import guardian
from node.commands.key_unlock import unlock
from node.commands.output import finish, say, warn
from node.commands.passphrase import ask_passphrase
from node.commands.signing import Signing, sponsor_option
from node.commands.words import t
from node.keys.errors import KeyFileError, PhraseError
from node.keys.file import ACCOUNT_PREFIX
from node.keys.phrase import TEXT_LENGTH_MAX, Language, read_phrase, write_phrase
from node.keys.store import KeyInfo, KeyStore, Rotation
from node.places import default_data

KEYS_FOLDER = "keys"  # in the data folder
DATA_DEFAULT = default_data()
_COLUMNS = 4
_F = TypeVar("_F", bound=Callable[..., object])
Facts: TypeAlias = dict[str, Any]


class Client(Protocol):
    """What of the node's client a rotation needs."""

    def account(self, account: str) -> Mapping[str, Any]:
        """Return an account with its keys."""
        ...

    def simulate(self, actions: Sequence[Mapping[str, Any]]) -> object:
        """Try the actions without sending them; raises when they would be refused."""
        ...

    def send(self, actions: Sequence[Mapping[str, Any]]) -> object:
        """Sign, send and wait until the actions are final; raises when they are refused."""
        ...


def show_info(info: KeyInfo) -> Facts:
    """Return what anybody may know of a key."""
    return {
        "name": info.name,
        "account": info.account_text,
        "public_key": info.public_key.hex(),
        "is_sealed": info.is_sealed,
    }


def list_keys(store: KeyStore) -> Facts:
    """Return every key, and what is wrong with files that are none."""
    return {
        "keys": [show_info(info) for info in store.list()],
        "faults": [str(fault) for fault in store.faults()],
    }


def back_up_words(store: KeyStore, name: str, passphrase: str | None, language: Language) -> Facts:
    """Return the words of a key. The account belongs to them if the key is not its first."""
    words = write_phrase(store.export(name, passphrase), language)
    return {**show_info(store.show(name)), "words": words}


def restore_words(
    store: KeyStore,
    name: str,
    text: str,
    passphrase: str | None,
    *,
    language: Language | None = None,
    account: str | None = None,
) -> Facts:
    """Keep the key that a phrase tells; `account` as text if the key is not its first."""
    owner = None if account is None else decode_id(account, ACCOUNT_PREFIX)
    seed = read_phrase(text, language=language)
    return show_info(store.add(name, seed, passphrase, account=owner))


def rotate_key(
    store: KeyStore, name: str, passphrase: str | None, connect: Callable[[Rotation], Client]
) -> Facts:
    """Give the account a new key and take the old one away, in one transaction.

    The new key is on disk before and the old one after, so an interrupted rotation is finished by
    running it again. A new key that no chain can ever have heard of is dropped when it is refused.
    `connect` returns a client that signs with the rotation's old key.
    """
    rotation = store.begin_rotation(name, passphrase)
    is_unheard = rotation.is_fresh
    try:
        client = connect(rotation)
        actions = _rotation_actions(client, name, rotation)
        if actions:
            client.simulate(actions)
            is_unheard = False  # from here on its transaction may be on its way
            client.send(actions)
    except BaseException as error:
        # A receipt is the last word on a transaction. What an earlier run sent may still come.
        if is_unheard or (rotation.is_fresh and getattr(error, "final", None) is not None):
            store.drop_rotation(name)
        raise
    info, old_path = store.finish_rotation(name)
    return {**show_info(info), "old_file": str(old_path)}


def _rotation_actions(client: Client, name: str, rotation: Rotation) -> list[Facts]:
    """Return what is to be sent; nothing if the account has the new key already."""
    old, new = rotation.old.public_key.hex(), rotation.new.public_key.hex()
    account = encode_id(ACCOUNT_PREFIX, rotation.account)
    known = {entry["key"] for entry in client.account(account)["keys"]}
    if new in known:
        return []
    if old not in known:
        text = f"key {name!r} is no key of {account} any more; restore the one that is"
        raise KeyFileError(text)
    add: Facts = {"type": "add_key", "key": new, "scopes": None, "limits": [], "expires_at": None}
    return [add, {"type": "remove_key", "key": old}]


@dataclass(frozen=True, slots=True)
class _Rotating:
    """A session as a rotation sees it."""

    talk_to: Any
    rotation: Rotation
    sponsor: Any

    def _options(self) -> Facts:
        one = self.rotation
        return {"key": one.old, "account": one.account, "sponsor": self.sponsor}

    def account(self, account: str) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.talk_to.ask("account_get", account=account)
        return found

    def simulate(self, actions: Sequence[Mapping[str, Any]]) -> object:
        return self.talk_to.wash.simulate(actions, **self._options())

    def send(self, actions: Sequence[Mapping[str, Any]]) -> object:
        return self.talk_to.wash.send(actions, **self._options())


# ------------------------------------------------------------------------------------- commands


def _store_option(command: _F) -> _F:
    return click.option(
        "--data",
        "store",
        envvar=["WASH_DATA", "WASH_DATA_DIR"],
        default=str(DATA_DEFAULT),
        show_default=True,
        metavar="DIR",
        callback=lambda _context, _option, value: KeyStore(Path(value) / KEYS_FOLDER),
        help="The node's data folder.",
    )(command)


def _file_option(flag: str, name: str, text: str) -> Callable[[_F], _F]:
    kind = click.Path(dir_okay=False, path_type=Path)
    return click.option(flag, name, type=kind, metavar="FILE", help=text)


_passphrase_option = _file_option("--passphrase-file", "passphrase_file", "Has the passphrase.")
_plain_option = click.option(
    "--no-passphrase",
    "is_plain",
    is_flag=True,
    help="Write the key unsealed, for starts without a person. Whoever reads the file has the key.",
)


def _ask_new(file: Path | None, *, is_plain: bool) -> str | None:
    if is_plain and file is not None:
        text = t("give --no-passphrase or --passphrase-file, not both")
        raise click.UsageError(text)
    return None if is_plain else ask_passphrase(file, t("New passphrase"), is_new=True)


def _ask_for(store: KeyStore, name: str, file: Path | None) -> str | None:
    if not store.show(name).is_sealed:
        return None
    return ask_passphrase(file, t("Passphrase of {name}", name=name))


def _backup_command(name: str, store: KeyStore) -> str:
    folder = store.folder.parent
    return f"washnode key backup {name}" + ("" if folder == DATA_DEFAULT else f" --data {folder}")


def _is_in_use(folder: Path, name: str) -> bool:
    """Tell whether the node that runs in a folder has opened a key by this name."""
    from node.commands.connect import find_running
    from node.commands.key_unlock import names_in_use
    from node.commands.run import find_config

    return find_running(folder) is not None and name in names_in_use(find_config(None, folder, {}))


def _show(facts: Facts, next_command: str | None = None) -> None:
    def show() -> None:
        for label in ("name", "account", "public_key"):
            click.echo(f"{label.replace('_', ' '):<12}{facts[label]}")
        sealed = t("yes") if facts["is_sealed"] else t("NONE: keep the file safe")
        click.echo(f"{'passphrase':<12}{sealed}")

    finish(facts, show, next_command=next_command)


@group()
def key() -> None:
    """Make, back up and change keys."""


@key.command()
@click.argument("name")
@_store_option
@_passphrase_option
@_plain_option
def new(*, name: str, store: KeyStore, passphrase_file: Path | None, is_plain: bool) -> None:
    """Make a new key."""
    passphrase = _ask_new(passphrase_file, is_plain=is_plain)
    _show(show_info(store.create(name, passphrase)), _backup_command(name, store))


@key.command("list")
@_store_option
def list_command(*, store: KeyStore) -> None:
    """List the keys of this machine."""
    found = list_keys(store)

    def show() -> None:
        for facts in found["keys"]:
            click.echo(f"{facts['name']:<32} {facts['account']}")
        for fault in found["faults"]:
            warn(fault)

    if not found["keys"] and not found["faults"]:
        say(t("No keys yet."))
        finish(found, show, next_command="washnode key new NAME")
    else:
        finish(found, show)


@key.command()
@click.argument("name")
@_store_option
def show(*, name: str, store: KeyStore) -> None:
    """Show a key's account and public key."""
    _show(show_info(store.show(name)))


@key.command()
@click.argument("name")
@_store_option
@_passphrase_option
@_file_option("--out", "out", "Write a sealed copy there instead of printing words.")
@click.option("--lang", type=click.Choice(["en", "zh"]), default="en", help="Words' language.")
def backup(
    *, name: str, store: KeyStore, passphrase_file: Path | None, out: Path | None, lang: Language
) -> None:
    """Print a key's 24 recovery words, or write a sealed copy."""
    if out is not None:
        is_sealed = store.show(name).is_sealed
        prompt = t("Passphrase of {name}", name=name) if is_sealed else t("Passphrase for the copy")
        passphrase = ask_passphrase(passphrase_file, prompt, is_new=not is_sealed)
        info = store.back_up(name, passphrase, out)
        say(t("Written: {file}. Keep it off this machine.", file=out))
        finish({**show_info(info), "file": str(out)}, lambda: None)
        return
    facts = back_up_words(store, name, _ask_for(store, name, passphrase_file), lang)

    def show() -> None:
        words = [f"{number:>2} {word}" for number, word in enumerate(facts["words"], 1)]
        for start in range(0, len(words), _COLUMNS):
            click.echo("".join(f"{word:<14}" for word in words[start : start + _COLUMNS]).rstrip())

    finish(facts, show)
    say(t("Write the words on paper: whoever has them has the key."))
    say(t("They belong to account {account}.", account=facts["account"]))


@key.command()
@click.argument("name")
@_store_option
@_passphrase_option
@_plain_option
@_file_option("--words-file", "words_file", "Has the 24 words.")
@_file_option("--file", "backup_file", "A sealed copy that `key backup --out` wrote.")
@click.option("--lang", type=click.Choice(["en", "zh"]), help="Words' language, if unclear.")
@click.option("--account", metavar="ACCT", help="The account, if the key is not its first.")
def restore(
    *,
    name: str,
    store: KeyStore,
    passphrase_file: Path | None,
    is_plain: bool,
    words_file: Path | None,
    backup_file: Path | None,
    lang: Language | None,
    account: str | None,
) -> None:
    """Bring a key back from its 24 words or a sealed copy."""
    if backup_file is not None:
        if is_plain or words_file is not None or lang or account:
            text = t("--file goes with --passphrase-file alone: the copy says the rest")
            raise click.UsageError(text)
        passphrase = ask_passphrase(passphrase_file, t("Passphrase of the copy"))
        _show(show_info(store.restore(name, backup_file, passphrase)))
        return
    text = read_words(words_file)
    read_phrase(text, language=lang)  # a wrong word is told before a passphrase is asked
    new_passphrase = _ask_new(passphrase_file, is_plain=is_plain)
    _show(restore_words(store, name, text, new_passphrase, language=lang, account=account))


def read_words(path: Path | None) -> str:
    """Return the words of a phrase, from a file or from who types them."""
    if path is None:
        if not sys.stdin.isatty():
            text = t("nobody is there to type the words; give --words-file FILE or --file FILE")
            raise click.UsageError(text)
        typed: str = click.prompt(t("The 24 words"), err=True)
        return typed
    try:
        with path.open("rb") as file:
            return file.read(4 * TEXT_LENGTH_MAX).decode("utf-8-sig")
    except OSError as error:
        text = f"{path}: {error.strerror or error}"
        raise PhraseError(text) from error
    except UnicodeDecodeError as error:
        text = f"{path}: not UTF-8 text"
        raise PhraseError(text) from error


@key.command(node=True)
@click.argument("name")
@_passphrase_option
@sponsor_option
def rotate(*, name: str, passphrase_file: Path | None, sponsor: str | None) -> None:
    """Replace a key by a new one, on the chain and here. The account stays."""
    from node.commands.connect import data_folder, session

    store = KeyStore(data_folder() / KEYS_FOLDER)
    passphrase = _ask_for(store, name, passphrase_file)
    signing = Signing(name, None, sponsor, None)
    with session(signing.tier) as talk_to:
        payer = signing.payer(talk_to)
        facts = rotate_key(store, name, passphrase, lambda one: _Rotating(talk_to, one, payer))
    say(t("The old key lies in {file}.", file=facts["old_file"]))
    if _is_in_use(data_folder(), name):
        say(t("The node here still has the old key: washnode stop, then washnode start."))
    _show(facts, _backup_command(name, store))


@key.command()
@click.argument("name")
@_store_option
@_passphrase_option
@_plain_option
@_file_option("--new-passphrase-file", "new_file", "Has the new passphrase.")
def passphrase(
    *,
    name: str,
    store: KeyStore,
    passphrase_file: Path | None,
    is_plain: bool,
    new_file: Path | None,
) -> None:
    """Seal a key with another passphrase."""
    old = _ask_for(store, name, passphrase_file)
    store.unlock(name, old)  # a wrong one is told before a new one is asked
    _show(show_info(store.change_passphrase(name, old, _ask_new(new_file, is_plain=is_plain))))


key.add_command(unlock)
key.add_command(guardian)
