"""Small files written whole or not at all, and over nothing unless that is asked for."""

import os
import secrets
import time
from contextlib import suppress
from pathlib import Path

HELD_PATIENCE_S = 2.0  # an antivirus that looks at a new file is done by then
_HELD_PAUSE_S = 0.05
IS_POSIX = os.name == "posix"


def put_whole(
    path: Path, text: str | bytes, *, replace: bool = False, is_private: bool = False
) -> None:
    """Write a small file and wait for the disk. What was there before stays until all is written.

    `is_private`: from its first byte on, nobody but the owner can read it (mode 0600).
    Raises FileExistsError if the path is taken and `replace` is not asked for, or OSError.
    """
    if not replace and os.path.lexists(path):
        raise FileExistsError(str(path))
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with open(beside, "xb", opener=_open_private if is_private else None) as file:
            file.write(text.encode() if isinstance(text, str) else text)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            move_over(beside, path)
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
        move_over(source, target)


def move_over(source: Path, target: Path) -> None:
    """Rename a file or folder; a file that is there already is replaced.

    Windows refuses it while another program has one of them open, which it seldom has for long.
    """
    end = time.monotonic() + HELD_PATIENCE_S
    while True:
        try:
            source.replace(target)
        except PermissionError:
            if IS_POSIX or time.monotonic() > end:
                raise
            time.sleep(_HELD_PAUSE_S)
        else:
            return


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk, where the system can do that."""
    if IS_POSIX:
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
