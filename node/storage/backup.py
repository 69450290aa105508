"""Backups: a copy of what a node can not do without, with the digest of every file.

    backup.json     what it is of, when it was made, SHA-256 of every other file
    chain/          the chain as it was between two blocks
    genesis.json, config.toml, recovery/, abis/, keys/      keys only as they are sealed on disk

The vote log is not in it: an older one would let a validator contradict itself. Tokens are not
either; a start makes new ones. Nor is the vault with customers' sealed details and their wrapped
keys, nor the letters: what was erased must not come back. The second node that keeps the details
is their backup.
"""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from chain.errors import WashError
from chain.genesis import Genesis, parse_genesis
from chain.state import State
from chain.store import Store
from chain.tables import THROW_AWAY
from chain.validators import ValidatorSet, read_validators
from node.files import move_over
from node.keys.store import KeyStore
from node.storage.check import check_store
from node.storage.copying import CopiedHead, head_of_store
from node.storage.disk import disk_faults
from node.storage.folder import held, link_files, sync_file, sync_folder
from node.storage.recovery import check_values
from node.storage.seal import file_digests

MANIFEST_NAME = "backup.json"
LAST_NAME = "last-backup.json"  # in the data folder: when it was backed up
MANIFEST_BYTES_MAX = 16 * 1024 * 1024
FILE_BYTES_MAX = 64 * 1024 * 1024  # of what is not the chain's
BACKUP_AGE_MS_MAX = 7 * 86_400_000
_MADE_AT_START = "tokens.json"  # by the first start; no backup has it, so none brings it back
_FILES = ("config.toml",)
_FOLDERS = {"recovery": "*.json", "abis": "*.json"}
_PREFIX = "washnode-"
_Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
_Natural = Annotated[int, Field(ge=0, le=2**53 - 1)]


class BackupError(WashError):
    """A backup that can not be made, or that is not what it says."""

    code = 7007


class BackupManifest(BaseModel):
    """What a backup is: `files` are relative paths with their SHA-256; times are ms UTC."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    version: Annotated[int, Field(ge=1, le=1)] = 1
    chain_id: _Hash
    chain_name: Annotated[str, Field(max_length=64)]
    height: _Natural
    head_id: _Hash
    head_time_ms: _Natural
    made_at_ms: _Natural
    program: Annotated[str, Field(max_length=64)]
    files: dict[str, _Hash]

    def text(self) -> str:
        """Return the one text that says this."""
        return json.dumps(self.model_dump(), sort_keys=True, indent=1) + "\n"


@dataclass(frozen=True, slots=True)
class Made:
    """A backup that was made; `unsealed` are keys left out because no passphrase protects them."""

    folder: Path
    manifest: BackupManifest
    unsealed: tuple[str, ...]


# Making -----------------------------------------------------------------------------------------


def create_backup(
    data: Path,
    genesis_path: Path,
    target: Path,
    copy_chain: Callable[[Path], CopiedHead],
    *,
    now_ms: int,
    program: str,
) -> Made:
    """Make a backup of a data folder as a new folder in `target`, whole or not at all.

    `copy_chain` fills the folder that it is given, which is not there yet, with the chain. Raises
    BackupError, StoreError.
    """
    unfinished = target / ".washnode-unfinished"
    with disk_faults(target):
        target.mkdir(parents=True, exist_ok=True)
    with disk_faults(target), held(unfinished):
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        try:
            head = copy_chain(unfinished / "chain")
            genesis = _copy_genesis(genesis_path, unfinished, head)
            unsealed = _copy_files(data, unfinished)
            manifest = BackupManifest(
                chain_id=head.chain_id.hex(),
                chain_name=genesis.name,
                height=head.height,
                head_id=head.head_id.hex(),
                head_time_ms=head.head_time_ms,
                made_at_ms=now_ms,
                program=program,
                files=file_digests(unfinished),
            )
            place = _find_place(target, manifest)
            _write(unfinished / MANIFEST_NAME, manifest.text().encode())
            for path in sorted(unfinished.rglob("*")):
                (sync_folder if path.is_dir() else sync_file)(path)
            move_over(unfinished, place)
            sync_folder(target)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    return Made(place, manifest, unsealed)


def _copy_genesis(source: Path, unfinished: Path, head: CopiedHead) -> Genesis:
    shutil.copyfile(source, unfinished / "genesis.json")
    genesis = parse_genesis((unfinished / "genesis.json").read_bytes())
    if genesis.chain_id() != head.chain_id:
        _refuse(f"{source} is of another chain than the blocks")
    return genesis


def _copy_files(data: Path, unfinished: Path) -> tuple[str, ...]:
    """Copy what belongs to a node beside its chain; return the names of keys left out."""
    for name in _FILES:
        if (data / name).is_file():
            shutil.copyfile(data / name, unfinished / name)
    for name, pattern in _FOLDERS.items():
        found = sorted((data / name).glob(pattern))
        if found:
            (unfinished / name).mkdir()
        for path in found:
            shutil.copyfile(path, unfinished / name / path.name)
    keys, unsealed = data / "keys", []
    if not keys.is_dir():
        return ()
    (unfinished / "keys").mkdir(mode=0o700)
    for info in KeyStore(keys).list():
        if info.is_sealed:
            copied = unfinished / "keys" / f"{info.name}.json"
            shutil.copyfile(keys / copied.name, copied)
            copied.chmod(0o600)
        else:
            unsealed.append(info.name)
    return tuple(unsealed)


def _find_place(target: Path, manifest: BackupManifest) -> Path:
    name = f"{_PREFIX}{manifest.chain_id[:8]}-{manifest.height:012}"
    place, number = target / name, 1
    while place.exists():
        number += 1
        place = target / f"{name}-{number}"
    return place


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)
    sync_file(path)


# Remembering ------------------------------------------------------------------------------------


class LastBackup(BaseModel):
    """When a data folder was backed up, to which height, where to."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)
    made_at_ms: _Natural
    height: _Natural
    target: Annotated[str, Field(max_length=4_096)]


def note_backup(data: Path, made: Made) -> None:
    """Remember in a data folder that it was backed up."""
    said = LastBackup(
        made_at_ms=made.manifest.made_at_ms,
        height=made.manifest.height,
        target=str(made.folder.absolute()),
    )
    fresh = data / (LAST_NAME + ".new")
    with disk_faults(data):
        _write(fresh, (said.model_dump_json() + "\n").encode())
        move_over(fresh, data / LAST_NAME)


def last_backup(data: Path) -> LastBackup | None:
    """Return when a data folder was backed up, None if that is not known."""
    try:
        with (data / LAST_NAME).open("rb") as file:
            return LastBackup.model_validate_json(file.read(MANIFEST_BYTES_MAX))
    except (OSError, ValidationError):
        return None


def backup_due_ms(data: Path) -> int | None:
    """Return when a data folder must be backed up at the latest; None if no node ran in it yet.

    That is a week after the last backup, and for the first one a week after the first start.
    """
    last = last_backup(data)
    if last is not None:
        return last.made_at_ms + BACKUP_AGE_MS_MAX
    try:
        begun_ns = (data / _MADE_AT_START).stat().st_mtime_ns
    except OSError:
        return None
    return begun_ns // 1_000_000 + BACKUP_AGE_MS_MAX


# Testing ----------------------------------------------------------------------------------------


def find_backup(target: Path) -> Path:
    """Return the folder of a backup: `target` itself, or the newest of those in it."""
    if (target / MANIFEST_NAME).is_file():
        return target
    with disk_faults(target):
        found = [path.parent for path in _manifests(target)]
    times: list[tuple[int, Path]] = []
    for folder in found:
        with suppress(BackupError):
            times.append((read_manifest(folder).made_at_ms, folder))
    if not times:
        _refuse(f"{target} holds no backup that can be read")
    return max(times)[1]


def _manifests(target: Path) -> Iterator[Path]:
    return target.glob(f"{_PREFIX}*/{MANIFEST_NAME}")


def read_manifest(folder: Path) -> BackupManifest:
    """Return what a backup says of itself, or raise BackupError."""
    path = folder / MANIFEST_NAME
    try:
        with path.open("rb") as file:
            data = file.read(MANIFEST_BYTES_MAX + 1)
        manifest = BackupManifest.model_validate_json(data)
    except OSError as error:
        _refuse(f"{path}: {error.strerror or error}")
    except ValidationError as error:
        _refuse(f"{path}: {error.errors()[0]['msg']}")
    if manifest.text().encode() != data:
        _refuse(f"{path} is not as it was written")
    return manifest


@dataclass(frozen=True, slots=True)
class Tested:
    """A backup that is good: what it is of, and who decides the block after its newest."""

    manifest: BackupManifest
    genesis: Genesis
    validators: ValidatorSet
    keeps_all: bool


def check_backup(folder: Path, temporary: Path) -> Tested:
    """Check every byte of a backup, and its chain opened as `temporary/chain`.

    The digest of every file, the checksums of every table, ids, certificates and receipts of the
    newest blocks, and the state's root made anew from all values. Nothing in the backup is changed.
    Raises BackupError.
    """
    manifest = read_manifest(folder)
    found = _digests(folder)
    broken = sorted(
        name for name in {*found, *manifest.files} if found.get(name) != manifest.files.get(name)
    )
    if broken:
        _refuse(f"{folder} is not as it was made: {', '.join(broken[:4])}")
    try:
        genesis = parse_genesis((folder / "genesis.json").read_bytes())
        link_files(folder / "chain", temporary / "chain")
        with closing(Store(str(temporary / "chain"), THROW_AWAY, create=False)) as store:
            check_store(store, manifest.height, is_scanned=True)
            head, keeps_all = head_of_store(store), store.keeps_all
            validators = read_validators(State(store))
            check_values(store, store.header(head.height))
    except (OSError, WashError) as error:
        _refuse(f"{folder}: {error}")
    seen = (head.chain_id.hex(), head.height, head.head_id.hex(), head.head_time_ms)
    said = (manifest.chain_id, manifest.height, manifest.head_id, manifest.head_time_ms)
    if seen != said or genesis.chain_id() != head.chain_id:
        _refuse(f"{folder} holds another chain or height than its {MANIFEST_NAME} says")
    return Tested(manifest, genesis, validators, keeps_all)


def _digests(folder: Path) -> dict[str, str]:
    try:
        found = file_digests(folder)
    except OSError as error:
        _refuse(f"{folder}: {error.strerror or error}")
    found.pop(MANIFEST_NAME, None)
    return found


# Restoring --------------------------------------------------------------------------------------


def check_empty(data: Path) -> None:
    """Raise BackupError unless a data folder may be made here: there is none, or an empty one."""
    if (
        data.is_symlink()
        or (data.exists() and not data.is_dir())
        or (data.is_dir() and any(data.iterdir()))
    ):
        _refuse(f"{data} is not an empty folder; nothing is ever written over")


def put_back(
    folder: Path, manifest: BackupManifest, data: Path, finish: Callable[[Path], None]
) -> None:
    """Copy a backup whose check gave `manifest` to an empty data folder, whole or not at all.

    `finish` is given the folder before it is in its place: it writes what a backup does not have.
    """
    check_empty(data)
    staging = data.with_name(data.name + ".restoring")
    with disk_faults(data):
        shutil.rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700, parents=True)
        try:
            for name in sorted(manifest.files):
                path = staging / name
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                shutil.copyfile(folder / name, path)
                path.chmod(0o600)
                sync_file(path)
            finish(staging)
            copied = _digests(staging)
            if any(copied.get(name) != digest for name, digest in manifest.files.items()):
                _refuse("the copy is not what the backup has; is the disk well?")
            if data.is_dir():
                data.rmdir()
            move_over(staging, data)
            sync_folder(data.parent)
        except BaseException:
            shutil.rmtree(staging, ignore_errors=True)
            raise


def _refuse(reason: str) -> NoReturn:
    raise BackupError(reason)
