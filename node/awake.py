"""Keeping a Windows PC awake while the shop of its node is open; at night it may sleep.

Elsewhere the service manager or the machine's settings decide; `washnode doctor` looks at them.
"""

import asyncio
import logging
import sys
from collections.abc import Callable
from typing import Any

CONTINUOUS, SYSTEM_REQUIRED = 0x80000000, 0x00000001  # of SetThreadExecutionState
LOOK_S = 60.0  # between two looks at the hours

_log = logging.getLogger("washnode.awake")


async def keep_awake(is_wanted: Callable[[], bool], pause_s: float = LOOK_S) -> None:
    """Let the machine not fall asleep by itself while it is wanted; closing a lid still may.

    It asks for the thread that runs it, so it belongs to the node's own. Where nobody can tell
    whether the machine is wanted, it is.
    """
    is_kept = False
    try:
        while True:
            wanted = _look(is_wanted)
            if wanted != is_kept:
                is_kept = wanted
                _ask(CONTINUOUS | SYSTEM_REQUIRED if wanted else CONTINUOUS)
                _log.info("the machine is kept awake" if wanted else "the machine may sleep")
            await asyncio.sleep(pause_s)
    finally:
        _ask(CONTINUOUS)


def _look(is_wanted: Callable[[], bool]) -> bool:
    try:
        return is_wanted()
    except Exception:  # noqa: BLE001 - logged; a PC that is awake for nothing harms nobody
        _log.exception("nobody can tell whether the shop is open")
        return True


def _ask(state: int) -> None:
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - of Windows alone

        library: Any = ctypes
        library.windll.kernel32.SetThreadExecutionState(state)
