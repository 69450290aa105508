"""Chains that began with a snapshot, and those of later programs: migrated, or left alone."""

from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from chain.genesis import parse_genesis
from chain.leveldb import leveldb
from chain.store_format import FORMAT, GENESIS_KEY, SCHEMA_KEY, NewerFormatError
from node.cli import main
from node.storage.folder import held
from node.storage.ledger import ChainLedger
from node.storage.migrate import go_back
from node.storage.snapshot import SnapshotFile, restore
from node.storage.snapshots import make_snapshot
from tests.make import TestChain
from tests.node.test_formats import GIFT, prints, unpack


def test_a_chain_that_began_with_a_snapshot_is_migrated_goes_on_and_goes_back(
    tmp_path: Path,
) -> None:
    made = TestChain(tmp_path / "one")
    for _ in range(3):
        made.do("alice", GIFT)
    assert made.ledger.head_commit is not None
    make_snapshot(made.ledger.store, tmp_path / "file", (made.ledger.head, made.ledger.head_commit))
    folder, base = tmp_path / "two", made.ledger.height
    restore(folder, made.genesis, SnapshotFile(tmp_path / "file"))
    made.close()
    with closing(leveldb.DB(str(folder))) as database:  # what the program of before left
        database.put(SCHEMA_KEY, b"1")
        database.delete(GENESIS_KEY)
    before, seen = prints(folder), list[tuple[int, int]]()

    with closing(ChainLedger(folder, made.genesis, on_migrate=lambda *at: seen.append(at))) as one:
        migrated = one.store.format, one.height, one.head_id
        kept = one.store.base_height, one.store.keeps_all
    living = TestChain(folder, made.genesis)
    gone_on = living.do("alice", GIFT, at=made.now + 1_000).ok, living.ledger.height
    living.close()
    with held(folder):
        go_back(folder)

    assert migrated == (FORMAT, base, made.ledger.head_id)
    assert (kept, seen) == ((base, False), [(base, base)])
    assert gone_on == (True, base + 1)
    assert prints(folder) == before


def test_what_a_later_program_wrote_is_refused_with_what_to_do_and_stays_as_it_is(
    tmp_path: Path,
) -> None:
    data = unpack("format-1.tar.gz", tmp_path / "data")
    with closing(leveldb.DB(str(data / "chain"))) as database:
        database.put(SCHEMA_KEY, b"%d" % (FORMAT + 1))
    before = prints(data / "chain")

    with pytest.raises(NewerFormatError) as refused:
        ChainLedger(data / "chain", parse_genesis((data / "genesis.json").read_bytes()))
    words = (["db", name, "--data", str(data), "--lang", "en"] for name in ("migrate", "verify"))
    done = [CliRunner().invoke(main, one) for one in words]

    text = str(refused.value)
    assert text.startswith(f"{data / 'chain'} has format {FORMAT + 1}, this program knows {FORMAT}")
    assert "take the program that wrote it" in text
    assert [(one.exit_code, text in one.stderr) for one in done] == [(1, True)] * 2
    assert prints(data / "chain") == before
