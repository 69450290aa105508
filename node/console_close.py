"""A Windows console that is closed, a user who logs off, a PC that is shut down.

Windows asks each program of the console in a thread of its own, and ends it as soon as that thread
has answered, or after five seconds. What Python makes of it, SIGBREAK, answers at once: it would be
a pulled plug. So this handler answers when the node has stopped.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Of SetConsoleCtrlHandler: what ends the program once it is answered. Ctrl-C and Ctrl-Break do not.
CLOSE, LOGOFF, SHUTDOWN = 2, 5, 6
ANSWER_S = 4.5  # Windows waits for five


@contextmanager
def stopping_on_close(stop: Callable[[], None]) -> Iterator[None]:
    """Call `stop` when the console goes, and hold Windows up until this context is left."""
    if sys.platform == "win32":
        import ctypes  # noqa: PLC0415 - of Windows alone

        library: Any = ctypes
        with _handled(library, stop):
            yield
    else:
        yield


@contextmanager
def _handled(library: Any, stop: Callable[[], None]) -> Iterator[None]:
    gone = threading.Event()

    def on_event(event: int) -> bool:
        if event not in {CLOSE, LOGOFF, SHUTDOWN}:
            return False  # the next handler's: Python's own
        stop()
        gone.wait(ANSWER_S)
        return True

    # Kept here: Windows calls it later, and a forgotten one would be freed memory.
    handler = library.WINFUNCTYPE(library.c_int, library.c_uint)(on_event)
    library.windll.kernel32.SetConsoleCtrlHandler(handler, True)
    try:
        yield
    finally:
        gone.set()
        library.windll.kernel32.SetConsoleCtrlHandler(handler, False)
