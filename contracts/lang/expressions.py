"""Expressions and conditions."""

import ast
from collections.abc import Callable
from typing import Any

from contracts.lang.assembly import Label
from contracts.lang.builtin_names import CONTEXT_CALLS
from contracts.lang.calls import Calls
from contracts.lang.constants import fold
from contracts.lang.frame import Value
from contracts.lang.model import FunctionDeclaration, Model
from contracts.lang.storage import self_member
from contracts.lang.types import letters_of, name_of
from contracts.vm.opcodes import Op

_ARITHMETIC: dict[type[ast.operator], Op] = {
    ast.Add: Op.ADD, ast.Sub: Op.SUB, ast.Mult: Op.MUL, ast.FloorDiv: Op.DIV, ast.Mod: Op.MOD,
}  # fmt: skip
# comparison: opcode and whether the operands change places
_COMPARE: dict[type[ast.cmpop], tuple[Op, bool]] = {
    ast.Lt: (Op.LT, False), ast.LtE: (Op.LE, False), ast.Gt: (Op.LT, True), ast.GtE: (Op.LE, True),
    ast.Eq: (Op.EQ, False), ast.NotEq: (Op.NE, False),
}  # fmt: skip
# branch if the comparison holds; branch if not, and whether that one's operands change places
_BRANCH: dict[Op, tuple[Op, Op, bool]] = {
    Op.LT: (Op.BRLT, Op.BRLE, True), Op.LE: (Op.BRLE, Op.BRLT, True),
    Op.EQ: (Op.BREQ, Op.BRNE, False), Op.NE: (Op.BRNE, Op.BREQ, False),
}  # fmt: skip


class Expressions(Calls):
    """Code for expressions: operands strictly from left to right."""

    def __init__(self, model: Model, declaration: FunctionDeclaration) -> None:
        """Take what Frame takes."""
        super().__init__(model, declaration)
        self.value_makers: dict[type[ast.expr], Callable[[Any, int | None], Value]] = {
            ast.Attribute: self._attribute,
            ast.Subscript: self._subscript,
            ast.BinOp: self._arithmetic,
            ast.UnaryOp: self._unary,
            ast.Compare: self._comparison,
            ast.BoolOp: self._bool_operation,
            ast.IfExp: self._choice,
            ast.Call: self._call_value,
        }

    def simple(self, node: ast.expr) -> Value | None:
        """Return where an expression already stands, or None if it takes code."""
        constant = fold(node, self.constants)
        if constant is not None:
            if isinstance(constant, tuple):
                return None
            return self.constant(constant.encode() if isinstance(constant, str) else constant)
        if isinstance(node, ast.Name):
            known = self.known(node.id)
            return None if known is None else Value(known.shape, known.base)
        if isinstance(node, ast.Attribute):
            owner = self.simple(node.value)
            return None if owner is None else self.part(owner, node.attr, node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and not node.args:
            known = self.known(f"{node.func.id}()") if node.func.id in CONTEXT_CALLS else None
            return None if known is None else Value(known.shape, known.base)
        return None

    def value(self, node: ast.expr, into: int | None = None) -> Value:
        """Make code that computes an expression, into register `into` if given."""
        standing = self.simple(node)
        if standing is not None:
            return self.settle(standing, into)
        if isinstance(node, ast.Name):
            raise self._unknown(node)
        maker = self.value_makers.get(type(node))
        if maker is None:
            raise self.refuse("not a value; tuples stand only in keys and constants", node)
        return maker(node, into)

    def _call_value(self, node: ast.Call, into: int | None) -> Value:
        result = self.result_of_call(node, into)
        if result is None:
            raise self.refuse("this call has no result", node)
        return result

    def _unknown(self, node: ast.Name) -> Exception:
        if node.id in self.shapes:
            text = f"{node.id} may have no value here; assign it on every way to this line"
        else:
            text = f"{node.id} is not known; state is written self.{node.id}"
        return self.refuse(text, node)

    def _attribute(self, node: ast.Attribute, into: int | None) -> Value:
        name = self_member(node)
        if name is None:
            return self.settle(self.part(self.value(node.value), node.attr, node), into)
        field = self.model.fields.get(name)
        if field is None or field.key:
            known = field or name in self.model.pots or name in self.model.assets
            hint = f"self.{name} has a key or methods" if known else f"self.{name} is not declared"
            raise self.refuse(hint, node)
        return self.load(field, self.arguments(node, [], []), Op.GETZ, into)

    def _subscript(self, node: ast.Subscript, into: int | None) -> Value:
        row = fold(node.value, self.constants)
        if isinstance(row, tuple):
            return self._pick(node, row, into)
        field = self.map_of(node.value)
        return self.load(field, self.key(field, node.slice), Op.GET, into)

    def _pick(self, node: ast.Subscript, row: tuple[int, ...], into: int | None) -> Value:
        """Choose from constants by an index that is known only when the code runs."""
        index = self.typed(node.slice, "I")
        result = self.temporary("I", into)
        end = Label()
        for number, item in enumerate(row):
            other = Label()
            self.branch(Op.BRNE, other, index.base, self.constant(number).base)
            self.move(self.constant(item), result.base)
            self.branch(Op.JMP, end)
            self.place(other)
        self.emit(Op.FAIL, t=self.model.error_number("index"))
        self.live = False
        self.place(end)
        self.release(index)
        return result

    def _arithmetic(self, node: ast.BinOp, into: int | None) -> Value:
        left = self.typed(node.left, "I")
        right = self.typed(node.right, "I")
        self.release(left, right)
        result = self.temporary("I", into)
        self.emit(_ARITHMETIC[type(node.op)], result.base, left.base, right.base)
        return result

    def _unary(self, node: ast.UnaryOp, into: int | None) -> Value:
        is_not = isinstance(node.op, ast.Not)
        value = self.typed(node.operand, "B" if is_not else "I")
        self.release(value)
        result = self.temporary(value.shape, into)
        if is_not:
            self.emit(Op.NOT, result.base, value.base)
        else:
            self.emit(Op.SUB, result.base, self.constant(0).base, value.base)
        return result

    def _operands(self, node: ast.Compare) -> tuple[Op, int, int]:
        """Make code for both sides; return the opcode and its operands."""
        op, swapped = _COMPARE[type(node.ops[0])]
        left = self.value(node.left)
        right = self.value(node.comparators[0])
        if op in {Op.LT, Op.LE}:
            self.expect(node.left, left, "I")
        elif len(letters_of(left.shape)) != 1 or not isinstance(left.shape, str):
            raise self.refuse("records are compared field by field", node)
        if right.shape != left.shape:
            text = f"{name_of(left.shape)} and {name_of(right.shape)} do not compare"
            raise self.refuse(text, node)
        self.release(left, right)
        return (op, right.base, left.base) if swapped else (op, left.base, right.base)

    def _comparison(self, node: ast.Compare, into: int | None) -> Value:
        if isinstance(node.ops[0], ast.In | ast.NotIn):
            found = self.has(self.map_of(node.comparators[0]), node.left, into)
            if isinstance(node.ops[0], ast.NotIn):
                self.emit(Op.NOT, found.base, found.base)
            return found
        op, a, b = self._operands(node)
        result = self.temporary("B", into)
        self.emit(op, result.base, a, b)
        return result

    def _is_cheap(self, node: ast.expr) -> bool:
        """Tell whether an expression can not trap and costs less than a jump around it."""
        if isinstance(node, ast.Compare) and not isinstance(node.ops[0], ast.In | ast.NotIn):
            return self._is_cheap(node.left) and self._is_cheap(node.comparators[0])
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return self._is_cheap(node.operand)
        return self.simple(node) is not None

    def _bool_operation(self, node: ast.BoolOp, into: int | None) -> Value:
        is_and = isinstance(node.op, ast.And)
        if all(self._is_cheap(operand) for operand in node.values[1:]):
            value = self.typed(node.values[0], "B")
            for operand in node.values[1:]:
                other = self.typed(operand, "B")
                self.release(value, other)
                result = self.temporary("B", into if operand is node.values[-1] else None)
                self.emit(Op.AND if is_and else Op.OR, result.base, value.base, other.base)
                value = result
            return value
        result, end = self.temporary("B", into), Label()
        for operand in node.values:
            self.typed(operand, "B", result.base)
            if operand is not node.values[-1]:
                self.branch(Op.BRF if is_and else Op.BRT, end, result.base)
        self.place(end)
        return result

    def _choice(self, node: ast.IfExp, into: int | None) -> Value:
        test = fold(node.test, self.constants)
        if isinstance(test, bool):
            return self.value(node.body if test else node.orelse, into)
        first, second = self.simple(node.body), self.simple(node.orelse)
        if first and second and isinstance(first.shape, str) and first.shape == second.shape:
            condition = self.typed(node.test, "B")
            self.release(condition)
            result = self.temporary(first.shape, into)
            self.emit(Op.SEL, result.base, condition.base, first.base, second.base)
            return result
        otherwise, end = Label(), Label()
        self.jump_if(node.test, otherwise, sense=False)
        result = self.value(node.body, into)
        if into is None and not result.temporary:
            result = self.move(result, self.temporary(result.shape).base)
            result = Value(result.shape, result.base, temporary=True)
        self.branch(Op.JMP, end)
        self.place(otherwise)
        self.typed(node.orelse, result.shape, result.base)
        self.place(end)
        return result

    def jump_if(self, node: ast.expr, label: Label, *, sense: bool) -> None:
        """Make code that goes to `label` if the condition is `sense`, else falls through."""
        constant = fold(node, self.constants)
        if isinstance(constant, bool):
            if constant is sense:
                self.branch(Op.JMP, label)
            return
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            self.jump_if(node.operand, label, sense=not sense)
        elif isinstance(node, ast.BoolOp):
            self._jump_if_joined(node, label, sense=sense)
        elif isinstance(node, ast.Compare) and type(node.ops[0]) in _COMPARE:
            op, a, b = self._operands(node)
            holds, fails, swapped = _BRANCH[op]
            if sense:
                self.branch(holds, label, a, b)
            else:
                self.branch(fails, label, b if swapped else a, a if swapped else b)
        elif isinstance(node, ast.Compare):
            found = self.has(self.map_of(node.comparators[0]), node.left, None)
            self.release(found)
            positive = isinstance(node.ops[0], ast.In) is sense
            self.branch(Op.BRT if positive else Op.BRF, label, found.base)
        else:
            value = self.typed(node, "B")
            self.release(value)
            self.branch(Op.BRT if sense else Op.BRF, label, value.base)

    def _jump_if_joined(self, node: ast.BoolOp, label: Label, *, sense: bool) -> None:
        if isinstance(node.op, ast.And) is not sense:  # every operand alone can take the jump
            for operand in node.values:
                if self.live:
                    self.jump_if(operand, label, sense=sense)
            return
        past = Label()
        for operand in node.values[:-1]:
            if self.live:
                self.jump_if(operand, past, sense=not sense)
        if self.live:
            self.jump_if(node.values[-1], label, sense=sense)
        self.place(past)
