"""A network of real processes for tests: started, awaited, asked, paid through, ended."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chain.genesis import parse_genesis
from chain.transaction import Transfer, read_transaction
from node.client import AsyncWash
from node.demo.accounts import CUSTOMERS, Signing, account_of, make_body, seed_of, sign_body
from node.demo.genesis import MONEY
from node.devnet.plan import PlannedNode, make_network
from node.devnet.processes import DevNet, ask
from node.keys.store import KeyStore
from node.live.clock import read_wall_ms

PATIENCE_S = 90.0  # a bound for a busy machine, nothing is measured by it
PAUSE_S = 0.05
GAS_LIMIT = 20_000


def give_sponsor(node: PlannedNode, key: str, name: str) -> None:
    """Let a node that is not started yet co-sign with the key of a person."""
    KeyStore(node.folder / "keys").add(key, seed_of(name), None)
    with (node.folder / "config.toml").open("a", encoding="utf-8") as settings:
        settings.write(f'\n[keys]\nsponsor = "{key}"\n')


class StuckError(AssertionError):
    """What was waited for did not come."""


def network(folder: Path, validators: int, shops: int, *, interval_ms: int = 50) -> DevNet:
    """Make a new network and start its nodes; `ended` is to be called in the end."""
    nodes = make_network(folder, validators, shops, time_ms=read_wall_ms(), interval_ms=interval_ms)
    net = DevNet(nodes)
    for one in nodes:
        net.start(one.name)
    return net


def ended(net: DevNet) -> None:
    """End all nodes of a network at once."""
    for one in net.nodes:
        net.kill(one.name)


async def until(
    holds: Callable[[], Awaitable[Any]], what: str, patience_s: float = PATIENCE_S
) -> Any:
    """Return the first answer that is not false; raises StuckError after a bound."""
    try:
        async with asyncio.timeout(patience_s):
            while not (answer := await holds()):  # noqa: ASYNC110 - other processes, no event
                await asyncio.sleep(PAUSE_S)
            return answer
    except TimeoutError:
        raise StuckError(f"{what} did not come in {patience_s:g} s") from None


def log_end(node: PlannedNode, lines: int = 15) -> str:
    """Return the last lines of a node's log."""
    text = (node.folder / "node.log").read_text(encoding="utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:])


async def all_up(net: DevNet, *names: str) -> None:
    """Wait until nodes (default: all) answer; one that ends by itself is a fault."""
    for node in [one for one in net.nodes if not names or one.name in names]:

        async def answers(node: PlannedNode = node) -> Any:
            code = net.exit_code(node.name)
            if code is not None:
                raise StuckError(f"{node.name} ended with {code}:\n{log_end(node)}")
            return await ask(node, "node_health")

        await until(answers, f"an answer of {node.name}")


async def peers_up(node: PlannedNode, count: int) -> None:
    """Wait until a node is connected to so many."""

    async def connected() -> bool:
        return bool(((await ask(node, "node_health")) or {}).get("peers", 0) >= count)

    await until(connected, f"{count} peers of {node.name}")


async def heights(nodes: Sequence[PlannedNode]) -> list[int | None]:
    """Return the height of each node's head, None where it does not answer."""
    answers = await asyncio.gather(*[ask(one, "node_health") for one in nodes])
    return [None if one is None else one["height"] for one in answers]


async def level(nodes: Sequence[PlannedNode], above: int = 0) -> int:
    """Wait until all nodes are at one height, at least `above`; returns it."""

    async def are_level() -> tuple[int, ...]:
        found = [-1 if one is None else one for one in await heights(nodes)]
        return (found[0],) if set(found) == {found[0]} and found[0] >= above else ()

    answer: tuple[int] = await until(are_level, f"one height of all from {above} on")
    return answer[0]


@dataclass
class People:
    """Signs transfers of the demo's customers, each nonce once."""

    chain_id: bytes
    nonces: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, net: DevNet) -> "People":
        """Return the people of a network."""
        genesis = parse_genesis((net.nodes[0].folder / "genesis.json").read_bytes())
        return cls(genesis.chain_id())

    def pay(self, name: str, gas_limit: int = GAS_LIMIT) -> tuple[str, bytes]:
        """Return the id and the signed bytes of a payment of 1 to the next customer."""
        following = CUSTOMERS[(CUSTOMERS.index(name) + 1) % len(CUSTOMERS)]
        signing = Signing(self.chain_id, read_wall_ms(), self.nonces[name], gas_limit)
        self.nonces[name] += 1
        action = Transfer(MONEY, account_of(following), 1)
        data = sign_body(make_body(name, signing, action), name)
        return read_transaction(data).tx_id.hex(), data

    async def send(self, node: PlannedNode, name: str = "alice") -> str:
        """Hand one payment to a node; returns its id."""
        tx_id, data = self.pay(name)
        async with AsyncWash(node.rpc_url) as wash:
            answer = await wash.rpc("tx_submit", tx=data.hex())
        assert (answer["tx_id"], answer["status"]) == (tx_id, "pending"), answer
        return tx_id

    async def pay_through(self, node: PlannedNode, name: str = "alice") -> dict[str, Any]:
        """Pay once through a node and wait until it is final; returns the receipt."""
        tx_id = await self.send(node, name)
        return await receipt_at(node, tx_id)


async def receipt_at(node: PlannedNode, tx_id: str) -> dict[str, Any]:
    """Wait until a node calls a transaction final; returns the receipt."""

    async def is_final() -> Any:
        answer = await ask(node, "tx_wait", timeout_s=15, tx_id=tx_id, timeout_ms=10_000)
        assert answer is None or answer["status"] not in {"failed", "expired"}, answer
        return answer and answer["status"] == "final" and answer["receipt"]

    found: dict[str, Any] = await until(is_final, f"the receipt of {tx_id} at {node.name}")
    return found
