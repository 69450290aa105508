"""Snapshots that a node offers: at most two, of fixed heights, made between its other work.

All nodes take them at the same heights, so that the pieces of one can come from many of them. The
state is read as it was after that block while blocks go on; each step writes one chunk.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from chain.block import Commit, Header
from chain.errors import SnapshotError, StoreError
from chain.params import read_params
from chain.proposers import previous_validators
from chain.snapshot import SNAPSHOT_VERSION, SnapshotManifest, write_chunks
from chain.state import State
from chain.store import Store
from chain.validators import read_validators
from consensus import Candidate
from node.storage.disk import disk_faults, free_bytes
from node.storage.snapshot import SnapshotFile, SnapshotWriter

KEPT_MAX = 2  # whoever is fetching the older one can end it while the newer one is made
FREE_BYTES_MIN = 1024**3  # the disk is for blocks first
SNAPSHOTS_NAME = "snapshots"  # in the data folder
_SUFFIX = ".snapshot"


class SnapshotFolder:
    """The snapshots in one folder, by height."""

    def __init__(self, folder: Path) -> None:
        """The folder need not be there."""
        self.folder = folder
        self._open: dict[int, SnapshotFile] = {}

    def heights(self) -> list[int]:
        """Return the heights of the snapshots that are there, in order."""
        names = [path.name.removesuffix(_SUFFIX) for path in self.folder.glob(f"*{_SUFFIX}")]
        return sorted(int(name) for name in names if name.isdecimal())

    def path(self, height: int) -> Path:
        """Return where the snapshot of a height is, or would be."""
        return self.folder / f"{height}{_SUFFIX}"

    def find(self, height: int) -> SnapshotFile | None:
        """Return the snapshot of a height, None if it is not there or can not be read."""
        if height not in self._open:
            try:
                self._open[height] = SnapshotFile(self.path(height))
            except (OSError, SnapshotError):
                return None
        return self._open[height]

    def newest(self) -> SnapshotFile | None:
        """Return the snapshot of the greatest height, or None."""
        for height in reversed(self.heights()):
            found = self.find(height)
            if found is not None:
                return found
        return None

    def read_chunk(self, height: int, index: int) -> bytes | None:
        """Return a chunk's bytes, None if there is no such chunk here."""
        found = self.find(height)
        if found is None or not 0 <= index < len(found.manifest.chunks):
            return None
        try:
            return found.chunk(index)
        except OSError:
            return None

    def remove_unfinished(self) -> None:
        """Remove what an interrupted making left; only for whoever makes snapshots here."""
        for left_over in self.folder.glob(f"*{_SUFFIX}.new"):
            left_over.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove all but the newest."""
        for height in self.heights()[:-KEPT_MAX]:
            self._open.pop(height, None)
            self.path(height).unlink(missing_ok=True)


class Making:
    """One snapshot being made of a store's newest block; `step` until it returns false.

    Must be begun before the next block is stored, and ended or given up before the store closes.
    """

    def __init__(
        self,
        store: Store,
        path: Path,
        head: tuple[Header, Commit],
        find_steps: Callable[[], Sequence[Candidate]] = tuple,
    ) -> None:
        """`find_steps` returns the headers that lead from the genesis to the block."""
        header, commit = head
        state = State(store)
        following = read_validators(state)
        validators = previous_validators(state) or following
        self._head = (header, commit, validators, following)
        self._steps = find_steps()
        with disk_faults(path.parent):
            self._writer = SnapshotWriter(path)
        self._frozen = store.freeze()
        self._chunks: Iterator[bytes] | None = write_chunks(self._frozen.state_entries())
        self.manifest: SnapshotManifest | None = None  # known at the end

    @property
    def path(self) -> Path:
        """Where the snapshot will be."""
        return self._writer.path

    def step(self) -> bool:
        """Write one chunk, or the end; tells whether there is more to do. Raises StoreError."""
        assert self._chunks is not None, "it is not over"
        try:
            with disk_faults(self.path.parent):
                data = next(self._chunks, None)
                if data is not None:
                    self._writer.add(data)
                    return True
                chunks = tuple(self._writer.chunks)
                self.manifest = SnapshotManifest(SNAPSHOT_VERSION, *self._head, chunks)
                self._writer.finish(self.manifest, self._steps)
        except BaseException:
            self.give_up()
            raise
        self._release()
        return False

    def give_up(self) -> None:
        """Leave no trace."""
        self._writer.give_up()
        self._release()

    def _release(self) -> None:
        if self._chunks is not None:
            self._chunks = None  # its iterator must go before what it reads from
            self._frozen.close()


def make_snapshot(
    store: Store,
    path: Path,
    head: tuple[Header, Commit],
    find_steps: Callable[[], Sequence[Candidate]] = tuple,
) -> SnapshotManifest:
    """Make the snapshot of a store's newest block at once; returns its manifest."""
    making = Making(store, path, head, find_steps)
    while making.step():
        pass
    assert making.manifest is not None, "it is finished"
    return making.manifest


class SnapshotMaker:
    """Makes a node's snapshots: told of every block, and given a step when there is time."""

    def __init__(self, folder: SnapshotFolder) -> None:
        """Begin in a folder in which nobody else makes snapshots."""
        self.folder = folder
        self._making: Making | None = None
        self.fault: str | None = None  # why the last one was given up
        folder.remove_unfinished()

    def on_block(self, store: Store, header: Header, commit: Commit) -> bool:
        """Begin one if it is time; call it before the next block. Tells whether it was begun."""
        interval_blocks = read_params(State(store)).snapshot_interval_blocks
        if not interval_blocks or header.height % interval_blocks:
            return False
        self.stop()  # the one before took longer than all these blocks
        free = free_bytes(self.folder.folder)
        if free is not None and free < FREE_BYTES_MIN:
            self.fault = f"{free} bytes are free, at least {FREE_BYTES_MIN} are left to blocks"
            return False
        try:
            self._making = Making(store, self.folder.path(header.height), (header, commit))
        except (OSError, StoreError) as error:
            self.fault = str(error)
            return False
        return True

    def step(self) -> bool:
        """Do a little of the work; tells whether there is more."""
        if self._making is None:
            return False
        try:
            if self._making.step():
                return True
        except (OSError, StoreError) as error:  # the next height gives another chance
            self.fault = str(error)
        else:
            self.fault = None
            self.folder.tidy()
        self._making = None
        return False

    def stop(self) -> None:
        """Give up what is under way: the store is about to close."""
        if self._making is not None:
            self._making.give_up()
            self._making = None
