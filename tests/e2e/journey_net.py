"""Four validators as real processes, whose time is told, for the long ways of customers and shops.

Everything goes over JSON-RPC: what is sent, what is read, and what the clock is. A person is a
name; each name has an account and a key of its own. A call stands in a block at exactly the wished
time, after all that was due before it. One network serves all journeys (`journeys` in conftest.py),
so each takes people of its own and begins where the one before ended.
"""

import itertools
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
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
from node.devnet.plan import make_network
from node.devnet.processes import DevNet
from node.keys.store import KeyStore
from node.rpc.door.access import TOKENS_NAME, load_or_make_tokens
from tests.netted import all_up, ended, peers_up

START = 20_458 * DAY_MS  # Monday, 2026-01-05, 00:00 UTC
OPERATORS = ("operator", "opal", "oscar")
ARBITER = "arbiter"
FUNDS_EACH = 10_000_000
PATIENCE_S = 60.0
PAUSE_S = 0.003

__all__ = ["DAY_MS", "HOUR_MS", "MINUTE_MS", "JourneyNet", "acct"]


def acct(name: str) -> str:
    """Return the account's text of a name."""
    return encode_id("acct", account_of(name))


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
        params = ParamsModel(heartbeat_ms=0, block_interval_ms=1, valid_for_max_ms=SAFE_INT_MAX)
        changes = {"accounts": tuple(rows), "params": params, "clock": "driven"}
        return genesis.model_copy(update=changes)

    return adapt


class JourneyNet:
    """The network, and the one clock of all its nodes."""

    def __init__(self, folder: Path, people: tuple[str, ...]) -> None:
        """Start four validators on a fresh chain whose people have 100,000.00 each."""
        nodes = make_network(
            folder / "nodes", 4, 0, time_ms=START, interval_ms=1, adapt=_people(people)
        )
        self.folder, self.net = folder, DevNet(nodes)
        self.now = START
        self._next_due: int | None = None
        self._turn = itertools.count()
        for one in nodes:
            self.net.start(one.name)
        self._admins: dict[str, Wash] = {}
        self.up = [one.name for one in nodes]

    async def begin(self) -> None:
        """Wait until all are connected, and put the standard contracts on the chain."""
        await all_up(self.net)
        for one in self.net.nodes:
            await peers_up(one, len(self.net.nodes) - 1)
            token = load_or_make_tokens(one.folder / TOKENS_NAME).admin
            self._admins[one.name] = Wash(one.rpc_url, token=token, timeout_s=PATIENCE_S)
        self._install()

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
                self._let_go_on()
            assert child.stdout is not None
            assert child.returncode == 0, child.stdout.read()
        for one in self.ask("gov_proposals", limit=50)["items"]:
            self.do("opal", [{"type": "vote", "proposal": one["proposal"]}])
            self.do("oscar", [{"type": "vote", "proposal": one["proposal"]}], check=False)

    # Time ---------------------------------------------------------------------------------------

    @property
    def wash(self) -> Wash:
        """A client of one of the nodes that are up, in turn."""
        return self._admins[self.up[next(self._turn) % len(self.up)]]

    def _tell(self, time_ms: int) -> list[dict[str, Any]]:
        return [self._admins[name].rpc("admin_set_clock", time_ms=time_ms) for name in self.up]

    def _let_go_on(self) -> None:
        """Move the clocks a millisecond if anything waits."""
        facts = self._tell(self.now)
        if any(one["waiting"] for one in facts):
            self._move(self.now + 1)
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
                self._next_due = due[0]
                if self._next_due is None or self._next_due > max(at, *heads):
                    self.now = at
                    return
            if heads == {at}:  # that moment's block is there, more has to follow
                at += 1
            assert time.monotonic() < end, f"the network is stuck at {at}: {facts}"
            time.sleep(PAUSE_S)

    def at(self, time_ms: int) -> Self:
        """Let all happen that is due before a time; the next call stands at that time."""
        assert time_ms > self.now, f"{time_ms} is over, it is {self.now}"
        while self._next_due is not None and self._next_due < time_ms:
            self._move(max(self._next_due, self.now + 1))
        if time_ms - 1 > self.now:
            self._move(time_ms - 1)
        return self

    def tick(self, duration_ms: int) -> Self:
        """Let so much time pass, with all that happens in it."""
        return self.at(self.now + 1 + duration_ms)

    # Sending and reading ------------------------------------------------------------------------

    def do(
        self,
        who: str,
        actions: list[dict[str, Any]],
        *,
        sponsor: str | None = None,
        key: str | None = None,
        check: bool = True,
    ) -> Final:
        """Carry out actions of a person in the next block; `key` signs instead of his own."""
        wash = self.wash
        signer = signer_of(key or who)
        payer = None if sponsor is None else signer_of(sponsor)
        body = wash.build(actions, account=account_of(who), key=signer, sponsor=payer)
        pending = wash.submit(wash.sign(body, key=signer, sponsor=payer))
        self._move(self.now + 1)
        return wash.wait(pending.tx_id, check=check)

    def call(
        self,
        who: str,
        function: str,
        arguments: dict[str, Any] | None = None,
        *,
        funds: int = 0,
        sponsor: str | None = None,
        key: str | None = None,
        check: bool = True,
        **named: Any,
    ) -> Final:
        """Call `contract.function` of an installed contract."""
        contract, _dot, name = function.rpartition(".")
        action = {
            "type": "call",
            "contract": contract,
            "function": name,
            "arguments": {**(arguments or {}), **named},
            "funds": funds,
        }
        return self.do(who, [action], sponsor=sponsor, key=key, check=check)

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

    def read(self, view: str, arguments: dict[str, Any] | None = None, **named: Any) -> Any:
        """Ask a view of an installed contract."""
        return self.wash.read(view, {**(arguments or {}), **named})

    def balance(self, who: str) -> int:
        """Return a person's free money, minor units."""
        return self.wash.balance(account_of(who))

    def events(self, *types: str) -> list[dict[str, Any]]:
        """Return all events of these types so far, in order."""
        found: list[dict[str, Any]] = []
        after = "earliest"
        while True:
            page = self.ask("events_query", filter={"types": list(types)}, limit=200, after=after)
            found += page["items"]
            if page["next"] is None:
                return found
            after = page["next"]

    def roots(self) -> set[str]:
        """Return the state roots at the head, of all nodes that are up."""
        return {self._admins[name].head()["state_root"] for name in self.up}
