"""What all commands share: exit codes, JSON, languages, help that imports nothing heavy."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pytest
from click.testing import CliRunner, Result

from chain.errors import StoreError, WashError
from node.cli import main
from node.client import (
    Expired,
    Forbidden,
    InvalidParams,
    NodeNotReady,
    NodeUnreachable,
    NotFound,
    RateLimited,
    Refused,
    StillPending,
    Unauthenticated,
    WashRpcError,
)
from node.commands import connect
from node.commands.common import LazyGroup
from node.commands.faults import describe_error
from node.config import ConfigError
from node.keys.errors import KeyFileError

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("aiohttp", "pydantic", "rich", "plyvel", "nacl", "asyncio", "node.client")


class FakeWash:
    """A client whose answers are scripted: by method a value, or an error to raise."""

    def __init__(self, answers: dict[str, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        pass

    def rpc(self, method: str, **params: Any) -> Any:
        self.asked.append((method, params))
        answer = self.answers[method]
        if isinstance(answer, Exception):
            raise answer
        return answer


def run(*words: str, environment: dict[str, str] | None = None) -> Result:
    env = {"WASH_LANG": "en", **(environment or {})}
    return CliRunner().invoke(main, words, prog_name="washnode", env=env)


@pytest.fixture
def wash(monkeypatch: pytest.MonkeyPatch) -> FakeWash:
    fake = FakeWash({})
    monkeypatch.setattr(connect, "make_client", lambda _url, _token, _timeout_s: fake)
    return fake


@pytest.mark.parametrize(
    ("error", "exit_code"),
    [
        (NodeUnreachable("no answer"), 5),
        (NodeNotReady("starting"), 5),
        (NotFound("nothing"), 3),
        (Unauthenticated("token"), 4),
        (Forbidden("token"), 4),
        (InvalidParams("wrong"), 2),
        (RateLimited("slowly"), 1),
        (Refused("no", code=2001, name="INSUFFICIENT_FUNDS"), 6),
        (Refused("no", code=3001), 6),
        (Expired("ab", None), 6),
        (StillPending("ab", 5), 7),
        (WashRpcError("disk", code=7001), 1),
        (KeyFileError("wrong passphrase"), 4),
        (ConfigError("file", "what"), 2),
        (StoreError("disk"), 1),
        (WashError("what"), 1),
    ],
)
def test_every_kind_of_failure_has_its_exit_code(error: WashError, exit_code: int) -> None:
    assert describe_error(error).exit_code == exit_code


def test_an_error_takes_one_line_and_with_json_one_object(wash: FakeWash) -> None:
    wash.answers["tx_get"] = NotFound("no such thing", data={"zh": "没有"})

    plain = run("tx", "show", "ab")
    as_json = run("tx", "show", "ab", "--json")
    chinese = run("tx", "show", "ab", "--lang", "zh")

    assert (plain.exit_code, plain.stdout) == (3, "")
    assert plain.stderr == "washnode: no such thing\n"
    assert chinese.stderr == "washnode: 没有 (no such thing)\n"
    assert as_json.exit_code == 3
    assert json.loads(as_json.stdout) == {
        "error": {
            "code": 6001,
            "name": "NOT_FOUND",
            "message": "no such thing",
            "zh": "没有",
            "fix": None,
            "exit_code": 3,
        }
    }


def test_an_unreachable_node_is_told_with_how_to_start_one() -> None:
    with socket.socket() as held:  # bound and never listened on: nobody else answers there
        held.bind(("127.0.0.1", 0))

        result = run("status", "--rpc", f"http://127.0.0.1:{held.getsockname()[1]}")

    assert result.exit_code == 5
    assert result.stderr.count("\n") == 1
    assert "start one with `washnode run`" in result.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nosuch"], "no such command nosuch; see washnode --help"),
        (["tx", "show"], "ID is missing; see washnode tx show --help"),
        (["status", "--rcp"], "no such option --rcp; is it --rpc?"),
        (["dev", "--seed", "a", "--no-seed"], "give --seed or --no-seed, not both"),
        (["call", "nonsense"], "'nonsense' names no contract; write it like booking.request"),
        (["tx", "wait", "ab", "--timeout", "soon"], "'soon' is no length of time; write it"),
    ],
)
def test_a_slip_on_the_command_line_takes_one_line(words: list[str], said: str) -> None:
    result = run(*words)

    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith(f"washnode: {said}")
    assert result.stderr.count("\n") == 1


def test_the_lights_of_a_node_decide_the_exit_code(wash: FakeWash) -> None:
    wash.answers["node_info"] = {"version": "1", "chain_name": "c", "chain_id": "ab"}
    well: dict[str, Any] = {"ready": True, "height": 3, "pending": 0, "peers": 0, "warnings": []}
    disk = {"code": "DISK_LOW", "text": "9 bytes free", "fix": "make room"}
    old = {"code": "RECOVERED", "text": "made anew", "fix": "look"}

    codes = []
    for health in (well, well | {"warnings": [old]}, well | {"warnings": [old, disk]}):
        wash.answers["node_health"] = {"at": {}, "data": health}
        done = run("status", "--json")
        codes.append((done.exit_code, json.loads(done.stdout)["light"]))

    assert codes == [(0, "green"), (0, "yellow"), (8, "red")]


@pytest.mark.parametrize(
    ("status", "exit_code"), [("pending", 7), ("expired", 6), ("unknown", 3), ("failed", 6)]
)
def test_the_exit_code_of_show_is_that_of_the_outcome(
    wash: FakeWash, status: str, exit_code: int
) -> None:
    wash.answers["tx_get"] = {"tx_id": "ab", "status": status}

    assert run("tx", "show", "ab", "--json").exit_code == exit_code


def test_words_of_rpc_are_read_as_the_method_declares_them(wash: FakeWash) -> None:
    params = [{"name": "limit", "schema": {"type": "integer"}, "required": False}]
    method = {"name": "m", "params": params, "tags": [{"name": "public"}]}
    wash.answers = {"rpc.discover": {"methods": [method]}, "m": {"items": []}}

    done, wrong = run("rpc", "m", "limit=10", "--json"), run("rpc", "n")

    assert json.loads(done.stdout) == {"result": {"items": []}}
    assert wash.asked[1] == ("m", {"limit": 10})
    assert (wrong.exit_code, wrong.stderr) == (
        2,
        "washnode: no method 'n'; see washnode rpc rpc.discover\n",
    )


def test_a_success_names_the_next_command(wash: FakeWash) -> None:
    wash.answers["dev_snapshot"] = {"snapshot": "4", "height": 2, "time": 5}

    plain, as_json = run("dev", "snapshot"), run("dev", "snapshot", "--json")
    quiet = run("dev", "snapshot", "--quiet")

    assert plain.stderr == "Next: washnode dev revert 4\n"
    assert json.loads(as_json.stdout)["next"] == "washnode dev revert 4"
    assert (as_json.stderr, quiet.stderr) == ("", "")


def test_what_a_node_says_can_not_command_the_terminal(wash: FakeWash) -> None:
    wash.answers["tx_explain"] = {"sentence": "paid \x1b[31m", "steps": ["\u202eback"]}

    done, as_json = run("tx", "explain", "ab"), run("tx", "explain", "ab", "--json")

    assert done.stdout == "paid \\u001b[31m\n  - \\u202eback\n"
    assert "\x1b" not in as_json.stdout
    assert json.loads(as_json.stdout)["sentence"] == "paid \x1b[31m"


def test_a_chain_with_money_is_never_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "genesis.json").write_text('{"params": {"dev": 0}}', encoding="utf-8")

    result = run("dev", "--data", str(tmp_path), "--fresh", "--yes")

    assert result.exit_code == 2
    assert "holds no development chain" in result.stderr
    assert (tmp_path / "genesis.json").exists()


def test_without_a_terminal_a_question_is_an_error_not_a_wait(tmp_path: Path) -> None:
    (tmp_path / "genesis.json").write_text('{"params": {"dev": 1}}', encoding="utf-8")

    result = run("dev", "--data", str(tmp_path), "--fresh")

    assert result.exit_code == 2
    assert result.stderr.endswith("nobody is there to ask: give --yes\n")


def test_a_token_goes_only_where_one_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "tokens.json").write_text('{"shop": "s", "admin": "a"}', encoding="utf-8")
    monkeypatch.delenv("WASH_TOKEN", raising=False)

    found = [connect.find_token(tmp_path, tier) for tier in ("public", "shop", "admin")]

    assert found == [None, "s", "a"]


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["tx"], ["dev", "--help"]])
def test_help_imports_nothing_heavy(words: list[str]) -> None:
    code = (
        "import sys\nfrom node.cli import main\n"
        f"try:\n    main({words!r}, prog_name='washnode')\n"
        "except SystemExit:\n    pass\n"
        f"print([one for one in {HEAVY!r} if one in sys.modules], file=sys.stderr)"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )

    assert done.stderr.splitlines()[-1] == "[]"


def test_completing_a_word_imports_nothing_heavy() -> None:
    code = (
        "import sys\nfrom node.cli import main\n"
        "try:\n    main([], prog_name='washnode')\n"
        "except SystemExit:\n    pass\n"
        f"print([one for one in {HEAVY!r} if one in sys.modules], file=sys.stderr)"
    )
    wanted = {"_WASHNODE_COMPLETE": "bash_complete", "COMP_WORDS": "washnode st", "COMP_CWORD": "1"}

    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=ROOT,
        env=os.environ | wanted,
    )

    assert done.stdout.split() == ["plain,start", "plain,stop", "plain,status"]
    assert done.stderr.splitlines()[-1] == "[]"


def test_every_command_takes_the_options_that_all_take() -> None:
    main.load_all()

    def walk(group: Any, path: str) -> list[tuple[str, set[str]]]:
        found = []
        for name, one in group.commands.items():
            options = {option for param in one.params for option in param.opts}
            if hasattr(one, "commands"):
                found += walk(one, f"{path} {name}")
            else:
                found.append((f"{path} {name}", options))
        return found

    assert isinstance(main, LazyGroup)
    lacking = [
        (path, sorted({"--json", "--lang", "--yes", "--quiet"} - options))
        for path, options in walk(main, "washnode")
    ]
    assert [one for one in lacking if one[1]] == []
