"""All figures of a node together, kept up to date from where they arise."""

from collections.abc import Callable

from prometheus_client import CollectorRegistry, ProcessCollector

from chain.executed import ExecutedBlock
from chain.receipt import Receipt
from node.live.node import Node
from node.monitoring.agreement import AgreementCounters
from node.monitoring.business_gauges import BusinessGauges
from node.monitoring.escrow import EscrowGauge
from node.monitoring.gauges import NodeGauges
from node.monitoring.peer_figures import PeerFigures
from node.monitoring.transactions import TransactionCounters


class NodeFigures:
    """Listens to a node between `attach` and `detach`; `registry` holds what it finds."""

    def __init__(
        self,
        node: Node,
        registry: CollectorRegistry,
        *,
        code_of: Callable[[Receipt], int],
        is_stopping: Callable[[], bool],
    ) -> None:
        """`code_of` returns the number of the error in a receipt that is not ok."""
        self._node = node
        self._agreement = AgreementCounters(node, registry)
        self._transactions = TransactionCounters(node, registry, code_of)
        self._escrow = EscrowGauge(node)
        self._driver = node.driver
        ProcessCollector(registry=registry)
        gauges = NodeGauges(node, is_stopping), BusinessGauges(node), PeerFigures(node)
        for collector in (*gauges, self._escrow):
            registry.register(collector)

    def attach(self) -> None:
        """Begin to listen."""
        node = self._node
        node.on_commit.append(self.on_commit)
        node.on_reopen.append(self._begin)
        node.intake.on_accept.append(self._transactions.on_accept)
        self._begin()

    def detach(self) -> None:
        """Listen no more."""
        node = self._node
        node.on_commit.remove(self.on_commit)
        node.on_reopen.remove(self._begin)
        node.intake.on_accept.remove(self._transactions.on_accept)
        self._driver.watchers.remove(self._agreement.watch)
        self._driver.before_store.remove(self._escrow.before_store)

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Count what a stored block shows."""
        self._agreement.on_commit(executed)
        self._transactions.on_commit(executed)

    def _begin(self) -> None:
        """Follow the chain that the node has open now: it has a driver of its own."""
        driver = self._driver = self._node.driver
        driver.watchers.append(self._agreement.watch)
        driver.before_store.append(self._escrow.before_store)
        self._agreement.begin()
        self._transactions.forget()
        self._escrow.begin()
