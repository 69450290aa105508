"""The vote log: what was on disk comes back, what was torn is cut off, what was damaged is said."""

from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.vote import SignedVote
from consensus import BodyEntry, HeaderEntry, LogEntry, Recovered, StateEntry
from node.storage import wal
from node.storage.genesis_block import genesis_block
from node.storage.wal import RECORD_BYTES_MAX, SECTOR_BYTES, VoteLog, frame, parse_log
from tests.make import VALIDATOR, genesis, word

CHAIN = word("chain")
RECORDS = [b"first", b"", b"third record"]
HEAD = HeaderEntry(CHAIN)


def state_of(height: int, round_number: int = 0) -> StateEntry:
    place = (0, height, round_number, word("block"), -1, VALIDATOR.public_key, bytes(range(64)))
    vote = SignedVote(2, *place)
    return StateEntry(0, height, round_number, (vote,), word("block"), 0, None, -1, ())


def written(path: Path, *batches: tuple[LogEntry, ...]) -> bytes:
    log = VoteLog(path, CHAIN)
    log.recovered(0)
    for entries in batches:
        log.append(entries)
    log.close()
    return path.read_bytes()


def found(path: Path, head_height: int, *, is_alone: bool = False, epoch: int = 0) -> Recovered:
    log = VoteLog(path, CHAIN)
    recovered = log.recovered(head_height, is_alone=is_alone, epoch=epoch)
    log.close()
    return recovered


# Bytes ------------------------------------------------------------------------------------------


def test_records_come_back() -> None:
    data = b"".join(map(frame, RECORDS))

    assert parse_log(data) == (RECORDS, len(data), None)
    assert parse_log(b"") == ([], 0, None)


def test_a_file_cut_off_anywhere_keeps_its_whole_records() -> None:
    data = b"".join(map(frame, RECORDS))
    ends = [0]
    for record in RECORDS:
        ends.append(ends[-1] + len(frame(record)))

    for length in range(len(data) + 1):
        whole = sum(end <= length for end in ends) - 1
        assert parse_log(data[:length]) == (RECORDS[:whole], ends[whole], None)


@pytest.mark.parametrize("zeros", [1, 11, 12, 13, 4_096])
def test_zeros_after_the_last_record_are_a_torn_tail(zeros: int) -> None:
    data = b"".join(map(frame, RECORDS))

    assert parse_log(data + bytes(zeros)) == (RECORDS, len(data), None)


def test_a_sector_that_was_never_written_is_torn_in_the_last_record_alone() -> None:
    first, last = frame(b"first"), frame(b"\xff" * 5 * SECTOR_BYTES)
    holed = bytearray(first + last)
    holed[2 * SECTOR_BYTES : 3 * SECTOR_BYTES] = bytes(SECTOR_BYTES)

    torn = parse_log(bytes(holed))
    damaged = parse_log(bytes(holed) + first)

    assert torn == ([b"first"], len(first), None)
    assert damaged == ([b"first"], len(first), f"its record at byte {len(first)} is damaged")


def test_a_head_that_lies_over_two_sectors_may_be_torn_between_them() -> None:
    first = frame(b"\xff" * (SECTOR_BYTES - 12 - 6))
    data = first + frame(b"second" * 40)
    zeroed = data[:SECTOR_BYTES] + bytes(len(data) - SECTOR_BYTES)

    assert parse_log(zeroed)[1:] == (len(first), None)


def test_a_changed_byte_of_any_record_is_said_the_last_one_too() -> None:
    data = b"".join(map(frame, [*RECORDS, b"\xff" * 40]))

    silent = []
    for place in range(len(data)):
        changed = data[:place] + bytes([data[place] ^ 0x40]) + data[place + 1 :]
        if parse_log(changed)[2] is None:
            silent.append(place)

    assert silent == []


@given(st.lists(st.binary(max_size=30), max_size=6), st.data())
def test_no_record_is_ever_made_up(records: list[bytes], drawn: st.DataObject) -> None:
    data = bytearray(b"".join(map(frame, records)))
    for _ in range(drawn.draw(st.integers(0, 2)) if data else 0):
        place = drawn.draw(st.integers(0, len(data) - 1))
        data[place] ^= drawn.draw(st.integers(1, 255))
    cut = drawn.draw(st.integers(0, len(data)))

    seen, valid_bytes, damage = parse_log(bytes(data[:cut]))

    assert seen == records[: len(seen)]
    assert valid_bytes == sum(len(frame(record)) for record in seen)
    assert damage is None or len(seen) < len(records)


def test_a_record_has_a_largest_size() -> None:
    with pytest.raises(AssertionError):
        frame(bytes(RECORD_BYTES_MAX + 1))


# The file ---------------------------------------------------------------------------------------


def test_what_was_voted_above_the_head_comes_back_with_its_block(tmp_path: Path) -> None:
    path = tmp_path / "votes.log"
    block = genesis_block(genesis()).block
    written(path, (BodyEntry(block), state_of(1)), (state_of(1, 1),))

    above, below = found(path, 0), found(path, 1)

    assert above == Recovered(state_of(1, 1), ())  # the block is of height 0
    assert below == Recovered()


def test_a_log_goes_on_after_a_torn_tail(tmp_path: Path) -> None:
    path = tmp_path / "votes.log"
    data = written(path, (state_of(1),))
    path.write_bytes(data + frame(b"half")[:9])

    written(path, (state_of(1, 1),))

    assert found(path, 0).state == state_of(1, 1)
    assert path.read_bytes()[: len(data)] == data


@given(st.integers(0, 10_000), st.integers(1, 255), st.sampled_from(["cut", "changed"]))
def test_a_spoilt_log_gives_what_was_written_or_says_that_it_is_damaged(
    tmp_path_factory: pytest.TempPathFactory, place: int, change: int, how: str
) -> None:
    path = tmp_path_factory.mktemp("log") / "votes.log"
    data = written(path, (state_of(1),), (state_of(1, 1),))
    place %= len(data)
    changed = bytes([data[place] ^ change]) + data[place + 1 :]
    spoilt = data[:place] + (b"" if how == "cut" else changed)
    path.write_bytes(spoilt)

    recovered = found(path, 0)

    if recovered.damage is None:
        assert how == "cut"
        assert recovered.state in {None, state_of(1), state_of(1, 1)}
    else:
        assert recovered.state is None
        assert "votes again by itself" in recovered.damage


def spoil(path: Path) -> bytes:
    data = bytearray(written(path, (state_of(1),), (state_of(2),)))
    data[60] ^= 1
    path.write_bytes(data)
    return bytes(data)


def test_a_damaged_log_stays_as_it_is_until_a_new_one_takes_its_place(tmp_path: Path) -> None:
    path = tmp_path / "votes.log"
    data = spoil(path)
    log = VoteLog(path, CHAIN)

    damage = log.recovered(1).damage
    untouched = path.read_bytes()
    log.append((HeaderEntry(CHAIN, "lost"),))
    log.append((HeaderEntry(CHAIN, None, 9), state_of(4)))
    log.close()

    assert damage is not None
    assert damage.startswith("votes.log is damaged: its record at byte")
    assert untouched == (tmp_path / "votes.log.damaged-1").read_bytes() == data
    assert found(path, 3) == Recovered(state_of(4), sign_from=9)


def test_distrust_outlives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "votes.log"
    log = VoteLog(path, CHAIN)
    first = log.recovered(5)
    log.append((HeaderEntry(CHAIN, first.damage),))
    log.close()

    assert first.damage is not None
    assert "votes.log is missing" in first.damage
    assert found(path, 5).damage == first.damage


def test_distrust_is_about_the_epoch_in_which_the_log_was_lost(tmp_path: Path) -> None:
    path = tmp_path / "votes.log"
    written(path, (HeaderEntry(CHAIN, "lost", 0, 1),))

    assert [found(path, 5, epoch=epoch) for epoch in (1, 2)] == [
        Recovered(damage="lost"),
        Recovered(),
    ]


def test_heights_to_be_silent_in_end_with_the_epoch(tmp_path: Path) -> None:
    path = tmp_path / "votes.log"
    written(path, (HeaderEntry(CHAIN, None, 9, 0), state_of(6)))

    assert [found(path, 5, epoch=epoch).sign_from for epoch in (0, 1)] == [9, 0]


def test_a_write_after_damage_says_that_the_one_before_is_lost(tmp_path: Path) -> None:
    path = tmp_path / "votes.log"
    spoil(path)
    log = VoteLog(path, CHAIN)
    log.recovered(1)
    log.append((state_of(2),))
    log.close()

    assert "damaged" in (found(path, 1).damage or "")


def test_a_chain_of_one_may_lose_its_log_but_not_damage_it(tmp_path: Path) -> None:
    missing = found(tmp_path / "none", 7, is_alone=True)
    spoil(tmp_path / "spoilt")
    damaged = found(tmp_path / "spoilt", 1, is_alone=True)
    (tmp_path / "empty").touch()
    empty = found(tmp_path / "empty", 7, is_alone=True)

    assert missing == Recovered()
    for one in (damaged, empty):
        assert "makes no blocks" in (one.damage or "")
        assert "move votes.log away" in (one.damage or "")
    assert (tmp_path / "empty").read_bytes() == b""


def test_a_new_chain_begins_its_log(tmp_path: Path) -> None:
    assert found(tmp_path / "votes.log", 0) == Recovered()
    assert found(tmp_path / "votes.log", 3) == Recovered()


@pytest.mark.parametrize(
    ("batches", "head", "said"),
    [
        ([(state_of(9),)], 3, "the vote log is at height 9, the chain at 3"),
        ([(HeaderEntry(CHAIN, "not sure"),)], 0, "not sure"),
    ],
)
def test_a_log_that_the_chain_does_not_fit_is_of_no_use(
    tmp_path: Path, batches: list[tuple[LogEntry, ...]], head: int, said: str
) -> None:
    written(tmp_path / "votes.log", *batches)

    assert said in (found(tmp_path / "votes.log", head).damage or "")


def test_a_log_of_another_chain_or_an_older_program_is_of_no_use(tmp_path: Path) -> None:
    path = tmp_path / "votes.log"
    written(path, (state_of(1),))
    foreign = VoteLog(path, word("other")).recovered(0).damage
    path.write_bytes(frame(b"a vote of long ago"))

    assert "the vote log is of chain" in (foreign or "")
    assert "one of its records is none" in (found(path, 0).damage or "")


def test_a_long_log_is_written_anew_after_a_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "votes.log"
    log = VoteLog(path, CHAIN)
    log.recovered(0)
    log.append((HeaderEntry(CHAIN, None, 2), state_of(1)))
    for height in range(2, 40):
        log.append((state_of(height),))
    before = path.stat().st_size
    log.committed()
    kept = path.stat().st_size

    monkeypatch.setattr(wal, "LOG_BYTES_MAX", before - 1)
    log.committed()
    after = path.stat().st_size
    log.append((state_of(40),))
    log.close()

    assert kept == before > 10 * after
    assert found(path, 39) == Recovered(state_of(40), sign_from=2)
    assert found(path, 20).damage is not None  # it remembers how far the chain had come
    assert [one.name for one in tmp_path.iterdir()] == ["votes.log"]


def test_a_chain_that_goes_back_takes_its_log_along(tmp_path: Path) -> None:
    path = tmp_path / "votes.log"
    log = VoteLog(path, CHAIN)
    log.recovered(0)
    log.append((state_of(9),))

    log.forget()

    assert (log.recovered(2), log.height) == (Recovered(), 0)
    log.close()
    with suppress(FileNotFoundError):
        (tmp_path / "votes.log.damaged-1").read_bytes()
        pytest.fail("nothing was damaged")


def test_read_anew_a_log_says_what_was_appended_since(tmp_path: Path) -> None:
    log = VoteLog(tmp_path / "votes.log", CHAIN)
    log.recovered(0)
    log.append((state_of(7),))
    log.committed()
    log.reread()
    known = log.recovered(6)
    log.append((state_of(8),))
    log.reread()
    above = log.recovered(100)
    log.append((state_of(101),))
    log.close()

    assert (known, above) == (Recovered(state_of(7)), Recovered())
    assert found(tmp_path / "votes.log", 100) == Recovered(state_of(101))
