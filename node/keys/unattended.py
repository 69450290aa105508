"""Starts without a person: where the secret lies that opens the sealed keys of this machine.

keyring   the keyring of the operating system (Windows Credential Manager, macOS Keychain, Secret
          Service): opened by the person's own sign-in, so the node starts once he has signed in
file      `unlock.secret` in the data folder, for the node's user only: the node starts with the
          machine, and whoever reads all files of that user has the keys

Either way the key files stay sealed, so that a backup, which takes no secret, gives no key away.
"""

import getpass
import os
import secrets
import subprocess
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, TypeAlias

from node.files import put_whole
from node.keys.errors import KeyFileError
from node.keys.file import check_mode

Way: TypeAlias = Literal["keyring", "file"]
SERVICE = "washnode"  # under which the keyring lists it
FILE_NAME = "unlock.secret"
_SECRET_BYTES = 32
_FILE_BYTES_MAX = 256


class NoKeyringError(KeyFileError):
    """A machine whose keyring is missing, closed or refuses."""


def has_keyring() -> bool:
    """Tell whether there is a keyring that keeps secrets, and the library to ask it."""
    if find_spec("keyring") is None:
        return False
    import keyring
    from keyring.backends import fail, null

    return not isinstance(keyring.get_keyring(), fail.Keyring | null.Keyring)


def keep_secret(way: Way, folder: Path) -> str:
    """Return the secret of a data folder; the first time it is made. Raises KeyFileError."""
    try:
        return find_secret(way, folder)
    except MissingSecretError:
        secret = secrets.token_hex(_SECRET_BYTES)
    if way == "keyring":
        _put_into_keyring(folder, secret)
    else:
        _put_into_file(folder / FILE_NAME, secret)
    return secret


class MissingSecretError(KeyFileError):
    """A secret that is not where the settings say."""


def find_secret(way: Way, folder: Path) -> str:
    """Return the secret of a data folder. Raises MissingSecretError, KeyFileError."""
    return _ask_keyring(folder) if way == "keyring" else _read_file(folder / FILE_NAME)


def forget_secret(way: Way, folder: Path) -> None:
    """Do away with the secret of a data folder, which opens nothing any more, as far as it goes."""
    if way == "file":
        with suppress(OSError):
            (folder / FILE_NAME).unlink(missing_ok=True)
        return
    with suppress(Exception):  # each system's keyring fails in its own ways; nothing hangs on it
        _library().delete_password(SERVICE, _user(folder))


def _user(folder: Path) -> str:
    return str(folder.resolve())


def _library() -> Any:
    try:
        import keyring
    except ImportError as error:
        text = "no library for keyrings is here: pip install 'washnode[keyring]'"
        raise NoKeyringError(text) from error
    return keyring


def _ask_keyring(folder: Path) -> str:
    try:
        found: str | None = _library().get_password(SERVICE, _user(folder))
    except NoKeyringError:
        raise
    except Exception as error:  # each system's keyring fails in its own ways
        raise NoKeyringError(_say_closed(error)) from error
    if found is None:
        raise MissingSecretError(
            f"the keyring has nothing for {_user(folder)}; restore the keys from their words"
        )
    return found


def _put_into_keyring(folder: Path, secret: str) -> None:
    try:
        _library().set_password(SERVICE, _user(folder), secret)
    except NoKeyringError:
        raise
    except Exception as error:  # each system's keyring fails in its own ways
        raise NoKeyringError(_say_closed(error)) from error
    if _ask_keyring(folder) != secret:  # some forget at once
        raise NoKeyringError("the keyring did not keep the secret; take a file instead")


def _say_closed(error: Exception) -> str:
    return f"the keyring does not answer: {error}; sign in at the desktop, or take a file instead"


def _read_file(path: Path) -> str:
    try:
        with path.open("rb") as file:
            check_mode(path, os.fstat(file.fileno()).st_mode, wanted=0o600)
            text = file.read(_FILE_BYTES_MAX).decode("ascii").strip()
    except FileNotFoundError as error:
        raise MissingSecretError(f"{path} is missing; restore the keys from their words") from error
    except (OSError, UnicodeDecodeError) as error:
        raise KeyFileError(f"{path} can not be read: {error}") from error
    if not text:
        raise MissingSecretError(f"{path} is empty; restore the keys from their words")
    return text


def _put_into_file(path: Path, secret: str) -> None:
    try:
        put_whole(path, secret + "\n", is_private=True)
        if os.name == "nt":
            words = windows_rights(path, getpass.getuser())
            subprocess.run(words, check=True, capture_output=True)  # noqa: S603 - a system tool
    except (OSError, subprocess.CalledProcessError) as error:
        raise KeyFileError(f"{path} can not be written: {error}") from error


def windows_rights(path: Path, user: str) -> list[str]:
    """Return the command that takes a file's rights from all but one user."""
    return ["icacls", str(path), "/inheritance:r", "/grant:r", f"{user}:(R,W,D)"]
