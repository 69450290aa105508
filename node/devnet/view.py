"""What a network on this machine is doing, one row a node."""

import asyncio
from dataclasses import dataclass

from node.devnet.plan import PlannedNode
from node.devnet.processes import DevNet, ask


@dataclass(frozen=True, slots=True)
class NodeRow:
    """How one node is. `state` is up, starting or down; None: it does not answer."""

    name: str
    role: str
    state: str
    height: int | None = None
    round: int | None = None
    peers: int | None = None
    waiting: int | None = None
    head_age_ms: int | None = None


async def look(net: DevNet, started: set[str], now_ms: int) -> list[NodeRow]:
    """Ask every node how it is; `started` keeps the names of those that answered once."""
    return list(await asyncio.gather(*[_row(net, one, started, now_ms) for one in net.nodes]))


async def _row(net: DevNet, node: PlannedNode, started: set[str], now_ms: int) -> NodeRow:
    health, agreement = await asyncio.gather(ask(node, "node_health"), ask(node, "node_peers"))
    if health is None:
        if net.pid(node.name) is None:
            started.discard(node.name)
            return NodeRow(node.name, node.role, "down")
        return NodeRow(node.name, node.role, "down" if node.name in started else "starting")
    started.add(node.name)
    agreement = agreement or {}
    return NodeRow(
        node.name,
        node.role,
        "up",
        health["height"],
        agreement.get("round"),
        len(agreement.get("peers", [])),
        health["pending"],
        max(now_ms - health["head_time_ms"], 0),
    )
