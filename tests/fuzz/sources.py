# ruff: noqa: PLR0911 - a line of grammar a return
"""Random contracts with side effects: compiled and run, and run by Python on model state.

Python evaluates left to right, an assignment's value before its key; so must the compiled code.
Every function counts, emits and traps, so a swapped evaluation shows. In the model each operation
on integers goes through checks for overflow and division by zero.
"""

import textwrap
from random import Random
from typing import Any

from contracts.lang.compiler import compile_contract
from contracts.lang.errors import ContractSyntaxError
from contracts.vm.interpreter import run
from contracts.vm.program import load_program
from contracts.vm.traps import Trap
from tests.fuzz.host import ACCOUNTS, MemoryHost
from tests.fuzz.source_model import run_model

SAFE_MAX = 2**53 - 1
HEAD = """\
from wash import *

class Pair(Record):
    left: sint
    flag: bool
    right: sint

class C(Contract):
    count: sint
    last: Pair
    rows: Map[sint, Pair]
    sums: Map[tuple[sint, bool], sint]
    Seen = Event(n=sint, count=sint)

    def _tick(self, n: sint) -> sint:
        self.count = (self.count * 31 + n) % 1_000_003
        emit(self.Seen, n, self.count)
        return n

    def _odd(self, n: sint) -> bool:
        self.count += n % 5
        return n % 2 == 1

    def _mix(self, a: sint, p: Pair, b: sint) -> sint:
        emit(self.Seen, a, b)
        if p.flag:
            return p.left + a
        return p.right - b

    def _swap(self, p: Pair, by: sint) -> Pair:
        old = p.left
        p.left = p.right + self._tick(by)
        p.right = old
        p.flag = not p.flag
        return p

    def _keep(self, key: sint, p: Pair) -> Pair:
        self.rows[key] = p
        self.last = p
        return p

    @action
    def f(self, a: sint, b: sint) -> sint:
"""
REFUSED = (  # what the compiler finds out by itself
    "this line is never reached; take it away",
    "division by zero",
    "this requirement never holds",
    "this constant does not fit in 64 bits",
)


class SourceMaker:
    """Draws the body of `f`; its locals are x, y (int), g (bool), p, q (Pair)."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.loops = 0

    def pick(self, *forms: str) -> str:
        return self.random.choice(forms)

    def small(self) -> str:
        return str(self.random.choice((0, 1, 2, 3, 5, 12, 2**31, 2**53 - 1)))

    def integer(self, depth: int) -> str:
        if depth == 0 or self.random.random() < 0.1:
            extra = ("i",) if self.loops else ()
            return self.pick(
                "x", "y", "a", "b", "p.left", "q.right", "self.count", self.small(), *extra
            )
        one, two = self.integer(depth - 1), self.integer(depth - 1)
        form = self.pick(
            "({0} + {1})",
            "({0} - {1})",
            "({0} * {1})",
            "({0} // {1})",
            "({0} % {1})",
            "({0} // ({1} % 7 + 1))",
            "min({0}, {1})",
            "max({0}, {1})",
            "muldiv({0}, {1}, 3)",
            "self._tick({0})",
            "self._tick({0})",
            "(-{0})",
            "self._mix({0}, p, {1})",
            "self._mix({0}, {pair}, {1})",
            "self.rows[{key}].left",
            "self.rows.get({key}).right",
            "self.sums.get(({key}, {bool}))",
            "self._swap(q, {0}).left",
            "({0} if {bool} else {1})",
            "self._swap({pair}, {0}).right",
            "self.last.left",
        )
        return form.format(
            one, two, pair=self.pair(depth - 1), key=self.key(), bool=self.boolean(depth - 1)
        )

    def key(self) -> str:
        return self.pick("0", "1", "x % 3", "self._tick(2)", "(self.count % 3)", "(y % 2)")

    def boolean(self, depth: int) -> str:
        if depth <= 0 or self.random.random() < 0.1:
            return self.pick("g", "p.flag", "q.flag", "True", "False")
        one, two = self.boolean(depth - 1), self.boolean(depth - 1)
        a, b = self.integer(depth - 1), self.integer(depth - 1)
        sign = self.pick("<", "<=", ">", ">=", "==", "!=")
        form = self.pick(
            "({a} {sign} {b})",
            "({a} {sign} {b})",
            "({0} and {1})",
            "({0} or {1})",
            "(not {0})",
            "({0} == {1})",
            "self._odd({a})",
            "({key} in self.rows)",
            "(({key}, {0}) in self.sums)",
        )
        return form.format(one, two, a=a, b=b, sign=sign, key=self.key())

    def pair(self, depth: int) -> str:
        if depth <= 0:
            return self.pick("p", "q", "self.last")
        one = self.integer(depth - 1)
        form = self.pick(
            "p",
            "q",
            "p",
            "self.rows[{key}]",
            "self.rows.get({key})",
            "self._swap({pair}, {0})",
            "Pair(left={0}, flag={bool}, right={1})",
            "Pair(left={0})",
            "self._keep({key}, {pair})",
            "self.last",
        )
        other, flag = self.integer(depth - 1), self.boolean(depth - 1)
        return form.format(one, other, bool=flag, key=self.key(), pair=self.pair(depth - 1))

    def block(self, depth: int) -> list[str]:
        lines: list[str] = []
        for _ in range(self.random.randint(1, 5)):
            lines += self.statement(depth)
        return lines

    def statement(self, depth: int) -> list[str]:
        number = self.random.randrange(18)
        lines = self._write_state(number)
        if lines:
            return lines
        if number < 10:
            return [
                self.pick(
                    f"x = {self.integer(3)}",
                    f"y = {self.integer(3)}",
                    f"g = {self.boolean(3)}",
                    f"p.left = {self.integer(2)}",
                    f"q.flag = {self.boolean(2)}",
                    f"x += {self.integer(2)}",
                    f"p = {self.pair(2)}",
                    f"q = {self.pair(3)}",
                    f"y -= {self.integer(2)}",
                    f"p.right += {self.integer(2)}",
                )
            ]
        if number == 10 and self.loops < 1 and depth:
            self.loops += 1
            inner = self.block(depth - 1)
            self.loops -= 1
            return [f"for i in range({self.random.randint(1, 4)}):", *_indent(inner)]
        if number == 11 and self.loops:
            return [f"if {self.boolean(2)}:", "    " + self.pick("break", "continue")]
        if number == 12:
            return [f"if {self.boolean(2)}:", f"    return {self.integer(2)}"]
        if depth:
            lines = [f"if {self.boolean(3)}:", *_indent(self.block(depth - 1))]
            return [*lines, "else:", *_indent(self.block(depth - 1))] if number % 2 else lines
        return [f'require({self.boolean(2)} or x < 99, "no")']

    def _write_state(self, number: int) -> list[str]:
        match number:
            case 0:
                return [f"self.count = {self.integer(2)}"]
            case 1:
                return [f"self.count += {self.integer(2)}"]
            case 2:
                return [f"self.rows[{self.key()}] = {self.pair(2)}"]
            case 3:
                return [f"self.sums[{self.key()}, {self.boolean(1)}] = {self.integer(2)}"]
            case 4:
                return [f"del self.rows[{self.key()}]"]
            case 5:
                return [f"self.sums[{self.key()}, {self.boolean(1)}] += {self.integer(2)}"]
            case 6:
                return [f"emit(self.Seen, {self.integer(2)}, {self.integer(2)})"]
            case _:
                return []


def _indent(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def make_source(seed: int) -> str:
    """Return the `seed`-th contract."""
    maker = SourceMaker(seed)
    lines = ["p = Pair(left=a, right=b)", "q = self.last", "x = a", "y = b", "g = a < b"]
    lines += maker.block(3)
    lines.append("return x % 1_000_003 + y % 1_009 + p.left % 7 + q.right % 5 + (1 if g else 0)")
    return HEAD + textwrap.indent("\n".join(lines), "        ") + "\n"


def run_compiled(source: str, calls: list[tuple[int, int]]) -> list[Any] | None:
    """Return the same from the machine, or None if the compiler finds a fault by itself."""
    try:
        program = load_program(compile_contract(source).container_bytes)
    except ContractSyntaxError as error:
        if error.message in REFUSED:
            return None
        raise
    host = MemoryHost(program)
    return [_call_machine(host, a, b) for a, b in calls]


def _call_machine(host: MemoryHost, a: int, b: int) -> Any:
    host.enter(0, ACCOUNTS[1])
    host.log.clear()
    before = host.save()
    routine = host.program.by_name["f"]
    result: Any
    try:
        values, _left = run(routine, [a, b], host, routine.worst_case_gas)
        result = ("ok", values[0])
    except Trap as trap:
        result = ("trap", trap.kind.name)
    events = [values for _word, _number, values in host.log]
    if result[0] == "trap":
        host.restore(before)
    count, last, rows, sums = 0, (0, False, 0), {}, {}
    forms = host.program.fields
    for key, data in host.rows.items():
        at = len(host.base)
        number, parts = key[at], forms[key[at]].key.decode(key[at + 1 :])
        row = tuple(forms[number].row.decode(data))
        match forms[number].name:
            case "count":
                count = row[0]
            case "last":
                last = row
            case "rows":
                rows[parts[0]] = row
            case _:
                sums[tuple(parts)] = row[0]
    return result, events, (count, last, rows, sums)


def compare_source(seed: int, counts: dict[str, int]) -> None:
    """Run one random contract's calls both ways."""
    source = make_source(seed)
    random = Random(seed)
    numbers = (0, 1, -1, 2, 3, 7, -40, 1_000, SAFE_MAX, -SAFE_MAX)
    calls = [(random.choice(numbers), random.choice(numbers)) for _ in range(4)]
    seen = run_compiled(source, calls)
    if seen is None:
        counts["refused"] = counts.get("refused", 0) + 1
        return
    expected = run_model(source, calls)
    for number, (mine, wanted) in enumerate(zip(seen, expected, strict=True)):
        assert mine == wanted, (
            f"seed {seed}, call {number} of f{calls[number]}: {mine}, {wanted}\n{source}"
        )
        kind = mine[0][0] if mine[0][0] == "ok" else mine[0][1]
        counts[kind] = counts.get(kind, 0) + 1
