"""Statements: assignments, branches, returns. Loops stand in their own module."""

import ast
from abc import abstractmethod
from collections.abc import Callable
from typing import Any

from contracts.lang.assembly import NOTHING, Label
from contracts.lang.constants import fold
from contracts.lang.effects import Effects
from contracts.lang.frame import Home, Value
from contracts.lang.model import FunctionDeclaration, Model
from contracts.lang.storage import self_member
from contracts.lang.syntax import calls_in_order, count_stores, ends_block, mentions, root_of
from contracts.lang.types import RecordType, letters_of, name_of, read_type, shape_of
from contracts.vm.container import INT_RANGES
from contracts.vm.opcodes import Op

_ONE_STEP = (
    ast.BinOp,
    ast.UnaryOp,
    ast.Compare,
    ast.Subscript,
    ast.Attribute,
    ast.Name,
    ast.Constant,
)
_SPARING_ABOVE = 160  # registers: from here on, records are copied into calls


class Statements(Effects):
    """Code for everything but loops."""

    def __init__(self, model: Model, declaration: FunctionDeclaration) -> None:
        """Take what Frame takes."""
        super().__init__(model, declaration)
        self.stores = count_stores(self.declaration.node)
        self.calls = [
            (self.model.functions[name], call.args)
            for call in calls_in_order(self.declaration.node)
            if (name := self_member(call.func)) is not None and name in self.model.functions
        ]
        self.params = [name for name, _ in self.declaration.params]
        self.fixed: dict[str, None] = {}  # loop variables
        self.makers: dict[type[ast.stmt], Callable[[Any], None]] = {
            ast.Assign: self._assign,
            ast.AnnAssign: self._annotated,
            ast.AugAssign: self._augmented,
            ast.Expr: self._expression,
            ast.If: self._if,
            ast.Return: self._return,
        }
        self.loops: list[tuple[Label, Label]] = []  # of open loops: where continue and break go

    def block(self, body: list[ast.stmt]) -> None:
        """Make code for statements; those that constants make unreachable are left out."""
        ended = False
        for statement in body:
            if ended:
                raise self.refuse("this line is never reached; take it away", statement)
            if not self.live:
                return
            ended = ends_block(statement)
            self.node = statement
            self.statement(statement)
            self.release_all()

    def statement(self, node: ast.stmt) -> None:
        """Make code for one statement."""
        if isinstance(node, ast.For | ast.While):
            self.loop(node)
        elif isinstance(node, ast.Delete):
            for target in node.targets:
                self._delete(target)
        elif isinstance(node, ast.Break | ast.Continue):
            if not self.loops:
                raise self.refuse("there is no loop around this")
            again, end = self.loops[-1]
            self.branch(Op.JMP, end if isinstance(node, ast.Break) else again)
        elif not isinstance(node, ast.Pass):
            maker = self.makers.get(type(node))
            if maker is None:
                raise self.refuse("this stands only at module level")
            maker(node)

    @abstractmethod
    def loop(self, node: ast.For | ast.While) -> None:
        """Make code for a loop; the class that knows loops does."""

    def _expression(self, node: ast.Expr) -> None:
        value = node.value
        if isinstance(value, ast.Call):
            self.statement_call(value)
        elif not isinstance(value, ast.Constant) or not isinstance(value.value, str):
            raise self.refuse("this line does nothing", value)

    # assignment

    def _assign(self, node: ast.Assign) -> None:
        if len(node.targets) != 1:
            raise self.refuse("one assignment a line")
        target = node.targets[0]
        if isinstance(target, ast.Name):
            self.assign_local(target, node.value)
        elif isinstance(target, ast.Attribute) and self_member(target) is None:
            place = self._place_of(target)
            name = root_of(target)
            assert name is not None
            self._store(place, node.value, name)
        else:
            self._assign_state(target, node.value)

    def _place_of(self, target: ast.Attribute) -> Value:
        place = self.simple(target)
        name = root_of(target)
        if place is None or name is None:
            text = (
                "load the record into a local, change its field, then store it: self.m[key] = local"
            )
            raise self.refuse(text, target)
        self._check_free(target, name)
        return place

    def _check_free(self, node: ast.AST, name: str) -> None:
        if name in self.fixed:
            raise self.refuse(f"{name} belongs to its loop; use another variable", node)
        if name in self.constants or name in self.model.records or name in {"self", "="}:
            raise self.refuse(f"{name} already has a meaning; choose another name", node)

    def _store(self, place: Value, node: ast.expr, name: str) -> None:
        """Make code for an expression in its place, or aside if it still reads the place."""
        direct = isinstance(node, _ONE_STEP) or not mentions(node, name)
        if direct:
            self.typed(node, place.shape, place.base)
        else:
            self.move(self.typed(node, place.shape), place.base)

    def assign_local(self, target: ast.Name, node: ast.expr) -> None:
        """Make code for `name = expression`."""
        name = target.id
        self._check_free(target, name)
        home = self.homes.get(name)
        if home is not None and home.owned:
            self._store(Value(home.shape, home.base), node, name)
            self.facts[name] = home
            return
        if home is None and self.simple(node) is None:
            place = self._place_for_call(name)
            if place is not None:
                self._check_shape(target, name, self._waiting(place, name, node))
                return
        value = self.value(node)
        self._check_shape(target, name, value)
        if home is not None:
            self.drop_home(name)
        if value.temporary:
            fresh = Home(value.shape, self.keep(value), owned=True)
        elif self.stores.get(name) == 1 and self._is_stable(node):
            fresh = Home(value.shape, value.base, owned=False)
        else:
            fresh = Home(value.shape, self.allocate(letters_of(value.shape)), owned=True)
            self.move(value, fresh.base)
        self.homes[name] = self.facts[name] = fresh

    def _waiting(self, place: Value, name: str, node: ast.expr) -> Value:
        """Compute a record where a later call expects it."""
        value = self.typed(node, place.shape, place.base)
        self.homes[name] = self.facts[name] = Home(place.shape, place.base, owned=True)
        return value

    def _place_for_call(self, name: str) -> Value | None:
        """Set registers aside for the first call that takes this local, a record."""
        for callee, nodes in self.calls:
            kinds = [kind for _, kind in callee.params]
            if len(nodes) != len(kinds) or len(nodes) == 1 or len(self.letters) > _SPARING_ABOVE:
                continue
            offset = 0
            for node, kind in zip(nodes, kinds, strict=True):
                if isinstance(node, ast.Name) and node.id == name and isinstance(kind, RecordType):
                    base = self.allocate(callee.param_letters)
                    self.blocks[name] = (callee.name, base)
                    return Value(kind, base + offset)
                offset += len(kind.letters)
        return None

    def _check_shape(self, node: ast.AST, name: str, value: Value) -> None:
        shape = self.shapes.setdefault(name, value.shape)
        if shape != value.shape:
            text = f"{name} is {name_of(shape)} elsewhere, here {name_of(value.shape)}"
            raise self.refuse(text, node)

    def _is_stable(self, node: ast.expr) -> bool:
        """Tell whether what stands somewhere already will not change there."""
        name = root_of(node)
        if name is None or fold(node, self.constants) is not None:
            return True  # constants and facts of the call
        return self.stores.get(name, 0) == (0 if name in self.params else 1)

    def _assign_state(self, target: ast.expr, node: ast.expr) -> None:
        name = self_member(target)
        field = self.model.fields.get(name) if name else None
        if field is None or field.key:
            if not isinstance(target, ast.Subscript):
                raise self.refuse(
                    "assign to a local, a field of one, self.name or self.map[key]", target
                )
            field = self.map_of(target.value)
        value = self.typed(node, shape_of(field.value))
        key = (
            self.key(field, target.slice)
            if isinstance(target, ast.Subscript)
            else (self.arguments(target, [], []))
        )
        self.emit(Op.PUT, value.base, key.base, 0, field.number)

    def _annotated(self, node: ast.AnnAssign) -> None:
        if node.value is None or not isinstance(node.target, ast.Name):
            raise self.refuse("write name: type = value")
        kind = read_type(node.annotation, self.model.scope)
        self.assign_local(node.target, node.value)
        home = self.homes[node.target.id]
        self.expect(node, Value(home.shape, home.base), shape_of(kind))
        if not isinstance(kind, RecordType) and kind.kind in INT_RANGES:
            self.emit(Op.CHK, 0, home.base, 0, int(kind.kind))

    def _augmented(self, node: ast.AugAssign) -> None:
        target = node.target
        if isinstance(target, ast.Name | ast.Attribute) and self_member(target) is None:
            if isinstance(target, ast.Name):
                self._check_free(target, target.id)
            place = (
                self._place_of(target) if isinstance(target, ast.Attribute) else self.value(target)
            )
            name = root_of(target)
            assert name is not None
            self._store(place, self._sum(node, target), name)
            return
        name = self_member(target)
        field = self.model.fields.get(name) if name else None
        if field is not None and not field.key:
            key, op = self.arguments(target, [], []), Op.GETZ
        elif isinstance(target, ast.Subscript):
            field, op = self.map_of(target.value), Op.GET
            key = self.key(field, target.slice)
        else:
            raise self.refuse("only state and locals are changed", target)
        old = self.temporary(shape_of(field.value))
        self.emit(op, old.base, key.base, 0, field.number)
        self.homes["="] = self.facts["="] = Home(old.shape, old.base, owned=False)
        self._store(old, self._sum(node, ast.Name(id="=", ctx=ast.Load())), "")
        self.drop_home("=")
        self.emit(Op.PUT, old.base, key.base, 0, field.number)

    def _sum(self, node: ast.AugAssign, left: ast.expr) -> ast.BinOp:
        return ast.copy_location(ast.BinOp(left=left, op=node.op, right=node.value), node)

    def _delete(self, target: ast.expr) -> None:
        name = self_member(target)
        field = self.model.fields.get(name) if name else None
        if field is not None and not field.key:
            self.emit(Op.DEL, 0, NOTHING, 0, field.number)
        elif isinstance(target, ast.Subscript):
            field = self.map_of(target.value)
            self.emit(Op.DEL, 0, self.key(field, target.slice).base, 0, field.number)
        else:
            raise self.refuse("only state is deleted: del self.map[key]", target)

    # branches and the end

    def _if(self, node: ast.If) -> None:
        before = dict(self.homes)
        otherwise, end = Label(), Label()
        self.jump_if(node.test, otherwise, sense=False)
        self.release_all()
        self.block(node.body)
        if node.orelse:
            if self.live:
                self.branch(Op.JMP, end)
            self.place(otherwise)
            self.block(node.orelse)
            self.place(end)
        else:
            self.place(otherwise)
        self.drop_homes(before)

    def _return(self, node: ast.Return) -> None:
        returns = self.declaration.returns
        if (node.value is None) is not (returns is None):
            text = (
                "this function returns nothing" if returns is None else f"return a {returns.text}"
            )
            raise self.refuse(text)
        base = NOTHING
        if node.value is not None and returns is not None:
            base = self.typed(node.value, shape_of(returns)).base
        self.emit(Op.RET, 0, base)
        self.live = False
