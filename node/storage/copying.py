"""A consistent copy of a chain, made while blocks go on: all that was stored at one moment."""

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from chain.block import block_id
from chain.store import Store
from chain.tables import THROW_AWAY
from node.storage.disk import disk_faults
from node.storage.folder import beside, held, link_files, settle, sync_file, sync_folder
from node.storage.recovery import rebuild_tree
from node.storage.repair import note_height

STEP_BYTES = 1024 * 1024  # written at once: a few milliseconds


@dataclass(frozen=True, slots=True)
class CopiedHead:
    """The newest block of a copy."""

    chain_id: bytes
    height: int
    head_id: bytes
    head_time_ms: int


def head_of_store(store: Store) -> CopiedHead:
    """Return what a copy of a store would have as its newest block."""
    height = store.head_height()
    header = store.header(height)
    return CopiedHead(header.chain_id, height, block_id(header), header.time_ms)


class Copying:
    """One copy under way; `step` until it returns false.

    The folder is a chain folder at the end, or gone after `give_up`. What the target's disk refuses
    is a StoreError, which says nothing about the chain that is copied.
    """

    def __init__(self, store: Store, folder: Path) -> None:
        """Fix the moment. `folder` must not be there; it is made."""
        self.folder, self.head = folder, head_of_store(store)
        with disk_faults(folder):
            folder.mkdir()
            self._target = Store(str(folder), THROW_AWAY)
        self._frozen = store.freeze()
        self._entries = self._frozen.entries()

    def step(self) -> bool:
        """Copy a little; tells whether there is more to do. Raises StoreError."""
        try:
            with disk_faults(self.folder):
                batch: list[tuple[bytes, bytes]] = []
                size = 0
                for key, value in self._entries:
                    batch.append((key, value))
                    size += len(key) + len(value)
                    if size >= STEP_BYTES:
                        break
                if batch:
                    self._target.put_raw(batch)
                    return True
                self._finish()
        except BaseException:
            self.give_up()
            raise
        return False

    def _finish(self) -> None:
        self._release()
        self._target.compact()  # everything is in tables then, not in the log
        self._target.close()
        note_height(self.folder, self.head.height)
        for name in ("LOG", "LOG.old", "LOCK"):
            (self.folder / name).unlink(missing_ok=True)
        for file in self.folder.iterdir():
            sync_file(file)
        sync_folder(self.folder)

    def give_up(self) -> None:
        """Leave no trace."""
        self._release()
        self._target.close(clean=False)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _release(self) -> None:
        self._entries.close()  # type: ignore[attr-defined]  # it is a generator
        self._frozen.close()


def copy_store(
    store: Store, folder: Path, on_progress: Callable[[int], None] | None = None
) -> CopiedHead:
    """Copy a store at once; `on_progress` is told the number of steps done."""
    copying = Copying(store, folder)
    steps = 0
    while copying.step():
        steps += 1
        if on_progress is not None:
            on_progress(steps)
    return copying.head


def copy_stopped(
    chain: Path, folder: Path, on_progress: Callable[[int], None] | None = None
) -> CopiedHead:
    """Copy the chain of a stopped node; raises StoreInUseError while one runs on it.

    The chain is opened by other names, so that nothing of it is changed.
    """
    with held(chain):
        settle(chain)
        linked = beside(chain, "linking")
        link_files(chain, linked)
        try:
            with closing(Store(str(linked), THROW_AWAY, create=False)) as store:
                if store.was_dirty:
                    rebuild_tree(store)  # a part of it was in memory only
                return copy_store(store, folder, on_progress)
        finally:
            settle(chain)
