"""What keeps a node from voting: its disk, its clock, an operator; one lifted leaves the others."""

from pathlib import Path

import pytest

from node.live.fitness import Fitness, clock_reason, disk_reason


def test_the_driver_is_told_of_all_reasons_that_stand_and_only_of_changes() -> None:
    told: list[str | None] = []
    fit = Fitness(told.append)

    fit.set("disk", "full")
    fit.set("disk", "full")
    fit.set("clock", "off")
    fit.set("disk", None)
    fit.set("clock", None)
    fit.set("clock", None)

    assert told == ["full", "off; full", "off", None]


@pytest.mark.parametrize(
    ("offsets_ms", "said"),
    [
        ((), None),
        ((60_000,), None),
        ((2_000, 2_000, 9_000), None),
        ((-2_001, -2_001, 0), "2,001 ms ahead of"),
        ((5_000, 5_000, 0), "5,000 ms behind"),
        ((5_000, 5_000, 0, 0), None),
    ],
)
def test_a_clock_is_off_where_most_peers_say_so(
    offsets_ms: tuple[int, ...], said: str | None
) -> None:
    reason = clock_reason(offsets_ms)

    assert (reason is None) == (said is None)
    assert said is None or said in (reason or "")


def test_a_disk_that_is_nearly_full_is_told_with_numbers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = {10**12: 67_108_864, 1_000_000: 50_000}
    said = []
    for total in usage:
        monkeypatch.setattr("shutil.disk_usage", lambda _folder, of=total: (of, 0, 1_000))
        said.append(disk_reason(tmp_path))

    assert said == [
        f"1,000 bytes are free on the disk, {needed:,} are needed; make room"
        for needed in usage.values()
    ]
    assert disk_reason(None) is None
