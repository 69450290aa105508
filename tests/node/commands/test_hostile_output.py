"""Texts of strangers in what commands print and what logs say: a terminal obeys none of them."""

import json
import logging
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn, Self

import pytest
from click.testing import CliRunner

from chain.ids import encode_id
from node.cli import main
from node.client.errors import read_error
from node.commands import connect
from node.commands.output import (
    CommandError,
    print_facts,
    print_json,
    print_table,
    print_text,
    say,
    warn,
)
from node.demo.accounts import account_of
from node.logs import JsonFormatter, LineFormatter
from node.pages.asking import AskError
from tests.node.rpc.fuzzing import Target, open_target
from tests.pages.pretending import Pretender

VECTORS = Path(__file__).parents[2] / "vectors" / "naughty"
# Beside those that have broken programs: colours, a cleared screen, a window's title, turned text.
OWN = ["\x1b[31mred\x1b[2J", "\x1b]0;title\x07", "\u202egnp.exe", "\u2066a\u2069", "a\r\nb\u2028c"]
TEXTS = [*json.loads((VECTORS / "blns.json").read_text("utf-8")), *OWN]
TEXTS += (VECTORS / "utf8tests.txt").read_bytes().decode("utf-8", "surrogateescape").split("\n")
EACH = 60
BATCHES = ["\n".join(TEXTS[first : first + EACH]) for first in range(0, len(TEXTS), EACH)]
HARMLESS = "harmless"
OBEYED = {"Cc", "Cf", "Cs", "Zl", "Zp"}
JOINERS = "\u200c\u200d"
SHOP = encode_id("acct", account_of("sparkle"))
OF_OURS = {"rpc.discover", "contract_get"}  # what a program reads there is no stranger's text
COMMANDS = (
    ("rpc", "shops.shop", f"shop={SHOP}"),
    ("rpc", "shop_list"),
    ("rpc", "node_info"),
    ("rpc", "block_of", "height=3"),  # there is none: it is said with the names that there are
    ("tx", "show", "{tx}"),
    ("tx", "explain", "{tx}"),
    ("tx", "list"),
    ("events", "tail", "--after", "earliest", "--no-follow", "--long"),
    ("report", "compliance"),
    ("report", "day", "2026-01-05", "--shop", SHOP),
    ("validator", "status"),
    ("gov", "list"),
)


def obeyed(text: str) -> set[str]:
    """Return what a terminal would do more than show; the ends of lines are counted elsewhere."""
    kept = {*JOINERS, "\n"}
    return {one for one in text if one not in kept and unicodedata.category(one) in OBEYED}


class PretendingWash:
    """A client of a node of which every text is a stranger's."""

    def __init__(self, pretender: Pretender) -> None:
        self._pretender = pretender

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def rpc(self, method: str, **params: Any) -> Any:
        if method in OF_OURS:
            return self._pretender.truth(method, params)
        answer = self._pretender.ask(method, params)
        if isinstance(answer, AskError):
            text = self._pretender.text
            raise read_error({"code": answer.code, "message": text, "data": {"zh": text}})
        return answer


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with open_target(tmp_path_factory.mktemp("output")) as made:
        yield made


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_no_command_prints_what_a_terminal_obeys(
    monkeypatch: pytest.MonkeyPatch, target: Target, words: tuple[str, ...], lang: str
) -> None:
    pretender = Pretender(target)
    tx = target.ask("tx_list", limit=1)["items"][0]["tx_id"]
    monkeypatch.setattr(connect, "make_client", lambda *_given: PretendingWash(pretender))

    def run(text: str) -> str:
        pretender.text = text
        asked = [one.format(tx=tx) for one in words]
        return CliRunner().invoke(main, asked, prog_name="washnode", env={"WASH_LANG": lang}).output

    harmless = run(HARMLESS)
    outputs = [run(text) for text in BATCHES]

    assert len(harmless) > 0
    assert set().union(*map(obeyed, outputs)) == set()
    assert {one.count("\n") for one in outputs} == {harmless.count("\n")}


def test_every_way_to_say_something_takes_one_line_for_each(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table(("a", "b"), [(text, text) for text in TEXTS])
    print_facts({f"fact {number}": text for number, text in enumerate(TEXTS)})
    for text in TEXTS:
        print_text(text)
        say(text)
        warn(text)
        CommandError(text, fix=text).show()
        print_json({text: text})
    written, said = capsys.readouterr()

    assert (obeyed(written), obeyed(said)) == (set(), set())
    assert written.count("\n") == 1 + 4 * len(TEXTS)
    assert said.count("\n") == 3 * len(TEXTS)


@pytest.mark.parametrize("formatter", [JsonFormatter(), LineFormatter()], ids=["file", "terminal"])
def test_a_log_has_a_line_for_each_record_and_nothing_that_a_terminal_obeys(
    formatter: logging.Formatter,
) -> None:
    lines = []
    for text in TEXTS:
        record = logging.makeLogRecord({"name": text, "msg": "%s came", "args": (text,)})
        record.said = text
        lines.append(formatter.format(record))

    assert obeyed("".join(lines)) == set()
    assert [one for one in lines if "\n" in one] == []


def break_with(text: str) -> NoReturn:
    raise ValueError(text)


def test_what_failed_with_a_strangers_text_is_told_in_lines_of_its_own() -> None:
    told = []
    for text in TEXTS:
        try:
            break_with(text)
        except ValueError:
            record = logging.makeLogRecord({"msg": "failed", "exc_info": sys.exc_info()})
        told += [LineFormatter().format(record), JsonFormatter().format(record)]

    assert obeyed("".join(told)) == set()
