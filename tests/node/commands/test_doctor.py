"""`washnode doctor` about machines, files, leftovers, versions and a shop's business."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from node.cli import main
from node.commands import doctor_machine
from node.commands.doctor_machine import (
    Mending,
    check_files,
    check_leftovers,
    check_sleep,
    check_windows_rights,
    run_tool,
)
from node.commands.doctor_node import judge_update, judge_warnings
from node.commands.doctor_shop import check_shop, judge_cover
from tests.make import TestChain

SHOP = "acct1shop"


class Tools:
    """Tools of a system that say what they are told to, by the first words that are asked."""

    def __init__(self, **answers: str | None) -> None:
        self.answers, self.asked = answers, [""]

    def __call__(self, words: list[str]) -> str | None:
        self.asked.append(" ".join(words))
        return self.answers.get(words[0] if words[1:2] != ["/change"] else "change")


POWERCFG = """Power Scheme GUID: 381b4222-f694-41f0-9685-ff5bb260df2e
    Minimum Possible Setting: 0x00000000
    Current AC Power Setting Index: 0x{ac:08x}
    Current DC Power Setting Index: 0x{dc:08x}
"""


@pytest.mark.parametrize(
    ("ac", "mending", "light", "asked"),
    [
        (0, "none", "green", "powercfg /query"),
        (1_800, "none", "yellow", "powercfg /query"),
        (1_800, "told", "yellow", "powercfg /query"),
        (1_800, "done", "green", "powercfg /change standby-timeout-ac 0"),
    ],
)
def test_sleep_on_mains_is_seen_and_turned_off_on_windows(
    ac: int, mending: Mending, light: str, asked: str
) -> None:
    tools = Tools(powercfg=POWERCFG.format(ac=ac, dc=900), change="")

    found = check_sleep(mending, tools, "win32")

    assert (found.light, tools.asked[-1].startswith(asked)) == (light, True)


def test_who_may_not_change_it_is_told_the_command() -> None:
    tools = Tools(powercfg=POWERCFG.format(ac=60, dc=0), change=None)

    found = check_sleep("done", tools, "win32")

    assert (found.light, found.fix) == ("yellow", "powercfg /change standby-timeout-ac 0")


@pytest.mark.parametrize(
    ("case", "light"),
    [
        (("", {}, ""), "green"),
        (("freeze mem", {}, ""), "green"),
        (("freeze mem", {}, "[Login]\nIdleAction=suspend\n"), "yellow"),
        (("freeze mem", {}, "#IdleAction=suspend\nIdleAction=ignore\n"), "green"),
        (("freeze mem", {"gsettings": "'suspend'\n"}, ""), "yellow"),
        (("freeze mem", {"gsettings": "'nothing'\n"}, ""), "green"),
    ],
)
def test_what_lets_linux_sleep_is_found(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    case: tuple[str, dict[str, str], str],
    light: str,
) -> None:
    states, answers, logind = case
    (tmp_path / "state").write_text(states)
    (tmp_path / "logind.conf").write_text(logind)
    monkeypatch.setattr(doctor_machine, "_POWER_STATE", tmp_path / "state")
    monkeypatch.setattr(doctor_machine, "_LOGIND", (str(tmp_path / "logind.conf"),))

    found = check_sleep("none", Tools(systemctl="static\n", **answers), "linux")

    assert found.light == light
    assert ("systemd-inhibit" in found.fix) == (light == "yellow")


def test_a_machine_whose_sleep_is_masked_or_set_to_never_does_not_sleep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "state").write_text("mem")
    monkeypatch.setattr(doctor_machine, "_POWER_STATE", tmp_path / "state")

    def systemctl(words: list[str]) -> str | None:
        return None if words[1] == "is-enabled" else "LoadState=masked\n"

    assert check_sleep("none", systemctl, "linux").light == "green"
    for minutes, light in (("0", "green"), ("10", "yellow")):
        tools = Tools(pmset=f"AC Power:\n displaysleep 5\n sleep                {minutes}\n")
        assert check_sleep("none", tools, "darwin").light == light
    assert check_sleep("none", Tools(), "darwin").light == "green"


def test_a_tool_that_is_missing_or_fails_says_nothing() -> None:
    answers = [run_tool(words) for words in (["no-such-tool"], [sys.executable, "-c", "1/0"])]

    assert answers == [None, None]
    assert run_tool([sys.executable, "-c", "print('yes')"]) == "yes\n"


# Files -----------------------------------------------------------------------------------------


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    (folder / "keys").mkdir(parents=True)
    TestChain(folder / "chain").close()
    return folder


def test_a_file_that_another_program_holds_is_named(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = next((data / "chain").glob("MANIFEST-*"))
    open_file: Callable[..., Any] = Path.open

    def refuse(path: Path, *rest: Any, **named: Any) -> Any:
        if path == held:
            raise PermissionError(13, "The process cannot access the file")
        return open_file(path, *rest, **named)

    before = check_files(data).light
    monkeypatch.setattr(Path, "open", refuse)
    found = check_files(data)

    assert (before, found.light, held.name in found.text) == ("green", "red", True)
    assert "antivirus" in found.fix


@pytest.mark.parametrize("name", ["CURRENT", "MANIFEST"])
def test_a_file_that_has_vanished_is_named(data: Path, name: str) -> None:
    gone = next((data / "chain").glob(f"{name}*"))
    gone.unlink()

    found = check_files(data)

    assert (found.light, gone.name in found.text) == ("red", True)


def test_what_a_stop_left_is_removed_when_asked_and_nothing_else(data: Path) -> None:
    left = [data / "node.json", data / "chain.look-1", data / "keys" / ".till.json.0a.part"]
    left[0].write_text("{}")
    left[1].mkdir()
    (left[1] / "000001.ldb").touch()
    left[2].touch()
    kept = {*data.rglob("*")} - {*left, left[1] / "000001.ldb"}

    seen = [check_leftovers(data, mending).light for mending in ("none", "told")]
    still = [path.exists() for path in left]
    mended = check_leftovers(data, "done")

    assert (seen, still) == (["yellow", "yellow"], [True] * 3)
    assert (mended.light, {*data.rglob("*")}) == ("green", kept)
    assert check_leftovers(data, "none").light == "green"


def test_a_trial_of_mending_tells_and_changes_nothing(data: Path) -> None:
    (data / "tokens.json").touch(0o644)
    (data / "node.json").write_text("{}")
    words = ["doctor", "--data", str(data), "--json"]
    alone = CliRunner().invoke(main, [*words, "--dry-run"])
    tried = json.loads(CliRunner().invoke(main, [*words, "--fix", "--dry-run"]).stdout)
    texts = {one["name"]: one["text"] for one in tried["checks"]}

    assert (alone.exit_code, (data / "node.json").exists()) == (2, True)
    assert (data / "tokens.json").stat().st_mode & 0o777 == 0o644
    assert "--fix would" in texts["rights"]
    assert "--fix would remove node.json" in texts["leftovers"]


def test_rights_of_windows_are_read_by_numbers_and_mended(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USERDOMAIN", "店铺")
    monkeypatch.setenv("USERNAME", "王")
    folder = data / "keys"
    closed = Tools(icacls="已成功处理 1 个文件")
    opened = Tools(icacls=f"找到 SID: {folder}。\n")

    lights = [
        check_windows_rights(data, "none", closed).light,
        check_windows_rights(data, "none", opened).light,
        check_windows_rights(data, "told", opened).light,
        check_windows_rights(data, "done", opened).light,
    ]

    assert lights == ["green", "red", "red", "green"]
    assert opened.asked[-1].startswith(f"icacls {folder} /inheritance:r /grant:r 店铺\\王:")


# Others, and the shop --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("told", "light"),
    [
        ([], "green"),
        (["washnode/0.1.0", "washnode/0.1.0"], "green"),
        (["washnode/0.2.0"], "yellow"),
        (["washnode/9.9.9", "washnode/0.1.0", "washnode/0.1.0"], "green"),  # one alone
        (["washnode/0.10.0", "washnode/0.2.0", "washnode/0.1.0"], "yellow"),
        (["washnode/0.2.0rc", "", "other/1"], "green"),
    ],
)
def test_a_later_version_is_worth_a_look_if_two_peers_run_it(told: list[str], light: str) -> None:
    found = judge_update("0.1.0", told)

    assert found.light == light
    assert light == "green" or "0.2.0" in found.text


def test_what_is_not_sent_is_yellow() -> None:
    codes = ["UNSENT", "SIGN_AGAIN", "ALARM"]
    health = {"warnings": [{"code": one, "text": one, "fix": "do"} for one in codes]}

    assert [one.light for one in judge_warnings(health)][:3] == ["yellow", "yellow", "red"]


class Shop:
    """What a node answers of a shop."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers

    def ask(self, method: str, **_params: Any) -> Any:
        from node.client import NotFound  # noqa: PLC0415 - the one refusal here

        found = self.answers.get(method.replace(".", "_"))
        if found is None:
            raise NotFound(method)
        return found


def standing(**changes: Any) -> dict[str, Any]:
    return {"status": "ADMITTED", "sells": True, "open_days": 0b111_1111, **changes}


PRICES = {"items": [{"service": 1}]}
COVER = {"liability": {"amount": 10_000}, "held": {"amount": 4_000}, "cover_bp": 4_000}


def cases() -> Iterator[tuple[Shop, dict[str, str]]]:
    good = {"shops_standing": standing(), "shop_services": PRICES, "prepaid_cover": COVER}
    green = dict.fromkeys(("shop", "prices", "hours", "cover"), "green")
    yield Shop(**good), green
    yield Shop(**{**good, "shops_standing": standing(sells=False, status="FROZEN")}), {
        **green, "shop": "red",
    }  # fmt: skip
    yield Shop(**{**good, "shop_services": {"items": []}}), {**green, "prices": "red"}
    yield Shop(**{**good, "shops_standing": standing(open_days=0)}), {**green, "hours": "yellow"}
    low = {**COVER, "held": {"amount": 3_999}}
    yield Shop(**{**good, "prepaid_cover": low}), {**green, "cover": "yellow"}
    without = {name: light for name, light in green.items() if name != "cover"}
    yield Shop(**{**good, "prepaid_cover": None}), without
    yield Shop(), {}
    nobody = standing(status=0, sells=False, open_days=0)  # as the register says it knows none
    yield Shop(**{**good, "shops_standing": nobody}), {}


@pytest.mark.parametrize(("shop", "lights"), [*cases()])
def test_a_shop_is_told_what_keeps_customers_away(shop: Any, lights: dict[str, str]) -> None:
    found = check_shop(shop, {"sponsor": SHOP})

    assert {one.name: one.light for one in found} == lights
    assert all(bool(one.fix) == (one.light != "green") for one in found)
    assert check_shop(shop, {"sponsor": None}) == []


def test_cover_counts_what_the_shop_itself_promised() -> None:
    promised = {**COVER, "cover_bp": 8_000}

    assert [judge_cover(one).light for one in (COVER, promised, {})] == ["green", "yellow", "green"]
