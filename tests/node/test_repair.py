"""Damaged files of a stopped chain: repaired to the same head, or refused in plain words."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from chain.errors import CorruptStoreError, StoreError, StoreInUseError
from chain.genesis import Genesis
from chain.tables import Table, Tuning
from chain.transaction import Transfer
from chain.types import HOUR_MS
from node.chain_folder import (
    HEIGHT_NAME,
    FolderLock,
    beside,
    drop_before,
    keep_before,
    read_height,
)
from node.ledger import ChainLedger
from node.repair import LostBlocksError, repair
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
        assert ("height" in text or "can not be read" in text) and "\n" not in text, text
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


def trials(chain: Stopped, folder: Path, harm: Callable[[Path, int], None]) -> dict[str, int]:
    counts = {"good": 0, "repaired": 0, "refused": 0}
    for file in sorted(chain.folder.iterdir()):
        if file.name in {"LOG", "LOG.old", "LOCK"}:
            continue
        for at in positions(file.stat().st_size):
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

    counts = trials(stopped, tmp_path, lose)

    assert counts["repaired"] + counts["refused"] > 0
