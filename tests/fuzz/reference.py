# ruff: noqa: C901, PLR0911, PLR0912, SIM905, FURB192 - the plainest way, not the shortest
"""The machine once more, slowly: an evaluator that shares no code with contracts.vm.

Opcode numbers, prices, ranges, stored forms, basic blocks and the host's rules are written down
here a second time, from the documentation. Storage holds values, not bytes; `dump` writes it out
at the end. A mistake has to be made twice, in two ways, to go unseen.
"""

import hashlib
from typing import Any

from contracts.vm.container import Function, Scalar
from tests.fuzz.model import (
    SAFE,
    FailedError,
    Instance,
    Key,
    Meter,
    fit,
    widest,
    zero,
)

NAMES = """
    MOV SEL ADD SUB MUL DIV MOD MIN MAX MULDIV CHK LT LE EQ NE NOT AND OR JMP BRT BRF BRLT BRLE BREQ
    BRNE LOOP HEAD BACK CALL RET REQ FAIL LEN I2B B2I CAT SLICE SHA256 A2B B2A CTX GET GETZ HAS PUT
    DEL NEXT POPEN PADD PPAY PMOVE PEXT PCLOSE PBAL SCHED CANCEL EMIT LINK MINT BURN BALANCE ROLE
    SUPPLY
""".split()
GAS_TEXT = """
    MOV 2 SEL 2 ADD 2 SUB 2 MUL 3 DIV 3 MOD 3 MIN 2 MAX 2 MULDIV 4 CHK 3 LT 2 LE 2 EQ 2 NE 2 NOT 2
    AND 2 OR 2 JMP 2 BRT 2 BRF 2 BRLT 2 BRLE 2 BREQ 2 BRNE 2 LOOP 2 HEAD 2 BACK 2 CALL 8 RET 4 REQ 2
    FAIL 2 LEN 2 I2B 4 B2I 4 CAT 6 SLICE 6 SHA256 14 A2B 2 B2A 2 CTX 2 GET 60 GETZ 60 HAS 50 PUT 300
    DEL 300 NEXT 200 POPEN 800 PADD 300 PPAY 600 PMOVE 600 PEXT 400 PCLOSE 800 PBAL 60 SCHED 450
    CANCEL 350 EMIT 80 LINK 60 MINT 450 BURN 450 BALANCE 60 ROLE 60 SUPPLY 60
""".split()
GAS = {name: int(gas) for name, gas in zip(GAS_TEXT[::2], GAS_TEXT[1::2], strict=True)}
JUMPS = ("JMP", "BRT", "BRF", "BRLT", "BRLE", "BREQ", "BRNE")


class Evaluator:
    """One call and the calls inside it."""

    def __init__(self, instance: Instance, meter: Meter) -> None:
        self.instance, self.meter, self.container = instance, meter, instance.container

    def call(self, number: int, arguments: list[Any]) -> list[Any]:
        """Run a function and return what it returns."""
        return _Activation(self, self.container.functions[number], arguments).run()


def split(function: Function) -> list[tuple[str, int, int, int, int]]:
    """Return the instructions with the names of their opcodes."""
    rows = [function.code[i : i + 6] for i in range(0, len(function.code), 6)]
    return [(NAMES[r[0]], r[1], r[2], r[3], 256 * r[4] + r[5]) for r in rows]


class _Activation:
    def __init__(self, owner: Evaluator, function: Function, arguments: list[Any]) -> None:
        self.owner, self.function = owner, function
        self.instance, self.meter, self.container = owner.instance, owner.meter, owner.container
        self.code = split(function)
        letters = function.registers.decode()
        blank: dict[str, Any] = {"I": 0, "B": False, "Y": b"", "A": bytes(32)}
        self.r: list[Any] = [blank[letter] for letter in letters]
        for place, value in enumerate(function.constants):
            self.r[place] = value.encode() if isinstance(value, str) else value
        for place, value in enumerate(arguments):
            self.r[len(function.constants) + place] = value
        begins = {0}
        for pc, (name, _d, _a, _b, t) in enumerate(self.code):
            if name in JUMPS:
                begins |= {t, pc + 1}
            elif name in {"BACK", "RET", "FAIL"}:
                begins.add(pc + 1)
            elif name == "HEAD":
                begins.add(pc)
        self.begins = begins

    def price(self, name: str, t: int) -> int:
        """Return the static gas of one instruction."""
        box, gas = self.container, GAS[name]
        if name in {"GET", "GETZ", "HAS", "NEXT"}:
            gas += widest([n.scalar for n in box.fields[t].row]) // 32
        elif name == "PUT":
            gas += widest([n.scalar for n in box.fields[t].row]) // 8
        elif name == "EMIT":
            kept = box.events[t].fields
            gas += 4 * len(kept) + 16 * [one.indexed for one in kept].count(True)
            gas += widest([one.scalar for one in kept]) // 8
        elif name == "CTX" and t == 9:
            gas += 8
        elif name == "CALL":
            gas += len(box.functions[t].registers) // 16
        return gas

    def block_price(self, pc: int) -> int:
        """Return the price of the basic block that begins at `pc`."""
        gas = self.price(self.code[pc][0], self.code[pc][4])
        pc += 1
        while pc < len(self.code) and pc not in self.begins:
            gas += self.price(self.code[pc][0], self.code[pc][4])
            pc += 1
        return gas

    def run(self) -> list[Any]:
        pc = 0
        while True:
            if pc in self.begins:
                self.meter.take(self.block_price(pc))
            name, d, a, b, t = self.code[pc]
            pc += 1
            r = self.r
            if name == "RET":
                return r[a : a + len(self.function.returns)]
            if name in JUMPS:
                if self.jumps(name, a, b):
                    pc = t
            elif name == "BACK":
                pc = t
            else:
                self.step(name, d, a, b, t)

    def jumps(self, name: str, a: int, b: int) -> bool:
        x, y = self.r[a], self.r[b]
        if name == "JMP":
            return True
        if name in {"BRT", "BRF"}:
            return bool(x is (name == "BRT"))
        if name == "BRLT":
            return bool(x < y)
        if name == "BRLE":
            return bool(x <= y)
        return bool(x == y) if name == "BREQ" else bool(x != y)

    def step(self, name: str, d: int, a: int, b: int, t: int) -> None:
        known = getattr(self, "do_" + name.lower(), None)
        if known is not None:
            known(d, a, b, t)
            return
        x, y = self.r[a], self.r[b]
        self.r[d] = self.compute(name, x, y, t)

    def compute(self, name: str, x: Any, y: Any, t: int) -> Any:
        match name:
            case "MOV":
                return x
            case "SEL":
                return y if x else self.r[t]
            case "ADD":
                return self.small(x + y)
            case "SUB":
                return self.small(x + -y)
            case "MUL":
                return self.small(x * y)
            case "MIN":
                return sorted([x, y])[0]
            case "MAX":
                return sorted([x, y])[1]
            case "DIV" | "MOD":
                return self.divide(x, y, 0 if name == "DIV" else 1)
            case "MULDIV":
                return self.divide(x * y, self.r[t], 0)
            case "LT":
                return x < y
            case "LE":
                return not y < x
            case "EQ":
                return x == y
            case "NE":
                return not x == y  # noqa: SIM201 - the other way than the machine does it
            case "NOT":
                return x is False
            case "AND":
                return (x, y) == (True, True)
            case "OR":
                return (x, y) != (False, False)
            case "BALANCE":
                return self.instance.money.get((t, x), 0)
            case "SUPPLY":
                held = self.instance.money.items()
                return sum(amount for (asset, _account), amount in held if asset == t)
            case "ROLE":
                return (x[0] + t) % 3 == 0
            case "CTX":
                return self.instance.facts[t]
            case _:
                return self.bytes_of(name, x, y, t)

    def small(self, x: int) -> int:
        if x >= 1 << 127 or x < -(1 << 127):
            raise FailedError("OVERFLOW")
        return x

    def divide(self, x: int, y: int, which: int) -> int:
        """Divide magnitudes and mend the signs, so that the quotient is the floor."""
        if y == 0:
            raise FailedError("DIV")
        quotient, rest = divmod(abs(x), abs(y))
        if (x < 0) != (y < 0):
            quotient = -quotient - (1 if rest else 0)
        return self.small(quotient if which == 0 else x - quotient * y)

    def bytes_of(self, name: str, x: Any, y: Any, t: int) -> Any:
        match name:
            case "LEN":
                return len(x)
            case "I2B":
                if not 0 <= x < 256**t:
                    raise FailedError("RANGE")
                return bytes([x >> 8 * place & 255 for place in reversed(range(t))])
            case "B2I":
                if len(x) > 15:
                    raise FailedError("LENGTH")
                return sum(byte << 8 * place for place, byte in enumerate(reversed(x)))
            case "CAT":
                return self.short(x + y, len(x + y) <= 1024)
            case "SLICE":
                end = self.r[t]
                return self.short(x[max(y, 0) : max(end, 0)], 0 <= y <= end <= len(x))
            case "SHA256":
                digest = hashlib.new("sha256")
                digest.update(x)
                return digest.digest()
            case "A2B":
                return x
            case _:
                assert name == "B2A", name
                return self.short(x, len(x) == 32)

    def short(self, data: bytes, holds: bool) -> bytes:  # noqa: FBT001
        if not holds:
            raise FailedError("LENGTH")
        return data

    def do_chk(self, _d: int, a: int, _b: int, t: int) -> None:
        fit(Scalar(t), self.r[a])

    def do_loop(self, d: int, _a: int, _b: int, _t: int) -> None:
        self.r[d] = 0

    def do_head(self, d: int, _a: int, _b: int, t: int) -> None:
        if self.r[d] == t + 1:
            raise FailedError("LOOP")
        self.r[d] += 1

    def do_call(self, d: int, a: int, _b: int, t: int) -> None:
        count = len(self.container.functions[t].params)
        for place, value in enumerate(self.owner.call(t, self.r[a : a + count])):
            self.r[d + place] = value

    def do_req(self, _d: int, a: int, _b: int, t: int) -> None:
        if self.r[a] is False:
            raise FailedError("REQUIRE", t)

    def do_fail(self, _d: int, _a: int, _b: int, t: int) -> None:
        raise FailedError("REQUIRE", t)

    # State ------------------------------------------------------------------------------------

    def key(self, scalars: Any, number: int, a: int) -> Key:
        return number, tuple([fit(s, self.r[a + place]) for place, s in enumerate(scalars)])

    def field_key(self, t: int, a: int) -> Key:
        return self.key(self.container.fields[t].key, t, a)

    def pot_key(self, t: int, a: int) -> Key:
        return self.key(self.container.pots[t].key, t, a)

    def do_get(self, d: int, a: int, _b: int, t: int) -> None:
        row = self.instance.rows.get(self.field_key(t, a))
        if row is None:
            raise FailedError("MISSING")
        self.r[d : d + len(row)] = row

    def do_getz(self, d: int, a: int, _b: int, t: int) -> None:
        blank = tuple([zero(n.scalar) for n in self.container.fields[t].row])
        row = self.instance.rows.get(self.field_key(t, a), blank)
        self.r[d : d + len(row)] = row

    def do_has(self, d: int, a: int, _b: int, t: int) -> None:
        self.r[d] = self.field_key(t, a) in self.instance.rows

    def do_put(self, d: int, a: int, _b: int, t: int) -> None:
        key = self.field_key(t, a)
        named = self.container.fields[t].row
        values = [fit(n.scalar, self.r[d + place]) for place, n in enumerate(named)]
        self.instance.rows[key] = tuple(values)

    def do_del(self, _d: int, a: int, _b: int, t: int) -> None:
        self.instance.rows.pop(self.field_key(t, a), None)

    def do_next(self, d: int, a: int, b: int, t: int) -> None:
        _number, key = self.field_key(t, a)
        # Parts have fixed widths, so keys order as their parts: numbers, False before True, bytes.
        after = [
            parts
            for number, parts in self.instance.rows
            if number == t
            and parts[:b] == key[:b]
            and (parts > key or (parts == key and not self.r[d]))
        ]
        self.r[d] = len(after) > 0
        if after:
            self.r[a : a + len(key)] = min(after)

    def do_popen(self, d: int, a: int, b: int, t: int) -> None:
        key, here = self.pot_key(t, a), self.instance
        if key in here.pots or self.r[b] <= here.facts[5] or self.r[b] > SAFE:
            raise FailedError("POT")
        here.pots[key] = [here.paid, self.r[b], self.r[d]]
        here.paid = 0

    def do_padd(self, _d: int, a: int, _b: int, t: int) -> None:
        self.instance.pot(self.pot_key(t, a))[0] += self.instance.paid
        self.instance.paid = 0

    def do_ppay(self, d: int, a: int, b: int, t: int) -> None:
        self.instance.spend(self.pot_key(t, a), self.r[b])
        self.instance.log.append(("pay", self.container.pots[t].asset, self.r[d], self.r[b]))

    def do_pmove(self, d: int, a: int, b: int, t: int) -> None:
        source, target = self.pot_key(t, a), self.pot_key(t, b)
        into = self.instance.pot(target)
        if source == target:
            raise FailedError("POT")
        self.instance.spend(source, self.r[d])
        into[0] += self.r[d]

    def do_pext(self, _d: int, a: int, b: int, t: int) -> None:
        pot = self.instance.pot(self.pot_key(t, a))
        if self.r[b] < pot[1] or self.r[b] - pot[1] > self.container.pots[t].extend_max_ms:
            raise FailedError("POT")
        pot[1] = self.r[b]

    def do_pclose(self, d: int, a: int, _b: int, t: int) -> None:
        key = self.pot_key(t, a)
        held = self.instance.pot(key)[0]
        del self.instance.pots[key]
        self.instance.log.append(("close", self.container.pots[t].asset, self.r[d], held))

    def do_pbal(self, d: int, a: int, _b: int, t: int) -> None:
        self.r[d] = self.instance.pots.get(self.pot_key(t, a), [0])[0]

    def do_sched(self, _d: int, a: int, b: int, t: int) -> None:
        key = self.key(self.container.functions[t].params, t, a)
        if self.r[b] < 0 or self.r[b] > SAFE:
            raise FailedError("TIMER")
        self.instance.timers[key] = self.r[b]

    def do_cancel(self, _d: int, a: int, _b: int, t: int) -> None:
        key = self.key(self.container.functions[t].params, t, a)
        if key in self.instance.timers:
            del self.instance.timers[key]

    def do_emit(self, _d: int, a: int, _b: int, t: int) -> None:
        declared = self.container.events[t].fields
        values = [fit(one.scalar, self.r[a + place]) for place, one in enumerate(declared)]
        self.instance.log.append(("event", t, tuple(values)))

    def do_link(self, d: int, a: int, _b: int, t: int) -> None:
        call, inner = self.container.link_calls[t], self.instance.linked
        assert inner is not None
        self.meter.take(call.gas_max)
        arguments = [fit(s, self.r[a + place]) for place, s in enumerate(call.params)]
        names = [function.name for function in inner.container.functions]
        facts = [self.instance.contract, bytes([1]) * 32, inner.contract, b"k" * 32, bytes(32)]
        inner.enter([*facts, 1_000_000, 999_000, 7, 0, None, 0, b"c" * 32])
        meter = Meter(call.gas_max)
        try:
            values = Evaluator(inner, meter).call(names.index(call.function), arguments)
        except FailedError:
            raise FailedError("LINK") from None
        self.r[d : d + len(values)] = values
        self.meter.left += meter.left

    def do_mint(self, _d: int, a: int, b: int, t: int) -> None:
        self.issue(self.r[a], self.r[b], t, 1)

    def do_burn(self, _d: int, a: int, b: int, t: int) -> None:
        self.issue(self.r[a], self.r[b], t, -1)

    def issue(self, account: bytes, amount: int, asset: int, sign: int) -> None:
        if amount < 1 or amount > SAFE:
            raise FailedError("AMOUNT")
        money = self.instance.money
        if money.get((asset, account), 0) + sign * amount < 0:
            raise FailedError("ASSET")
        money[asset, account] = money.get((asset, account), 0) + sign * amount
