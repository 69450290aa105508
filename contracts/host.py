"""The host: what a running contract can reach of the ledger.

A `World` is one transaction, timer or read; a `Frame` is one call of one instance in it and serves
the interpreter. The chain's refusals become traps here, so that a contract fails in one way only.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from chain import timers
from chain.crypto import verify_signature
from chain.errors import ActionRefusedError
from chain.governance import is_installed
from chain.ledger import burn, get_balance, get_supply, mint
from chain.params import ChainParams
from chain.pots import (
    Pot,
    PotAmountError,
    PotError,
    add_to_pot,
    close_pot,
    extend_pot,
    move_between_pots,
    open_pot,
    pay_from_pot,
    pot_key,
    read_pot,
)
from chain.receipt import Event
from chain.roles import INSTALLED, has_role
from chain.state import Space, State
from chain.timers import Halt
from chain.transaction import call_id
from chain.types import DAY_MS, EVENTS_PER_CALL_MAX, MINUTE_MS, SAFE_INT_MAX
from contracts.instances import Instance, Library, linked_routine
from contracts.vm.interpreter import run
from contracts.vm.program import LinkForm, PotForm, Program, Routine
from contracts.vm.traps import Trap, TrapKind
from contracts.vm.values import check_scalar

_STORAGE = bytes([Space.STORAGE])
SCHEDULES_PER_CALL_MAX = 8
EVENTS_PER_ORIGIN_MAX = 1_000  # of a transaction or timer; the chain's own still fit its receipt
PENDING_TIMERS_MAX = 10_000  # of an instance that the operators did not install
TIMER_AHEAD_MAX_MS = 3 * 365 * DAY_MS  # likewise


@dataclass(slots=True)
class World:
    """The circumstances of one transaction, timer or read.

    `origin_id` is the transaction's id (or the firing's); `place` numbers the action; `due` is when
    a timer was due. Events are collected here in order. `verify` checks (key, message, signature).
    """

    state: State
    library: Library
    chain_id: bytes
    height: int
    now: int
    halt: Halt | None
    params: ChainParams
    origin_id: bytes
    origin: bytes
    signer: bytes
    sponsor: bytes
    due: int = 0
    place: int = 0
    events: list[Event] = field(default_factory=list)
    verify: Callable[[bytes, bytes, bytes], bool] = verify_signature


class Frame:
    """One call of one instance; implements the interpreter's Host."""

    __slots__ = (
        "_emitted", "_scheduled", "base", "context", "contract", "erase", "instance", "program",
        "read", "unspent", "world", "write",
    )  # fmt: skip

    def __init__(self, world: World, contract: bytes, caller: bytes, paid: int = 0) -> None:
        """Look up `contract`; raises UnknownIdError. `paid` is already taken from the caller."""
        state = world.state
        self.world, self.contract, self.unspent = world, contract, paid
        self.instance: Instance = world.library.instance(state, contract)
        self.program: Program = world.library.program(state, self.instance.code_id)
        self.base = _STORAGE + contract
        self.read, self.write, self.erase = state.get, state.put, state.delete
        self._emitted = self._scheduled = 0
        now = world.now
        self.context: list[Any] = [
            caller,
            world.origin,
            contract,
            world.signer,
            world.sponsor,
            now,
            timers.deadline_now(world.halt, now),
            world.height,
            paid,
            None,  # the call id costs a hash, so it is made when asked for
            world.due,
            world.chain_id,
        ]

    def call(self, routine: Routine, arguments: list[Any], gas: int) -> tuple[list[Any], int]:
        """Run an entry point; what it gives fits its declaration, and all paid went into pots."""
        try:
            values, gas_left = run(routine, arguments, self, gas)
            _check_returned(routine, values, gas_left)
        except Trap as trap:
            if trap.contract is None:
                trap.contract = self.contract
            raise
        if self.unspent:
            unused = Trap(TrapKind.UNUSED_PAYMENT)
            unused.gas_left, unused.contract = gas_left, self.contract
            raise unused
        return values, gas_left

    def call_id(self) -> bytes:
        """Return the id of this call: of the action, so linked calls share it."""
        return call_id(self.world.origin_id, self.world.place)

    def next_key(self, prefix: bytes, start: bytes) -> bytes | None:
        """Return the first stored key at or after `start` that begins with `prefix`, or None."""
        stop = (int.from_bytes(prefix, "big") + 1).to_bytes(len(prefix), "big")
        found = self.world.state.scan(start, stop, 1)
        return found[0][0] if found else None

    # Pots -------------------------------------------------------------------------------------

    def _asset(self, slot: int) -> bytes:
        return self.instance.assets[slot]

    def pot_open(self, pot: PotForm, key: bytes, until: int, fallback: bytes) -> None:
        """Open a pot with all that was paid."""
        now = self.world.now
        if not now < until <= SAFE_INT_MAX or self._is_too_far(until):
            raise Trap(TrapKind.POT)
        latest = min(max(until, now + pot.extend_max_ms), SAFE_INT_MAX)
        amount, self.unspent = self.unspent, 0
        record = Pot(amount, until, latest, 0, fallback, self._asset(pot.asset))
        try:
            open_pot(self.world.state, pot_key(self.contract, key), record)
        except PotError:
            raise Trap(TrapKind.POT) from None

    def _is_too_far(self, at: int) -> bool:
        """Tell whether a time is further ahead than a contract that nobody installed may plan."""
        world = self.world
        far = at > world.now + TIMER_AHEAD_MAX_MS
        return far and not is_installed(world.state, self.contract)

    def pot_add(self, pot: PotForm, key: bytes) -> None:
        """Add all that was paid to a pot."""
        amount, self.unspent = self.unspent, 0
        place = pot_key(self.contract, key)
        try:
            add_to_pot(self.world.state, place, self._asset(pot.asset), amount)
        except PotError:
            raise Trap(TrapKind.POT) from None

    def pot_pay(self, pot: PotForm, key: bytes, to: bytes, amount: int) -> None:  # noqa: ARG002
        """Pay a part of a pot to an account."""
        try:
            pay_from_pot(self.world.state, pot_key(self.contract, key), to, amount)
        except PotAmountError:
            raise Trap(TrapKind.AMOUNT) from None
        except PotError:
            raise Trap(TrapKind.POT) from None

    def pot_move(self, pot: PotForm, key: bytes, to_key: bytes, amount: int) -> None:  # noqa: ARG002
        """Move a part of a pot to another of the same class."""
        places = pot_key(self.contract, key), pot_key(self.contract, to_key)
        try:
            move_between_pots(self.world.state, *places, amount)
        except PotAmountError:
            raise Trap(TrapKind.AMOUNT) from None
        except PotError:
            raise Trap(TrapKind.POT) from None

    def pot_extend(self, pot: PotForm, key: bytes, until: int) -> None:  # noqa: ARG002
        """Move a pot's deadline later."""
        try:
            extend_pot(self.world.state, pot_key(self.contract, key), until)
        except PotError:
            raise Trap(TrapKind.POT) from None

    def pot_close(self, pot: PotForm, key: bytes, to: bytes) -> None:  # noqa: ARG002
        """Pay the rest of a pot to an account and close it."""
        try:
            close_pot(self.world.state, pot_key(self.contract, key), to)
        except PotError:
            raise Trap(TrapKind.POT) from None

    def pot_balance(self, pot: PotForm, key: bytes) -> int:  # noqa: ARG002
        """Return what a pot holds, 0 if there is none."""
        found = read_pot(self.world.state, pot_key(self.contract, key))
        return 0 if found is None else found.amount

    # Timers, events, links, assets --------------------------------------------------------------

    def schedule(self, routine: Routine, key: bytes, at: int) -> None:  # noqa: ARG002
        """Set a timer of this instance."""
        world = self.world
        self._scheduled += 1
        if self._scheduled > SCHEDULES_PER_CALL_MAX or not 0 <= at <= SAFE_INT_MAX:
            raise Trap(TrapKind.TIMER)
        replaced = timers.schedule(world.state, timers.timer_key(self.contract, key), at)
        if is_installed(world.state, self.contract):
            return
        count = 0 if replaced else timers.count_pending(world.state, self.contract, 1)
        # A timer that set itself for at once would have a block made for it for ever.
        soon = world.due > 0 and at < world.now + MINUTE_MS
        if count > PENDING_TIMERS_MAX or soon or at > world.now + TIMER_AHEAD_MAX_MS:
            raise Trap(TrapKind.TIMER)

    def cancel(self, routine: Routine, key: bytes) -> None:  # noqa: ARG002
        """Forget a timer of this instance, if there is one."""
        state = self.world.state
        there = timers.cancel(state, timers.timer_key(self.contract, key))
        if there and not is_installed(state, self.contract):
            timers.count_pending(state, self.contract, -1)

    def emit(self, number: int, values: list[Any]) -> None:
        """Note an event."""
        self._emitted += 1
        if self._emitted > EVENTS_PER_CALL_MAX or len(self.world.events) >= EVENTS_PER_ORIGIN_MAX:
            raise Trap(TrapKind.EVENT)
        declared = self.program.container.events[number].fields
        for one, value in zip(declared, values, strict=True):
            check_scalar(one.scalar, value)
        self.world.events.append(Event(self.contract, number, tuple(values)))

    def link(self, call: LinkForm, arguments: list[Any]) -> tuple[list[Any], int]:
        """Call a linked instance with this one as caller; returns its values and the gas used."""
        frame = Frame(self.world, self.instance.links[call.link], self.contract)
        routine = linked_routine(call, frame.program)
        if routine is None:  # upgrades of others ask installed contracts only whether they fit
            raise Trap(TrapKind.LINK)
        for scalar, value in zip(call.params, arguments, strict=True):
            check_scalar(scalar, value)
        try:
            values, gas_left = frame.call(routine, arguments, call.gas_max)
        except Trap as inner:
            trap = Trap(TrapKind.LINK)
            trap.place, trap.contract = inner.place, inner.contract
            raise trap from inner
        return values, call.gas_max - gas_left

    def mint(self, asset: int, account: bytes, amount: int) -> None:
        """Issue some of an asset whose issuer is this instance."""
        self._issue(mint, asset, account, amount)

    def burn(self, asset: int, account: bytes, amount: int) -> None:
        """Take some of an asset whose issuer is this instance."""
        self._issue(burn, asset, account, amount)

    def _issue(self, post: Any, asset: int, account: bytes, amount: int) -> None:
        if not 0 < amount <= SAFE_INT_MAX:
            raise Trap(TrapKind.AMOUNT)
        try:
            post(self.world.state, self.contract, self._asset(asset), account, amount)
        except ActionRefusedError:
            raise Trap(TrapKind.ASSET) from None

    def balance(self, asset: int, account: bytes) -> int:
        """Return an account's free balance."""
        return get_balance(self.world.state, account, self._asset(asset))

    def has_role(self, account: bytes, role: int) -> bool:
        """Tell whether an account holds a role, or is a contract that the operators installed."""
        if role == INSTALLED:
            return is_installed(self.world.state, account)
        return has_role(self.world.state, account, role)

    def supply(self, asset: int) -> int:
        """Return how much of an asset exists."""
        return get_supply(self.world.state, self._asset(asset))


def _check_returned(routine: Routine, values: list[Any], gas_left: int) -> None:
    """Trap unless all that a function gives fits what it declares."""
    try:
        for scalar, value in zip(routine.function.returns, values, strict=True):
            check_scalar(scalar, value)
    except Trap as trap:
        trap.gas_left = gas_left
        raise
