"""The verifier: what must hold of a container before a node keeps it.

One pass over each function, no recursion, linear in the code. After it, the interpreter needs no
type or bound checks of its own: the only failures left are traps.

(a) every operand register exists and has the type the opcode asks for; constants are never written
(b) branches go forward, to an instruction, never into a loop from outside and never to a HEAD;
    LOOP is followed by its HEAD; BACK goes to the innermost open HEAD; the counter is the loop's
    own
(c) the last instruction is RET, FAIL or BACK
(d) callees have smaller numbers and are internal; the nesting of calls is bounded
(e) fields, pots, events, errors, timers, links exist, and their key and record types match
(f) views change nothing, only views iterate, only payable functions touch what was paid
(g) worst-case gas is known; a timer's is at most TIMER_WCG_MAX
"""

from collections.abc import Iterator, Sequence

from chain.errors import BadContractError
from contracts.vm.container import (
    BYTES_MAX,
    CALL_DEPTH_MAX,
    CONTAINER_BYTES_MAX,
    EVENT_INDEXED_MAX,
    INSTRUCTIONS_MAX,
    KEY_PARTS_MAX,
    LOOP_BOUND_MAX,
    LOOP_DEPTH_MAX,
    REGISTER_TYPES,
    REGISTERS_MAX,
    VM_VERSION,
    Container,
    Function,
    FunctionKind,
    Kind,
    Scalar,
    decode_container,
)
from contracts.vm.gas import (
    TIMER_WCG_MAX,
    Instruction,
    decode_instructions,
    function_worst_case,
    instruction_gas,
)
from contracts.vm.opcodes import CONTEXT_TYPES, INSTRUCTION_BYTES, OPCODES, Op, Opcode
from contracts.vm.values import RowForm, constant_type

_FIXED_KINDS = frozenset(kind for kind in Kind if kind < Kind.BYTES)
_ROLES = 16
_I2B_WIDTH_MAX = 16
_PAID = frozenset({Op.POPEN, Op.PADD})
_READS_D = frozenset({Op.PUT, Op.POPEN, Op.PPAY, Op.PMOVE, Op.PCLOSE})  # d is an operand there


def verify_bytes(data: bytes) -> tuple[Container, list[int]]:
    """Return the container in `data` and the worst-case gas of each of its functions.

    Raises BadContractError (or MalformedBytesError) with the function, the instruction and the
    rule.
    """
    if len(data) > CONTAINER_BYTES_MAX:
        text = f"container of {len(data)} bytes, at most {CONTAINER_BYTES_MAX} are allowed"
        raise BadContractError(text)
    container = decode_container(data)
    return container, verify_container(container)


def verify_container(container: Container) -> list[int]:
    """Return the worst-case gas of each function, or raise BadContractError."""
    _check_tables(container)
    widths = [RowForm([n.scalar for n in field.row]).width_bytes for field in container.fields]
    worst: list[int] = []
    depths: list[int] = []
    writers: list[bool] = []
    for number, function in enumerate(container.functions):
        check = _FunctionCheck(container, number, writers)
        check.run()
        writers.append(check.writes)
        gas = [instruction_gas(container, widths, one) for one in check.instructions]
        bounds = [call.gas_max for call in container.link_calls]
        worst.append(function_worst_case(function, gas, worst, bounds))
        depths.append(1 + max((depths[callee] for callee in check.callees), default=0))
        _require(depths[-1] <= CALL_DEPTH_MAX, f"{function.name}: calls nest deeper than 8")
        if function.kind == FunctionKind.TIMER:
            fits = worst[-1] <= TIMER_WCG_MAX
            _require(fits, f"timer {function.name}: worst case {worst[-1]} gas > {TIMER_WCG_MAX}")
    return worst


def _require(holds: bool, text: str) -> None:  # noqa: FBT001 - reads as a sentence at every call
    if not holds:
        raise BadContractError(text)


def _check_key(parts: Sequence[Scalar], where: str, least: int) -> None:
    _require(least <= len(parts) <= KEY_PARTS_MAX, f"{where}: {len(parts)} key parts")
    for part in parts:
        _require(part.kind in _FIXED_KINDS, f"{where}: a key part must have a fixed width")


def _check_scalar(scalar: Scalar, where: str) -> None:
    sized = scalar.kind >= Kind.BYTES
    _require(
        sized == (scalar.size > 0), f"{where}: size {scalar.size} does not fit kind {scalar.kind}"
    )
    _require(scalar.size <= BYTES_MAX, f"{where}: at most {BYTES_MAX} bytes")


def _check_tables(container: Container) -> None:
    _require(container.magic == "wash", f"magic {container.magic!r}, expected 'wash'")
    _require(container.vm == VM_VERSION, f"vm {container.vm}, this node runs {VM_VERSION}")
    for names in _name_lists(container):
        _require(len(set(names)) == len(names), f"a name stands twice in {list(names)[:8]}")
        for name in names:
            plain = name.replace(".", "_")
            _require(plain.isascii() and plain.isidentifier(), f"{name!r} is no identifier")
    for field in container.fields:
        _check_key(field.key, field.name, 0)
        _require(len(field.row) > 0, f"field {field.name} holds nothing")
        for named in field.row:
            _check_scalar(named.scalar, f"{field.name}.{named.name}")
    for pot in container.pots:
        _check_key(pot.key, pot.name, 1)
        _require(pot.asset < len(container.assets), f"pot {pot.name}: no asset {pot.asset}")
    for event in container.events:
        indexed = sum(field.indexed for field in event.fields)
        _require(indexed <= EVENT_INDEXED_MAX, f"event {event.name}: {indexed} indexed fields")
        for event_field in event.fields:
            _check_scalar(event_field.scalar, f"{event.name}.{event_field.name}")
            fixed = event_field.scalar.kind in _FIXED_KINDS or not event_field.indexed
            _require(fixed, f"{event.name}.{event_field.name}: only fixed widths are indexed")
    for call in container.link_calls:
        _require(
            call.link < len(container.links), f"link call {call.function}: no link {call.link}"
        )
        for scalar in (*call.params, *call.returns):
            _check_scalar(scalar, f"link call {call.function}")
    _require(len(container.functions) > 0, "a contract without functions")
    inits = sum(function.kind == FunctionKind.INIT for function in container.functions)
    _require(inits <= 1, f"{inits} init functions, at most one is allowed")


def _name_lists(container: Container) -> Iterator[list[str]]:
    yield [container.name]
    yield list(container.assets)
    yield list(container.links)
    yield [field.name for field in container.fields] + [pot.name for pot in container.pots]
    yield [event.name for event in container.events]
    yield list(container.errors)
    yield [function.name for function in container.functions]
    for field in container.fields:
        yield [named.name for named in field.row]
    for event in container.events:
        yield [field.name for field in event.fields]


class _FunctionCheck:
    """The pass over one function."""

    def __init__(self, container: Container, number: int, writers: Sequence[bool]) -> None:
        """`writers[k]` tells whether the earlier function k changes state, if by a callee."""
        self.container, self.number, self.writers = container, number, writers
        self.writes = False
        self.function: Function = container.functions[number]
        self.types = self.function.registers.decode("latin-1")
        self.callees: list[int] = []
        self.pc = 0
        self.loops: list[tuple[int, int]] = []  # open loops: (HEAD's place, its counter)
        self.targets: list[int] = []  # open forward targets of branches, to check loop entry
        where = f"function {self.function.name}"
        count = len(self.function.code)
        _require(count > 0 and count % INSTRUCTION_BYTES == 0, f"{where}: {count} bytes of code")
        _require(count // INSTRUCTION_BYTES <= INSTRUCTIONS_MAX, f"{where}: too much code")
        self.instructions = decode_instructions(self.function.code)
        self.limits = self._immediate_limits()
        self.innermost = self._find_loops()

    def _find_loops(self) -> list[int]:
        """Return for each instruction the HEAD of the innermost loop that holds it, or -1."""
        innermost: list[int] = []
        heads = [-1]
        for pc, (op, _d, _a, _b, t) in enumerate(self.instructions):
            self.pc = pc
            innermost.append(heads[-1])
            if op == Op.HEAD:
                heads.append(pc)
                self.require(len(heads) <= LOOP_DEPTH_MAX + 1, "loops nest deeper than 8")
            elif op == Op.BACK:
                matched = len(heads) > 1 and heads[-1] == t
                self.require(matched, "BACK not to the innermost HEAD")
                heads.pop()
        self.require(len(heads) == 1, "a loop is never closed")
        return innermost

    def fail(self, text: str) -> None:
        """Raise with the place."""
        raise BadContractError(f"function {self.function.name}, instruction {self.pc}: {text}")

    def require(self, holds: bool, text: str) -> None:  # noqa: FBT001 - reads as a sentence
        """Raise with the place unless `holds`."""
        if not holds:
            self.fail(text)

    def run(self) -> None:
        """Check the header, then every instruction in order."""
        self._check_header()
        for pc, instruction in enumerate(self.instructions):
            self.pc = pc
            self._check_instruction(instruction)
        last = self.instructions[-1][0]
        self.require(
            last in {Op.RET, Op.FAIL, Op.BACK}, "the last instruction must end the function"
        )

    def _check_header(self) -> None:
        function, types = self.function, self.types
        kinds = [REGISTER_TYPES[scalar.kind] for scalar in function.params]
        constants = len(function.constants)
        self.require(len(types) <= REGISTERS_MAX, f"{len(types)} registers")
        self.require(all(letter in "IBYA" for letter in types), "a register of unknown type")
        expected = [constant_type(value) for value in function.constants] + kinds
        self.require(list(types[: len(expected)]) == expected, "registers do not begin as declared")
        for scalar in (*function.params, *function.returns):
            _check_scalar(scalar, function.name)
        kind = function.kind
        if kind == FunctionKind.TIMER:
            _check_key(function.params, f"timer {function.name}", 1)
            self.require(not function.returns, "a timer returns nothing")
        if function.asset is not None:
            payable = kind in {FunctionKind.ACTION, FunctionKind.INTERNAL}
            self.require(payable, "only actions and internal functions can be payable")
            self.require(function.asset < len(self.container.assets), f"no asset {function.asset}")
        if kind == FunctionKind.INIT:
            self.require(not function.returns, "init returns nothing")
        self.first_free = constants

    def _check_instruction(self, instruction: Instruction) -> None:
        op, d, a, b, t = instruction
        self.require(op < len(Op), f"unknown opcode {op}")
        row = OPCODES[Op(op)]
        links_action = op == Op.LINK and self._is_linked_action(t)
        if row.writes or links_action:
            self.require(self.function.kind != FunctionKind.VIEW, f"{row.op.name} in a view")
            self.writes = True
        if row.view_only:
            self.require(self.function.kind == FunctionKind.VIEW, f"{row.op.name} outside a view")
        self._check_immediate(row, t)
        if op in _PAID:
            taken = self.container.pots[t].asset == self.function.asset
            self.require(taken, f"{row.op.name}: the function does not take this pot's asset")
        self._check_operands(row, d, a, b, t)
        self._check_flow(op, d, t)

    def _is_linked_action(self, t: int) -> bool:
        calls = self.container.link_calls
        return t < len(calls) and calls[t].is_action

    def _immediate_limits(self) -> dict[str, int]:
        container = self.container
        return {
            "": 1,
            "target": len(self.instructions),
            "loop": len(self.instructions),
            "bound": LOOP_BOUND_MAX + 1,
            "error": len(container.errors) + 1,
            "field": len(container.fields),
            "pot": len(container.pots),
            "event": len(container.events),
            "function": self.number,
            "timer": len(container.functions),
            "link": len(container.link_calls),
            "asset": len(container.assets),
            "role": _ROLES,
            "context": len(CONTEXT_TYPES),
            "width": _I2B_WIDTH_MAX + 1,
            "kind": Kind.SINT + 1,
        }

    def _check_immediate(self, row: Opcode, t: int) -> None:
        limit = self.limits.get(row.t, len(self.types))  # else t is a register
        if t >= limit:
            self.fail(f"{row.op.name}: {row.t or 'unused operand'} {t} does not exist")
        if t == 0 and row.t in {"error", "bound", "kind", "width"}:
            self.fail(f"{row.op.name}: {row.t} 0")
        if row.t == "timer":
            kind = self.container.functions[t].kind
            self.require(kind == FunctionKind.TIMER, f"function {t} is no timer")

    def _check_operands(self, row: Opcode, d: int, a: int, b: int, t: int) -> None:
        if row.op == Op.NEXT:
            parts = self.container.fields[t].key
            self.require(b < len(parts), f"NEXT: {b} of {len(parts)} key parts are fixed")
            self._check_registers(a + b, [REGISTER_TYPES[p.kind] for p in parts[b:]], written=True)
            b_rule = "unchecked"
        else:
            b_rule = row.b
        if row.op == Op.CALL:
            self._check_call(t)
        same: list[str] = []
        for rule, register, written in (
            (row.a, a, False),
            (b_rule, b, False),
            (row.t if row.t in {"I", "T"} else "unchecked", t, False),
            (row.d, d, row.op not in _READS_D),
        ):
            if rule == "unchecked":
                continue
            if rule == "":
                self.require(register == 0, f"{row.op.name}: unused operand is {register}, not 0")
                continue
            wanted = self._types_of(rule, row, t, same, register)
            self._check_registers(register, wanted, written=written)

    def _types_of(  # noqa: C901, PLR0912 - a table of what stands for what
        self, rule: str, row: Opcode, t: int, same: list[str], register: int
    ) -> list[str]:
        container = self.container
        if rule == "T":
            if not same:
                self.require(register < len(self.types), f"no register {register}")
                same.append(self.types[register])
            return same
        if rule == "context":
            return [CONTEXT_TYPES[t]]
        scalars: Sequence[Scalar]
        match rule, row.t:
            case ("key:field", _):
                scalars = container.fields[t].key
            case ("key:pot", _):
                scalars = container.pots[t].key
            case ("key:timer", _):
                scalars = container.functions[t].params
            case ("row", "field"):
                scalars = [named.scalar for named in container.fields[t].row]
            case ("row", ""):
                scalars = self.function.returns
            case ("args", "event"):
                scalars = [field.scalar for field in container.events[t].fields]
            case ("args", "function"):
                scalars = container.functions[t].params
            case ("args", "link"):
                scalars = container.link_calls[t].params
            case ("result", "function"):
                scalars = container.functions[t].returns
            case ("result", "link"):
                scalars = container.link_calls[t].returns
            case _:
                return [rule]
        return [REGISTER_TYPES[scalar.kind] for scalar in scalars]

    def _check_registers(self, first: int, wanted: list[str], *, written: bool) -> None:
        if not wanted:
            self.require(first == 0, f"operand {first} for nothing, expected 0")
            return
        seen = list(self.types[first : first + len(wanted)])
        if seen != wanted:  # not `require`: its text would cost more than the whole check
            self.fail(f"registers {first}.. are {seen}, expected {wanted}")
        if written:
            self.require(first >= self.first_free, f"register {first} is a constant")
            taken = [counter for _, counter in self.loops]
            hit = [c for c in taken if first <= c < first + len(wanted)]
            self.require(not hit, f"register {hit} counts an open loop")

    def _check_call(self, t: int) -> None:
        callee = self.container.functions[t]
        self.require(
            callee.kind == FunctionKind.INTERNAL, f"function {callee.name} is not internal"
        )
        self.callees.append(t)
        if self.function.kind == FunctionKind.VIEW:
            self.require(not self.writers[t], f"{callee.name} writes; this is a view")
        self.writes = self.writes or self.writers[t]
        if callee.asset is not None:
            self.require(callee.asset == self.function.asset, f"{callee.name} takes another asset")

    def _check_flow(self, op: int, d: int, t: int) -> None:
        pc = self.pc
        if op == Op.LOOP:
            following = self.instructions[pc + 1] if pc + 1 < len(self.instructions) else None
            matched = following is not None and following[0] == Op.HEAD and following[1] == d
            self.require(matched, "LOOP without its HEAD")
        elif op == Op.HEAD:
            before = self.instructions[pc - 1] if pc > 0 else None
            matched = before is not None and before[0] == Op.LOOP and before[1] == d
            self.require(matched, "HEAD without its LOOP")
            self.loops.append((pc, d))
        elif op == Op.BACK:
            self.loops.pop()
        elif OPCODES[Op(op)].t == "target":
            self.require(t > pc, f"branch back to {t}")
            self.require(self.instructions[t][0] != Op.HEAD, "branch to a HEAD")
            head = self.innermost[t]
            inside = head == -1 or any(head == open_head for open_head, _ in self.loops)
            self.require(inside, f"branch to {t} enters the loop at {head} from outside")
