"""State in expressions: variables, maps, pots, timers, links; calls of internal functions."""

import ast

from contracts.lang.assembly import NOTHING
from contracts.lang.frame import Frame, Value
from contracts.lang.model import FieldDeclaration, FunctionDeclaration, PotDeclaration
from contracts.lang.types import letters_of, shape_of
from contracts.vm.container import FunctionKind
from contracts.vm.opcodes import Op

# pot method: its parameters in order
POT_METHODS: dict[str, tuple[str, ...]] = {
    "open": ("key", "until", "fallback"),
    "add": ("key",),
    "pay": ("key", "to", "amount"),
    "move": ("key", "other", "amount"),
    "extend": ("key", "until"),
    "close": ("key", "to"),
    "balance": ("key",),
}
# pot method: opcode and the parameters that are its operands d and b
_POT_OPCODES: dict[str, tuple[Op, str, str]] = {
    "open": (Op.POPEN, "fallback", "until"),
    "add": (Op.PADD, "", ""),
    "pay": (Op.PPAY, "to", "amount"),
    "move": (Op.PMOVE, "amount", "other"),
    "extend": (Op.PEXT, "", "until"),
    "close": (Op.PCLOSE, "to", ""),
}
_POT_SHAPES: dict[str, str] = {"until": "I", "fallback": "A", "to": "A", "amount": "I"}


def self_member(node: ast.expr) -> str | None:
    """Return x of `self.x`, or None."""
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        return node.attr if node.value.id == "self" else None
    return None


def elements(node: ast.expr) -> list[ast.expr]:
    """Return the parts of a tuple, or the one expression."""
    return list(node.elts) if isinstance(node, ast.Tuple) else [node]


class Storage(Frame):
    """Code for what the contract keeps."""

    def bind(self, call: ast.Call, names: tuple[str, ...]) -> list[tuple[str, ast.expr]]:
        """Return the arguments of a call with their names, in the order they are written."""
        if len(call.args) > len(names):
            raise self.refuse(f"{len(call.args)} arguments; they are {', '.join(names)}", call)
        bound = list(zip(names, call.args, strict=False))
        for keyword in call.keywords:
            assert keyword.arg is not None
            if keyword.arg not in names or keyword.arg in [name for name, _ in bound]:
                text = f"{keyword.arg}= does not fit; the arguments are {', '.join(names)}"
                raise self.refuse(text, keyword.value)
            bound.append((keyword.arg, keyword.value))
        if len(bound) != len(names):
            missing = [name for name in names if name not in [given for given, _ in bound]]
            raise self.refuse(f"missing: {', '.join(missing)}", call)
        return bound

    def map_of(self, node: ast.expr) -> FieldDeclaration:
        """Return the map that `self.m` names."""
        name = self_member(node)
        field = self.model.fields.get(name) if name else None
        if field is None:
            raise self.refuse("only maps of the contract are indexed: self.name[key]", node)
        if not field.key:
            raise self.refuse(f"self.{field.name} is a single variable, not a Map", node)
        return field

    def key(self, field: FieldDeclaration | PotDeclaration, node: ast.expr) -> Value:
        """Make code for a key."""
        return self.arguments(node, elements(node), list(field.key))

    def load(self, field: FieldDeclaration, key: Value, op: Op, into: int | None) -> Value:
        """Make code that reads a record or a single variable."""
        self.release(key)
        result = self.temporary(shape_of(field.value), into)
        self.emit(op, result.base, key.base, t=field.number)
        return result

    def has(self, field: FieldDeclaration, node: ast.expr, into: int | None) -> Value:
        """Make code that asks whether a key is there."""
        key = self.key(field, node)
        self.release(key)
        result = self.temporary("B", into)
        self.emit(Op.HAS, result.base, key.base, t=field.number)
        return result

    def pot_call(self, pot: PotDeclaration, call: ast.Call, into: int | None) -> Value | None:
        """Make code for a method of a family of pots; only `balance` has a result."""
        assert isinstance(call.func, ast.Attribute)
        method = call.func.attr
        if method not in POT_METHODS:
            text = f"pots have {', '.join(POT_METHODS)}; {method} is none of them"
            raise self.refuse(text, call)
        values: dict[str, Value] = {}
        for name, node in self.bind(call, POT_METHODS[method]):
            if name in {"key", "other"}:
                values[name] = self.key(pot, node)
            else:
                values[name] = self.typed(node, _POT_SHAPES[name])
        self.release(*values.values())
        at = {name: value.base for name, value in values.items()}
        key = at["key"]
        if method in {"open", "add"}:
            self.take_payment(pot.asset, call)
        if method == "balance":
            result = self.temporary("I", into)
            self.emit(Op.PBAL, result.base, key, 0, pot.number)
            return result
        op, d, b = _POT_OPCODES[method]
        self.emit(op, at.get(d, 0), key, at.get(b, 0), pot.number)
        return None

    def take_payment(self, asset: int, node: ast.AST) -> None:
        """Note that this function puts what was paid into a pot of `asset`, or refuse it."""
        declaration = self.declaration
        if declaration.kind == FunctionKind.INTERNAL and declaration.asset is None:
            declaration.asset = asset
        if declaration.asset != asset:
            name = list(self.model.assets)[asset]
            text = f"only an @action(payable={name}) can put a payment into this pot"
            raise self.refuse(text, node)

    def timer_of(self, node: ast.expr) -> FunctionDeclaration:
        """Return the timer that `self.on_x` names."""
        name = self_member(node)
        timer = self.model.functions.get(name) if name else None
        if timer is None or timer.kind != FunctionKind.TIMER:
            raise self.refuse("name a @timer function: self.on_...", node)
        return timer

    def timer_key(self, timer: FunctionDeclaration, node: ast.expr) -> Value:
        """Make code for the key of a timer."""
        return self.arguments(node, elements(node), [kind for _, kind in timer.params])

    def internal_call(self, call: ast.Call, name: str, into: int | None) -> Value | None:
        """Make code for `self._name(...)`."""
        callee = self.model.functions.get(name)
        if callee is None:
            raise self.refuse(f"self.{name} is not declared", call)
        if callee.kind != FunctionKind.INTERNAL:
            text = f"{name} is called from outside; move its body into an internal function _{name}"
            raise self.refuse(text, call)
        nodes = self.ordered(call, tuple(param for param, _ in callee.params))
        args = self._call_arguments(call, callee, nodes)
        self.release(args)
        if callee.writes:
            self.note_write(f"{name} does")
        if callee.asset is not None:
            self.take_payment(callee.asset, call)
        if callee.returns is None:
            self.emit(Op.CALL, NOTHING, args.base, t=callee.number)
            return None
        result = self.temporary(shape_of(callee.returns), into)
        self.emit(Op.CALL, result.base, args.base, t=callee.number)
        return result

    def _call_arguments(
        self, call: ast.Call, callee: FunctionDeclaration, nodes: list[ast.expr]
    ) -> Value:
        """Put arguments in a row, around a record that already waits in the right place."""
        kinds = [kind for _, kind in callee.params]
        offset = 0
        for node, kind in zip(nodes, kinds, strict=True):
            name = node.id if isinstance(node, ast.Name) else ""
            waits_for, base = self.blocks.get(name, ("", 0))
            home = self.known(name)
            if (
                waits_for == callee.name
                and name not in self.busy
                and home is not None
                and (home.owned and home.base == base + offset)
            ):
                self.busy[name] = None
                at = base
                for other, other_kind in zip(nodes, kinds, strict=True):
                    self.typed(other, shape_of(other_kind), at)
                    at += len(other_kind.letters)
                del self.busy[name]
                return Value(callee.param_letters, base)
            offset += len(kind.letters)
        return self.arguments(call, nodes, kinds)

    def ordered(self, call: ast.Call, names: tuple[str, ...]) -> list[ast.expr]:
        """Return the arguments of a call; keywords must come in the declared order."""
        bound = self.bind(call, names)
        if [name for name, _ in bound] != list(names):
            raise self.refuse(f"write the arguments in their order: {', '.join(names)}", call)
        return [node for _, node in bound]

    def link_call(
        self, call: ast.Call, link_name: str, name: str, into: int | None
    ) -> Value | None:
        """Make code for `self.link.function(...)`."""
        link = self.model.links[link_name]
        names = [function.name for function in link.functions]
        if name not in names:
            raise self.refuse(f"{link.interface} declares {', '.join(names)}, not {name}", call)
        function = link.functions[names.index(name)]
        nodes = self.ordered(call, tuple(param for param, _ in function.params))
        args = self.arguments(call, nodes, [kind for _, kind in function.params])
        self.release(args)
        if function.is_action:
            self.note_write(f"{name} is an action")
        number = link.first_call + names.index(name)
        if function.returns is None:
            self.emit(Op.LINK, NOTHING, args.base, t=number)
            return None
        result = self.temporary(shape_of(function.returns), into)
        self.emit(Op.LINK, result.base, args.base, t=number)
        return result

    def part(self, value: Value, name: str, node: ast.AST) -> Value:
        """Return one field of a record value; the rest of a temporary is given back."""
        if isinstance(value.shape, str):
            raise self.refuse("only records have fields", node)
        found = value.shape.part(name)
        if found is None:
            fields = ", ".join(field for field, _ in value.shape.fields)
            raise self.refuse(f"{value.shape.name} has no field {name}; it has {fields}", node)
        offset, kind = found
        first, count = value.base + offset, len(kind.letters)
        if value.temporary:
            for register in range(value.base, value.base + len(letters_of(value.shape))):
                if not first <= register < first + count:
                    del self.temporaries[register]
                    self.free[register] = True
        return Value(shape_of(kind), first, value.temporary)
