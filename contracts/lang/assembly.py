"""Code in the making: instructions over unnumbered constants and labels, tidied and then encoded.

A register is an int: local k is k, constant k is -k - 1. Constants stand first in the final
numbering, in the order of first use.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from contracts.vm.opcodes import OPCODES, Op

Constant: TypeAlias = int | bool | bytes
REGISTER_IMMEDIATES = ("I", "T")  # `t` names a register
NOTHING = 1 << 20  # operand for no registers at all, encoded as 0
_BYTE_MAX = 255


class Label:
    """A place that branches go to."""

    __slots__ = ("facts",)

    def __init__(self) -> None:
        """`facts` is what is known on every branch to here; None while there is none."""
        self.facts: dict[str, object] | None = None


@dataclass(slots=True)
class Instruction:
    """One instruction; unused operands are 0, `t` is a Label where the opcode wants a place."""

    op: Op
    d: int
    a: int
    b: int
    t: "int | Label"
    line: int


Item: TypeAlias = Instruction | Label


@dataclass(frozen=True, slots=True)
class Assembled:
    """Finished code: used constants in order, register letters, bytes, (pc, line) at changes."""

    constants: tuple[Constant, ...]
    registers: bytes
    code: bytes
    lines: tuple[tuple[int, int], ...]


def tidy(items: Sequence[Item]) -> list[Item]:
    """Thread jumps to jumps, drop jumps to the next instruction and what can not be reached."""
    tidied = list(items)
    while True:
        shorter = _drop_unreachable(_thread(tidied))
        if len(shorter) == len(tidied):
            return shorter
        tidied = shorter


def _thread(items: list[Item]) -> list[Item]:
    """Follow jumps. Branches go forward, so one pass from the end sees every final place."""
    following: dict[int, Item] = {}  # by id of a label: the item it stands for
    after: Item | None = None
    result: list[Item] = []
    for item in reversed(items):
        if isinstance(item, Label):
            if after is not None:
                following[id(item)] = after
            result.append(item)
            continue
        if isinstance(item.t, Label) and item.op != Op.BACK:
            goal = following.get(id(item.t))
            if isinstance(goal, Instruction) and goal.op == Op.JMP:
                item.t = goal.t
                goal = following.get(id(item.t)) if isinstance(item.t, Label) else None
            if item.op == Op.JMP and goal is after:
                continue
            if item.op == Op.JMP and isinstance(goal, Instruction) and goal.op in {Op.RET, Op.FAIL}:
                item = Instruction(goal.op, goal.d, goal.a, goal.b, goal.t, item.line)  # noqa: PLW2901
        result.append(item)
        after = item
    result.reverse()
    return result


def _drop_unreachable(items: list[Item]) -> list[Item]:
    live = True
    reached: dict[int, None] = {}
    result: list[Item] = []
    for item in items:
        if isinstance(item, Label):
            live = live or id(item) in reached
            result.append(item)
            continue
        if not live:
            continue
        result.append(item)
        if isinstance(item.t, Label) and item.op != Op.BACK:
            reached[id(item.t)] = None
        live = item.op not in {Op.JMP, Op.RET, Op.FAIL, Op.BACK}
    return result


def _register_operands(item: Instruction) -> list[str]:
    """Return which of d, a, b, t name registers."""
    row = OPCODES[item.op]
    names = [name for name in ("d", "a", "b") if getattr(row, name) not in {"", "width"}]
    return [*names, "t"] if row.t in REGISTER_IMMEDIATES else names


def assemble(
    items: Sequence[Item], constants: Sequence[tuple[str, Constant]], letters: str
) -> Assembled:
    """Number constants and labels and encode; `letters` are the locals, parameters first."""
    instructions = [item for item in items if isinstance(item, Instruction)]
    order: dict[int, int] = {}
    for item in instructions:
        for name in _register_operands(item):
            register = getattr(item, name)
            if register < 0:
                order.setdefault(register, len(order))
    places: dict[int, int] = {}
    count = 0
    for one in items:
        if isinstance(one, Label):
            places[id(one)] = count
        else:
            count += 1
    code = bytearray()
    lines: list[tuple[int, int]] = []
    for pc, item in enumerate(instructions):
        code += _encode(item, order, places)
        if not lines or lines[-1][1] != item.line:
            lines.append((pc, item.line))
    used = [constants[-register - 1] for register in order]
    registers = "".join(letter for letter, _ in used) + letters
    return Assembled(
        tuple(value for _, value in used), registers.encode(), bytes(code), tuple(lines)
    )


def _encode(item: Instruction, order: dict[int, int], places: dict[int, int]) -> bytes:
    used = _register_operands(item)
    t = places[id(item.t)] if isinstance(item.t, Label) else item.t
    values = {"d": item.d, "a": item.a, "b": item.b, "t": t}
    for name in used:
        register = values[name]
        if register == NOTHING:
            values[name] = 0
        else:
            values[name] = order[register] if register < 0 else register + len(order)
    if max(values["d"], values["a"], values["b"]) > _BYTE_MAX:
        return bytes(6)  # too many registers; the caller refuses
    return bytes((item.op, values["d"], values["a"], values["b"])) + values["t"].to_bytes(2, "big")
