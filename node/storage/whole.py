"""Files for others: written whole or not at all, and over nothing unless that is asked for."""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from node.storage.folder import sync_folder


def put_whole(path: Path, text: str, *, replace: bool = False) -> None:
    """Write a text file and wait for the disk. What was there before stays until all is written.

    Raises FileExistsError if the path is taken and `replace` is not asked for, or OSError.
    """
    if not replace and os.path.lexists(path):
        raise FileExistsError(str(path))
    beside = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        with beside.open("xb") as file:
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


def _rename_to_free(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)  # unlike renaming, never writes over another file
    except FileExistsError:
        raise
    except OSError as error:  # memory sticks have no links
        if os.path.lexists(target):
            raise FileExistsError(str(target)) from error
        source.replace(target)
