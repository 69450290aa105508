"""A node started beside a command, which it outlives; the command waits until it answers."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from node.commands.connect import Running, find_running
from node.commands.output import EXIT_UNREACHABLE, CommandError
from node.commands.words import t
from node.service_files import ERRORS_ONLY

LOG_NAME = "node.log"
START_PATIENCE_S = 60.0
STOP_PATIENCE_S = 15.0
_PAUSE_S = 0.1
_LINES = 3  # of the log that a refusal shows


def ensure_running(folder: Path) -> Running:
    """Return the node that runs in a folder; one is started if none does."""
    found = find_running(folder)
    if found is not None:
        return found
    child = _spawn(folder)
    return await_running(folder, lambda: child.poll() is not None)


def await_running(folder: Path, has_ended: Callable[[], bool] = lambda: False) -> Running:
    """Wait until the node of a folder answers; the end of its process is an end of waiting."""
    end = time.monotonic() + START_PATIENCE_S
    while time.monotonic() < end:
        found = find_running(folder)
        if found is not None:
            return found
        if has_ended():
            break
        time.sleep(_PAUSE_S)
    log = folder / LOG_NAME
    text = t("the node does not start: {lines}", lines=_last_lines(log))
    raise CommandError(text, EXIT_UNREACHABLE, fix=t("read {path}", path=log))


def node_command(folder: Path) -> list[str]:
    """Return the command that runs the node of a folder, with this very program."""
    return [sys.executable, "-m", "node", "run", "--data", str(folder.resolve())]


def _spawn(folder: Path) -> "subprocess.Popen[bytes]":
    more: dict[str, Any] = {"start_new_session": True}
    if sys.platform == "win32":
        flags = subprocess.DETACHED_PROCESS | subprocess.CREATE_NEW_PROCESS_GROUP
        more = {"creationflags": flags}
    environment = {key: value for key, value in os.environ.items() if key not in _NOT_HANDED_ON}
    with (folder / LOG_NAME).open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - this very program
            [*node_command(folder), ERRORS_ONLY],  # this file grows without end
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=environment,
            **more,
        )


_NOT_HANDED_ON = frozenset({"WASH_DATA", "WASH_DATA_DIR", "WASH_RPC", "WASH_TOKEN"})


def _last_lines(path: Path) -> str:
    try:
        lines = path.read_text("utf-8", errors="replace").splitlines()
    except OSError:
        return "-"
    return " / ".join(lines[-_LINES:])[-500:] or "-"


def stop_running(running: Running) -> None:
    """Stop the node of a folder in order, and wait until it is gone."""
    from chain.errors import WashError
    from node.commands.connect import TOKENS_NAME, make_client, read_token

    token = read_token(running.folder / TOKENS_NAME, "admin")
    with suppress(WashError), make_client(running.url, token, STOP_PATIENCE_S) as wash:
        wash.rpc("admin_stop")
    end = time.monotonic() + STOP_PATIENCE_S
    while find_running(running.folder) is not None:
        if time.monotonic() > end:
            raise CommandError(t("{url} does not stop", url=running.url))
        time.sleep(_PAUSE_S)
