"""The vote log: what was on disk comes back, what was torn is cut off, what was damaged is said."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import StoreError
from node.storage.wal import RECORD_BYTES_MAX, VoteLog

RECORDS = [b"first", b"", b"third record"]


def written(path: Path, records: list[bytes]) -> bytes:
    log = VoteLog(path, sync=False)
    for record in records:
        log.append(record)
    log.close()
    return path.read_bytes()


def read(path: Path) -> list[bytes]:
    log = VoteLog(path, sync=False)
    log.close()
    return log.records


def test_records_come_back_and_more_follow(tmp_path: Path) -> None:
    path = tmp_path / "votes"
    written(path, RECORDS)

    written(path, [b"fourth"])

    assert read(path) == [*RECORDS, b"fourth"]


def test_a_new_height_begins_an_empty_log(tmp_path: Path) -> None:
    path = tmp_path / "votes"
    log = VoteLog(path)
    log.append(b"old")
    log.begin_height()
    log.append(b"new")
    log.close()

    assert (log.records, read(path)) == ([], [b"new"])


def test_a_log_cut_off_anywhere_keeps_its_whole_records(tmp_path: Path) -> None:
    path = tmp_path / "votes"
    data = written(path, RECORDS)
    ends = [0]
    for record in RECORDS:
        ends.append(ends[-1] + 12 + len(record))

    for length in range(len(data) + 1):
        path.write_bytes(data[:length])
        whole = RECORDS[: sum(end <= length for end in ends) - 1]
        assert read(path) == whole, length
        assert path.stat().st_size == ends[len(whole)]
        assert read(path) == whole


@pytest.mark.parametrize("zeros", [1, 11, 12, 13, 4_096])
def test_zeros_after_a_power_cut_are_a_torn_tail(tmp_path: Path, zeros: int) -> None:
    path = tmp_path / "votes"
    data = written(path, RECORDS)
    path.write_bytes(data + bytes(zeros))

    assert (read(path), path.read_bytes()) == (RECORDS, data)


def test_a_changed_record_before_the_last_is_said_and_never_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "votes"
    data = written(path, RECORDS)
    last = len(data) - len(RECORDS[-1]) - 12

    silent = []
    for place in range(last):
        path.write_bytes(data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :])
        with suppress(StoreError):
            silent.append((place, read(path)))

    assert silent == []


@given(st.lists(st.binary(max_size=30), max_size=6), st.integers(0, 200), st.integers(1, 255))
def test_no_record_is_ever_made_up(
    tmp_path_factory: pytest.TempPathFactory, records: list[bytes], place: int, change: int
) -> None:
    path = tmp_path_factory.mktemp("log") / "votes"
    data = bytearray(written(path, records))
    if data:
        data[place % len(data)] ^= change
    path.write_bytes(data)

    try:
        found = read(path)
    except StoreError:
        return

    assert found == records[: len(found)]


def test_a_record_has_a_largest_size(tmp_path: Path) -> None:
    log = VoteLog(tmp_path / "votes", sync=False)

    with pytest.raises(AssertionError):
        log.append(bytes(RECORD_BYTES_MAX + 1))
    log.close()
