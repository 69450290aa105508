"""Honest nodes in one process, with real chains on disk and real sockets, and whoever comes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

from chain.tables import Tuning
from chain.transaction import ReceivedTransaction, read_transaction
from chain.validators import read_validators
from consensus import Mode
from node.config_sections import P2pConfig
from node.devnet.plan import node_signer
from node.live.clock import Clock
from node.live.node import Node
from node.net.join import NetworkNode
from node.net.listening import SOCKETS_MAX
from node.net.network import Network
from node.storage.ledger import ChainLedger
from node.storage.wal import VoteLog
from p2p import Timings, by_address, by_key
from tests.node.net.linked import LinkedNet

BRISK = Timings(handshake_ms=1_000, ping_ms=500, silent_ms=2_000, stuck_ms=2_000, close_ms=500)
HONEST = ("node1", "node2", "node3")  # of four validators: a quorum
LIAR, SHOP, OTHER_SHOP = "node4", "shop1", "shop2"  # keys that the chain knows
PATIENCE_S = 30.0

# What a node may keep because of others, whatever they do.
BOUNDS = {
    "sockets": SOCKETS_MAX,
    "heights of peers": 8,  # those connected
    "heights of whom the engine knows": 256,
    "ranges asked for": 8,
    "ranges kept": 4,
    "proposals that wait": 4,
    "ids of blocks": 8,
    "batches that wait": 64,
    "transactions gathered": 4_096,
    "segments that wait": 8,
    "messages of the next height": 8 * 160,
    "blocks of a height": 16,
    "proposals of a height": 3,
    "places with votes": 2 * 4,  # rounds: this one, two ahead, and what came before
    "evidence": 64,
    "addresses": 1_000,
    "scores": 4_096,
    "queued bytes": 40 * 1024 * 1024,
    "pool": 100,
}


Judged: TypeAlias = tuple[BaseException | None, Mode, list[str], list[str]]


class Honest:
    """One node among others, its tasks, and what it thinks of somebody."""

    def __init__(self, paper: LinkedNet, name: str, folder: Path, peers: tuple[str, ...]) -> None:
        self.name, self.key = name, node_signer(name).public_key
        genesis = paper.genesis

        def open_ledger(is_verified: Callable[[ReceivedTransaction], bool]) -> ChainLedger:
            return ChainLedger(folder / "chain", genesis, is_verified, tuning=Tuning(sync=False))

        folder.mkdir(exist_ok=True)
        log = VoteLog(folder / "votes.log", genesis.chain_id(), sync=False)
        self.node = Node(open_ledger, log, node_signer(name), Clock(), folder=folder)
        config = P2pConfig(listen=True, port=0, peers=peers)
        self.joined = NetworkNode(self.node, config, node_signer(name))
        self.network.timings = BRISK
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def network(self) -> Network:
        return self.joined.network

    @property
    def port(self) -> int:
        assert self.network.port is not None
        return self.network.port

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/p2p"

    def start(self) -> None:
        self._tasks = [asyncio.create_task(run()) for run in (self.node.run, self.joined.run)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.node.close()

    def points(self, subject: bytes | str) -> int:
        """Return what is held against a key or an address: 100 if it is banned."""
        name = by_key(subject) if isinstance(subject, bytes) else by_address(subject)
        scores, now_ms = self.network.book._scores, self.node.clock.now_ms()
        return 100 if scores.is_banned(name, now_ms) else scores.points(name, now_ms)

    def visitors(self) -> int:
        """Return how many are connected who are no honest nodes."""
        honest = {node_signer(name).public_key for name in HONEST}
        return sum(one.node_key not in honest for one in self.network._roster.connections())

    def sizes(self) -> dict[str, int]:
        """Return how much is kept of everything that others can add to."""
        exchange, engine, network = self.joined.exchange, self.node.driver.engine, self.network
        assert network.door is not None
        queues = [one.queue.size_bytes() for one in network.peers()]
        return {
            "sockets": network.door.sockets,
            "heights of peers": len(exchange._heights),
            "heights of whom the engine knows": len(engine.catch_up.heights),
            "ranges asked for": len(exchange._prefetch.asked),
            "ranges kept": len(exchange._prefetch.kept),
            "proposals that wait": len(exchange._puzzles),
            "ids of blocks": len(exchange._witness_ids),
            "batches that wait": exchange.relay._heard.qsize(),
            "transactions gathered": len(exchange.relay._gathered),
            "segments that wait": len(exchange.segments._waiting),
            "messages of the next height": engine._waiting.size(),
            "blocks of a height": len(engine.machine.bodies),
            "proposals of a height": len(engine.machine.proposals),
            "places with votes": len(engine.machine.book.places()) - 2 * engine.machine.round,
            "evidence": len(engine.pool._waiting),
            "addresses": len(network.book.all()),
            "scores": len(network.book._scores),
            "queued bytes": max(queues, default=0),
            "pool": len(list(self.node.pool)),
        }

    def excesses(self) -> dict[str, int]:
        return {name: size for name, size in self.sizes().items() if size > BOUNDS[name]}

    @property
    def is_quiet(self) -> bool:
        """Whether everything that peers sent was looked at."""
        exchange = self.joined.exchange
        return exchange.relay._heard.empty() and not exchange.segments.is_busy


class HonestNet:
    """Three of four validators, who decide; other keys of the chain are for whoever wants them."""

    def __init__(self, folder: Path) -> None:
        self.paper = LinkedNet(folder, 4, 2)  # genesis, keys and transfers; none of it runs
        self.folder = folder
        self.nodes: dict[str, Honest] = {}
        self._started = 0

    @property
    def chain_id(self) -> bytes:
        return self.paper.genesis.chain_id()

    def __getitem__(self, name: str) -> Honest:
        return self.nodes[name]

    def __iter__(self) -> Iterator[Honest]:
        return iter(self.nodes.values())

    async def start(self, name: str, peers: tuple[str, ...] = ()) -> Honest:
        self._started += 1  # a name that starts again begins anew
        folder = self.folder / f"{name}-{self._started}"
        honest = Honest(self.paper, name, folder, peers)
        self.nodes[name] = honest
        honest.start()
        await self.until(lambda: honest.network.port is not None)
        return honest

    async def start_all(self) -> None:
        urls: list[str] = []
        for name in HONEST:
            urls.append((await self.start(name, tuple(urls))).url)
        await self.until(self.is_linked)
        await self.until(lambda: all(one.node.driver.mode == Mode.SIGNING for one in self))

    async def stop(self, *names: str) -> None:
        for name in names or tuple(self.nodes):
            await self.nodes.pop(name).stop()

    def is_linked(self) -> bool:
        """Tell whether all validators that run are connected to each other."""
        keys = {self[name].key for name in HONEST}
        return all(
            keys - {self[name].key} <= set(self[name].network.connected()) for name in HONEST
        )

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not is_so():  # noqa: ASYNC110 - anything may make it so
                await asyncio.sleep(0.005)

    def pay(self, payer: str = "alice", payee: str = "bob") -> bytes:
        return self.paper.pay(payer, payee)

    def is_final(self, data: bytes) -> bool:
        tx_id = read_transaction(data).tx_id
        return all(one.node.ledger.store.find_transaction(tx_id) is not None for one in self)

    async def decide(self, name: str = "node2") -> None:
        """Let one more transfer become final on every node."""
        self[name].node.submit(data := self.pay())
        await self.until(lambda: self.is_final(data))

    async def check_whole(self) -> None:
        """Let the chain go on; nothing has grown, nobody honest is apart, no node has stopped."""
        excesses = {one.name: one.excesses() for one in self}
        await self.decide()
        found = {
            one.name: (
                one.node.failure,
                one.node.driver.mode,
                list(one.node.driver.alarms),
                [other.name for other in self if one.points(other.key)],
            )
            for one in self
        }
        wanted: Judged = (None, Mode.SIGNING, [], [])
        validators = {one.name: read_validators(one.node.state()).keys for one in self}

        assert excesses == {one.name: {} for one in self}
        assert {name: seen for name, seen in found.items() if name in HONEST} == dict.fromkeys(
            HONEST, wanted
        )
        assert len(set(validators.values())) == 1
        assert self.is_linked()


@asynccontextmanager
async def honest_net(folder: Path) -> AsyncIterator[HonestNet]:
    """Run the honest nodes until the end of some tests."""
    net = HonestNet(folder)
    try:
        await net.start_all()
        yield net
    finally:
        await net.stop()
