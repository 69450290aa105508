"""What a network on this machine is doing, one row a node."""

import asyncio
from dataclasses import dataclass

from node.devnet.plan import PlannedNode
from node.devnet.processes import DevNet, ask


@dataclass(frozen=True, slots=True)
class NodeRow:
    """How one node is. `state` is up, starting, down or stopped; None: it does not answer."""

    name: str
    role: str
    state: str
    height: int | None = None
    round: int | None = None
    peers: int | None = None
    waiting: int | None = None
    head_age_ms: int | None = None


async def look(net: DevNet, started: dict[str, bool], now_ms: int) -> list[NodeRow]:
    """Ask every node how it is."""
    return list(await asyncio.gather(*[_row(net, one, started, now_ms) for one in net.nodes]))


async def _row(net: DevNet, node: PlannedNode, started: dict[str, bool], now_ms: int) -> NodeRow:
    health = await ask(node, "node_health")
    if health is None:
        is_there = net.pid(node.name) is not None
        state = "starting" if is_there and not started.get(node.name) else "down"
        return NodeRow(node.name, node.role, state)
    started[node.name] = True
    info = await ask(node, "node_info") or {}
    head = info.get("head", {})
    agreement = await ask(node, "node_peers") or {}
    return NodeRow(
        node.name,
        node.role,
        "up",
        head.get("height"),
        agreement.get("round"),
        len(agreement.get("peers", [])),
        (info.get("pool") or {}).get("transactions"),
        max(now_ms - head["time_ms"], 0) if head.get("time_ms") else None,
    )
