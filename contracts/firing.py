"""What falls due at the start of a block: timers of contracts, fallbacks of pots.

One queue and one budget of count and gas. A timer runs with exactly its worst-case gas in its own
undo scope: it can fail alone, never take a block with it. A failed one is tried once more, then
becomes a dead letter. A fallback waits for a pending retry of its contract, since that may still
pay by the rules.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from chain import timers
from chain.codec import encode_value
from chain.errors import StoreError
from chain.governance import is_installed
from chain.pots import close_pot, defer_fallback, has_waited
from chain.receipt import Event, KernelEvent, Receipt, ReceiptKind
from chain.state import Space, State
from chain.timers import Due, Kind
from chain.transaction import event_receipt_id
from chain.types import SAFE_INT_MAX, ZERO_ID
from contracts.host import Frame, World
from contracts.vm.program import Routine
from contracts.vm.traps import Trap, TrapKind

FALLBACK_GAS = 1_000
TIMER_OVERHEAD_GAS = 700
TRIES_MAX = 2
_DEAD_LETTER = bytes([Space.DEAD_LETTER])
_POT_MARK = b"\xff"  # between instance and pot in dead letters; no handler has this number
_ID = slice(1, 33)  # where the instance stands in the state keys of timers and pots


class ExecutionFaultError(Exception):
    """The node's own failure while executing: not the contract's, never a receipt of its making."""


@dataclass(slots=True)
class Budget:
    """What a block may still spend on what falls due; guests are contracts nobody installed."""

    count: int
    gas: int
    guest_count: int
    guest_gas: int

    def admits(self, gas: int, *, guest: bool) -> bool:
        """Tell whether one more firing of at most `gas` fits."""
        if guest and (self.guest_count < 1 or self.guest_gas < gas):
            return False
        return self.count >= 1 and self.gas >= gas

    def spend(self, gas: int, *, guest: bool) -> None:
        """Take one firing that used `gas`."""
        self.count -= 1
        self.gas -= gas
        if guest:
            self.guest_count -= 1
            self.guest_gas -= gas


class Firing:
    """Fires what is due in one block."""

    def __init__(
        self,
        make_world: Callable[[bytes, bytes], World],
        place: tuple[State, int],
        skipped: tuple[bytes, ...] | None,
    ) -> None:
        """`place` is (state, height); `skipped`: what the proposer could not execute."""
        self._make_world = make_world
        self._state, self._height = place
        self._expected_skips = None if skipped is None else list(skipped)
        self.skipped: list[bytes] = []
        self.receipts: list[Receipt] = []
        self.gas_used = 0
        self._gas_max = 0

    def fire(self, entries: list[Due], budget: Budget) -> None:
        """Fire the entries that fit the budget; installed contracts go first when it is short."""
        self._gas_max = budget.gas
        waiting = self._fire_in_order(entries, budget)
        if waiting and budget.count >= 1:
            budget.guest_count, budget.guest_gas = budget.count, budget.gas
            self._fire_in_order(waiting, budget)

    def _fire_in_order(self, entries: list[Due], budget: Budget) -> list[Due]:
        """Return what waits; what its instance has due later waits behind it, and fallbacks."""
        waiting: list[Due] = []
        held: set[bytes] = set()
        for entry in entries:
            contract = entry.key[_ID]
            if contract in held or not self._fire_if_fits(entry, budget):
                waiting.append(entry)
                held.add(contract)
                if budget.count < 1:
                    break
        return waiting

    def _fire_if_fits(self, entry: Due, budget: Budget) -> bool:
        state = self._state
        if state.get(entry.queue_key) is None:
            return True  # an earlier firing of this block cancelled it
        contract = entry.key[_ID]
        guest = not is_installed(state, contract)
        if entry.kind == Kind.FALLBACK:
            return self._fall_back_if_fits(entry, budget, guest=guest)
        world = self._make_world(event_receipt_id(0, self._height, entry.sequence), contract)
        opened = self._open(world, contract, entry.key)
        gas = TIMER_OVERHEAD_GAS
        if isinstance(opened, tuple):
            gas += opened[1].worst_case_gas
        if gas > self._gas_max:
            # Parameters changed since it was set: no block will ever have room for it.
            opened, gas = Trap(TrapKind.GAS), TIMER_OVERHEAD_GAS
        if not budget.admits(gas, guest=guest):
            return False
        before = self.gas_used
        self._fire_timer(entry, world, opened)
        budget.spend(self.gas_used - before, guest=guest)
        return True

    def _open(self, world: World, contract: bytes, key: bytes) -> tuple[Frame, Routine] | Exception:
        """Return a timer's frame and handler, or the fault that keeps them from being had."""
        try:
            frame = Frame(world, contract, contract)
            return frame, frame.program.timers[key[33]]
        except StoreError:
            raise
        except Exception as fault:  # noqa: BLE001 - every fault must stay this timer's alone
            return fault

    def _fall_back_if_fits(self, entry: Due, budget: Budget, *, guest: bool) -> bool:
        state = self._state
        world = self._make_world(event_receipt_id(1, self._height, entry.sequence), entry.key[_ID])
        if not budget.admits(FALLBACK_GAS, guest=guest):
            return False
        budget.spend(FALLBACK_GAS, guest=guest)
        # Once is enough: what was due before the fallback has fired by now. Waiting for every
        # retry would let a contract that fails all the time keep its pots for ever.
        wait = timers.get_retry(state, entry.key[_ID])
        retries = wait > entry.due and not has_waited(state, entry.key)
        if not retries:
            wait = 0
        halt = world.halt
        if halt is not None and world.now < halt.over and entry.due > halt.ended:
            retries = retries and wait >= halt.over
            wait = max(wait, halt.over)  # timers from the halt come first
        if wait > entry.due:
            defer_fallback(state, entry.key, entry.due, wait, waited=retries)
            return True
        self._fall_back(entry, world)
        return True

    def _fire_timer(
        self, entry: Due, world: World, opened: tuple[Frame, Routine] | Exception
    ) -> None:
        state, contract = self._state, entry.key[_ID]
        timer = timers.read_timer(state, entry.key)
        assert timer is not None, "a queue entry without its timer"
        timers.cancel(state, entry.key)
        if not is_installed(state, contract):
            timers.count_pending(state, contract, -1)
        if timer.tries and timers.get_retry(state, contract) == timer.due:
            timers.set_retry(state, contract, 0)
        mark = state.mark()
        trap: Trap | None = None
        gas = gas_left = opened[1].worst_case_gas if isinstance(opened, tuple) else 0
        world.due = timer.first_due
        try:
            gas_left = _call(opened, timer.first_due, entry.key[34:])
        except Trap as failure:
            trap, gas_left = failure, failure.gas_left
        except StoreError:  # the disk's fault stops the node and blames no timer
            raise
        except Exception as fault:  # noqa: BLE001 - every fault must stay this timer's alone
            self._skip(world.origin_id, fault)
            trap = Trap(TrapKind.INTERNAL)
        else:
            self._check_not_skipped(world.origin_id)
        if trap is not None:
            state.revert(mark)
            world.events.clear()
            again = trap is not opened and trap.kind != TrapKind.INTERNAL
            self._note_failure(entry, timer, trap, world, again=again)
        self._add_receipt(ReceiptKind.TIMER, world, trap, gas - gas_left + TIMER_OVERHEAD_GAS)

    def _skip(self, firing_id: bytes, fault: Exception) -> None:
        if self._expected_skips is not None and firing_id not in self._expected_skips:
            text = f"firing {firing_id.hex()} does not execute here: {fault!r}"
            raise ExecutionFaultError(text) from fault
        self.skipped.append(firing_id)

    def _check_not_skipped(self, firing_id: bytes) -> None:
        if self._expected_skips is not None and firing_id in self._expected_skips:
            text = f"firing {firing_id.hex()} is named as skipped and executes here"
            raise ExecutionFaultError(text)

    def _note_failure(
        self, entry: Due, timer: timers.Timer, trap: Trap, world: World, *, again: bool
    ) -> None:
        state, contract = self._state, entry.key[_ID]
        again = again and timer.tries + 1 < TRIES_MAX
        if again:
            due = world.now + world.params.timer_retry_ms
            sequence = timers.take_sequence(state)
            retry = timers.Timer(due, sequence, timer.first_due, timer.tries + 1)
            timers.put_timer(state, entry.key, retry)
            timers.set_retry(state, contract, due)
            if not is_installed(state, contract):
                timers.count_pending(state, contract, 1)
        else:
            letter: list[Any] = [timer.first_due, world.height, int(trap.kind), trap.error]
            state.put(_DEAD_LETTER + entry.key[1:], encode_value(letter))
        values = (contract, entry.key[33:], int(trap.kind), trap.error, again)
        world.events.append(Event(ZERO_ID, KernelEvent.TIMER_FAILED, values))

    def _fall_back(self, entry: Due, world: World) -> None:
        state, contract = self._state, entry.key[_ID]
        mark = state.mark()
        trap: Trap | None = None
        try:
            to, asset, amount = close_pot(state, entry.key, None)
        except StoreError:
            raise
        except Exception as fault:  # noqa: BLE001 - as with timers
            state.revert(mark)
            self._skip(world.origin_id, fault)
            trap = Trap(TrapKind.INTERNAL)
            # The money stays where its contract can still pay it out, and never falls due again.
            defer_fallback(state, entry.key, entry.due, SAFE_INT_MAX)
            letter = [entry.due, world.height, int(trap.kind), 0]
            state.put(_DEAD_LETTER + contract + _POT_MARK + entry.key[33:], encode_value(letter))
        else:
            self._check_not_skipped(world.origin_id)
            values = (contract, entry.key[33:], to, asset, amount)
            world.events.append(Event(ZERO_ID, KernelEvent.POT_FALLBACK, values))
        self._add_receipt(ReceiptKind.FALLBACK, world, trap, FALLBACK_GAS)

    def _add_receipt(self, kind: ReceiptKind, world: World, trap: Trap | None, gas: int) -> None:
        self.gas_used += gas
        self.receipts.append(
            Receipt(
                kind=kind,
                id=world.origin_id,
                ok=trap is None,
                trap=0 if trap is None else trap.kind,
                error=0 if trap is None else trap.error,
                gas_used=gas,
                events=tuple(world.events),
            )
        )


def _call(opened: tuple[Frame, Routine] | Exception, due: int, key: bytes) -> int:
    """Run a handler with its worst case of gas and return what is left; raises what `opened` is."""
    if isinstance(opened, Exception):
        raise opened
    frame, routine = opened
    frame.context[10] = due
    assert routine.key is not None, "only timers are queued"
    return frame.call(routine, routine.key.decode(key), routine.worst_case_gas)[1]
