"""Fetching a snapshot from several peers at once: which one, and which chunk of whom. Pure.

Chunks are asked for in a window above those that are taken in, so that what came before its turn
is bounded. A peer that lets others wait is asked last.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from chain.snapshot import SnapshotManifest, is_chunk
from consensus import Candidate

CHUNKS_PER_PEER = 4  # asked of one peer at a time: they fit what may wait to be sent to us
WINDOW_CHUNKS = 64
WINDOW_BYTES_MAX = 64 * 1024 * 1024
PATIENCE_MS = 5_000  # a chunk that takes longer is asked of somebody else
OFFERS_PER_PEER = 2  # a node keeps two snapshots
REFUSED_MAX = 256


def told_height(heights: Sequence[int], peers: int) -> int | None:
    """Return the newest height that two of the connected peers say, or the only one; else None.

    `heights` are those that were told. One of several that makes up a height moves nobody.
    """
    told = sorted(heights, reverse=True)
    if not told or (len(told) == 1 and peers > 1):
        return None
    return told[min(1, len(told) - 1)]


@dataclass(frozen=True, slots=True)
class Offered:
    """A snapshot that a peer has, by its id, and the headers that lead to it."""

    identity: bytes
    manifest: SnapshotManifest
    steps: tuple[Candidate, ...]
    sender: bytes


@dataclass(slots=True)
class Offers:
    """What peers offer, and what of it is of no use."""

    _offers: list[Offered] = field(default_factory=list)
    _doubted: list[Offered] = field(default_factory=list)
    _refused: dict[bytes, None] = field(default_factory=dict)

    def put(self, offered: Offered) -> bool:
        """Keep an offer, unless it is refused, known, or one too many; tells whether."""
        own = [one for one in self._offers if one.sender == offered.sender]
        if offered.identity in self._refused or len(own) >= OFFERS_PER_PEER:
            return False
        if any(one.identity == offered.identity for one in own):
            return False
        self._offers.append(offered)
        return True

    def __len__(self) -> int:
        """Return how many offers there are."""
        return len(self._offers)

    def senders(self, identity: bytes) -> list[bytes]:
        """Return who has a snapshot."""
        return [one.sender for one in self._offers if one.identity == identity]

    def best(self, height_min: int, begun: bytes | None = None) -> list[Offered]:
        """Return the offers of at least a height, the best first.

        One that two peers have comes before what a single one says; then the one which was begun
        already, then the newest.
        """
        counts = Counter(one.identity for one in self._offers)
        able = [
            one
            for one in self._offers
            if one.manifest.height >= height_min and one not in self._doubted
        ]

        def rank(one: Offered) -> tuple[int, bool, int, int, bytes]:
            count, height = counts[one.identity], one.manifest.height
            return min(count, 2), one.identity == begun, height, count, one.identity

        return sorted(able, key=rank, reverse=True)

    def doubt(self, offered: Offered) -> None:
        """Choose an offer no more: its steps do not lead to it. It may still be the right one."""
        self._doubted.append(offered)

    def refuse(self, identity: bytes) -> list[bytes]:
        """Forget a snapshot for good; returns who offered it."""
        senders = self.senders(identity)
        self._offers = [one for one in self._offers if one.identity != identity]
        self._refused[identity] = None
        if len(self._refused) > REFUSED_MAX:
            del self._refused[next(iter(self._refused))]
        return senders

    def drop(self, peer: bytes) -> None:
        """Forget what a peer offered: it lied, or is gone."""
        self._offers = [one for one in self._offers if one.sender != peer]

    def clear(self) -> None:
        """Forget all offers; what was refused stays so."""
        self._offers.clear()
        self._doubted.clear()


@dataclass(slots=True)
class _Asked:
    peer: bytes
    at_ms: int


@dataclass(slots=True)
class ChunkPlan:
    """The chunks of one snapshot: `done` are taken in; the others are asked for, here, or neither.

    `sources` are the peers that have it.
    """

    identity: bytes
    manifest: SnapshotManifest
    done: int
    sources: list[bytes]
    asked: dict[int, _Asked] = field(default_factory=dict)
    kept: dict[int, bytes] = field(default_factory=dict)
    _late: Counter[bytes] = field(default_factory=Counter)  # chunks that a peer left open in a row

    @property
    def count(self) -> int:
        """How many chunks there are."""
        return len(self.manifest.chunks)

    def _window(self) -> range:
        size_bytes = 0
        for index in range(self.done, min(self.done + WINDOW_CHUNKS, self.count)):
            size_bytes += self.manifest.chunks[index].size_bytes
            if size_bytes > WINDOW_BYTES_MAX and index > self.done:
                return range(self.done, index)
        return range(self.done, min(self.done + WINDOW_CHUNKS, self.count))

    def plan(self, now_ms: int) -> list[tuple[bytes, int]]:
        """Return whom to ask for which chunk now, and note that it was asked."""
        slow: dict[int, bytes] = {}
        for index, one in list(self.asked.items()):
            if now_ms - one.at_ms >= PATIENCE_MS:
                slow[index] = one.peer
                self._late[one.peer] += 1
                del self.asked[index]
        load = Counter(one.peer for one in self.asked.values())
        requests = []
        for index in self._window():
            if index in self.kept or index in self.asked:
                continue
            able = [peer for peer in self.sources if load[peer] < CHUNKS_PER_PEER]
            if not able:
                break
            before = slow.get(index)
            peer = min(able, key=lambda one: (one == before, self._late[one], load[one], one))
            load[peer] += 1
            self.asked[index] = _Asked(peer, now_ms)
            requests.append((peer, index))
        return requests

    def put(self, index: int, data: bytes, sender: bytes) -> bool:
        """Keep a chunk that came; False if it is not the one that the manifest names.

        One that nobody waits for any more is passed over.
        """
        if sender not in self.sources or index not in self._window() or index in self.kept:
            return True
        if not is_chunk(self.manifest, index, data):
            return False
        self.asked.pop(index, None)
        self.kept[index] = data
        self._late[sender] = 0
        return True

    def next(self) -> bytes | None:
        """Return the chunk to take in now, if it is here; `took` says that it was."""
        return self.kept.get(self.done)

    def took(self) -> None:
        """Go on to the next chunk."""
        del self.kept[self.done]
        self.done += 1

    def join(self, offered: Offered) -> None:
        """Ask whoever offers this snapshot as well."""
        if offered.identity == self.identity and offered.sender not in self.sources:
            self.sources.append(offered.sender)

    def drop(self, peer: bytes) -> None:
        """Ask a peer no more: it lied, or is gone. What it brought was checked and stays."""
        self.sources = [one for one in self.sources if one != peer]
        self.asked = {at: one for at, one in self.asked.items() if one.peer != peer}
