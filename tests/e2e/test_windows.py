"""A store PC's whole day with nothing that only POSIX systems have; see tests/windows_like.py."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 60

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(120),
    pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux's list of files"),
]


def words(*commands: str) -> list[str]:
    given = [word for one in commands for word in (*one.split(), "--")][:-1]
    return [sys.executable, "-X", "warn_default_encoding", "-m", "tests.windows_like", *given]


def environment(**more: str) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith("WASH_")}
    kept["WASH_LANG"] = "en"
    return kept | {"WASH_RPC_PORT": "0", "PYTHONIOENCODING": "gbk", "USERNAME": "王"} | more


def ran(*commands: str, **more: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        words(*commands),
        capture_output=True,
        check=False,
        cwd=ROOT,
        env=environment(**more),
        timeout=PATIENCE_S,
    )
    assert done.returncode == 0, (done.stdout[-2_000:], done.stderr[-4_000:])
    return done


@contextmanager
def running(data: Path) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        words(f"run --json --data {data}"),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith(b'{"url"'), (line, process.communicate()[1])
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.fixture(autouse=True)
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the one tool of Windows that is called for lists of rights; it says nothing."""
    tool = tmp_path / "bin" / "icacls"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\nexit 0\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}{os.pathsep}{os.environ['PATH']}")


def test_a_store_pc_needs_nothing_that_windows_lacks(tmp_path: Path) -> None:
    data, usb, brought = tmp_path / "data", tmp_path / "usb", tmp_path / "brought"
    at = f"--data {data}"
    pin, card, shop = tmp_path / "pin", tmp_path / "card.html", tmp_path / "shop"
    pin.write_text("246810\n")
    made = ran(
        f"init {data} --no-passphrase",
        f"key new till {at} --no-passphrase",
        f"key list {at}",
        f"setup --name Crystal --pin-file {pin} --unlock file --card {card} --data {shop}",
        f"service install --print {at}",
    )
    with running(data):
        pass  # a plug that is pulled
    with running(data) as process:
        done = ran(
            f"rpc node_health --json {at}",
            f"tx send admit account=till --from operator {at}",
            f"backup create {usb} {at}",
            f"outbox list {at}",
            f"doctor {at}",
            f"snapshot create {tmp_path / 'one.snapshot'} {at}",
            f"stop {at}",
        )
        code = process.wait(PATIENCE_S)
    ran(
        f"doctor --json {at}",
        f"db verify {at}",
        f"backup test {usb}",
        f"backup restore {usb} --data {brought} --sole --yes",
    )

    health = json.loads(done.stdout.splitlines()[0])["result"]
    assert (code, health["ready"], b"green" in done.stdout) == (0, True, True)
    assert (card.is_file(), b"<Task" in made.stdout) == (True, True)


def test_what_is_open_can_neither_be_moved_nor_removed_in_these_tests(tmp_path: Path) -> None:
    """Else the test above would notice less than it says."""
    held = tmp_path / "held"
    tries = f"""
import sys
from pathlib import Path
from tests.windows_like import _guard
sys.addaudithook(_guard)
path = Path({str(held)!r})
with path.open("w") as file:
    for deed in (path.unlink, lambda: path.rename("other"), lambda: path.parent.rename("other")):
        try:
            deed()
        except PermissionError:
            sys.stdout.write("refused ")
path.unlink()
"""
    done = subprocess.run(
        [sys.executable, "-c", tries], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert (done.stdout, done.stderr, held.exists()) == ("refused " * 3, "", False)
