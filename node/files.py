"""Small files written whole or not at all, and over nothing unless that is asked for."""

import os
import secrets
from contextlib import suppress
from pathlib import Path


def put_whole(path: Path, text: str, *, replace: bool = False, is_private: bool = False) -> None:
    """Write a text file and wait for the disk. What was there before stays until all is written.

    `is_private`: from its first byte on, nobody but the owner can read it (mode 0600).
    Raises FileExistsError if the path is taken and `replace` is not asked for, or OSError.
    """
    if not replace and os.path.lexists(path):
        raise FileExistsError(str(path))
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(beside, "xb", opener=_open_private if is_private else None) as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        if replace:
            beside.replace(path)
        else:
            _rename_to_free(beside, path)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
    sync_folder(path.parent)


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _rename_to_free(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)  # unlike renaming, never writes over another file
    except FileExistsError:
        raise
    except OSError as error:  # memory sticks have no links
        if os.path.lexists(target):
            raise FileExistsError(str(target)) from error
        source.replace(target)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk, where the system can do that."""
    if os.name == "posix":
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
