"""Catching up: who is ahead, what was asked of whom, and what a segment must look like."""

from itertools import pairwise

from chain.block import block_id
from chain.validators import ValidatorSet
from consensus.certificates import InvalidMessageError
from consensus.events import Effect, Send, SetTimer, Timer, TimerKind
from consensus.messages import BLOCKS_PER_MESSAGE, Blocks, GetBlocks
from consensus.timeouts import SYNC_MS

PEERS_MAX = 256
PATIENCE_MS = 300  # one height behind is where votes meet a commit that is under way


class CatchUp:
    """Knows which peers decided our height, and asks one of them at a time."""

    def __init__(self) -> None:
        """Begin with nobody ahead."""
        self._heights: dict[bytes, int] = {}  # peer -> the height it decides now
        self._asked: bytes | None = None
        self._is_set = False
        self._turn = 0

    @property
    def heights(self) -> list[int]:
        """The heights that peers decide by what they told last, the highest first."""
        return sorted(self._heights.values(), reverse=True)

    def note(self, peer: bytes, deciding: int, height: int, now_mono: int) -> list[Effect]:
        """Remember that a peer decides a height; returns what to do if that is above ours."""
        if peer not in self._heights and len(self._heights) >= PEERS_MAX:
            return []
        self._heights[peer] = deciding
        if deciding <= height or self._is_set:
            return []
        if deciding == height + 1:
            return [self._timer(height, now_mono + PATIENCE_MS)]
        return self._ask(height, now_mono)

    def on_timer(self, height: int, now_mono: int) -> list[Effect]:
        """Ask, or ask somebody else: what was asked for has not come."""
        late, self._is_set, self._asked = self._asked, False, None
        return self._ask(height, now_mono, late)

    def on_height(self, height: int, now_mono: int) -> list[Effect]:
        """Go on from a new height."""
        was_asked, self._asked = self._asked, None
        if was_asked is None:
            return []
        self._is_set = False
        return self._ask(height, now_mono)

    def drop(self, peer: bytes, height: int, now_mono: int) -> list[Effect]:
        """Ask others: this peer's blocks do not hold, or it is gone."""
        self._heights.pop(peer, None)
        if self._asked not in {peer, None}:
            return []  # somebody else's answer is due
        self._is_set, self._asked = False, None
        return self._ask(height, now_mono)

    def _ask(self, height: int, now_mono: int, late: bytes | None = None) -> list[Effect]:
        ahead = sorted(peer for peer, deciding in self._heights.items() if deciding > height)
        if not ahead:
            return []
        if len(ahead) > 1 and late in ahead:
            ahead.remove(late)
        self._asked = ahead[self._turn % len(ahead)]
        self._turn += 1
        asking = Send(GetBlocks(height, BLOCKS_PER_MESSAGE), self._asked)
        return [asking, self._timer(height, now_mono + SYNC_MS)]

    def _timer(self, height: int, at_mono: int) -> SetTimer:
        self._is_set = True
        return SetTimer(Timer(TimerKind.SYNC, height), at_mono)


def check_segment(message: Blocks, validators: ValidatorSet) -> None:
    """Raise InvalidMessageError unless the blocks are one linked segment under these validators.

    The signatures of its certificate and what the blocks do are checked elsewhere.
    """
    headers = [block.header for block in message.blocks]
    if not headers:
        text = "a segment of no blocks"
        raise InvalidMessageError(text)
    last = headers[-1]
    if (message.commit.height, message.commit.block_id) != (last.height, block_id(last)):
        text = f"a certificate of height {message.commit.height} for blocks up to {last.height}"
        raise InvalidMessageError(text)
    expected = validators.set_hash()
    for header in headers:
        if header.validators_hash != expected:
            text = f"height {header.height} has other validators than the segment"
            raise InvalidMessageError(text)
    for header, child in pairwise(headers):
        if child.parent_id != block_id(header) or header.next_validators_hash != expected:
            text = f"height {child.height} does not go on from the block before it"
            raise InvalidMessageError(text)


def segment_length(next_hashes: list[tuple[bytes, bytes]]) -> int:
    """Return how many of some blocks make one segment.

    `next_hashes` are (validators_hash, next_validators_hash) of blocks in order: a segment ends
    with the block that changes the validators, and below one that a recovery gave others.
    """
    for number, (now, following) in enumerate(next_hashes):
        child = next_hashes[number + 1 : number + 2]
        if now != following or (child and child[0][0] != now):
            return number + 1
    return len(next_hashes)
