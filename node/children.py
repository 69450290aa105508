"""Starting child processes that leave the terminal's Ctrl-C to the process that watches them."""

import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


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


@contextmanager
def stopping_later() -> Iterator[None]:
    """Let what would stop this program wait until processes have been started and are known.

    A stop between the start of a process and the note of it would leave that process behind.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    seen: list[int] = []

    def note(number: int, _frame: FrameType | None) -> None:
        seen.append(number)

    names = ("SIGINT", "SIGTERM", "SIGHUP")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    before = {number: signal.signal(number, note) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in seen[:1]:
            signal.raise_signal(number)


def end_with_parent() -> None:
    """Let this child process end as soon as the one that started it is gone, however it went.

    Called first in a worker of a pool. It waits for orders on a pipe whose other end it has as
    well, so that a parent that was killed would leave it waiting for ever.
    """
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        parent.join()
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
