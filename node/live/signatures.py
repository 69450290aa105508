"""Signatures of many transactions, checked in other processes, for a thread shares its core.

What is sent there and back is plain: (key, message, signature) rows, and whether each is good.
"""

import asyncio
import multiprocessing
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import pairwise

from chain.crypto import verify_signature
from chain.transaction import ReceivedTransaction
from node.children import deaf_to_interrupts, end_with_parent

Row = tuple[bytes, bytes, bytes]
INLINE_MAX = 16  # so few are checked faster here than sent away
CHUNK = 128
BATCH_TURN = 100  # transactions of a batch that are dealt with in one go


def check_rows(rows: Sequence[Row]) -> list[bool]:
    """Tell of each (key, message, signature) whether it is good."""
    return [verify_signature(key, message, signature) for key, message, signature in rows]


async def let_others(number: int) -> None:
    """Let others have their turn now and then, in a loop at its item of a number."""
    if number % BATCH_TURN == BATCH_TURN - 1:
        await asyncio.sleep(0)


class SignatureCheckers:
    """A few processes that check signatures; they start at the first batch that is worth it."""

    def __init__(self, processes: int) -> None:
        """`processes` 0: everything is checked in this one."""
        self._processes = processes
        self._pool: ProcessPoolExecutor | None = None

    async def check(self, transactions: Sequence[ReceivedTransaction]) -> list[bool]:
        """Tell of each transaction whether all its signatures are good."""
        rows: list[Row] = []
        ends: list[int] = []
        for tx in transactions:
            rows += tx.signatures()
            ends.append(len(rows))
        verdicts = await self._check(rows)
        return [all(verdicts[a:b]) for a, b in pairwise([0, *ends])]

    async def _check(self, rows: list[Row]) -> list[bool]:
        if len(rows) <= INLINE_MAX or not self._processes:
            return check_rows(rows)
        loop = asyncio.get_running_loop()
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(
                self._processes, mp_context=context, initializer=end_with_parent
            )
            with deaf_to_interrupts():
                for _ in range(self._processes):
                    self._pool.submit(check_rows, ())  # they start at the first order
        pool = self._pool
        try:
            parts = await asyncio.gather(
                *(
                    loop.run_in_executor(pool, check_rows, rows[at : at + CHUNK])
                    for at in range(0, len(rows), CHUNK)
                )
            )
        except BrokenProcessPool:  # ended from outside: this process can do it as well
            self._pool = None
            return check_rows(rows)
        return [good for part in parts for good in part]

    def close(self) -> None:
        """End the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None
