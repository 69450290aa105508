"""A small world of shops and customers on a real chain in memory, whose clock the test sets.

The contracts are those that ship, executed block by block as a node does it. Every block is
audited: money adds up, and no timer has failed.
"""

from functools import cache
from pathlib import Path
from typing import Any, Self

from chain.block import Header
from chain.changes import InstallContract
from chain.ledger import get_balance, get_supply
from chain.receipt import KernelEvent, Receipt
from chain.state import Space, State
from chain.timers import next_work_time, read_halt
from chain.transaction import (
    TX_VERSION,
    Action,
    Call,
    Deploy,
    Propose,
    Transaction,
    call_id,
    instance_id,
    read_transaction,
    sign_transaction,
    tx_id,
)
from chain.types import HOUR_MS, MINUTE_MS, ZERO_ID
from contracts.execution import BlockInputs, Executor
from contracts.host import Frame, World
from contracts.lang.compiler import compile_contract
from contracts.vm.container import FunctionKind
from contracts.vm.program import Program, load_program
from contracts.vm.traps import TrapKind
from node.catalog import abi, container_bytes, program
from node.rehearse.plan import hold_of, policy_id, policy_words
from node.rehearse.policies import Policy
from node.storage.genesis_block import genesis_block
from tests.contracts.standard.setting import (
    CUSTOMERS,
    GAS,
    HELD,
    MONEY,
    PEOPLE,
    RICH,
    RULES,
    SHOPS,
    SLOT,
    TOTAL,
    MemoryLedger,
    account,
    make_genesis,
    signer,
)

LISTENER = Path(__file__).with_name("listener.wash")  # where points and cards are told
_DUE_SPACE = (bytes([Space.QUEUE]), bytes([Space.QUEUE + 1]))


class BookingWorld:
    """People, two shops and a booking contract; `call` makes a block with one call in it."""

    def __init__(
        self, no_show_delay_ms: int, heartbeat_ms: int, *, tell: bool, installed: bool
    ) -> None:
        """Deploy everything; use `new_world`, which keeps copies of a made one."""
        genesis = make_genesis(heartbeat_ms)
        first = genesis_block(genesis)
        self.chain_id = genesis.chain_id()
        self.ledger = MemoryLedger({}, {})
        self.ledger.apply(first.changes, first.nodes)
        self.head: Header = first.block.header
        self.executor = Executor(self.chain_id, lambda _tx: True)
        self.heartbeat_ms = heartbeat_ms
        self.nonces = dict.fromkeys(PEOPLE, 0)
        self.next_time: int | None = None
        self.receipt: Receipt | None = None
        self.events: list[tuple[str, tuple[Any, ...]]] = []
        self.policy_id = policy_id(RULES)
        self.policies = {self.policy_id: RULES}
        self.may_fail = False  # timers, in tests of what a failing one stops
        self._set_up(no_show_delay_ms, tell=tell, installed=installed)

    def _set_up(self, no_show_delay_ms: int, *, tell: bool, installed: bool) -> None:
        self.register = self._deploy(container_bytes("shops"), (), (), ())
        self.listener = self._deploy(listener()[0], (), (), ())
        links = (self.register, self.listener, self.listener)
        rules = (no_show_delay_ms, tell)
        self.contract = self._deploy(container_bytes("booking"), (MONEY,), links, rules)
        self._programs = {
            self.register: program("shops"),
            self.listener: listener()[1],
            self.contract: program("booking"),
        }
        if installed:
            for name, contract in (("shops", self.register), ("booking", self.contract)):
                self.run("operator", Propose(InstallContract(name, contract)))
        for name in SHOPS:
            self.must("operator", "admit", account(name), name)
            self.must(name, "set_settings", True, True, 0, 0, 0)
        self.publish(RULES)
        service = (1, TOTAL, HOUR_MS, 0, self.policy_id, "wash")
        self.must("shop", "set_service", *service)

    def copy(self) -> Self:
        """Return a world that goes on from here by itself."""
        other = object.__new__(type(self))
        other.__dict__.update(self.__dict__)
        other.ledger = MemoryLedger(dict(self.ledger.state), dict(self.ledger.nodes))
        other.nonces, other.events = dict(self.nonces), list(self.events)
        other.policies = dict(self.policies)
        return other

    # Blocks -------------------------------------------------------------------------------------

    @property
    def now(self) -> int:
        """Time of the newest block."""
        return self.head.time_ms

    @property
    def state(self) -> State:
        return State(self.ledger)

    def make_block(self, at: int, *transactions: bytes) -> tuple[Receipt, ...]:
        """Make a block at `at` and check it; returns the receipts."""
        received = [read_transaction(data) for data in transactions]
        inputs = BlockInputs(at, account("validator"), None, received)
        executed = self.executor.build(self.ledger, self.head, inputs)
        if executed.refused:
            raise executed.refused[0][1]
        self.ledger.apply(executed.changes, executed.nodes)
        self.head = executed.block.header
        for receipt in executed.receipts:
            for event in receipt.events:
                self._note(event.contract, event.number, event.values)
        self.check()
        return executed.receipts

    def _note(self, contract: bytes, number: int, values: tuple[Any, ...]) -> None:
        if contract == ZERO_ID:
            assert self.may_fail or number != KernelEvent.TIMER_FAILED, f"a timer failed: {values}"
            self.events.append((KernelEvent(number).name, values))
        else:
            declared = self._programs[contract].container.events[number]
            self.events.append((declared.name, values))

    def check(self) -> None:
        """Check that money adds up and that nothing failed for good."""
        held = sum(int.from_bytes(v[:8], "big") for v in self._space(Space.POT).values())
        free = sum(int.from_bytes(v, "big") for v in self._space(Space.BALANCE).values())
        assert held + free == get_supply(self.state, MONEY) == len(CUSTOMERS) * RICH
        assert self.may_fail or not self._space(Space.DEAD_LETTER)

    def _space(self, space: Space) -> dict[bytes, bytes]:
        return {key: value for key, value in self.ledger.state.items() if key[0] == space}

    def pots(self) -> int:
        """Return how many pots are open."""
        return len(self._space(Space.POT))

    def waiting(self) -> int:
        """Return how many timers and fallbacks are still to come."""
        return len(self.ledger.scan(*_DUE_SPACE, 10_000))

    def fire_until(self, limit: int | None = None) -> None:
        """Make a block at every due time up to `limit`; None: until nothing is due any more.

        A chain with a heartbeat makes a block at each of its beats too, and needs a limit.
        """
        assert limit is not None or not self.heartbeat_ms, "a heart beats for ever"
        while True:
            due = next_work_time(self.state, self.now)
            if self.heartbeat_ms:
                beat = self.now + self.heartbeat_ms
                due = beat if due is None else min(due, beat)
            if due is None or (limit is not None and due > limit):
                return
            self.make_block(due)

    def at(self, time: int) -> Self:
        """Let the next call stand in a block at exactly `time`; what is due happens first."""
        self.fire_until(time - 1)
        assert time > self.now, f"{time} is over, it is {self.now}"
        self.next_time = time
        return self

    def after(self, duration: int) -> Self:
        """Let the next call stand in a block `duration` ms after the newest one."""
        return self.at(self.now + duration)

    def halt_until(self, time: int) -> None:
        """Let nobody make a block until `time`; then one comes."""
        self.make_block(time)
        assert read_halt(self.state) is not None, "that was no halt"

    # Calls --------------------------------------------------------------------------------------

    def run(
        self, name: str, *actions: Action, sponsor: str | None = None, keys: tuple[str, ...] = ()
    ) -> bytes:
        """Carry out a transaction in a block of its own; returns its id.

        `keys` are names of the keys that sign for the account and the sponsor, if not their own.
        """
        at = self.next_time or self.now + 1
        self.next_time = None
        own = keys[0] if keys else name
        other = keys[1] if len(keys) > 1 else sponsor
        body = Transaction(
            TX_VERSION, self.chain_id, account(name), None if own == name else account(own),
            self._nonce(own), at + MINUTE_MS, 500_000 if isinstance(actions[0], Deploy) else GAS,
            None if sponsor is None else account(sponsor), actions, None,
        )  # fmt: skip
        data = sign_transaction(body, signer(own), None if other is None else signer(other))
        self.receipt = self.make_block(at, data)[-1]
        return tx_id(body)

    def _nonce(self, key: str) -> int:
        self.nonces[key] = self.nonces.get(key, 0) + 1
        return self.nonces[key] - 1

    def _deploy(self, code: bytes, *bindings: Any) -> bytes:
        origin = self.run("operator", Deploy(code, *bindings))
        assert self.receipt is not None
        assert self.receipt.ok, self.receipt
        return instance_id(origin, 0)

    def _place(self, function: str) -> bytes:
        known = [one for one, code in self._programs.items() if function in code.by_name]
        return known[-1]

    def call(
        self, name: str, function: str, *arguments: Any, funds: int = 0, sponsor: str | None = None,
        keys: tuple[str, ...] = (),
    ) -> str:  # fmt: skip
        """Call an action of any of the contracts; returns "ok" or the name of what went wrong."""
        contract = self._place(function)
        action = Call(contract, function, arguments, funds)
        origin = self.run(name, action, sponsor=sponsor, keys=keys)
        self.last_call_id = call_id(origin, 0)
        receipt = self.receipt
        assert receipt is not None
        if receipt.ok:
            return "ok"
        if receipt.trap == TrapKind.REQUIRE:
            return self._programs[contract].container.errors[receipt.error - 1]
        return TrapKind(receipt.trap).name.lower() if receipt.trap else str(receipt.error)

    def must(self, name: str, function: str, *arguments: Any, **more: Any) -> bytes:
        """Call an action that succeeds; returns the id of what it makes."""
        outcome = self.call(name, function, *arguments, **more)
        assert outcome == "ok", f"{name} {function}: {outcome}"
        return self.last_call_id

    def read(self, view: str, *arguments: Any) -> Any:
        """Call a view; a single value comes alone, a record as a list of its scalars."""
        contract = self._place(view)
        world = World(
            self.state, self.executor.library, self.chain_id, self.head.height, self.now,
            read_halt(self.state), None, bytes(32), bytes(32), bytes(32), bytes(32),  # type: ignore[arg-type]
        )  # fmt: skip
        frame = Frame(world, contract, ZERO_ID)
        routine = frame.program.entry(view, FunctionKind.VIEW)
        assert routine is not None, view
        values, _gas = frame.call(routine, list(arguments), 1_000_000)
        return values[0] if len(values) == 1 else values

    # Bookings -----------------------------------------------------------------------------------

    def publish(self, policy: Policy) -> bytes:
        """Put rules on the chain; returns their id."""
        self.must("operator", "publish_policy", *policy_words(policy))
        self.policies[policy_id(policy)] = policy
        return policy_id(policy)

    def order(
        self, policy: bytes | None = None, *, start: int = SLOT, end: int | None = None,
        total: int = TOTAL, cell: int = 0, shop: str = "shop",
    ) -> tuple[tuple[Any, ...], int]:  # fmt: skip
        """Return the arguments of a request at an agreed price, and what it must bring along."""
        identity = policy or self.policy_id
        finish = start + HOUR_MS if end is None else end
        held = hold_of(self.policies[identity], total, start, finish)
        return (account(shop), 0, 0, start, finish, cell, total, identity), held

    def book(self, name: str = "alice", policy: bytes | None = None, **order: Any) -> bytes:
        """Make a booking; returns its id."""
        arguments, held = self.order(policy, **order)
        return self.must(name, "request", *arguments, funds=held)

    def booking(self, booking: bytes) -> dict[str, Any]:
        """Return a booking's record by field."""
        names = [one["name"] for one in abi("booking")["records"]["Booking"]]
        return dict(zip(names, self.read("booking", booking), strict=True))

    def where(self, booking: bytes) -> str:
        """Return the name of a booking's state."""
        number = self.booking(booking)["state"]
        names: dict[str, int] = abi("booking")["enums"]["State"]
        return next(name for name, value in names.items() if value == number)

    def balance(self, name: str) -> int:
        """Return somebody's free money."""
        return get_balance(self.state, account(name), MONEY)

    def split(self, booking: bytes) -> tuple[str, int, int]:
        """Return (state, to the shop, back to the customer) of a booking that is over."""
        found = [v for name, v in self.events if name == "Closed" and v[0] == booking]
        assert len(found) == 1, f"closed {len(found)} times"
        _id, _shop, _customer, state, to_shop, back = found[0]
        assert state == self.booking(booking)["state"]
        return self.where(booking), to_shop, back

    def seen(self, event: str) -> list[tuple[Any, ...]]:
        """Return the values of all events of a name."""
        return [values for name, values in self.events if name == event]

    def serve(
        self, booking: bytes, *, at: int = SLOT, name: str = "alice", upto: str = "ready"
    ) -> None:
        """Take a booking from check-in at `at` to the wished step; whoever must signs."""
        steps = (
            (name, "check_in", 0, "shop"),
            ("shop", "start_service", 0, None),
            (name, "pay", TOTAL - HELD, None),
            ("shop", "ready", 0, None),
            (name, "confirm", 0, None),
        )
        self.at(at)
        for who, function, funds, sponsor in steps:
            self.must(who, function, booking, funds=funds, sponsor=sponsor)
            if function == upto:
                return


@cache
def listener() -> tuple[bytes, Program]:
    """Return what stands in the place of points and cards: container and program."""
    made = compile_contract(LISTENER.read_bytes(), filename=LISTENER.name).container_bytes
    return made, load_program(made)


@cache
def _made(no_show_delay_ms: int, heartbeat_ms: int, *, tell: bool, installed: bool) -> BookingWorld:
    return BookingWorld(no_show_delay_ms, heartbeat_ms, tell=tell, installed=installed)


def new_world(
    no_show_delay_ms: int = 0, heartbeat_ms: int = 0, *, tell: bool = False, installed: bool = True
) -> BookingWorld:
    """Return a fresh world; its shops accept everything at once and have no limit of bays."""
    return _made(no_show_delay_ms, heartbeat_ms, tell=tell, installed=installed).copy()
