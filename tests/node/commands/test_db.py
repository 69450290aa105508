"""`washnode db`: what it says of a whole chain, a damaged one, and one in use."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chain.leveldb import leveldb
from chain.tables import Table, Tuning, height_key
from chain.transaction import Transfer
from node.cli import main
from node.storage.ledger import ChainLedger
from tests.make import MONEY, TestChain, account, genesis

GIFT = Transfer(MONEY, account("bob"), 1)
HEIGHT = 9


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of a chain of nine blocks with a transaction each."""
    data = tmp_path_factory.mktemp("made") / "data"
    data.mkdir()
    chain = TestChain(data / "chain")
    (data / "genesis.json").write_text(chain.genesis.model_dump_json(), encoding="utf-8")
    for _ in range(HEIGHT):
        assert chain.do("alice", GIFT).ok
    chain.close()
    ChainLedger(data / "chain", chain.genesis, tuning=Tuning()).close()
    return data


@pytest.fixture
def data(made: Path, tmp_path: Path) -> Path:
    shutil.copytree(made, tmp_path / "data")
    return tmp_path / "data"


def run(*words: object) -> Result:
    return CliRunner().invoke(main, ["db", *map(str, words)])


def facts(*words: object) -> dict[str, Any]:
    done = run(*words, "--json")
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def lose_block(data: Path, height: int) -> None:
    with leveldb.DB(str(data / "chain")) as database:
        database.delete(Table.BLOCK.value + height_key(height))


def files(data: Path) -> dict[str, bytes]:
    found = {path.relative_to(data).as_posix(): path for path in data.rglob("*")}
    own = {"LOG", "LOG.old", "LOCK"}  # in which LevelDB talks to itself
    return {
        name: path.read_bytes()
        for name, path in found.items()
        if path.is_file() and path.name not in own
    }


def test_a_whole_chain_is_verified_and_stays_as_it_was(data: Path) -> None:
    before = files(data)

    found = facts("verify", "--data", data)

    assert found == {
        "verified": True,
        "height": HEIGHT,
        "transactions": 9,
        "timers_fired": 0,
        "executed": True,
    }
    assert files(data) == before


def test_a_chain_that_was_not_closed_is_verified_too(data: Path) -> None:
    with leveldb.DB(str(data / "chain")) as database:
        database.put(b"mopen", b"1")
        for key in list(database.iterator(prefix=Table.NODE.value, include_value=False)):
            database.delete(key)

    assert facts("verify", "--data", data)["verified"] is True


@pytest.mark.parametrize("table", [Table.RECEIPTS, Table.COMMIT, Table.BLOCK])
def test_what_differs_is_named_with_its_height(data: Path, table: Table) -> None:
    with leveldb.DB(str(data / "chain")) as database:
        key = table.value + height_key(4)
        value = bytearray(database.get(key))
        value[-1] ^= 1
        database.put(key, bytes(value))

    done = run("verify", "--data", data)

    assert done.exit_code == 1
    assert done.stderr.startswith("washnode: height 4: ")
    assert "washnode db repair" in done.stderr


def test_an_end_that_was_lost_is_named(data: Path) -> None:
    with leveldb.DB(str(data / "chain")) as database:
        database.put(b"mhead", height_key(HEIGHT - 1))

    done = run("verify", "--data", data)

    assert (done.exit_code, f"height {HEIGHT}: " in done.stderr) == (1, True)


def test_a_repair_makes_all_anew_and_keeps_the_files(data: Path) -> None:
    (data / "chain" / "CURRENT").unlink()

    found = facts("repair", "--data", data)

    kept = data / "chain.damaged-1"
    assert (found["height"], found["lost_blocks"], found["kept"]) == (HEIGHT, 0, str(kept))
    assert facts("verify", "--data", data)["height"] == HEIGHT


def test_a_whole_chain_is_not_repaired_unless_it_must_be(data: Path) -> None:
    before = files(data)

    left = run("repair", "--data", data)
    untouched = files(data)
    forced = facts("repair", "--data", data, "--force")

    assert left.exit_code == 0
    assert left.stdout.startswith(f"The chain is whole, {HEIGHT} blocks: nothing was changed.")
    assert untouched == before
    assert (forced["height"], forced["kept"]) == (HEIGHT, str(data / "chain.damaged-1"))


def test_a_repair_cuts_nothing_off_unless_it_is_told_to(data: Path) -> None:
    lose_block(data, 6)
    before = files(data / "chain")

    refused = run("repair", "--data", data)
    declined = run("repair", "--data", data, "--truncate")
    untouched = files(data / "chain")
    done = facts("repair", "--data", data, "--truncate", "--yes")

    assert (refused.exit_code, "height 6: " in refused.stderr) == (1, True)
    assert declined.exit_code == 2
    assert untouched == before
    assert (done["height"], done["lost_blocks"], done["lost_transactions"]) == (5, 4, 4)
    assert facts("verify", "--data", data)["height"] == 5


def test_figures_add_up(data: Path) -> None:
    found = facts("stats", "--data", data)
    shown = run("stats", "--data", data)

    entries = {one["name"]: one["entries"] for one in found["tables"]}
    assert (found["height"], found["stopped_clean"], found["damaged"]) == (HEIGHT, True, [])
    assert (entries["block"], entries["commit"], entries["transaction"]) == (10, 9, 9)
    assert found["bytes"] >= sum(one["bytes"] for one in found["tables"])
    assert found["free_bytes"] > 0
    assert f"height {HEIGHT}" in shown.output


@pytest.mark.parametrize("command", ["verify", "repair", "stats"])
def test_a_chain_in_use_is_left_alone(data: Path, command: str) -> None:
    ledger = ChainLedger(data / "chain", genesis(), tuning=Tuning())

    done = run(command, "--data", data)
    ledger.close()

    assert (done.exit_code, "in use by another node" in done.stderr) == (1, True)


@pytest.mark.parametrize("command", ["verify", "repair", "stats"])
def test_a_folder_without_a_chain_is_said_to_be_one(
    made: Path, tmp_path: Path, command: str
) -> None:
    empty = run(command, "--data", tmp_path / "nowhere")
    shutil.copyfile(made / "genesis.json", tmp_path / "genesis.json")

    done = run(command, "--data", tmp_path)

    assert (empty.exit_code, done.exit_code) == (3, 3)
    assert "holds no chain" in done.stderr
