"""The page of the protocol says what the code does."""

import re
from pathlib import Path

from p2p.connection import HELD_BURST_MS, HELD_PER_S_MS, Timings
from p2p.handshake import HANDSHAKE_FRAME_BYTES_MAX
from p2p.kinds import KIB, MIB, Kind, Priority, message_bytes_max, priority_of
from p2p.limits import DEFAULT_RATES
from p2p.queues import QueueLimits
from p2p.roster import ROOM
from p2p.scores import FAULT_POINTS
from p2p.session import UNFINISHED_BYTES_MAX

PAGE = (Path(__file__).parents[2] / "docs" / "p2p.md").read_text("utf-8")


def rows(first_heading: str) -> list[list[str]]:
    """Return the cells of the table whose first column has this heading."""
    table = PAGE.partition(f"\n| {first_heading} |")[2].split("\n\n")[0]
    lines = [line for line in table.splitlines()[1:] if not line.startswith("| ---")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def size(count: int) -> str:
    unit, name = (MIB, "MiB") if count >= MIB else (KIB, "KiB")
    assert count % unit == 0
    return f"{count // unit} {name}"


def test_kinds_with_their_sizes_and_rates() -> None:
    expected = []
    for kind in Kind:
        rate, most = DEFAULT_RATES[kind], size(message_bytes_max(kind))
        messages = f"{rate.messages_per_s:,} ({rate.messages_burst:,})"
        in_bytes = f"{size(rate.bytes_per_s)} ({size(rate.bytes_burst)})"
        priority = priority_of(kind).name.lower()
        expected.append([kind.name, str(kind.value), priority, most, messages, in_bytes])

    assert rows("kind") == expected


def test_bounds_of_the_queue() -> None:
    limits = QueueLimits()

    expected = [[one.name.lower(), size(limits.priority_bytes_max[one])] for one in Priority]

    assert rows("priority") == [*expected, ["all", size(limits.all_bytes_max)]]


def test_room_for_peers() -> None:
    expected = [["full node" if role == "full" else role, str(ROOM[role])] for role in ROOM]

    assert rows("role, by the chain or the settings") == expected


def test_faults_with_their_points() -> None:
    told = {
        name: int(points) for names, points in rows("fault") for name in re.findall(r"\w+", names)
    }

    assert told == FAULT_POINTS


def test_numbers_in_the_text() -> None:
    times = Timings()
    text = " ".join(PAGE.split())

    assert f"unfinished have at most {size(UNFINISHED_BYTES_MAX)} together" in text
    assert f"anything over {HANDSHAKE_FRAME_BYTES_MAX:,} bytes" in text
    assert f"more than {times.handshake_ms // 1_000} seconds is given up" in text
    assert f"every {times.ping_ms // 1_000} seconds" in text
    assert f"Nothing heard for {times.silent_ms // 1_000} seconds" in text
    assert f"does not take for {times.stuck_ms // 1_000} seconds" in text
    assert (HELD_BURST_MS, HELD_PER_S_MS) == (10_000, 200)  # 10 seconds at once, or a fifth
