"""The snapshots that a running node offers, made while it has nothing more urgent to do."""

import asyncio
import logging

from chain.executed import ExecutedBlock
from node.live.node import Node
from node.storage.snapshots import SnapshotFolder, SnapshotMaker

PAUSE_S = 0.01  # between two chunks: blocks, votes and answers come first

_log = logging.getLogger("washnode.snapshots")


class Offering:
    """Makes one node's snapshots. Told of its blocks; `run` beside it, `stop` before it closes."""

    def __init__(self, node: Node, folder: SnapshotFolder) -> None:
        self.folder = folder
        self._node, self._maker = node, SnapshotMaker(folder)
        self._begun = asyncio.Event()
        node.on_commit.append(self._on_commit)
        node.on_close.append(self.stop)

    def _on_commit(self, executed: ExecutedBlock) -> None:
        ledger = self._node.ledger
        if ledger.head_commit is None or executed.block.header.height != ledger.height:
            return
        if self._maker.on_block(ledger.store, ledger.head, ledger.head_commit):
            self._begun.set()
        elif self._maker.fault is not None:
            self._tell()

    async def run(self) -> None:
        """Make what was begun, chunk by chunk, until cancelled."""
        while True:
            await self._begun.wait()
            self._begun.clear()
            while self._maker.step():  # noqa: ASYNC110 - the work is here, not elsewhere
                await asyncio.sleep(PAUSE_S)
            self._tell()

    def _tell(self) -> None:
        if self._maker.fault is not None:
            _log.warning("no snapshot is offered of this height: %s", self._maker.fault)
            self._maker.fault = None

    def stop(self) -> None:
        """Give up what is under way."""
        self._maker.stop()
