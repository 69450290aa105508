"""How large a stopped chain is, table by table."""

from contextlib import closing
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from chain.store import Store
from chain.tables import THROW_AWAY, Table
from node.storage.disk import free_bytes
from node.storage.folder import beside, folder_bytes, held, link_files, read_height, settle

COUNTED_MAX = 1_000_000  # of a table's entries: about a third of a second


@dataclass(frozen=True, slots=True)
class TableStats:
    """One table: its entries and their bytes.

    `is_more` means that the count stopped; the bytes are about what the table takes on disk then.
    """

    name: str
    entries: int
    is_more: bool
    bytes: int


@dataclass(frozen=True, slots=True)
class ChainStats:
    """A chain on disk; `damaged` are folders that a repair left and that nothing needs."""

    height: int
    came_to: int | None
    bytes: int
    free_bytes: int | None
    is_clean: bool
    format: int
    tables: tuple[TableStats, ...]
    damaged: tuple[Path, ...]


def chain_stats(chain: Path) -> ChainStats:
    """Measure the stopped chain in a folder; raises StoreInUseError while a node runs on it.

    Nothing in the folder is changed: the database is opened by other names.
    """
    with held(chain):
        settle(chain)
        copy = beside(chain, "linking")
        link_files(chain, copy)
        try:
            return _measure(chain, copy)
        finally:
            settle(chain)


def _measure(chain: Path, copy: Path) -> ChainStats:
    size, came_to = folder_bytes(chain), read_height(chain)
    with closing(Store(str(copy), THROW_AWAY, create=False, reads_older=True)) as store:
        is_clean, form = not store.was_dirty, store.format
        tables = tuple(_table_stats(store, table) for table in Table)
        height = store.head_height()
    ordered = sorted(tables, key=lambda one: (-one.bytes, one.name))
    damaged = sorted(chain.parent.glob(f"{chain.name}.damaged-*"))
    free = free_bytes(chain)
    return ChainStats(height, came_to, size, free, is_clean, form, tuple(ordered), tuple(damaged))


def _table_stats(store: Store, table: Table) -> TableStats:
    pairs = store.table_entries(table)
    entries = size = 0
    for key, value in islice(pairs, COUNTED_MAX):
        entries += 1
        size += len(key) + len(value)
    is_more = next(pairs, None) is not None
    size = max(size, store.table_bytes(table)) if is_more else size
    return TableStats(table.name.lower(), entries, is_more, size)
