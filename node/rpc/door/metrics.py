"""Figures for Prometheus, at /metrics: of the chain, the calls, and who listens."""

from collections import Counter as Tally
from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from chain.executed import ExecutedBlock
from chain.receipt import Receipt, ReceiptKind
from node.rpc.errors import outcome_error

CONTENT_TYPE = CONTENT_TYPE_LATEST
_BUCKETS = (0.0005, 0.002, 0.01, 0.05, 0.2, 1.0, 5.0, 30.0)


class Stream(Protocol):
    """An open connection that events are sent to."""

    @property
    def unacked_count(self) -> int:
        """How many events were sent and are not acknowledged."""
        ...


class Metrics:
    """The node's figures, in a registry of their own."""

    def __init__(self, node: Any, streams: Iterable[Stream]) -> None:
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "wash_rpc_requests", "Calls by method and code (0: no error).", ["method", "code"],
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "wash_rpc_seconds", "Duration of calls by method.", ["method"],
            buckets=_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._transactions = Counter(
            "wash_tx", "Transactions in blocks by code (0: no error).", ["code"],
            registry=self._registry,
        )  # fmt: skip
        self._fired = Counter(
            "wash_fired", "Timers and fallbacks in blocks by kind.", ["kind"],
            registry=self._registry,
        )  # fmt: skip
        self._registry.register(_Gauges(node, streams))

    def observe_call(self, method: str, code: int, seconds: float) -> None:
        """Count a call; `method` is one of the registry's names, or `unknown`."""
        self._requests.labels(method, str(code)).inc()
        self._seconds.labels(method).observe(seconds)

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Count what a block contains."""
        transactions = executed.receipts[executed.timers_fired :]
        codes = Tally([0 if receipt.ok else _code(receipt) for receipt in transactions])
        for code, count in codes.items():
            self._transactions.labels(str(code)).inc(count)
        fired = executed.receipts[: executed.timers_fired]
        kinds = Tally([ReceiptKind(receipt.kind).name.lower() for receipt in fired])
        for kind, count in kinds.items():
            self._fired.labels(kind).inc(count)

    def render(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self._registry)


class _Gauges(Collector):
    """What can be read off at any moment."""

    def __init__(self, node: Any, streams: Iterable[Stream]) -> None:
        self._node, self._streams = node, streams

    def collect(self) -> Iterator[GaugeMetricFamily]:
        node, now_ms = self._node, self._node.clock.now_ms()
        head = node.ledger.head
        streams = list(self._streams)
        rows: list[tuple[str, str, float]] = [
            ("height", "Height of the newest block.", head.height),
            ("block_time_seconds", "Time of the newest block.", head.time_ms / 1_000),
            ("mempool_txs", "Transactions that wait for a block.", len(node.pool)),
            ("event_subscribers", "Open event connections.", len(streams)),
            (
                "event_unacked",
                "Events sent and not acknowledged.",
                sum(one.unacked_count for one in streams),
            ),
            ("uptime_seconds", "Time since the start.", (now_ms - node.started_at_ms) / 1_000),
            ("clock_offset_seconds", "Clock ahead of the machine's.", node.clock.offset_ms / 1_000),
        ]
        for name, text, value in rows:
            yield GaugeMetricFamily(f"wash_{name}", text, value=value)


def _code(receipt: Receipt) -> int:
    return outcome_error(receipt.trap, receipt.error, None)["code"]
