"""Compiled programs against the same source run by Python."""

import textwrap
from random import Random
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.lang.errors import ContractSyntaxError
from contracts.vm.traps import Trap, TrapKind
from tests.contracts.lang_host import call, load

HEAD = """
from wash import *
TABLE = (3, 1, 4, 1, 5)
LIMIT = 40

class Pair(Record):
    left: sint
    flag: bool
    right: sint
"""
BODY = """
    def _add(self, a: sint, b: sint) -> sint:
        return a + b

    def _pick(self, a: sint, p: Pair, b: sint) -> sint:
        if p.flag:
            return p.left + a
        return p.right - b

    def _swap(self, p: Pair, by: sint) -> Pair:
        old = p.left
        p.left = p.right + by
        p.right = old
        p.flag = not p.flag
        return p
"""


class Generator:
    """Random function bodies whose locals are x, y, z (int), g (bool), p (Pair) and fresh names."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.fresh = 0
        self.ints = ["x", "y", "z"]
        self.loops = 0

    def integer(self, depth: int) -> str:
        pick = self.random.randrange
        if depth == 0 or pick(5) == 0:
            return [str(pick(-9, 60)), *self.ints, "p.left", "p.right", "LIMIT"][
                pick(len(self.ints) + 4)
            ]
        one, two = self.integer(depth - 1), self.integer(depth - 1)
        form = [
            "({} + {})", "({} - {})", "(({} * {}) % 997)", "(({} // 3) + {})", "abs7",
            "min({}, {})", "max({}, {})", "self._add({}, {})", "self._pick({}, p, {})",
            "(-{} + {})", "TABLE[({} + {}) % 5]", "muldiv({}, {}, 7)",
            "self._swap(p, {}).left + {}",
        ][pick(13)]  # fmt: skip
        if form == "abs7":
            return f"({one} % (1 + ({two}) % 7))"
        if pick(6) == 0:
            return f"({one} if {self.boolean(depth - 1)} else {two})"
        return form.format(one, two)

    def boolean(self, depth: int) -> str:
        pick = self.random.randrange
        if depth == 0 or pick(6) == 0:
            return ["g", "p.flag", "True", "False", "(x < y)", "(z == 3)"][pick(6)]
        if pick(3) == 0:
            sign = ["<", "<=", ">", ">=", "==", "!="][pick(6)]
            return f"({self.integer(depth - 1)} {sign} {self.integer(depth - 1)})"
        one, two = self.boolean(depth - 1), self.boolean(depth - 1)
        return [f"({one} and {two})", f"({one} or {two})", f"(not {one})", f"({one} == {two})",
                f"({one} if {two} else g)", f"({one} and {two} or p.flag)"][pick(6)]  # fmt: skip

    def statements(self, depth: int, *, in_loop: bool) -> list[str]:
        lines: list[str] = []
        known = list(self.ints)
        for _ in range(self.random.randrange(1, 5)):
            lines += self.statement(depth, in_loop=in_loop)
        self.ints = known
        return lines

    def statement(self, depth: int, *, in_loop: bool) -> list[str]:  # noqa: C901, PLR0911
        pick = self.random.randrange
        choice = pick(14)
        if choice < 3:
            return [f"{'xyz'[pick(3)]} = {self.integer(3)}"]
        if choice == 3:
            self.fresh += 1
            line = f"t{self.fresh} = {self.integer(2)}"
            self.ints.append(f"t{self.fresh}")
            return [line]
        if choice == 4:
            return [f"g = {self.boolean(3)}"]
        if choice == 5:
            return [f"p.{['left', 'right'][pick(2)]} = {self.integer(2)}"]
        if choice == 6:
            return [
                f"p = Pair(left={self.integer(2)}, flag={self.boolean(2)}, right={self.integer(1)})"
            ]
        if choice == 7:
            return [f"{'xyz'[pick(3)]} {['+=', '-='][pick(2)]} {self.integer(2)}"]
        if choice == 8:
            return [f"p = self._swap(p, {self.integer(2)})"]
        if choice == 9 and in_loop:
            return [f"if {self.boolean(2)}:", f"    {['break', 'continue'][pick(2)]}"]
        if choice == 10 and depth and self.loops < 2:
            self.loops += 1
            name = f"i{self.loops}"
            self.ints.append(name)
            inner = self.statements(depth - 1, in_loop=True)
            self.ints.remove(name)
            self.loops -= 1
            return [f"for {name} in range({pick(3)}, {pick(3, 14)}):", *indent(inner)]
        if choice == 11:
            return [f"if {self.boolean(2)}:", f"    return {self.integer(2)}"]
        if depth:
            lines = [f"if {self.boolean(3)}:", *indent(self.statements(depth - 1, in_loop=in_loop))]
            if pick(2):
                lines += ["else:", *indent(self.statements(depth - 1, in_loop=in_loop))]
            return lines
        return ["pass"]


def indent(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def make_source(seed: int) -> str:
    generator = Generator(seed)
    lines = ["p = Pair(left=a, right=b)", "x = a", "y = b", "z = 3", "g = a < b"]
    lines += generator.statements(3, in_loop=False)
    lines += ["return x + y * 3 + z * 7 + p.left + p.right * 11 + (1 if g else 0)"]
    body = textwrap.indent("\n".join(lines), "        ")
    head = "\n    @view\n    def f(self, a: sint, b: sint) -> sint:\n"
    return f"{HEAD}\nclass C(Contract):{BODY}{head}{body}\n"


def run_in_python(source: str, a: int, b: int) -> int:
    class Record:
        def __init__(self, **values: Any) -> None:
            self.left, self.flag, self.right = 0, False, 0
            vars(self).update(values)

    class Contract:
        pass

    names: dict[str, Any] = {
        "Record": Record, "Contract": Contract, "sint": int, "view": lambda f: f,
        "muldiv": lambda a, b, c: a * b // c,
    }  # fmt: skip
    text = source.replace("from wash import *", "").replace(
        "self._swap(p, ", "self._swap(copy(p), "
    )
    names["copy"] = lambda p: names["Pair"](**vars(p))
    exec(text, names)
    return int(names["C"]().f(a, b))


def run_compiled(source: str, a: int, b: int) -> int | None:
    """Run the compiled program; None if a part is unreachable or its numbers grow too big."""
    try:
        return int(call(load(source), "f", a, b)[0])
    except ContractSyntaxError as error:
        if error.message != "this line is never reached; take it away":
            raise
    except Trap as trap:
        if trap.kind != TrapKind.OVERFLOW:
            raise
    return None


@settings(max_examples=150, deadline=None)
@given(st.integers(0, 2**32), st.integers(-50, 50), st.integers(-50, 50))
def test_a_compiled_program_computes_what_python_computes(seed: int, a: int, b: int) -> None:
    source = make_source(seed)

    returned = run_compiled(source, a, b)

    if returned is not None:
        assert returned == run_in_python(source, a, b), source
