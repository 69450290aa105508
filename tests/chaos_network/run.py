"""One run of chaos: blow after blow, and a look at everything between them."""

import asyncio
import os
import signal
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

from node.devnet.processes import DevNet, ask
from tests.chaos_network.blows import Blow, draw_blows
from tests.chaos_network.checks import Checks
from tests.chaos_network.load import BrokenPromiseError, Load
from tests.netted import StuckError, all_up, ended, level, log_end, network, until

VALIDATORS, SHOPS = 4, 2
CHECK_EVERY = 50  # kills
QUIET_S = 180.0
SENT_S = 2.0


class Chaos:
    """A network, its load, and who hits it."""

    def __init__(self, net: DevNet, load: Load, told: Callable[[str], object]) -> None:
        self.net, self.load, self.checks = net, load, Checks(net)
        self.counts: Counter[str] = Counter()
        self._told = told
        self._kills = self._last_check = 0

    async def run(self, kills: int, seed: int) -> None:
        """Kill so many; raises BrokenPromiseError or StuckError."""
        names = [one.name for one in self.net.nodes]
        for blow in draw_blows(Random(seed), names, kills):
            await self._strike(blow)
            self._kills += blow.kills
            self.counts[f"blows: {blow.kind}"] += 1
            if self._kills - self._last_check >= CHECK_EVERY:
                await self.check()
        await self.check(whole=True)
        self.counts["kills"] = self._kills

    async def check(self, *, whole: bool = False) -> None:
        """Let all nodes run and become quiet, then look at what is new, or at everything."""
        self._last_check = self._kills
        await self.load.pause()
        await all_up(self.net)
        try:
            await until(self._is_quiet, "a quiet network", QUIET_S)
            height = await level(self.net.nodes)
        except StuckError as error:
            raise StuckError(f"{error}\n{await self._tell_all()}") from error
        promises = self.load.promises
        await self.checks.check(promises, whole=whole)
        if promises.open:
            raise BrokenPromiseError(f"taken, and in no block: {promises.open}")
        self.counts["checks"] += 1
        self._told(f"{self._kills} kills: height {height}, {len(promises.final)} final\n")
        self.load.go_on()

    async def _is_quiet(self) -> bool:
        """Nothing waits anywhere, and nothing that was taken is missing in the first node's chain.

        A node whose outbox has what its pool could not take yet is not quiet either.
        """
        self._look_for_ended()
        found = [await ask(one, "node_health", 10) for one in self.net.nodes]
        if any(one is None or one["pending"] for one in found):
            return False
        if len({one["height"] for one in found if one}) > 1:
            return False
        return await self._is_settled()

    async def _is_settled(self) -> bool:
        promises = self.load.promises
        for tx_id in list(promises.open):
            answer = await ask(self.net.nodes[0], "tx_get", 10, tx_id=tx_id)
            if answer is None or not promises.settle(answer, self.net.nodes[0].name):
                return False
        return True

    async def _tell_all(self) -> str:
        rows: list[Any] = []
        for one in self.net.nodes:
            health, peers = await ask(one, "node_health", 10), await ask(one, "node_peers", 10)
            rows.append((one.name, health, {**(peers or {}), "peers": None}, log_end(one, 5)))
        return "\n".join(map(str, [*rows, self.load.promises.open]))

    # Blows ------------------------------------------------------------------------------------

    async def _strike(self, blow: Blow) -> None:
        if blow.kind == "idle":
            await self.load.pause()
        elif blow.kind == "decide":
            await self._await_sent()
        await asyncio.sleep(blow.after_s)
        self._look_for_ended()
        if blow.kind == "freeze":
            await self._freeze(blow)
        else:
            await self._kill(blow)
        self.load.go_on()
        if blow.is_awaited:
            await all_up(self.net, *blow.victims)

    async def _await_sent(self) -> None:
        self.load.sent.clear()
        try:
            async with asyncio.timeout(SENT_S):  # with no quorum people soon have sent all they may
                await self.load.sent.wait()
        except TimeoutError:
            pass

    async def _freeze(self, blow: Blow) -> None:
        pids = [self.net.pid(name) for name in blow.victims]
        for number in (signal.SIGSTOP, signal.SIGCONT):
            for pid in pids:
                if pid is not None:
                    os.kill(pid, number)
            await asyncio.sleep(blow.away_s if number == signal.SIGSTOP else 0)

    async def _kill(self, blow: Blow) -> None:
        for name in blow.victims:
            self.net.kill(name)
        await asyncio.sleep(blow.away_s)
        for name in blow.victims:
            self.net.start(name)
        if blow.kind == "start":
            await asyncio.sleep(blow.early_s)
            self._look_for_ended()
            for name in blow.victims:
                self.net.kill(name)
                self.net.start(name)

    def _look_for_ended(self) -> None:
        """Raise BrokenPromiseError if a node ended that nobody killed."""
        for one in self.net.nodes:
            code = self.net.exit_code(one.name)
            if code is not None:
                raise BrokenPromiseError(f"{one.name} ended with {code}:\n{log_end(one)}")


async def run_chaos(
    folder: Path, kills: int, seed: int, told: Callable[[str], object] = lambda _text: None
) -> Counter[str]:
    """Run a network in a folder and kill its nodes; returns what was counted."""
    net = network(folder, VALIDATORS, SHOPS)
    try:
        await all_up(net)
        load = Load(net, seed)
        chaos = Chaos(net, load, told)
        async with asyncio.TaskGroup() as group:
            paying = group.create_task(load.run())
            await chaos.run(kills, seed)
            paying.cancel()
        await net.stop()
        counts = chaos.counts + load.counts
        counts["votes compared"] = chaos.checks.check_logs()
        counts["final"] = len(load.promises.final)
        counts["heights"] = len(chaos.checks.headers) - 1
        return counts
    finally:
        ended(net)
