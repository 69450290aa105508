"""Backups by themselves: when one is due, what it does to the node, what becomes of older ones."""

import asyncio
import json
import shutil
import threading
import tomllib
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from click.testing import CliRunner, Result

from chain.types import DAY_MS, HOUR_MS
from node.cli import main
from node.config import Config, load_config
from node.demo.accounts import signer_of
from node.demo.genesis import demo_genesis
from node.nightly import AGE_MS, KEPT, LATE_MS, RETRY_MS, Nightly, is_due
from node.settings_text import with_setting
from node.storage.backup import check_backup, last_backup
from tests.node.demo.setting import WallClock, open_demo

NIGHT_MS = int(datetime(2030, 1, 8, 3, 30, tzinfo=ZoneInfo("Asia/Shanghai")).timestamp()) * 1_000
BEGUN_MS = NIGHT_MS - 12 * HOUR_MS


@pytest.mark.parametrize(
    ("last_ms", "passed_ms", "quiet", "due"),
    [
        (None, 0, True, True),  # the first one, tonight
        (None, HOUR_MS, False, False),
        (None, LATE_MS, False, True),
        (0, AGE_MS - 1, True, False),
        (0, AGE_MS, True, True),
        (0, AGE_MS, False, False),
        (0, LATE_MS - 1, False, False),
        (0, LATE_MS, False, True),  # a computer that is off at night
        (40 * DAY_MS, 0, False, True),  # noted by a clock that was a month ahead
    ],
)
def test_a_day_has_one_backup_at_a_quiet_time_or_late(
    last_ms: int | None, passed_ms: int, *, quiet: bool, due: bool
) -> None:
    assert is_due(last_ms, 0, passed_ms, is_quiet=quiet) is due


class House:
    """A node, and a disk beside it."""

    def __init__(self, folder: Path) -> None:
        self.wall = WallClock(BEGUN_MS)
        self.data, self.disk = folder / "data", folder / "disk"
        self.node: Any = open_demo(self.data, self.wall)
        text = demo_genesis().model_dump_json()
        (self.data / "genesis.json").write_text(text, encoding="utf-8")
        self.disk.mkdir()
        flags = {"data_dir": str(self.data), "store.backup_to": str(self.disk)}
        self.config: Config = load_config(flags=flags)
        self.nightly = Nightly(self.node, self.config)

    async def look(self, at_ms: int) -> Path | None:
        self.wall.now_ms = at_ms
        made = await self.nightly.look()
        return None if made is None else made.folder

    def kept(self) -> list[Path]:
        return sorted(self.disk.glob("washnode-*"), key=lambda one: (len(one.name), one.name))


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = House(tmp_path)
    yield made
    made.node.close()


async def test_at_night_a_good_backup_is_made_once(house: House, tmp_path: Path) -> None:
    by_day = await house.look(BEGUN_MS)
    made = await house.look(NIGHT_MS)
    again = await house.look(NIGHT_MS + 60_000)

    noted = last_backup(house.data)
    assert (by_day, again) == (None, None)
    assert made is not None
    assert noted is not None
    assert (noted.target, noted.made_at_ms) == (str(made), NIGHT_MS)
    (tmp_path / "looked").mkdir()
    assert check_backup(made, tmp_path / "looked").manifest.height == house.node.ledger.height


async def test_a_shop_is_backed_up_after_its_hours(house: House) -> None:
    house.node.sponsor = signer_of("sparkle")  # the demo's shop, open every day from 8 to 20
    noon, late = NIGHT_MS + 9 * HOUR_MS, NIGHT_MS + 17 * HOUR_MS

    found = [await house.look(at) is not None for at in (noon, late)]

    assert found == [False, True]


async def test_the_newest_seven_of_this_chain_are_kept(house: House) -> None:
    (house.disk / "photos").mkdir()
    other = house.disk / "washnode-00000000-000000000001"
    other.mkdir()
    (other / "backup.json").write_text("{}", encoding="utf-8")
    made = [await house.look(NIGHT_MS + day * DAY_MS) for day in range(KEPT + 2)]

    kept = [one for one in house.kept() if one != other]
    assert kept == sorted(made[2:], key=lambda one: (len(str(one)), str(one)))
    assert (other / "backup.json").is_file()
    assert (house.disk / "photos").is_dir()


async def test_backups_of_another_node_and_those_that_people_made_stay(house: House) -> None:
    at_night = NIGHT_MS - DAY_MS
    colleague = await house.look(at_night)  # another shop of the chain, on the same disk
    assert colleague is not None
    (house.data / "nightly.json").unlink()
    by_hand = house.disk / "washnode-by-hand"
    shutil.copytree(colleague, by_hand)

    made = [await house.look(NIGHT_MS + day * DAY_MS) for day in range(KEPT + 1)]

    assert {*house.kept()} == {colleague, by_hand, *made[1:]}


async def test_another_backup_under_the_name_of_an_old_one_stays(house: House) -> None:
    made = [await house.look(NIGHT_MS + day * DAY_MS) for day in range(KEPT)]
    old = made[0]
    assert old is not None
    manifest = json.loads((old / "backup.json").read_text("utf-8"))
    text = json.dumps({**manifest, "made_at_ms": manifest["made_at_ms"] + 1})
    (old / "backup.json").write_text(text, encoding="utf-8")  # of somebody else, meanwhile

    newest = await house.look(NIGHT_MS + KEPT * DAY_MS)

    assert {*house.kept()} == {*made, newest}


async def test_a_disk_that_hangs_holds_up_only_its_backup(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    is_dir = Path.is_dir

    def slow(path: Path, **how: Any) -> bool:
        if path == house.disk:
            asked.append(threading.current_thread().name)
        return is_dir(path, **how)

    monkeypatch.setattr(Path, "is_dir", slow)
    await house.look(NIGHT_MS)

    assert {*asked} == {"backup"}


async def test_a_disk_that_is_not_there_is_tried_again_and_not_made_up_for(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    house.disk.rmdir()
    first = await house.look(NIGHT_MS)
    house.disk.mkdir()
    soon = await house.look(NIGHT_MS + RETRY_MS - 1)
    later = await house.look(NIGHT_MS + RETRY_MS)

    assert (first, soon, later is not None) == (None, None, True)
    assert "is its disk plugged in?" in caplog.text


async def test_whatever_fails_the_node_goes_on(
    house: House, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("node.nightly.create_backup", lambda *_given, **_named: 1 // 0)

    assert await house.look(NIGHT_MS) is None
    assert "no backup could be made" in caplog.text


async def test_a_stop_in_the_middle_leaves_nothing_and_does_not_hang(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def copy_for_ever(_folder: Path) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr("node.nightly.LOOK_S", 0)
    monkeypatch.setattr(house.nightly, "_copy", copy_for_ever)
    house.wall.now_ms = NIGHT_MS
    task = asyncio.ensure_future(house.nightly.run())
    await asyncio.wait_for(begun.wait(), 10)
    task.cancel()
    await asyncio.wait([task])
    thread = house.nightly.thread
    assert thread is not None
    await asyncio.to_thread(thread.join, 10)

    assert (task.cancelled(), thread.is_alive()) == (True, False)
    assert (list(house.disk.iterdir()), last_backup(house.data)) == ([], None)


# The command ------------------------------------------------------------------------------------


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["backup", "nightly", *map(str, words)])


def test_the_folder_is_written_into_the_settings_and_taken_out(tmp_path: Path) -> None:
    data, disk = tmp_path / "data", tmp_path / 'a "disk" 备份'
    data.mkdir()
    disk.mkdir()
    path = data / "config.toml"
    path.write_text("# mine\n[store]\nsync = true\n[rpc]\nport = 0\n", encoding="utf-8")

    done = run(disk, "--data", data, "--json")
    on = tomllib.loads(path.read_text("utf-8"))
    off = run("--off", "--data", data)

    assert json.loads(done.stdout)["backup_to"] == str(disk)
    assert on == {"store": {"sync": True, "backup_to": str(disk)}, "rpc": {"port": 0}}
    assert (off.exit_code, off.stdout) == (0, "No backup by itself.\n")
    assert path.read_text("utf-8").startswith("# mine\n")


def test_what_makes_no_sense_is_refused(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    there = ("--data", tmp_path)
    without = run(tmp_path, *there)
    (tmp_path / "config.toml").write_text("store = {}\n", encoding="utf-8")

    codes = [
        run(*words, *there).exit_code
        for words in (
            (),
            (tmp_path, "--off"),
            (tmp_path / "no",),
            (tmp_path / "inside",),
            ("--off",),
        )
    ]

    assert without.exit_code == 3
    assert codes == [2, 2, 3, 2, 2]


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        ("", '[a]\nb = "c"\n'),
        ("x = 1\n", 'x = 1\n\n[a]\nb = "c"\n'),
        ('[a]\n b = "d" # why\n[e]\n', '[a]\nb = "c"\n[e]\n'),
        ("[a] # here", '[a] # here\nb = "c"\n'),
        ("[a]\nb2 = 1\n", '[a]\nb = "c"\nb2 = 1\n'),
        ("a = { }\n", None),
        ("[a.b]\n", None),
        ("= broken", None),
    ],
)
def test_one_setting_is_written_and_all_else_stays(text: str, changed: str | None) -> None:
    assert with_setting(text, "a", "b", "c") == changed
