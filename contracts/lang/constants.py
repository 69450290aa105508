"""Constant expressions: what the compiler can work out by itself."""

import ast
from collections.abc import Callable, Mapping
from typing import TypeAlias

from contracts.lang.errors import error_at

ConstantValue: TypeAlias = int | bool | bytes | str | tuple[int, ...]
Names: TypeAlias = Mapping[str, ConstantValue]

UNITS_MS: dict[str, int] = {
    "seconds": 1_000,
    "minutes": 60_000,
    "hours": 3_600_000,
    "days": 86_400_000,
}
ROLES: dict[str, int] = {
    "MEMBER": 0, "OPERATOR": 1, "DEPLOYER": 2, "ADMITTER": 3, "ARBITER": 4, "OBSERVER": 5,
    "INSTALLED": 15,
}  # fmt: skip

_NAME_MAX = 48
_ARITHMETIC: dict[type[ast.operator], Callable[[int, int], int]] = {
    ast.Add: lambda a, b: a + b,
    ast.Sub: lambda a, b: a - b,
    ast.Mult: lambda a, b: a * b,
    ast.FloorDiv: lambda a, b: a // b,
    ast.Mod: lambda a, b: a % b,
}
_ORDER: dict[type[ast.cmpop], Callable[[int, int], bool]] = {
    ast.Lt: lambda a, b: a < b,
    ast.LtE: lambda a, b: a <= b,
    ast.Gt: lambda a, b: a > b,
    ast.GtE: lambda a, b: a >= b,
}


def fold(node: ast.expr, names: Names) -> ConstantValue | None:
    """Return the value of a constant expression, or None if it is not constant.

    `names` holds constants by name; members of an Enum stand there as `State.DONE`.
    """
    result: ConstantValue | None = None
    if isinstance(node, ast.Constant):
        value = node.value
        result = value if isinstance(value, bool | int | bytes | str) else None
    elif isinstance(node, ast.Name):
        result = names.get(node.id)
    elif isinstance(node, ast.Attribute):
        if isinstance(node.value, ast.Name):
            result = names.get(f"{node.value.id}.{node.attr}")
    elif isinstance(node, ast.Tuple):
        items = [fold(item, names) for item in node.elts]
        numbers = [item for item in items if isinstance(item, int) and type(item) is int]
        result = tuple(numbers) if items and len(numbers) == len(items) else None
    elif isinstance(node, ast.BinOp):
        result = _fold_arithmetic(node, names)
    elif isinstance(node, ast.UnaryOp):
        result = _fold_unary(node, names)
    elif isinstance(node, ast.Compare):
        result = _fold_comparison(node, names)
    else:
        result = _fold_rest(node, names)
    return result


def _fold_arithmetic(node: ast.BinOp, names: Names) -> int | None:
    left, right = fold(node.left, names), fold(node.right, names)
    if type(left) is not int or type(right) is not int:
        return None
    if right == 0 and isinstance(node.op, ast.FloorDiv | ast.Mod):
        raise error_at(node, "division by zero")
    return _ARITHMETIC[type(node.op)](left, right)


def _fold_unary(node: ast.UnaryOp, names: Names) -> ConstantValue | None:
    value = fold(node.operand, names)
    if isinstance(node.op, ast.Not):
        return not value if isinstance(value, bool) else None
    return -value if type(value) is int else None


def _fold_comparison(node: ast.Compare, names: Names) -> bool | None:
    left, right = fold(node.left, names), fold(node.comparators[0], names)
    if left is None or right is None or type(left) is not type(right):
        return None
    operator = node.ops[0]
    if isinstance(operator, ast.Eq | ast.NotEq):
        return (left == right) is isinstance(operator, ast.Eq)
    if type(left) is int and type(right) is int and type(operator) in _ORDER:
        return _ORDER[type(operator)](left, right)
    return None


def _fold_index(node: ast.Subscript, names: Names) -> int | None:
    row, index = fold(node.value, names), fold(node.slice, names)
    if not isinstance(row, tuple) or type(index) is not int:
        return None
    if not 0 <= index < len(row):
        raise error_at(node, f"index {index} of {len(row)} values")
    return row[index]


def _fold_rest(node: ast.expr, names: Names) -> ConstantValue | None:
    if isinstance(node, ast.Subscript):
        return _fold_index(node, names)
    if isinstance(node, ast.BoolOp):
        values = [fold(value, names) for value in node.values]
        if any(not isinstance(value, bool) for value in values):
            return None
        return all(values) if isinstance(node.op, ast.And) else any(values)
    if isinstance(node, ast.IfExp):
        test = fold(node.test, names)
        chosen = node.body if test else node.orelse
        return fold(chosen, names) if isinstance(test, bool) else None
    return _fold_call(node, names) if isinstance(node, ast.Call) else None


def _fold_call(node: ast.Call, names: Names) -> int | None:
    if not isinstance(node.func, ast.Name) or node.keywords:
        return None
    values = [fold(argument, names) for argument in node.args]
    name = node.func.id
    if name == "len" and len(values) == 1 and isinstance(values[0], tuple):
        return len(values[0])
    numbers = [value for value in values if isinstance(value, int) and type(value) is int]
    if not numbers or len(numbers) != len(values):
        return None
    if name in UNITS_MS and len(numbers) == 1:
        return numbers[0] * UNITS_MS[name]
    if name in {"min", "max"}:
        return min(numbers) if name == "min" else max(numbers)
    return None


def error_name(node: ast.expr) -> str | None:
    """Return the name in an error argument, or None if it is no error name."""
    if not isinstance(node, ast.Constant) or not isinstance(node.value, str):
        return None
    name = node.value
    return name if name.isascii() and name.isidentifier() and len(name) <= _NAME_MAX else None
