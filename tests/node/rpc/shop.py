"""A chain with the standard contracts, a shop and a booking, behind what methods ask of a node."""

from pathlib import Path
from typing import Any, cast

from chain.changes import InstallContract
from chain.nonces import next_nonce
from chain.receipt import Receipt
from chain.state import State
from chain.transaction import Deploy, Propose, ReceivedTransaction, call_id, instance_id
from chain.types import DAY_MS, HOUR_MS
from node.catalog import container_bytes
from node.live.abis import AbiBook
from node.live.simulation import Simulated, Simulator
from node.rehearse.plan import policy_id, policy_words
from node.rpc.registry import Call
from node.storage.ledger import ChainLedger
from tests.contracts.standard.setting import HELD, RULES, TOTAL
from tests.make import MONEY, START_MS, TestChain, account

SLOT = START_MS + 10 * DAY_MS + 10 * HOUR_MS
POLICY = policy_id(RULES)


class Reader:
    """What reading methods use of a node, over a chain whose blocks the test makes."""

    def __init__(self, chain: TestChain, folder: Path | None = None) -> None:
        self.chain = chain
        self.abis = AbiBook(folder)

    @property
    def ledger(self) -> ChainLedger:
        return self.chain.ledger

    def state(self) -> State:
        return self.ledger.state()

    def block_time(self) -> int:
        return self.ledger.head.time_ms + 1_000

    def next_nonce(self, name: bytes, key: bytes) -> int:
        return next_nonce(self.state(), name, key)

    def simulate(self, tx: ReceivedTransaction, *, signed: bool) -> Simulated:
        assert not signed
        return Simulator(self.ledger).run(tx, self.block_time())

    @property
    def call(self) -> Call:
        """A public call to this node."""
        return Call(cast("Any", self), "public")


class Shop:
    """bob's shop: rules published, one service on offer, everything accepted at once."""

    def __init__(self, chain: TestChain) -> None:
        self.chain = chain
        self.register = self._deploy("shops", (), ())
        self.loyalty = self._deploy("loyalty", (MONEY, MONEY), ())
        self.prepaid = self._deploy("prepaid", (MONEY,), (self.register, self.loyalty))
        links = (self.register, self.loyalty, self.prepaid)
        self.booking = self._deploy("booking", (MONEY,), links, (0, False))
        for name, contract in (("shops", self.register), ("booking", self.booking)):
            assert chain.do("olga", Propose(InstallContract(name, contract))).ok
        self.must("olga", self.register, "admit", account("bob"), "Bob's")
        self.must("bob", self.register, "set_settings", True, True, 0, 0, 0)
        self.must("olga", self.booking, "publish_policy", *policy_words(RULES))
        self.must("bob", self.register, "set_service", 1, TOTAL, HOUR_MS, 0, POLICY, "wash")

    def _deploy(self, name: str, *bindings: Any) -> bytes:
        tx = self.chain.sign(
            "olga", Deploy(container_bytes(name), *bindings[:2], *(bindings[2:] or ((),))),
            gas_limit=500_000,
        )  # fmt: skip
        (receipt,) = self.chain.run(tx).receipts
        assert receipt.ok, receipt
        return instance_id(tx.tx_id, 0)

    def must(
        self, name: str, contract: bytes, function: str, *arguments: Any, funds: int = 0
    ) -> Receipt:
        """Call an action that succeeds."""
        receipt = self.chain.call(name, contract, function, *arguments, funds=funds)
        assert receipt.ok, receipt
        return receipt

    def book(self, name: str = "alice", start: int = SLOT) -> bytes:
        """Make a booking; returns its id."""
        order = (account("bob"), 0, 0, start, start + HOUR_MS, 0, TOTAL, POLICY)
        receipt = self.must(name, self.booking, "request", *order, funds=HELD)
        return call_id(receipt.id, 0)
