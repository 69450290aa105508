"""A simulated disk with the vote log of one node: what is not synced may be lost, torn or flipped.

Entries are kept as values while all is well. As soon as a fault touches them they become the bytes
that the real log would have, and are read back by the code that reads real logs.
"""

from collections.abc import Iterable

from chain.errors import MalformedBytesError
from consensus import (
    HeaderEntry,
    LogEntry,
    Recovered,
    StateEntry,
    decode_entry,
    encode_entry,
    recover,
)
from node.sim.world import World
from node.storage.wal import frame, parse_log


class DiskFullError(Exception):
    """No room for a record."""


class SimDisk:
    """The vote log of one node."""

    def __init__(self, world: World, chain_id: bytes) -> None:
        """Begin with a log that has its header and nothing else."""
        self._world, self._chain_id = world, chain_id
        self._durable: list[LogEntry] = [HeaderEntry(chain_id)]
        self._pending: list[tuple[int, tuple[LogEntry, ...]]] = []
        self._damage: str | None = None
        self.is_full = False
        self.sync_ms = (1, 8)
        self.votes: dict[tuple[int, int, int], object] = {}  # on the disk: place -> vote
        self.loses_unsynced = True

    def append(self, token: int, entries: tuple[LogEntry, ...]) -> int:
        """Write entries that are not safe yet; returns how long the sync takes, ms."""
        if self.is_full:
            raise DiskFullError
        self._pending.append((token, entries))
        return self._world.between(*self.sync_ms)

    def sync(self, token: int) -> None:
        """Make everything up to a token safe."""
        while self._pending and self._pending[0][0] <= token:
            self._keep(self._pending.pop(0)[1])

    def _keep(self, entries: tuple[LogEntry, ...]) -> None:
        self._durable += entries
        self._note_votes(entries)

    def _note_votes(self, entries: Iterable[LogEntry]) -> None:
        for entry in entries:
            if isinstance(entry, StateEntry):
                for vote in entry.signed:
                    self.votes[vote.height, vote.round, vote.kind] = vote

    def forget_below(self, height: int) -> None:
        """Drop what the store speaks for, as the real log does when it grows long."""
        keep = [
            one for one in self._durable if isinstance(one, StateEntry) and one.height >= height
        ]
        if not keep:
            headers = [one for one in self._durable if isinstance(one, HeaderEntry)]
            self._durable = [*headers[-1:]]
        for place in [one for one in self.votes if one[0] < height - 1]:
            del self.votes[place]

    def crash(self) -> None:
        """Lose what was not synced: all of it, or all but a torn beginning."""
        if self._pending and not self.loses_unsynced:
            for _token, entries in self._pending:
                self._keep(entries)
        elif self._pending and self._world.chance(500):
            lost = b"".join([self._bytes(entries) for _token, entries in self._pending])
            cut = self._world.between(0, len(lost))
            self._reread(self._bytes(tuple(self._durable)) + lost[:cut])
        self._pending.clear()

    def flip_bit(self) -> None:
        """Flip one bit of the log at rest."""
        data = bytearray(self._bytes(tuple(self._durable)))
        place = self._world.between(0, len(data) - 1)
        data[place] ^= 1 << self._world.between(0, 7)
        self._reread(bytes(data))

    def wipe(self) -> None:
        """Lose the file."""
        self._durable, self._pending = [], []
        self._damage = "the vote log is missing"

    def _bytes(self, entries: tuple[LogEntry, ...]) -> bytes:
        return b"".join([frame(encode_entry(entry)) for entry in entries])

    def _reread(self, data: bytes) -> None:
        records, _length, damage = parse_log(data)
        try:
            self._durable = [decode_entry(record) for record in records]
        except MalformedBytesError as error:
            damage = str(error)
        if damage is not None:
            self._durable, self._damage = [], damage
        self._note_votes(self._durable)

    def silent_until(self) -> int | None:
        """Return the height below which the log allows no vote; None: none is known yet."""
        if self._damage is not None:
            return None
        headers = [one for one in self._durable if isinstance(one, HeaderEntry)]
        if not headers or headers[-1].distrust is not None:
            return None
        return headers[-1].sign_from

    def recover(self, head_height: int, epoch: int) -> Recovered:
        """Return what a restart finds; a log that can not be trusted is begun anew."""
        damage, self._damage = self._damage, None
        if damage is None and head_height > 0 and not self._durable:
            damage = "the vote log is missing"
        found = Recovered(damage=damage)
        if damage is None:
            found = recover(
                self._durable or [HeaderEntry(self._chain_id)], self._chain_id, head_height, epoch
            )
        if found.damage is not None:  # the new log says at once what it stands in for
            self._durable = [HeaderEntry(self._chain_id, found.damage, 0, epoch)]
        return found
