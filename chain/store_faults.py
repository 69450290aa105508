"""What a fault of the database means: it words the operating system's errors as text only."""

from typing import Literal

from chain.errors import (
    DiskFullError,
    HeldFileError,
    ReadOnlyStoreError,
    StoreError,
    StoreInUseError,
    UnreadableStoreError,
)

Doing = Literal["open", "read", "write"]

_HELD = "being used by another process"  # as Windows says it, also of the file LOCK
_LOCKED = ("already held", "temporarily unavailable", _HELD)
_FULL = ("no space left", "quota exceeded", "file too large", "not enough space on the disk")
_READ_ONLY = ("read-only file system", "permission denied", "not permitted", "access is denied")
_CORRUPTION = "corruption"
# A place beyond a file's end, a missing file ("create_if_missing is false"), a bad sector.
_DAMAGED = ("invalid argument", "is false", "no such file", "input/output error")


def fault_text(error: BaseException) -> str:
    """Return what the database says; it says it in bytes."""
    what = error.args[0] if error.args else ""
    return what.decode(errors="replace") if isinstance(what, bytes) else str(error)


def find_fault(error: Exception, path: str, doing: Doing) -> StoreError:
    """Return the typed error for a fault of the database in folder `path`."""
    said = fault_text(error)
    text = said.lower()
    if "lock" in text and any(sign in text for sign in _LOCKED):
        return StoreInUseError(f"{path} is in use by another node; stop that one first")
    if _HELD in text:
        return HeldFileError(
            f"another program holds a file of {path}: {said}; keep the antivirus out of that folder"
        )
    if any(sign in text for sign in _FULL):
        return DiskFullError(f"the disk is full: {said}")
    if any(sign in text for sign in _READ_ONLY):
        return ReadOnlyStoreError(f"{path} can not be written: {said}")
    is_unread = doing != "write" and any(sign in text for sign in _DAMAGED)
    if text.startswith(_CORRUPTION) or is_unread:
        return UnreadableStoreError(f"{path} can not be read: {said}")
    return StoreError(f"store {path} failed to {doing}: {said}")
