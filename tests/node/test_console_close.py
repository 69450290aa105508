"""A console that is closed waits for the node; Windows is played by a library that notes calls."""

import sys
import threading
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from node.console_close import CLOSE, LOGOFF, SHUTDOWN, stopping_on_close

CTRL_C, CTRL_BREAK = 0, 1


class Windows:
    """kernel32's list of handlers, and the thread in which it calls the last one."""

    def __init__(self) -> None:
        self.handlers: list[Callable[[int], bool]] = []
        self.answers: list[bool] = []

    def library(self) -> Any:
        kernel = SimpleNamespace(SetConsoleCtrlHandler=self._set)
        form = lambda _result, _word: lambda handler: handler  # noqa: E731
        return SimpleNamespace(
            WINFUNCTYPE=form, c_int=int, c_uint=int, windll=SimpleNamespace(kernel32=kernel)
        )

    def _set(self, handler: Callable[[int], bool], is_added: bool) -> None:  # noqa: FBT001
        if is_added:
            self.handlers.append(handler)
        else:
            self.handlers.remove(handler)

    def ask(self, event: int) -> threading.Thread:
        handler = self.handlers[-1]
        thread = threading.Thread(target=lambda: self.answers.append(handler(event)))
        thread.start()
        return thread


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> Windows:
    made = Windows()
    monkeypatch.setitem(sys.modules, "ctypes", made.library())
    monkeypatch.setattr(sys, "platform", "win32")
    return made


@pytest.mark.parametrize("event", [CLOSE, LOGOFF, SHUTDOWN])
def test_windows_is_answered_when_the_node_has_stopped(windows: Windows, event: int) -> None:
    asked = threading.Event()
    with stopping_on_close(asked.set):
        thread = windows.ask(event)
        was_told = asked.wait(5)
        before = list(windows.answers)  # the node is still at work
    thread.join(5)

    assert (was_told, before, windows.answers, windows.handlers) == (True, [], [True], [])


@pytest.mark.parametrize("event", [CTRL_C, CTRL_BREAK])
def test_keys_are_left_to_pythons_own_handler(windows: Windows, event: int) -> None:
    asked = threading.Event()
    with stopping_on_close(asked.set):
        windows.ask(event).join(5)

    assert (asked.is_set(), windows.answers) == (False, [False])


def test_elsewhere_nothing_is_asked_for() -> None:
    asked = threading.Event()
    with stopping_on_close(asked.set):
        pass

    assert not asked.is_set()
