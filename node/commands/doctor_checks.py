"""The checks of `washnode doctor` that need no node: the program, the data folder, its files."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Literal

from chain.errors import WashError
from node.commands.words import t

Light = Literal["green", "yellow", "red"]
PYTHON_MIN = (3, 11)
WHEELS = ("chain.leveldb", "nacl", "msgpack", "aiohttp", "pydantic", "click", "rich")
FREE_BYTES_MIN = 1024**3
_PRIVATE = ("keys", "tokens.json")
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_SYNCED = ("onedrive", "dropbox", "google drive", "icloud", "nutstore")


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `fix` is what to do about it unless it is green."""

    name: str
    light: Light
    text: str
    fix: str = ""


def check_program() -> Check:
    """Look whether the program has what it needs to run."""
    if sys.version_info < PYTHON_MIN:
        wanted = ".".join(map(str, PYTHON_MIN))
        seen = t("Python {found} runs this program", found=sys.version.split()[0])
        return Check("program", "red", seen, t("install Python {wanted} or later", wanted=wanted))
    missing = [name for name in WHEELS if not _can_import(name)]
    if missing:
        seen = t("missing or broken: {names}", names=", ".join(missing))
        return Check("program", "red", seen, t("install the program again: pip install washnode"))
    return Check("program", "green", t("Python and all libraries are there"))


def _can_import(name: str) -> bool:
    try:
        import_module(name)
    except Exception:  # noqa: BLE001 - a library for another machine fails in its own ways
        return False
    return True


def check_folder(data: Path) -> Check:
    """Look whether the data folder is there, can be written, and is left alone by others."""
    place = str(data.absolute())
    if not data.is_dir():
        seen = t("there is no folder {folder}", folder=data)
        fix = t("make a chain: washnode init {folder}", folder=data)
        return Check("folder", "red", seen, fix)
    if not os.access(data, os.W_OK | os.X_OK):
        seen = t("{folder} can not be written", folder=data)
        return Check("folder", "red", seen, t("give this user the right to write there"))
    if any(name in place.lower() for name in _SYNCED):
        seen = t("{folder} is in a folder that is synchronised with a cloud", folder=data)
        return Check("folder", "red", seen, t("stop the node and move the folder elsewhere"))
    if sys.platform == "win32" and not place.isascii():
        seen = t("{folder} has letters that the database may not find", folder=data)
        return Check("folder", "yellow", seen, t("use a folder with plain letters only"))
    return Check("folder", "green", t("{folder} can be written", folder=data))


def check_disk(data: Path) -> Check:
    """Look whether there is room for blocks."""
    from node.storage.disk import free_bytes

    free = free_bytes(data)
    if free is None:
        seen = t("nobody can tell how much room {folder} has", folder=data)
        return Check("disk", "yellow", seen, t("look at the disk"))
    if free < FREE_BYTES_MIN:
        seen = t("{count} bytes are free on the disk", count=free)
        fix = t("make room, at least {count} bytes; see washnode prune", count=FREE_BYTES_MIN)
        return Check("disk", "red", seen, fix)
    return Check("disk", "green", t("{count} GB are free on the disk", count=free // 10**9))


def check_rights(data: Path, *, is_mended: bool) -> Check:
    """Look whether others of this machine can read keys and tokens; take that away if asked to."""
    mended: list[str] = []
    for path in _private_paths(data):
        mode = path.lstat().st_mode
        if not mode & _OTHERS or stat.S_ISLNK(mode):
            continue
        name = path.relative_to(data).as_posix()
        if not is_mended:
            seen = t("others of this machine can read {name}", name=name)
            fix = t("washnode doctor --fix takes that right away")
            return Check("rights", "red", seen, fix)
        path.chmod(0o700 if path.is_dir() else 0o600)
        mended.append(name)
    if mended:
        return Check("rights", "green", t("for you alone now: {names}", names=", ".join(mended)))
    return Check("rights", "green", t("keys and tokens are for you alone"))


def would_mend(rights: Check) -> Check:
    """Return the check of rights as a trial of --fix tells it."""
    if rights.light == "green":
        return rights
    seen = t("--fix would take that right away: {what}", what=rights.text)
    return replace(rights, text=seen, fix=t("leave --dry-run out"))


def _private_paths(data: Path) -> Iterator[Path]:
    for name in _PRIVATE:
        path = data / name
        if path.exists():
            yield path
        if path.is_dir():
            yield from sorted(path.iterdir())


def check_keys(data: Path) -> Check:
    """Look whether all key files can be used."""
    from node.keys.errors import KeyFileError
    from node.keys.store import KeyStore

    if not (data / "keys").is_dir():
        return Check("keys", "green", t("there are no keys here"))
    try:
        faults = KeyStore(data / "keys").faults()
        count = len(KeyStore(data / "keys").list())
    except KeyFileError as error:
        faults, count = (error,), 0
    if faults:
        fix = t("bring the key back: washnode key restore")
        return Check("keys", "red", str(faults[0]), fix)
    return Check("keys", "green", t("{count} keys can be used", count=count))


def check_start(data: Path) -> Check | None:
    """Look whether a shop's node starts by itself; None of a folder that is no shop's."""
    from node.commands.service import find_installed, is_shop

    if not is_shop(data):
        return None
    if find_installed(data) is not None:
        return Check("start", "green", t("the node starts by itself"))
    seen = t("nobody starts the node after this computer was off")
    return Check("start", "yellow", seen, "washnode service install")


def check_backup_age(data: Path) -> Check:
    """Look when the folder was last backed up; the first backup has a week from the first start."""
    from node.commands.backup import show_age
    from node.live.clock import read_wall_ms
    from node.storage.backup import backup_due_ms, last_backup

    fix = t("washnode backup create TARGET --data {folder}, best onto another disk", folder=data)
    last, due_ms, now_ms = last_backup(data), backup_due_ms(data), read_wall_ms()
    is_overdue = due_ms is not None and now_ms > due_ms
    by_itself = _nightly(data)
    if last is None and by_itself and not is_overdue:
        seen = t(
            "no backup yet; the first one is made once the shop is closed, into {path}",
            path=by_itself,
        )
        return Check("backup", "yellow", seen, fix)
    if not by_itself:
        nightly = t(
            "for a backup a day by itself: washnode backup nightly TARGET --data {folder}",
            folder=data,
        )
        fix = f"{fix}; {nightly}"
    if last is None:
        return _first_backup(due_ms, fix, is_overdue=is_overdue)
    age = show_age(max(0, now_ms - last.made_at_ms))
    if is_overdue:
        return Check("backup", "red", t("the last backup was made {age} ago", age=age), fix)
    if not Path(last.target).is_dir():
        seen = t("the last backup is not at {path} any more", path=last.target)
        return Check("backup", "yellow", seen, t("plug that disk in and test it, or make another"))
    return Check("backup", "green", t("the last backup was made {age} ago", age=age))


def _nightly(data: Path) -> str:
    """Return the folder of backups that the node makes by itself; empty where there is none."""
    from node.commands.run import find_config

    with suppress(WashError):  # of settings that no node can start with; another check tells it
        return find_config(None, data, {}).store.backup_to
    return ""


def _first_backup(due_ms: int | None, fix: str, *, is_overdue: bool) -> Check:
    if due_ms is None:
        return Check("backup", "yellow", t("no backup yet: no node ran here so far"), fix)
    day = datetime.fromtimestamp(due_ms // 1_000, tz=UTC).astimezone().date().isoformat()
    if is_overdue:
        return Check(
            "backup", "red", t("no backup was ever made; it was due by {day}", day=day), fix
        )
    return Check(
        "backup", "yellow", t("no backup yet; the first one is due by {day}", day=day), fix
    )
