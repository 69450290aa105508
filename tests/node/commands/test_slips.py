"""What people get wrong, and where things lie that have moved: words, keys, folders, numbers."""

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.client import NodeUnreachable
from node.commands import passphrase
from node.commands.connect import find_running
from node.commands.faults import describe_error, describe_os_error
from node.commands.output import pad, print_facts, print_table
from node.commands.passphrase import take_passphrase
from node.commands.run import find_config
from node.commands.words import set_lang
from node.storage.folder import FolderLock, is_held


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    set_lang("en")
    yield
    set_lang("en")


def run(*words: str, typed: str = "") -> Result:
    return CliRunner().invoke(main, [*words, "--lang", "en"], input=typed)


def test_a_number_that_another_program_has_by_now_is_no_node(tmp_path: Path) -> None:
    facts = {"pid": os.getpid(), "url": "http://127.0.0.1:1"}
    (tmp_path / "node.json").write_text(json.dumps(facts), "utf-8")

    after_a_power_cut = find_running(tmp_path)
    lock = FolderLock(tmp_path / "chain")
    while_it_runs, held = find_running(tmp_path), is_held(tmp_path / "chain")
    lock.release()

    assert after_a_power_cut is None
    assert while_it_runs is not None
    assert while_it_runs.pid == os.getpid()
    assert (held, is_held(tmp_path / "chain")) == (True, False)


def test_a_lock_that_a_dead_node_left_holds_nobody_off(tmp_path: Path) -> None:
    (tmp_path / "chain.lock").touch()

    assert not is_held(tmp_path / "chain")


def test_the_settings_of_a_copied_folder_are_those_of_the_copy(tmp_path: Path) -> None:
    first, copy = tmp_path / "first", tmp_path / "copy"
    made = run("init", str(first), "--no-passphrase", "--json")
    shutil.copytree(first, copy)

    config = find_config(copy / "config.toml", None, {})
    elsewhere = find_config(copy / "config.toml", first, {})

    assert made.exit_code == 0
    assert (config.data_dir, elsewhere.data_dir) == (copy, first)


def test_a_new_key_is_followed_by_a_command_that_finds_it(tmp_path: Path) -> None:
    made = run("key", "new", "till", "--no-passphrase", "--data", str(tmp_path))

    assert made.stderr == f"Next: washnode key backup till --data {tmp_path}\n"


def test_who_leaves_a_question_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def leave(*_: object, **__: object) -> str:
        raise click.Abort

    monkeypatch.setattr(passphrase, "ask_passphrase", leave)
    left = run("init", str(tmp_path / "new"))

    assert (left.exit_code, left.stderr) == (2, "washnode: cancelled\n")
    assert not (tmp_path / "new").exists()


def test_a_new_passphrase_is_asked_until_both_are_the_same(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = iter(["seven77", "first one", "second one", "third one", "third one"])
    monkeypatch.setattr(click, "prompt", lambda *_, **__: next(answers))

    taken = take_passphrase(None, {}, prompt="New", is_terminal=True, is_new=True)

    assert taken == "third one"
    assert capsys.readouterr().err == (
        "a new passphrase has at least 8 characters, this one has 7.\n"
        "The two differ; type it again.\n"
    )


@pytest.mark.parametrize("command", [["key", "new", "till", "--data"], ["init"]])
def test_a_new_passphrase_that_is_soon_guessed_is_refused(
    tmp_path: Path, command: list[str]
) -> None:
    place, file = tmp_path / "new", tmp_path / "passphrase"
    file.write_text("seven77\n", "utf-8")

    refused = run(*command, str(place), "--passphrase-file", str(file))

    assert (refused.exit_code, refused.stdout, place.exists()) == (4, "", False)
    assert refused.stderr == (
        "washnode: a new passphrase has at least 8 characters, this one has 7; take a longer one: "
        "whoever has the file can try millions of short ones\n"
    )


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["stauts"], "no such command stauts; is it status?"),
        (["tx", "sned"], "no such command sned; is it send?"),
        (["--json", "tx", "list"], "no such option --json here; write it behind the command"),
    ],
)
def test_a_slip_is_told_with_what_was_meant(words: list[str], said: str) -> None:
    result = run(*words)

    assert (result.exit_code, result.stderr) == (2, f"washnode: {said}\n")


@pytest.mark.parametrize(
    ("why", "said"),
    [
        (
            "Cannot connect to host h:1 ssl:default [Connect call failed ('127.0.0.1', 1)]",
            "nothing listens there",
        ),
        ("Cannot connect to host h:1 ssl:default [Name not known]", "Name not known"),
        ("Server disconnected", "Server disconnected"),
    ],
)
def test_an_unreachable_node_is_told_in_words_of_the_user(why: str, said: str) -> None:
    error = NodeUnreachable(f"http://h:1 gave no answer: {why}; is the node running?")

    assert describe_error(error).message == f"http://h:1 gave no answer: {said}"


def test_a_file_that_is_not_there_is_told_without_a_number() -> None:
    with pytest.raises(OSError, match="No such file") as missing:
        Path("no/such/actions.json").read_bytes()

    told = describe_os_error(missing.value)

    assert told.message == "no/such/actions.json: No such file or directory"


def test_chinese_stands_in_columns(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts({"链": 1, "height": 2})
    print_table(("表", "name"), [("节点", "a"), ("node", "b")])

    assert pad("绿灯", 6) == "绿灯  "
    assert capsys.readouterr().out.splitlines() == [
        "链      1",
        "height  2",
        "表    name",
        "节点  a",
        "node  b",
    ]
