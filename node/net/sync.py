"""Storing blocks that others decided: checked as a segment, then slice by slice.

A segment may hold a hundred blocks of thousands of transactions. Their signatures are checked in
other processes, and between slices everybody else has a turn: a node that catches up goes on
talking.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

from chain.block import Block, Commit
from chain.crypto import verify_signature
from chain.errors import MalformedBytesError
from chain.transaction import ReceivedTransaction, read_transaction
from consensus import Blocks, InvalidMessageError, Received, signatures_of
from node.live.node import Node

SEGMENTS_MAX = 8
SLICE_TRANSACTIONS = 400


class SegmentQueue:
    """Segments that wait to be stored; what does not hold is told with its sender."""

    def __init__(self, node: Node, on_bad: Callable[[bytes, str], None]) -> None:
        """Store into a node's chain."""
        self._node, self._on_bad = node, on_bad
        self._waiting: deque[tuple[Blocks, bytes]] = deque()
        self._news = asyncio.Event()
        self._is_storing = False

    @property
    def is_busy(self) -> bool:
        """Whether blocks of others are being stored."""
        return self._is_storing or bool(self._waiting)

    def put(self, blocks: Blocks, sender: bytes) -> None:
        """Let a segment wait; one from the same height on that waits already stays."""
        start = blocks.blocks[0].header.height
        known = [one.blocks[0].header.height for one, _sender in self._waiting]
        if start not in known and len(self._waiting) < SEGMENTS_MAX:
            self._waiting.append((blocks, sender))
            self._news.set()

    async def run(self) -> None:
        """Store what waits, until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                blocks, sender = self._waiting.popleft()
                self._is_storing = True
                try:
                    await self._store(blocks, sender)
                finally:
                    self._is_storing = False

    async def _store(self, segment: Blocks, sender: bytes) -> None:
        if not self._is_next(segment.blocks[0]):
            return
        fault = self._fault_of(segment)
        if fault is not None:
            self._on_bad(sender, fault)
            return
        for blocks, commit in _slices(segment):
            try:
                transactions = [
                    read_transaction(data) for block in blocks for data in block.transactions
                ]
            except MalformedBytesError as error:
                self._on_bad(sender, str(error))
                return
            await self._node.intake.verify(transactions)
            if not self._is_next(blocks[0]):
                return  # it was decided meanwhile
            self._node.hear(Received(Blocks(blocks, commit), sender))
            self._forget(transactions)
            if self._node.ledger.height < blocks[-1].header.height:
                return  # refused: the driver has told of it
            await asyncio.sleep(0)

    def _is_next(self, block: Block) -> bool:
        return block.header.height == self._node.ledger.height + 1

    def _fault_of(self, segment: Blocks) -> str | None:
        engine, chain_id = self._node.driver.engine, self._node.ledger.chain_id
        try:
            signed = signatures_of(segment, chain_id, engine.machine.validators)
        except InvalidMessageError as error:
            return str(error)
        for key, said, signature in signed:
            if not verify_signature(key, said, signature):
                return f"a certificate with a signature that {key.hex()} did not make"
        return None

    def _forget(self, transactions: list[ReceivedTransaction]) -> None:
        for tx in transactions:
            if tx.tx_id not in self._node.pool:
                self._node.intake.verified.discard(tx.witness_id)


def _slices(segment: Blocks) -> Iterator[tuple[tuple[Block, ...], Commit]]:
    """Yield a segment in parts, each with the certificate of its last block."""
    part: list[Block] = []
    size = 0
    for number, block in enumerate(segment.blocks):
        part.append(block)
        size += len(block.transactions)
        following = segment.blocks[number + 1 : number + 2]
        if not following:
            yield tuple(part), segment.commit
        elif size >= SLICE_TRANSACTIONS and following[0].last_commit is not None:
            yield tuple(part), following[0].last_commit
            part, size = [], 0
