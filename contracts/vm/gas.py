"""Gas: what an instruction costs, where it is charged, and the most a function can cost.

One gas is a small, fixed amount of work: some tens of nanoseconds where bench/opcodes.py, which
prints how many, was run. Costs are static: the charge of a basic block is the sum of its
instructions and is taken on entry. So the worst case of a function is a longest path, computed
here: every loop has a bound and calls are acyclic.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from contracts.vm.container import FIXED_BYTES, Container, EventType
from contracts.vm.opcodes import INSTRUCTION_BYTES, OPCODES, Context, Op

Instruction = tuple[int, int, int, int, int]  # op, d, a, b, t
WCG_MAX = 2**40  # saturation: far above any limit, so comparisons stay right
TIMER_WCG_MAX = 200_000

_READS = frozenset({Op.GET, Op.GETZ, Op.HAS, Op.NEXT})
_BRANCHES = frozenset({Op.JMP, Op.BRT, Op.BRF, Op.BRLT, Op.BRLE, Op.BREQ, Op.BRNE})
_ENDS = frozenset({Op.JMP, Op.RET, Op.FAIL, Op.BACK})
_LEADS_ON = _BRANCHES | {Op.BACK, Op.RET, Op.FAIL}
_CALL_ID_GAS = 8  # the one fact that costs a hash
_NEVER = -1  # cost of a path that does not exist
_GAS = [OPCODES[op].gas for op in Op]


def decode_instructions(code: bytes) -> list[Instruction]:
    """Split code into instructions; the length is known to be a multiple of six."""
    return [
        (code[i], code[i + 1], code[i + 2], code[i + 3], code[i + 4] << 8 | code[i + 5])
        for i in range(0, len(code), INSTRUCTION_BYTES)
    ]


def instruction_gas(container: Container, widths: Sequence[int], instruction: Instruction) -> int:
    """Return the static gas of one instruction; `widths` are stored record sizes by field."""
    op, _d, _a, _b, t = instruction
    gas = _GAS[op]
    if op in _READS:
        return gas + widths[t] // 32
    if op == Op.PUT:
        return gas + widths[t] // 8
    if op == Op.EMIT:
        return gas + _event_gas(container.events[t])
    if op == Op.CTX and t == Context.CALL_ID:
        return gas + _CALL_ID_GAS
    if op == Op.CALL:
        return gas + len(container.functions[t].registers) // 16
    return gas


def _event_gas(event: EventType) -> int:
    """Return the gas of an event's values, of its index entries and of its greatest size."""
    indexed = sum(one.indexed for one in event.fields)
    width = sum(FIXED_BYTES[one.scalar.kind] or 2 + one.scalar.size for one in event.fields)
    return 4 * len(event.fields) + 16 * indexed + width // 8


def block_leaders(instructions: Sequence[Instruction]) -> list[int]:
    """Return, sorted, where basic blocks begin: 0, targets, HEADs, what follows a jump."""
    leaders = {0}
    for pc, (op, _d, _a, _b, t) in enumerate(instructions):
        if op in _BRANCHES:
            leaders.add(t)
        if op in _LEADS_ON:
            leaders.add(pc + 1)
        if op == Op.HEAD:
            leaders.add(pc)
    return sorted(leaders - {len(instructions)})


def block_charges(gas: Sequence[int], instructions: Sequence[Instruction]) -> list[int]:
    """Return the gas taken at each instruction: a block's sum at its leader, 0 elsewhere."""
    charges = [0] * len(gas)
    leaders = [*block_leaders(instructions), len(gas)]
    for start, end in pairwise(leaders):
        charges[start] = sum(gas[start:end])
    return charges


@dataclass(frozen=True, slots=True)
class Priced:
    """A function's instructions, what each costs, and what is taken at each on entering a block."""

    instructions: list[Instruction]
    gas: list[int]
    charges: list[int]


def price_code(
    container: Container, widths: Sequence[int], instructions: list[Instruction]
) -> Priced:
    """Return the prices of verified instructions; `widths` are stored record sizes by field."""
    gas = [instruction_gas(container, widths, one) for one in instructions]
    return Priced(instructions, gas, block_charges(gas, instructions))


def _longer(first: list[int], second: list[int]) -> list[int]:
    """Join two cost vectors of one depth, taking the worse of each entry."""
    return [max(b, a) for a, b in zip(first, second, strict=True)]


def _plus(gas: int, vector: Sequence[int]) -> list[int]:
    return [entry if entry < 0 else min(entry + gas, WCG_MAX) for entry in vector]


def function_worst_case(priced: Priced, callees: Sequence[int], link_bounds: Sequence[int]) -> int:
    """Return the most gas that a verified function can use, saturating at WCG_MAX.

    Works backward. At each instruction stands a vector: entry 0 is the worst cost to leave the
    function, entry k the worst cost to come back to the HEAD of the k-th open loop without passing
    it. A loop's HEAD turns its own entry i into `bound * i` more on all the others (its last,
    leaving pass is in them). A loop may also overrun: `bound + 1` passes, then the HEAD's trap,
    when its block is charged already.
    """
    instructions, gas, charges = priced.instructions, priced.gas, priced.charges
    costs: list[list[int]] = [[]] * len(instructions)
    depth = 0
    for pc in range(len(instructions) - 1, -1, -1):
        op, _d, _a, _b, t = instructions[pc]
        if op == Op.BACK:
            depth += 1
        own = gas[pc]
        if op == Op.CALL:
            own += callees[t]
        elif op == Op.LINK:
            own += link_bounds[t]
        following = [_NEVER] * (depth + 1)
        if op == Op.BACK:
            following[depth] = 0
        elif op in {Op.RET, Op.FAIL}:
            following[0] = 0
        elif op not in _ENDS:
            following = _longer(following, _fit(costs[pc + 1], depth))
        if op in _BRANCHES:
            following = _longer(following, _fit(costs[t], depth))
        vector = _plus(own, following)
        if op == Op.HEAD:
            again = max(vector[depth], 0)
            overrun = min(again * (t + 1) + charges[pc], WCG_MAX)
            vector = _plus(again * t, vector[:depth])
            vector[0] = max(vector[0], overrun)
            depth -= 1
        costs[pc] = vector
    return max(costs[0][0], 0)


def _fit(vector: list[int], depth: int) -> list[int]:
    """Bring a vector of an outer place to the depth of an inner one: inner loops are left."""
    return vector + [_NEVER] * (depth + 1 - len(vector))
