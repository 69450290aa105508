"""What is in a chain on disk as JSON lines, whatever rules it was made by.

Nothing here knows what a block or a receipt is: values are told as they are stored, lists as lists,
bytes as "0x..." in hex. So chains can be read that this program does not execute.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import closing
from heapq import merge
from pathlib import Path
from typing import Any

from chain.codec import decode_value
from chain.errors import MalformedBytesError
from chain.store import Store
from chain.tables import THROW_AWAY, Table
from node.storage.folder import beside, held, link_files, settle


def export_raw(
    chain: Path,
    *,
    with_state: bool = False,
    on_progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Iterator[str]:
    """Yield the lines: first what the store is, then each block, at last the state if wanted.

    Nothing in the folder is changed: the database is opened by other names.
    """
    with held(chain):
        settle(chain)
        copy = beside(chain, "linking")
        link_files(chain, copy)
        try:
            with closing(Store(str(copy), THROW_AWAY, create=False, reads_older=True)) as store:
                yield from _lines(store, on_progress, with_state=with_state)
        finally:
            settle(chain)


def _lines(
    store: Store, on_progress: Callable[[int, int], None], *, with_state: bool
) -> Iterator[str]:
    head = store.head_height()
    genesis = store.genesis_bytes()
    yield _line({
        "format": store.format,
        "chain_id": _shown(store.chain_id()),
        "head": head,
        "genesis": None if genesis is None else _read(genesis),
    })  # fmt: skip
    beside_blocks = {
        "certificate": store.table_entries(Table.COMMIT),
        "receipts": store.table_entries(Table.RECEIPTS),
    }
    waiting = {name: next(rows, None) for name, rows in beside_blocks.items()}
    blocks = _named("block", store.table_entries(Table.BLOCK))
    headers = _named("header", store.table_entries(Table.HEADER))  # of blocks without a body
    for key, what, value in merge(blocks, headers):
        height = int.from_bytes(key, "big")
        told: dict[str, Any] = {"height": height, what: _read(value)}
        for name, rows in beside_blocks.items():
            while (row := waiting[name]) is not None and row[0] < key:
                waiting[name] = next(rows, None)
            if row is not None and row[0] == key:
                told[name] = _read(row[1])
        yield _line(told)
        on_progress(height, head)
    if with_state:
        for key, value in store.table_entries(Table.STATE):
            yield _line({"key": _shown(key), "value": _read(value)})


def _named(name: str, entries: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, str, bytes]]:
    for key, value in entries:
        yield key, name, value


def _line(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False) + "\n"


def _read(data: bytes) -> Any:
    """Return stored bytes as JSON; what is no value of the codec, in hex."""
    try:
        return _told(decode_value(data))
    except MalformedBytesError:
        return _shown(data)


def _told(value: Any) -> Any:
    if isinstance(value, bytes):
        return _inner(value)
    return [_told(one) for one in value] if isinstance(value, list) else value


def _inner(data: bytes) -> Any:
    """Return bytes in hex, or the list that they hold: transactions and receipts do."""
    try:
        value = decode_value(data) if data else None
    except MalformedBytesError:
        value = None
    return [_told(one) for one in value] if isinstance(value, list) and value else _shown(data)


def _shown(data: bytes | None) -> str | None:
    return None if data is None else f"0x{data.hex()}"
