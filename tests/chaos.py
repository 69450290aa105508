"""`python -m tests.chaos --kills n`: a node is killed again and again while people use it.

Several clients pay each other and book washes without a pause. At random moments the process gets
SIGKILL: under load, while it starts, and while it makes a damaged chain anew. Whatever a client was
told to be final must be so after every restart, at the same height with the same receipt.
"""

import argparse
import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random, SystemRandom
from typing import Any

from chain.errors import WashError
from chain.genesis import parse_genesis
from chain.ids import encode_id
from chain.ledger import get_supply
from chain.state import Space
from chain.tables import THROW_AWAY
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.client import AsyncWash, WashRpcError
from node.client.results import Final
from node.demo.accounts import CUSTOMERS, signer_of
from node.demo.catalogue import SPARKLE
from node.storage.folder import beside
from node.storage.ledger import ChainLedger

ROOT = Path(__file__).resolve().parents[1]
READY_S = 30.0
LOAD_S_MAX = 1.0  # how long clients work before a kill, at most
BATCH = 20
SHOP = encode_id("acct", signer_of("sparkle").public_key)


class LostError(AssertionError):
    """Something that was final is no more."""


@dataclass
class Chaos:
    """One run: what was promised so far, and what happened."""

    folder: Path
    random: Random
    promised: dict[str, Final] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    slots: int = 0

    def run(self, kills: int) -> None:
        """Kill the node so many times; raises LostError for anything that was lost."""
        for number in range(kills):
            kind = ("load", "load", "start", "load", "rebuild")[number % 5]
            if kind == "load":
                self._kill_under_load()
            else:
                if kind == "rebuild" and self.promised:
                    self._damage()
                self._kill_while_starting()
            self.counts[f"killed: {kind}"] += 1
            self.check_files()
        with self._running() as (_process, url):
            asyncio.run(self.check_promises(url))

    @contextmanager
    def _running(self) -> Iterator[tuple[subprocess.Popen[str], str]]:
        with self._started() as process:
            yield process, self._wait_until_ready(process)

    @contextmanager
    def _started(self) -> Iterator[subprocess.Popen[str]]:
        words = ["dev", "--data", str(self.folder), "--port", "0", "--json", "--no-seed"]
        process = subprocess.Popen(
            [sys.executable, "-m", "node", *words],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"WASH_RPC_REQUESTS_PER_SECOND": "0", "WASH_LANG": "en"},
        )
        try:
            yield process
        finally:
            process.kill()
            process.communicate()

    def _wait_until_ready(self, process: subprocess.Popen[str]) -> str:
        assert process.stdout is not None
        assert process.stderr is not None
        began = time.monotonic()
        line = process.stdout.readline()
        if not line.startswith("{") or "url" not in (facts := json.loads(line)):
            raise LostError(f"the node did not start: {line}{process.stderr.read()}")
        self.counts["slowest start, ms"] = max(
            self.counts["slowest start, ms"], int((time.monotonic() - began) * 1_000)
        )
        highest = max((one.height for one in self.promised.values()), default=0)
        if facts["height"] < highest:
            raise LostError(f"it starts at height {facts['height']}, {highest} was final")
        return str(facts["url"])

    def _kill_under_load(self) -> None:
        with self._running() as (process, url):
            asyncio.run(self._use(process, url))

    def _kill_while_starting(self) -> None:
        with self._started() as process:
            time.sleep(self.random.uniform(0.1, 1.2))
            process.kill()

    def _damage(self) -> None:
        """Break a file so that the next start makes the chain anew; no block is touched."""
        (self.folder / "chain" / "CURRENT").unlink(missing_ok=True)

    # Using it -----------------------------------------------------------------------------------

    async def _use(self, process: subprocess.Popen[str], url: str) -> None:
        await self.check_promises(url)
        async with asyncio.TaskGroup() as group:
            people = [group.create_task(self._live(url, name)) for name in CUSTOMERS]
            await asyncio.sleep(self.random.uniform(0.02, LOAD_S_MAX))
            process.kill()
            await asyncio.sleep(0.01)  # for answers that are on their way
            for one in people:
                one.cancel()

    async def _live(self, url: str, name: str) -> None:
        """Pay and book until the node is gone, and note what it called final."""
        following = CUSTOMERS[(CUSTOMERS.index(name) + 1) % len(CUSTOMERS)]
        to = encode_id("acct", signer_of(following).public_key)
        pay = [{"type": "transfer", "asset": "CNY", "to": to, "amount": 1}]
        async with AsyncWash(url, key=signer_of(name), timeout_s=3) as wash:
            with suppress(WashError, OSError):
                for number in range(1_000_000):
                    if number % 4:
                        self._note(await wash.send(pay, check=False))
                    else:
                        await self._book(wash)

    async def _book(self, wash: AsyncWash) -> None:
        offer = SPARKLE.service(1)
        start = self._next_slot(int((await wash.head())["time_ms"]))
        with suppress(WashRpcError):
            final = await wash.call(
                "booking.request",
                funds=offer.hold(start),
                check=False,
                shop=SHOP,
                service=1,
                version=1,
                start=start,
                end=start + offer.duration_ms,
                cell=offer.cell,
                total=offer.price,
                policy=offer.policy_id.hex(),
            )
            self._note(final)
            self.counts["bookings"] += final.ok

    def _next_slot(self, now_ms: int) -> int:
        """Return a free half hour while the shop, which is at UTC+8, is open."""
        self.slots += 1
        day, half = divmod(self.slots, 20)
        return (now_ms // DAY_MS + 1 + day % 20) * DAY_MS + HOUR_MS + half * 30 * MINUTE_MS

    def _note(self, final: Final) -> None:
        self.promised[final.tx_id] = final

    # What must hold -----------------------------------------------------------------------------

    async def check_promises(self, url: str) -> None:
        """Ask for everything that was ever called final."""
        async with AsyncWash(url, timeout_s=30) as wash:
            wanted = list(self.promised)
            for at in range(0, len(wanted), BATCH):
                part = wanted[at : at + BATCH]
                answers = await wash.batch([("tx_get", {"tx_id": tx_id}) for tx_id in part])
                for tx_id, answer in zip(part, answers, strict=True):
                    self._compare(tx_id, answer)

    def _compare(self, tx_id: str, answer: Any) -> None:
        receipt = None if isinstance(answer, Exception) else answer.get("receipt")
        if receipt != self.promised[tx_id].receipt:
            was = self.promised[tx_id]
            raise LostError(f"transaction {tx_id} was final at {was.height}, now: {answer}")
        self.counts["promises kept"] += 1

    def check_files(self) -> None:
        """Open a copy of what a kill left: the chain is whole, and all money is there."""
        chain = self.folder / "chain"
        if not chain.is_dir() and not beside(chain, "before").is_dir():
            return  # killed before there was one
        with tempfile.TemporaryDirectory(prefix="washnode-") as name:
            copy = Path(name) / "data"
            shutil.copytree(self.folder, copy)
            genesis = parse_genesis((copy / "genesis.json").read_bytes())
            ledger = ChainLedger(copy / "chain", genesis, tuning=THROW_AWAY)
            try:
                self.counts["repaired"] += ledger.repaired is not None
                check_money(ledger)
            finally:
                ledger.close()


def check_money(ledger: ChainLedger) -> None:
    """Raise LostError unless balances and pots of every asset add up to its supply."""
    store, sums = ledger.store, Counter[bytes]()
    for key, value in store.iterate(bytes([Space.BALANCE]), bytes([Space.BALANCE + 1])):
        sums[key[33:]] += int.from_bytes(value, "big")
    for _key, value in store.iterate(bytes([Space.POT]), bytes([Space.POT + 1])):
        sums[value[64:96]] += int.from_bytes(value[:8], "big")
    state = ledger.state()
    if any(get_supply(state, asset) != amount for asset, amount in sums.items()):
        raise LostError(f"money does not add up at height {ledger.height}")


def run_chaos(folder: Path, kills: int, seed: int) -> Chaos:
    """Run in a folder and return what happened; raises LostError."""
    chaos = Chaos(folder, Random(seed))
    chaos.run(kills)
    return chaos


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=None, help="repeats the moments of a run")
    options = parser.parse_args()
    seed = SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    again = f"python -m tests.chaos --kills {options.kills} --seed {seed}"
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="washnode-chaos-"))
    try:
        chaos = run_chaos(folder, options.kills, seed)
    except BaseException:
        sys.stderr.write(f"The chain is left in {folder}. The same moments again: {again}\n")
        raise
    shutil.rmtree(folder)
    facts = ", ".join(f"{name} {count:,}" for name, count in sorted(chaos.counts.items()))
    sys.stdout.write(
        f"{options.kills} kills in {time.monotonic() - began:.0f} s, "
        f"{len(chaos.promised):,} final transactions, none lost; {facts}\n"
        f"The same moments again: {again}\n"
    )


if __name__ == "__main__":
    main()
