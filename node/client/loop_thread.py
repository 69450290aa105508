"""An event loop on a thread of its own, so that plain code can wait for asynchronous work.

It works where another loop is running already, as in a notebook.
"""

import asyncio
import threading
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
JOIN_TIMEOUT_S = 5.0


class LoopThread:
    """Runs coroutines for other threads until it is closed."""

    def __init__(self, name: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)
        self._lock = threading.Lock()
        self._is_open = True
        self._thread.start()

    @property
    def is_open(self) -> bool:
        """Tell whether work is taken."""
        return self._is_open

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what `work` returns or raise what it raises; an interrupt cancels it."""
        if not self._is_open or threading.current_thread() is self._thread:
            work.close()
            raise RuntimeError("this client is closed, or called from inside itself")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def close(self, last: Coroutine[Any, Any, None]) -> None:
        """Do one last thing and stop the thread; closing twice is fine."""
        with self._lock:
            if not self._is_open or threading.current_thread() is self._thread:
                last.close()
                return
            try:
                self.run(last)
                self.run(_cancel_others())
            finally:
                self._is_open = False
                self._loop.call_soon_threadsafe(self._loop.stop)
                self._thread.join(JOIN_TIMEOUT_S)
                self._loop.close()


async def _cancel_others() -> None:
    """End what other threads still wait for."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
