"""`washnode report`: what a person reads, and the one file that is handed over."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from node.cli import main
from node.commands import connect
from node.report.export import DAYS
from node.report.figures import BALANCE_TEXTS, FIGURES
from node.report.parquet import read_parquet
from node.report.table import BOM, read_csv, read_json_lines

SHOP = "acct1" + "q" * 58
ROW: list[Any] = ["2026-01-31", 1, "=Wash", None, *range(len(FIGURES))]


class Fake:
    """A node that answers with fixed figures, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, dict[str, Any]]] = []

    def need_account(self, name: str) -> str:
        return SHOP if name == "sparkle" else name

    def now_ms(self) -> int:
        return 1_769_860_800_000  # 2026-01-31, noon in UTC

    def ask(self, method: str, **params: Any) -> Any:
        self.asked.append((method, params))
        if method == "report_export":
            is_first = "cursor" not in params
            return {"rows": [ROW], "next_cursor": "more" if is_first else None}
        if method == "report_compliance":
            return _compliance()
        return _report(params)


def _report(params: dict[str, Any]) -> dict[str, Any]:
    balances = dict.fromkeys(BALANCE_TEXTS, 0)
    first = params.get("date", params.get("from"))
    return {
        "name": "Sparkle", "zone": "Asia/Shanghai", "first": first,
        "last": params.get("to", first), "is_over": False, "currency": "CNY", "customers": 7,
        "figures": {"visits_settled": 3, "paid_to_shop": 20_400},
        "opening": balances, "closing": {**balances, "cards_open": 2, "cards_held": 5_000},
        "services": [
            {"service": 1, "service_name": "Wash", "customers": None,
             "figures": {"visits_settled": 3, "paid_to_shop": 20_400}},
        ],
        "days": [],
    }  # fmt: skip


def _compliance() -> dict[str, Any]:
    return {
        "currency": "CNY",
        "shops": [{
            "name": "Sparkle", "status": "ADMITTED", "liability": 12_000_000, "held": 9_000_000,
            "cover_bp": 7_500, "cards": 120, "claims": 100, "large": ["money", "cards"],
            "agrees": False,
        }],
        "reserves": [{"issuer": SHOP, "liability": 5, "attested": None}],
    }  # fmt: skip


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Fake:
    fake = Fake()

    @contextmanager
    def session(tier: str, **_: Any) -> Iterator[Fake]:
        assert tier == "shop"
        yield fake

    monkeypatch.setattr(connect, "session", session)
    return fake


def run(*words: str, lang: str = "en") -> Result:
    return CliRunner().invoke(main, ["report", *words, "--lang", lang])


def test_a_day_is_shown_in_words(node: Fake) -> None:
    shown = run("day", "2026-01-31", "--shop", "sparkle", "--zone", "UTC")

    assert shown.exit_code == 0, shown.output
    assert node.asked == [
        ("report_day", {"date": "2026-01-31", "shop": SHOP, "zone": "UTC"}),
    ]  # fmt: skip
    assert "Sparkle, 2026-01-31 (Asia/Shanghai)" in shown.stdout
    assert "bookings whose visit was paid" in shown.stdout
    assert "204.00 CNY" in shown.stdout
    assert "not over yet" in shown.stdout
    assert "open cards" in shown.stdout


def test_it_is_shown_in_chinese_too(node: Fake) -> None:
    shown = run("period", "2026-01-01", "2026-01-31", lang="zh")

    assert node.asked[0] == ("report_period", {"from": "2026-01-01", "to": "2026-01-31"})
    assert "已完成付款的预约数" in shown.stdout
    assert "未结清的卡数" in shown.stdout


def test_yesterday_is_that_of_the_nodes_clock(node: Fake) -> None:
    run("day")

    assert node.asked[0][1]["date"] in {"2026-01-29", "2026-01-30", "2026-01-31"}


def test_compliance_names_what_is_to_be_filed_and_what_does_not_agree(node: Fake) -> None:
    shown = run("compliance")

    assert node.asked == [("report_compliance", {})]
    assert "75.00 %" in shown.stdout
    assert "yes" in shown.stdout
    assert "the events give other figures than the contract" in shown.stdout
    assert "1.00 CNY owed to former holders is not covered" in shown.stdout


@pytest.mark.usefixtures("node")
def test_the_file_has_all_parts_and_comes_back(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("a.csv", "b.csv", "c.jsonl", "d.parquet")]
    runs = [run("export", "2026-01-01", "2026-01-31", "--out", str(path),
                *(["--excel"] if path.name == "b.csv" else [])) for path in paths]  # fmt: skip

    assert [one.exit_code for one in runs] == [0] * 4, runs[0].output
    plain, marked = (path.read_bytes().decode() for path in paths[:2])
    assert marked == BOM + plain
    assert "'=Wash" in plain
    assert read_csv(DAYS, plain) == [ROW, ROW]
    assert read_json_lines(DAYS, paths[2].read_text("utf-8")) == [ROW, ROW]
    assert read_parquet(DAYS, paths[3].read_bytes()) == [ROW, ROW]
    assert "2 rows" in runs[0].stdout


def test_a_file_of_no_known_kind_or_one_that_is_there_is_not_written(
    node: Fake, tmp_path: Path
) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine", encoding="utf-8")

    ending = run("export", "2026-01-01", "2026-01-31", "--out", str(tmp_path / "a.xls"))
    taken = run("export", "2026-01-01", "2026-01-31", "--out", str(there))
    day = run("day", "31.1.2026")

    assert (ending.exit_code, taken.exit_code, day.exit_code) == (2, 2, 2)
    assert "ends with .csv, .jsonl or .parquet" in ending.stderr
    assert there.read_text("utf-8") == "mine"
    assert "write it like 2026-01-31" in day.stderr
    assert [method for method, _ in node.asked] == []


@pytest.mark.usefixtures("node")
def test_without_pyarrow_the_fix_is_told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "node.report.parquet", None)
    shown = run(
        "export", "2026-01-01", "2026-01-31", "--out", str(tmp_path / "a.parquet"), "--json"
    )

    assert shown.exit_code == 1
    assert "washnode[analytics]" in json.loads(shown.stdout)["error"]["fix"]
