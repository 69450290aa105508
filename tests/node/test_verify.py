"""A kept chain that was changed by somebody who knew how, and sealed again: the height is named."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from chain.block import decode_block
from chain.leveldb import leveldb
from chain.tables import Table
from node.cli import main
from node.rehearse.plan import Planner
from node.rehearse.policies import load_policies
from node.rehearse.rows import read_rows
from node.rehearse.run import rehearse
from node.storage.seal import SealError, read_seal, seal_folder
from node.verify import VerificationError, verify_chain

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "node" / "samples" / "bookings.csv.gz"
POLICIES = ROOT / "node" / "samples" / "policies.json"
ROWS = 12

pytestmark = pytest.mark.timeout(120)
Database = Any  # LevelDB's package has no types


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    rows = list(read_rows(SAMPLE))[:ROWS]
    rehearse(Planner(load_policies(POLICIES)).add_all(rows), folder)
    return folder


def height_key(table: Table, height: int) -> bytes:
    return bytes(table.value) + height.to_bytes(8, "big")


def tampered(kept: Path, folder: Path, change: Callable[[Database], None]) -> str:
    """Return what verify says of a copy changed through the database itself and sealed anew."""
    shutil.copytree(kept, folder, dirs_exist_ok=True)
    seal = read_seal(folder)
    database = leveldb.DB(str(folder / "chain"))
    change(database)
    database.close()
    seal_folder(folder, bytes.fromhex(seal.chain_id), seal.height, bytes.fromhex(seal.head_id))
    with pytest.raises(VerificationError) as caught:
        verify_chain(folder)
    return str(caught.value)


def flip(database: Database, key: bytes, at: int = -1) -> None:
    value = bytearray(database.get(key))
    value[at] ^= 1
    database.put(key, bytes(value))


def test_an_untouched_chain_gives_its_table_and_stays_untouched(kept: Path) -> None:
    before = {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()}

    verified = verify_chain(kept)

    total = verified.tally.total()
    assert total.bookings + total.rejected == ROWS
    assert total.escrow_in == total.refunds + total.payouts > 0
    assert {path: path.read_bytes() for path in kept.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize("height", [1, 9, 17])
def test_a_changed_block_is_named(kept: Path, tmp_path: Path, height: int) -> None:
    said = tampered(kept, tmp_path, lambda db: flip(db, height_key(Table.BLOCK, height), 60))

    assert said.startswith(f"height {height}: ")


def test_a_changed_transaction_is_named(kept: Path, tmp_path: Path) -> None:
    height = 30

    def change(database: Database) -> None:
        key = height_key(Table.BLOCK, height)
        block = decode_block(database.get(key))
        assert block.transactions, "the sample's height has transactions"
        flip(database, key)

    said = tampered(kept, tmp_path, change)

    assert said.startswith(f"height {height}: ")


def test_a_changed_certificate_is_named(kept: Path, tmp_path: Path) -> None:
    said = tampered(kept, tmp_path, lambda db: flip(db, height_key(Table.COMMIT, 5)))

    assert said.startswith("height 5: ")


def test_a_changed_receipt_is_named(kept: Path, tmp_path: Path) -> None:
    said = tampered(kept, tmp_path, lambda db: flip(db, height_key(Table.RECEIPTS, 20), 40))

    assert said.startswith("height 20: ")


def test_a_missing_block_is_named(kept: Path, tmp_path: Path) -> None:
    said = tampered(kept, tmp_path, lambda db: db.delete(height_key(Table.BLOCK, 7)))

    assert said.startswith("height 7: ")


@pytest.mark.parametrize("table", [Table.STATE, Table.NODE, Table.TOPIC, Table.TRANSACTION])
def test_an_entry_that_no_block_makes_is_found(kept: Path, tmp_path: Path, table: Table) -> None:
    said = tampered(kept, tmp_path, lambda db: db.put(bytes(table.value) + b"\x01more", b"1"))

    assert said.startswith(f"height {read_seal(kept).height}: {table.name.lower()} ")


def test_an_end_that_was_cut_off_is_named(kept: Path, tmp_path: Path) -> None:
    height = read_seal(kept).height

    def cut(database: Database) -> None:
        database.put(b"mhead", (height - 1).to_bytes(8, "big"))

    said = tampered(kept, tmp_path, cut)

    assert said.startswith(f"height {height}: the chain ends at {height - 1}")


def test_a_genesis_of_another_chain_is_named(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path, dirs_exist_ok=True)
    path = tmp_path / "genesis.json"
    path.write_text(path.read_text("utf-8").replace('"rehearsal"', '"another"'), encoding="utf-8")

    with pytest.raises(VerificationError, match=r"^height 0: genesis\.json describes another"):
        verify_chain(tmp_path)


def test_a_seal_says_one_thing_in_one_way(kept: Path, tmp_path: Path) -> None:
    text = (kept / "seal.json").read_text("utf-8")
    (tmp_path / "seal.json").write_text(text.replace("\n", "\n "), encoding="utf-8")

    with pytest.raises(SealError, match="not as it was written"):
        read_seal(tmp_path)


def test_the_commands_print_one_table_for_a_chain_and_its_check(tmp_path: Path) -> None:
    runner = CliRunner()
    folder = str(tmp_path / "kept")
    arguments = ["rehearse", str(SAMPLE), "--policies", str(POLICIES)]

    first = runner.invoke(main, [*arguments, "--keep", folder])
    second = runner.invoke(main, ["verify", folder])
    third = runner.invoke(main, ["verify", folder, "--json"])
    fourth = runner.invoke(main, [*arguments, "--json"])

    tables = [[line for line in one.output.split("\n") if "│" in line] for one in (first, second)]
    assert [one.exit_code for one in (first, second, third, fourth)] == [0, 0, 0, 0]
    assert tables[0] == tables[1] != []
    checked, rehearsed = json.loads(third.stdout), json.loads(fourth.stdout)
    assert {key: rehearsed[key] for key in ("shops", "total", "blocks", "timers_fired")} == {
        key: checked[key] for key in ("shops", "total", "blocks", "timers_fired")
    }


def test_a_broken_chain_ends_the_command_with_1(kept: Path, tmp_path: Path) -> None:
    shutil.copytree(kept, tmp_path / "broken")
    (tmp_path / "broken" / "seal.json").unlink()

    done = CliRunner().invoke(main, ["verify", str(tmp_path / "broken")])

    assert done.exit_code == 1
    assert "height" in done.output
