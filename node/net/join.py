"""Puts a node on the network: its exchange, its connections, and the tasks of both."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from chain.crypto import Signer
from node.config import P2pConfig
from node.live.node import Node
from node.net.exchange import Exchange
from node.net.membership import is_validator, may_read
from node.net.network import Network


class NetworkNode:
    """A node and its place among others."""

    def __init__(self, node: Node, config: P2pConfig, identity: Signer) -> None:
        """Make the connections' end; nothing is dialled before `run`."""
        self.node = node
        chain_id = node.ledger.chain_id
        self.network = Network(config, identity, chain_id, node.clock, node.folder)
        self.exchange = Exchange(node, self.network)
        allowed = {bytes.fromhex(one) for one in config.allowed}
        network, exchange = self.network, self.exchange
        network.may_read = lambda key: key in allowed or self._is_member(key)
        network.is_validator = self._is_validator
        network.head_height = lambda: node.ledger.height
        network.on_message, network.on_peer = exchange.hear, exchange.greet
        network.on_gone, network.heights = exchange.forget, exchange.heights
        node.on_refused.append(lambda key, text: network.fault(key, "bad_block", text))
        node.network = network

    def _is_member(self, key: bytes) -> bool:
        return may_read(self.node.state(), key, self.node.ledger.executor.plans)

    def _is_validator(self, key: bytes) -> bool:
        return is_validator(self.node.state(), key, self.node.ledger.executor.plans)

    async def run(self) -> None:
        """Talk until cancelled."""
        relay, segments = self.exchange.relay, self.exchange.segments
        runs: list[Callable[[], Coroutine[Any, Any, None]]] = [
            self.network.run,
            relay.run_in,
            relay.run_out,
            relay.run_again,
            segments.run,
        ]
        try:
            async with asyncio.TaskGroup() as group:
                for run in runs:
                    group.create_task(run())
        except* Exception as faults:  # noqa: BLE001 - whatever it is, the node stops loudly
            self.node.fail(faults.exceptions[0])


def has_network(config: P2pConfig) -> bool:
    """Tell whether a node's settings put it among others."""
    return config.listen or bool(config.peers)
