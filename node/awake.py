"""Keeping a Windows PC awake while a node runs on it.

Elsewhere the service manager or the machine's settings decide; `washnode doctor` looks at them.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

CONTINUOUS, SYSTEM_REQUIRED = 0x80000000, 0x00000001  # of SetThreadExecutionState


@contextmanager
def kept_awake() -> Iterator[None]:
    """Let the machine not fall asleep by itself meanwhile; closing a lid still may."""
    _ask(CONTINUOUS | SYSTEM_REQUIRED)
    try:
        yield
    finally:
        _ask(CONTINUOUS)


def _ask(state: int) -> None:
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - of Windows alone

        library: Any = ctypes
        library.windll.kernel32.SetThreadExecutionState(state)
