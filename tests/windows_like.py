"""Run `washnode` as on Windows, as far as Linux lets it: `python -m tests.windows_like`.

What the program imports from here on is not what this system has, but what Windows has: no fcntl,
no uvloop, no rights of files, no signals but a few, no reading of folders as files. An open file
can be neither removed nor renamed, and a text file opened without a name of its encoding is an
error: on a Chinese Windows it would be GBK. Several commands are run one after another, with `--`
between them; the first exit code that is not 0 ends it.
"""

import asyncio
import fcntl
import importlib
import os
import pkgutil
import signal
import sys
import types
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

ABSENT = (
    "fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty", "uvloop",
)  # fmt: skip
ABSENT_OF_OS = (
    "WNOHANG", "chown", "chroot", "fchdir", "fchmod", "fchown", "fork", "forkpty", "getegid",
    "geteuid", "getgid", "getloadavg", "getpgid", "getpgrp", "getpriority", "getuid", "killpg",
    "lchown", "mkfifo", "nice", "openpty", "posix_fallocate", "register_at_fork",
    "sched_getaffinity", "sendfile", "setgid", "setpgid", "setsid", "setuid", "statvfs", "sync",
    "sysconf", "ttyname", "uname", "wait", "O_NONBLOCK", "O_DIRECTORY", "O_CLOEXEC", "O_NOFOLLOW",
)  # fmt: skip
SIGNALS = {"SIGABRT", "SIGFPE", "SIGILL", "SIGINT", "SIGSEGV", "SIGTERM"}
# Loaded as they are for this system: they are others' business, and whole on Windows too.
BEFORE = (
    "aiohttp", "aiohttp.web", "asyncio", "cffi", "click", "click.testing",
    "concurrent.futures.process", "ctypes", "getpass", "importlib.metadata", "logging",
    "mnemonic", "msgpack",
    "multiprocessing.popen_spawn_posix", "multiprocessing.pool", "multiprocessing.resource_tracker",
    "multiprocessing.shared_memory", "multiprocessing.synchronize",
    "nacl.bindings", "plyvel", "prometheus_client", "pydantic", "pydantic.networks",
    "pydantic_core", "rich.progress", "rich.table", "segno", "shutil", "sqlite3", "ssl",
    "subprocess", "tempfile", "uuid", "xml.etree.ElementTree", "zipfile",
)  # fmt: skip
OPEN = Path("/proc/self/fd")  # a link for each open file
OURS = r"(chain|consensus|contracts|node|p2p)\."
SHARING_VIOLATION = 13, "The process cannot access the file because it is being used by another"


class Seen(types.ModuleType):
    """A module as Windows has it: without some names, with others."""

    def __init__(self, real: Any, absent: Any, **others: Any) -> None:
        super().__init__(real.__name__)
        self.__dict__.update(_real=real, _absent=frozenset(absent), **others)

    def __getattr__(self, name: str) -> Any:
        if name in self._absent:
            raise AttributeError(f"{self.__name__} has no {name} on Windows")
        return getattr(self._real, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._real, name, value)


def _open(path: Any, *rest: Any, **named: Any) -> int:
    if not isinstance(path, int) and Path(path).is_dir():
        raise PermissionError(13, "Permission denied", str(path))
    return os.open(path, *rest, **named)


def _kill(_pid: int, _number: int) -> None:
    raise AssertionError("on Windows this ends the process, whatever the signal")


def _see_windows() -> None:
    """Let modules that are imported from now on find what Windows has."""
    for name in BEFORE:
        importlib.import_module(name)
    for package in ("rich", "click", "encodings"):
        for found in pkgutil.iter_modules(importlib.import_module(package).__path__):
            if not found.name.startswith("_win") and found.name not in {"mbcs", "oem", "__main__"}:
                with suppress(ImportError):
                    importlib.import_module(f"{package}.{found.name}")

    def locking(handle: int, _mode: int, _count: int) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise PermissionError(13, "Permission denied") from error

    registry = types.ModuleType("winreg")
    registry.__dict__.update(OpenKey=_not_in_registry, HKEY_LOCAL_MACHINE=0)
    locks = types.ModuleType("msvcrt")
    locks.__dict__.update(locking=locking, LK_NBLCK=2)
    absent = {name for name in dir(signal) if name.startswith("SIG") and name[3:4] != "_"}
    absent = (absent - SIGNALS) | {"pthread_kill", "sigwait", "alarm", "setitimer"}
    sys.modules |= {
        "os": Seen(os, ABSENT_OF_OS, name="nt", open=_open, kill=_kill),
        "sys": Seen(sys, (), platform="win32"),
        "signal": Seen(signal, absent, SIGBREAK=signal.SIGTTIN),
        "msvcrt": locks,
        "winreg": registry,
        "ctypes": Seen(
            importlib.import_module("ctypes"), (), windll=Answering(), WINFUNCTYPE=_as_it_is
        ),
    }
    for name in ABSENT:
        sys.modules[name] = None  # type: ignore[assignment]  # how an import is made to fail
    loop: Any = asyncio.SelectorEventLoop
    loop.add_signal_handler = loop.add_reader = loop.add_writer = _not_there


class Answering:
    """A library of Windows whose functions all answer 0."""

    def __getattr__(self, _name: str) -> Any:
        return Answering()

    def __call__(self, *_arguments: Any) -> int:
        return 0


def _as_it_is(*_types: Any) -> Any:
    return lambda function: function


def _not_in_registry(*_arguments: Any) -> None:
    raise FileNotFoundError(2, "The system cannot find the file specified")


def _not_there(*_arguments: Any) -> None:
    raise NotImplementedError


def _opened() -> set[str]:
    """Return the files that this process has open."""
    found = set()
    for one in OPEN.iterdir():
        with suppress(OSError):
            found.add(str(one.readlink()))
    return found


def _guard(event: str, arguments: tuple[Any, ...]) -> None:
    """Refuse to move or remove what is open, or to move over a folder, as Windows does."""
    if event not in {"os.rename", "os.remove"}:
        return
    paths = arguments[:2] if event == "os.rename" else arguments[:1]
    if any(isinstance(one, int) and one != -1 for one in arguments[len(paths) :]):
        return  # beside an open folder: how shutil removes trees on other systems
    if event == "os.rename" and Path(os.fsdecode(paths[1])).is_dir():
        raise PermissionError(13, "Access is denied", os.fsdecode(paths[1]))
    opened = _opened()
    for path in paths:
        place = os.path.realpath(os.fsdecode(path))
        if place in opened or any(one.startswith(place + "/") for one in opened):
            raise PermissionError(*SHARING_VIOLATION, os.fsdecode(path))


def main(words: list[str]) -> int:
    """Run the commands."""
    if not OPEN.is_dir():
        return 77
    _see_windows()
    sys.addaudithook(_guard)
    warnings.filterwarnings("error", category=EncodingWarning, module=OURS)
    commands: list[list[str]] = [[]]
    for word in words:
        if word == "--":
            commands.append([])
        else:
            commands[-1].append(word)
    run = importlib.import_module("node.cli").main
    for command in commands:
        try:
            run(command, prog_name="washnode")
        except SystemExit as end:
            sys.stderr.write(f"{command[0]} {end.code or 0}\n")
            if end.code:
                return int(end.code)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
