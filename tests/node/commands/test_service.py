"""The node as a service by commands: what fails changes nothing, what is installed starts it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.commands import background, connect, service
from node.commands.connect import Running
from node.commands.doctor_checks import check_start
from node.commands.output import CommandError
from node.joining.plan import ShopPlan, write_plan
from node.keys.store import KeyStore
from node.service_files import Machine

UNIT = ".config/systemd/user/washnode.service"


class Manager:
    """The service manager, and the node that it starts; `refuses` is the first word it refuses."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.refuses = folder, ""
        self.told: list[str] = []
        self.node: Running | None = None

    def run(self, words: tuple[str, ...], *, may_fail: bool = False) -> None:
        self.told.append(" ".join(words[2:]))
        if self.refuses and self.refuses in words and not may_fail:
            raise CommandError("systemctl failed: Failed to connect to bus")
        if words[2] == "start":
            self.begin(self.folder)

    def begin(self, folder: Path) -> Running:
        self.node = Running("http://127.0.0.1:8787", 77, folder)
        self.told.append("node begins")
        return self.node

    def end(self, _running: Running) -> None:
        self.node = None
        self.told.append("node ends")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    KeyStore(folder / "keys").create("validator", None)
    (folder / "config.toml").write_text("", encoding="utf-8")
    (folder / "genesis.json").write_text("{}", encoding="utf-8")
    write_plan(folder, ShopPlan(name="Crystal", service=None, trading=True))
    return folder


@pytest.fixture
def manager(tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch) -> Manager:
    made = Manager(data)
    monkeypatch.setattr(service, "_run", made.run)
    monkeypatch.setattr(service, "machine_here", lambda: Machine("linux", tmp_path / "home", "li"))
    monkeypatch.setattr(connect, "find_running", lambda _folder: made.node)
    monkeypatch.setattr(background, "find_running", lambda _folder: made.node)
    monkeypatch.setattr(background, "ensure_running", made.begin)
    monkeypatch.setattr(background, "stop_running", made.end)
    return made


def run(data: Path, *words: str) -> Result:
    return CliRunner().invoke(main, [*words, "--data", str(data), "--lang", "en"])


@pytest.mark.parametrize(
    ("refuses", "told"),
    [
        ("daemon-reload", []),  # the node went on
        ("start", ["node ends", "start washnode.service"]),
    ],
)
def test_a_service_that_can_not_be_installed_leaves_the_node_running(
    data: Path, tmp_path: Path, manager: Manager, refuses: str, told: list[str]
) -> None:
    manager.begin(data)
    manager.refuses = refuses

    done = run(data, "service", "install")

    assert done.exit_code == 1
    assert "sign in at this computer itself, or take --system" in done.stderr
    assert (manager.node is not None, (tmp_path / "home" / UNIT).exists()) == (True, False)
    assert [one for one in manager.told if "node ends" in one or one.startswith("start")] == told
    assert [one for one in manager.told if one.startswith("disable")] != []


def test_a_node_is_started_by_its_service_or_without_one_beside_the_command(
    data: Path, tmp_path: Path, manager: Manager
) -> None:
    alone = run(data, "start")
    again = run(data, "start")
    by_hand = list(manager.told)
    installed = run(data, "service", "install")
    manager.node = None
    by_service = run(data, "start", "--json")

    assert [one.exit_code for one in (alone, again, installed, by_service)] == [0] * 4
    assert "Runs: http://127.0.0.1:8787" in again.stdout
    assert by_hand == ["node begins"]
    assert manager.told[-2:] == ["start washnode.service", "node begins"]
    assert json.loads(by_service.stdout)["data"] == str(data)
    assert (tmp_path / "home" / UNIT).exists()


def test_the_doctor_of_a_shop_looks_whether_its_node_starts_by_itself(
    data: Path, manager: Manager
) -> None:
    before = check_start(data)
    run(data, "service", "install")
    after = check_start(data)
    (data / "shop.json").unlink()

    assert before is not None
    assert after is not None
    assert (before.light, before.fix, after.light) == (
        "yellow",
        "washnode service install",
        "green",
    )
    assert check_start(data) is None  # an operator's, who may have ways of their own
    assert manager.node is not None


def test_a_service_of_the_machine_runs_as_who_has_the_data(data: Path, manager: Manager) -> None:
    done = run(data, "service", "install", "--system", "--print")

    assert f"User={data.owner()}" in done.stdout
    assert manager.told == []
