"""The keys of this machine: one file each in a folder that only its owner enters.

Files are `NAME.json`. `NAME.new.json` is the key that a rotation is bringing in, `NAME.old-1.json`
one that a finished rotation put away; neither is listed.
"""

import os
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from chain.crypto import PassphraseCost, Signer, public_key
from chain.ids import decode_id, encode_id
from node.files import move_over, sync_folder
from node.keys.errors import (
    KeyExistsError,
    KeyFileError,
    UnknownKeyError,
)
from node.keys.file import (
    ACCOUNT_PREFIX,
    COST,
    SEED_BYTES,
    KeyFile,
    Plain,
    check_mode,
    make_key_file,
    open_key_file,
    read_key_file,
    write_key_file,
)

_NAME = re.compile(r"[a-z0-9_-]{1,32}")
_OLD_MAX = 999


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """What a key file says without its passphrase."""

    name: str
    account: bytes
    public_key: bytes
    is_sealed: bool

    @property
    def account_text(self) -> str:
        """The account's id as people see it."""
        return encode_id(ACCOUNT_PREFIX, self.account)


@dataclass(frozen=True, slots=True)
class Rotation:
    """A key on its way out and the one that follows it."""

    account: bytes
    old: Signer
    new: Signer
    is_fresh: bool = True  # made just now: no chain can have heard of the new key


class KeyStore:
    """The key files of one folder. Every refusal is a KeyFileError."""

    def __init__(self, folder: Path, cost: PassphraseCost = COST) -> None:
        """Look at `folder`, which the first key makes; `cost` seals what is written from now on."""
        self.folder, self.cost = folder, cost

    def create(self, name: str, passphrase: str | None) -> KeyInfo:
        """Make a new key; None as passphrase writes it plainly, for starts without a person."""
        return self.add(name, secrets.token_bytes(SEED_BYTES), passphrase)

    def add(
        self, name: str, seed: bytes, passphrase: str | None, *, account: bytes | None = None
    ) -> KeyInfo:
        """Keep a key whose 32 bytes are known; `account` if it is not the key's own."""
        if len(seed) != SEED_BYTES:
            text = f"a key has {SEED_BYTES} bytes, these are {len(seed)}"
            raise KeyFileError(text)
        path = self._free_path(name)
        file = make_key_file(seed, account or public_key(seed), passphrase, self.cost)
        self._write_new(name, path, file)
        return _info(name, file)

    def list(self) -> tuple[KeyInfo, ...]:
        """Return every good key, by name; `faults` has the others."""
        return tuple(_info(name, file) for name, file in self._scan() if isinstance(file, KeyFile))

    def faults(self) -> tuple[KeyFileError, ...]:
        """Return what is wrong with each key file that can not be used."""
        return tuple(file for _, file in self._scan() if isinstance(file, KeyFileError))

    def show(self, name: str) -> KeyInfo:
        """Return what is known of a key without its passphrase."""
        return _info(name, self._read(name))

    def unlock(self, name: str, passphrase: str | None) -> Signer:
        """Return the key itself. A plain file needs no passphrase and passes over one."""
        return Signer(self.export(name, passphrase))

    def export(self, name: str, passphrase: str | None) -> bytes:
        """Return the key's 32 bytes, for its recovery phrase."""
        return open_key_file(self._read(name), passphrase, f"key {name!r}")

    def back_up(self, name: str, passphrase: str, path: Path) -> KeyInfo:
        """Write a sealed copy that `restore` reads; a plain key is sealed with `passphrase`."""
        file = self._read(name)
        seed = open_key_file(file, passphrase, f"key {name!r}")
        if isinstance(file.protection, Plain):
            file = make_key_file(seed, _account(file), passphrase, self.cost)
        try:
            write_key_file(path, file)
        except FileExistsError as error:
            text = f"{path} exists already; a backup is never written over"
            raise KeyFileError(text) from error
        except OSError as error:
            raise _os_fault(path, error) from error
        return _info(name, file)

    def restore(self, name: str, path: Path, passphrase: str | None) -> KeyInfo:
        """Keep the key of a backup under a name, after opening it with its passphrase."""
        target = self._free_path(name)
        file = read_key_file(path, is_backup=True)
        open_key_file(file, passphrase, str(path))
        self._write_new(name, target, file)
        return _info(name, file)

    def change_passphrase(self, name: str, passphrase: str | None, new: str | None) -> KeyInfo:
        """Seal a key with another passphrase, or with None write it plainly."""
        pending = self._path(name, ".new")
        if pending.exists():
            text = (
                f"key {name!r} is being rotated; finish that first: key rotate {name} "
                f"(or delete {pending}, if the chain refused its key)"
            )
            raise KeyFileError(text)
        file = self._read(name)
        seed = open_key_file(file, passphrase, f"key {name!r}")
        changed = make_key_file(seed, _account(file), new, self.cost)
        with self._writing():
            write_key_file(self._path(name), changed, replace=True)
        return _info(name, changed)

    def act_for(self, name: str, passphrase: str | None, account: bytes) -> KeyInfo:
        """Let a key act for another account than it did, one that the chain gave it to."""
        seed = open_key_file(self._read(name), passphrase, f"key {name!r}")
        changed = make_key_file(seed, account, passphrase, self.cost)
        with self._writing():
            write_key_file(self._path(name), changed, replace=True)
        return _info(name, changed)

    def begin_rotation(self, name: str, passphrase: str | None) -> Rotation:
        """Make the key that follows, on disk before any chain hears of it.

        After an interruption the same new key is returned: the chain may know it already.
        """
        file = self._read(name)
        old = open_key_file(file, passphrase, f"key {name!r}")
        path = self._path(name, ".new")
        is_fresh = not path.exists()
        if not is_fresh:
            new = open_key_file(read_key_file(path), passphrase, path.name)
        else:
            new = secrets.token_bytes(SEED_BYTES)
            sealed = None if isinstance(file.protection, Plain) else passphrase
            self._write_new(name, path, make_key_file(new, _account(file), sealed, self.cost))
        return Rotation(_account(file), Signer(old), Signer(new), is_fresh)

    def drop_rotation(self, name: str) -> None:
        """Forget the key that was to follow; only for one that no chain has, nor will."""
        with self._writing():
            self._path(name, ".new").unlink(missing_ok=True)
            sync_folder(self.folder)

    def finish_rotation(self, name: str) -> tuple[KeyInfo, Path]:
        """Put the new key in place; return it and where the old one lies now."""
        file, path = self._read(name), self._path(name)
        replacement = read_key_file(self._path(name, ".new"))
        old = self._old_path(name, file)
        with self._writing():
            if not old.exists():  # an interruption may have come after this copy
                write_key_file(old, file)
            move_over(self._path(name, ".new"), path)
            sync_folder(self.folder)
        return _info(name, replacement), old

    def earlier(self, name: str, passphrase: str | None) -> tuple[Signer, ...]:
        """Return the keys that rotations put away, as far as the passphrase opens them."""
        found = []
        for number in range(1, _OLD_MAX + 1):
            path = self._path(name, f".old-{number}")
            if not path.exists():
                break
            with suppress(KeyFileError):
                found.append(Signer(open_key_file(read_key_file(path), passphrase, path.name)))
        return tuple(found)

    def _old_path(self, name: str, file: KeyFile) -> Path:
        for number in range(1, _OLD_MAX + 1):
            path = self._path(name, f".old-{number}")
            if not path.exists() or read_key_file(path).public_key == file.public_key:
                return path
        text = f"{self.folder} holds {_OLD_MAX} old keys of {name!r}; move them away"
        raise KeyFileError(text)

    def _path(self, name: str, suffix: str = "") -> Path:
        if not _NAME.fullmatch(name):
            text = f"a key's name has 1 to 32 of a-z, 0-9, _ and -; found {name[:64]!r}"
            raise KeyFileError(text)
        return self.folder / f"{name}{suffix}.json"

    def _free_path(self, name: str) -> Path:
        """Return where a new key goes; a taken name is told before a passphrase is worked on."""
        path = self._path(name)
        if os.path.lexists(path):
            raise KeyExistsError(name, path=str(path))
        return path

    def _write_new(self, name: str, path: Path, file: KeyFile) -> None:
        try:
            with self._writing():
                write_key_file(path, file)
        except FileExistsError as error:
            raise KeyExistsError(name, path=str(path)) from error

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Make the folder if need be; say in one line what the disk refuses."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            check_mode(self.folder, self.folder.stat().st_mode, wanted=0o700)
            yield
        except FileExistsError:
            if self.folder.is_dir():
                raise
            text = f"{self.folder} is no folder"
            raise KeyFileError(text) from None
        except OSError as error:
            raise _os_fault(self.folder, error) from error

    def _read(self, name: str) -> KeyFile:
        path = self._path(name)
        if not os.path.lexists(path):
            near = get_close_matches(name, self._names(), 3)
            raise UnknownKeyError(name, folder=str(self.folder), near=tuple(near))
        check_mode(self.folder, self.folder.stat().st_mode, wanted=0o700)
        return read_key_file(path)

    def _names(self) -> tuple[str, ...]:
        try:
            stems = [path.name[: -len(".json")] for path in self.folder.glob("*.json")]
        except OSError as error:
            raise _os_fault(self.folder, error) from error
        return tuple(sorted(stem for stem in stems if _NAME.fullmatch(stem)))

    def _scan(self) -> Iterator[tuple[str, KeyFile | KeyFileError]]:
        for name in self._names():
            try:
                yield name, self._read(name)
            except KeyFileError as error:
                yield name, error


def _account(file: KeyFile) -> bytes:
    return decode_id(file.account, ACCOUNT_PREFIX)


def _info(name: str, file: KeyFile) -> KeyInfo:
    is_sealed = not isinstance(file.protection, Plain)
    return KeyInfo(name, _account(file), bytes.fromhex(file.public_key), is_sealed)


def _os_fault(path: Path, error: OSError) -> KeyFileError:
    return KeyFileError(f"{path}: {error.strerror or error}")
