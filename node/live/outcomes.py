"""What became of transactions that no block contains, and who waits to be told."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from chain.errors import WashError

Status = Literal["unknown", "pending", "final", "failed", "expired"]
OUTCOMES_MAX = 50_000  # remembered; the oldest are forgotten first
WAITERS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Pending:
    """The answer to a transaction that was taken: its id, and when it is over at the latest.

    `is_known`: it had been taken before, and may be in a block already.
    """

    tx_id: bytes
    valid_until: int
    is_known: bool = False


@dataclass(frozen=True, slots=True)
class TxStatus:
    """What is known of a transaction.

    final and failed: `height` and `number` (of its receipt in the block) say where; failed without
    them: no block contains it nor will, and `error` says why. pending with `error`: this node
    failed to execute it and has put it aside for a while. expired: the blocks searched, first and
    last, prove that it is too late; `renewed_as` is the same signed again.
    """

    status: Status
    height: int | None = None
    number: int | None = None
    error: WashError | None = None
    searched: tuple[int, int] | None = None
    renewed_as: bytes | None = None

    @property
    def is_settled(self) -> bool:
        """Tell whether it can not change any more."""
        return self.status in {"final", "failed", "expired"}


class TooManyWaitersError(WashError):
    """More calls wait for transactions than the node keeps."""

    code = -32002
    retry = "later"


class Outcomes:
    """Why transactions were dropped, by id; and the calls that wait for one to be settled."""

    def __init__(self) -> None:
        self._errors: OrderedDict[bytes, WashError] = OrderedDict()
        self._troubles: OrderedDict[bytes, WashError] = OrderedDict()
        self._waiters: dict[bytes, list[asyncio.Future[None]]] = {}
        self._waiting = 0

    def error(self, tx_id: bytes) -> WashError | None:
        """Return why a transaction was dropped, or None."""
        return self._errors.get(tx_id)

    def drop(self, tx_id: bytes, error: WashError) -> None:
        """Remember why a transaction was dropped and tell who waits."""
        # Where it was raised does not matter any more, and would keep a whole block in memory.
        self._errors[tx_id] = error.with_traceback(None)
        error.__cause__ = error.__context__ = None
        if len(self._errors) > OUTCOMES_MAX:
            self._errors.popitem(last=False)
        self.settle(tx_id)

    def trouble(self, tx_id: bytes) -> WashError | None:
        """Return why a transaction that waits was put aside, or None."""
        return self._troubles.get(tx_id)

    def note_trouble(self, tx_id: bytes, error: WashError) -> None:
        """Remember why a transaction that waits was put aside."""
        self._troubles[tx_id] = error
        if len(self._troubles) > OUTCOMES_MAX:
            self._troubles.popitem(last=False)

    def forget(self, tx_id: bytes) -> None:
        """Forget why a transaction was dropped: it was sent again."""
        self._errors.pop(tx_id, None)

    def clear(self) -> None:
        """Forget why transactions were dropped: the chain went back to before that."""
        self._errors.clear()
        self._troubles.clear()

    def settle(self, tx_id: bytes) -> None:
        """Tell who waits for a transaction."""
        for future in self._waiters.pop(tx_id, ()):
            if not future.done():
                future.set_result(None)

    async def wait(
        self, tx_id: bytes, timeout_ms: int, status: Callable[[bytes], TxStatus]
    ) -> TxStatus:
        """Return the status once it is settled, or as it is after `timeout_ms`.

        Raises TooManyWaitersError beyond WAITERS_MAX calls at once.
        """
        now = status(tx_id)
        if now.is_settled or timeout_ms <= 0:
            return now
        if self._waiting >= WAITERS_MAX:
            text = f"{self._waiting} calls wait already; ask again in a second"
            raise TooManyWaitersError(text)
        future = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(tx_id, []).append(future)
        self._waiting += 1
        try:
            async with asyncio.timeout(timeout_ms / 1_000):
                await future
        except TimeoutError:
            pass
        finally:
            self._leave(tx_id, future)
        return status(tx_id)

    def _leave(self, tx_id: bytes, future: "asyncio.Future[None]") -> None:
        self._waiting -= 1
        waiters = self._waiters.get(tx_id, [])
        if future in waiters:
            waiters.remove(future)
            if not waiters:
                del self._waiters[tx_id]
