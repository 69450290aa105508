"""Counting transactions: what they were, what became of them, and how long that took."""

import re
from collections import Counter as Tally
from collections import OrderedDict
from collections.abc import Callable
from typing import get_args

from prometheus_client import CollectorRegistry, Counter, Histogram

from chain.executed import ExecutedBlock
from chain.receipt import Receipt, ReceiptKind
from chain.transaction import Action, ReceivedTransaction, Transaction
from node.live.node import Node

ACCEPTED_MAX = 50_000  # transactions whose arrival is remembered; the oldest are forgotten first
SEVERAL = "several"  # a transaction with actions of more than one type
_SECONDS = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0)
_NAMES: dict[type, str] = {
    one: re.sub(r"(?<!^)(?=[A-Z])", "_", one.__name__).lower() for one in get_args(Action)
}


class TransactionCounters:
    """Transactions by type and code, firings by kind and code, time from submit to final.

    `code_of` returns the number of the error in a receipt that is not ok.
    """

    def __init__(
        self, node: Node, registry: CollectorRegistry, code_of: Callable[[Receipt], int]
    ) -> None:
        self._node, self._code_of = node, code_of
        self._accepted: OrderedDict[bytes, tuple[int, str]] = OrderedDict()  # ms of arrival, type
        self._transactions = Counter(
            "wash_tx", "Transactions in blocks by type and code (0: no error).", ["type", "code"],
            registry=registry,
        )  # fmt: skip
        self._fired = Counter(
            "wash_fired", "Timers and fallbacks in blocks by kind and code.", ["kind", "code"],
            registry=registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "wash_submit_to_final_seconds",
            "Time from taking a transaction here until its block is stored here.",
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        for kind in (ReceiptKind.TIMER, ReceiptKind.FALLBACK):
            self._fired.labels(kind.name.lower(), "0")

    def on_accept(self, tx: ReceivedTransaction, _origin: bytes | None = None) -> None:
        """Remember when a transaction was taken."""
        self._accepted[tx.tx_id] = self._node.clock.mono_ms(), type_of(tx.body)
        if len(self._accepted) > ACCEPTED_MAX:
            self._accepted.popitem(last=False)

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Count what a block contains."""
        now_ms, fired = self._node.clock.mono_ms(), executed.timers_fired
        done: Tally[tuple[str, str]] = Tally()
        rows = zip(executed.tx_ids, executed.transactions, executed.receipts[fired:], strict=True)
        for tx_id, tx, receipt in rows:
            accepted = self._accepted.pop(tx_id, None)
            if accepted is None:  # others sent it, or it came before a restart
                name = type_of(tx.body)
            else:
                name = accepted[1]
                self._seconds.observe(max(0, now_ms - accepted[0]) / 1_000)
            done[name, self._code(receipt)] += 1
        for (name, code), count in done.items():
            self._transactions.labels(name, code).inc(count)
        firings = Tally(
            (ReceiptKind(one.kind).name.lower(), self._code(one))
            for one in executed.receipts[:fired]
        )
        for (kind, code), count in firings.items():
            self._fired.labels(kind, code).inc(count)

    def forget(self) -> None:
        """Forget what was taken: the chain went back, nothing of it comes."""
        self._accepted.clear()

    def _code(self, receipt: Receipt) -> str:
        return "0" if receipt.ok else str(self._code_of(receipt))


def type_of(body: Transaction) -> str:
    """Return the type of a transaction's actions as the API names it, or SEVERAL."""
    kinds = {type(action) for action in body.actions}
    return _NAMES[kinds.pop()] if len(kinds) == 1 else SEVERAL
