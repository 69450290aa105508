"""Snapshots of a real chain: made, trusted, restored, and gone on with."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chain.snapshot
from chain.block import block_id
from chain.crypto import Signer
from chain.errors import PrunedError, SnapshotError, StoreInUseError
from chain.genesis import Genesis
from chain.snapshot import snapshot_id
from chain.state import Space
from chain.tables import Tuning
from chain.transaction import Transfer
from chain.types import DAY_MS, HOUR_MS
from node.storage.folder import beside
from node.storage.ledger import ChainLedger
from node.storage.snapshot import Restoring, SnapshotFile, restore
from node.storage.snapshots import KEPT_MAX, SnapshotFolder, SnapshotMaker, make_snapshot
from node.storage.trust import check_trust
from tests.make import MONEY, TestChain, account, genesis, signer, word

GIFT = Transfer(MONEY, account("bob"), 1)


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain.snapshot, "CHUNK_BYTES", 1_000)


OPEN: list[TestChain | ChainLedger] = []


@pytest.fixture(autouse=True)
def all_closed() -> Iterator[None]:
    yield
    while OPEN:
        OPEN.pop().close()


def chain_at(folder: Path, start: Genesis | None = None) -> TestChain:
    OPEN.append(made := TestChain(folder, start))
    return made


def grown(folder: Path, blocks: int = 6, start: Genesis | None = None) -> TestChain:
    """Return a chain with a contract, pots and timers."""
    made = chain_at(folder, start)
    box = made.deploy()
    for number in range(blocks):
        due = made.now + HOUR_MS
        assert made.call("alice", box, "put", word(f"{number}"), due, account("bob"), funds=5).ok
        assert made.call("alice", box, "plan", word(f"{number}"), due).ok
    return made


def snapshot_of(made: TestChain, path: Path) -> SnapshotFile:
    ledger = made.ledger
    assert ledger.head_commit is not None
    make_snapshot(ledger.store, path, (ledger.head, ledger.head_commit))
    return SnapshotFile(path)


def leaves(ledger: ChainLedger) -> list[tuple[bytes, bytes]]:
    return list(ledger.store.iterate(b"", b"\xff"))


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(chain.snapshot, "CHUNK_BYTES", 1_000)
        made = grown(folder / "chain", blocks=2)
        snapshot_of(made, folder / "file")
    made.close()
    return folder / "file"


def test_a_restored_chain_has_the_same_state_and_goes_on_like_the_other(tmp_path: Path) -> None:
    made = grown(tmp_path / "one")
    source = snapshot_of(made, tmp_path / "file")
    height = made.ledger.height

    check_trust(source.manifest, made.genesis, made.now + 1_000)
    restore(tmp_path / "two", made.genesis, source)
    copy = chain_at(tmp_path / "two", made.genesis)
    same = (copy.ledger.head_id, leaves(copy.ledger)) == (made.ledger.head_id, leaves(made.ledger))
    until = made.now + 2 * HOUR_MS
    fired, fired_again = made.idle(until), copy.idle(until)

    assert same
    assert len(source.manifest.chunks) > 3
    assert len(fired) > 6
    assert fired_again == fired
    assert copy.ledger.head_id == made.ledger.head_id
    copy.close()
    copy = chain_at(tmp_path / "two", made.genesis)
    assert copy.ledger.height == made.ledger.height > height
    copy.close(clean=False)  # the tree is made anew from the values
    assert chain_at(tmp_path / "two", made.genesis).ledger.head_id == made.ledger.head_id


def test_blocks_from_before_are_said_not_to_be_kept(tmp_path: Path) -> None:
    made = grown(tmp_path / "one")
    source = snapshot_of(made, tmp_path / "file")
    height = made.ledger.height
    restore(tmp_path / "two", made.genesis, source)
    copy = chain_at(tmp_path / "two", made.genesis)
    assert copy.do("alice", GIFT, at=made.now + 1_000).ok
    store = copy.ledger.store

    def lowest(read: Callable[[int], object], at: int) -> int:
        with pytest.raises(PrunedError) as caught:
            read(at)
        return caught.value.min_height

    assert store.header(height) == made.head
    assert store.commit(height) == made.ledger.head_commit
    assert store.block(0) == made.ledger.store.block(0)
    assert [lowest(read, height - 1) for read in (store.block, store.header)] == [
        height + 1,
        height,
    ]
    assert [lowest(read, height - 1) for read in (store.commit, store.receipts)] == [
        height,
        height + 1,
    ]
    assert lowest(store.block, height) == height + 1
    assert (store.base_height, store.first_body, store.keeps_all) == (height, height + 1, False)


def test_chunks_are_taken_in_one_by_one_and_a_stop_costs_none(tmp_path: Path) -> None:
    made = grown(tmp_path / "one")
    source = snapshot_of(made, tmp_path / "file")
    chunks = list(source.chunks())
    first = Restoring(tmp_path / "two", made.genesis, source.manifest)
    for data in chunks[:2]:
        first.add(data)
    with pytest.raises(SnapshotError, match="chunk 2"):
        first.add(chunks[0])
    with pytest.raises(SnapshotError, match="chunks are missing"):
        first.finish()
    first.close()

    second = Restoring(tmp_path / "two", made.genesis, source.manifest)
    done = second.chunks_done
    for data in chunks[done:]:
        second.add(data)
    second.finish()

    assert done == 2
    assert not beside(tmp_path / "two", "restoring").exists()
    copy = ChainLedger(tmp_path / "two", made.genesis, tuning=Tuning())
    OPEN.append(copy)
    assert leaves(copy) == leaves(made.ledger)


def test_two_do_not_restore_into_one_folder(tmp_path: Path) -> None:
    made = grown(tmp_path / "one")
    source = snapshot_of(made, tmp_path / "file")
    first = Restoring(tmp_path / "two", made.genesis, source.manifest)
    first.add(source.chunk(0))

    with pytest.raises(StoreInUseError):
        Restoring(tmp_path / "two", made.genesis, source.manifest)

    first.add(source.chunk(1))
    first.give_up()


def test_another_snapshot_begins_anew_in_the_place_of_the_first(tmp_path: Path) -> None:
    made = grown(tmp_path / "one")
    old = snapshot_of(made, tmp_path / "old")
    assert made.do("alice", GIFT).ok
    new = snapshot_of(made, tmp_path / "new")
    first = Restoring(tmp_path / "two", made.genesis, old.manifest)
    first.add(old.chunk(0))
    first.close()

    second = Restoring(tmp_path / "two", made.genesis, new.manifest)

    assert (second.chunks_done, snapshot_id(old.manifest) == snapshot_id(new.manifest)) == (
        0,
        False,
    )


def test_a_chain_is_never_written_over(tmp_path: Path) -> None:
    made = grown(tmp_path / "one")
    source = snapshot_of(made, tmp_path / "file")

    with pytest.raises(SnapshotError, match="holds a chain already"):
        restore(tmp_path / "one", made.genesis, source)


def test_chunks_that_are_not_the_state_of_the_header_leave_no_chain(tmp_path: Path) -> None:
    made = grown(tmp_path / "one")
    store, head, commit = made.ledger.store, made.head, made.ledger.head_commit
    assert commit is not None
    key = next(store.iterate(bytes([Space.BALANCE]), bytes([Space.BALANCE + 1])))[0]
    store.put_state([(key, (10**9).to_bytes(8, "big"))], b"")
    make_snapshot(store, tmp_path / "file", (head, commit))
    source = SnapshotFile(tmp_path / "file")
    check_trust(source.manifest, made.genesis, made.now + 1_000)

    with pytest.raises(SnapshotError, match="its state has the root"):
        restore(tmp_path / "two", made.genesis, source)

    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "one", "one.lock"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_damaged_byte_of_a_file_is_refused(
    file: Path, tmp_path: Path, data: st.DataObject
) -> None:
    good = file.read_bytes()
    at = data.draw(st.integers(0, len(good) - 1))
    bent = bytearray(good)
    bent[at] ^= data.draw(st.integers(1, 255))
    (tmp_path / "bent").write_bytes(bent)

    with pytest.raises(SnapshotError):
        read_all(tmp_path / "bent")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_file_that_is_cut_or_longer_is_refused(
    file: Path, tmp_path: Path, data: st.DataObject
) -> None:
    good = file.read_bytes()
    cut = data.draw(st.integers(0, len(good) - 1))
    (tmp_path / "cut").write_bytes(good[:cut])
    (tmp_path / "long").write_bytes(good[: cut + 1] + good[cut:])

    for name in ("cut", "long"):
        with pytest.raises(SnapshotError):
            read_all(tmp_path / name)


def read_all(path: Path) -> None:
    source = SnapshotFile(path)
    last = b""
    for index, chunk in enumerate(source.chunks()):
        last = chain.snapshot.check_chunk(source.manifest, index, chunk, last)[-1][0]


# Trust ------------------------------------------------------------------------------------------


def test_a_genesis_is_trusted_for_three_weeks_and_a_checkpoint_leads_on(tmp_path: Path) -> None:
    made = grown(tmp_path / "one")
    assert made.do("alice", GIFT, at=made.now + 30 * DAY_MS).ok
    manifest = snapshot_of(made, tmp_path / "file").manifest
    now = made.now + 1_000
    later = now + 30 * DAY_MS
    by_set = (manifest.height, manifest.header.validators_hash)
    by_id = (manifest.height, block_id(manifest.header))

    with pytest.raises(SnapshotError, match=r"newer checkpoint.*--checkpoint HEIGHT:HASH"):
        check_trust(manifest, made.genesis, now)
    check_trust(manifest, made.genesis, now, checkpoint=by_set)
    with pytest.raises(SnapshotError, match="ms old"):
        check_trust(manifest, made.genesis, later, checkpoint=by_set)
    check_trust(manifest, made.genesis, later, checkpoint=by_id)
    for wrong in (word("other"), block_id(made.ledger.store.header(1))):
        with pytest.raises(SnapshotError, match="validators_hash is"):
            check_trust(manifest, made.genesis, now, checkpoint=(manifest.height, wrong))
    with pytest.raises(SnapshotError, match="older block"):
        check_trust(manifest, made.genesis, now, checkpoint=(manifest.height + 1, word("x")))
    with pytest.raises(SnapshotError, match="nothing leads from what is trusted to height 3"):
        check_trust(manifest, made.genesis, now, checkpoint=(3, by_set[1]))


def test_a_snapshot_whose_certificate_somebody_else_signed_is_not_believed(tmp_path: Path) -> None:
    made = grown(tmp_path / "one")
    mallory: list[Signer] = [signer("mallory")]
    made.voters = mallory
    manifest = snapshot_of(made, tmp_path / "file").manifest
    object.__setattr__(manifest.commit, "signatures", (bytes(64),))

    with pytest.raises(SnapshotError, match="did not sign"):
        check_trust(manifest, made.genesis, made.now + 1_000)
    checkpoint = (manifest.height, block_id(manifest.header))
    with pytest.raises(SnapshotError, match="did not sign"):
        check_trust(manifest, made.genesis, made.now + 1_000, checkpoint=checkpoint)


# What a node offers -----------------------------------------------------------------------------


def test_a_node_offers_the_two_newest_of_fixed_heights_and_works_on_meanwhile(
    tmp_path: Path,
) -> None:
    start = genesis(params={"snapshot_interval_blocks": 4})
    made = grown(tmp_path / "chain", blocks=2, start=start)
    maker = SnapshotMaker(SnapshotFolder(tmp_path / "snapshots"))
    states: dict[int, list[tuple[bytes, bytes]]] = {}
    begun = []
    while made.ledger.height < 17:
        assert made.do("alice", GIFT).ok
        ledger = made.ledger
        assert ledger.head_commit is not None
        if maker.on_block(ledger.store, ledger.head, ledger.head_commit):
            begun.append(ledger.height)
            states[ledger.height] = [one for one in leaves(ledger) if one[0] < b"\xf0"]
        maker.step()
        while ledger.height % 4 == 3 and maker.step():
            pass
    offered = maker.folder
    newest = offered.newest()

    assert begun == [8, 12, 16]
    assert maker.fault is None
    assert (offered.heights(), KEPT_MAX) == ([8, 12], 2)
    assert newest is not None
    entries = [one for data in newest.chunks() for one in chain.snapshot.read_entries(data)]
    assert entries == states[12]
    assert offered.read_chunk(12, 0) == newest.chunk(0)
    assert (offered.read_chunk(12, 10**6), offered.read_chunk(4, 0)) == (None, None)
    maker.stop()
    assert [path.name for path in offered.folder.glob("*.new")] == []
    made.close()


def test_snapshots_of_two_nodes_are_the_same(tmp_path: Path) -> None:
    one = grown(tmp_path / "one")
    source = snapshot_of(one, tmp_path / "file")
    restore(tmp_path / "two", one.genesis, source)
    two = chain_at(tmp_path / "two", one.genesis)

    again = snapshot_of(two, tmp_path / "again")

    assert again.manifest == source.manifest
    assert (tmp_path / "again").read_bytes() == (tmp_path / "file").read_bytes()
