# ruff: noqa: ARG002 - the methods have the shape of the interpreter's Host
"""A host in memory: small rules for money and time, every effect kept for comparison."""

from typing import Any

from contracts.vm.container import FunctionKind
from contracts.vm.interpreter import run
from contracts.vm.program import LinkForm, PotForm, Program, Routine
from contracts.vm.traps import Trap, TrapKind
from contracts.vm.values import check_scalar

SAFE_MAX = 2**53 - 1
ACCOUNTS = tuple([bytes([number]) * 32 for number in range(4)])
SELF = b"\x10" * 32
OTHER = b"\x11" * 32
Dump = tuple[Any, ...]


def make_context(number: int, caller: bytes, contract: bytes) -> list[Any]:
    """Return the facts of the `number`-th call; its last is asked for as a call id."""
    return [
        caller,
        ACCOUNTS[1],
        contract,
        b"k" * 32,
        ACCOUNTS[0],
        1_000_000 + number,
        999_000 + number,
        7 + number,
        100 * number,
        None,
        5 * number,
        b"c" * 32,
    ]


class MemoryHost:
    """One instance: rows by key bytes, pots, timers, balances, and a log of what went out."""

    def __init__(self, program: Program, contract: bytes = SELF) -> None:
        self.program, self.contract = program, contract
        self.base = b"\x10" + contract
        self.context: list[Any] = []
        self.linked: MemoryHost | None = None
        self.unspent = 0
        self.rows: dict[bytes, bytes] = {}
        self.pots: dict[bytes, tuple[int, int, bytes]] = {}
        self.timers: dict[bytes, int] = {}
        self.balances: dict[tuple[int, bytes], int] = {}
        self.log: list[Any] = []

    def enter(self, number: int, caller: bytes) -> None:
        """Begin the `number`-th call of this history."""
        self.context = make_context(number, caller, self.contract)
        self.unspent = self.context[8]

    def dump(self) -> Dump:
        """Return all effects so far in one order, those of the linked instance included."""
        inner = () if self.linked is None else self.linked.dump()
        cut = len(self.base)
        return (
            sorted((key[cut:], value) for key, value in self.rows.items()),
            sorted(self.pots.items()),
            sorted(self.timers.items()),
            sorted(self.balances.items()),
            list(self.log),
            inner,
        )

    def save(self) -> Any:
        """Return what `restore` takes."""
        inner = None if self.linked is None else self.linked.save()
        parts = (self.rows, self.pots, self.timers, self.balances)
        return [part.copy() for part in parts], self.log.copy(), inner

    def restore(self, saved: Any) -> None:
        """Take back everything since `save`."""
        (self.rows, self.pots, self.timers, self.balances), self.log, inner = saved
        if self.linked is not None:
            self.linked.restore(inner)

    def read(self, key: bytes) -> bytes | None:
        return self.rows.get(key)

    def write(self, key: bytes, value: bytes) -> None:
        self.rows[key] = value

    def erase(self, key: bytes) -> None:
        self.rows.pop(key, None)

    def next_key(self, prefix: bytes, start: bytes) -> bytes | None:
        return min((k for k in self.rows if k.startswith(prefix) and k >= start), default=None)

    def call_id(self) -> bytes:
        return b"i" * 32

    def _pot(self, key: bytes) -> tuple[int, int, bytes]:
        if key not in self.pots:
            raise Trap(TrapKind.POT)
        return self.pots[key]

    def _take_from_pot(self, key: bytes, amount: int) -> None:
        held, until, owner = self._pot(key)
        if not 0 < amount <= held:
            raise Trap(TrapKind.AMOUNT)
        self.pots[key] = held - amount, until, owner

    def pot_open(self, pot: PotForm, key: bytes, until: int, fallback: bytes) -> None:
        if key in self.pots or not self.context[5] < until <= SAFE_MAX:
            raise Trap(TrapKind.POT)
        self.pots[key] = self.unspent, until, fallback
        self.unspent = 0

    def pot_add(self, pot: PotForm, key: bytes) -> None:
        held, until, owner = self._pot(key)
        self.pots[key] = held + self.unspent, until, owner
        self.unspent = 0

    def pot_pay(self, pot: PotForm, key: bytes, to: bytes, amount: int) -> None:
        self._take_from_pot(key, amount)
        self.log.append(("pay", pot.asset, to, amount))

    def pot_move(self, pot: PotForm, key: bytes, to_key: bytes, amount: int) -> None:
        self._pot(to_key)
        if key == to_key:
            raise Trap(TrapKind.POT)
        self._take_from_pot(key, amount)
        held, until, owner = self.pots[to_key]
        self.pots[to_key] = held + amount, until, owner

    def pot_extend(self, pot: PotForm, key: bytes, until: int) -> None:
        held, before, owner = self._pot(key)
        if not before <= until <= before + pot.extend_max_ms:
            raise Trap(TrapKind.POT)
        self.pots[key] = held, until, owner

    def pot_close(self, pot: PotForm, key: bytes, to: bytes) -> None:
        held, _until, _owner = self._pot(key)
        del self.pots[key]
        self.log.append(("close", pot.asset, to, held))

    def pot_balance(self, pot: PotForm, key: bytes) -> int:
        return self.pots[key][0] if key in self.pots else 0

    def schedule(self, routine: Routine, key: bytes, at: int) -> None:
        if not 0 <= at <= SAFE_MAX:
            raise Trap(TrapKind.TIMER)
        self.timers[key] = at

    def cancel(self, routine: Routine, key: bytes) -> None:
        self.timers.pop(key, None)

    def emit(self, number: int, values: list[Any]) -> None:
        declared = self.program.container.events[number].fields
        for one, value in zip(declared, values, strict=True):
            check_scalar(one.scalar, value)
        self.log.append(("event", number, tuple(values)))

    def link(self, call: LinkForm, arguments: list[Any]) -> tuple[list[Any], int]:
        assert self.linked is not None
        for scalar, value in zip(call.params, arguments, strict=True):
            check_scalar(scalar, value)
        kind = FunctionKind.ACTION if call.is_action else FunctionKind.VIEW
        routine = self.linked.program.entry(call.function, kind)
        assert routine is not None
        self.linked.enter(0, self.contract)
        try:
            values, left = run(routine, arguments, self.linked, call.gas_max)
        except Trap as inner:
            trap = Trap(TrapKind.LINK)
            trap.place = inner.place
            raise trap from None
        return values, call.gas_max - left

    def _check_amount(self, amount: int) -> None:
        if not 0 < amount <= SAFE_MAX:
            raise Trap(TrapKind.AMOUNT)

    def mint(self, asset: int, account: bytes, amount: int) -> None:
        self._check_amount(amount)
        self.balances[asset, account] = self.balance(asset, account) + amount

    def burn(self, asset: int, account: bytes, amount: int) -> None:
        self._check_amount(amount)
        if amount > self.balance(asset, account):
            raise Trap(TrapKind.ASSET)
        self.balances[asset, account] -= amount

    def balance(self, asset: int, account: bytes) -> int:
        return self.balances.get((asset, account), 0)

    def supply(self, asset: int) -> int:
        return sum(amount for (kind, _account), amount in self.balances.items() if kind == asset)

    def has_role(self, account: bytes, role: int) -> bool:
        return (account[0] + role) % 3 == 0
