"""The folder of a chain on disk: whose it is, how far it had come, what lies beside it.

A database that opens may already have thrown away what a damaged file no longer names. So it is
opened with its files kept in a folder beside it (`chain.before`), mostly as second names that cost
no room, until all is checked. Whatever instant the machine stops at, `settle` finds by the names of
the folders what was under way, and ends it or takes it back.
"""

import errno
import os
import shutil
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from chain.errors import StoreInUseError
from node.files import move_over

HEIGHT_NAME = "HEIGHT"
_ENTRY = "CURRENT"  # the file by which LevelDB begins
_HELD = {errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES}  # what a lock held by another says
_UNUSED = {"LOCK", "LOG", "LOG.old"}  # of LevelDB's files
COPIED_BYTES_MAX = 64 * 1024 * 1024  # more than LevelDB writes between two notes of its tables
_SCRAP = ("linking", "migrating", "rebuild", "salvage")


def beside(folder: Path, name: str) -> Path:
    """Return the folder or file of that meaning beside a chain's."""
    place = real(folder)
    return place.with_name(f"{place.name}.{name}")


def real(folder: Path) -> Path:
    """Return the folder that a link names, perhaps on another disk: only that can be moved."""
    return folder.resolve() if folder.is_symlink() else folder


class FolderLock:
    """Nobody else opens the chain in a folder, nor moves it, until `release`."""

    def __init__(self, folder: Path) -> None:
        """Raises StoreInUseError if another has it."""
        self._path = beside(folder, "lock")
        while True:
            self._file = self._path.open("ab")
            try:
                _lock(self._file)
            except OSError as error:
                self._file.close()
                if error.errno not in _HELD:  # a disk that knows no locks: LevelDB has its own
                    return
                text = f"{folder} is in use by another node; stop that one first"
                raise StoreInUseError(text) from error
            if self._is_the_file():
                return
            self._file.close()  # the one before removed it: there may be a new one

    def _is_the_file(self) -> bool:
        try:
            return os.path.samestat(os.fstat(self._file.fileno()), self._path.stat())
        except FileNotFoundError:
            return False

    def release(self) -> None:
        """Let others in."""
        if self._file.closed:
            return
        if sys.platform != "win32":  # there, an open file can not be removed
            self._path.unlink(missing_ok=True)
        self._file.close()


if sys.platform == "win32":
    import msvcrt

    def _lock(file: IO[bytes]) -> None:
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
else:
    import fcntl

    def _lock(file: IO[bytes]) -> None:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_held(folder: Path) -> bool:
    """Tell whether somebody has the chain in a folder; true where that can not be told."""
    try:
        file = beside(folder, "lock").open("r+b")
    except FileNotFoundError:
        return False
    except OSError:
        return True
    with file:
        try:
            _lock(file)
        except OSError:
            return True
    return False


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold the lock of a folder meanwhile."""
    lock = FolderLock(folder)
    try:
        yield
    finally:
        lock.release()


# How far the chain had come --------------------------------------------------------------------


class HeightMark:
    """How far the chain came, in a file of its own: the database can not tell if its end is lost.

    It is written after a block is safe, and nobody waits for it: it may be behind, never ahead.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / HEIGHT_NAME
        self._file = path.open("r+b" if path.exists() else "w+b", buffering=0)

    def write(self, height: int) -> None:
        """Note a height; a disk that has no room for it shows that elsewhere."""
        with suppress(OSError):
            self._file.seek(0)
            self._file.write(_height_line(height))

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _height_line(height: int) -> bytes:
    digits = b"%020d" % height
    return digits + b" %08x\n" % zlib.crc32(digits)


def read_height(folder: Path) -> int | None:
    """Return how far the chain in a folder had come at least, or None if that is not known."""
    try:
        line = (folder / HEIGHT_NAME).read_bytes()[:64]
        height = int(line[:20])
    except (OSError, ValueError):
        return None
    return height if height >= 0 and line == _height_line(height) else None


def forget_height(folder: Path) -> None:
    """Begin to keep the chain without the mark."""
    (folder / HEIGHT_NAME).unlink(missing_ok=True)


# The folder and those beside it ----------------------------------------------------------------


def holds_database(folder: Path) -> bool:
    """Tell whether a folder holds a database, be it a damaged one."""
    if not folder.is_dir():
        return False
    names = (_ENTRY, "MANIFEST-*", "*.ldb", "*.sst", "*.log")
    return (folder / HEIGHT_NAME).exists() or any(any(folder.glob(name)) for name in names)


def will_hold(folder: Path) -> bool:
    """Tell whether a folder holds a database, or will once `settle` has ended what was cut off."""
    places = [folder, *[beside(folder, name) for name in ("before", "ready", "old")]]
    for name in ("migrated", "left"):
        places += real(folder).parent.glob(f"{real(folder).name}.{name}-*")
    return any(holds_database(place) for place in places)


def folder_bytes(folder: Path) -> int:
    """Return how many bytes the files in a folder have."""
    return sum(file.stat().st_size for file in folder.iterdir() if file.is_file())


def link_files(source: Path, target: Path) -> None:
    """Fill a new folder with second names for the files of a database, its newest with copies.

    The database removes names when it opens, and leaves the files as they are; but one that has
    forgotten its newest tables takes their numbers again and writes over them.
    """
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    files = [file for file in source.iterdir() if file.is_file() and file.name not in _UNUSED]
    copied_bytes = 0
    room = min(COPIED_BYTES_MAX, shutil.disk_usage(target).free // 2)  # a start needs some too
    for file in sorted(files, key=_number, reverse=True):
        copied_bytes += file.stat().st_size
        if copied_bytes <= room or file.name == HEIGHT_NAME:
            shutil.copyfile(file, target / file.name)
        else:
            _link(file, target / file.name)


def _number(file: Path) -> tuple[bool, int]:
    """Return what sorts tables by age, below the few small files that are none."""
    return not file.stem.isdecimal(), int(file.stem) if file.stem.isdecimal() else 0


def _link(file: Path, name: Path) -> None:
    try:
        os.link(file, name)
    except OSError:  # not every disk has links
        shutil.copyfile(file, name)


def keep_before(folder: Path) -> Path:
    """Keep a chain's files as they are before it is opened; `drop_before` or `settle` end it."""
    linking, before = beside(folder, "linking"), beside(folder, "before")
    link_files(folder, linking)
    for file in linking.iterdir():  # `settle` trusts this folder above the chain's own
        sync_file(file)
    sync_folder(linking)
    move_over(linking, before)
    sync_folder(before.parent)
    return before


def drop_before(folder: Path) -> None:
    """Forget what `keep_before` kept: the opened chain is good."""
    before, linking = beside(folder, "before"), beside(folder, "linking")
    move_over(before, linking)  # one that is half removed must not pass for a chain
    sync_folder(before.parent)  # after a power cut it would come back over newer blocks
    shutil.rmtree(linking, ignore_errors=True)


def settle(folder: Path) -> None:
    """End what a stop cut off: a chain made anew takes its place, one being checked goes back."""
    folder = real(folder)
    ready, before, old = beside(folder, "ready"), beside(folder, "before"), beside(folder, "old")
    if ready.is_dir():
        swap_in(folder)
    elif any(folder.parent.glob(f"{folder.name}.migrated-*")):
        swap_migrated(folder)
    elif any(folder.parent.glob(f"{folder.name}.left-*")):
        swap_back(folder)
    elif before.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        move_over(before, folder)
    elif old.is_dir() and not folder.is_dir():  # between the two renames of a swap by snapshot
        move_over(old, folder)
    for name in _SCRAP:
        shutil.rmtree(beside(folder, name), ignore_errors=True)


def swap_in(folder: Path) -> Path:
    """Put the chain in `chain.ready` in its place; return where the damaged one is kept."""
    folder = real(folder)
    before = beside(folder, "before")
    kept = beside(folder, f"damaged-{_damaged_next(folder)}")
    if before.is_dir():
        shutil.rmtree(folder, ignore_errors=True)
        move_over(before, kept)
    elif folder.is_dir():
        move_over(folder, kept)
    else:  # a stop came between the renames
        kept = beside(folder, f"damaged-{_damaged_next(folder) - 1}")
    move_over(beside(folder, "ready"), folder)
    sync_folder(folder.parent)
    return kept


def swap_migrated(folder: Path) -> Path:
    """Put the migrated chain in its place; return where the one of format N is kept.

    It waits in `chain.migrated-N`. The kept one is `chain.format-N`; an older of that name goes.
    """
    folder = real(folder)
    (made,) = folder.parent.glob(f"{folder.name}.migrated-*")
    kept = beside(folder, f"format-{made.name.rpartition('-')[2]}")
    if folder.is_dir():
        shutil.rmtree(kept, ignore_errors=True)
        move_over(folder, kept)
        sync_folder(folder.parent)
    move_over(made, folder)
    sync_folder(folder.parent)
    return kept


def swap_back(folder: Path) -> Path:
    """End what took a migrated chain out of its place; return where it is kept.

    It waits in `chain.left-N`; the newest of `chain.format-N` takes its place.
    """
    folder = real(folder)
    (left,) = folder.parent.glob(f"{folder.name}.left-*")
    if not folder.is_dir():
        move_over(kept_formats(folder)[-1][1], folder)
        sync_folder(folder.parent)
    kept = beside(folder, f"format-{left.name.rpartition('-')[2]}")
    shutil.rmtree(kept, ignore_errors=True)
    move_over(left, kept)
    sync_folder(folder.parent)
    return kept


def kept_formats(folder: Path) -> list[tuple[int, Path]]:
    """Return the chains of other formats that are kept, by number."""
    folder = real(folder)
    found = [
        (int(path.name.rpartition("-")[2]), path)
        for path in folder.parent.glob(f"{folder.name}.format-*")
        if path.name.rpartition("-")[2].isdecimal()
    ]
    return sorted(found)


def _damaged_next(folder: Path) -> int:
    numbers = [
        path.name.rpartition("-")[2] for path in folder.parent.glob(f"{folder.name}.damaged-*")
    ]
    return max((int(number) for number in numbers if number.isdecimal()), default=0) + 1


def sync_file(file: Path) -> None:
    """Wait until the bytes of a file are on disk."""
    with suppress(PermissionError), file.open("r+b") as opened:  # what none may write is no copy
        os.fsync(opened.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on disk, where the system can."""
    with suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
