"""Whole nodes in one process with real sockets, whose clocks a test can set."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from chain.tables import Tuning
from node.config_sections import P2pConfig
from node.devnet.plan import node_signer
from node.live.clock import Clock
from node.live.node import Node
from node.net.join import NetworkNode
from node.storage.ledger import ChainLedger
from node.storage.wal import VoteLog
from p2p import Timings
from tests.node.net.linked import LinkedNet

BRISK = Timings(handshake_ms=1_000, ping_ms=200, silent_ms=1_000, stuck_ms=1_000, close_ms=200)
PATIENCE_S = 20.0


class Member:
    """One node with real sockets."""

    def __init__(self, paper: LinkedNet, name: str, folder: Path, config: P2pConfig) -> None:
        folder.mkdir()
        self.node = Node(
            lambda good: ChainLedger(folder / "chain", paper.genesis, good, tuning=Tuning()),
            VoteLog(folder / "votes.log", paper.genesis.chain_id(), sync=False),
            node_signer(name),
            Clock(),
            folder=folder,
        )
        self.joined = NetworkNode(self.node, config, node_signer(name))
        self.joined.network.timings = BRISK
        runs = (self.node.run, self.joined.run)
        self.tasks = [asyncio.create_task(run()) for run in runs]

    def is_listening(self) -> bool:
        return self.joined.network.port is not None

    async def stop(self) -> None:
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)
        self.node.close()


async def until(holds: Callable[[], Any]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - real sockets tell nobody
            await asyncio.sleep(0.02)
