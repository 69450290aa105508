"""Chains of earlier formats: migrated in a copy, the files of before kept as they were.

A migration works on second names of the files (`chain.migrating`), so a stop in the middle costs
nothing: the next start throws the copy away and begins anew. Only a finished one is renamed, first
to `chain.migrated-N`, then into its place; what a stop cuts off between two renames, `settle` ends.
The chain of before stays in `chain.format-N`, which is the way back to the program of before.
"""

import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from chain.errors import (
    CorruptStoreError,
    GenesisError,
    MalformedBytesError,
    PrunedError,
    StoreError,
    UnknownIdError,
)
from chain.genesis import Genesis
from chain.store import Store
from chain.store_format import FORMAT, NewerFormatError
from chain.tables import Tuning
from node.files import move_over
from node.storage.folder import (
    beside,
    holds_database,
    kept_formats,
    link_files,
    read_height,
    real,
    settle,
    swap_back,
    swap_migrated,
    sync_file,
    sync_folder,
)

OnProgress: TypeAlias = Callable[[int, int], None]
_TUNING = Tuning(sync=True)
_TELL_EVERY = 20_000  # blocks

_log = logging.getLogger("washnode.migrate")


class NoWayBackError(StoreError):
    """No files of an earlier format are kept beside the chain."""

    code = 7001


class OtherRulesError(StoreError):
    """A chain by rules from before the first release, which no later program executes."""

    code = 7011

    def __init__(self, data: Path, error: GenesisError) -> None:
        text = (
            f"{data} holds a chain that began by rules which this program does not follow "
            f"({error}); nothing was changed. What is in it can be read: "
            f"washnode db export --data {data} --out chain.jsonl"
        )
        super().__init__(text)


def migrate(
    folder: Path, genesis: Genesis, found: int, on_progress: OnProgress | None = None
) -> Path:
    """Bring the chain in `folder`, which the caller has locked, from format `found` to today's.

    Returns where the files of before are. Raises StoreError, among them CorruptStoreError for a
    block that can not be read; the chain is as it was then.
    """
    settle(folder)
    work = beside(folder, "migrating")
    link_files(folder, work)
    try:
        _take_steps(work, genesis, found, on_progress or _tell)
    except BaseException:
        shutil.rmtree(work, ignore_errors=True)
        raise
    for file in work.iterdir():
        sync_file(file)
    sync_folder(work)
    move_over(work, beside(folder, f"migrated-{found}"))
    sync_folder(real(folder).parent)
    kept = swap_migrated(folder)
    _log.info("migrated from format %d to %d; the files of before: %s", found, FORMAT, kept)
    return kept


def _take_steps(work: Path, genesis: Genesis, found: int, on_progress: OnProgress) -> None:
    store = Store(str(work), _TUNING, create=False, reads_older=True)
    is_done = False
    try:
        for number in range(found, FORMAT):
            _STEPS[number](store, genesis, on_progress)
        is_done = True
    finally:
        # A stop that was not in order stays one: the start after this looks at every byte.
        store.close(clean=is_done and not store.was_dirty)


def _from_1(store: Store, genesis: Genesis, on_progress: OnProgress) -> None:
    """Look at every block that is kept, and write down what the chain begins with."""
    known = store.chain_id()
    if known != genesis.chain_id():
        told = "nothing" if known is None else f"chain {known.hex()}"
        text = f"the folder holds {told}, the genesis file is of {genesis.chain_id().hex()}"
        raise GenesisError(text)
    head = store.head_height()
    for height in range(store.base_height, head + 1):
        try:
            header = store.header(height)
        except (UnknownIdError, PrunedError, MalformedBytesError) as error:
            raise CorruptStoreError(height, str(error)) from error
        if header.height != height:
            raise CorruptStoreError(height, "another block stands there")
        on_progress(height, head)
    store.set_format(2, genesis.canonical_bytes())


_STEPS: dict[int, Callable[[Store, Genesis, OnProgress], None]] = {1: _from_1}
assert set(range(min(_STEPS), FORMAT)) == set(_STEPS), "a step for each format of before"


def _tell(done: int, of: int) -> None:
    if done % _TELL_EVERY == 0:
        _log.info("migrating: %d of %d blocks", done, of)


def format_of(folder: Path) -> int:
    """Return the format of the chain in `folder`, which the caller has locked; changes nothing."""
    copy = beside(folder, "linking")
    link_files(folder, copy)
    try:
        store = Store(str(copy), create=False, reads_older=True)
    except NewerFormatError as error:  # it names the copy, which nobody has seen
        raise NewerFormatError(str(folder), error.found) from error
    else:
        store.close()
        return store.format
    finally:
        shutil.rmtree(copy, ignore_errors=True)


def migrate_if_older(
    folder: Path, genesis: Genesis, on_progress: OnProgress | None = None
) -> Path | None:
    """Migrate a chain of an earlier format; None if there is none, or it has today's."""
    settle(folder)
    if not holds_database(folder):
        return None
    found = format_of(folder)
    return None if found == FORMAT else migrate(folder, genesis, found, on_progress)


def kept_before(folder: Path) -> tuple[int, Path, int | None] | None:
    """Return (format, folder, height) of the newest files that a migration kept, or None."""
    found = [one for one in kept_formats(folder) if one[0] < FORMAT]
    return (*found[-1], read_height(found[-1][1])) if found else None


def go_back(folder: Path) -> tuple[int, Path]:
    """Put the files of the format before in their place; returns that and where today's are.

    The caller has locked the chain. Blocks since the migration are in today's files only.
    """
    settle(folder)
    kept = kept_before(folder)
    if kept is None:
        text = f"beside {folder} no files of an earlier format are kept"
        raise NoWayBackError(text)
    later = beside(folder, f"format-{FORMAT}")
    shutil.rmtree(later, ignore_errors=True)
    move_over(real(folder), beside(folder, f"left-{FORMAT}"))
    sync_folder(real(folder).parent)
    return kept[0], swap_back(folder)
