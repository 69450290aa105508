"""Which node a command talks to, with which token, and who signs."""

import json
import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, TypeAlias

from node.client import Identity, NotFound, Wash
from node.commands.output import EXIT_KEY, EXIT_NOT_FOUND, EXIT_USAGE, CommandError, fail, talk
from node.commands.words import t
from node.places import default_data
from node.storage.folder import is_held

URL_DEFAULT = "http://127.0.0.1:8787"
DATA_DEFAULT = default_data()
RUNNING_NAME, TOKENS_NAME, KEYS_NAME = "node.json", "tokens.json", "keys"
CHAIN_NAME, CONFIG_NAME = "chain", "config.toml"
TOKEN_VARIABLE = "WASH_TOKEN"  # noqa: S105 - the name of a variable
_FILE_BYTES_MAX = 4_096

Tier: TypeAlias = Literal["public", "shop", "admin"]


def dev_folder() -> Path:
    """Return where `washnode dev` keeps its chain unless told otherwise."""
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
        return Path(base) / "washnode-dev"
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "washnode-dev"
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "washnode-dev"


def data_folder() -> Path:
    """Return the data folder that is meant: where keys are looked for."""
    return talk().data or DATA_DEFAULT


@dataclass(frozen=True, slots=True)
class Running:
    """A node that runs on this machine, as its data folder tells."""

    url: str
    pid: int
    folder: Path


def find_running(folder: Path) -> Running | None:
    """Return the node that runs in a folder, or None."""
    try:
        with (folder / RUNNING_NAME).open("rb") as file:
            facts = json.loads(file.read(_FILE_BYTES_MAX))
        found = Running(str(facts["url"]), int(facts["pid"]), folder)
    except (OSError, ValueError, TypeError, KeyError):
        return None
    # After a power cut the file is still there, and its number may be another program's by now:
    # only who holds the chain is a node.
    return found if is_alive(found.pid) and is_held(folder / CHAIN_NAME) else None


def is_alive(pid: int) -> bool:
    """Tell whether a process runs. Windows has no harmless way to ask: it is taken to run."""
    if sys.platform == "win32":
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    try:
        # A process that ended and that its parent has not asked about yet still has its number.
        return Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()[0] != b"Z"
    except (OSError, IndexError):
        return True


def find_node() -> tuple[str, Path | None]:
    """Return the address of the node that is meant, and its folder if it runs on this machine."""
    chosen = talk().data
    if talk().rpc:
        given = str(talk().rpc).rstrip("/")
        url = given if "://" in given else f"http://{given}"
        # The tokens of a folder are for its own node: no other address is shown them.
        here = None if chosen is None else find_running(chosen)
        return url, here.folder if here is not None and here.url == url else None
    for folder in (chosen,) if chosen else (DATA_DEFAULT, dev_folder()):
        running = find_running(folder)
        if running is not None:
            return running.url, folder
    return URL_DEFAULT, None  # whoever answers there is not known to be the folder's node


def read_token(path: Path, tier: Tier) -> str:
    """Return the token of a tokens.json for a tier, or the one token that a file holds."""
    try:
        with path.open("rb") as file:
            text = file.read(_FILE_BYTES_MAX).decode("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(t("{path} can not be read: {error}", path=path, error=error)) from error
    if not text.startswith("{"):
        return text
    try:
        return str(json.loads(text)[tier])
    except (ValueError, KeyError) as error:
        seen = t("{path} holds no {tier} token", path=path, tier=tier)
        raise CommandError(seen, EXIT_KEY) from error


def find_token(folder: Path | None, tier: Tier) -> str | None:
    """Return the token for a tier: a named file's, WASH_TOKEN, or that of a node of this machine.

    A public method is called without any: who needs no token shows none.
    """
    if tier == "public":
        return None
    file = talk().token_file
    if file is not None:
        return read_token(file, tier)
    if os.environ.get(TOKEN_VARIABLE):
        return os.environ[TOKEN_VARIABLE]
    if folder is not None and (folder / TOKENS_NAME).is_file():
        return read_token(folder / TOKENS_NAME, tier)
    return None


class Session:
    """One command's talk with one node."""

    def __init__(self, url: str, folder: Path | None, wash: Wash) -> None:
        self.url, self.folder, self.wash = url, folder, wash

    def ask(self, method: str, **params: Any) -> Any:
        """Return a method's answer, without the place at which it was read."""
        answer = self.wash.rpc(method, **params)
        if isinstance(answer, dict) and answer.keys() == {"at", "data"}:
            return answer["data"]
        return answer

    @cached_property
    def is_dev(self) -> bool:
        """Whether the chain is a development chain, whose people's keys are public."""
        return bool(self.ask("node_info").get("is_dev"))

    def now_ms(self) -> int:
        """Return the node's clock, which on a development chain may be far ahead."""
        return int(self.ask("node_health")["time_ms"])

    def decimals(self, asset: str | None) -> int | None:
        """Return an asset's decimals, None if they are not known."""
        if asset is None:
            return None
        try:
            found = self.ask("asset_get", asset=asset).get("decimals")
        except NotFound:
            return None
        return found if type(found) is int else None

    def find_account(self, name: str) -> str | None:
        """Return the id of an account given as such, as a key's name, or as one of the demo."""
        if name.startswith(("acct1", "ctr1")):
            return name
        from node.keys.errors import KeyFileError
        from node.keys.store import KeyStore

        try:
            return KeyStore(data_folder() / KEYS_NAME).show(name).account_text
        except KeyFileError:
            demo = self._demo_identity(name)
        if demo is None:
            return None
        from node.client.accounts import show_account

        return show_account(demo.account)

    def need_account(self, name: str) -> str:
        """Return the id of an account, or end the command."""
        found = self.find_account(name)
        if found is None:
            fix = t("give acct1..., or the name of a key: washnode key list")
            fail(t("no account {name!r} is known here", name=name), EXIT_NOT_FOUND, fix=fix)
        return found

    def identity(
        self, owner: str | None, key: str | None, passphrase_file: Path | None
    ) -> Identity:
        """Return who signs: `key` by name, for `owner` if that is another account.

        Without both it is the only key of this machine.
        """
        name = key or self._key_of(owner) or self._only_key()
        found = self._stored_identity(name, passphrase_file) or self._demo_identity(name)
        if found is None:
            folder = data_folder() / KEYS_NAME
            seen = t("no key {name!r} in {folder}", name=name, folder=folder)
            fail(seen, EXIT_KEY, fix=t("see washnode key list, or name the folder with --data"))
        if key and owner:
            from node.client.accounts import read_account

            return Identity(read_account(self.need_account(owner)), found.signer)
        return found

    def _key_of(self, owner: str | None) -> str | None:
        """Return the name of the key of an account that is given by its id; names as they are."""
        if owner is None or not owner.startswith("acct1"):
            return owner
        from node.keys.store import KeyStore

        for info in KeyStore(data_folder() / KEYS_NAME).list():
            if info.account_text == owner:
                return info.name
        return owner

    def _only_key(self) -> str:
        from node.keys.store import KeyStore

        names = [one.name for one in KeyStore(data_folder() / KEYS_NAME).list()]
        if len(names) == 1:
            return names[0]
        known = ", ".join(names) or t("none")
        demo = t("; on a development chain also alice and the others") if self.is_dev else ""
        fix = t("give --from NAME; keys here: {known}{demo}", known=known, demo=demo)
        raise CommandError(t("who signs?"), EXIT_USAGE, fix=fix)

    def _stored_identity(self, name: str, passphrase_file: Path | None) -> Identity | None:
        from node.keys.store import KeyStore

        store = KeyStore(data_folder() / KEYS_NAME)
        if not os.path.lexists(store.folder / f"{name}.json"):
            return None
        from node.commands.passphrase import ask_for_key

        machine = machine_secret(data_folder(), name)
        info = store.show(name)
        signer = store.unlock(name, ask_for_key(info, passphrase_file, machine))
        return Identity(info.account, signer)

    def _demo_identity(self, name: str) -> Identity | None:
        if not self.is_dev:
            return None
        from node.client.accounts import show_account
        from node.demo.accounts import ACCOUNTS, signer_of

        for one in ACCOUNTS:
            if name in {one.name, show_account(one.account)}:
                return Identity(one.account, signer_of(one.name))
        return None


def machine_secret(folder: Path, name: str) -> Callable[[], str] | None:
    """Return what tells the secret of a key that the settings let open by itself, or None."""
    from node.config import load_config
    from node.keys.resealing import settle
    from node.keys.unattended import find_secret

    path = folder / CONFIG_NAME
    settle(folder)
    if not path.is_file():
        return None
    keys = load_config(path, environment=os.environ).keys
    way = keys.unlock
    if way == "ask" or name not in {keys.validator, keys.sponsor, keys.admitter}:
        return None
    return lambda: find_secret(way, folder)


def make_client(url: str, token: str | None, timeout_s: float) -> Wash:
    """Return a client; tests put their own here."""
    return Wash(url, token=token, timeout_s=timeout_s)


@contextmanager
def session(tier: Tier = "public", *, timeout_s: float = 30.0) -> Iterator[Session]:
    """Talk to the node that is meant; the token is the one that a tier needs, if it is here."""
    url, folder = find_node()
    with make_client(url, find_token(folder, tier), timeout_s) as wash:
        yield Session(url, folder, wash)
