"""A shop upgrades its program and hands its figures over: processes, as a person runs them."""

import os
import sys
import tarfile
from contextlib import closing, suppress
from pathlib import Path

import pytest

from chain.leveldb import leveldb
from chain.store_format import FORMAT, GENESIS_KEY, SCHEMA_KEY
from node.report.export import DAYS, JOURNAL
from node.report.table import read_csv
from tests.e2e.test_commands import end, run, start
from tests.node.formats import FOLDER

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]


def age(chain: Path) -> None:
    """Make of a stopped chain what the program of before left."""
    with closing(leveldb.DB(str(chain))) as database:
        database.put(SCHEMA_KEY, b"1")
        database.delete(GENESIS_KEY)


def test_data_of_before_is_migrated_by_a_start_and_goes_back(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    first = start(folder, "dev")
    height = first.ask("rpc", "chain_head")["result"]["header"]["height"]
    end(first)
    age(folder / "chain")

    again = start(folder, "dev")
    block = again.ask("rpc", "chain_getBlock", f"height={height}", "detail=header")["result"]
    code, said = end(again)
    stats = run("db", "stats", "--data", folder)
    back = run("db", "migrate", "--back", "--yes", "--data", folder)
    older = run("db", "stats", "--data", folder)

    assert (code, block["header"]["height"]) == (0, height)
    assert "Traceback" not in said
    assert f"format {FORMAT}" in stats.stdout
    assert (back.returncode, "format 1" in older.stdout) == (0, True)
    assert (folder / f"chain.format-{FORMAT}").is_dir()


def test_the_accountant_gets_one_file(tmp_path: Path) -> None:
    dev = start(tmp_path / "data", "dev")
    dev.ask("dev", "tick", "3d")
    days, journal = tmp_path / "days.csv", tmp_path / "journal.csv"
    now = dev.ask("report", "day", "today")
    span = ("2020-01-01", "2021-01-01")
    refused = dev.run("report", "export", *span, "--shop", "alice", "--out", days)
    span = (f"{int(now['first'][:4])}-01-01", now["last"])
    dev.ask("report", "export", *span, "--out", days, "--excel")
    dev.ask("report", "export", *span, "--kind", "journal", "--out", journal)
    compliance = dev.ask("report", "compliance")
    end(dev)

    rows = read_csv(DAYS, days.read_bytes().decode())
    lines = read_csv(JOURNAL, journal.read_bytes().decode())
    settled = [one.name for one in DAYS].index("visits_settled")
    states = [one.name for one in JOURNAL].index("state")
    assert refused.returncode != 0  # alice is no shop
    assert sum(int(row[settled] or 0) for row in rows) == sum(
        line[states] == "SETTLED" and str(line[4]) == "booking_closed" for line in lines
    )
    assert len(lines) > 3
    assert {one["agrees"] for one in compliance["shops"]} == {True}


def test_at_a_terminal_a_migration_shows_how_far_it_is(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty", reason="Windows has no such terminal")
    with tarfile.open(FOLDER / "format-1.tar.gz") as packed:
        packed.extractall(tmp_path / "data", filter="data")
    command = [sys.executable, "-m", "node", "db", "migrate", "--data", str(tmp_path / "data")]
    child, terminal = pty.fork()
    if child == 0:  # pragma: no cover - another process
        os.environ["WASH_LANG"] = "en"
        os.execv(sys.executable, command)
    shown = b""
    with suppress(OSError):  # its end
        while read := os.read(terminal, 4_096):
            shown += read
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])

    assert (code, b"Migrating" in shown, b"24/24" in shown) == (0, True, True), shown
