"""Figures of peers: connections come and go, sums only grow."""

from dataclasses import dataclass, field
from enum import IntEnum
from types import SimpleNamespace

from prometheus_client import CollectorRegistry, generate_latest

from node.monitoring.peer_figures import KINDS_MAX, PeerFigures, PeerView
from p2p import Connection
from tests.node.monitoring.scraped import Scrape, parse


class Kind(IntEnum):
    VOTE = 4
    SYNC = 9


@dataclass
class About:
    role: str


@dataclass
class Peer:
    peer: About = field(default_factory=lambda: About("validator"))
    clock_offset_ms: int | None = None
    round_trip_ms: int | None = None
    received_bytes: dict[object, int] = field(default_factory=dict)
    sent_bytes: dict[object, int] = field(default_factory=dict)
    dropped: dict[object, int] = field(default_factory=dict)


class Watched:
    """A node with these peers, scraped."""

    def __init__(self, *peers: Peer) -> None:
        self.peers = list(peers)
        network = SimpleNamespace(peers=lambda: self.peers)
        self._registry = CollectorRegistry()
        self._registry.register(PeerFigures(SimpleNamespace(network=network)))  # type: ignore[arg-type]

    def scrape(self) -> Scrape:
        return parse(generate_latest(self._registry).decode())


def test_connections_are_what_is_read() -> None:
    kind: type[PeerView] = Connection

    assert kind is Connection


def test_peers_are_counted_by_role_and_clocks_compared_by_the_median() -> None:
    watched = Watched(
        Peer(About("validator"), -900, 10),
        Peer(About("gateway"), 20, 30),
        Peer(About("full"), 40, 1_000),
        Peer(About("king")),
    )

    found = watched.scrape()

    roles = {"validator": 1, "gateway": 1, "full": 1, "other": 1}
    assert found.table("wash_peers", "role") == roles
    assert (found.value("wash_clock_skew_ms"), found.value("wash_round_trip_ms")) == (20, 30)


def test_sums_go_on_when_a_connection_ends_and_another_begins() -> None:
    first = Peer(received_bytes={Kind.VOTE: 10}, sent_bytes={"sync": 1}, dropped={Kind.SYNC: 2})
    watched = Watched(first)
    watched.scrape()
    first.received_bytes = {Kind.VOTE: 25}
    watched.scrape()
    watched.peers = [Peer(received_bytes={Kind.VOTE: 5})]

    found = watched.scrape()

    assert found.value("wash_p2p_bytes_total", direction="in", kind="vote") == 30
    assert found.value("wash_p2p_bytes_total", direction="out", kind="sync") == 1
    assert found.value("wash_p2p_dropped_total", kind="sync") == 2


def test_kinds_that_nobody_knows_do_not_grow_without_end() -> None:
    found = Watched(Peer(received_bytes=dict.fromkeys(map(str, range(1_000)), 1))).scrape()

    kinds = found.table("wash_p2p_bytes_total", "kind")
    assert (len(kinds), kinds["other"]) == (KINDS_MAX + 1, 1_000 - KINDS_MAX)


def test_a_node_without_a_network_has_no_peers() -> None:
    registry = CollectorRegistry()
    registry.register(PeerFigures(SimpleNamespace(network=None)))  # type: ignore[arg-type]

    found = parse(generate_latest(registry).decode())

    assert sum(found.table("wash_peers", "role").values()) == 0
