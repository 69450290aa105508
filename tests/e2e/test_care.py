"""Looking after a node in real processes: copies while it works, brought back, gone on with."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = [sys.executable, "-m", "node"]
pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]
PAYMENTS = 5


def environment(secret: Path) -> dict[str, str]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("WASH_")}
    return plain | {"WASH_LANG": "en", "WASH_PASSPHRASE_FILE": str(secret)}


@dataclass
class Place:
    """A folder for everything, and the file with the passphrase."""

    folder: Path
    secret: Path

    def run(self, *words: object) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*PROGRAM, *map(str, words)],
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
            env=environment(self.secret),
            timeout=100,
        )

    def facts(self, *words: object) -> Any:
        done = self.run(*words, "--json")
        assert done.returncode == 0, (words, done.stdout, done.stderr)
        return json.loads(done.stdout)

    def start(self, data: Path) -> "Started":
        process = subprocess.Popen(
            [*PROGRAM, "run", "--data", str(data), "--port", "0", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            env=environment(self.secret),
        )
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, process.communicate()
        return Started(process, data)

    def pay(self, data: Path) -> int:
        """Send a payment through the node of a folder; returns the height of its block."""
        sent = self.facts(
            "tx", "send", "mint", "asset=CNY", "to=operator", "amount=1.00",
            "--from", "operator", "--data", data,
        )  # fmt: skip
        return int(sent["receipt"]["height"])


@dataclass
class Started:
    """A node in a process of its own."""

    process: subprocess.Popen[str]
    data: Path

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=30)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A running chain of one validator with some payments, in `data`."""
    folder = tmp_path_factory.mktemp("care")
    secret = folder / "secret"
    secret.write_text("correct horse battery staple\n", encoding="utf-8")
    made = Place(folder, secret)
    made.facts("init", folder / "data", "--name", "care")
    node = made.start(folder / "data")
    for _ in range(PAYMENTS):
        made.pay(folder / "data")
    yield made
    node.end()


def test_a_running_node_is_backed_up_and_its_copy_goes_on(place: Place) -> None:
    data, disk = place.folder / "data", place.folder / "disk"
    made = place.facts("backup", "create", disk, "--data", data)
    place.pay(data)  # the node has not even noticed
    tested = place.facts("backup", "test", disk)
    doctor = place.facts("doctor", "--data", data)

    observer, sole = place.folder / "observer", place.folder / "sole"
    place.facts("backup", "restore", disk, "--data", observer)
    place.facts("backup", "restore", disk, "--data", sole, "--sole", "--yes")
    first = place.start(observer)
    seen = place.run("doctor", "--data", observer, "--json")
    first.end()
    second = place.start(sole)
    height = place.pay(sole)
    second.end()

    assert (made["while_running"], made["unsealed_keys"]) == (True, [])
    assert (tested["good"], tested["executed"]) == (True, True)
    assert doctor["light"] == "green"
    lights = {one["name"]: one["light"] for one in json.loads(seen.stdout)["checks"]}
    assert (seen.returncode, lights["observer"]) == (8, "red")
    assert height == made["height"] + 1
    assert place.run("db", "verify", "--data", sole).returncode == 0


def test_a_snapshot_of_a_running_node_begins_another_that_says_what_it_lacks(
    place: Place,
) -> None:
    data, new, file = place.folder / "data", place.folder / "new", place.folder / "file"
    made = place.facts("snapshot", "create", file, "--data", data)
    before = place.facts("rpc", "asset_list", "--data", data)["result"]["data"]
    place.facts("snapshot", "restore", file, "--data", new, "--genesis", data / "genesis.json")
    place.facts("backup", "create", place.folder / "again", "--data", data)
    (new / "keys").mkdir(mode=0o700)
    for key in (data / "keys").iterdir():
        (new / "keys" / key.name).write_bytes(key.read_bytes())
        (new / "keys" / key.name).chmod(0o600)

    node = place.start(new)
    after = place.facts("rpc", "asset_list", "--data", new)["result"]["data"]
    old = place.run("rpc", "chain_getBlock", "height=1", "--data", new, "--json")
    status = place.facts("rpc", "node_info", "--data", new)["result"]
    node.end()

    assert after == before
    assert json.loads(old.stdout)["error"]["name"] == "HISTORY_PRUNED"
    assert (status["head"]["height"], status["roles"]) == (made["height"], ["validator"])
    assert place.facts("db", "verify", "--data", new)["executed"] is False


def test_a_node_that_was_killed_is_copied_and_said_to_have_been(place: Place) -> None:
    data = place.folder / "killed"
    place.facts("init", data)
    node = place.start(data)
    height = place.pay(data)
    node.process.kill()
    node.process.communicate(timeout=30)
    (data / "config.toml").write_text("[rpc]\nport = 0\n", encoding="utf-8")

    seen = json.loads(place.run("doctor", "--data", data, "--json").stdout)
    made = place.facts("backup", "create", place.folder / "disk2", "--data", data)
    tested = place.facts("backup", "test", place.folder / "disk2")
    pruned = place.facts("prune", "--older-than", "1d", "--data", data)

    lights = {one["name"]: one["light"] for one in seen["checks"]}
    assert (lights["chain"], lights["votes"]) == ("yellow", "green")
    assert (made["while_running"], made["height"], tested["executed"]) == (False, height, True)
    assert pruned["blocks"] == 0
