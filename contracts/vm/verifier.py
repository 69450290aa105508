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

from collections.abc import Sequence
from dataclasses import dataclass

from chain.errors import BadContractError
from contracts.vm.container import (
    CALL_DEPTH_MAX,
    CONTAINER_BYTES_MAX,
    INSTRUCTIONS_MAX,
    LOOP_BOUND_MAX,
    LOOP_DEPTH_MAX,
    REGISTER_TYPES,
    REGISTERS_MAX,
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
    Priced,
    decode_instructions,
    function_worst_case,
    price_code,
)
from contracts.vm.opcodes import CONTEXT_TYPES, INSTRUCTION_BYTES, OPCODES, Op, Opcode
from contracts.vm.values import RowForm, constant_type
from contracts.vm.verifier_tables import check_key, check_scalar, check_tables, require

_ROLES = 16
_I2B_WIDTH_MAX = 16
_PAID = frozenset({Op.POPEN, Op.PADD})
_READS_D = frozenset({Op.PUT, Op.POPEN, Op.PPAY, Op.PMOVE, Op.PCLOSE})  # d is an operand there
_D, _A, _B, _T = range(4)  # places of operands


def _operand_rules(row: Opcode) -> tuple[tuple[str, int, bool], ...]:
    """Return (rule, place, whether it is written) of the operands, in the order of checking."""
    rules = [(row.a, _A, False), (row.b, _B, False), (row.t, _T, False)]
    rules.append((row.d, _D, row.op not in _READS_D))
    if row.op == Op.NEXT:
        del rules[1]  # a number of key parts, checked apart
    return tuple([one for one in rules if one[1] != _T or one[0] in {"I", "T"}])


_ROWS = tuple([OPCODES[op] for op in Op])
_RULES = tuple([_operand_rules(row) for row in _ROWS])
_FLOW = frozenset([op for op in Op if OPCODES[op].t == "target"] + [Op.LOOP, Op.HEAD, Op.BACK])


@dataclass(frozen=True, slots=True)
class Verified:
    """What the verifier found of a function: the most gas it can use, and its prices."""

    worst_case_gas: int
    priced: Priced


def verify_bytes(data: bytes) -> tuple[Container, list[Verified]]:
    """Return the container in `data` and what is known of each of its functions.

    Raises BadContractError (or MalformedBytesError) with the function, the instruction and the
    rule.
    """
    if len(data) > CONTAINER_BYTES_MAX:
        text = f"container of {len(data)} bytes, at most {CONTAINER_BYTES_MAX} are allowed"
        raise BadContractError(text)
    container = decode_container(data)
    return container, verify_container(container)


def verify_container(container: Container) -> list[Verified]:
    """Return what is known of each function, or raise BadContractError."""
    check_tables(container)
    widths = [RowForm([n.scalar for n in field.row]).width_bytes for field in container.fields]
    bounds = [call.gas_max for call in container.link_calls]
    verified: list[Verified] = []
    worst: list[int] = []
    depths: list[int] = []
    writers: list[bool] = []
    for number, function in enumerate(container.functions):
        check = _FunctionCheck(container, number, writers)
        check.run()
        writers.append(check.writes)
        priced = price_code(container, widths, check.instructions)
        worst.append(function_worst_case(priced, worst, bounds))
        verified.append(Verified(worst[-1], priced))
        depths.append(1 + max((depths[callee] for callee in check.callees), default=0))
        require(depths[-1] <= CALL_DEPTH_MAX, f"{function.name}: calls nest deeper than 8")
        if function.kind == FunctionKind.TIMER:
            fits = worst[-1] <= TIMER_WCG_MAX
            require(fits, f"timer {function.name}: worst case {worst[-1]} gas > {TIMER_WCG_MAX}")
    return verified


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
        require(count > 0 and count % INSTRUCTION_BYTES == 0, f"{where}: {count} bytes of code")
        require(count // INSTRUCTION_BYTES <= INSTRUCTIONS_MAX, f"{where}: too much code")
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
            check_scalar(scalar, function.name)
        kind = function.kind
        if kind == FunctionKind.TIMER:
            check_key(function.params, f"timer {function.name}", 1)
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
        if op >= len(_ROWS):
            self.fail(f"unknown opcode {op}")
        row = _ROWS[op]
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
        self._check_operands(row, (d, a, b, t))
        if op in _FLOW:
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

    def _check_operands(self, row: Opcode, operands: tuple[int, int, int, int]) -> None:
        t = operands[_T]
        if row.op == Op.NEXT:
            parts, a, b = self.container.fields[t].key, operands[_A], operands[_B]
            self.require(b < len(parts), f"NEXT: {b} of {len(parts)} key parts are fixed")
            self._check_registers(a + b, [REGISTER_TYPES[p.kind] for p in parts[b:]], written=True)
        elif row.op == Op.CALL:
            self._check_call(t)
        same: str | None = None
        for rule, place, written in _RULES[row.op]:
            register = operands[place]
            if rule == "":
                if register:
                    self.fail(f"{row.op.name}: unused operand is {register}, not 0")
            elif rule in "IBYA":
                self._check_registers(register, [rule], written=written)
            elif rule == "T":
                if same is None:
                    self.require(register < len(self.types), f"no register {register}")
                    same = self.types[register]
                self._check_registers(register, [same], written=written)
            else:
                self._check_registers(register, self._types_of(rule, row, t), written=written)

    def _types_of(self, rule: str, row: Opcode, t: int) -> list[str]:  # noqa: C901 - a table
        container = self.container
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
            if first < self.first_free:
                self.fail(f"register {first} is a constant")
            hit = [c for _, c in self.loops if first <= c < first + len(wanted)]
            if hit:
                self.fail(f"register {hit} counts an open loop")

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
        else:
            self.require(t > pc, f"branch back to {t}")
            self.require(self.instructions[t][0] != Op.HEAD, "branch to a HEAD")
            head = self.innermost[t]
            inside = head == -1 or any(head == open_head for open_head, _ in self.loops)
            self.require(inside, f"branch to {t} enters the loop at {head} from outside")
