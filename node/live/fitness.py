"""What keeps this node from making blocks and voting: an operator's wish, the clock, the disk.

Each source sets or lifts its own reason; the driver is told of all that stand. A validator whose
clock is far off would propose times that nobody votes for; one whose disk is nearly full would sign
what it can not keep.
"""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

DISK_FREE_BYTES_MIN = 64 * 1024 * 1024
DISK_FREE_PART = 20  # of a small disk a twentieth is enough
CLOCK_WARN_MS, CLOCK_OFF_MS = 1_000, 2_000  # the second is what a block's time may be ahead
WITNESSES_MIN = 2  # peers that must agree before this node doubts its own clock


class Fitness:
    """Reasons by source; `tell` is called with all of them, or None, when they change."""

    def __init__(self, tell: Callable[[str | None], None]) -> None:
        """Begin fit."""
        self._tell = tell
        self._reasons: dict[str, str] = {}

    def set(self, source: str, reason: str | None) -> None:
        """Set or lift the reason of a source."""
        before = dict(self._reasons)
        if reason is None:
            self._reasons.pop(source, None)
        else:
            self._reasons[source] = reason
        if self._reasons != before:
            self._tell("; ".join(self._reasons[one] for one in sorted(self._reasons)) or None)


def disk_reason(folder: Path | None) -> str | None:
    """Return why the disk under a folder keeps a node from voting, or None."""
    if folder is None:
        return None
    try:
        total, _used, free = shutil.disk_usage(folder)
    except OSError:  # writing will tell
        return None
    needed = min(DISK_FREE_BYTES_MIN, total // DISK_FREE_PART)
    if free >= needed:
        return None
    return f"{free:,} bytes are free on the disk, {needed:,} are needed; make room"


def clock_reason(offsets_ms: Sequence[int]) -> str | None:
    """Return why the clock keeps a node from voting, by how far those of its peers are ahead.

    The median counts, so that half of the peers would have to lie.
    """
    offset = clock_offset_ms(offsets_ms)
    if offset is None or abs(offset) <= CLOCK_OFF_MS:
        return None
    way = "behind" if offset > 0 else "ahead of"
    return f"this machine's clock is {abs(offset):,} ms {way} those of its peers; set it, by NTP"


def clock_offset_ms(offsets_ms: Sequence[int]) -> int | None:
    """Return the median of how far peers' clocks are ahead; None if too few tell."""
    if len(offsets_ms) < WITNESSES_MIN:
        return None
    return sorted(offsets_ms)[(len(offsets_ms) - 1) // 2]
