"""Where a world's calls are carried out: by the chain's own functions, one call at a time."""

from dataclasses import dataclass
from typing import Any

from chain import ledger, timers
from chain.crypto import hash_bytes
from chain.errors import ActionRefusedError, MalformedBytesError
from chain.params import ChainParams, write_params
from chain.receipt import Event
from chain.state import Space, State
from chain.transaction import Action, Call
from chain.types import ZERO_ID
from contracts.actions import fixed_gas, run_action, run_call
from contracts.host import Frame
from contracts.host import World as Circumstances
from contracts.instances import Library
from contracts.vm.program import Routine
from contracts.vm.traps import Trap, TrapKind
from contracts.vm.values import read_arguments
from node.rpc.errors import error_text
from node.rpc.forms.abi_forms import id_text
from node.rpc.forms.abi_values import plain_json
from node.rpc.forms.kernel_events import KERNEL_ABI
from node.workbench.built import Built
from node.workbench.failures import CallFailed
from node.workbench.memory import Memory
from node.workbench.people import People
from node.workbench.timing import FailedTimer, fire_due
from node.workbench.values import Values

VIEW_GAS_MAX = 1_500_000  # as much as a node gives to a view
_CHAIN_ID = hash_bytes("workbench", b"chain")
_BALANCE_ACCOUNT, _BALANCE_ASSET = slice(1, 33), slice(33, 65)


@dataclass(frozen=True, slots=True)
class Seen:
    """An event: when, its type ("deposit.Closed", "chain.transferred") and its values by name."""

    at: int
    type: str
    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call did: what it gave, its gas and the most it could cost, events, balances.

    `changes` has (name, symbol) -> change of the free balance in minor units.
    """

    returns: Any
    gas_used: int
    worst_case_gas: int
    events: tuple[Seen, ...]
    changes: dict[tuple[str, str], int]


@dataclass(frozen=True, slots=True)
class Deployed:
    """A contract of a world."""

    name: str
    contract: bytes
    built: Built
    values: Values


class Stage:
    """State, clock and contracts of a world, and the one way in which anything happens there."""

    def __init__(self, now: int, funds: int, params: ChainParams) -> None:
        self.now, self.height, self.params = now, 0, params
        self.events: list[Seen] = []
        self.used: set[tuple[str, str]] = set()  # (file, function); copies of a world share it
        self._memory = Memory()
        self._people = People(self._memory, funds)
        self._library = Library()
        self._contracts: dict[str, Deployed] = {}
        self._by_id: dict[bytes, Deployed] = {}
        state = State(self._memory)
        write_params(state, params)
        self._memory.apply(state.changes())

    def _find_address(self, name: str) -> bytes:
        found = self._contracts.get(name)
        return self._people.account(name) if found is None else found.contract

    def _name_of(self, value: bytes) -> str:
        if value in self._by_id:
            return self._by_id[value].name
        return self._people.names.get(value) or id_text("acct", value)

    def _next_origin(self) -> bytes:
        return hash_bytes("workbench", (self.height + 1).to_bytes(8, "big"))

    def _circumstances(self, state: State, origin_id: bytes, origin: bytes) -> Circumstances:
        return Circumstances(
            state=state,
            library=self._library,
            chain_id=_CHAIN_ID,
            height=self.height,
            now=self.now,
            halt=timers.read_halt(state),
            params=self.params,
            origin_id=origin_id,
            origin=origin,
            signer=origin,
            sponsor=ZERO_ID,
        )

    # Calls --------------------------------------------------------------------------------------

    def _act(
        self,
        who: str,
        action: Action,
        what: str,
        sponsor: bytes | None = None,
        key: bytes | None = None,
    ) -> tuple[list[Any], Outcome]:
        """Carry out an action as a transaction of its own; returns what a call gives."""
        account, origin_id = self._people.account(who), self._next_origin()
        self.height += 1
        state = State(self._memory)
        world = self._circumstances(state, origin_id, account)
        world.sponsor, world.signer = sponsor or ZERO_ID, key or account
        gas = self.params.transaction_gas_max - fixed_gas(action)
        contract = action.contract if isinstance(action, Call) else None
        if isinstance(action, Call):
            self._note_use(action.contract, action.function)
        values: list[Any] = []
        try:
            if isinstance(action, Call):
                values, gas_left = run_call(world, action, None, gas)
            else:
                gas_left = run_action(world, action, None, gas)
        except (Trap, ActionRefusedError, MalformedBytesError) as failure:
            raise self._failed(what, failure, contract) from failure
        seen = tuple([self._show_event(one) for one in world.events])
        outcome = Outcome(None, gas - gas_left, 0, seen, self._changes(state))
        self._commit(state, seen)
        return values, outcome

    def _look(self, one: Deployed, routine: Routine, given: tuple[Any, ...]) -> tuple[Any, int]:
        """Run a view; returns what it gives and its gas."""
        state = State(self._memory)
        frame = Frame(self._circumstances(state, ZERO_ID, ZERO_ID), one.contract, ZERO_ID)
        self._note_use(one.contract, routine.name)
        try:
            registers = read_arguments(routine.function.params, given)
            values, gas_left = frame.call(routine, registers, VIEW_GAS_MAX)
        except (Trap, MalformedBytesError) as failure:
            raise self._failed(routine.name, failure, one.contract) from failure
        return values, VIEW_GAS_MAX - gas_left

    def _commit(self, state: State, seen: tuple[Seen, ...]) -> None:
        for asset, (held, supply) in ledger.audit_changes(state).items():
            assert held == supply, f"money of {asset.hex()} was made or lost: {held}, {supply}"
        self._memory.apply(state.changes())
        self.events += seen

    def _note_use(self, contract: bytes, function: str) -> None:
        self.used.add((self._by_id[contract].built.filename, function))

    def _changes(self, state: State) -> dict[tuple[str, str], int]:
        found = {}
        for key, after in state.changes().items():
            if key[0] == Space.BALANCE:
                before = state.before(key)
                change = _amount(after) - _amount(before)
                name = self._name_of(key[_BALANCE_ACCOUNT])
                found[name, self._people.symbol_of(key[_BALANCE_ASSET])] = change
        return {place: change for place, change in sorted(found.items()) if change}

    def _show_event(self, event: Event) -> Seen:
        if event.contract == ZERO_ID:
            declared = KERNEL_ABI.events[event.number]
            values = Values(KERNEL_ABI, self._find_address, self._name_of)
            shown = values.show_fields(declared.fields, event.values)
            if "asset" in shown:
                shown["asset"] = self._people.symbol_of(event.values[list(shown).index("asset")])
            return Seen(self.now, f"chain.{declared.name}", shown)
        one = self._by_id[event.contract]
        declared = one.built.abi.events[event.number]
        shown = one.values.show_fields(declared.fields, event.values)
        return Seen(self.now, f"{one.name}.{declared.name}", shown)

    # Failures -----------------------------------------------------------------------------------

    def _failed(self, what: str, failure: Exception, contract: bytes | None) -> CallFailed:
        if not isinstance(failure, Trap):
            code = getattr(failure, "code", 0)
            return CallFailed(what, error_text(code).name.lower(), detail=str(failure))
        place, detail = None, ""
        if isinstance(failure.__cause__, Trap):  # of a linked contract
            inner = self._failed(what, failure.__cause__, contract)
            detail = f"the linked contract failed: {inner.name}"
        at = self._by_id.get(failure.contract or contract or b"")
        if at is not None and failure.place is not None:
            place = at.built.place(*failure.place)
        name = failure.kind.name.lower()
        if failure.kind == TrapKind.REQUIRE and at is not None:
            name = at.built.abi.error_name(failure.error) or name
        return CallFailed(what, name, detail=detail, place=place)

    def _timer_failure(self, failed: FailedTimer) -> CallFailed:
        one = self._by_id[failed.contract]
        what = one.built.program.timers[failed.handler].name
        return self._failed(what, failed.trap, failed.contract)

    # Time ---------------------------------------------------------------------------------------

    def _fire(self) -> list[FailedTimer]:
        """Make a block of what is due now; returns the timers that failed."""
        self.height += 1
        state = State(self._memory)
        world = self._circumstances(state, ZERO_ID, ZERO_ID)
        for key in [entry.key for entry in timers.due_entries(state, self.now, 2**20)]:
            if key[0] == Space.TIMER:
                contract = self._by_id[key[1:33]]
                self._note_use(contract.contract, contract.built.program.timers[key[33]].name)
        made, failed = fire_due(state, world)
        seen = tuple([self._show_event(event) for one in made for event in one.events])
        self._commit(state, seen)
        return failed


def _amount(data: bytes | None) -> int:
    return 0 if data is None else int.from_bytes(data, "big")


def show_plain(value: Any) -> Any:
    """Return a value of a world as JSON has it: bytes as hex."""
    if isinstance(value, dict):
        return {name: show_plain(part) for name, part in value.items()}
    return plain_json(value)
