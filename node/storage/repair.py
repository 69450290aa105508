"""Opening a chain that may be damaged: checked first, made anew from its blocks if need be.

Only blocks can not be made anew; everything else follows from them. The damaged files are kept
beside the chain, as they were found.
"""

import logging
import shutil
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from chain.errors import CorruptStoreError, GenesisError, StoreError, UnreadableStoreError
from chain.genesis import Genesis
from chain.recovery import RecoveryPlan
from chain.store import Store, salvage
from chain.store_format import OlderFormatError
from chain.tables import THROW_AWAY, Place, Table, Tuning, read_place
from node.files import move_over
from node.storage.check import SCAN_BYTES_MAX, check_store
from node.storage.folder import (
    HeightMark,
    beside,
    drop_before,
    folder_bytes,
    forget_height,
    holds_database,
    keep_before,
    link_files,
    read_height,
    settle,
    swap_in,
    sync_folder,
)
from node.storage.genesis_block import genesis_block
from node.storage.migrate import migrate
from node.storage.recovery import replay

DAMAGE = (CorruptStoreError, UnreadableStoreError)
_TELL_EVERY = 1_000  # blocks

_log = logging.getLogger("washnode.repair")


class LostBlocksError(CorruptStoreError):
    """Blocks that nothing here can bring back."""

    def __init__(self, height: int, what: str, *, last: int, transactions: int) -> None:
        StoreError.__init__(
            self,
            f"height {height}: {what}; blocks {height} to {last} with at least {transactions} "
            "transactions can not be executed without it. Bring the data folder back from a "
            "backup, or give them up: washnode db repair --truncate",
        )
        self.height, self.what = height, what
        self.last, self.transactions = last, transactions


class UnrepairableError(CorruptStoreError):
    """A damaged chain that lacks the blocks from which it could be made anew."""

    def __init__(self, error: StoreError) -> None:
        what = str(error)
        StoreError.__init__(
            self,
            f"{what}; it can not be made anew, because this chain does not keep its older blocks. "
            "Bring the data folder back from a backup (washnode backup restore), or begin with a "
            "snapshot of another node (washnode snapshot restore)",
        )
        self.height, self.what = 0, what


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was wrong with a chain that was made anew, and where the damaged files are."""

    error: StoreError
    kept: Path
    height: int
    lost_blocks: int = 0
    lost_transactions: int = 0


def open_chain(
    folder: Path,
    genesis: Genesis,
    tuning: Tuning | None = None,
    plans: Sequence[RecoveryPlan] = (),
    on_migrate: Callable[[int, int], None] | None = None,
) -> tuple[Store, Repaired | None]:
    """Open the chain in `folder`, which the caller has locked, or begin it there.

    Damage in what follows from blocks is repaired; `plans` are those of recoveries. A chain of an
    earlier format is migrated, `on_migrate` is told (blocks done, of all) then. Raises
    LostBlocksError for damaged blocks, GenesisError for a folder of another chain,
    UnrepairableError, or another StoreError; all files are as they were then.
    """
    settle(folder)
    if not holds_database(folder):
        folder.mkdir(parents=True, exist_ok=True)
        store = Store(str(folder), tuning)
        _begin(store, genesis)
        return store, None
    keep_before(folder)
    try:
        store = _open_migrated(folder, genesis, tuning, on_migrate)
    except DAMAGE as error:
        _log.info("the chain is damaged and is made anew from its blocks: %s", error)
        repaired = repair(folder, genesis, error, plans=plans)
        return Store(str(folder), tuning, create=False), repaired
    except BaseException:
        settle(folder)  # back to the files as they were
        raise
    drop_before(folder)
    return store, None


def _open_migrated(
    folder: Path,
    genesis: Genesis,
    tuning: Tuning | None,
    on_migrate: Callable[[int, int], None] | None,
) -> Store:
    """Open the chain, whose files `keep_before` has kept; migrated first if it is an earlier one's.

    What is damaged is repaired instead, which makes a chain of today's format.
    """
    try:
        return _open_checked(folder, genesis, tuning)
    except OlderFormatError as older:
        found = older.found
    try:
        migrate(folder, genesis, found, on_migrate)  # it begins with the files as they were
    finally:
        keep_before(folder)
    return _open_checked(folder, genesis, tuning)


def _begin(store: Store, genesis: Genesis) -> None:
    first = genesis_block(genesis)
    try:
        store.write_genesis(first.block, first, genesis.canonical_bytes())
    except BaseException:
        store.close(clean=False)
        raise


def _open_checked(folder: Path, genesis: Genesis, tuning: Tuning | None) -> Store:
    came_to = read_height(folder)
    is_small = folder_bytes(folder) <= SCAN_BYTES_MAX
    store = Store(str(folder), tuning, create=False)
    try:
        _check_chain(store, folder, genesis, came_to)
        check_store(store, came_to, is_scanned=is_small)
    except BaseException:
        store.close(clean=False)
        raise
    return store


def _check_chain(store: Store, folder: Path, genesis: Genesis, came_to: int | None) -> None:
    known, wanted = store.chain_id(), genesis.chain_id()
    if known is None and came_to is None:  # stopped before its first block was written
        _begin(store, genesis)
    elif known is None:
        raise CorruptStoreError(0, "nothing is left of the chain")
    elif known != wanted:
        text = f"{folder} holds chain {known.hex()}, the genesis file is of {wanted.hex()}"
        raise GenesisError(text)


def repair(
    folder: Path,
    genesis: Genesis,
    error: StoreError,
    *,
    truncate: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
    plans: Sequence[RecoveryPlan] = (),
) -> Repaired:
    """Make the chain anew from the blocks that `keep_before` kept, and put it in its place.

    `truncate`: where a block is lost, end before it. `plans` are the operators' by which the chain
    was recovered. Raises LostBlocksError without that; the
    chain's files are as they were then.
    """
    beginning = _Beginning(genesis, tuple(plans))
    try:
        repaired = _repair(folder, beginning, error, truncate=truncate, on_progress=on_progress)
    except BaseException:
        settle(folder)
        raise
    return repaired


@dataclass(frozen=True, slots=True)
class _Beginning:
    """What a chain's blocks are executed from."""

    genesis: Genesis
    plans: tuple[RecoveryPlan, ...]


def _repair(
    folder: Path,
    beginning: _Beginning,
    error: StoreError,
    *,
    truncate: bool,
    on_progress: Callable[[int, int], None] | None,
) -> Repaired:
    before, saved = beside(folder, "before"), beside(folder, "salvage")
    came_to = read_height(before)
    link_files(before, saved)
    salvage(str(saved))
    with closing(Store(str(saved), THROW_AWAY, reads_older=True)) as source:
        if source.chain_id() not in {None, beginning.genesis.chain_id()}:
            text = f"{folder} holds another chain than that of the genesis file"
            raise GenesisError(text)
        if next(source.table_keys(Table.HEADER), None) is not None:  # pruned, or from a snapshot
            raise UnrepairableError(error)
        last = max(came_to or 0, _newest_height(source))
        try:
            _make_anew(folder, source, beginning, last, on_progress or _tell)
            height, lost = last, 0
        except CorruptStoreError as missing:
            lost = _count_from(source, missing.height)
            if not truncate:
                raise LostBlocksError(
                    missing.height, missing.what, last=last, transactions=lost
                ) from missing
            height = missing.height - 1
            _make_anew(folder, source, beginning, height, on_progress or _tell)
    shutil.rmtree(saved, ignore_errors=True)
    kept = swap_in(folder)
    return Repaired(error, kept, height, last - height, lost)


def _tell(done: int, of: int) -> None:
    if done % _TELL_EVERY == 0:
        _log.info("executed again: %d of %d blocks", done, of)


def _make_anew(
    folder: Path,
    source: Store,
    beginning: _Beginning,
    last: int,
    on_progress: Callable[[int, int], None],
) -> None:
    target = beside(folder, "rebuild")
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    with closing(Store(str(target), THROW_AWAY)) as store:
        replay(source, store, beginning.genesis, last, on_progress, plans=beginning.plans)
        store.compact()  # everything is in synced files then, not in the log
    note_height(target, last)
    sync_folder(target)
    move_over(target, beside(folder, "ready"))


def note_height(folder: Path, height: int) -> None:
    """Write down how far the chain in a folder has come."""
    mark = HeightMark(folder)
    mark.write(height)
    mark.close()


def _newest_height(store: Store) -> int:
    """Return the newest height that anything in a salvaged store speaks of."""
    newest = 0
    for table in (Table.BLOCK, Table.COMMIT, Table.RECEIPTS):
        for key in store.table_keys(table):
            newest = max(newest, int.from_bytes(key, "big"))
    for place in _transactions(store):
        newest = max(newest, place[0])
    return newest


def _transactions(store: Store) -> list[Place]:
    return [read_place(value) for _key, value in store.table_entries(Table.TRANSACTION)]


def _count_from(store: Store, height: int) -> int:
    return sum(place[0] >= height for place in _transactions(store))


def begin_mark(folder: Path, store: Store, tuning: Tuning | None) -> HeightMark | None:
    """Return the mark of an opened chain; None where nobody waits for the disk."""
    if tuning is not None and not tuning.sync:
        forget_height(folder)
        return None
    mark = HeightMark(folder)
    mark.write(store.head_height())
    return mark
