"""Catching up from several peers at once: what else to ask for while one answer is due. Pure.

The engine asks one peer for the blocks from its height on, and asks again when they are stored
(`consensus/sync.py`). Here the ranges after that are asked of others meanwhile and kept, unchecked
but bounded, until the engine asks for them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from consensus import BLOCKS_PER_MESSAGE, Blocks, GetBlocks

AHEAD_RANGES = 4
ASKED_MAX = 2 * AHEAD_RANGES  # short answers move the ranges on; older questions are given up
PATIENCE_MS = 5_000  # an answer that takes longer is asked of somebody else
KEPT_BYTES_MAX = 64 * 1024 * 1024


@dataclass(slots=True)
class Asked:
    """A range that somebody was asked for."""

    peer: bytes
    at_ms: int


@dataclass(slots=True)
class Kept:
    """An answer that came before its turn."""

    blocks: Blocks
    sender: bytes
    size_bytes: int


@dataclass(slots=True)
class Prefetch:
    """Ranges of blocks by the height of their first: asked for, and kept."""

    asked: dict[int, Asked] = field(default_factory=dict)
    kept: dict[int, Kept] = field(default_factory=dict)
    _turn: int = 0

    def take(self, start: int) -> Kept | None:
        """Return blocks from a height on that came already."""
        for at in [one for one in self.kept if one < start]:
            del self.kept[at]
        return self.kept.pop(start, None)

    def plan(
        self, start: int, ahead: Sequence[tuple[bytes, int]], now_ms: int
    ) -> list[tuple[bytes, GetBlocks]]:
        """Return whom to ask for the ranges above the one at `start`, which is under way.

        `ahead` are peers with the height of their head.
        """
        for at in [one for one in self.asked if one <= start]:
            del self.asked[at]
        requests = []
        at = start + BLOCKS_PER_MESSAGE
        for _ in range(AHEAD_RANGES):
            able = [peer for peer, height in ahead if height >= at]
            if not able:
                break
            if at not in self.kept and self._is_due(at, now_ms):
                peer = able[self._turn % len(able)]
                self._turn += 1
                self.asked.pop(at, None)
                self.asked[at] = Asked(peer, now_ms)
                requests.append((peer, GetBlocks(at, BLOCKS_PER_MESSAGE)))
            at += BLOCKS_PER_MESSAGE
        while len(self.asked) > ASKED_MAX:
            del self.asked[next(iter(self.asked))]
        return requests

    def _is_due(self, at: int, now_ms: int) -> bool:
        asked = self.asked.get(at)
        return asked is None or now_ms - asked.at_ms > PATIENCE_MS

    def put(self, blocks: Blocks, sender: bytes, size_bytes: int) -> bool:
        """Keep an answer that was asked for; tells whether it was."""
        start = blocks.blocks[0].header.height
        asked = self.asked.get(start)
        if asked is None or asked.peer != sender:
            return False
        del self.asked[start]
        room = KEPT_BYTES_MAX - sum(one.size_bytes for one in self.kept.values())
        if size_bytes <= room:
            self.kept[start] = Kept(blocks, sender, size_bytes)
        return True

    def drop(self, peer: bytes) -> None:
        """Forget what a peer was asked for and what it said: it lied, or is gone."""
        self.asked = {at: one for at, one in self.asked.items() if one.peer != peer}
        self.kept = {at: one for at, one in self.kept.items() if one.sender != peer}
