"""The container as text for people: one line an instruction, with names in place of numbers."""

from collections.abc import Callable

from contracts.vm.container import Container, Function, FunctionKind, Kind
from contracts.vm.gas import Instruction, decode_instructions
from contracts.vm.opcodes import OPCODES, Context, Op, Opcode


def disassemble(container: Container) -> str:
    """Return the listing of a container."""
    lines = [f"contract {container.name} (vm {container.vm}, {container.compiler})"]
    for function in container.functions:
        lines += ["", *_list_function(container, function)]
    return "\n".join(lines) + "\n"


def _list_function(container: Container, function: Function) -> list[str]:
    letters = function.registers.decode()
    kind = FunctionKind(function.kind).name.lower()
    lines = [f"{kind} {function.name}: {len(letters)} registers {letters}"]
    first = len(function.constants)
    if function.params:
        lines.append(f"  r{first}..r{first + len(function.params) - 1} are the parameters")
    for pc, instruction in enumerate(decode_instructions(function.code)):
        lines.append(f"  {pc:4d}  {_show(container, function, instruction)}")
    return lines


def _show(container: Container, function: Function, instruction: Instruction) -> str:
    op, d, a, b, t = instruction
    row = OPCODES[Op(op)]
    parts = [
        _show_register(function, register, rule)
        for rule, register in ((row.d, d), (row.a, a), (row.b, b))
        if rule and _is_used(container, function, row, rule, t)
    ]
    if row.t:
        parts.append(_show_immediate(container, function, row.t, t))
    return f"{row.op.name:7s} {' '.join(parts)}".rstrip()


def _is_used(container: Container, function: Function, row: Opcode, rule: str, t: int) -> bool:
    """Tell whether an operand that stands for a block has any registers in it."""
    if rule.startswith("key:field"):
        return bool(container.fields[t].key)
    if row.op == Op.RET:
        return bool(function.returns)
    if row.op == Op.CALL:
        callee = container.functions[t]
        return bool(callee.params if rule == "args" else callee.returns)
    if row.op == Op.LINK:
        call = container.link_calls[t]
        return bool(call.params if rule == "args" else call.returns)
    return True


def _show_register(function: Function, register: int, rule: str) -> str:
    if rule == "width":
        return str(register)
    if register < len(function.constants):
        value = function.constants[register]
        text = repr(value)
        if isinstance(value, bytes):
            text = f"0x{value.hex()}"
        return text
    block = rule in {"row", "args", "result"} or rule.startswith("key")
    return f"r{register}.." if block else f"r{register}"


def _show_immediate(container: Container, function: Function, rule: str, t: int) -> str:
    calls, functions = container.link_calls, container.functions
    names: dict[str, Callable[[], str]] = {
        "target": lambda: f"-> {t}",
        "loop": lambda: f"-> {t}",
        "error": lambda: container.errors[t - 1],
        "field": lambda: container.fields[t].name,
        "pot": lambda: container.pots[t].name,
        "event": lambda: container.events[t].name,
        "function": lambda: functions[t].name,
        "timer": lambda: functions[t].name,
        "link": lambda: f"{container.links[calls[t].link]}.{calls[t].function}",
        "asset": lambda: container.assets[t],
    }
    if rule in {"context", "kind"}:
        return (Context(t) if rule == "context" else Kind(t)).name.lower()
    if rule in {"I", "T"}:
        return _show_register(function, t, rule)
    return names.get(rule, lambda: str(t))()
