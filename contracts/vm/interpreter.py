"""The interpreter: runs one function of a verified program.

It is the reference: what it does is what the machine means. Code is verified, so operand types and
jump targets are taken as given; what can still fail traps. The loop is one long function on
purpose: a call per instruction would cost more than most instructions, and the binary tree of
comparisons keeps the cost of an opcode independent of its number.
"""

import hashlib
from typing import Any, Protocol

from contracts.vm.container import BYTES_MAX, INT_RANGES
from contracts.vm.program import LinkForm, PotForm, Program, Routine, Step
from contracts.vm.traps import Trap, TrapKind

INT128_MAX = 2**127 - 1
INT128_MIN = -(2**127)
_B2I_BYTES_MAX = 15
_ADDRESS_BYTES = 32


class Host(Protocol):
    """What a running function can reach; one host serves one call of one instance.

    `base` is the storage prefix of the instance, `context` the values of CTX by number (None: ask
    `call_id`). Money methods take encoded pot keys (class number and parts) and trap POT or AMOUNT.
    """

    base: bytes
    context: list[Any]

    def read(self, key: bytes) -> bytes | None: ...
    def write(self, key: bytes, value: bytes) -> None: ...
    def erase(self, key: bytes) -> None: ...
    def next_key(self, prefix: bytes, start: bytes) -> bytes | None: ...
    def call_id(self) -> bytes: ...
    def pot_open(self, pot: PotForm, key: bytes, until: int, fallback: bytes) -> None: ...
    def pot_add(self, pot: PotForm, key: bytes) -> None: ...
    def pot_pay(self, pot: PotForm, key: bytes, to: bytes, amount: int) -> None: ...
    def pot_move(self, pot: PotForm, key: bytes, to_key: bytes, amount: int) -> None: ...
    def pot_extend(self, pot: PotForm, key: bytes, until: int) -> None: ...
    def pot_close(self, pot: PotForm, key: bytes, to: bytes) -> None: ...
    def pot_balance(self, pot: PotForm, key: bytes) -> int: ...
    def schedule(self, routine: Routine, key: bytes, at: int) -> None: ...
    def cancel(self, routine: Routine, key: bytes) -> None: ...
    def emit(self, number: int, values: list[Any]) -> None: ...
    def link(self, call: LinkForm, arguments: list[Any]) -> tuple[list[Any], int]: ...
    def mint(self, asset: int, account: bytes, amount: int) -> None: ...
    def burn(self, asset: int, account: bytes, amount: int) -> None: ...
    def balance(self, asset: int, account: bytes) -> int: ...
    def has_role(self, account: bytes, role: int) -> bool: ...
    def supply(self, asset: int) -> int: ...


def run(routine: Routine, arguments: list[Any], host: Host, gas: int) -> tuple[list[Any], int]:
    """Run a routine with register values `arguments` and at most `gas`.

    Returns what it returns and the gas left; raises Trap with `gas_left` and `place` filled in. A
    trap for want of gas leaves none.
    """
    registers = routine.template.copy()
    registers[routine.first : routine.first + len(arguments)] = arguments
    return _Run(routine, registers, host, gas).run()


def run_program(
    program: Program, name: str, arguments: list[Any], host: Host, gas: int
) -> tuple[list[Any], int]:
    """Run a function by name; for tests and tools."""
    return run(program.by_name[name], arguments, host, gas)


class _Run:
    """One run; the frames of calls inside the container stand on an explicit stack."""

    __slots__ = ("gas", "host", "registers", "routine", "stack")

    def __init__(self, routine: Routine, registers: list[Any], host: Host, gas: int) -> None:
        self.routine, self.registers, self.host, self.gas = routine, registers, host, gas
        self.stack: list[tuple[Routine, list[Any], int, int]] = []

    def run(self) -> tuple[list[Any], int]:  # noqa: C901, PLR0912, PLR0915 - see the module's word
        host, gas, stack = self.host, self.gas, self.stack
        routine, r = self.routine, self.registers
        steps: list[Step] = routine.steps
        read, base, context = host.read, host.base, host.context
        pc = 0
        try:
            while True:
                op, d, a, b, t, charge = steps[pc]
                pc += 1
                if charge:
                    gas -= charge
                    if gas < 0:
                        gas = 0
                        raise Trap(TrapKind.GAS)
                if op < 25:
                    if op < 11:
                        if op == 0:
                            r[d] = r[a]
                            continue
                        if op == 1:
                            r[d] = r[b] if r[a] else r[t]
                            continue
                        if op < 5:
                            if op == 2:
                                x = r[a] + r[b]
                            elif op == 3:
                                x = r[a] - r[b]
                            else:
                                x = r[a] * r[b]
                        elif op < 7:
                            if r[b] == 0:
                                raise Trap(TrapKind.DIV)
                            x = r[a] // r[b] if op == 5 else r[a] % r[b]
                        elif op < 9:
                            x, y = r[a], r[b]
                            if (y < x) if op == 7 else (y > x):
                                x = y
                        elif op == 9:
                            if r[t] == 0:
                                raise Trap(TrapKind.DIV)
                            x = r[a] * r[b] // r[t]
                        else:
                            low, high = INT_RANGES[t]
                            if not low <= r[a] <= high:
                                raise Trap(TrapKind.RANGE)
                            continue
                        if not INT128_MIN <= x <= INT128_MAX:
                            raise Trap(TrapKind.OVERFLOW)
                        r[d] = x
                        continue
                    if op < 18:
                        if op < 14:
                            if op == 11:
                                r[d] = r[a] < r[b]
                            elif op == 12:
                                r[d] = r[a] <= r[b]
                            else:
                                r[d] = r[a] == r[b]
                        elif op == 14:
                            r[d] = r[a] != r[b]
                        elif op == 15:
                            r[d] = not r[a]
                        elif op == 16:
                            r[d] = r[a] and r[b]
                        else:
                            r[d] = r[a] or r[b]
                        continue
                    if op < 21:
                        if op == 18 or (r[a] if op == 19 else not r[a]):
                            pc = t
                        continue
                    if op < 23:
                        if r[a] < r[b] if op == 21 else r[a] <= r[b]:
                            pc = t
                        continue
                    if (r[a] == r[b]) == (op == 23):
                        pc = t
                    continue
                if op < 41:
                    if op < 32:
                        if op == 30:
                            if not r[a]:
                                raise Trap(TrapKind.REQUIRE, t)
                            continue
                        if op < 28:
                            if op == 26:
                                x = r[d]
                                if x > t:
                                    raise Trap(TrapKind.LOOP)
                                r[d] = x + 1
                            elif op == 27:
                                pc = t
                            else:
                                r[d] = 0
                            continue
                        if op == 28:
                            stack.append((routine, r, pc, d))
                            caller = r
                            routine = t
                            r = t.template.copy()
                            first = t.first
                            count = len(t.function.params)
                            r[first : first + count] = caller[a : a + count]
                            steps = t.steps
                            pc = 0
                            continue
                        if op == 29:
                            values = r[a : a + b]
                            if not stack:
                                return values, gas
                            routine, r, pc, d = stack.pop()
                            r[d : d + b] = values
                            steps = routine.steps
                            continue
                        raise Trap(TrapKind.REQUIRE, t)
                    if op == 40:
                        x = context[t]
                        r[d] = host.call_id() if x is None else x
                        continue
                    r[d] = _compute_bytes(op, r, a, b, t)
                    continue
                if op < 47:
                    if op == 44:
                        host.write(base + t.key.encode(r, a), t.row.encode(r, d))
                    elif op < 43:
                        data = read(base + t.key.encode(r, a))
                        if data is not None:
                            r[d : d + t.row.count] = t.row.decode(data)
                        elif op == 41:
                            raise Trap(TrapKind.MISSING)
                        else:
                            r[d : d + t.row.count] = t.row.zeros()
                    elif op == 43:
                        r[d] = read(base + t.key.encode(r, a)) is not None
                    elif op == 45:
                        host.erase(base + t.key.encode(r, a))
                    else:
                        _step_to_next_key(host, r, d, a, b, t)
                    continue
                if op < 54:
                    _do_pot(host, op, r, d, a, b, t)
                    continue
                if op == 57:
                    gas -= t.gas_max  # the declared bound is set aside, the rest comes back
                    if gas < 0:
                        gas = 0
                        raise Trap(TrapKind.GAS)
                    values, used = host.link(t, r[a : a + len(t.params)])
                    r[d : d + len(values)] = values
                    gas += t.gas_max - used
                    continue
                _do_effect(host, op, r, d, a, b, t)
        except Trap as trap:
            trap.gas_left = gas
            if trap.place is None:
                trap.place = (routine.name, pc - 1)
            raise


def _compute_bytes(op: int, r: list[Any], a: int, b: int, t: int) -> Any:  # noqa: C901, PLR0911
    """Compute one of LEN I2B B2I CAT SLICE SHA256 A2B B2A."""
    x = r[a]
    if op == 37:
        return hashlib.sha256(x).digest()
    if op == 38:
        return x
    if op == 39:
        if len(x) != _ADDRESS_BYTES:
            raise Trap(TrapKind.LENGTH)
        return x
    if op == 32:
        return len(x)
    if op == 33:
        if x < 0 or x >> (8 * t):
            raise Trap(TrapKind.RANGE)
        return x.to_bytes(t, "big")
    if op == 34:
        if len(x) > _B2I_BYTES_MAX:
            raise Trap(TrapKind.LENGTH)
        return int.from_bytes(x, "big")
    if op == 35:
        y = r[b]
        if len(x) + len(y) > BYTES_MAX:
            raise Trap(TrapKind.LENGTH)
        return x + y
    low, high = r[b], r[t]
    if not 0 <= low <= high <= len(x):
        raise Trap(TrapKind.LENGTH)
    return x[low:high]


def _do_pot(host: Host, op: int, r: list[Any], d: int, a: int, b: int, t: PotForm) -> None:  # noqa: PLR0917
    """Carry out one of POPEN PADD PPAY PMOVE PEXT PCLOSE PBAL."""
    key = t.key.encode(r, a)
    if op == 47:
        host.pot_open(t, key, r[b], r[d])
    elif op == 48:
        host.pot_add(t, key)
    elif op == 49:
        host.pot_pay(t, key, r[d], r[b])
    elif op == 50:
        host.pot_move(t, key, t.key.encode(r, b), r[d])
    elif op == 51:
        host.pot_extend(t, key, r[b])
    elif op == 52:
        host.pot_close(t, key, r[d])
    else:
        r[d] = host.pot_balance(t, key)


def _do_effect(host: Host, op: int, r: list[Any], d: int, a: int, b: int, t: Any) -> None:  # noqa: PLR0917
    """Carry out one of SCHED CANCEL EMIT MINT BURN BALANCE ROLE SUPPLY."""
    if op == 56:
        number, _event, count = t
        host.emit(number, r[a : a + count])
    elif op == 54:
        host.schedule(t, t.key.encode(r, a), r[b])
    elif op == 55:
        host.cancel(t, t.key.encode(r, a))
    elif op == 58:
        host.mint(t, r[a], r[b])
    elif op == 59:
        host.burn(t, r[a], r[b])
    elif op == 60:
        r[d] = host.balance(t, r[a])
    elif op == 61:
        r[d] = host.has_role(r[a], t)
    else:
        r[d] = host.supply(t)


def _step_to_next_key(host: Host, r: list[Any], d: int, a: int, b: int, t: Any) -> None:  # noqa: PLR0917
    """NEXT: move the key registers to the next stored key with the same first `b` parts."""
    key = t.key.encode(r, a)
    fixed = t.key.prefix_bytes(b)
    start = key + b"\0" if r[d] else key
    found = host.next_key(host.base + key[:fixed], host.base + start)
    r[d] = found is not None
    if found is not None:
        values = t.key.decode(found[len(host.base) + 1 :])
        r[a : a + len(values)] = values
