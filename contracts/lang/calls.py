"""Calls in expressions: built-in functions, records under construction, methods of state."""

import ast
from collections.abc import Callable

from contracts.lang.builtin_names import CONTEXT_CALLS, FOLDING_CALLS, PLAIN_CALLS, STATEMENT_CALLS
from contracts.lang.constants import ROLES, fold
from contracts.lang.frame import Home, Value
from contracts.lang.storage import Storage, elements, self_member
from contracts.lang.types import PLAIN_TYPES, RecordType, ScalarType, shape_of
from contracts.vm.container import Kind
from contracts.vm.opcodes import CONTEXT_TYPES, Op

_I2B_WIDTH_MAX = 16
_CHECKED = ("u8", "u16", "u32", "uint", "sint")


class Calls(Storage):
    """Code for calls; `result_of_call` gives None for those without a result."""

    def result_of_call(self, call: ast.Call, into: int | None) -> Value | None:
        """Make code for any call."""
        if isinstance(call.func, ast.Name):
            return self._named_call(call, call.func.id, into)
        if not isinstance(call.func, ast.Attribute):
            raise self.refuse("only names are called", call)
        own = self_member(call.func)
        if own is not None:
            return self.internal_call(call, own, into)
        owner, method = self_member(call.func.value), call.func.attr
        if owner in self.model.pots:
            return self.pot_call(self.model.pots[owner], call, into)
        if owner in self.model.links:
            return self.link_call(call, owner, method, into)
        if owner in self.model.fields and method == "get":
            field = self.map_of(call.func.value)
            if call.keywords or not call.args:
                raise self.refuse("write self.map.get(key)", call)
            nodes = call.args if len(call.args) > 1 else elements(call.args[0])
            key = self.arguments(call, nodes, list(field.key))
            return self.load(field, key, Op.GETZ, into)
        if owner in self.model.fields and method == "keys":
            raise self.refuse("keys() stands only behind `for ... in`, in a view", call)
        raise self.refuse(f"nothing of the contract has a function {method}", call)

    def _named_call(self, call: ast.Call, name: str, into: int | None) -> Value | None:
        if name in self.shapes:
            raise self.refuse(f"{name} is a variable here; rename it to call {name}()", call)
        if name in self.model.records:
            return self._construct(call, self.model.records[name], into)
        if name in CONTEXT_CALLS:
            self.bind(call, ())
            return self.context(name, into)
        if name in STATEMENT_CALLS:
            raise self.refuse(f"{name}(...) stands on a line of its own", call)
        if call.keywords:
            raise self.refuse(f"{name} takes its arguments by position", call)
        return self._built_in(call, name, into)

    def _built_in(self, call: ast.Call, name: str, into: int | None) -> Value:
        if name in PLAIN_CALLS:
            return self._plain_call(call, name, into)
        if name in FOLDING_CALLS:
            return self._folding_call(call, FOLDING_CALLS[name], into)
        if name in _CHECKED:
            (node,) = self._exactly(call, 1)
            value = self.typed(node, "I", into)
            self.emit(Op.CHK, 0, value.base, 0, int(PLAIN_TYPES[name].kind))
            return value
        others: dict[str, Callable[[ast.Call, int | None], Value]] = {
            "to_bytes": self._to_bytes,
            "zero_address": self._zero_address,
            "has_role": self._has_role,
            "balance": self._balance,
            "supply": self._supply,
        }
        if name not in others:
            raise self.refuse(f"{name} is not a function of the language", call)
        return others[name](call, into)

    def _zero_address(self, call: ast.Call, into: int | None) -> Value:
        self._exactly(call, 0)
        result = self.temporary("A", into)
        self.emit(Op.B2A, result.base, self.constant(bytes(32)).base)
        return result

    def _balance(self, call: ast.Call, into: int | None) -> Value:
        asset_node, node = self._exactly(call, 2)
        asset = self.asset_of(asset_node)
        value = self.typed(node, "A")
        self.release(value)
        result = self.temporary("I", into)
        self.emit(Op.BALANCE, result.base, value.base, 0, asset)
        return result

    def _supply(self, call: ast.Call, into: int | None) -> Value:
        (asset_node,) = self._exactly(call, 1)
        result = self.temporary("I", into)
        self.emit(Op.SUPPLY, result.base, 0, 0, self.asset_of(asset_node))
        return result

    def _exactly(self, call: ast.Call, count: int) -> list[ast.expr]:
        if len(call.args) != count or call.keywords:
            raise self.refuse(f"{count} arguments are needed, {len(call.args)} are given", call)
        return call.args

    def context(self, name: str, into: int | None) -> Value:
        """Make code for caller(), now() and so on; asked for once on a path, then kept."""
        number = CONTEXT_CALLS[name]
        letter = CONTEXT_TYPES[number]
        local = f"{name}()"
        known = self.known(local)
        if known is not None:
            return self.settle(Value(letter, known.base), into)
        if into is not None:
            self.emit(Op.CTX, into, t=number)
            return Value(letter, into)
        home = self.homes.get(local)
        if home is None:
            home = self.homes[local] = Home(letter, self.allocate(letter), owned=True)
        self.facts[local] = home
        self.emit(Op.CTX, home.base, t=number)
        return Value(letter, home.base)

    def _plain_call(self, call: ast.Call, name: str, into: int | None) -> Value:
        op, letters, result_letter = PLAIN_CALLS[name]
        nodes = self._exactly(call, len(letters))
        values = [self.typed(node, letter) for node, letter in zip(nodes, letters, strict=True)]
        self.release(*values)
        operands = [value.base for value in values] + [0, 0]
        result = self.temporary(result_letter, into)
        self.emit(op, result.base, operands[0], operands[1], operands[2])
        return result

    def _folding_call(self, call: ast.Call, op: Op, into: int | None) -> Value:
        letter = "Y" if op == Op.CAT else "I"
        if len(call.args) < 2 or call.keywords:  # noqa: PLR2004
            raise self.refuse("two or more arguments are needed", call)
        value = self.typed(call.args[0], letter)
        last = len(call.args) - 1
        for number, node in enumerate(call.args[1:], 1):
            other = self.typed(node, letter)
            self.release(value, other)
            result = self.temporary(letter, into if number == last else None)
            self.emit(op, result.base, value.base, other.base)
            value = result
        return value

    def _to_bytes(self, call: ast.Call, into: int | None) -> Value:
        node, width_node = self._exactly(call, 2)
        width = fold(width_node, self.constants)
        if type(width) is not int or not 1 <= width <= _I2B_WIDTH_MAX:
            raise self.refuse(f"the width is a constant of 1..{_I2B_WIDTH_MAX}", width_node)
        value = self.typed(node, "I")
        self.release(value)
        result = self.temporary("Y", into)
        self.emit(Op.I2B, result.base, value.base, 0, width)
        return result

    def _has_role(self, call: ast.Call, into: int | None) -> Value:
        node, role_node = self._exactly(call, 2)
        role = fold(role_node, self.constants)
        if type(role) is not int or role not in ROLES.values():
            raise self.refuse(f"the role is one of {', '.join(ROLES)}", role_node)
        value = self.typed(node, "A")
        self.release(value)
        result = self.temporary("B", into)
        self.emit(Op.ROLE, result.base, value.base, 0, role)
        return result

    def asset_of(self, node: ast.expr) -> int:
        """Return the number of the asset that `self.money` names."""
        name = self_member(node)
        if name is None or name not in self.model.assets:
            raise self.refuse("name an asset of the contract: self.money", node)
        return self.model.assets[name]

    def _construct(self, call: ast.Call, record: RecordType, into: int | None) -> Value:
        if call.args:
            raise self.refuse(f"name the fields: {record.name}({record.fields[0][0]}=...)", call)
        result = self.temporary(record, into)
        given: dict[str, None] = {}
        for keyword in call.keywords:
            assert keyword.arg is not None
            found = record.part(keyword.arg)
            if found is None or keyword.arg in given:
                raise self.refuse(f"{record.name} has no such field left: {keyword.arg}", keyword)
            given[keyword.arg] = None
            offset, kind = found
            self.typed(keyword.value, shape_of(kind), result.base + offset)
        for name, kind in record.fields:
            if name not in given:
                found = record.part(name)
                assert found is not None
                self.zero(kind, result.base + found[0])
        return result

    def zero(self, kind: ScalarType | RecordType, base: int) -> None:
        """Make code that puts the zero of a type into registers `base`.."""
        scalars = [scalar for _, scalar in kind.flat] if isinstance(kind, RecordType) else [kind]
        for offset, scalar in enumerate(scalars):
            match scalar.letter:
                case "I":
                    self.move(self.constant(0), base + offset)
                case "B":
                    self.move(self.constant(False), base + offset)
                case "A":
                    self.emit(Op.B2A, base + offset, self.constant(bytes(32)).base)
                case _:
                    zeros = bytes(32) if scalar.kind == Kind.HASH else b""
                    self.move(self.constant(zeros), base + offset)
