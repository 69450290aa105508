"""`washnode contract`: from a source to a contract on the chain."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.commands.connect import TOKEN_VARIABLE
from node.live.abis import AbiBook
from node.workbench import build_file
from tests.node.client.real_node import TOKENS, demo
from tests.node.workbench.deposit import deposit_source, line_with

POINTS = Path(__file__).parents[2] / "contracts" / "corpus" / "points.wash"
START = "start=2026-01-10T10:00Z"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "deposit.wash"
    path.write_text(deposit_source(), encoding="utf-8")
    return path


def run(*words: object, **environment: str) -> Result:
    runner = CliRunner(env={"WASH_LANG": "en", **environment})
    return runner.invoke(main, ["contract", *map(str, words)])


def said(result: Result) -> Any:
    return json.loads(result.stdout)


# Building ---------------------------------------------------------------------------------------


def test_building_writes_the_container_and_the_abi(source: Path, tmp_path: Path) -> None:
    out = tmp_path / "built"

    result = run("build", source, "--out", out, "--json")

    built = build_file(source)
    assert result.exit_code == 0
    assert (out / "deposit.container").read_bytes() == built.compiled.container_bytes
    assert json.loads((out / "deposit.abi.json").read_text("utf-8")) == built.compiled.abi
    assert said(result) == {
        "name": "Deposits",
        "code_id": built.program.code_id.hex(),
        "bytes": len(built.compiled.container_bytes),
        "container": str(out / "deposit.container"),
        "abi": str(out / "deposit.abi.json"),
        "gas": built.gas(),
        "next": f"washnode contract test {source}",
    }


def test_building_shows_what_each_function_costs_at_most(source: Path) -> None:
    result = run("build", source)

    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["cancel", "action", str(build_file(source).gas()["cancel"])] in rows
    assert (source.parent / "deposit.container").is_file()


def test_a_slip_in_a_source_is_shown_with_its_line(source: Path) -> None:
    text = deposit_source().replace("d.customer == caller()", "d.costumer == caller()")
    source.write_text(text, encoding="utf-8")
    line = line_with('"not_yours"')

    plain, as_json = run("build", source), run("build", source, "--json")

    fault = f"{source}:{line}:17: Deposit has no field costumer; it has customer, shop, start"
    assert (plain.exit_code, as_json.exit_code) == (1, 1)
    assert plain.stderr.splitlines() == [
        f"washnode: {fault}",
        '        require(d.costumer == caller(), "not_yours")',
        "                ^",
    ]
    error = said(as_json)["error"]
    assert (error["name"], error["message"]) == ("BAD_SOURCE", fault)
    assert (error["file"], error["line"], error["column"]) == (str(source), line, 17)


def test_a_source_that_is_not_there_is_not_found() -> None:
    result = run("build", "nowhere.wash")

    assert (result.exit_code, result.stderr) == (3, "washnode: nowhere.wash is no file\n")


def test_the_abi_and_the_machine_code_of_files_are_shown(source: Path) -> None:
    assert run("build", source).exit_code == 0
    container = source.with_suffix(".container")

    abis = [said(run("abi", one, "--json"))["abi"]["name"] for one in (source, container)]
    listings = [run("disasm", one).stdout for one in (source, container)]

    assert abis == ["Deposits", "Deposits"]
    assert listings[0] == listings[1]
    assert listings[0].startswith("contract Deposits (vm 1, wash-1)\n")


def test_a_container_that_is_none_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "odd.container"
    path.write_bytes(b"\0" * 40)

    results = run("disasm", path), run("abi", path)

    assert [one.exit_code for one in results] == [1, 1]


# Testing ----------------------------------------------------------------------------------------


def write_tests(source: Path) -> None:
    opening = 'world.call("alice", "open", "shop", "2026-01-10T10:00Z", funds=1_000)'
    (source.parent / "test_deposit.py").write_text(
        f"def test_good(world):\n    {opening}\n"
        f"def test_bad(world):\n    print('by the way')\n    {opening}\n"
        "    assert world.held() == 5\n",
        encoding="utf-8",
    )


def test_the_tests_of_a_contract_are_told_one_by_one(source: Path) -> None:
    write_tests(source)

    result = run("test", source)

    lines = [line.rpartition("  ")[0] or line for line in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert lines[:2] == ["ok  test_deposit.py::test_good", "FAILED  test_deposit.py::test_bad"]
    assert result.stdout.splitlines()[2:6] == [
        "    left:  1000",
        "    right: 5",
        f"    {source.parent / 'test_deposit.py'}:6: assert world.held() == 5",
        "    by the way",
    ]
    assert result.stdout.splitlines()[6:] == [
        f"{source}: no test uses cancel, deposit, on_no_show",
        "1 passed, 1 failed",
    ]


def test_programs_get_the_results_as_one_object(source: Path) -> None:
    write_tests(source)

    failed = run("test", source.parent, "--json")
    passed = run("test", source.parent, "--json", "-k", "good")

    facts = said(failed)
    assert (facts["passed"], facts["failed"], failed.exit_code) == (1, 1, 1)
    assert [(one["name"], one["ok"]) for one in facts["tests"]] == [
        ("test_good", True), ("test_bad", False),
    ]  # fmt: skip
    assert facts["tests"][1]["place"]["line"] == 6
    assert (said(passed)["passed"], passed.exit_code) == (1, 0)
    assert said(passed)["next"] == f"washnode contract deploy {source}"


def test_a_contract_without_tests_is_an_error(source: Path) -> None:
    result = run("test", source)

    assert result.exit_code == 1
    assert "write test_deposit.py beside deposit.wash" in result.stderr


# Trying in memory -------------------------------------------------------------------------------


def test_a_call_is_tried_in_a_fresh_world(source: Path) -> None:
    words = ("simulate", source, "open", "shop=bob", START, "--funds", "10.00", "--json")

    facts = said(run(*words, "--as", "carol", "--at", "2026-01-09T10:00Z"))

    opened = {"id": facts["returns"], "shop": "bob", "amount": 1_000}
    assert facts["events"] == [{"type": "deposit.Opened", "values": opened}]
    assert facts["changes"] == [{"account": "carol", "asset": "CNY", "change": -1_000}]
    assert facts["timers"] == [{"at": 1_768_046_400_000, "timer": "deposit.on_no_show"}]
    assert 0 < facts["gas_used"] <= facts["worst_case_gas"]


def test_a_person_reads_what_a_call_would_do(source: Path) -> None:
    result = run("simulate", source, "open", "shop=bob", START, "--funds", "1000")

    assert result.exit_code == 0
    assert "deposit.Opened" in result.stdout
    assert "alice -1000 CNY" in result.stdout


def test_a_view_is_tried_like_an_action() -> None:
    facts = said(run("simulate", POINTS, "root", "n=82", "--json"))

    assert (facts["returns"], facts["events"], facts["changes"]) == (9, [], [])


def test_a_refusal_shows_the_line_of_the_source(source: Path) -> None:
    result = run("simulate", source, "open", "shop=bob", START, "--json")

    text = 'require(paid() > 0, "nothing_paid")'
    error = said(result)["error"]
    assert result.exit_code == 6
    assert (error["name"], error["line"], error["source"]) == (
        "nothing_paid",
        line_with(text),
        text,
    )


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        ((), 2, "which function of"),
        (("opne",), 3, "Deposits has no opne; there are open, cancel, deposit"),
        (("on_no_show",), 3, "Deposits has no on_no_show"),
        (("open", "shop=bob"), 2, "start is missing"),
        (("open", "price=1"), 2, "open takes no price; it takes: shop, start"),
        (("open", "shop=bob", START, "--at", "soon"), 2, "'soon' is no time"),
        (("open", "shop=bob", START, "--asset", "money"), 2, "--asset 'money' is not like"),
        (("open", "shop=bob", START, "--asset", "gold=AU"), 1, "has no assets 'gold'"),
    ],
)
def test_what_is_asked_wrongly_says_what_to_write(
    source: Path, words: tuple[str, ...], code: int, text: str
) -> None:
    result = run("simulate", source, *words)

    assert result.exit_code == code
    assert text in result.stderr


def test_options_of_a_fresh_world_do_not_go_with_a_chain() -> None:
    result = run("simulate", "deposit.open", "--at", "2026-01-09T10:00Z")

    assert result.exit_code == 2
    assert "go with a source" in result.stderr


# On the chain -----------------------------------------------------------------------------------


async def on(url: str, *words: object, folder: Path) -> Result:
    options = ("--rpc", url, "--data", folder)
    return await asyncio.to_thread(run, *words, *options, **{TOKEN_VARIABLE: TOKENS.shop})


async def test_a_source_becomes_a_contract_that_can_be_tried(source: Path, tmp_path: Path) -> None:
    async with demo(tmp_path / "node") as (node, url):
        node.abis = AbiBook(tmp_path / "abis")
        deploying = ("deploy", source, "--asset", "money=CNY", "--name", "deposit")
        made = await on(url, *deploying, "--from", "operator", "--json", folder=tmp_path)
        tried = await on(
            url, "simulate", "deposit.open", f"shop={said(made)['contract']}",
            f"start:={node.block_time() + 86_400_000}", "--funds", "10.00", "--as", "alice",
            "--json", folder=tmp_path,
        )  # fmt: skip
        refused = await on(
            url, "simulate", "deposit.open", "shop=bob", "start:=1", "--as", "alice", "--json",
            folder=tmp_path,
        )  # fmt: skip
        shown = await on(url, "disasm", "deposit", folder=tmp_path)
        abi = await on(url, "abi", "deposit", "--json", folder=tmp_path)

    facts = said(made)
    assert (made.exit_code, facts["installed"], facts["abi_given"]) == (0, True, True)
    assert facts["next"] == "washnode contract simulate deposit.open shop=... start=..."
    assert said(tried)["events"][0]["type"] == "deposit.Opened"
    assert (refused.exit_code, said(refused)["error"]["code"]) == (6, 3000)
    assert shown.stdout == run("disasm", source).stdout
    assert said(abi)["abi"] == build_file(source).compiled.abi


async def test_a_contract_can_issue_an_asset_of_its_own(tmp_path: Path) -> None:
    async with demo(tmp_path / "node") as (node, url):
        node.abis = AbiBook(tmp_path / "abis")
        words = ("deploy", POINTS, "--asset", "points=new:STAR", "--json", "--from", "operator")
        made = await on(url, *words, folder=tmp_path)
        contract = said(made)["contract"]
        granted = await on(
            url, "simulate", f"{contract}.grant", "to=alice", "day=1", "amount=5", "note=hello",
            "--as", "operator", "--json", folder=tmp_path,
        )  # fmt: skip
        seen = await on(
            url, "simulate", f"{contract}.sum_of", "of=alice", "--json", folder=tmp_path
        )

    assert (made.exit_code, said(made)["installed"]) == (0, None)
    (change,) = said(granted)["changes"]
    assert (change["change"], change["after"]["currency"]) == (5, "STAR")
    assert said(seen) == {"ok": True, "returns": 0}


async def test_a_name_goes_over_to_another_contract_only_if_told(
    source: Path, tmp_path: Path
) -> None:
    words = ("deploy", source, "--asset", "money=CNY", "--from", "operator", "--json", "--name")
    async with demo(tmp_path / "node") as (node, url):
        odd = await on(url, *words, "Booking", folder=tmp_path)
        height = node.ledger.height
        taken = await on(url, *words, "booking", folder=tmp_path)
        untouched = node.ledger.height
        given = await on(url, *words, "booking", "--yes", folder=tmp_path)

    assert (odd.exit_code, taken.exit_code, given.exit_code) == (2, 2, 0)
    assert said(odd)["error"]["message"] == "'Booking' is no name for a contract"
    assert said(taken)["error"]["message"].startswith("booking is ctr1")
    assert untouched == height
    assert said(given)["installed"] is True


async def test_bindings_and_names_that_do_not_fit_are_told(source: Path, tmp_path: Path) -> None:
    who = ("--from", "alice", "--json")
    async with demo(tmp_path / "node") as (_node, url):
        unbound = await on(url, "deploy", source, *who, folder=tmp_path)
        words = ("deploy", source, "--asset", "money=CNY")
        unknown = await on(url, *words, "--link", "a=b", *who, folder=tmp_path)
        plain = await on(url, *words, "--name", "deposit", *who, folder=tmp_path)
        nobody = await on(url, "simulate", "booking.rules_of", folder=tmp_path)

    assert [one.exit_code for one in (unbound, unknown, plain)] == [2, 2, 0]
    assert said(unbound)["error"]["message"] == "money is not bound"
    assert said(unknown)["error"]["message"] == "the code has no a for --link"
    assert said(plain)["installed"] is False
    assert said(plain)["abi_given"] is False
    assert plain.stderr.splitlines() == [
        "washnode: deposit is not proposed: this account may not do this",
        "washnode: the node takes no ABI: this node keeps no ABIs",
    ]
    assert nobody.exit_code == 3
