"""Snapshots of a development chain: copies of its folder to come back to."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from chain.errors import WashError
from node.demo.script import Script
from node.files import move_over
from node.live.node import Node
from node.live.travel import empty_pool

SNAPSHOTS_MAX = 10  # more than a test suite nests; the oldest goes first
_CHAIN, _ABOUT, _UNFINISHED = "chain", "snapshot.json", "unfinished"


class UnknownSnapshotError(WashError):
    """A number that no snapshot has, or has any more."""

    code = 6001

    def __init__(self, number: int, known: list[int]) -> None:
        kept = ", ".join(str(one) for one in known) or "none"
        super().__init__(f"no snapshot {number}; kept are {kept}")
        self.number, self.known = number, known


class SnapshotFailedError(WashError):
    """A copy that the disk refused; the chain is as it was."""

    code = 1000
    retry = "later"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of the chain: its head, and what the clock said."""

    number: int
    height: int
    head_time_ms: int
    now_ms: int


class Snapshots:
    """The snapshots of one node, in a folder beside its chain."""

    def __init__(self, node: Node) -> None:
        """Find the snapshots that an earlier run left."""
        self._node = node
        self._folder = node.ledger.folder.parent / "snapshots"
        self._scripts: dict[int, Script] = {}  # what was planned then; not kept over a restart

    def numbers(self) -> list[int]:
        """Return the numbers of the snapshots kept, oldest first."""
        if not self._folder.is_dir():
            return []
        return sorted(int(one.name) for one in self._folder.iterdir() if one.name.isdecimal())

    def take(self, script: Script) -> Snapshot:
        """Keep the chain as it is, what waits for a block included; the clock as well."""
        node = self._node
        empty_pool(node)
        known = self.numbers()
        head = node.ledger.head
        number = known[-1] + 1 if known else 1
        snapshot = Snapshot(number, head.height, head.time_ms, node.clock.now_ms())
        self._reopen(lambda: self._write(snapshot))
        self._scripts[number] = script.copy()
        for old in self.numbers()[:-SNAPSHOTS_MAX]:
            self._forget(old)
        return snapshot

    def revert(self, number: int) -> tuple[Snapshot, Script | None]:
        """Go back to a snapshot, with the clock as it was; forget those taken after it.

        Returns what was planned then as well, if that is still known.
        """
        known = self.numbers()
        if number not in known:
            raise UnknownSnapshotError(number, known)
        folder = self._folder / str(number)
        try:
            snapshot = Snapshot(**json.loads((folder / _ABOUT).read_text("utf-8")))
        except (OSError, ValueError, TypeError) as error:
            text = f"snapshot {number} can not be read: {error}"
            raise SnapshotFailedError(text) from error

        def go_back() -> None:
            self._swap(folder / _CHAIN)
            self._node.clock.travel(snapshot.now_ms)

        self._reopen(go_back)
        for later in known:
            if later > number:
                self._forget(later)
        planned = self._scripts.get(number)
        return snapshot, None if planned is None else planned.copy()

    def _reopen(self, action: Callable[[], None]) -> None:
        try:
            self._node.reopen(action)
        except OSError as error:
            text = f"{self._folder}: {error.strerror or error}; the chain is as it was"
            raise SnapshotFailedError(text) from error

    def _write(self, snapshot: Snapshot) -> None:
        unfinished = self._folder / _UNFINISHED
        shutil.rmtree(unfinished, ignore_errors=True)
        shutil.copytree(self._node.ledger.folder, unfinished / _CHAIN)
        about = {name: getattr(snapshot, name) for name in Snapshot.__slots__}
        (unfinished / _ABOUT).write_text(json.dumps(about) + "\n", "utf-8")
        move_over(unfinished, self._folder / str(snapshot.number))

    def _swap(self, copy: Path) -> None:
        """Put a copy of a snapshot's chain in the chain's place; nothing is lost if that fails."""
        chain = self._node.ledger.folder
        fresh, old = chain.with_name("chain.new"), chain.with_name("chain.old")
        for left_over in (fresh, old):
            shutil.rmtree(left_over, ignore_errors=True)
        shutil.copytree(copy, fresh)
        move_over(chain, old)
        try:
            move_over(fresh, chain)
        except OSError:
            move_over(old, chain)
            raise
        shutil.rmtree(old, ignore_errors=True)

    def _forget(self, number: int) -> None:
        shutil.rmtree(self._folder / str(number), ignore_errors=True)
        self._scripts.pop(number, None)
