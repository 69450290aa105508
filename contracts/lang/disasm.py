"""The container as text for people: one line an instruction, with names in place of numbers."""

from contracts.vm.container import Container, Function, FunctionKind, Kind
from contracts.vm.gas import Instruction, decode_instructions
from contracts.vm.opcodes import OPCODES, Context, Op


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
        if rule
    ]
    if row.t:
        parts.append(_show_immediate(container, function, row.t, t))
    return f"{row.op.name:7s} {' '.join(parts)}".rstrip()


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
    match rule:
        case "target" | "loop":
            text = f"-> {t}"
        case "error":
            text = container.errors[t - 1]
        case "field":
            text = container.fields[t].name
        case "pot":
            text = container.pots[t].name
        case "event":
            text = container.events[t].name
        case "function" | "timer":
            text = container.functions[t].name
        case "link":
            call = container.link_calls[t]
            text = f"{container.links[call.link]}.{call.function}"
        case "asset":
            text = container.assets[t]
        case "context":
            text = Context(t).name.lower()
        case "kind":
            text = Kind(t).name.lower()
        case "I" | "T":
            text = _show_register(function, t, rule)
        case _:
            text = str(t)
    return text
