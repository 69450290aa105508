"""`washnode rehearse --validators`: four processes come to what one comes to, or it is told."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from node.devnet import rehearsal
from node.devnet.rehearsal import ValidatorsChain, rehearse_among
from node.rehearse.agreement import DifferenceError, Kept, read_back
from node.rehearse.errors import RehearsalError
from node.rehearse.plan import Plan, Planner
from node.rehearse.policies import load_policies
from node.rehearse.rows import read_rows
from node.rehearse.run import rehearse
from node.rehearse.tally import Tally
from tests.node.generate import generate, write
from tests.node.oracle import expect_files

ROOT = Path(__file__).resolve().parents[2]
NEW_IN_JSON = {"validators", "heights", "state_root"}

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]
in_proc = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("history")
    write(folder, *generate(7, 60, 40))
    return folder


def plan_of(history: Path) -> Plan:
    rules = load_policies(history / "policies.json")
    return Planner(rules).add_all(read_rows(history / "bookings.csv.gz"))


def command(history: Path, *more: object) -> list[str]:
    files = (history / "bookings.csv.gz", "--policies", history / "policies.json")
    return [sys.executable, "-m", "node", "rehearse", *map(str, (*files, *more))]


def run(history: Path, *more: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(history, *more), capture_output=True, text=True, check=False, cwd=ROOT
    )


def children_in(folder: Path) -> list[int]:
    """Return the processes of nodes whose data lies under a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.startswith(os.fsencode(folder)) for word in words):
            found.append(int(entry.name))
    return found


def test_four_validators_come_to_the_same_table_as_one_to_the_cent(history: Path) -> None:
    expected = expect_files(history / "bookings.csv.gz", history / "policies.json")
    alone = run(history, "--json")

    among = run(history, "--validators", 4, "--json")

    assert (among.returncode, among.stderr) == (0, "")
    one: dict[str, Any] = json.loads(alone.stdout)
    four: dict[str, Any] = json.loads(among.stdout)
    changing = {"seconds", "signature_rate"}
    assert four.keys() - one.keys() == NEW_IN_JSON
    assert {name: four[name] for name in one.keys() - changing} == {
        name: one[name] for name in one.keys() - changing
    }
    assert (four["validators"], four["heights"]) == (4, one["blocks"])
    assert len(bytes.fromhex(four["state_root"])) == 32
    shops = {shop.pop("shop_id"): shop for shop in four["shops"]}
    assert shops == expected["shops"]


def test_a_table_that_differs_in_a_cent_ends_it_and_is_named(
    history: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = read_back

    def altered(name: str, *where: Any) -> Kept:
        found = original(name, *where)
        if name == "node2":
            tally: Tally = found.tally
            shop = next(iter(tally.shops.values()))
            shop.payouts += 1
        return found

    monkeypatch.setattr(rehearsal, "read_back", altered)

    with pytest.raises(DifferenceError, match=r"^node2: shop '.*': payouts is"):
        rehearse_among(plan_of(history), 2, rehearse(plan_of(history)).tally)


@in_proc
def test_a_validator_that_dies_ends_it_and_the_others_are_stopped(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    begin = ValidatorsChain.begin
    seen: list[int] = []

    def begin_and_lose_one(self: ValidatorsChain) -> None:
        begin(self)
        seen.extend(children_in(tmp_path))
        self._net.kill("node3")

    monkeypatch.setattr(ValidatorsChain, "begin", begin_and_lose_one)

    with pytest.raises(RehearsalError, match=r"^node3 ended with -9"):
        rehearse_among(plan_of(history), 4, Tally({}))

    assert len(seen) == 4
    assert children_in(tmp_path) == []


@in_proc
@pytest.mark.parametrize(
    ("number", "expected"),
    [(signal.SIGINT, 1), pytest.param(signal.SIGTERM, 143, marks=pytest.mark.whole)],
)
def test_an_interrupted_rehearsal_leaves_no_process_behind(
    history: Path, tmp_path: Path, number: signal.Signals, expected: int
) -> None:
    environment = {**os.environ, "TMPDIR": str(tmp_path)}
    child = subprocess.Popen(
        command(history, "--validators", 4),
        cwd=ROOT,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while len(list(tmp_path.glob("*/validators/*/node.json"))) < 4:  # they serve
            assert child.poll() is None, "it ended before its validators were there"
            time.sleep(0.05)
        child.send_signal(number)
        code = child.wait()
    finally:
        child.kill()

    assert code == expected
    assert children_in(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", ["0", "17", "four"])
def test_so_many_validators_are_refused_before_anything_runs(history: Path, count: str) -> None:
    done = run(history, "--validators", count)

    assert done.returncode == 2
    assert "--validators" in done.stderr
