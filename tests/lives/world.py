"""A chain on disk with all standard contracts, 20 customers and 5 shops, and what must always hold.

Every block is built, checked by a second executor and stored (`tests/make.py`); the executor itself
compares changes of money with changes of supply. Here the whole state is counted over and over.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from chain.changes import InstallContract, UpgradeContract
from chain.crypto import hash_bytes
from chain.genesis import Genesis, GenesisAccount, GenesisAsset, ParamsModel, genesis_asset_id
from chain.pots import decode_pot
from chain.receipt import KernelEvent, Receipt, ReceiptKind
from chain.state import Space, State
from chain.timers import next_work_time, read_halt
from chain.transaction import (
    Action,
    Call,
    Deploy,
    IssueAsset,
    Propose,
    asset_id,
    call_id,
    instance_id,
)
from chain.types import DAY_MS, MINUTE_MS, ZERO_ID
from contracts.actions import run_actions
from contracts.host import Frame, World
from contracts.lang.compiler import compile_contract
from contracts.vm.container import FUNCTIONS_MAX, FunctionKind, code_id
from contracts.vm.traps import Trap, TrapKind
from node import catalog
from node.standard import POINTS_SYMBOLS, bindings
from tests.make import VALIDATOR, TestChain, account, signer

START = 20_458 * DAY_MS  # a Monday
CUSTOMERS = tuple(f"customer{number}" for number in range(20))
SHOPS = tuple(f"shop{number}" for number in range(5))
OPERATOR, ARBITER, STRANGER = "operator", "arbiter", "stranger"
STAFF = tuple(f"{shop}-staff" for shop in SHOPS)  # keys, no accounts
PEOPLE = (*CUSTOMERS, *SHOPS, OPERATOR, ARBITER, STRANGER)
MONEY = genesis_asset_id("CNY")
RICH = 100_000_000
CALL_GAS, DEPLOY_GAS = 120_000, 500_000
UPGRADE_NOTICE_MS = DAY_MS
SIDE_EFFECTS_MAX = 10  # one after another, each set for at once by the one before
ROOT = Path(__file__).resolve().parents[2]


def make_genesis() -> Genesis:
    """Return the genesis: everybody is a member with money."""
    roles: dict[str, tuple[Any, ...]] = {
        OPERATOR: ("operator", "member"), ARBITER: ("arbiter", "member"),
    }  # fmt: skip
    rows = [
        GenesisAccount(
            account=account(name).hex(),
            roles=roles.get(name, ("member",)),
            balances={"CNY": RICH} if name in CUSTOMERS + SHOPS else {},
        )
        for name in PEOPLE
    ]
    return Genesis(
        name="lives",
        time_ms=START,
        validators=(VALIDATOR.public_key.hex(),),
        params=ParamsModel(
            heartbeat_ms=0, block_interval_ms=1, upgrade_notice_ms=UPGRADE_NOTICE_MS
        ),
        assets=(GenesisAsset(symbol="CNY", issuer=account(OPERATOR).hex()),),
        accounts=tuple(rows),
    )


class BrokenError(AssertionError):
    """Something that must always hold does not."""


class LivesWorld:
    """The chain; `call` makes a block with one call in it, `pass_until` lets time go on."""

    def __init__(self, folder: Path) -> None:
        """Begin the chain and deploy everything."""
        self.chain = TestChain(folder, make_genesis())
        self.contracts: dict[str, bytes] = {}
        self.names: dict[bytes, str] = {account(name): name for name in PEOPLE}
        self.programs = {name: catalog.program(name) for name in catalog.STANDARD}
        self.fired: Counter[str] = Counter()
        self.nonces: Counter[str] = Counter()  # the next of each key
        self.last_id = b""
        self.abis = {name: catalog.abi(name) for name in catalog.STANDARD}
        self.sources: dict[str, str] = {}
        self.versions: Counter[str] = Counter()
        self.upgraded: Counter[str] = Counter()
        self.waiting: list[tuple[int, str, dict[str, Any]]] = []
        for binding in bindings():
            self._deploy(binding)

    def do(self, who: str, action: Action, gas_limit: int = CALL_GAS) -> None:
        """Carry out an action that goes through."""
        self.nonces[who] += 1
        signed = self.chain.sign(who, action, nonce=self.nonces[who] - 1, gas_limit=gas_limit)
        executed = self.chain.run(signed)
        assert not executed.refused, executed.refused
        assert executed.receipts[-1].ok, executed.receipts[-1]

    def _deploy(self, binding: Any) -> None:
        chain, code = self.chain, catalog.container_bytes(binding.name)
        issued = {
            slot: asset_id(account(OPERATOR), POINTS_SYMBOLS[slot]) for slot in binding.issued
        }
        assets = tuple(issued.get(slot, MONEY) for slot in binding.assets)
        links = tuple(self.contracts[name] for name in binding.links.values())
        arguments = tuple(binding.arguments_alone.values())
        deploy = Deploy(code, assets, links, arguments)
        self.nonces[OPERATOR] += 1
        nonce = self.nonces[OPERATOR] - 1
        signed = chain.sign(OPERATOR, deploy, gas_limit=DEPLOY_GAS, nonce=nonce)
        contract = instance_id(signed.tx_id, 0)
        for slot in binding.issued:
            issue = IssueAsset(POINTS_SYMBOLS[slot], 0, 2, contract, ())
            self.do(OPERATOR, issue)
        executed = chain.run(signed)
        assert executed.receipts[-1].ok, (binding.name, executed.receipts[-1])
        self.do(OPERATOR, Propose(InstallContract(binding.name, contract)))
        self.contracts[binding.name] = contract

    def upgrade(self, name: str) -> None:
        """Deploy a newer version of a contract and have it decided; it begins after the notice."""
        chain, contract = self.chain, self.contracts[name]
        self.versions[name] += 1
        source = newer(self.sources.get(name) or source_of(name), self.versions[name])
        self.sources[name] = source
        compiled = compile_contract(source.encode())
        instance = chain.ledger.executor.library.instance(chain.state(), contract)
        binding = next(one for one in bindings() if one.name == name)
        arguments = tuple(binding.arguments_alone.values())
        code = compiled.container_bytes
        self.do(OPERATOR, Deploy(code, instance.assets, instance.links, arguments), DEPLOY_GAS)
        at = self.now + 2 * UPGRADE_NOTICE_MS
        self.do(OPERATOR, Propose(UpgradeContract(contract, code_id(code), (), (), at)))
        self.waiting.append((at, name, compiled.abi))

    def _take_up(self) -> None:
        """Know the newer versions that have begun."""
        for at, name, abi in [one for one in self.waiting if one[0] <= self.now]:
            contract = self.contracts[name]
            library, state = self.chain.ledger.executor.library, self.chain.state()
            program = library.program(state, library.instance(state, contract).code_id)
            events = [one.name for one in program.container.events]
            if f"Later{self.versions[name]}" not in events:
                raise BrokenError(f"{name} was not upgraded at {at}")
            self.programs[name], self.abis[name] = program, abi
            self.upgraded[name] += 1
        self.waiting = [one for one in self.waiting if one[0] > self.now]

    @property
    def now(self) -> int:
        """Time of the newest block."""
        return self.chain.now

    def name(self, address: bytes) -> str:
        """Return whose account that is; what is nobody's is a stranger's."""
        return self.names.get(address, STRANGER)

    # Blocks -------------------------------------------------------------------------------------

    def call(
        self, who: str, contract: str, function: str, arguments: tuple[Any, ...], *,
        funds: int = 0, sponsor: str | None = None, key: str | None = None,
    ) -> str:  # fmt: skip
        """Carry out a call in a block of its own; returns "ok" or what went wrong."""
        chain, at = self.chain, self.now + 1
        action = Call(self.contracts[contract], function, arguments, funds)
        changes: dict[str, Any] = {"valid_until": at + MINUTE_MS, "gas_limit": CALL_GAS}
        changes["nonce"] = self.nonces[key or who]
        self.nonces[key or who] += 1
        by = None if key is None else signer(key)
        payer = None if sponsor is None else signer(sponsor)
        signed = chain.sign(who, action, by=by, sponsor=payer, **changes)
        executed = chain.run(signed, at=at)
        self._note(executed.receipts[: executed.timers_fired])
        if executed.refused:
            return f"refused {executed.refused[0][1]}"
        receipt = executed.receipts[-1]
        self.last_id = call_id(signed.tx_id, 0)
        if receipt.ok:
            return "ok"
        if receipt.trap == TrapKind.REQUIRE:
            return self.programs[contract].container.errors[receipt.error - 1]
        return TrapKind(receipt.trap).name.lower() if receipt.trap else str(receipt.error)

    def would_pass(self, who: str, action: Call, sponsor: str | None, key: str | None) -> bool:
        """Tell whether a call would go through now; nothing is changed."""
        world = self._around(self.chain.state())
        world.origin = account(who)
        world.origin_id = hash_bytes("word", b"try")
        world.signer = signer(key or who).public_key
        world.sponsor = ZERO_ID if sponsor is None else account(sponsor)
        _gas, trap, error = run_actions(world, [action], None, CALL_GAS)
        return not trap and not error

    def pass_until(self, time_ms: int) -> int:
        """Make a block at every due time up to `time_ms`; returns how many."""
        chain, blocks = self.chain, 0
        while True:
            due = next_work_time(chain.state(), chain.now)
            if due is None or due > time_ms:
                break
            self._note(chain.run(at=due).receipts)
            blocks += 1
        if chain.now < time_ms:
            self._note(chain.run(at=time_ms).receipts)
        self._take_up()
        return blocks

    def _note(self, receipts: tuple[Receipt, ...]) -> None:
        for receipt in receipts:
            for event in receipt.events:
                if event.contract == ZERO_ID and event.number == KernelEvent.TIMER_FAILED:
                    contract, handler = event.values[0], event.values[1][0]
                    name = next(n for n, c in self.contracts.items() if c == contract)
                    timer = self.programs[name].timers[handler].name
                    raise BrokenError(f"timer {name}.{timer} failed: {event.values}")
            self.fired[ReceiptKind(receipt.kind).name.lower()] += 1

    def reopen(self, *, clean: bool) -> None:
        """Stop and start again; `clean` false: as after a power cut."""
        root = self.chain.head.state_root
        self.chain = self.chain.reopen(clean=clean)
        if self.chain.head.state_root != root:
            raise BrokenError("another state after a restart")

    # Reading ------------------------------------------------------------------------------------

    def read(self, contract: str, view: str, *arguments: Any) -> list[Any] | None:
        """Ask a view; returns its scalars, None if it refuses."""
        frame = Frame(self._around(self.chain.state()), self.contracts[contract], ZERO_ID)
        routine = frame.program.entry(view, FunctionKind.VIEW)
        assert routine is not None, view
        try:
            return frame.call(routine, list(arguments), 1_500_000)[0]
        except Trap:
            return None

    def _around(self, state: State) -> World:
        ledger = self.chain.ledger
        return World(
            state, ledger.executor.library, ledger.chain_id, self.chain.head.height, self.now + 1,
            read_halt(state), self.chain.genesis.chain_params(), ZERO_ID, ZERO_ID, ZERO_ID, ZERO_ID,
        )  # fmt: skip

    def rows(self, space: Space) -> Iterator[tuple[bytes, bytes]]:
        """Yield all that is stored in a space."""
        store = self.chain.ledger.store
        yield from store.iterate(bytes([space]), bytes([space + 1]))

    # What must hold -----------------------------------------------------------------------------

    def check(self) -> None:
        """Count the whole state: money, ends of pots, timers."""
        sums: Counter[bytes] = Counter()
        for key, value in self.rows(Space.BALANCE):
            sums[key[33:65]] += int.from_bytes(value[:8], "big")
        for _key, value in self.rows(Space.POT):
            pot = decode_pot(value)
            sums[pot.asset] += pot.amount
            if pot.until < self.now:
                raise BrokenError(f"a pot that ended at {pot.until} is there at {self.now}")
        for key, value in self.rows(Space.SUPPLY):
            supply = int.from_bytes(value[:8], "big")
            if sums[key[1:]] != supply:
                raise BrokenError(f"{sums[key[1:]]} of a supply of {supply} are there")
        if list(self.rows(Space.DEAD_LETTER)):
            raise BrokenError("a dead letter")
        queued = Counter(value for _key, value in self.rows(Space.QUEUE))
        timers = [key for key, _value in self.rows(Space.TIMER)]
        lost = [key.hex() for key in timers if key not in queued]
        if lost:
            raise BrokenError(f"timers that nothing will fire: {lost[:3]}")
        due: int | None = 0
        for _ in range(SIDE_EFFECTS_MAX):
            due = next_work_time(self.chain.state(), 0)
            if due is None or due > self.now:
                return
            self._note(self.chain.run(at=self.now + 1).receipts)  # side effects come a block later
        raise BrokenError(f"what was due at {due} has not happened at {self.now}")


def source_of(name: str) -> str:
    """Return the source of a standard contract."""
    return (ROOT / "contracts" / "standard" / f"{name}.wash").read_text(encoding="utf-8")


def newer(source: str, number: int) -> str:
    """Return a version of a contract that can do a little more."""
    at = re.search(r"^    @(init|action)", source[source.index("(Contract)") :], re.MULTILINE)
    assert at is not None, "a contract without actions"
    place = source.index("(Contract)") + at.start()
    state = f"    later{number}: uint\n    Later{number} = Event(number=uint)\n\n"
    action = (
        f"\n    @action\n    def note_later{number}(self):\n"
        f'        """Said by a newer version only."""\n'
        f"        self.later{number} += 1\n        emit(self.Later{number}, self.later{number})\n"
    )
    if source[place:].count("\n    def ") >= FUNCTIONS_MAX:
        action = ""
    return source[:place] + state + source[place:].rstrip() + "\n" + action
