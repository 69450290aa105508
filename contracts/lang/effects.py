"""Calls that stand on a line of their own: require, fail, emit, timers, money."""

import ast

from contracts.lang.assembly import Label
from contracts.lang.builtin_names import STATEMENT_CALLS
from contracts.lang.constants import error_name, fold
from contracts.lang.expressions import Expressions
from contracts.lang.frame import Value
from contracts.lang.model import FunctionDeclaration, Model
from contracts.lang.storage import elements, self_member
from contracts.vm.container import FunctionKind
from contracts.vm.opcodes import Op


class Effects(Expressions):
    """Code for statement calls. Failures stand at the function's end, out of the straight way."""

    def __init__(self, model: Model, declaration: FunctionDeclaration) -> None:
        """Take what Frame takes."""
        super().__init__(model, declaration)
        self.failures: dict[tuple[int, int], tuple[Label, ast.AST]] = {}  # by line and error

    def statement_call(self, call: ast.Call) -> None:
        """Make code for a call whose result nobody takes."""
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name not in STATEMENT_CALLS:
            self.result_of_call(call, None)
            return
        match name:
            case "require":
                condition, error = self._condition_and_error(call)
                self._require(condition, error)
            case "fail":
                if len(call.args) != 1 or call.keywords:
                    raise self.refuse('write fail("error_name")', call)
                self.emit(Op.FAIL, t=self._error_number(call.args[0]))
                self.live = False
            case "emit":
                self._emit_event(call)
            case "schedule":
                self._schedule(call)
            case "cancel":
                values = dict(self.bind(call, ("timer", "key")))
                timer = self.timer_of(values["timer"])
                key = self.timer_key(timer, values["key"])
                self.emit(Op.CANCEL, 0, key.base, 0, timer.number)
            case "cancel_all":
                self._cancel_all(call)
            case "mint" | "burn":
                self._issue(call, Op.MINT if name == "mint" else Op.BURN)
            case _:
                raise self.refuse("bounded(n) stands first in the body of a while", call)

    def _condition_and_error(self, call: ast.Call) -> tuple[ast.expr, int]:
        if len(call.args) != 2 or call.keywords:  # noqa: PLR2004
            raise self.refuse('write require(condition, "error_name")', call)
        return call.args[0], self._error_number(call.args[1])

    def _error_number(self, node: ast.expr) -> int:
        name = error_name(node)
        if name is None:
            raise self.refuse('an error is a short name in quotes: "not_owner"', node)
        return self.model.error_number(name)

    def _require(self, condition: ast.expr, error: int) -> None:
        if isinstance(condition, ast.BoolOp) and isinstance(condition.op, ast.And):
            for part in condition.values:
                if self.live:
                    self._require(part, error)
            return
        held = fold(condition, self.constants)
        if isinstance(held, bool):
            if not held:
                raise self.refuse("this requirement never holds", condition)
            return
        if isinstance(condition, ast.Name | ast.Attribute | ast.Call | ast.Subscript):
            value = self.typed(condition, "B")
            self.release(value)
            self.emit(Op.REQ, 0, value.base, 0, error)
            return
        line = getattr(self.node, "lineno", 1)
        label, _ = self.failures.setdefault((line, error), (Label(), self.node))
        self.jump_if(condition, label, sense=False)

    def place_failures(self) -> None:
        """Put the failures after the code that jumps to them."""
        for (_line, error), (label, node) in self.failures.items():
            self.node = node
            self.place(label)
            self.emit(Op.FAIL, t=error)
            self.live = False

    def _emit_event(self, call: ast.Call) -> None:
        name = self_member(call.args[0]) if call.args else None
        event = self.model.events.get(name) if name else None
        if event is None:
            raise self.refuse("the first argument is an event of the contract: self.Name", call)
        rest = ast.Call(func=call.func, args=call.args[1:], keywords=call.keywords)
        ast.copy_location(rest, call)
        nodes = self.ordered(rest, tuple(field for field, _, _ in event.fields))
        values = self.arguments(call, nodes, [kind for _, kind, _ in event.fields])
        self.emit(Op.EMIT, 0, values.base, 0, event.number)

    def _schedule(self, call: ast.Call) -> None:
        bound = self.bind(call, ("timer", "at", "key"))
        timer = self.timer_of(dict(bound)["timer"])
        values: dict[str, Value] = {}
        for name, node in bound:
            if name == "key":
                values[name] = self.timer_key(timer, node)
            elif name == "at":
                values[name] = self.typed(node, "I")
        self.emit(Op.SCHED, 0, values["key"].base, values["at"].base, timer.number)

    def _cancel_all(self, call: ast.Call) -> None:
        nodes = elements(dict(self.bind(call, ("key",)))["key"])
        values = [self.value(node) for node in nodes]
        shapes = [value.shape for value in values]
        timers = [timer for timer in self._timers() if list(timer.param_letters) == shapes]
        if not timers:
            raise self.refuse("no timer of the contract has a key like this", call)
        if len(values) == 1:
            base = values[0].base
        else:
            block = self.temporary("".join(timers[0].param_letters))
            base = block.base
            for offset, value in enumerate(values):
                self.move(value, base + offset)
        for timer in timers:
            self.emit(Op.CANCEL, 0, base, 0, timer.number)

    def _timers(self) -> list[FunctionDeclaration]:
        functions = self.model.functions.values()
        return [function for function in functions if function.kind == FunctionKind.TIMER]

    def _issue(self, call: ast.Call, op: Op) -> None:
        if len(call.args) != 3 or call.keywords:  # noqa: PLR2004
            raise self.refuse(
                "write mint(self.asset, to, amount) or burn(self.asset, of, amount)", call
            )
        asset = self.asset_of(call.args[0])
        account = self.typed(call.args[1], "A")
        amount = self.typed(call.args[2], "I")
        self.emit(op, 0, account.base, amount.base, asset)
