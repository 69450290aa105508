"""Damaged files of a stopped chain: repaired to the same head, or refused in plain words."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chain.errors import StoreError, StoreInUseError
from chain.genesis import Genesis
from chain.leveldb import leveldb
from chain.tables import Table, Tuning, height_key
from chain.transaction import Transfer
from chain.types import HOUR_MS
from node.storage.folder import (
    HEIGHT_NAME,
    FolderLock,
    _height_line,
    beside,
    drop_before,
    keep_before,
    read_height,
)
from node.storage.ledger import ChainLedger
from node.storage.repair import LostBlocksError, Repaired, repair
from tests.make import MONEY, TestChain, account, word

GIFT = Transfer(MONEY, account("bob"), 1)
SMALL = Tuning(write_buffer_bytes=64 * 1024)  # many files
TREE_AND_MARK = {Table.NODE, Table.META}

Facts = tuple[int, bytes, bytes, dict[Table, list[tuple[bytes, bytes]]]]


@dataclass(frozen=True)
class Stopped:
    """A chain at rest: its folder, its genesis, and what is in it."""

    folder: Path
    genesis: Genesis
    facts: Facts


def facts(ledger: ChainLedger) -> Facts:
    tables = {
        table: list(ledger.store.table_entries(table))
        for table in Table
        if table not in TREE_AND_MARK
    }
    return ledger.height, ledger.head_id, ledger.head.state_root, tables


def opened(folder: Path, genesis: Genesis) -> ChainLedger:
    return ChainLedger(folder, genesis, tuning=SMALL)


def grow(folder: Path, *, clean: bool) -> Stopped:
    """Return a chain with a contract, pots and timers, part in tables and part in the log."""
    chain = TestChain(folder)
    box = chain.deploy()
    chain.close()
    for stretch in range(3):
        chain.ledger = opened(folder, chain.genesis)
        for number in range(12):
            due = chain.now + HOUR_MS
            name = word(f"{stretch} {number}")
            assert chain.call("alice", box, "put", name, due, account("bob"), funds=5).ok
            assert chain.call("alice", box, "plan", name, due).ok
            assert chain.do("alice", GIFT).ok
        if stretch < 2:
            chain.ledger.close(clean=clean)
    found = facts(chain.ledger)
    chain.ledger.close(clean=clean)
    return Stopped(folder, chain.genesis, found)


@pytest.fixture(scope="module", params=[True, False], ids=["clean", "dirty"])
def stopped(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Stopped:
    return grow(tmp_path_factory.mktemp("stopped") / "chain", clean=request.param)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Stopped:
    return grow(tmp_path_factory.mktemp("whole") / "chain", clean=True)


def copied(chain: Stopped, folder: Path) -> Path:
    shutil.copytree(chain.folder, folder / "chain")
    return folder / "chain"


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.name: path.read_bytes()
        for path in folder.iterdir()
        if path.name not in {"LOG", "LOG.old", "LOCK"}
    }


def start(folder: Path, chain: Stopped) -> str:
    """Start a chain; it must be whole, or be refused with its files as they were."""
    before = contents(folder)
    try:
        ledger = opened(folder, chain.genesis)
    except StoreError as error:
        text = str(error)
        assert contents(folder) == before, text
        assert "height" in text or "can not be read" in text, text
        assert "\n" not in text
        return "refused"
    found = facts(ledger)
    done = "good" if ledger.repaired is None else "repaired"
    ledger.close()
    assert found == chain.facts
    return done


def positions(size: int) -> Iterator[int]:
    yield from sorted({0, size // 2, size - 1, *(size * part // 7 for part in range(1, 7))})


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 0x10
    path.write_bytes(data)


def trials(
    chain: Stopped,
    folder: Path,
    harm: Callable[[Path, int], None],
    places: Callable[[int], Iterator[int]] = positions,
) -> dict[str, int]:
    counts = {"good": 0, "repaired": 0, "refused": 0}
    for file in sorted(chain.folder.iterdir()):
        if file.name in {"LOG", "LOG.old", "LOCK"}:
            continue
        for at in places(file.stat().st_size):
            trial = copied(chain, folder)
            harm(trial / file.name, at)
            counts[start(trial, chain)] += 1
            for left in folder.iterdir():
                shutil.rmtree(left)
    return counts


def test_a_flipped_bit_is_repaired_or_refused(stopped: Stopped, tmp_path: Path) -> None:
    counts = trials(stopped, tmp_path, flip)

    assert counts["repaired"] > counts["refused"] / 8 > 0


def test_a_file_cut_short_is_repaired_or_refused(stopped: Stopped, tmp_path: Path) -> None:
    def cut(path: Path, at: int) -> None:
        path.write_bytes(path.read_bytes()[:at])

    counts = trials(stopped, tmp_path, cut)

    assert counts["repaired"] + counts["refused"] > 0


def test_a_lost_file_is_repaired_or_refused(stopped: Stopped, tmp_path: Path) -> None:
    def lose(path: Path, _at: int) -> None:
        path.unlink()

    counts = trials(stopped, tmp_path, lose, lambda _size: iter([0]))

    assert counts["repaired"] + counts["refused"] > 0


def lose_blocks(folder: Path, first: int) -> None:
    with leveldb.DB(str(folder)) as database:
        for height in range(first, first + 3):
            database.delete(Table.BLOCK.value + height_key(height))


def test_a_lost_block_is_refused_with_its_height_and_what_to_do(
    whole: Stopped, tmp_path: Path
) -> None:
    folder = copied(whole, tmp_path)
    lose_blocks(folder, 90)
    last = whole.facts[0]

    with pytest.raises(LostBlocksError, match=r"height 90: .* washnode db repair"):
        opened(folder, whole.genesis)
    with pytest.raises(LostBlocksError) as caught:  # nothing was changed
        opened(folder, whole.genesis)

    assert (caught.value.height, caught.value.last) == (90, last)
    assert caught.value.transactions == last - 89


def test_a_chain_is_cut_before_a_lost_block_when_that_is_wished(
    whole: Stopped, tmp_path: Path
) -> None:
    folder = copied(whole, tmp_path)
    lose_blocks(folder, 90)
    error = StoreError("asked for")

    keep_before(folder)
    repaired = repair(folder, whole.genesis, error, truncate=True)
    ledger = opened(folder, whole.genesis)
    height, again = ledger.height, ledger.repaired
    ledger.close()

    lost = whole.facts[0] - 89
    kept = beside(folder, "damaged-1")
    assert (height, again, read_height(folder)) == (89, None, 89)
    assert repaired == Repaired(error, kept, 89, lost, lost)
    assert kept.is_dir()


@pytest.mark.parametrize("table", [Table.COMMIT, Table.RECEIPTS, Table.STATE])
def test_what_follows_from_blocks_is_made_anew_and_the_damaged_files_are_kept(
    whole: Stopped, tmp_path: Path, table: Table
) -> None:
    folder = copied(whole, tmp_path)
    with leveldb.DB(str(folder)) as database:
        for key in list(database.iterator(prefix=table.value, include_value=False))[5:9]:
            database.delete(key)
        database.put(b"mopen", b"1")

    ledger = opened(folder, whole.genesis)
    found, repaired = facts(ledger), ledger.repaired
    ledger.close()

    assert repaired is not None
    assert (found, repaired.kept) == (whole.facts, beside(folder, "damaged-1"))
    assert (repaired.kept / "CURRENT").exists()


def test_a_chain_that_lost_its_end_does_not_pass_for_a_shorter_one(
    whole: Stopped, tmp_path: Path
) -> None:
    folder = copied(whole, tmp_path)
    (folder / HEIGHT_NAME).write_bytes(_height_line(whole.facts[0] + 1))

    with pytest.raises(LostBlocksError, match=f"height {whole.facts[0] + 1}"):
        opened(folder, whole.genesis)


def test_a_damaged_mark_is_no_mark(tmp_path: Path) -> None:
    marks = [b"", b"7", b"-0000000000000000007 00000000\n", _height_line(7)[:-2], _height_line(7)]
    found = []
    for mark in marks:
        (tmp_path / HEIGHT_NAME).write_bytes(mark)
        found.append(read_height(tmp_path))

    assert found == [None, None, None, None, 7]


@pytest.mark.parametrize("moment", ["checking", "linking", "made anew", "swapping", "swapped"])
def test_a_stop_at_any_moment_of_a_start_loses_nothing(
    whole: Stopped, tmp_path: Path, moment: str
) -> None:
    folder = copied(whole, tmp_path)
    before, ready = beside(folder, "before"), beside(folder, "ready")
    if moment == "linking":
        beside(folder, "linking").mkdir()
    else:
        keep_before(folder)
    if moment in {"checking", "made anew", "swapping"}:
        shutil.rmtree(folder)
    if moment in {"made anew", "swapping", "swapped"}:
        shutil.copytree(before, ready)
    if moment in {"swapping", "swapped"}:
        shutil.rmtree(folder, ignore_errors=True)
        before.rename(beside(folder, "damaged-1"))

    ledger = opened(folder, whole.genesis)
    found, left = facts(ledger), {path.name for path in tmp_path.iterdir()}
    ledger.close()

    damaged = {"chain.damaged-1"} if ready_for(moment) else set()
    assert (found, left) == (whole.facts, {"chain", "chain.lock"} | damaged)


def ready_for(moment: str) -> bool:
    return moment in {"made anew", "swapping", "swapped"}


def test_a_chain_has_one_user_even_while_it_is_made_anew(whole: Stopped, tmp_path: Path) -> None:
    folder = copied(whole, tmp_path)
    lock = FolderLock(folder)

    with pytest.raises(StoreInUseError, match="another node"):
        opened(folder, whole.genesis)
    lock.release()
    opened(folder, whole.genesis).close()

    assert not beside(folder, "lock").exists()


def test_dropping_what_was_kept_leaves_only_the_chain(whole: Stopped, tmp_path: Path) -> None:
    folder = copied(whole, tmp_path)

    keep_before(folder)
    drop_before(folder)

    assert [path.name for path in tmp_path.iterdir()] == ["chain"]
