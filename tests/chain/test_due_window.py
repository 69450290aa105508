"""The window on the queue answers as the whole queue would, however small it is."""

from hypothesis import given
from hypothesis import strategies as st

from chain import due_window
from chain.due_window import DueWindow, Pairs

START, STOP = b"\xf0", b"\xf1"


def key_of(number: int) -> bytes:
    return START + number.to_bytes(2, "big")


class Disk:
    """A sorted map that counts how often it is asked."""

    def __init__(self) -> None:
        self.pairs: dict[bytes, bytes] = {b"\x01other": b"x"}
        self.asked = 0

    def load(self, start: bytes, stop: bytes, limit: int) -> Pairs:
        self.asked += 1
        inside = [(key, self.pairs[key]) for key in sorted(self.pairs) if start <= key < stop]
        return inside[:limit]


@given(
    st.lists(
        st.tuples(st.integers(0, 60), st.booleans(), st.integers(0, 60), st.integers(1, 9)),
        max_size=80,
    )
)
def test_any_history_of_changes_is_scanned_as_from_disk(
    history: list[tuple[int, bool, int, int]],
) -> None:
    disk = Disk()
    window = DueWindow(disk.load, START, STOP)
    before = due_window.LOADED, due_window.KEPT_MAX
    due_window.LOADED, due_window.KEPT_MAX = 3, 7
    try:
        for number, kept, start, limit in history:
            key = key_of(number)
            if kept:
                disk.pairs[key] = b"%d" % start
            else:
                disk.pairs.pop(key, None)
            window.apply([(key, disk.pairs.get(key))])

            for stop in (key_of(start + 5), STOP):
                found = window.scan(key_of(start), stop, limit)
                assert found == Disk.load(disk, key_of(start), stop, limit)
    finally:
        due_window.LOADED, due_window.KEPT_MAX = before


def test_a_queue_that_fits_is_read_from_disk_once() -> None:
    disk = Disk()
    window = DueWindow(disk.load, START, STOP)

    for number in range(500):
        disk.pairs[key_of(number)] = b"v"
        window.apply([(key_of(number), b"v")])
        window.scan(START, key_of(number), 800)
        window.scan(key_of(number), STOP, 1)

    assert disk.asked == 1
