"""Dropping the transactions of old blocks. Headers, certificates, receipts and events stay.

Blocks in which operators proposed something are kept in full: they tell who the validators were,
and that is asked for when an old certificate is shown. So are the newest ones, which other nodes
ask for that were away for a moment, and those above the oldest snapshot that is offered here.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from chain.block import encode_block
from chain.codec import encode
from chain.receipt import KernelEvent
from chain.store import Store
from chain.tables import Table
from chain.types import DAY_MS, ZERO_ID
from node.storage.folder import folder_bytes

BLOCKS_KEPT_MIN = 64
AGE_MS_MIN = DAY_MS
BATCH_BLOCKS = 500  # a stop costs what one of these took


@dataclass(frozen=True, slots=True)
class Pruned:
    """What was dropped, or would be.

    From `first_body` on all blocks are kept in full; `body_bytes` are what the dropped parts had,
    `freed_bytes` what the folder lost, None if nothing was done.
    """

    first_body: int
    blocks: int
    body_bytes: int
    freed_bytes: int | None


def find_stop(store: Store, older_than_ms: int, snapshot_heights: Sequence[int] = ()) -> int:
    """Return the height from which all blocks are to be kept in full.

    A block is old if the newest one is more than `older_than_ms` later: no clock is asked, since a
    wrong one would throw away what can not be had again.
    """
    head = store.head_height()
    limit_ms = store.header(head).time_ms - older_than_ms
    low, high = store.first_body, max(store.first_body, head + 1 - BLOCKS_KEPT_MIN)
    if snapshot_heights:
        high = max(low, min(high, min(snapshot_heights) + 1))
    while low < high:
        middle = (low + high) // 2
        if store.header(middle).time_ms < limit_ms:
            low = middle + 1
        else:
            high = middle
    return low


def prune(
    store: Store,
    folder: Path,
    stop: int,
    *,
    dry_run: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Pruned:
    """Drop the bodies of the blocks below `stop`, in batches each of which is whole on the disk."""
    first = store.first_body
    before = folder_bytes(folder)
    blocks = body_bytes = 0
    for start in range(first, stop, BATCH_BLOCKS):
        end = min(start + BATCH_BLOCKS, stop)
        dropped = list(_dropped(store, start, end))
        blocks += len(dropped)
        for height in dropped:
            block = store.block(height)
            body_bytes += len(encode_block(block)) - len(encode(block.header))
        if not dry_run:
            store.drop_bodies(dropped, end)
        if on_progress is not None:
            on_progress(end - first, stop - first)
    if dry_run or stop == first:
        return Pruned(stop, blocks, body_bytes, None if dry_run else 0)
    store.compact(Table.BLOCK)
    return Pruned(stop, blocks, body_bytes, max(0, before - folder_bytes(folder)))


def _dropped(store: Store, start: int, stop: int) -> Iterator[int]:
    for height in range(start, stop):
        events = [event for receipt in store.receipts(height) for event in receipt.events]
        if not any(
            event.contract == ZERO_ID and event.number == KernelEvent.PROPOSED for event in events
        ):
            yield height
