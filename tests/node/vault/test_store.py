"""What a vault keeps on disk, and that what is destroyed is in no file any more."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.byte_store import ByteStore
from chain.types import DAY_MS
from node.vault.errors import GoneError, VaultFullError
from node.vault.sealing import Wrapped
from node.vault.store import Line, Receipt, VaultStore

OWNER, OTHER = b"o" * 32, b"p" * 32
NOW = 20_000 * DAY_MS + 5


@pytest.fixture
def store(tmp_path: Path) -> Iterator[VaultStore]:
    made = VaultStore(tmp_path, 10_000_000, 5_000_000)
    yield made
    made.close()


def name(number: int) -> bytes:
    return number.to_bytes(32, "big")


def keys(blob: bytes, *accounts: bytes) -> list[Wrapped]:
    return [Wrapped(blob, account, secrets.token_bytes(80)) for account in accounts]


def receipt(blob: bytes, owner: bytes = OWNER) -> Receipt:
    return Receipt(blob, owner, NOW, b"s" * 64)


def files_with(folder: Path, *needles: bytes) -> list[str]:
    """Return the names of files that hold any of some bytes."""
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return [path.name for path in paths if any(one in path.read_bytes() for one in needles)]


def line(blob: bytes = b"b" * 32, owner: bytes = OWNER, at_ms: int = NOW) -> Line:
    return Line(at_ms, blob, owner, b"r" * 32, 2, 3, b"x" * 16)


@pytest.mark.parametrize("size", [300, 200_000, 2_000_000])
@pytest.mark.parametrize("others", [0, 3])
def test_nothing_of_what_was_erased_is_left_in_any_file(
    store: VaultStore, size: int, others: int
) -> None:
    blob, wrapped = secrets.token_bytes(size), keys(name(1), OWNER, OTHER)
    for number in range(2, 2 + others):
        store.put(name(number), OTHER, secrets.token_bytes(400_000), keys(name(number), OTHER))
    store.put(name(1), OWNER, blob, wrapped)
    needles = [blob[:100], blob[-100:], *(one.sealed for one in wrapped)]
    before = files_with(store.folder, *needles)

    store.erase(receipt(name(1)))

    assert before != []
    assert files_with(store.folder, *needles) == []
    store.close()
    assert store.blob(name(1)) is None
    assert store.wrapped(name(1), OWNER) is None
    assert files_with(store.folder, *needles) == []
    assert len(store.names()) == others


def test_what_was_written_long_ago_is_destroyed_as_well(store: VaultStore) -> None:
    blob = secrets.token_bytes(1_000)
    store.put(name(1), OWNER, blob, keys(name(1), OWNER))
    for number in range(2, 12):  # enough to push it down through the levels
        store.put(name(number), OTHER, secrets.token_bytes(400_000), [])
        store.close()

    store.erase(receipt(name(1)))

    assert files_with(store.folder, blob) == []
    assert len(store.names()) == 10


def test_a_stop_between_erasing_and_cleaning_is_made_good_at_the_next_start(
    store: VaultStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    blob = secrets.token_bytes(1_000)
    store.put(name(1), OWNER, blob, keys(name(1), OWNER))
    monkeypatch.setattr(ByteStore, "destroy", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        store.erase(receipt(name(1)))
    left = files_with(store.folder, blob)
    monkeypatch.undo()

    store.close()

    assert store.blob(name(1)) is None
    assert (left != [], files_with(store.folder, blob)) == (True, [])


def test_a_mark_of_the_erasure_stays_and_the_same_is_not_taken_again(store: VaultStore) -> None:
    store.put(name(1), OWNER, b"blob", [])
    store.erase(receipt(name(1)))
    store.close()

    with pytest.raises(GoneError):
        store.put(name(1), OWNER, b"blob", [])
    assert store.receipt(name(1)) == receipt(name(1))
    assert store.pending() == [name(1)]
    store.settle(name(1))
    assert store.pending() == []


def test_what_never_came_can_be_erased_too(store: VaultStore) -> None:
    store.erase(receipt(name(1)))

    assert store.receipt(name(1)) == receipt(name(1))
    assert store.bytes_used() == 0


def test_room_is_counted_and_given_back(store: VaultStore) -> None:
    store.put(name(1), OWNER, bytes(3_000_000), [])
    with pytest.raises(VaultFullError):
        store.put(name(2), OWNER, bytes(2_000_001), [])
    store.put(name(2), OTHER, bytes(5_000_000), [])
    with pytest.raises(VaultFullError):
        store.put(name(3), b"q" * 32, bytes(2_000_001), [])
    store.put(name(2), OTHER, bytes(5_000_000), [])  # the same once more takes no room

    store.erase(receipt(name(1)))

    assert (store.bytes_used(), store.bytes_of(OWNER), store.bytes_of(OTHER)) == (
        5_000_000, 0, 5_000_000,
    )  # fmt: skip


def test_keys_are_kept_for_blobs_that_are_here(store: VaultStore) -> None:
    store.put(name(1), OWNER, b"blob", [])

    kept = store.put_keys([*keys(name(1), OTHER), *keys(name(2), OTHER)])

    assert kept == 1
    assert store.wrapped(name(1), OTHER) is not None
    assert store.wrapped(name(2), OTHER) is None


def test_a_line_is_read_as_it_was_written() -> None:
    assert Line.read(line().leaf()) == line()


def test_lines_are_in_order_by_day_and_by_owner(store: VaultStore) -> None:
    tomorrow = NOW + DAY_MS
    for one in (line(), line(owner=OTHER), line(at_ms=tomorrow), line(blob=b"c" * 32)):
        store.note(one)
        store.close()  # numbers go on after a restart
    day = NOW // DAY_MS

    assert [Line.read(leaf) for leaf in store.leaves(day)] == [
        line(), line(owner=OTHER), line(blob=b"c" * 32),
    ]  # fmt: skip
    assert list(store.lines_of(OWNER, (day + 2, 0))) == [(day + 1, 0), (day, 2), (day, 0)]
    assert list(store.lines_of(OWNER, (day, 2))) == [(day, 0)]
    assert store.open_days(day + 1) == [day]
    store.note_logged(day)
    assert store.open_days(day + 2) == [day + 1]


def test_nothing_is_opened_before_it_is_needed(tmp_path: Path) -> None:
    store = VaultStore(tmp_path, 1, 1)

    assert (store.is_there, list(tmp_path.iterdir())) == (False, [])
    store.close()
