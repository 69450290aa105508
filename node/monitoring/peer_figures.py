"""Figures of peers. Their connections count for themselves; here it is summed over all of them."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from statistics import median_low
from typing import Any, Protocol

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector

from node.live.node import Node

ROLES = ("validator", "gateway", "full")  # what peers call themselves; others are `other`
KINDS_MAX = 32  # of messages: the protocol has about ten
OTHER = "other"


class About(Protocol):
    """What a peer said of itself."""

    @property
    def role(self) -> str: ...


class PeerView(Protocol):
    """One connection, the same object for as long as it is open; `p2p.Connection` is one.

    Offset and round trip are ms, None before the first answer; bytes and drops are sums since it
    was opened, by kind of message.
    """

    @property
    def peer(self) -> About: ...
    @property
    def clock_offset_ms(self) -> int | None: ...
    @property
    def round_trip_ms(self) -> int | None: ...
    @property
    def received_bytes(self) -> Mapping[Any, int]: ...
    @property
    def sent_bytes(self) -> Mapping[Any, int]: ...
    @property
    def dropped(self) -> Mapping[Any, int]: ...


class NetworkView(Protocol):
    """A node's network."""

    def peers(self) -> Sequence[PeerView]:
        """Return the open connections."""
        ...


class _Totals:
    """Sums over connections that come and go; never smaller than before.

    What a connection counts between the last look and its end is lost.
    """

    def __init__(self) -> None:
        self._seen: dict[int, tuple[PeerView, dict[tuple[str, str], int]]] = {}
        self._kinds: set[str] = set()
        self.sums: Counter[tuple[str, str]] = Counter()  # (in, out or dropped; kind) -> sum

    def look(self, peers: Sequence[PeerView]) -> None:
        """Add what the connections counted since the last look."""
        seen = self._seen
        self._seen = {}
        for peer in peers:
            before = seen[id(peer)][1] if id(peer) in seen else {}
            now = self._counts(peer)
            for key, value in now.items():
                self.sums[key] += max(0, value - before.get(key, 0))
            self._seen[id(peer)] = (peer, now)  # kept, so that no other gets its id

    def _counts(self, peer: PeerView) -> dict[tuple[str, str], int]:
        counts: Counter[tuple[str, str]] = Counter()
        for what, table in (
            ("in", peer.received_bytes), ("out", peer.sent_bytes), ("dropped", peer.dropped),
        ):  # fmt: skip
            for kind, value in table.items():
                counts[what, self._bounded(kind_name(kind))] += int(value)
        return dict(counts)

    def _bounded(self, kind: str) -> str:
        if kind not in self._kinds and len(self._kinds) < KINDS_MAX:
            self._kinds.add(kind)
        return kind if kind in self._kinds else OTHER


def kind_name(kind: object) -> str:
    """Return the label of a kind of message: an enum's name, a text as it is."""
    return str(getattr(kind, "name", kind)).lower()[:32]


class PeerFigures(Collector):
    """Figures of a node's peers; of a node without a network only their names and zeros."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._totals = _Totals()

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Yield the families."""
        network: NetworkView | None = self._node.network
        peers = [] if network is None else list(network.peers())
        roles = Counter(role_of(peer) for peer in peers)
        connected = GaugeMetricFamily("wash_peers", "Connected peers by role.", labels=["role"])
        for role in (*ROLES, OTHER):
            connected.add_metric([role], roles[role])
        yield connected
        offsets = [peer.clock_offset_ms for peer in peers if peer.clock_offset_ms is not None]
        text = "Median of how far peers' clocks are ahead of ours; no value without peers."
        yield _median("wash_clock_skew_ms", text, offsets)
        trips = [peer.round_trip_ms for peer in peers if peer.round_trip_ms is not None]
        yield _median("wash_round_trip_ms", "Median time to a peer and back.", trips)
        self._totals.look(peers)
        text = "Bytes to and from peers by kind of message."
        carried = CounterMetricFamily("wash_p2p_bytes", text, labels=["direction", "kind"])
        text = "Messages to peers that were dropped because a queue was full, by kind."
        dropped = CounterMetricFamily("wash_p2p_dropped", text, labels=["kind"])
        for (what, kind), value in sorted(self._totals.sums.items()):
            if what == "dropped":
                dropped.add_metric([kind], value)
            else:
                carried.add_metric([what, kind], value)
        yield carried
        yield dropped


def role_of(peer: PeerView) -> str:
    """Return the label of a peer: what it calls itself, if that is a role."""
    role = str(peer.peer.role)
    return role if role in ROLES else OTHER


def _median(name: str, text: str, values: list[int]) -> GaugeMetricFamily:
    made = GaugeMetricFamily(name, text, labels=[])
    if values:
        made.add_metric([], median_low(values))
    return made
