"""Data of earlier programs: opened, migrated with a way back, or refused with a way to read it."""

import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from chain.errors import CorruptStoreError, GenesisError
from chain.genesis import Genesis, parse_genesis
from chain.leveldb import leveldb
from chain.store import Store
from chain.store_format import FORMAT, GENESIS_KEY, SCHEMA_KEY, OlderFormatError
from chain.tables import Table, height_key
from chain.transaction import Transfer
from node.cli import main
from node.storage import migrate as migrating
from node.storage.folder import beside, held, settle
from node.storage.ledger import ChainLedger
from node.storage.migrate import NoWayBackError, go_back, migrate, migrate_if_older
from node.storage.raw_export import export_raw
from tests.make import MONEY, TestChain, account, genesis
from tests.node.formats import FILE, FOLDER, forms_of_today, live

HEAD = (24, "affa2bf1e64aaf91f18acb91d4e240984faaabc16fe8f984cd10c5cd6571eace")
NOT_OURS = {"LOG", "LOG.old", "LOCK", "HEIGHT"}
GIFT = Transfer(MONEY, account("bob"), 1)


def unpack(name: str, folder: Path) -> Path:
    with tarfile.open(FOLDER / name) as packed:
        packed.extractall(folder, filter="data")
    return folder


def prints(folder: Path) -> dict[str, str]:
    """Return what the files of a database are, by name."""
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest()
        for file in folder.iterdir()
        if file.name not in NOT_OURS
    }


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A data folder with a chain of format 1."""
    return unpack("format-1.tar.gz", tmp_path / "data")


@pytest.fixture
def start(old: Path) -> Genesis:
    return parse_genesis((old / "genesis.json").read_bytes())


@pytest.fixture
def first(tmp_path: Path) -> Path:
    """The data folder of the first program that left a chain on disk."""
    return unpack("first.tar.gz", tmp_path / "first")


def run(*words: str) -> Result:
    return CliRunner().invoke(main, ["db", *words, "--lang", "en"])


# Migrating ---------------------------------------------------------------------------------------


def test_a_chain_of_format_1_is_migrated_at_a_start_and_goes_on(old: Path, start: Genesis) -> None:
    before = prints(old / "chain")
    seen: list[tuple[int, int]] = []

    ledger = ChainLedger(old / "chain", start, on_migrate=lambda *at: seen.append(at))
    head, form = (ledger.height, ledger.head_id.hex()), ledger.store.format
    beginning = ledger.store.genesis_bytes()
    ledger.close()
    chain = TestChain(old / "chain", start)
    chain.do("alice", GIFT)
    chain.close()

    assert (head, form, beginning) == (HEAD, FORMAT, start.canonical_bytes())
    assert seen == [(height, 24) for height in range(25)]
    assert prints(old / "chain.format-1") == before
    assert sorted(path.name for path in old.iterdir()) == [
        "chain", "chain.format-1", "genesis.json",
    ]  # fmt: skip
    assert chain.ledger.height == 25


def test_the_way_back_leads_to_the_very_files_of_before(old: Path, start: Genesis) -> None:
    before = prints(old / "chain")
    with closing(ChainLedger(old / "chain", start)):
        pass
    with held(old / "chain"):
        number, aside = go_back(old / "chain")

    assert (number, aside.name) == (1, f"chain.format-{FORMAT}")
    assert prints(old / "chain") == before
    with pytest.raises(OlderFormatError, match="washnode db migrate"):
        Store(str(old / "chain"), create=False)
    with closing(ChainLedger(old / "chain", start)) as ledger:  # and forward again
        assert (ledger.height, ledger.head_id.hex()) == HEAD


def test_without_files_of_before_there_is_no_way_back(tmp_path: Path) -> None:
    TestChain(tmp_path / "chain").close()

    with pytest.raises(NoWayBackError, match="no files of an earlier format"):
        go_back(tmp_path / "chain")


class PowerCutError(BaseException):
    """The machine stops here."""


@pytest.fixture
def cut_at(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Let the machine stop at the n-th renaming or syncing."""

    def set_up(stop: int) -> None:
        calls = [0]

        def counted(inner: Any) -> Any:
            def step(*given: Any) -> Any:
                calls[0] += 1
                if calls[0] > stop:
                    raise PowerCutError
                return inner(*given)

            return step

        for module in ("node.storage.migrate", "node.storage.folder"):
            for name in ("move_over", "sync_file", "sync_folder"):
                target = f"{module}.{name}"
                monkeypatch.setattr(target, counted(getattr(migrating, name)))

    yield set_up
    monkeypatch.undo()


@pytest.mark.parametrize("stop", range(14))
def test_a_migration_that_is_cut_off_anywhere_begins_anew_or_is_ended(
    old: Path, start: Genesis, cut_at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch,
    stop: int,
) -> None:  # fmt: skip
    before = prints(old / "chain")
    cut_at(stop)
    with suppress(PowerCutError):
        migrate_if_older(old / "chain", start)
    monkeypatch.undo()

    with closing(ChainLedger(old / "chain", start)) as ledger:
        assert (ledger.height, ledger.head_id.hex(), ledger.store.format) == (*HEAD, FORMAT)
    assert prints(old / "chain.format-1") == before
    assert {path.name for path in old.iterdir()} == {"chain", "chain.format-1", "genesis.json"}


@pytest.mark.parametrize("block", [0, 7, 24])
def test_a_stop_between_blocks_leaves_the_chain_as_it_was(
    old: Path, start: Genesis, block: int
) -> None:
    before = prints(old / "chain")

    def stop(done: int, _all: int) -> None:
        if done == block:
            raise PowerCutError

    with pytest.raises(PowerCutError):
        migrate(old / "chain", start, 1, stop)

    assert prints(old / "chain") == before
    assert {path.name for path in old.iterdir()} == {"chain", "genesis.json"}


@pytest.mark.parametrize("stop", range(6))
def test_a_way_back_that_is_cut_off_anywhere_is_ended_by_the_next_start(
    old: Path, start: Genesis, cut_at: Callable[[int], None], monkeypatch: pytest.MonkeyPatch,
    stop: int,
) -> None:  # fmt: skip
    before = prints(old / "chain")
    migrate(old / "chain", start, 1)
    cut_at(stop)
    with suppress(PowerCutError):
        go_back(old / "chain")
    monkeypatch.undo()
    settle(old / "chain")

    if (old / "chain.format-1").is_dir():  # it had not begun
        go_back(old / "chain")
    assert prints(old / "chain") == before
    assert (old / f"chain.format-{FORMAT}").is_dir()


def test_a_dirty_stop_stays_one_and_damage_is_repaired_into_todays_format(
    old: Path, start: Genesis
) -> None:
    with closing(leveldb.DB(str(old / "chain"))) as database:
        database.delete(Table.RECEIPTS.value + height_key(9))
        database.put(Table.META.value + b"open", b"1")

    with closing(ChainLedger(old / "chain", start)) as ledger:
        assert (ledger.height, ledger.head_id.hex(), ledger.store.format) == (*HEAD, FORMAT)
        assert ledger.repaired is not None


def test_a_lost_block_stops_it_and_nothing_is_changed(old: Path, start: Genesis) -> None:
    with closing(leveldb.DB(str(old / "chain"))) as database:
        database.delete(Table.BLOCK.value + height_key(9))
    before = prints(old / "chain")

    with pytest.raises(CorruptStoreError, match="height 9"):
        ChainLedger(old / "chain", start)

    assert prints(old / "chain") == before


def test_another_chains_genesis_migrates_nothing(old: Path) -> None:
    before = prints(old / "chain")

    with pytest.raises(GenesisError, match="the genesis file is of"):
        ChainLedger(old / "chain", genesis(params={"block_interval_ms": 77}))

    assert prints(old / "chain") == before


def test_a_chain_without_its_oldest_bodies_is_migrated_too(tmp_path: Path) -> None:
    folder = tmp_path / "chain"
    live(folder)
    with closing(leveldb.DB(str(folder))) as database:
        database.put(SCHEMA_KEY, b"1")
        database.delete(GENESIS_KEY)

    with closing(ChainLedger(folder, genesis())) as ledger:
        assert (ledger.store.format, ledger.store.first_body) == (FORMAT, 3)
    lines = [json.loads(line) for line in export_raw(folder)]

    assert [one["height"] for one in lines[1:]] == list(range(ledger.height + 1))
    assert ["header" in one for one in lines[1:5]] == [False, True, True, False]
    assert lines[0]["genesis"] is not None


# Commands ----------------------------------------------------------------------------------------


def test_what_only_looks_at_a_chain_of_before_says_what_to_do(old: Path) -> None:
    checked = run("verify", "--data", str(old))
    measured = run("stats", "--data", str(old), "--json")

    assert checked.exit_code == 1
    assert f"{old / 'chain'} has format 1" in checked.stderr
    assert "washnode db migrate" in checked.stderr
    assert json.loads(measured.stdout)["format"] == 1


def test_commands_migrate_go_back_and_tell_what_is_done(old: Path) -> None:
    done = run("migrate", "--data", str(old))
    again = run("migrate", "--data", str(old), "--json")
    back = run("migrate", "--back", "--data", str(old))
    none = run("migrate", "--back", "--data", str(old))

    assert done.exit_code == 0, done.output
    assert f"has format {FORMAT} now. The files of before: " in done.stdout
    assert json.loads(again.stdout) == {"format": FORMAT, "kept": None}
    assert "has format 1 again" in back.stdout
    assert (none.exit_code, "no files of an earlier format" in none.stderr) == (1, True)


def test_going_back_asks_if_blocks_are_left_behind(old: Path, start: Genesis) -> None:
    with closing(ChainLedger(old / "chain", start)):
        pass
    (old / "chain.format-1" / "HEIGHT").write_bytes((old / "chain" / "HEIGHT").read_bytes())
    chain = ChainLedger(old / "chain", start)
    chain.close()
    living = TestChain(old / "chain", start)
    living.do("alice", GIFT)
    living.close()
    note = ChainLedger(old / "chain", start)  # one that waits for the disk notes its height
    note.close()

    asked = run("migrate", "--back", "--data", str(old))
    said = run("migrate", "--back", "--data", str(old), "--yes")

    assert (asked.exit_code, "1 blocks before" in asked.stderr) == (2, True), asked.output
    assert said.exit_code == 0


# The first chain that was left on a disk ---------------------------------------------------------


def test_a_chain_by_rules_of_before_is_refused_with_the_way_to_read_it(first: Path) -> None:
    before = prints(first / "chain")

    refused = run("migrate", "--data", str(first), "--json")

    error = json.loads(refused.stdout)["error"]
    assert (refused.exit_code, error["code"]) == (1, 7011)
    assert "began by rules which this program does not follow" in error["message"]
    assert f"washnode db export --data {first}" in error["message"]
    assert prints(first / "chain") == before


def test_all_that_is_in_it_is_written_out(first: Path, tmp_path: Path) -> None:
    before = prints(first / "chain")
    out = tmp_path / "chain.jsonl"

    done = run("export", "--data", str(first), "--out", str(out))
    again = run("export", "--data", str(first), "--out", str(out))
    with_state = list(export_raw(first / "chain", with_state=True))

    lines = [json.loads(line) for line in out.read_text("utf-8").splitlines()]
    blocks = lines[1:]
    assert done.exit_code == 0, done.output
    assert lines[0] == {
        "format": 1, "head": 120, "genesis": None,
        "chain_id": "0x213810b51edf215ab0d32b806e8a66850677a1f2b0edf5e8e1b3d9c4c17c3bed",
    }  # fmt: skip
    assert [one["height"] for one in blocks] == list(range(121))
    assert sum(len(one["block"][-1]) for one in blocks) == 199
    # Transactions and receipts are told as lists, down to the words of what was called.
    texts = json.dumps(blocks)
    assert '"request"' in texts
    assert len(blocks[5]["receipts"]) >= len(blocks[5]["block"][-1]) > 0
    assert len(with_state) > len(lines)
    assert (again.exit_code, "Replace" in again.stderr) == (2, True)
    assert prints(first / "chain") == before


def test_where_there_is_no_chain_there_is_nothing_to_write(tmp_path: Path) -> None:
    done = run("export", "--data", str(tmp_path), "--out", str(tmp_path / "x.jsonl"))

    assert done.exit_code == 3


# From now on -------------------------------------------------------------------------------------


def test_the_form_on_disk_does_not_change_without_a_new_number() -> None:
    known = json.loads(FILE.read_text("utf-8"))

    assert forms_of_today() == known, (
        "the form of what lies on people's disks has changed: give it a new number in "
        "chain/store_format.py, a step in node/storage/migrate.py, and run "
        "python -m tests.node.formats"
    )


def test_each_number_of_before_has_its_database_here() -> None:
    kept = {path.name for path in FOLDER.glob("format-*.tar.gz")}

    assert kept == {f"format-{number}.tar.gz" for number in range(1, FORMAT)}


def test_a_new_store_has_todays_number(tmp_path: Path) -> None:
    TestChain(tmp_path / "chain").close()

    with closing(leveldb.DB(str(tmp_path / "chain"))) as database:
        assert database.get(SCHEMA_KEY) == b"%d" % FORMAT
    assert beside(tmp_path / "chain", "format-1").exists() is False
