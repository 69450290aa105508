"""Faults of the disk, in words that say what to do: one line ends the node or the command."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from chain.errors import (
    DiskFullError,
    ReadOnlyStoreError,
    StoreError,
    StoreInUseError,
    UnreadableStoreError,
)

FREE_BYTES_MIN = 64 * 1024  # with less than this, a fault that says nothing is this one
_FULL = {errno.ENOSPC, errno.EFBIG, getattr(errno, "EDQUOT", errno.ENOSPC)}
_READ_ONLY = {errno.EROFS, errno.EACCES, errno.EPERM}


def free_bytes(folder: Path) -> int | None:
    """Return how many bytes are free where a folder is or would be; None if nobody can tell."""
    for place in (folder, *folder.parents):
        try:
            return shutil.disk_usage(place).free
        except OSError:
            continue
    return None


@contextmanager
def disk_faults(folder: Path) -> Iterator[None]:
    """Raise whatever the disk under a folder refuses as a StoreError that says what to do."""
    try:
        yield
    except (StoreError, OSError) as error:
        told = tell_fault(error, folder)
        if told is error:
            raise
        raise told from error


def tell_fault(error: StoreError | OSError, folder: Path) -> StoreError:
    """Return the StoreError to tell of a fault; the same one where it says all already."""
    if getattr(error, "is_told", False) or isinstance(error, StoreInUseError):
        assert isinstance(error, StoreError), "only these are marked"
        return error
    told = _tell(error, folder)
    told.is_told = True  # type: ignore[attr-defined]  # so that it is not said twice
    return told


def _tell(error: StoreError | OSError, folder: Path) -> StoreError:
    number = error.errno if isinstance(error, OSError) else None
    free = free_bytes(folder)
    is_plain = type(error) is StoreError
    if isinstance(error, DiskFullError) or number in _FULL or (is_plain and _is_out(free)):
        room = "an unknown number of" if free is None else f"{free:,}"
        return DiskFullError(
            f"the disk is full: {room} bytes free at {folder}; free some space, then start "
            "again; nothing is damaged"
        )
    is_locked = is_plain and folder.is_dir() and not os.access(folder, os.W_OK)
    if isinstance(error, ReadOnlyStoreError) or number in _READ_ONLY or is_locked:
        return ReadOnlyStoreError(
            f"{_name(error) or folder} can not be written; give this user the right to write "
            f"in {folder}, or mount its disk for writing, then start again; nothing is damaged"
        )
    if isinstance(error, UnreadableStoreError):
        text = f"{error}; start again: what can be made anew from the blocks then is"
        return UnreadableStoreError(text)
    if isinstance(error, OSError):
        return StoreError(f"{_name(error) or folder}: {error.strerror or error}")
    return error


def _is_out(free: int | None) -> bool:
    return free is not None and free < FREE_BYTES_MIN


def _name(error: StoreError | OSError) -> str:
    if isinstance(error, OSError) and isinstance(error.filename, str | Path):
        return str(error.filename)
    return ""
