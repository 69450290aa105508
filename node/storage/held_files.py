"""Patience with files that another program holds: an antivirus looks at new files for a moment."""

import time
from collections.abc import Callable
from typing import TypeVar

from chain.errors import HeldFileError
from node.files import IS_POSIX

PATIENCE_S = 5.0
_PAUSE_S = 0.1
_T = TypeVar("_T")


def patiently(open_it: Callable[[], _T], *, is_posix: bool = IS_POSIX) -> _T:
    """Return what `open_it` does, which is tried again for a while if a file is held.

    It must leave everything as it was when it fails.
    """
    end = time.monotonic() + PATIENCE_S
    while True:
        try:
            return open_it()
        except HeldFileError:
            if time.monotonic() > end:
                raise
        except PermissionError:  # Windows tells it so of files that are copied or renamed
            if is_posix or time.monotonic() > end:
                raise
        time.sleep(_PAUSE_S)
