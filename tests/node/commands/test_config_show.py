"""`washnode config show`: what a node would start with, and where each setting comes from."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.config import setting_names


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    text = '[rpc]\nport = 9000\n[pages]\nzone = "Asia/Tokyo"\n'
    (tmp_path / "config.toml").write_text(text, encoding="utf-8")
    return tmp_path


def run(folder: Path, *words: str, **environment: str) -> Result:
    env = {"WASH_LANG": "en", **environment}
    return CliRunner().invoke(main, ["config", "show", *words, "--data", str(folder)], env=env)


def test_what_was_changed_is_shown_with_what_says_so(folder: Path) -> None:
    done = run(folder, "--origin", "--changed", WASH_RPC_PORT="9001", WASH_LOG_LEVEL="error")

    assert done.stdout.splitlines() == [
        'log_level = "error"  # WASH_LOG_LEVEL',
        "rpc.port = 9001  # WASH_RPC_PORT",
        f'pages.zone = "Asia/Tokyo"  # {folder / "config.toml"}',
    ]


def test_all_are_shown_or_those_that_are_named(folder: Path) -> None:
    every = json.loads(run(folder, "--json").stdout)["settings"]
    some = run(folder, "pages.zone", "store.sync")
    section = run(folder, "keys").stdout.splitlines()

    assert [one["name"] for one in every] == list(setting_names())
    assert some.stdout == 'store.sync = true\npages.zone = "Asia/Tokyo"\n'
    assert [line.partition(".")[0] for line in section] == ["keys"] * len(section)


def test_what_is_no_setting_and_settings_that_are_none_are_told(folder: Path) -> None:
    unknown = run(folder, "rpc.prot")
    (folder / "config.toml").write_text("[rpc]\nprot = 1\n", encoding="utf-8")
    wrong = run(folder)

    assert (unknown.exit_code, wrong.exit_code) == (3, 2)
    assert "rpc.prot: no such setting" in wrong.stderr
