"""How much money the chain's contracts hold: the sum of all pots by asset.

Adding up a million pots at every scrape would stop the node each time. So the pots are gone through
once, a part at each scrape, and every block that is stored changes the sums of the part that was.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from chain.errors import StoreError
from chain.executed import ExecutedBlock
from chain.ids import encode_id
from chain.pots import decode_pot
from chain.state import Space
from node.live.node import Node

POTS_READ_MAX = 10_000  # at one scrape: about 20 ms
ASSETS_SHOWN_MAX = 64  # those with the largest sums: anybody who may issue could make more
_START, _STOP = bytes([Space.POT]), bytes([Space.POT + 1])


class EscrowGauge(Collector):
    """Sums of pots; without a value until all pots were gone through once."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self.begin()

    def begin(self) -> None:
        """Begin anew: the node has opened its chain."""
        self._sums: Counter[bytes] = Counter()
        self._next = _START  # the pots below this key are in the sums

    @property
    def is_complete(self) -> bool:
        """Whether all pots are in the sums."""
        return self._next >= _STOP

    def before_store(self, executed: ExecutedBlock) -> None:
        """Take the pots that a block changes, before it is stored."""
        for key, value in executed.changes.items():
            if _START <= key < self._next and key < _STOP:
                self._add(self._node.ledger.store.get(key), -1)
                self._add(value, 1)

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Yield the family."""
        if not self.is_complete:
            with suppress(StoreError):  # the disk failed: the other figures are wanted all the more
                self._go_on()
        text = "Money in pots by asset, in minor units; no value until all were added up once."
        made = GaugeMetricFamily("wash_escrow_liability", text, labels=["asset"])
        if self.is_complete:
            largest = sorted(self._sums.items(), key=lambda one: (-one[1], one[0]))
            for asset, amount in largest[:ASSETS_SHOWN_MAX]:
                made.add_metric([encode_id("ast", asset)], amount)
        yield made

    def _go_on(self) -> None:
        pairs = self._node.ledger.store.scan(self._next, _STOP, POTS_READ_MAX)
        for _key, value in pairs:
            self._add(value, 1)
        self._next = pairs[-1][0] + b"\0" if len(pairs) == POTS_READ_MAX else _STOP

    def _add(self, value: bytes | None, sign: int) -> None:
        if value is not None:
            pot = decode_pot(value)
            self._sums[pot.asset] += sign * pot.amount
