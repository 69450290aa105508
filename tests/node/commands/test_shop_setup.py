"""A shop's computer by commands alone: set up without a network, and the service that runs it."""

import json
import socket
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chain.types import HOUR_MS
from node.cli import main
from node.commands import service
from node.commands.connect import machine_secret
from node.joining import zone as zones
from node.joining.furnishing import opening_times
from node.joining.plan import PlanError, read_plan
from node.keys.phrase import read_phrase, write_phrase
from node.keys.store import KeyStore
from node.keys.unattended import FILE_NAME
from node.service_files import Machine

PIN = "246810"
CODE = "gate.example/mvyaz-kj6jx-q338p-e7dwn-lrljf-hz5nr-480ht-q088x-k0wqc-fyyv8"


def run(*words: object, lang: str = "en", **environment: str) -> Result:
    env = {"WASH_LANG": lang, "WASH_PIN": "", **environment}
    shown = {name: value or None for name, value in env.items()}
    return CliRunner().invoke(main, [*map(str, words)], prog_name="washnode", env=shown)


def setting_up(folder: Path, *words: object, **environment: str) -> Result:
    given = ("--name", "Crystal", "--unlock", "file", "--card", folder / "card.html", "--port", 0)
    env = {"WASH_PIN": PIN, **environment}
    return run("setup", *given, *words, "--data", folder / "data", **env)


def error_of(done: Result) -> dict[str, Any]:
    assert done.exit_code, done.output
    found: dict[str, Any] = json.loads(done.stdout)["error"]
    return found


def test_a_shop_is_set_up_without_a_network(tmp_path: Path) -> None:
    done = setting_up(tmp_path, "--json", "--bays", 2, "--price", "42.50", "--minutes", 45)

    facts, plan = json.loads(done.stdout), read_plan(tmp_path / "data")
    assert (facts["unlock"], facts["next"]) == ("file", "washnode join CODE")
    assert plan is not None
    assert plan.service is not None
    assert (plan.name, plan.bays, plan.service.price, plan.service.minutes) == (
        "Crystal", 2, 4_250, 45,
    )  # fmt: skip
    assert (plan.code, plan.admitted_at, plan.trading) == ("", None, False)


@pytest.mark.parametrize(
    ("given", "machine", "zone"),
    [
        (("--zone", "Europe/Berlin"), "Asia/Tokyo", "Europe/Berlin"),
        ((), "Asia/Tokyo", "Asia/Tokyo"),
        ((), "UTC", "Asia/Shanghai"),  # a computer that was never told where it stands
    ],
)
def test_opening_hours_are_in_the_zone_of_the_shop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: tuple[str, ...], machine: str, zone: str
) -> None:
    for place in ("_LINK", "_NAME"):
        monkeypatch.setattr(zones, place, tmp_path / "nothing")
    done = setting_up(tmp_path, *given, TZ=machine)
    plan = read_plan(tmp_path / "data")
    assert plan is not None
    settings, profile, *hours = opening_times(plan, 1_700_000_000_000)

    assert f"Opening hours are times of {zone}" in done.stderr
    assert profile["arguments"]["p"]["zone"] == zone
    assert {one["arguments"]["opens"] for one in hours} == {8 * HOUR_MS}
    ahead = {"Europe/Berlin": 1, "Asia/Tokyo": 9, "Asia/Shanghai": 8}[zone]
    assert settings["arguments"]["day_start"] == (8 - ahead) % 24 * HOUR_MS


def test_a_port_that_is_taken_is_told_before_anything_is_made(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        done = setting_up(tmp_path, "--port", taken.getsockname()[1], "--json")

    assert "can not be had" in error_of(done)["message"]
    assert "--port 8790" in error_of(done)["fix"]
    assert not (tmp_path / "data").exists()


def test_a_zone_that_nobody_knows_is_refused(tmp_path: Path) -> None:
    done = setting_up(tmp_path, "--zone", "Asia/Hangzhou", "--json")

    assert error_of(done)["message"] == "Asia/Hangzhou is no time zone"
    assert not (tmp_path / "data").exists()


def test_a_shop_comes_back_from_the_words_of_its_card(tmp_path: Path) -> None:
    first = setting_up(tmp_path / "old", "--json", lang="zh")
    secret = (tmp_path / "old" / "data" / FILE_NAME).read_text("ascii").strip()
    seed = KeyStore(tmp_path / "old" / "data" / "keys").export("shop", secret)
    (tmp_path / "words").write_text(" ".join(write_phrase(seed, "zh")), encoding="utf-8")
    (tmp_path / "wrong").write_text("abandon " * 24, encoding="utf-8")
    back = ("--name", "Crystal", "--unlock", "file", "--port", 0, "--json")
    there = ("--data", tmp_path / "new")

    again = run(
        "setup", *back, *there, "--recover", "--words-file", tmp_path / "words", WASH_PIN=PIN
    )
    none = (*back, "--data", tmp_path / "none")
    wrong = run("setup", *none, "--recover", "--words-file", tmp_path / "wrong", WASH_PIN=PIN)
    alone = run("setup", *none, "--words-file", tmp_path / "words", WASH_PIN=PIN)
    plan = read_plan(tmp_path / "new")

    facts = json.loads(again.stdout)
    assert (facts["shop"], facts["card"]) == (json.loads(first.stdout)["shop"], None)
    assert plan is not None
    assert plan.service is None  # it has its prices
    assert error_of(wrong)["exit_code"] == 4
    assert error_of(alone)["message"] == "--words-file goes with --recover"


@pytest.mark.parametrize(("lang", "title"), [("en", "Recovery card"), ("zh", "恢复卡")])
def test_the_card_has_the_words_of_the_shops_key(tmp_path: Path, lang: str, title: str) -> None:
    done = setting_up(tmp_path, lang=lang)
    card = (tmp_path / "card.html").read_text("utf-8")
    words = " ".join(part.partition("</li>")[0] for part in card.split("<li>")[1:])
    secret = (tmp_path / "data" / FILE_NAME).read_text("ascii").strip()

    assert done.exit_code == 0, done.output
    assert title in card
    assert "<svg" in card
    assert KeyStore(tmp_path / "data" / "keys").export("shop", secret) == read_phrase(words)


def test_a_set_up_that_was_cut_off_keeps_the_account(tmp_path: Path) -> None:
    setting_up(tmp_path)
    before = KeyStore(tmp_path / "data" / "keys").show("shop")
    (tmp_path / "data" / "shop.json").unlink()
    (tmp_path / "card.html").unlink()

    done = setting_up(tmp_path, WASH_PIN="975310")

    assert done.exit_code == 0, done.output
    assert KeyStore(tmp_path / "data" / "keys").show("shop") == before


@pytest.mark.parametrize(
    ("words", "environment", "fault"),
    [
        ((), {"WASH_PIN": "12"}, "6 to 12 digits"),
        ((), {"WASH_PIN": "\uff11\uff12\uff13\uff14\uff15\uff16"}, "6 to 12 digits"),
        ((), {"WASH_PIN": "654321"}, "would be tried first"),
        ((), {"WASH_PIN": ""}, "a PIN is needed"),
        (("--name", "a\nb"), {}, "on one line"),
        (("--price", "cheap"), {}, "no amount"),
        (("--code", CODE[:-1] + "q"), {}, "group 10"),
        (("--code", "gate.example"), {}, "ten groups"),
    ],
)
def test_what_can_not_be_used_is_told_before_a_key_is_made(
    tmp_path: Path, words: tuple[str, ...], environment: dict[str, str], fault: str
) -> None:
    done = setting_up(tmp_path, *words, "--json", **environment)

    assert fault in error_of(done)["message"]
    assert not (tmp_path / "data").exists()


def test_without_a_terminal_the_card_needs_a_file(tmp_path: Path) -> None:
    words = ("--name", "Crystal", "--port", 0, "--json", "--data", tmp_path / "data")
    done = run("setup", *words, WASH_PIN=PIN)

    assert error_of(done)["fix"] == "give --card FILE"


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "card.html").write_text("another shop's", encoding="utf-8")
    taken = setting_up(tmp_path, "--json")
    (tmp_path / "card.html").unlink()
    setting_up(tmp_path)
    again = setting_up(tmp_path, "--json")

    assert error_of(taken)["message"].endswith("is there already")
    assert error_of(again)["fix"] == "to go on: washnode join"


def test_joining_needs_a_set_up_and_a_code(tmp_path: Path) -> None:
    without = run("join", CODE, "--json", "--data", tmp_path / "data")
    setting_up(tmp_path)
    codeless = run("join", "--json", "--data", tmp_path / "data")
    (tmp_path / "data" / "shop.json").write_text("{}", encoding="utf-8")

    assert error_of(without)["fix"] == f"first: washnode setup --code {CODE}"
    assert error_of(codeless)["message"] == "which join code?"
    with pytest.raises(PlanError):
        read_plan(tmp_path / "data")


# The service ------------------------------------------------------------------------------------


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[tuple[str, ...]]:
    """What the service manager was told; nothing is done."""
    heard: list[tuple[str, ...]] = []
    monkeypatch.setattr(service, "_run", lambda words, **_how: heard.append(words))
    monkeypatch.setattr(service, "_ask", lambda _words: "active")
    machine = Machine("linux", tmp_path / "home", "li", 1000)
    monkeypatch.setattr(service, "machine_here", lambda: machine)
    return heard


def make_node(folder: Path, unlock: str, *, is_sealed: bool = True) -> None:
    """Write a folder whose node has one key."""
    KeyStore(folder / "keys").create("validator", "correct horse" if is_sealed else None)
    (folder / "config.toml").write_text(f'[keys]\nunlock = "{unlock}"\n', encoding="utf-8")
    (folder / "genesis.json").write_text("{}", encoding="utf-8")


def test_a_service_is_installed_told_of_and_removed(
    tmp_path: Path, told: list[tuple[str, ...]]
) -> None:
    make_node(tmp_path / "data", "file")
    where = ("--data", tmp_path / "data", "--json")

    before = json.loads(run("service", "status", *where).stdout)
    installed = json.loads(run("service", "install", *where).stdout)
    after = json.loads(run("service", "status", *where).stdout)
    removed = run("service", "remove", *where)
    again = run("service", "remove", *where)

    file = Path(installed["file"])
    assert file == tmp_path / "home/.config/systemd/user/washnode.service"
    assert [before["installed"], after["installed"], after["manager"], after["runs"]] == [
        False, True, "active", False,
    ]  # fmt: skip
    assert ("loginctl", "enable-linger", "li") in told
    assert told[-2:] == [
        ("systemctl", "--user", "disable", "--now", "washnode.service"),
        ("systemctl", "--user", "daemon-reload"),
    ]
    assert removed.exit_code == 0
    assert not file.exists()
    assert again.exit_code == 3


@pytest.mark.parametrize(
    ("machine", "shown"),
    [
        (Machine("linux", PurePosixPath("/people/li"), "li"), "ExecStart="),
        (Machine("darwin", PurePosixPath("/people/li"), "li"), "<key>RunAtLoad</key>"),
        (Machine("win32", PureWindowsPath("C:/people/li"), "li"), "<LogonTrigger>"),
    ],
)
def test_the_file_of_every_system_can_be_looked_at(
    tmp_path: Path, told: list[tuple[str, ...]], machine: Machine, shown: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    make_node(tmp_path / "data", "file")
    monkeypatch.setattr(service, "machine_here", lambda: machine)

    done = run("service", "install", "--print", "--data", tmp_path / "data")

    assert done.exit_code == 0, done.output
    assert shown in done.stdout
    assert told == []


def test_a_service_needs_keys_that_open_by_themselves(
    tmp_path: Path, told: list[tuple[str, ...]]
) -> None:
    make_node(tmp_path / "asks", "ask")
    make_node(tmp_path / "plain", "ask", is_sealed=False)
    make_node(tmp_path / "ring", "keyring")

    asks = run("service", "install", "--json", "--data", tmp_path / "asks")
    plain = run("service", "install", "--json", "--data", tmp_path / "plain")
    early = run("service", "install", "--system", "--json", "--data", tmp_path / "ring")
    nowhere = run("service", "install", "--json", "--data", tmp_path / "nowhere")
    named = run("service", "install", "--name", "a/b", "--json", "--data", tmp_path / "plain")

    assert (asks.exit_code, early.exit_code) == (4, 4)
    assert plain.exit_code == 0, plain.output
    assert error_of(early)["message"].startswith("the keyring opens only")
    assert error_of(nowhere)["fix"] == "first: washnode setup"
    assert error_of(named)["message"] == "a service's name has a-z, 0-9 and -"
    assert told != []


def test_an_unknown_system_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_node(tmp_path, "file")
    machine = Machine("sunos5", PurePosixPath("/"), "li")
    monkeypatch.setattr(service, "machine_here", lambda: machine)

    done = run("service", "status", "--json", "--data", tmp_path)

    assert "no service manager is known" in error_of(done)["message"]


def test_commands_sign_with_keys_that_open_by_themselves(tmp_path: Path) -> None:
    make_node(tmp_path / "file", "file")
    make_node(tmp_path / "asks", "ask")
    (tmp_path / "file" / FILE_NAME).write_text("correct horse\n", encoding="utf-8")
    (tmp_path / "file" / FILE_NAME).chmod(0o600)

    opened = machine_secret(tmp_path / "file", "validator")

    assert opened is not None
    assert opened() == "correct horse"
    assert machine_secret(tmp_path / "file", "another") is None
    assert machine_secret(tmp_path / "asks", "validator") is None
    assert machine_secret(tmp_path, "validator") is None
