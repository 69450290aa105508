"""Loops: every one has a constant bound, so that its worst cost is known.

A counter register counts the passes of the HEAD: 1 in the first pass.
"""

import ast

from contracts.lang.assembly import Instruction, Label
from contracts.lang.builtin_names import CONTEXT_CALLS
from contracts.lang.constants import fold
from contracts.lang.frame import Home
from contracts.lang.model import FieldDeclaration
from contracts.lang.statements import Statements
from contracts.lang.syntax import mentions
from contracts.lang.types import shape_of
from contracts.vm.container import LOOP_BOUND_MAX, FunctionKind
from contracts.vm.opcodes import Op

_UNROLL_PASSES_MAX = 8
_UNROLL_NODES_MAX = 240


class Loops(Statements):
    """Code for `for` and `while`."""

    def loop(self, node: ast.For | ast.While) -> None:
        """Make code for a loop; what is assigned only in it has no value behind it."""
        before = dict(self.homes)
        if isinstance(node, ast.While):
            self._while(node)
        elif (
            isinstance(node.iter, ast.Call)
            and isinstance(node.iter.func, ast.Name)
            and (node.iter.func.id == "range")
        ):
            self._range(node, node.iter)
        else:
            self._keys(node)
        self.drop_homes(before)

    def _bound(self, node: ast.expr, least: int = 1) -> int:
        bound = fold(node, self.constants)
        if type(bound) is not int or not least <= bound <= LOOP_BOUND_MAX:
            raise self.refuse(f"a loop's bound is a constant of {least}..{LOOP_BOUND_MAX}", node)
        return bound

    def _open(self, node: ast.AST, bound: int) -> tuple[int, int, Label]:
        """Begin a loop: returns the LOOP's index in `items`, the counter, the label of the HEAD."""
        for part in ast.walk(node):  # facts of the call are asked for once, before the loop
            if (
                isinstance(part, ast.Call)
                and isinstance(part.func, ast.Name)
                and (part.func.id in CONTEXT_CALLS)
            ):
                self.release(self.context(part.func.id, None))
        counter = self.keep(self.temporary("I"))
        start, head = len(self.items), Label()
        self.emit(Op.LOOP, counter)
        self.items.append(head)
        self.emit(Op.HEAD, counter, t=bound)
        return start, counter, head

    def _close(self, start: int, counter: int, head: Label, again: Label, end: Label) -> None:
        """End a loop; one that never comes back loses its LOOP and HEAD."""
        self.place(again)
        if self.live:
            self.emit(Op.BACK, t=head)
            self.live = False
        else:
            one = self.constant(1)
            line = getattr(self.node, "lineno", 1)
            self.items[start : start + 3] = [Instruction(Op.MOV, counter, one.base, 0, 0, line)]
        self.place(end)
        self.free[counter] = True

    def _body(self, body: list[ast.stmt], again: Label, end: Label) -> None:
        self.loops.append((again, end))
        self.release_all()
        self.block(body)
        self.loops.pop()

    def _while(self, node: ast.While) -> None:
        first = node.body[0].value if isinstance(node.body[0], ast.Expr) else None
        if (
            not isinstance(first, ast.Call)
            or not isinstance(first.func, ast.Name)
            or first.func.id != "bounded"
            or len(first.args) != 1
        ):
            raise self.refuse(
                "the first line of a while is bounded(n): the most passes it may take"
            )
        bound = self._bound(first.args[0])
        again, end = Label(), Label()
        start, counter, head = self._open(node, bound)
        self.jump_if(node.test, end, sense=False)
        self._body(node.body[1:], again, end)
        self._close(start, counter, head, again, end)

    def _new_names(self, node: ast.For, names: list[str], allowed: list[str | None]) -> None:
        """Check loop variables; one may repeat the name of the prefix part it stands for."""
        for name, prefix in zip(names, allowed, strict=True):
            if name in self.constants or (name in self.homes and name != prefix):
                raise self.refuse(f"{name} is in use; choose another loop variable", node.target)

    def _range(self, node: ast.For, call: ast.Call) -> None:
        if not isinstance(node.target, ast.Name) or call.keywords or len(call.args) not in {1, 2}:
            raise self.refuse("write for i in range(n) or range(first, end)")
        name = node.target.id
        self._new_names(node, [name], [None])
        first = fold(call.args[0], self.constants) if len(call.args) == 2 else 0  # noqa: PLR2004
        last = fold(call.args[-1], self.constants)
        if (
            type(first) is not int
            or type(last) is not int
            or not 0 <= last - first <= LOOP_BOUND_MAX
        ):
            raise self.refuse(f"range takes constants, at most {LOOP_BOUND_MAX} apart", call)
        nodes = sum(isinstance(part, ast.expr | ast.stmt) for part in ast.walk(node))
        passes = last - first
        if passes <= _UNROLL_PASSES_MAX and nodes * passes <= _UNROLL_NODES_MAX:
            self._unroll(node, name, range(first, last))
            return
        again, end = Label(), Label()
        start, counter, head = self._open(node, passes)
        self.branch(Op.BRLT, end, self.constant(passes).base, counter)
        used = any(mentions(statement, name) for statement in node.body)
        owned = used and first != 1
        if owned:
            base = self.allocate("I")
            self.emit(Op.ADD, base, counter, self.constant(first - 1).base)
        else:
            base = counter
        self._with_names([name], [Home("I", base, owned=owned)], node.body, again, end)
        self._close(start, counter, head, again, end)

    def _with_names(
        self, names: list[str], homes: list[Home], body: list[ast.stmt], again: Label, end: Label
    ) -> None:
        """Make code for a body with loop variables, which end with it."""
        hidden = {name: self.homes[name] for name in names if name in self.homes}
        for name, home in zip(names, homes, strict=True):
            self.shapes[name] = home.shape
            self.homes[name] = self.facts[name] = home
            self.fixed[name] = None
        self._body(body, again, end)
        for name in names:
            self.drop_home(name)
            del self.fixed[name]
        for name, home in hidden.items():
            self.homes[name] = self.facts[name] = home

    def _unroll(self, node: ast.For, name: str, numbers: range) -> None:
        """Repeat the body with the loop variable as a constant."""
        end = Label()
        before = dict(self.facts)
        for number in numbers:
            if not self.live:
                break
            self.facts = {k: v for k, v in self.facts.items() if before.get(k) is v}
            self.constants[name] = number
            again = Label()
            self._body(node.body, again, end)
            self.place(again)
        self.constants.pop(name, None)
        self.place(end)
        self.facts = {k: v for k, v in self.facts.items() if before.get(k) is v}

    def _keys(self, node: ast.For) -> None:
        """Walk over the keys of a map that begin with given parts."""
        call = node.iter
        if (
            not isinstance(call, ast.Call)
            or not isinstance(call.func, ast.Attribute)
            or (call.func.attr != "keys")
        ):
            raise self.refuse("loops run over range(n) or self.map.keys(..., limit=n)")
        if self.declaration.kind != FunctionKind.VIEW:
            raise self.refuse("only views walk over keys; keep a list or a count instead")
        field = self.map_of(call.func.value)
        limits = [keyword.value for keyword in call.keywords if keyword.arg == "limit"]
        if len(limits) != 1 or len(call.keywords) != 1:
            raise self.refuse("keys(..., limit=n) needs its limit", call)
        bound = self._bound(limits[0])
        targets = node.target.elts if isinstance(node.target, ast.Tuple) else [node.target]
        names = [target.id for target in targets if isinstance(target, ast.Name)]
        if len(names) != len(field.key) or len(call.args) >= len(field.key):
            text = f"self.{field.name} has {len(field.key)} key parts: name all, give fewer"
            raise self.refuse(text, node)
        prefix = [part.id if isinstance(part, ast.Name) else None for part in call.args]
        self._new_names(node, names, prefix + [None] * (len(names) - len(prefix)))
        key = self._first_key(field, call.args)
        found = self.keep(self.temporary("B"))
        self.move(self.constant(False), found)
        again, end = Label(), Label()
        start, counter, head = self._open(node, bound)
        self.branch(Op.BRLT, end, self.constant(bound).base, counter)
        self.emit(Op.NEXT, found, key, len(call.args), field.number)
        self.branch(Op.BRF, end, found)
        homes = [Home(kind.letter, key + i, owned=False) for i, kind in enumerate(field.key)]
        self._with_names(names, homes, node.body, again, end)
        self._close(start, counter, head, again, end)
        for register in (found, *range(key, key + len(names))):
            self.free[register] = True

    def _first_key(self, field: FieldDeclaration, prefix: list[ast.expr]) -> int:
        letters = "".join(kind.letter for kind in field.key)
        key = self.keep(self.temporary(letters))
        for offset, kind in enumerate(field.key):
            if offset < len(prefix):
                self.typed(prefix[offset], shape_of(kind), key + offset)
            else:
                self.zero(kind, key + offset)
        return key
