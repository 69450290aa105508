"""The throw-away chain of a rehearsal among validators: real processes, who are told the time.

The clock of such a chain is driven: it stands at the newest block while everything of the next
moment is handed over, then it is moved on all of them, and they agree on the block by themselves.
"""

import asyncio
import tempfile
from collections.abc import Callable, Coroutine, Iterator
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import Any

from chain.genesis import Genesis
from chain.transaction import Call, ReceivedTransaction
from node.children import stopping_later
from node.client import AsyncWash, NodeUnreachable, WashRpcError
from node.devnet.plan import PlannedNode, node_signer, plan_nodes, write_network
from node.devnet.processes import DevNet
from node.rehearse.agreement import Agreement, DifferenceError, find_difference, read_back
from node.rehearse.errors import RehearsalError
from node.rehearse.genesis import among, make_genesis
from node.rehearse.plan import Plan
from node.rehearse.stage import Stage
from node.rehearse.tally import Tally
from node.rehearse.wallets import SigningLine
from node.rpc.door.access import TOKENS_NAME, load_or_make_tokens
from node.rpc.methods.tx import BATCH_TRANSACTIONS_MAX

PATIENCE_S = 300.0  # for any one thing; a large block on a busy machine takes its time
TOGETHER_MAX = 16  # so few steps of several kinds go to one validator: their order matters
_PAUSE_S, _PAUSE_S_MAX = 0.002, 0.05
_LOG_LINES = 3
_SETTINGS = """\

[store]
sync = false
snapshots = false

[pool]
transactions_max = 1_000_000
per_account_max = 1_000_000
bytes_max = 1_073_741_824
checkers = 0
"""

Facts = dict[str, Any]
Shares = list[list[ReceivedTransaction]]


def share(group: list[ReceivedTransaction], count: int, turn: int) -> Iterator[Shares]:
    """Yield waves of what each of `count` validators is given; the next waits for all of the last.

    Steps of one kind do not depend on each other, so a wave of them is split. A few of several
    kinds are one wave, for the validator whose `turn` it is: what one sends arrives in order.
    """
    kinds = [list(one) for _kind, one in groupby(group, key=_kind)]
    if len(kinds) > 1 and len(group) <= TOGETHER_MAX:
        yield [group if place == turn % count else [] for place in range(count)]
        return
    for wave in kinds:
        yield [wave[(place - turn) % count :: count] for place in range(count)]


def _kind(tx: ReceivedTransaction) -> object:
    action = tx.body.actions[0]
    return action.function if isinstance(action, Call) else type(action)


class ValidatorsChain(Stage):
    """Processes of this program on loopback, each a validator with a folder of its own."""

    def __init__(self, folder: Path, genesis: Genesis, count: int) -> None:
        """Write the folders into a new one; `begin` starts the processes."""
        self.nodes = plan_nodes(folder, count)
        keys = tuple(node_signer(one.name).public_key for one in self.nodes)
        super().__init__(among(genesis, keys))
        write_network(self.nodes, folder, self.genesis, _SETTINGS)
        self.sent = 0
        self._net = DevNet(self.nodes)
        self._runner = asyncio.Runner()
        self._clients: list[AsyncWash] = []
        self._now = self.genesis.time_ms
        self._interval_ms = self.genesis.chain_params().block_interval_ms
        self._next_due_ms: int | None = None
        self._turn = 0

    def begin(self) -> None:
        """Start the processes; returns once each is connected to all others."""
        tokens = [load_or_make_tokens(one.folder / TOKENS_NAME) for one in self.nodes]
        with stopping_later():
            for one in self.nodes:
                self._net.start(one.name)
        self._clients = [
            AsyncWash(one.rpc_url, token=known.admin, timeout_s=PATIENCE_S)
            for one, known in zip(self.nodes, tokens, strict=True)
        ]
        others = len(self.nodes) - 1
        self._await(self._all("node_health", lambda facts: bool(facts["peers"] >= others)))

    # What a stage is asked ------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """Time of the newest block, ms UTC."""
        return self._now

    def next_due_ms(self) -> int | None:
        """Return when something falls due next, ms UTC, or None."""
        return self._next_due_ms

    def make_block(self, group: list[ReceivedTransaction], at: int) -> None:
        """Hand a group over, move the clocks, and wait until all of it is final everywhere."""
        self._await(self._make_block(group, at))

    async def _make_block(self, group: list[ReceivedTransaction], at: int) -> None:
        await self._hand_over(group)
        at = max(at, self._now + self._interval_ms)
        while await self._move_to(at):
            at = self._now + self._interval_ms  # what did not fit beside much that fell due

    async def _hand_over(self, group: list[ReceivedTransaction]) -> None:
        handed = 0
        for shares in share(group, len(self.nodes), self._turn):
            self._turn += 1
            handed += sum(map(len, shares))
            await asyncio.gather(*[self._send(*one) for one in enumerate(shares)])
            await self._all(
                "admin_set_clock",
                lambda facts, handed=handed: bool(facts["waiting"] >= handed),
                time_ms=self._now,
            )
        self.sent += handed

    async def _send(self, place: int, transactions: list[ReceivedTransaction]) -> None:
        for start in range(0, len(transactions), BATCH_TRANSACTIONS_MAX):
            part = transactions[start : start + BATCH_TRANSACTIONS_MAX]
            items = [tx.data.hex() for tx in part]
            for answer in await self._ask(place, "tx_submitBatch", txs=items):
                if "error" in answer:
                    text = f"{self.nodes[place].name} refused a step: {answer['error']['message']}"
                    raise RehearsalError(text)

    async def _move_to(self, at: int) -> bool:
        """Move all clocks; returns whether something is left over for the next block."""
        found = await self._all(
            "admin_set_clock", lambda facts: bool(facts["head_time_ms"] >= at), time_ms=at
        )
        heights = [facts["height"] for facts in found]
        if len(set(heights)) > 1:
            text = f"the validators have a block of time {at} at different heights: {heights}"
            raise RehearsalError(text)
        self._now, self._next_due_ms = at, found[0]["next_work_ms"]
        return any(facts["waiting"] for facts in found)

    # Asking ---------------------------------------------------------------------------------------

    def _await(self, work: Coroutine[Any, Any, Any]) -> None:
        self._runner.run(work)

    async def _all(self, method: str, holds: Callable[..., bool], **params: Any) -> list[Facts]:
        """Ask every validator until what it answers holds; returns the answers."""
        waits = [self._until(place, method, holds, params) for place in range(len(self.nodes))]
        try:
            async with asyncio.timeout(PATIENCE_S):
                return list(await asyncio.gather(*waits))
        except TimeoutError as error:
            text = (
                f"the validators got stuck after block time {self._now}: no answer to {method} "
                f"{params} that was waited for came within {PATIENCE_S:.0f} s; try again on a "
                f"machine that has less to do"
            )
            raise RehearsalError(text) from error

    async def _until(
        self, place: int, method: str, holds: Callable[..., bool], params: dict[str, Any]
    ) -> Facts:
        pause_s = _PAUSE_S
        while True:
            facts: Facts = await self._ask(place, method, **params)
            if holds(facts):
                return facts
            await asyncio.sleep(pause_s)
            pause_s = min(pause_s * 1.5, _PAUSE_S_MAX)

    async def _ask(self, place: int, method: str, **params: Any) -> Any:
        node = self.nodes[place]
        while True:
            try:
                return await self._clients[place].rpc(method, **params)
            except NodeUnreachable:  # it is starting, or it has ended
                code = self._net.exit_code(node.name)
                if code is not None:
                    text = f"{node.name} ended with {code}: {_log_end(node)}"
                    raise RehearsalError(text) from None
                await asyncio.sleep(_PAUSE_S_MAX)
            except WashRpcError as error:
                text = f"{node.name} answers {method} with: {error}"
                raise RehearsalError(text) from error

    def stop(self) -> None:
        """Stop the processes in order, so that their chains can be read; kill what does not."""
        try:
            asyncio.run(self._net.stop())
        finally:
            for one in self.nodes:
                self._net.kill(one.name)

    def close(self) -> None:
        """Stop the processes, and end talking to them."""
        try:
            self.stop()
        finally:
            for client in self._clients:
                self._runner.run(client.close())
            self._runner.close()


def _log_end(node: PlannedNode) -> str:
    try:
        text = (node.folder / "node.log").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "it left no log"
    return " / ".join(text.splitlines()[-_LOG_LINES:])


def rehearse_among(
    plan: Plan,
    validators: int,
    alone: Tally,
    on_progress: Callable[[int, int], None] | None = None,
) -> Agreement:
    """Carry out a plan on a throw-away chain among validators that are processes.

    `alone` is the table of the same plan with one validator; `on_progress` is told (steps done,
    steps in all). Raises DifferenceError that names the first difference, RehearsalError where the
    processes fail; they are stopped in every case.
    """
    progress = on_progress or (lambda _done, _all: None)
    with tempfile.TemporaryDirectory(prefix="washnode-") as temporary, ExitStack() as ending:
        line = SigningLine()
        ending.callback(line.close)
        chain = ValidatorsChain(Path(temporary) / "validators", make_genesis(plan), validators)
        ending.callback(chain.close)
        chain.begin()
        chain.play(plan, line, progress)
        chain.stop()
        kept = [read_back(one.name, one.folder, chain.genesis) for one in chain.nodes]
    difference = find_difference(alone, kept, chain.sent)
    if difference is not None:
        raise DifferenceError(difference)
    roots = kept[0].state_roots
    return Agreement(validators, len(roots), roots[-1])
