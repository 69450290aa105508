"""Figures for Prometheus, at /metrics: those of the node, and of calls and who listens."""

from collections.abc import Iterable, Iterator
from typing import Any, Protocol

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector

from chain.receipt import Receipt
from node.monitoring.figures import NodeFigures
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
        # When each counter was made would be as many lines again, and nobody asks.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._is_stopping = False
        self._requests = Counter(
            "wash_rpc_requests", "Calls by method and code (0: no error).", ["method", "code"],
            registry=self._registry,
        )  # fmt: skip
        self._seconds = Histogram(
            "wash_rpc_seconds", "Duration of calls by method.", ["method"],
            buckets=_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._registry.register(_StreamGauges(streams))
        self._figures = NodeFigures(
            node, self._registry, code_of=_code, is_stopping=lambda: self._is_stopping
        )

    def start(self) -> None:
        """Begin to follow the node."""
        self._figures.attach()

    def stop(self) -> None:
        """Follow the node no more."""
        self._figures.detach()

    def note_stopping(self) -> None:
        """The door is being closed."""
        self._is_stopping = True

    def observe_call(self, method: str, code: int, seconds: float) -> None:
        """Count a call; `method` is one of the registry's names, or `unknown`."""
        self._requests.labels(method, str(code)).inc()
        self._seconds.labels(method).observe(seconds)

    def render(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self._registry)


class _StreamGauges(Collector):
    """Who listens to events."""

    def __init__(self, streams: Iterable[Stream]) -> None:
        self._streams = streams

    def collect(self) -> Iterator[GaugeMetricFamily]:
        streams = list(self._streams)
        text = "Open event connections."
        yield GaugeMetricFamily("wash_event_subscribers", text, value=len(streams))
        unacked = sum(one.unacked_count for one in streams)
        text = "Events sent and not acknowledged."
        yield GaugeMetricFamily("wash_event_unacked", text, value=unacked)


def _code(receipt: Receipt) -> int:
    return outcome_error(receipt.trap, receipt.error, None)["code"]
