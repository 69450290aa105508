"""Whole nodes in one process, with real chains on disk, linked without sockets."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from chain.tables import Tuning
from chain.transaction import (
    ReceivedTransaction,
    Transaction,
    Transfer,
    read_transaction,
    sign_transaction,
)
from chain.types import MINUTE_MS
from node.demo.accounts import account_of, signer_of
from node.demo.genesis import MONEY
from node.devnet.plan import PlannedNode, make_genesis, node_signer
from node.live.clock import Clock, read_wall_ms
from node.live.node import Node
from node.live.offering import Offering
from node.net.exchange import Exchange
from node.storage.ledger import ChainLedger
from node.storage.snapshots import SnapshotFolder
from node.storage.wal import VoteLog
from p2p import Kind


class Link:
    """What one node knows of the others: sends arrive soon, and faults are kept."""

    def __init__(self, net: "LinkedNet", me: bytes) -> None:
        self.net, self.me = net, me
        self.faults: list[tuple[bytes, str, str]] = []
        self.sent: list[tuple[bytes, Kind, int]] = []

    def connected(self) -> list[bytes]:
        return [key for key in self.net.members if key != self.me and self.net.hears(self.me, key)]

    def may_read(self, key: bytes) -> bool:
        return key not in self.net.strangers

    def send(self, key: bytes, kind: Kind, payload: bytes) -> None:
        self.sent.append((key, kind, len(payload)))
        if key in self.connected():
            loop = asyncio.get_running_loop()
            loop.call_later(0.001, self.net.deliver, self.me, key, kind, payload)

    def fault(self, key: bytes, name: str, text: str) -> None:
        self.faults.append((key, name, text))


class Member:
    """One node, its exchange and its tasks."""

    def __init__(self, net: "LinkedNet", name: str, folder: Path) -> None:
        self.name, self.key = name, node_signer(name).public_key
        genesis = net.genesis

        def open_ledger(is_verified: Callable[[ReceivedTransaction], bool]) -> ChainLedger:
            return ChainLedger(folder / "chain", genesis, is_verified, tuning=Tuning(sync=False))

        folder.mkdir(exist_ok=True)
        log = VoteLog(folder / "votes.log", genesis.chain_id(), sync=False)
        self.node = Node(open_ledger, log, node_signer(name), Clock(), folder=folder)
        self.link = Link(net, self.key)
        distance = net.snapshot_distance
        self.exchange = Exchange(self.node, self.link, snapshot_distance=distance)
        self.node.snapshots = SnapshotFolder(folder / "snapshots")
        self.offering = Offering(self.node, self.node.snapshots)
        self.tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        relay, segments = self.exchange.relay, self.exchange.segments
        served, fetching = self.exchange.served, self.exchange.fetching
        runs = [self.node.run, relay.run_in, relay.run_out, relay.run_again, segments.run]
        runs += [served.run, fetching.run, self.offering.run]
        self.tasks = [asyncio.create_task(run()) for run in runs]

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.offering.stop()
        self.node.close()


class LinkedNet:
    """Some nodes and who hears whom."""

    def __init__(
        self, folder: Path, validators: int, shops: int, snapshot_every: int = 10_000
    ) -> None:
        names = [f"node{one + 1}" for one in range(validators)]
        names += [f"shop{one + 1}" for one in range(shops)]
        planned = [
            PlannedNode(name, "validator" if name.startswith("node") else "full", folder, 1, 1)
            for name in names
        ]
        self.folder, self.names = folder, names
        made = make_genesis(planned, time_ms=read_wall_ms() - 1_000, interval_ms=20)
        params = made.params.model_copy(update={"snapshot_interval_blocks": snapshot_every})
        self.genesis = made.model_copy(update={"params": params})
        self.members: dict[bytes, Member] = {}
        self.cut: set[frozenset[bytes]] = set()
        self.strangers: set[bytes] = set()
        self.snapshot_distance = 0  # of nodes that start from now on
        self._nonces: dict[str, int] = {}

    def hears(self, one: bytes, other: bytes) -> bool:
        return frozenset((one, other)) not in self.cut

    def deliver(self, sender: bytes, to: bytes, kind: Kind, payload: bytes) -> None:
        member = self.members.get(to)
        if member is not None and sender in self.members:
            member.exchange.hear(sender, kind, payload)

    def start(self, name: str) -> Member:
        member = Member(self, name, self.folder / name)
        self.members[member.key] = member
        member.start()
        for other in self.members.values():
            if other is not member:
                other.exchange.greet(member.key)
                member.exchange.greet(other.key)
        return member

    async def stop(self, name: str) -> None:
        member = self.members.pop(node_signer(name).public_key)
        await member.stop()
        for other in self.members.values():
            other.exchange.forget(member.key)

    def __getitem__(self, name: str) -> Member:
        return self.members[node_signer(name).public_key]

    def pay(self, payer: str, payee: str, amount: int = 1) -> bytes:
        """Return a signed transfer."""
        nonce = self._nonces.get(payer, 0)
        self._nonces[payer] = nonce + 1
        body = Transaction(
            version=1,
            chain_id=self.genesis.chain_id(),
            account=account_of(payer),
            key=None,
            nonce=nonce,
            valid_until=read_wall_ms() + 5 * MINUTE_MS,
            gas_limit=60_000,
            sponsor=None,
            actions=(Transfer(MONEY, account_of(payee), amount),),
            client_ref=None,
        )
        return sign_transaction(body, signer_of(payer))

    def give_back_nonce(self, payer: str) -> None:
        """Let somebody's next transfer have the nonce of the one before."""
        self._nonces[payer] -= 1

    async def until(self, is_so: Callable[[], bool], timeout_s: float = 20) -> None:
        """Wait until something is so; fails after a while."""
        async with asyncio.timeout(timeout_s):
            while not is_so():  # noqa: ASYNC110 - anything may make it so
                await asyncio.sleep(0.01)

    def is_final(self, data: bytes, name: str) -> bool:
        tx_id = read_transaction(data).tx_id
        return self[name].node.ledger.store.find_transaction(tx_id) is not None


@asynccontextmanager
async def linked(folder: Path, validators: int, shops: int = 0) -> AsyncIterator[LinkedNet]:
    """Run a network of nodes to the end of a test."""
    net = LinkedNet(folder, validators, shops)
    try:
        for name in net.names:
            net.start(name)
        yield net
    finally:
        for name in [one.name for one in net.members.values()]:
            await net.stop(name)
