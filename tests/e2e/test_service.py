"""A node as a service, with the machine's own service manager where one runs."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from node.commands.connect import find_running
from tests.e2e.gateway import ROOT, command, facts

NAME = f"washnode-test-{os.getpid()}"
PATIENCE_S = 60


def state_of(*words: str) -> str:
    """Return what a service manager says of itself."""
    asked = ["systemctl", *words, "is-system-running"]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.strip() or done.stderr.strip()


def find_manager() -> tuple[str, tuple[str, ...], tuple[str, ...]]:
    """Return why no service can be tried, or "", with words for systemctl and for our command.

    The user's own manager is asked first; a machine's owner without one has that of the machine.
    """
    if shutil.which("systemctl") is None:
        return "no systemd here", (), ()
    state = state_of("--user")
    if state in WORKING:
        return "", ("--user",), ()
    whole = state_of()
    if whole in WORKING and os.geteuid() == 0:
        return "", (), ("--system",)
    return f"systemd says: {state}; {whole}", (), ()


WORKING = {"running", "degraded"}
REASON, CONTROL, SCOPE = find_manager()
pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(bool(REASON), reason=REASON or "one runs"),
]


def until(holds: Callable[[], Any], what: str) -> Any:
    end = time.monotonic() + PATIENCE_S
    while not (found := holds()):
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.2)
    return found


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    """A chain of one validator whose key needs nobody; its service is taken away afterwards."""
    # A service of the machine has a /tmp of its own.
    place = Path(tempfile.mkdtemp(prefix=NAME, dir="/var/lib")) if SCOPE else tmp_path
    folder = place / "data"
    words = [sys.executable, "-m", "node", "init", str(folder), "--no-passphrase"]
    subprocess.run(words, check=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    with (folder / "config.toml").open("a", encoding="utf-8") as settings:
        settings.write("\n[rpc]\nport = 0\n")
    yield folder
    command("service", "remove", "--name", NAME, *SCOPE, data=folder)
    shutil.rmtree(place, ignore_errors=True)


def pid_in(data: Path) -> int | None:
    running = find_running(data)
    return None if running is None else running.pid


def control(*words: str) -> str:
    done = subprocess.run(
        ["systemctl", *CONTROL, *words, f"{NAME}.service"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done.stdout.strip()


def test_a_service_comes_back_after_a_kill_and_a_restart_and_stays_away_when_removed(
    data: Path,
) -> None:
    facts("service", "install", "--name", NAME, *SCOPE, data=data)
    first = until(lambda: pid_in(data), "the node")
    enabled = control("is-enabled")  # so it starts with the machine
    os.kill(first, signal.SIGKILL)
    second = until(lambda: (found := pid_in(data)) != first and found, "the node after a kill")
    control("restart")
    third = until(lambda: (found := pid_in(data)) != second and found, "the restarted node")
    said = facts("service", "status", "--name", NAME, *SCOPE, data=data)
    removed = facts("service", "remove", "--name", NAME, *SCOPE, data=data)
    until(lambda: pid_in(data) is None, "the end of the node")

    assert enabled == "enabled"
    assert len({first, second, third}) == 3
    assert (said["installed"], said["manager"], said["runs"]) == (True, "active", True)
    assert not Path(removed["removed"]).exists()


def test_a_node_that_was_started_by_hand_goes_on_as_a_service(data: Path) -> None:
    words = [sys.executable, "-m", "node", "run", "--data", str(data)]
    with subprocess.Popen(words, env={**os.environ, "PYTHONPATH": str(ROOT)}) as child:
        by_hand = until(lambda: pid_in(data), "the node")
        facts("service", "install", "--name", NAME, *SCOPE, data=data)
        assert child.wait(PATIENCE_S) == 0

    assert until(lambda: pid_in(data), "the service's node") != by_hand
