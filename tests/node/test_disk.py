"""Full disks, disks for reading only, folders in use: said in one line, and nothing is lost."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from chain.errors import (
    DiskFullError,
    HeldFileError,
    ReadOnlyStoreError,
    StoreError,
    StoreInUseError,
    UnreadableStoreError,
    WashError,
)
from chain.leveldb import leveldb
from chain.store_faults import find_fault
from chain.tables import Tuning
from chain.transaction import Transfer
from consensus import HeaderEntry
from node.client import Wash
from node.storage import disk
from node.storage.disk import disk_faults, free_bytes, tell_fault
from node.storage.held_files import patiently
from node.storage.ledger import ChainLedger
from node.storage.wal import VoteLog
from tests.make import MONEY, TestChain, account, genesis, word

CHAIN = word("chain")
GIFT = Transfer(MONEY, account("bob"), 1)
HELD = b"The process cannot access the file because it is being used by another process."
DISK_BYTES = 8 * 1024 * 1024


@pytest.mark.parametrize(
    ("said", "doing", "kind"),
    [
        (b"IO error: c/000003.log: No space left on device", "write", DiskFullError),
        (b"IO error: c/000003.log: File too large", "write", DiskFullError),
        (b"IO error: c/000003.log: Disk quota exceeded", "write", DiskFullError),
        (b"IO error: c/LOCK: Read-only file system", "open", ReadOnlyStoreError),
        (b"IO error: c/LOCK: Permission denied", "open", ReadOnlyStoreError),
        (b"IO error: lock c/LOCK: Resource temporarily unavailable", "open", StoreInUseError),
        (b"IO error: lock c/LOCK: already held by process", "open", StoreInUseError),
        (b"IO error: lock c/LOCK: " + HELD, "open", StoreInUseError),
        (b"IO error: c/000005.ldb: " + HELD, "read", HeldFileError),
        (b"IO error: c/000007.log: " + HELD, "write", HeldFileError),
        (b"Corruption: block checksum mismatch: c/000005.ldb", "read", UnreadableStoreError),
        (b"Corruption: block checksum mismatch: c/000005.ldb", "write", UnreadableStoreError),
        (b"IO error: c/000005.ldb: Invalid argument", "read", UnreadableStoreError),
        (b"IO error: c/000005.ldb: Input/output error", "read", UnreadableStoreError),
        (b"Invalid argument: c: does not exist (create_if_missing is false)", "open",
         UnreadableStoreError),
        (b"IO error: c/000003.log: Input/output error", "write", StoreError),
    ],
)  # fmt: skip
def test_what_the_database_says_becomes_one_typed_error(
    said: bytes, doing: Any, kind: type[StoreError]
) -> None:
    assert type(find_fault(OSError(said), "c", doing)) is kind


def test_a_fault_is_told_with_what_to_do_and_once(tmp_path: Path) -> None:
    full = tell_fault(OSError(28, "No space left on device"), tmp_path)
    read_only = tell_fault(OSError(30, "Read-only file system", "votes.log"), tmp_path)
    damaged = tell_fault(UnreadableStoreError("c can not be read"), tmp_path)
    other = tell_fault(OSError(5, "Input/output error", "votes.log"), tmp_path)

    with pytest.raises(DiskFullError) as caught, disk_faults(tmp_path):
        raise full

    assert caught.value is full
    assert f"bytes free at {tmp_path}; free some space, then start again" in str(full)
    assert str(read_only).startswith("votes.log can not be written; give this user the right")
    assert str(damaged).startswith("c can not be read; start again")
    assert str(other) == "votes.log: Input/output error"


def test_a_fault_without_a_reason_on_a_full_disk_is_the_full_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "free_bytes", lambda _folder: 0)

    told = tell_fault(StoreError("store c failed to write: IO error"), tmp_path)

    assert type(told) is DiskFullError


def test_the_room_of_a_folder_to_be_is_that_of_the_disk(tmp_path: Path) -> None:
    assert free_bytes(tmp_path / "not" / "there" / "yet") is not None


def test_an_interrupt_while_a_block_is_written_leaves_none_of_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = begun(tmp_path)
    chain.do("alice", GIFT)

    def interrupt(_items: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr("chain.store.encode_value", interrupt)
        with pytest.raises(KeyboardInterrupt):
            chain.do("alice", GIFT)
    chain.ledger.close(clean=False)
    again = reopened(chain, tmp_path / "chain")
    found = again.ledger.height, again.ledger.recovered_from
    again.ledger.close()

    assert found == (1, None)


class Antivirus:
    """Holds a file of the database for its first few openings, as Windows tells it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
        self.times, self._open = times, leveldb.DB
        monkeypatch.setattr("chain.store.leveldb.DB", self)

    def __call__(self, *words: Any, **named: Any) -> Any:
        self.times -= 1
        if self.times >= 0:
            raise OSError(b"IO error: c/000007.ldb: " + HELD)
        return self._open(*words, **named)


def test_a_file_that_is_held_for_a_moment_delays_a_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = begun(tmp_path)
    chain.do("alice", GIFT)
    chain.ledger.close()
    monkeypatch.setattr("node.storage.held_files._PAUSE_S", 0)
    Antivirus(monkeypatch, 3)

    again = reopened(chain, tmp_path / "chain")
    found = again.ledger.height, again.ledger.recovered_from
    again.ledger.close()

    assert found == (1, None)


def test_a_file_that_stays_held_is_told_with_its_fix_and_the_chain_is_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = begun(tmp_path)
    chain.do("alice", GIFT)
    chain.ledger.close()
    with monkeypatch.context() as patched:
        patched.setattr("node.storage.held_files.PATIENCE_S", 0.01)
        Antivirus(patched, 1_000)
        with pytest.raises(HeldFileError, match="keep the antivirus out of that folder"):
            reopened(chain, tmp_path / "chain")
    again = reopened(chain, tmp_path / "chain")
    found = again.ledger.height, again.ledger.recovered_from
    again.ledger.close()

    assert found == (1, None)


def test_only_where_it_means_a_held_file_is_a_refusal_tried_again() -> None:
    tries: list[int] = []

    def refused() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise PermissionError(13, "Permission denied")

    patiently(refused, is_posix=False)
    windows, tries[:] = len(tries), []
    with pytest.raises(PermissionError):
        patiently(refused, is_posix=True)

    assert (windows, len(tries)) == (3, 1)


# On disks of their own -------------------------------------------------------------------------


def mount(*arguments: str) -> bool:
    try:
        done = subprocess.run(["mount", *arguments], capture_output=True, check=False)
    except OSError:
        return False
    return done.returncode == 0


@pytest.fixture(params=["memory", "loop"])
def small(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Path]:
    """A disk of 8 MiB, in memory or in a file with a file system of its own."""
    folder = tmp_path / "small"
    folder.mkdir()
    options = ["-t", "tmpfs", "-o", f"size={DISK_BYTES}", "tmpfs"]
    if request.param == "loop":
        options = ["-o", "loop", str(make_disk(tmp_path / "disk"))]
    if not mount(*options, str(folder)):
        pytest.skip("mounting is not allowed here: run as root to test real full disks")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def make_disk(path: Path) -> Path:
    """Make a file that can be mounted as a disk."""
    path.touch()
    os.truncate(path, DISK_BYTES)
    words = ["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal", str(path)]
    try:
        subprocess.run(words, capture_output=True, check=True)
    except (OSError, subprocess.SubprocessError):
        pytest.skip("no mkfs.ext4 here: only disks in memory are tried")
    return path


@contextmanager
def read_only(folder: Path) -> Iterator[None]:
    assert mount("-o", "remount,ro", str(folder))
    try:
        yield
    finally:
        assert mount("-o", "remount,rw", str(folder))


def fill(folder: Path) -> Path:
    """Leave no room on a disk."""
    path = folder / "filler"
    with path.open("wb", buffering=0) as file, suppress(OSError):
        for size in (65_536, 4_096, 1):
            with suppress(OSError):
                while file.write(bytes(size)):
                    pass
    return path


def reopened(chain: TestChain, folder: Path) -> TestChain:
    chain.ledger = ChainLedger(folder, chain.genesis, tuning=Tuning())
    return chain


def test_a_chain_on_a_full_disk_stops_and_goes_on_from_there(small: Path) -> None:
    chain = begun(small)
    filler = fill(small)

    with pytest.raises(DiskFullError):
        go_on(chain)
    height, head = chain.ledger.height, chain.ledger.head_id
    chain.ledger.close(clean=False)
    filler.unlink()
    again = reopened(chain, small / "chain")
    found = again.ledger.height, again.ledger.head_id, again.ledger.recovered_from
    assert again.do("alice", GIFT).ok
    again.ledger.close()

    assert found == (height, head, None)


def go_on(chain: TestChain) -> None:
    for _ in range(20_000):
        chain.do("alice", GIFT)


def begun(folder: Path) -> TestChain:
    chain = TestChain(folder / "chain")
    chain.close()
    return reopened(chain, folder / "chain")


def test_a_start_on_a_full_disk_is_refused_and_loses_nothing(small: Path) -> None:
    chain = begun(small)
    chain.do("alice", GIFT)
    chain.ledger.close()
    filler = fill(small)

    with pytest.raises(DiskFullError, match="start again"):
        reopened(chain, small / "chain")
    filler.unlink()
    again = reopened(chain, small / "chain")
    height = again.ledger.height
    again.ledger.close()

    assert height == 1


def test_after_a_failed_write_nothing_more_is_written(small: Path) -> None:
    chain = begun(small)
    filler = fill(small)
    with pytest.raises(DiskFullError):
        go_on(chain)

    filler.unlink()
    with pytest.raises(DiskFullError):
        chain.do("alice", GIFT)
    chain.ledger.close()  # as dirty, whatever is asked for
    again = reopened(chain, small / "chain")
    dirty = again.ledger.store.was_dirty
    again.ledger.close()

    assert dirty


def test_a_read_only_folder_is_said_to_be_one(small: Path) -> None:
    chain = begun(small)
    chain.ledger.close()

    with read_only(small), pytest.raises(ReadOnlyStoreError, match="can not be written"):
        reopened(chain, small / "chain")
    with read_only(small), pytest.raises(ReadOnlyStoreError, match=r"votes\.log"):
        VoteLog(small / "votes.log", CHAIN).recovered(0)
    with read_only(small), pytest.raises(ReadOnlyStoreError):
        ChainLedger(small / "another", genesis(), tuning=Tuning())


def vote(log: VoteLog) -> None:
    for _ in range(10_000):
        log.append((HeaderEntry(CHAIN, "x" * 500),))


def test_a_vote_that_finds_no_room_is_told(small: Path) -> None:
    log = VoteLog(small / "votes.log", CHAIN)
    log.recovered(0)
    filler = fill(small)

    with pytest.raises(DiskFullError):
        vote(log)
    log.close()
    filler.unlink()
    again = VoteLog(small / "votes.log", CHAIN)
    found = again.recovered(0)
    again.close()

    assert found.damage in {None, "x" * 500}  # what was whole on the disk, and nothing of the rest


# The whole node --------------------------------------------------------------------------------


ROOT = Path(__file__).resolve().parents[2]


@contextmanager
def dev(folder: Path) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Run a node and yield what it says of itself once it is ready."""
    words = ["dev", "--data", str(folder), "--port", "0", "--json", "--no-seed"]
    process = subprocess.Popen(
        [sys.executable, "-m", "node", *words],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"WASH_LANG": "en", "WASH_RPC_REQUESTS_PER_SECOND": "0"},
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith('{"url"'), (line, process.communicate()[1])
        yield process, json.loads(line)
    finally:
        process.kill()
        process.communicate()


def mine(wash: Wash) -> None:
    for _ in range(5_000):
        wash.rpc("dev_mine", count=20)


@pytest.mark.e2e
@pytest.mark.timeout(120)
def test_a_running_node_whose_disk_fills_pauses_says_why_and_goes_on_by_itself(
    small: Path,
) -> None:
    with dev(small / "data") as (process, facts):
        with Wash(facts["url"]) as wash:
            height = wash.rpc("dev_mine", count=20)["height"]
            filler = fill(small)
            with pytest.raises(WashError):
                mine(wash)
            (paused,) = [
                one["text"]
                for one in wash.rpc("node_health")["warnings"]
                if one["code"] == "PAUSED"
            ]
            filler.unlink()
            after = wash.rpc("dev_mine", count=1)["height"]
        process.send_signal(signal.SIGTERM)
        code = process.wait(20)

    assert "bytes are free on the disk" in paused
    assert (after, code) == (height + 1, 0)
