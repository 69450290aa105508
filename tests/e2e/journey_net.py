"""Four validators as real processes, whose time is told, for the long ways of customers and shops.

Everything goes over JSON-RPC: what is sent, what is read, and what the clock is. A person is a
name; each name has an account and a key of its own. A call stands in a block at exactly the wished
time, after all that was due before it. One network serves all journeys (`journeys` in conftest.py),
so each takes people of its own and begins where the one before ended. Three more nodes, those of
shops, are there for those journeys that switch them on: node shop1 is shop1's own, and so on.
"""

import asyncio
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import pytest

from chain.genesis import Genesis, GenesisAccount, ParamsModel
from chain.ids import encode_id
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS, SAFE_INT_MAX
from node.client import Refused, Wash
from node.client.results import Final
from node.demo.accounts import account_of, seed_of, signer_of
from node.devnet.plan import PlannedNode, make_network, node_signer
from node.devnet.processes import DevNet
from node.keys.store import KeyStore
from node.rpc.door.access import TOKENS_NAME, load_or_make_tokens
from tests.netted import all_up, ended, give_sponsor, peers_up

START = 20_458 * DAY_MS  # Monday, 2026-01-05, 00:00 UTC
OPERATORS = ("operator", "opal", "oscar")
ARBITER = "arbiter"
VALIDATORS = 4
SHOP_NODES = ("shop1", "shop2", "shop3")  # off until a journey starts them
FUNDS_EACH = 10_000_000
GAS_LIMIT = 200_000
PATIENCE_S = 60.0
PAUSE_S = 0.003
Actions = list[dict[str, Any]]

__all__ = ["DAY_MS", "HOUR_MS", "MINUTE_MS", "SHOP_NODES", "JourneyNet", "acct", "calling"]


def acct(name: str) -> str:
    """Return the account's text of a name."""
    return encode_id("acct", account_of(name))


def calling(function: str, *, funds: int = 0, **arguments: Any) -> dict[str, Any]:
    """Return the action that calls `contract.function`."""
    contract, _dot, name = function.rpartition(".")
    return {
        "type": "call",
        "contract": contract,
        "function": name,
        "arguments": arguments,
        "funds": funds,
    }


def _people(names: tuple[str, ...]) -> Callable[[Genesis], Genesis]:
    def adapt(genesis: Genesis) -> Genesis:
        roles: dict[str, tuple[Any, ...]] = dict.fromkeys(OPERATORS, ("operator", "member"))
        roles |= {ARBITER: ("arbiter", "member"), "issuer": ("member",)}
        rows = [
            GenesisAccount(account=account_of(name).hex(), roles=held)
            for name, held in roles.items()
        ]
        rows += [
            GenesisAccount(
                account=account_of(name).hex(), roles=("member",), balances={"CNY": FUNDS_EACH}
            )
            for name in names
        ]
        rows += [
            GenesisAccount(account=node_signer(name).public_key.hex(), roles=("member",))
            for name in SHOP_NODES
        ]
        params = ParamsModel(heartbeat_ms=0, block_interval_ms=1, valid_for_max_ms=SAFE_INT_MAX)
        changes = {"accounts": tuple(rows), "params": params, "clock": "driven"}
        return genesis.model_copy(update=changes)

    return adapt


class JourneyNet:
    """The network, and the one clock of all its nodes."""

    def __init__(self, folder: Path, people: tuple[str, ...]) -> None:
        """Start four validators on a fresh chain whose people have 100,000.00 each."""
        nodes = make_network(
            folder / "nodes",
            VALIDATORS,
            len(SHOP_NODES),
            time_ms=START,
            interval_ms=1,
            adapt=_people(people),
        )
        self.equip(nodes)
        self.folder, self.net = folder, DevNet(nodes)
        known = (*people, *OPERATORS, ARBITER, "issuer")
        self._names = {acct(name): name for name in known}
        self.now = self._clock = self._head = START
        self._next_due: int | None = None
        self._turn = itertools.count()
        self._admins: dict[str, Wash] = {}
        self.validators = [one.name for one in nodes[:VALIDATORS]]
        self.up: list[str] = []
        for name in self.validators:
            self.net.start(name)

    def equip(self, nodes: list[PlannedNode]) -> None:
        """Give nodes what they need beyond deciding and following: here, shops their keys."""
        for one in nodes[VALIDATORS:]:
            give_sponsor(one, "shop", one.name)

    async def begin(self) -> None:
        """Wait until all are connected, and put the standard contracts on the chain."""
        await self._meet(*self.validators)
        self._install()

    async def _meet(self, *names: str) -> None:
        """Wait until nodes that were started answer and have found the validators."""
        await all_up(self.net, *names)
        for name in names:
            others = len([one for one in self.validators if one != name and self.net.pid(one)])
            await peers_up(self.net[name], others)
            if name not in self._admins:
                token = load_or_make_tokens(self.net[name].folder / TOKENS_NAME).admin
                self._admins[name] = Wash(self.net[name].rpc_url, token=token, timeout_s=PATIENCE_S)
            self.up.append(name)

    def start(self, *names: str) -> None:
        """Switch nodes on, and wait until they have all that the others have."""
        for name in names:
            self.net.start(name)
        asyncio.run(self._meet(*names))
        self._move(self._clock)

    def kill(self, *names: str) -> None:
        """Switch nodes off as a power cut would; those that are off stay so."""
        for name in names:
            if name in self.up:
                self.up.remove(name)
            self.net.kill(name)

    @contextmanager
    def switched_on(self, *names: str) -> Iterator[None]:
        """Have nodes on for as long as this lasts."""
        self.start(*names)
        try:
            yield
        finally:
            self.kill(*names)

    def close(self) -> None:
        """End everything."""
        for wash in self._admins.values():
            wash.close()
        ended(self.net)

    def _install(self) -> None:
        keys = KeyStore(self.folder / "operator" / "keys")
        keys.add("operator", seed_of("operator"), None)
        words = ("contract", "standard", "--from", "operator", "--rpc", self.net.nodes[0].rpc_url)
        command = [sys.executable, "-m", "node", *words, "--data", str(self.folder / "operator")]
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
        with subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True
        ) as child:
            while child.poll() is None:
                self.let_go_on()
            assert child.stdout is not None
            assert child.returncode == 0, child.stdout.read()
        for one in self.ask("gov_proposals", limit=50)["items"]:
            self.do("opal", [{"type": "vote", "proposal": one["proposal"]}])
            self.do("oscar", [{"type": "vote", "proposal": one["proposal"]}], check=False)

    # Time ---------------------------------------------------------------------------------------

    @property
    def wash(self) -> Wash:
        """A client of one of the validators that are up, in turn."""
        chosen = self._working()
        return self._admins[chosen[next(self._turn) % len(chosen)]]

    def _working(self) -> list[str]:
        return [name for name in self.up if name in self.validators]

    def at_node(self, name: str) -> Wash:
        """Return a client of one node, with its owner's token."""
        return self._admins[name]

    def _tell(self, time_ms: int) -> list[dict[str, Any]]:
        self._clock = time_ms
        return [self._admins[name].rpc("admin_set_clock", time_ms=time_ms) for name in self.up]

    @property
    def clock_ms(self) -> int:
        """What time the nodes were told last."""
        return self._clock

    def let_go_on(self) -> None:
        """Move the clocks a millisecond if anything waits."""
        facts = self._tell(self._clock)
        if any(one["waiting"] for one in facts):
            self._move(self._clock + 1)
        time.sleep(PAUSE_S)

    def _move(self, at: int) -> None:
        """Move the clocks on and wait until all that is for then is final everywhere."""
        end = time.monotonic() + PATIENCE_S
        while True:
            facts = self._tell(at)
            heights = {one["height"] for one in facts}
            heads = {one["head_time_ms"] for one in facts}
            due = [one["next_work_ms"] for one in facts]
            if len(heights) == 1 and not any(one["waiting"] for one in facts):
                self._next_due, self._head = due[0], max(heads)
                if self._next_due is None or self._next_due > max(at, *heads):
                    self.now = max(self.now, at)
                    return
            if heads == {at}:  # that moment's block is there, more has to follow
                at += 1
            assert time.monotonic() < end, f"the network is stuck at {at}: {facts}"
            time.sleep(PAUSE_S)

    def at(self, time_ms: int) -> Self:
        """Let all happen that is due before a time; the next call stands at that time.

        The clocks stay at the newest block: beyond it, validators would take the call at once.
        """
        assert time_ms > self.now, f"{time_ms} is over, it is {self.now}"
        while self._next_due is not None and self._next_due < time_ms:
            self._move(max(self._next_due, self._clock + 1))
        self.now = time_ms - 1
        return self

    def until(self, time_ms: int) -> Self:
        """Let all happen that is due up to a time, that moment included."""
        self.at(time_ms + 1)
        self._move(time_ms)
        return self

    def tick(self, duration_ms: int) -> Self:
        """Let so much time pass, with all that happens in it."""
        return self.until(self.now + duration_ms)

    # Sending and reading ------------------------------------------------------------------------

    def send(
        self,
        who: str,
        actions: Actions,
        *,
        sponsor: str | None = None,
        key: str | None = None,
        via: str | None = None,
    ) -> str:
        """Hand actions of a person to a node, for the next block; returns the transaction's id."""
        wash = self.wash if via is None else self._admins[via]
        signer = signer_of(key or who)
        payer = None if sponsor is None else signer_of(sponsor)
        at = self.now + 1
        body = wash.build(
            actions, account=account_of(who), key=signer, sponsor=payer, valid_until=at + HOUR_MS
        )
        if self._clock > self._head:
            self._tell(at)
        return wash.submit(wash.sign(body, key=signer, sponsor=payer)).tx_id

    def do(
        self,
        who: str,
        actions: Actions,
        *,
        sponsor: str | None = None,
        key: str | None = None,
        check: bool = True,
    ) -> Final:
        """Carry out actions of a person in the next block; `key` signs instead of his own."""
        tx_id = self.send(who, actions, sponsor=sponsor, key=key)
        self._move(self.now + 1)
        return self.wash.wait(tx_id, check=check)

    def together(self, *sendings: tuple[str, Actions]) -> list[Final]:
        """Carry out what several people do in the same moment; all of it succeeds."""
        # Of one person to one node, which counts what it has of that person already.
        at = {who: next(self._turn) for who, _actions in sendings}
        chosen = self._working()
        sent = [
            self.send(who, actions, via=chosen[at[who] % len(chosen)]) for who, actions in sendings
        ]
        self._move(self.now + 1)
        return [self.wash.wait(tx_id) for tx_id in sent]

    def call(
        self,
        who: str,
        function: str,
        *,
        funds: int = 0,
        sponsor: str | None = None,
        key: str | None = None,
        check: bool = True,
        **arguments: Any,
    ) -> Final:
        """Call `contract.function` of an installed contract."""
        action = calling(function, funds=funds, **arguments)
        return self.do(who, [action], sponsor=sponsor, key=key, check=check)

    def meanwhile(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Return what a program brings that waits for blocks by itself; time passes for it."""
        self._move(self.now)
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(asyncio.run, work)
            while not running.done():
                self.let_go_on()
        self._move(self._clock)
        return running.result()

    @contextmanager
    def refuses(self, name: str) -> Iterator[None]:
        """Expect a refusal by the contract or the chain with this name."""
        with pytest.raises(Refused) as caught:
            yield
        assert name in {caught.value.name, caught.value.reason}, caught.value

    def ask(self, method: str, **params: Any) -> Any:
        """Call a method; of what is read at a height, return the data."""
        answer = self.wash.rpc(method, **params)
        is_read = isinstance(answer, dict) and answer.keys() == {"at", "data"}
        return answer["data"] if is_read else answer

    def read(self, view: str, **arguments: Any) -> Any:
        """Ask a view of an installed contract."""
        return self.wash.read(view, arguments)

    def balance(self, who: str) -> int:
        """Return a person's free money, minor units."""
        return self.wash.balance(account_of(who))

    def events(self, kind: str, **values: Any) -> list[dict[str, Any]]:
        """Return all events of a type (`booking.*`: of a contract) with these values, in order."""
        found: list[dict[str, Any]] = []
        after, wanted = "earliest", {"type": kind, **({"values": values} if values else {})}
        while True:
            page = self.ask("events_query", filter=wanted, limit=200, after=after)
            found += page["items"]
            if page["next"] is None:
                return found
            after = page["next"]

    def seen(self, kind: str, **values: Any) -> list[dict[str, Any]]:
        """Return the values of these events: people by name, money as minor units."""
        return [self.plain(one["values"]) for one in self.events(kind, **values)]

    def plain(self, value: Any) -> Any:
        """Return a value with people by their names and money as minor units."""
        if isinstance(value, dict):
            if value.keys() == {"amount", "currency", "asset"}:
                return value["amount"]
            return {name: self.plain(one) for name, one in value.items()}
        return self._names.get(value, value) if isinstance(value, str) else value

    def name_of(self, short: str) -> str:
        """Return whose account is shortened to this text."""
        first, _, last = short.partition("…")
        return next(
            name
            for text, name in self._names.items()
            if text.startswith(first) and text.endswith(last)
        )

    @property
    def height(self) -> int:
        """Height of the newest block."""
        height: int = self.wash.head()["height"]
        return height

    def sent_since(self, height: int) -> int:
        """Return how many transactions anybody sent in the blocks above a height."""
        blocks = [
            self.ask("chain_getBlock", height=one, detail="ids")
            for one in range(height + 1, self.height + 1)
        ]
        return sum(len(one["tx_ids"]) for one in blocks)

    def roots(self) -> set[str]:
        """Return the state roots at the head, of all nodes that are up."""
        return {self._admins[name].head()["state_root"] for name in self.up}
