"""`washnode dev net` as it is used: a network that starts, loses nodes and stops."""

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from node.commands.connect import find_running
from tests.e2e.test_commands import PROGRAM, ROOT, environment, run
from tests.netted import StuckError

PATIENCE_S = 60.0

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.skipif(os.name != "posix", reason="signals of POSIX"),
]


class Net:
    """A running `washnode dev net`."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [*PROGRAM, "dev", "net", "--out", folder.name, "--json", *words],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=folder.parent,  # the nodes' processes begin elsewhere
            env=environment() | {"PYTHONPATH": str(ROOT)},
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()
        self.facts = json.loads(line)

    def ended(self, number: int = signal.SIGINT) -> tuple[int, str, str]:
        self.process.send_signal(number)
        output, errors = self.process.communicate(timeout=60)
        return self.process.returncode, output, errors

    def alive(self) -> list[str]:
        names = [one["name"] for one in self.facts["nodes"]]
        return [name for name in names if find_running(self.folder / name) is not None]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Callable[..., Net]]:
    """Return what starts a network in one folder; nothing of it outlives the test."""
    begun: list[Net] = []

    def make(*words: str) -> Net:
        begun.append(Net(tmp_path / "net", *words))
        return begun[-1]

    yield make
    for net in begun:
        net.process.kill()
        net.process.communicate()
    for one in tmp_path.glob("net/*"):
        running = find_running(one)
        if running is not None:
            os.kill(running.pid, signal.SIGKILL)


def wait_for(holds: Callable[[], Any], what: str) -> None:
    end = time.monotonic() + PATIENCE_S
    while not holds():
        if time.monotonic() > end:
            raise StuckError(what)
        time.sleep(0.1)


def test_a_killed_node_stays_dead_until_it_is_started_and_ctrl_c_stops_all(
    begin: Callable[..., Net],
) -> None:
    net = begin("--nodes", "3", "--shops", "1")
    rows = {one["name"]: one for one in net.facts["nodes"]}
    assert (list(rows), net.alive()) == (["node1", "node2", "node3", "shop1"], list(rows))
    assert [rows[name]["role"] for name in rows] == ["validator"] * 3 + ["full"]
    health, *infos = [
        json.loads(run("rpc", method, "--rpc", rows[name]["rpc"], "--json").stdout)["result"]
        for method, name in (
            ("node_health", "shop1"),
            ("node_info", "shop1"),
            ("node_info", "node1"),
        )
    ]

    second = run("dev", "net", "--out", net.folder, "--json")
    os.kill(rows["node2"]["pid"], signal.SIGKILL)
    wait_for(lambda: "node2" not in net.alive(), "the end of node2")
    refused = run("dev", "net", "start", "node3", "--out", net.folder)
    unknown = run("dev", "net", "start", "node9", "--out", net.folder)
    dead = net.alive()
    started = json.loads(run("dev", "net", "start", "node2", "--out", net.folder, "--json").stdout)
    alive = net.alive()
    operator = ("--from", "operator", "--data", rows["node1"]["data"], "--json")
    installed = run("contract", "standard", *operator)
    code, _output, errors = net.ended()

    assert net.facts["operator"] == {"key": "operator", "data": rows["node1"]["data"]}
    assert installed.returncode == 0, installed.stderr
    assert health["ready"] is True
    assert [one["roles"] for one in infos] == [["archive"], ["validator", "archive"]]
    assert second.returncode == 2
    assert "node1, node2, node3, shop1" in second.stderr
    assert dead == ["node1", "node3", "shop1"]
    assert (refused.returncode, unknown.returncode) == (2, 3)
    assert started == {
        **rows["node2"],
        "pid": started["pid"],
        "next": f"washnode status --rpc {rows['node2']['rpc']}",
    }
    assert alive == list(rows)
    assert (code, errors, net.alive()) == (0, "", [])


def test_a_network_goes_on_with_its_chain_and_kills_its_own_nodes_if_asked_to(
    begin: Callable[..., Net],
) -> None:
    net = begin("--nodes", "2", "--shops", "0")
    genesis = (net.folder / "node1" / "genesis.json").read_bytes()
    first = net.ended(signal.SIGTERM)

    again = begin("--kill-every", "2s")
    pids = {one["pid"] for one in again.facts["nodes"]}

    def replaced() -> bool:
        # On a busy machine a start takes longer than the time until the next one is killed.
        found = [find_running(net.folder / name) for name in ("node1", "node2")]
        return bool({one.pid for one in found if one} - pids)

    wait_for(replaced, "a node that was killed and started again")
    code, output, _errors = again.ended()

    assert first == (0, "", "")
    assert (net.folder / "node1" / "genesis.json").read_bytes() == genesis
    assert (code, output, again.alive()) == (0, "", [])


def test_a_network_is_thrown_away_only_by_name_and_leaves_what_else_lies_there(
    tmp_path: Path,
) -> None:
    (tmp_path / "net").mkdir()
    (tmp_path / "net" / "diary.txt").write_text("mine", encoding="utf-8")

    refused = run("dev", "net", "--out", tmp_path / "net")

    assert refused.returncode == 2
    assert "has other files; take a folder that is empty or not there" in refused.stderr
    assert [one.name for one in (tmp_path / "net").iterdir()] == ["diary.txt"]
