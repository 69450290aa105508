"""Figures of the disk. Folders are measured now and then: a large chain has many files."""

from collections.abc import Iterator
from contextlib import suppress

from node.live.node import Node
from node.storage.backup import BACKUP_AGE_MS_MAX, backup_due_ms
from node.storage.disk import free_bytes
from node.storage.folder import folder_bytes

MEASURED_EACH_MS = 30_000
_NEVER = float("inf")


class DiskGauges:
    """How large a node's chain is, how much room is left, and how old its last backup."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._measured_mono_ms: int | None = None
        self._bytes = 0

    def rows(self) -> Iterator[tuple[str, str, float]]:
        """Yield (name, text, value)."""
        node = self._node
        yield "db_bytes", "Bytes of the chain's folder.", self._db_bytes()
        free = free_bytes(node.ledger.folder)
        if free is not None:
            yield "disk_free_bytes", "Bytes free on the disk of the chain.", free
        age = _NEVER
        due_ms = backup_due_ms(node.ledger.folder.parent)
        if due_ms is not None:
            made_ms = due_ms - BACKUP_AGE_MS_MAX
            age = max(0, node.clock.now_ms() - node.clock.offset_ms - made_ms) / 1_000
        text = "Age of the newest backup of the data folder; without one, of the first start."
        yield "backup_age_seconds", text, age

    def _db_bytes(self) -> int:
        now_ms = self._node.clock.mono_ms()
        last = self._measured_mono_ms
        if last is None or now_ms - last >= MEASURED_EACH_MS:
            self._measured_mono_ms = now_ms
            with suppress(OSError):  # a file that goes while we look: the last figure stays
                self._bytes = folder_bytes(self._node.ledger.folder)
        return self._bytes
