"""People who pay each other through random nodes, and what the nodes promised them."""

import asyncio
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from random import Random
from typing import Any

from node.client import AsyncWash, WashRpcError
from node.demo.accounts import CUSTOMERS
from node.devnet.processes import DevNet
from tests.netted import People

BATCH_MAX = 6
SPREAD_MAX = 150  # nonces between a person's oldest open payment and the next
CALL_S = 3.0
WAIT_MS = 700
PAUSE_S = 0.02
ASKED_MAX = 100


class BrokenPromiseError(AssertionError):
    """A node said one thing and another is true."""


@dataclass
class Promises:
    """What nodes answered: `open` was taken, by whom; `final` are receipts."""

    open: dict[str, str] = field(default_factory=dict)
    final: dict[str, Any] = field(default_factory=dict)
    heights: dict[str, int] = field(default_factory=dict)  # of final ones, told by events

    def take(self, tx_id: str, name: str) -> None:
        """Note that a node took a transaction."""
        if tx_id not in self.final:
            self.open.setdefault(tx_id, name)

    def settle(self, answer: Any, name: str) -> bool:
        """Note a status; tells whether it is settled. What was said before must be said again."""
        tx_id, status = answer["tx_id"], answer["status"]
        if status in {"pending", "unknown"}:  # also of a final one, while the node lags
            return False
        receipt = answer.get("receipt")
        if receipt is None:
            raise BrokenPromiseError(f"{name} took {tx_id} and no block will have it: {answer}")
        if self.final.setdefault(tx_id, receipt) != receipt:
            raise BrokenPromiseError(f"{tx_id} was {self.final[tx_id]}, {name} says {receipt}")
        self.open.pop(tx_id, None)
        return True

    def hear(self, event: Any, name: str) -> None:
        """Note an event that a node told of: its transaction is final."""
        if event["origin"].get("kind") == "transaction":
            tx_id, height = event["origin"]["id"], event["height"]
            if self.heights.setdefault(tx_id, height) != height:
                raise BrokenPromiseError(f"{name} tells of {tx_id} at height {height} as well")


class Load:
    """Keeps a network busy until its task is cancelled; `pause` makes it silent."""

    def __init__(self, net: DevNet, seed: int) -> None:
        self.net, self.people, self.promises = net, People.of(net), Promises()
        self.counts: Counter[str] = Counter()
        self.sent = asyncio.Event()  # set at every transaction that a node took
        self._seed = seed
        self._gate = asyncio.Event()
        self._gate.set()
        self._busy = 0
        self._clients = {one.name: AsyncWash(one.rpc_url, timeout_s=CALL_S) for one in net.nodes}

    async def run(self) -> None:
        """Pay and listen until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for name in CUSTOMERS:
                    group.create_task(self._live(name))
                for node in self.net.nodes:
                    group.create_task(self._listen(node.name))
        finally:
            for client in self._clients.values():
                await client.close()

    async def pause(self) -> None:
        """Let nobody send anything; returns when everybody is silent."""
        self._gate.clear()
        while self._busy:  # noqa: ASYNC110 - a counter, for tests
            await asyncio.sleep(PAUSE_S)

    def go_on(self) -> None:
        """Let people send again."""
        self._gate.set()

    async def _live(self, name: str) -> None:
        random = Random(f"{self._seed} {name}")
        own: dict[str, int] = {}  # taken and open, with their nonces
        while True:
            await self._gate.wait()
            self._busy += 1
            try:
                await self._turn(random, name, own)
            except (WashRpcError, OSError, TimeoutError):
                self.counts["calls that got no answer"] += 1
                await asyncio.sleep(PAUSE_S)
            finally:
                self._busy -= 1

    async def _turn(self, random: Random, name: str, own: dict[str, int]) -> None:
        if self.people.nonces[name] - min(own.values(), default=10**9) < SPREAD_MAX:
            await self._send(random, name, own)
        chosen = random.choice(self.net.nodes).name
        if own:
            newest = next(reversed(own))
            waited = {"tx_id": newest, "timeout_ms": WAIT_MS}
            self._note(await self._clients[chosen].rpc("tx_wait", **waited), chosen, own)
            await self._look(chosen, list(own)[:ASKED_MAX], own)
        await asyncio.sleep(PAUSE_S)

    async def _send(self, random: Random, name: str, own: dict[str, int]) -> None:
        chosen = random.choice(self.net.nodes).name
        first = self.people.nonces[name]
        signed = [self.people.pay(name) for _ in range(random.randint(1, BATCH_MAX))]
        txs = [data.hex() for _tx_id, data in signed]
        answers = await self._clients[chosen].rpc("tx_submitBatch", txs=txs)
        for place, answer in enumerate(answers):
            if "error" in answer:
                self.counts[f"refused: {answer['error']['name']}"] += 1
                continue
            self.promises.take(answer["tx_id"], chosen)
            own[answer["tx_id"]] = first + place
            self.sent.set()

    async def _look(self, chosen: str, tx_ids: list[str], own: dict[str, int]) -> None:
        asked = [("tx_get", {"tx_id": one}) for one in tx_ids]
        for answer in await self._clients[chosen].batch(asked):
            if not isinstance(answer, WashRpcError):
                self._note(answer, chosen, own)

    def _note(self, answer: Any, chosen: str, own: dict[str, int]) -> None:
        if self.promises.settle(answer, chosen):
            own.pop(answer["tx_id"], None)

    async def _listen(self, name: str) -> None:
        while True:
            with suppress(WashRpcError, OSError, TimeoutError):
                async for event in self._clients[name].events(patience_s=None):
                    self.promises.hear(event, name)
                    self.counts["events heard"] += 1
            await asyncio.sleep(0.2)
