"""Puts a node on the network: its exchange, its connections, and the tasks of both."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from chain.crypto import Signer
from node.config_sections import P2pConfig
from node.live.clock import Clock
from node.live.fitness import clock_reason
from node.live.node import Node
from node.net.exchange import Exchange
from node.net.membership import Membership
from node.net.network import Network

CLOCK_LOOK_S = 5


class NetworkNode:
    """A node and its place among others."""

    def __init__(self, node: Node, config: P2pConfig, identity: Signer) -> None:
        """Make the connections' end; nothing is dialled before `run`."""
        self.node = node
        chain_id = node.ledger.chain_id
        # A driven clock stands still; when to dial again is a matter of the machine's.
        clock = Clock() if node.clock.is_driven else node.clock
        self.network = Network(config, identity, chain_id, clock, node.folder)
        self.members = Membership(node)
        distance = config.snapshot_distance
        self.exchange = Exchange(node, self.network, self.members, snapshot_distance=distance)
        self.exchange.fetching.checkpoints = _read_checkpoints(config.checkpoints)
        allowed = {bytes.fromhex(one) for one in config.allowed}
        network, exchange = self.network, self.exchange
        network.may_read = lambda key: key in allowed or self.members.may_read(key)
        network.is_validator = self.members.is_validator
        network.head_height = lambda: node.ledger.height
        network.on_message, network.on_peer = exchange.hear, exchange.greet
        network.on_gone, network.heights = exchange.forget, exchange.heights
        node.on_refused.append(lambda key, text: network.fault(key, "bad_block", text))
        node.network = network

    async def _watch_clock(self) -> None:
        """Compare this machine's clock with those of connected validators, again and again."""
        while True:
            await asyncio.sleep(CLOCK_LOOK_S)
            offsets = [
                one.clock_offset_ms
                for one in self.network.peers()
                if one.clock_offset_ms is not None and self.members.is_validator(one.peer.node_key)
            ]
            self.node.fitness.set("clock", clock_reason(offsets))

    async def run(self) -> None:
        """Talk until cancelled."""
        relay, segments = self.exchange.relay, self.exchange.segments
        runs: list[Callable[[], Coroutine[Any, Any, None]]] = [
            self.network.run,
            relay.run_in,
            relay.run_out,
            relay.run_again,
            segments.run,
            self.exchange.served.run,
            self.exchange.fetching.run,
            self._watch_clock,
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for run in runs:
                    group.create_task(run())
        except* Exception as faults:  # noqa: BLE001 - whatever it is, the node stops loudly
            self.node.fail(faults.exceptions[0])


def _read_checkpoints(texts: tuple[str, ...]) -> dict[int, bytes]:
    pairs = [text.split(":") for text in texts]
    return {int(height): bytes.fromhex(found) for height, found in pairs}


def has_network(config: P2pConfig) -> bool:
    """Tell whether a node's settings put it among others."""
    return config.listen or bool(config.peers)
