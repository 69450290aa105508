"""What opens a node's keys is changed for all of them at once, also where the power fails.

The keys, sealed anew, and the settings that say by what are written beside those in force, in
`keys/.resealing`. Renaming that folder to `keys/.resealed` is the moment at which the change
counts: before it nothing has changed, after it `settle` moves file by file into place, as often as
it is cut off, before anybody reads settings or keys. It needs no secret for that.
"""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from chain.crypto import PassphraseCost
from chain.ids import decode_id
from node.files import move_over, put_whole, sync_folder
from node.keys.errors import KeyFileError
from node.keys.file import (
    ACCOUNT_PREFIX,
    COST,
    KeyFile,
    Plain,
    make_key_file,
    open_key_file,
    read_key_file,
    write_key_file,
)
from node.keys.store import KeyStore
from node.settings_text import with_setting

KEYS_NAME, CONFIG_NAME = "keys", "config.toml"
_UNFINISHED, _DECIDED = ".resealing", ".resealed"


@dataclass(frozen=True, slots=True)
class Opener:
    """What opens keys: `[keys] unlock` as the settings say it, and the passphrase."""

    way: str
    secret: str


@dataclass(frozen=True, slots=True)
class Resealed:
    """What a change was about: names of keys, and of those that another passphrase opens."""

    names: tuple[str, ...]
    left_alone: tuple[str, ...]


def reseal(
    data: Path,
    needed: Mapping[str, str | None],
    secret: str | None,
    to: Opener,
    cost: PassphraseCost = COST,
) -> Resealed:
    """Seal a node's keys for another opener and say so in the settings: all of it or nothing.

    `needed` are the names of the keys that the node needs, with what opens them. Others of the
    folder that `secret`, the machine's own, opens go along, since it may not outlive the change.
    Raises KeyFileError, OSError; nothing has changed then.
    """
    settle(data)
    keys = data / KEYS_NAME
    for name in needed:
        _check_still(keys, name)
    unfinished = keys / _UNFINISHED
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    try:
        found = _write_beside(keys, needed, secret, to.secret, cost)
        text = with_unlock(_read_settings(data / CONFIG_NAME), to.way)
        put_whole(unfinished / CONFIG_NAME, text, is_private=True)
        sync_folder(unfinished)
        move_over(unfinished, keys / _DECIDED)
        sync_folder(keys)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    settle(data)
    return found


def _check_still(keys: Path, name: str) -> None:
    """Refuse a key that is not there, or that a rotation is changing."""
    KeyStore(keys).show(name)
    if (keys / f"{name}.new.json").exists():
        fault = f"key {name!r} is being rotated; finish that first: washnode key rotate {name}"
        raise KeyFileError(fault)


def _write_beside(
    keys: Path,
    needed: Mapping[str, str | None],
    secret: str | None,
    after: str,
    cost: PassphraseCost,
) -> Resealed:
    """Write all keys that go along into the unfinished folder; tell which do."""
    done, left = [], []
    for path in sorted(keys.glob("*.json")):
        name = path.stem
        if name in needed:
            file = read_key_file(path)
            seed = open_key_file(file, needed[name], f"key {name!r}")
        else:
            opened = None if secret is None else _open_another(path, secret)
            if opened is None:
                left.append(name)
                continue
            file, seed = opened
        made = make_key_file(seed, decode_id(file.account, ACCOUNT_PREFIX), after, cost)
        write_key_file(keys / _UNFINISHED / path.name, made)
        done.append(name)
    return Resealed(tuple(done), tuple(left))


def _open_another(path: Path, secret: str) -> tuple[KeyFile, bytes] | None:
    """Return a sealed key that the machine's secret opens, or None."""
    try:
        file = read_key_file(path)
        if isinstance(file.protection, Plain):
            return None
        return file, open_key_file(file, secret, path.stem)
    except KeyFileError:
        return None


def settle(data: Path) -> bool:
    """End a change that was decided; tells whether there was one. Raises OSError."""
    keys = data / KEYS_NAME
    decided = keys / _DECIDED
    if not decided.is_dir():
        return False
    for path in sorted(decided.glob("*.json")):
        move_over(path, keys / path.name)
    sync_folder(keys)
    settings = decided / CONFIG_NAME
    if settings.exists():  # the last one: until it is there, all of it is done again
        move_over(settings, data / CONFIG_NAME)
        sync_folder(data)
    shutil.rmtree(decided, ignore_errors=True)
    return True


def with_unlock(text: str, way: str) -> str:
    """Return settings that say `[keys] unlock = way`; all else, comments too, stays."""
    changed = with_setting(text, "keys", "unlock", way)
    if changed is None:
        fault = (
            f'the settings have a form of their own; write unlock = "{way}" under [keys] by hand'
        )
        raise KeyFileError(fault)
    return changed


def _read_settings(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except FileNotFoundError:
        return ""
    except UnicodeDecodeError as error:
        fault = f"{path}: not UTF-8 text"
        raise KeyFileError(fault) from error
