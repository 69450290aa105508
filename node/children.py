"""Starting child processes that leave the terminal's Ctrl-C to the process that watches them."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def deaf_to_interrupts() -> Iterator[None]:
    """Let processes started inside ignore SIGINT from their first instruction on.

    A terminal sends Ctrl-C to the whole group; a child would print a trace of its own where the
    parent ends it anyway. Off the main thread, where dispositions can not be set, nothing changes.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
