"""Random functions, instruction by instruction, for a container whose tables are known."""

from dataclasses import replace
from random import Random
from typing import Any

from contracts.vm.container import (
    REGISTER_TYPES,
    Container,
    Function,
    FunctionKind,
    Kind,
    Scalar,
)
from contracts.vm.opcodes import CONTEXT_TYPES, OPCODES, Op

INTEGERS = (
    0, 1, -1, 2, 3, 7, 31, 32, 100, 255, 256, 65_535, 65_536, 999_999, 1_000_500, 2**32 - 1, 2**32,
    2**53 - 1, 2**53, -(2**53) + 1, -(2**53), 2**63, 2**64 - 1, -(2**63),
)  # fmt: skip
BYTES = (b"", b"\0", b"abc", bytes(31), bytes(range(32)), b"\xff" * 16, b"\xc3\xa4", b"x" * 700)
REGISTERS_MOST = 200
Line = tuple[Op, int, int, int, Any]  # t may be a label, a list that gets its place later


def pack_lines(lines: list[Line]) -> bytes:
    """Return the code of instructions with plain numbers."""
    return b"".join([bytes([op, d, a, b, t >> 8, t & 255]) for op, d, a, b, t in lines])


def random_scalar(random: Random, *, fixed: bool = False) -> Scalar:
    kind = random.randint(1, 8 if fixed else 10)
    size = random.choice((1, 8, 40, 1_024)) if kind >= Kind.BYTES else 0
    return Scalar(kind, size)


def random_value(random: Random, scalar: Scalar) -> Any:
    """Return a register value that fits a storage type, often a small or extreme one."""
    match scalar.kind:
        case Kind.BOOL:
            return random.random() < 0.5
        case Kind.ADDR:
            return bytes([random.randrange(4)]) * 32
        case Kind.HASH:
            return bytes([random.randrange(3)]) * 32
        case Kind.BYTES | Kind.TEXT:
            return b"abcdefgh"[: min(scalar.size, random.randrange(9))]
        case _:
            top = {1: 255, 2: 65_535, 3: 2**32 - 1}.get(scalar.kind, 2**53 - 1)
            low = -top if scalar.kind == Kind.SINT else 0
            return random.choice((0, 1, 2, random.randint(low, top), top, low))


class FunctionMaker:
    """Builds one function of a container whose tables and earlier functions are known."""

    def __init__(
        self, random: Random, box: Container, writers: list[bool], shape: Function
    ) -> None:
        self.random, self.box, self.writers, self.shape = random, box, writers, shape
        self.kind = shape.kind
        self.constants: list[Any] = [False, True]
        self.constants += random.sample(INTEGERS, random.randint(3, 8))
        self.constants += (
            random.sample(BYTES, random.randint(1, 3)) + ["text", "für"][: random.randrange(3)]
        )
        letters = [REGISTER_TYPES[s.kind] for s in shape.params]
        self.types = [
            "B",
            "B",
            *["I" if isinstance(c, int) else "Y" for c in self.constants[2:]],
            *letters,
        ]
        self.types += random.choice(("IIIIBBYYAA", "IIIBYAHA".replace("H", "Y"), "IIIIIIBBBYYYAAA"))
        self.counters: list[int] = []
        self.ends: list[list[int]] = []
        self.lines: list[Line] = []
        self.writes = False
        self.has_next = False
        self.loop_budget = 3
        self.count_max = random.choice((4, 10, 30))

    def emit(self, op: Op, d: int = 0, a: int = 0, b: int = 0, t: Any = 0) -> None:
        self.lines.append((op, d, a, b, t))

    def label(self) -> list[int]:
        return []

    def place(self, label: list[int]) -> None:
        label.append(len(self.lines))

    # Registers --------------------------------------------------------------------------------

    def is_free(self, first: int, count: int) -> bool:
        above = first >= len(self.constants)
        counters = self.counters
        return above and not (counters and any(first <= c < first + count for c in counters))

    def read(self, letter: str) -> int:
        return self.random.choice([i for i, one in enumerate(self.types) if one == letter])

    def free(self, letter: str) -> int:
        found = [i for i, one in enumerate(self.types) if one == letter and self.is_free(i, 1)]
        if not found:
            self.types.append(letter)
            return len(self.types) - 1
        return self.random.choice(found)

    def span(self, scalars: Any, *, written: bool = False, fill: bool = True) -> int:
        """Return the first of registers of these types, filled with values if they are read."""
        wanted = [REGISTER_TYPES[s.kind] for s in scalars]
        if not wanted:
            return 0
        count, types, letter = len(wanted), self.types, wanted[0]
        found = [
            i
            for i in range(len(types) - count + 1)
            if types[i] == letter
            and types[i : i + count] == wanted
            and (not written or self.is_free(i, count))
        ]
        if found and (len(types) > REGISTERS_MOST or self.random.random() < 0.6):
            first = self.random.choice(found)
        else:
            first = len(types)
            types += wanted
        if fill and not written and self.is_free(first, count):
            for place, scalar in enumerate(scalars):
                if self.random.random() < 0.75:
                    self.fill(first + place, scalar)
        return first

    def fill(self, register: int, scalar: Scalar) -> None:
        """Put a value there that most often fits."""
        letter = REGISTER_TYPES[scalar.kind]
        if letter == "I" and self.random.random() < 0.8:
            small = [i for i, c in enumerate(self.constants) if isinstance(c, int) and 0 <= c < 256]
            self.emit(
                Op.MOV, register, self.random.choice([i for i in small if i > 1] or [register])
            )
        elif scalar.kind == Kind.HASH and self.random.random() < 0.9:
            self.emit(Op.CTX, register, t=self.random.choice((3, 9, 11)))
        elif scalar.kind in {Kind.BYTES, Kind.TEXT} and self.random.random() < 0.5:
            self.emit(Op.I2B, register, self.read("I"), t=self.random.randint(1, 16))
        else:
            self.emit(Op.MOV, register, self.read(letter))

    # Statements -------------------------------------------------------------------------------

    def make(self) -> Function:
        self.block(3)
        self.finish()
        lines = [(op, d, a, b, t[0] if isinstance(t, list) else t) for op, d, a, b, t in self.lines]
        return replace(
            self.shape,
            constants=tuple(self.constants),
            registers="".join(self.types).encode(),
            code=pack_lines(lines),
        )

    def finish(self) -> None:
        if self.random.random() < 0.08 and self.box.errors:
            self.emit(Op.FAIL, t=self.random.randint(1, len(self.box.errors)))
        else:
            self.emit(Op.RET, a=self.span(self.shape.returns))

    def block(self, depth: int) -> None:
        for _ in range(self.random.randint(1, self.count_max)):
            if len(self.types) > REGISTERS_MOST:
                return
            pick = self.random.random()
            if depth and pick < 0.08:
                self.branch(depth - 1)
            elif depth and pick < 0.13 and self.loop_budget:
                self.loop(depth - 1)
            elif pick < 0.15 and self.ends:
                self.jump(self.random.choice(self.ends))
            else:
                self.simple()

    def jump(self, label: list[int]) -> None:
        """Go to a label if something holds (or always, rarely)."""
        op = self.random.choice(
            (Op.BRT, Op.BRF, Op.BRLT, Op.BRLE, Op.BREQ, Op.BRNE, Op.BRLT, Op.JMP)
        )
        if op == Op.JMP:
            self.emit(op, t=label)
        elif op in {Op.BRT, Op.BRF}:
            self.emit(op, a=self.read("B"), t=label)
        else:
            letter = "I" if op in {Op.BRLT, Op.BRLE} else self.random.choice("IBYA")
            self.emit(op, a=self.read(letter), b=self.read(letter), t=label)

    def branch(self, depth: int) -> None:
        other, end = self.label(), self.label()
        self.jump(other)
        self.ends.append(end)
        self.block(depth)
        if self.random.random() < 0.1:
            self.finish()
        else:
            self.emit(Op.JMP, t=end)
        self.place(other)
        self.block(depth)
        self.ends.pop()
        self.place(end)
        self.emit(Op.MOV, self.free("I"), self.read("I"))

    def loop(self, depth: int) -> None:
        self.loop_budget -= 1
        counter, end, again = len(self.types), self.label(), self.label()
        self.types.append("I")
        bound = self.random.randint(1, 6)
        self.emit(Op.LOOP, counter)
        head = len(self.lines)
        self.emit(Op.HEAD, counter, t=bound)
        self.counters.append(counter)
        if self.random.random() < 0.8:
            self.emit(self.random.choice((Op.BRLT, Op.BRLE)), a=self.read("I"), b=counter, t=end)
        self.ends += [again, end]
        self.block(depth)
        self.ends[-2:] = []
        self.place(again)
        self.emit(Op.MOV, self.free("I"), counter)
        self.emit(Op.BACK, t=head)
        self.counters.pop()
        self.place(end)
        self.emit(Op.MOV, self.free("B"), self.read("B"))

    def simple(self) -> None:
        """Emit one instruction that is no jump."""
        op = Op(self.random.choice(_SIMPLE))
        row = OPCODES[op]
        if self.kind == FunctionKind.VIEW and row.writes:
            return
        if row.view_only and self.kind != FunctionKind.VIEW:
            return
        self.writes |= row.op in {Op.MINT, Op.BURN}
        special = getattr(self, "make_" + row.op.name.lower(), None)
        if special is not None:
            special()
        elif "T" in row.d + row.a:
            letter = self.random.choice("IIIBYA")
            d = self.free(letter if row.d == "T" else row.d)
            a = self.read(letter if row.a == "T" else row.a)
            self.emit(
                op,
                d,
                a,
                self.read(letter) if row.b else 0,
                self.read(letter) if row.t == "T" else 0,
            )
        elif row.t in {"field", "pot", "timer"}:
            self.with_key(row.op, row.t)
        else:
            self.plain(op)

    def plain(self, op: Op) -> None:
        row = OPCODES[op]
        limits = {
            "asset": (0, len(self.box.assets) - 1),
            "role": (0, 15),
            "width": (1, 16),
            "kind": (1, 5),
            "error": (1, len(self.box.errors)),
        }
        if row.t in limits:
            low, high = limits[row.t]
            if high < low:
                return
            t = self.random.randint(low, high)
        else:
            t = self.read(row.t) if row.t else 0
        d = self.free(row.d) if row.d else 0
        self.emit(op, d, self.read(row.a) if row.a else 0, self.read(row.b) if row.b else 0, t)

    def make_ctx(self) -> None:
        t = self.random.randrange(len(CONTEXT_TYPES))
        self.emit(Op.CTX, self.free(CONTEXT_TYPES[t]), t=t)

    def make_req(self) -> None:
        if self.box.errors and self.random.random() < 0.3:
            self.plain(Op.REQ)

    def with_key(self, op: Op, table: str) -> None:
        """Emit one of the instructions on a field, pot or timer."""
        box, row = self.box, OPCODES[op]
        timers = [i for i, f in enumerate(box.functions) if f.kind == FunctionKind.TIMER]
        numbers = {"field": range(len(box.fields)), "pot": range(len(box.pots)), "timer": timers}[
            table
        ]
        if op in {Op.POPEN, Op.PADD}:
            numbers = [n for n in numbers if box.pots[n].asset == self.shape.asset]
        if not numbers:
            return
        t = self.random.choice(numbers)
        key = (
            box.functions[t].params
            if table == "timer"
            else (box.fields if table == "field" else box.pots)[t].key
        )
        self.writes |= row.writes
        if row.d == "row":
            scalars = [named.scalar for named in box.fields[t].row]
            d = self.span(scalars, written=op != Op.PUT)
        elif row.d == "B":
            d = self.free("B")
        elif op == Op.PBAL:
            d = self.free("I")
        else:
            d = self.read(row.d) if row.d else 0
        a = self.span(key)
        b = self.span(key) if row.b == "key:pot" else self.read("I") if row.b else 0
        self.emit(op, d, a, b, t)

    def make_next(self) -> None:
        numbers = [i for i, field in enumerate(self.box.fields) if field.key]
        if not numbers:
            return
        t = self.random.choice(numbers)
        key = self.box.fields[t].key
        fixed = self.random.randrange(len(key))
        first = self.span(key, written=True)
        for place, scalar in enumerate(key):
            if self.random.random() < 0.5:
                self.fill(first + place, scalar)
        self.emit(Op.NEXT, self.free("B"), first, fixed, t)

    def make_emit(self) -> None:
        if self.box.events:
            t = self.random.randrange(len(self.box.events))
            self.writes = True
            self.emit(Op.EMIT, a=self.span([f.scalar for f in self.box.events[t].fields]), t=t)

    def make_call(self) -> None:
        box = self.box
        found = [
            i
            for i, one in enumerate(box.functions[: len(self.writers)])
            if one.kind == FunctionKind.INTERNAL
            and one.asset in {None, self.shape.asset}
            and not (self.writers[i] and self.kind == FunctionKind.VIEW)
        ]
        if found:
            t = self.random.choice(found)
            self.writes |= self.writers[t]
            a = self.span(box.functions[t].params)
            d = self.span(box.functions[t].returns, written=True)
            self.emit(Op.CALL, d, a, 0, t)

    def make_link(self) -> None:
        calls = self.box.link_calls
        found = [
            i for i, c in enumerate(calls) if not (c.is_action and self.kind == FunctionKind.VIEW)
        ]
        if found:
            t = self.random.choice(found)
            self.writes |= calls[t].is_action
            a = self.span(calls[t].params)
            self.emit(Op.LINK, self.span(calls[t].returns, written=True), a, 0, t)


_JUMPS = {
    Op.JMP,
    Op.BRT,
    Op.BRF,
    Op.BRLT,
    Op.BRLE,
    Op.BREQ,
    Op.BRNE,
    Op.LOOP,
    Op.HEAD,
    Op.BACK,
    Op.RET,
}
_COMMON = (
    Op.GET,
    Op.GETZ,
    Op.HAS,
    Op.PUT,
    Op.PUT,
    Op.CALL,
    Op.CALL,
    Op.LINK,
    Op.EMIT,
    Op.NEXT,
    Op.POPEN,
    Op.POPEN,
)
_SIMPLE = tuple(op for op in Op if op not in _JUMPS | {Op.FAIL}) + _COMMON
