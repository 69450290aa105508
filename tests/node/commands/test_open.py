"""`washnode open` and `washnode update check`: where the pages are, and what is later."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node import __version__
from node.cli import main
from node.client import NodeUnreachable
from node.commands import connect
from node.commands import open as opening
from tests.node.commands.test_common import FakeWash

HERE = "http://127.0.0.1:8787"
SHOP = "acct1shop"


@pytest.fixture
def wash(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeWash:
    """Return a shop's node whose folder is `tmp_path`, in a session with a screen."""
    fake = FakeWash({"node_info": {"sponsor": SHOP, "version": "0.1.0"}})
    monkeypatch.setattr(connect, "make_client", lambda _url, _token, _timeout_s: fake)
    monkeypatch.setattr(connect, "find_node", lambda: (HERE, tmp_path))
    monkeypatch.setattr(opening, "_has_pages", lambda _address: True)
    monkeypatch.setenv("DISPLAY", ":0")
    return fake


@pytest.fixture
def browser(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    opened: list[str] = []

    def open_one(address: str) -> bool:
        opened.append(address)
        return True

    monkeypatch.setattr("webbrowser.open", open_one)
    return opened


def run(*words: str) -> Result:
    return CliRunner().invoke(main, [*words], env={"WASH_LANG": "en"})


def settings(folder: Path, text: str) -> None:
    (folder / "config.toml").write_text(text, encoding="utf-8")


@pytest.mark.usefixtures("wash")
def test_the_counter_is_opened_and_customers_get_their_code(
    browser: list[str], tmp_path: Path
) -> None:
    settings(tmp_path, '[pages]\nurl = "https://wash.example/"\n')

    done = run("open")

    assert (done.exit_code, browser) == (0, [f"{HERE}/shop"])
    assert done.stdout.splitlines() == [
        f"{HERE}/shop", f"Show this code to customers: https://wash.example/c?s={SHOP}",
    ]  # fmt: skip
    assert len(done.stderr.splitlines()) > 15  # the code itself
    assert f"To print and hang up: {HERE}/s/{SHOP}/poster" in done.stderr


@pytest.mark.usefixtures("wash")
def test_where_no_phone_comes_there_is_no_code_and_it_says_why(browser: list[str]) -> None:
    done = run("open", "--print")

    assert (done.exit_code, browser, done.stdout) == (0, [], f"{HERE}/shop\n")
    assert done.stderr.splitlines()[:2] == [
        "Phones do not reach this node: its settings have no url under [pages].",
        f"Customers' pages on this computer: {HERE}/c?s={SHOP}",
    ]


@pytest.mark.usefixtures("wash")
def test_programs_are_told_and_no_browser_opens(browser: list[str]) -> None:
    said = json.loads(run("open", "--json").stdout)

    assert browser == []
    assert said == {
        "address": f"{HERE}/shop",
        "shop": SHOP,
        "customers": None,
        "here": f"{HERE}/c?s={SHOP}",
        "poster": f"{HERE}/s/{SHOP}/poster",
        "opened": False,
        "next": "washnode doctor",
    }


@pytest.mark.usefixtures("wash")
def test_without_a_screen_no_browser_in_text_takes_the_terminal(
    browser: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setattr("sys.platform", "linux")

    done = run("open")

    assert (done.exit_code, browser) == (0, [])
    assert done.stderr.startswith("No browser opens from here; open the address yourself:\n")


def test_a_gateway_opens_its_first_page_and_a_node_without_pages_says_so(
    wash: FakeWash, browser: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wash.answers["node_info"] = {"sponsor": None}
    gateway = run("open")
    monkeypatch.setattr(opening, "_has_pages", lambda _address: False)
    without = run("open")

    assert (gateway.stdout, browser) == (f"{HERE}/\n", [f"{HERE}/"])
    assert (without.exit_code, 'serve = "on" under [pages]' in without.stderr) == (3, True)


# Updates ----------------------------------------------------------------------------------------


def peers(*versions: str) -> dict[str, Any]:
    return {"peers": [{"software": f"washnode/{one}"} for one in versions]}


@pytest.mark.parametrize(
    ("told", "later", "text"),
    [
        (("9.0.0", "9.0.1"), True, "others run washnode 9.0.0, this is 0.1.0"),
        (("9.0.0", "0.1.0"), False, "washnode 0.1.0; no peer runs a later one"),
        ((), None, "this is washnode " + __version__),
    ],
)
def test_peers_say_whether_there_is_a_later_program(
    wash: FakeWash, told: tuple[str, ...], later: object, text: str
) -> None:
    wash.answers["node_peers"] = peers(*told)

    plain, said = run("update", "check"), json.loads(run("update", "check", "--json").stdout)

    assert (plain.exit_code, plain.stdout) == (0, f"{text}\n")
    assert (said["later"], said["peers"]) == (later, len(told))
    assert ("pip install --upgrade washnode" in plain.stderr) == (later is True)


def test_who_is_alone_is_told_that_nobody_could_be_asked(wash: FakeWash) -> None:
    wash.answers["node_info"] = NodeUnreachable("no answer")

    done = run("update", "check")

    assert (done.exit_code, done.stdout) == (0, f"this is washnode {__version__}\n")
    assert "No node answers" in done.stderr
