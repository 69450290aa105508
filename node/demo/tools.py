"""What a development chain's node has besides: time travel, scenarios, snapshots, a faucet."""

import asyncio
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from chain.crypto import hash_bytes
from chain.errors import LimitError, NotIssuerError
from chain.executed import ExecutedBlock
from chain.governance import contract_by_name
from chain.ids import encode_id
from chain.ledger import read_asset
from chain.receipt import Receipt
from chain.timers import Halt
from chain.transaction import Call, Mint, call_id
from node.demo.accounts import ISSUER, account_of, name_of
from node.demo.scenarios import Visit, make_scenario
from node.demo.script import Script, send
from node.demo.snapshots import Snapshot, Snapshots
from node.demo.world import ISSUED_MAX, MONEY_NAME, has_world, require_world
from node.live.node import Node
from node.live.travel import Journey, empty_pool, halt, make_block, travel
from node.live.views import look

LOOK_EVERY_S = 0.25  # how late a step may be when time passes by itself


@dataclass(frozen=True, slots=True)
class Seeded:
    """What a scenario made: visits with the ids of their bookings, and what is still to come.

    A visit without an id was refused: its slot is taken, for instance.
    """

    visits: tuple[tuple[Visit, bytes | None], ...]
    steps_ahead: int
    first_step_ms: int | None
    last_step_ms: int | None
    refused: int


class DevTools:
    """The tools of one node. One journey, snapshot or scenario at a time."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._script = self._new_script()
        self._snapshots = Snapshots(node)
        self._turn = asyncio.Lock()

    def _new_script(self) -> Script:
        return Script(opens_ms=0 if has_world(self._node.driver) else None)

    async def run(self) -> None:
        """Take the steps whose time comes by itself, until cancelled."""
        while True:
            async with self._turn:
                now_ms = self._node.block_time()
                next_ms = self._script.next_ms()
                if next_ms is not None and next_ms <= now_ms:
                    self._script.play(self._node, now_ms)
            await asyncio.sleep(LOOK_EVERY_S)

    # Time -------------------------------------------------------------------------------------

    async def travel(self, to_ms: int) -> Journey:
        """Go to a time, taking the steps of scenarios on the way."""
        async with self._turn:
            return await travel(self._node, to_ms, self._script)

    async def travel_by(self, duration_ms: int) -> Journey:
        """Go ahead by a length of time."""
        async with self._turn:
            now_ms = max(self._node.clock.now_ms(), self._node.ledger.head.time_ms)
            return await travel(self._node, now_ms + duration_ms, self._script)

    async def halt(self, duration_ms: int) -> tuple[ExecutedBlock, Halt | None]:
        """Let the chain stand still for a time; see `node.live.travel.halt`."""
        async with self._turn:
            return halt(self._node, duration_ms)

    async def mine(self, count: int) -> list[ExecutedBlock]:
        """Make so many blocks at once."""
        async with self._turn:
            made = []
            for _ in range(count):
                made.append(make_block(self._node))
                await asyncio.sleep(0)
            return made

    # Snapshots --------------------------------------------------------------------------------

    async def snapshot(self) -> Snapshot:
        """Keep the chain as it is."""
        async with self._turn:
            return self._snapshots.take(self._script)

    async def revert(self, number: int) -> Snapshot:
        """Go back to a snapshot."""
        async with self._turn:
            snapshot, planned = self._snapshots.revert(number)
            self._script = planned or self._new_script()
            self._node.wake()
            return snapshot

    # Money and bookings -----------------------------------------------------------------------

    async def mint(self, account: bytes, asset: bytes, amount: int) -> tuple[int, Receipt]:
        """Bring money into existence for an account; returns the height and the receipt.

        Raises NotIssuerError for an asset that no demo account issues, LimitError for too much.
        """
        async with self._turn:
            state = self._node.state()
            issuer = read_asset(state, asset).issuer
            name = name_of(issuer)
            if issuer == contract_by_name(state, MONEY_NAME):
                sent = send(self._node, ISSUER, *self._issue(issuer, account, amount))
            elif name is None:
                text = f"{encode_id('acct', issuer)} issues this asset; its key is not known here"
                raise NotIssuerError(text)
            else:
                sent = send(self._node, name, Mint(asset, account, amount))
            empty_pool(self._node)
            place = self._node.status(sent)
            assert place.height is not None, "the pool is empty, so it is in a block"
            assert place.number is not None, "the pool is empty, so it is in a block"
            return place.height, self._node.ledger.store.receipts(place.height)[place.number]

    def _issue(self, contract: bytes, account: bytes, amount: int) -> tuple[Call, Call]:
        """Return how the issuer states that its reserve is there, and issues some more."""
        issuer = account_of(ISSUER)
        known = look(self._node, contract, "issuer", issuer)
        owed = known["liability"] + amount
        if owed > known["limit"]:
            raise LimitError("what the issuer owes", maximum=known["limit"], found=owed)
        statement = (known["period"] + 1, known["liability"], ISSUED_MAX, bytes(32))
        nonce = self._node.next_nonce(issuer, issuer)
        deposit = hash_bytes("deposit", nonce.to_bytes(8, "big"))
        return (
            Call(contract, "attest", statement, 0),
            Call(contract, "issue", (account, amount, deposit), 0),
        )

    async def seed(self, scenario: str) -> Seeded:
        """Begin a scenario: what is to happen now happens, the rest on journeys to come.

        Raises UnknownNameError, or DemoSetupError on another chain than the demo's.
        """
        async with self._turn:
            return self._seed(scenario)

    def _seed(self, scenario: str) -> Seeded:
        node, script = self._node, self._script
        now_ms = node.block_time()
        made = make_scenario(scenario, now_ms, node.ledger.head_id, script.visits)
        script.visits += len(made.visits)
        script.refused = 0
        if made.steps:
            require_world(node.driver)
        script.add(made.steps)
        while (at_ms := script.next_ms()) is not None and at_ms <= now_ms:
            script.play(node, now_ms)
            empty_pool(node)
        visits = tuple((visit, self._booking(visit.number)) for visit in made.visits)
        missing = [visit.number for visit, booking in visits if booking is None]
        for number in missing:
            script.drop(number)
        ahead = [s for s in made.steps if s.at_ms > now_ms and s.visit not in missing]
        return Seeded(
            visits,
            len(ahead),
            min((step.at_ms for step in ahead), default=None),
            max((step.at_ms for step in ahead), default=None),
            script.refused,
        )

    def _booking(self, visit: int) -> bytes | None:
        request = self._script.requests.get(visit)
        if request is None or self._node.status(request).status != "final":
            return None
        return call_id(request, 0)


_TOOLS: WeakKeyDictionary[Node, DevTools] = WeakKeyDictionary()


def tools_of(node: Node) -> DevTools:
    """Return a node's tools, always the same ones."""
    found = _TOOLS.get(node)
    if found is None:
        found = _TOOLS[node] = DevTools(node)
    return found
