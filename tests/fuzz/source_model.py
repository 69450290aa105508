"""The source of a contract run by Python, on state that copies and checks as the machine does."""

import ast
import copy
from typing import Any

SAFE_MAX = 2**53 - 1
FUNCTIONS_WITH_RECORDS = ("_mix", "_swap", "_keep")


class ModelTrapError(Exception):
    """A trap in the model, by the name of its kind."""


def _fit(value: int) -> int:
    if not -(2**127) <= value < 2**127:
        raise ModelTrapError("OVERFLOW")
    return value


def _operate(sign: str, one: Any, two: Any) -> int:
    if sign in {"FloorDiv", "Mod"} and two == 0:
        raise ModelTrapError("DIV")
    match sign:
        case "Add":
            return _fit(one + two)
        case "Sub":
            return _fit(one - two)
        case "Mult":
            return _fit(one * two)
        case "FloorDiv":
            return _fit(one // two)
        case _:
            return _fit(one % two)


class _Checks(ast.NodeTransformer):
    """Sends arithmetic through `_operate`."""

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        self.generic_visit(node)
        return self._call(type(node.op).__name__, node.left, node.right)

    def visit_UnaryOp(self, node: ast.UnaryOp) -> ast.AST:
        self.generic_visit(node)
        return (
            self._call("Sub", ast.Constant(0), node.operand)
            if isinstance(node.op, ast.USub)
            else node
        )

    def visit_AugAssign(self, node: ast.AugAssign) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.target, ast.Name):
            load: ast.expr = ast.Name(node.target.id, ast.Load())
            value = self._call(type(node.op).__name__, load, node.value)
            return ast.Assign(targets=[node.target], value=value)
        # Read the old value, then compute, then write: by the model's own hands for keys' sake.
        target = node.target
        owner = target.value
        place = ast.Constant(target.attr) if isinstance(target, ast.Attribute) else target.slice
        function = ast.Name("_augment", ast.Load())
        thunk = ast.Lambda(
            args=ast.arguments(posonlyargs=[], args=[], kwonlyargs=[], kw_defaults=[], defaults=[]),
            body=node.value,
        )
        sign = ast.Constant(type(node.op).__name__)
        return ast.Expr(ast.Call(function, [owner, place, sign, thunk], []))

    def _call(self, sign: str, left: ast.expr, right: ast.expr) -> ast.Call:
        return ast.Call(ast.Name("_operate", ast.Load()), [ast.Constant(sign), left, right], [])


def _augment(owner: Any, place: Any, sign: str, value: Any) -> None:
    named = isinstance(place, str)
    old = getattr(owner, place) if named else owner[place]
    new = _operate(sign, old, value())
    if named:
        setattr(owner, place, new)
    else:
        owner[place] = new


def _check(value: Any) -> Any:
    for one in vars(value).values() if isinstance(value, ModelRecord) else [value]:
        if not -SAFE_MAX <= one <= SAFE_MAX:
            raise ModelTrapError("RANGE")
    return copy.copy(value)


class ModelRecord:
    """A record; all records of these sources have these fields."""

    def __init__(self, *, left: int = 0, flag: bool = False, right: int = 0) -> None:
        self.left, self.flag, self.right = left, flag, right


class ModelMap:
    """A map that copies what goes in and out."""

    def __init__(self, zero: Any) -> None:
        self.items: dict[Any, Any] = {}
        self.zero = zero

    def __getitem__(self, key: Any) -> Any:
        self._check_key(key)
        if key not in self.items:
            raise ModelTrapError("MISSING")
        return copy.copy(self.items[key])

    def __setitem__(self, key: Any, value: Any) -> None:
        self._check_key(key)
        self.items[key] = _check(value)

    def __delitem__(self, key: Any) -> None:
        self._check_key(key)
        self.items.pop(key, None)

    def __contains__(self, key: Any) -> bool:
        self._check_key(key)
        return key in self.items

    def get(self, key: Any) -> Any:
        self._check_key(key)
        return copy.copy(self.items.get(key, self.zero))

    def _check_key(self, key: Any) -> None:
        for part in key if isinstance(key, tuple) else (key,):
            _check(part)


class ModelContract:
    """The state of the model; single variables copy what goes in and out."""

    def __init__(self) -> None:
        self.single: dict[str, Any] = {"count": 0, "last": ModelRecord()}
        self.rows, self.sums = ModelMap(ModelRecord()), ModelMap(0)
        self.events: list[tuple[int, ...]] = []

    @property
    def count(self) -> int:
        return int(self.single["count"])

    @count.setter
    def count(self, value: int) -> None:
        self.single["count"] = _check(value)

    @property
    def last(self) -> ModelRecord:
        found: ModelRecord = copy.copy(self.single["last"])
        return found

    @last.setter
    def last(self, value: ModelRecord) -> None:
        self.single["last"] = _check(value)


def _muldiv(one: int, two: int, three: int) -> int:
    return _fit(one * two // three)


def _require(holds: bool, _name: str) -> None:  # noqa: FBT001
    if not holds:
        raise ModelTrapError("REQUIRE")


def run_model(source: str, calls: list[tuple[int, int]]) -> list[Any]:
    """Return what each call gives or which trap ends it, with the events and the state after it."""
    text = source.replace("from wash import *", "").replace(
        "Seen = Event(n=sint, count=sint)", "Seen = 0"
    )
    tree = ast.fix_missing_locations(_Checks().visit(ast.parse(_drop_declarations(text))))
    names: dict[str, Any] = {
        "Contract": ModelContract,
        "Pair": ModelRecord,
        "sint": int,
        "action": lambda f: f,
        "_operate": _operate,
        "_augment": _augment,
        "_copy": copy.copy,
        "muldiv": _muldiv,
        "require": _require,
    }
    exec(compile(tree, "<model>", "exec"), names)
    contract = names["C"]()
    names["emit"] = lambda _event, n, count: contract.events.append((_check(n), _check(count)))
    for name in FUNCTIONS_WITH_RECORDS:
        _copy_arguments(contract, name)
    return [_call_model(contract, a, b) for a, b in calls]


def _drop_declarations(text: str) -> str:
    tree = ast.parse(text)
    body: list[ast.stmt] = []
    for node in tree.body:
        assert isinstance(node, ast.ClassDef)
        if node.name == "C":
            node.body = [n for n in node.body if isinstance(n, ast.FunctionDef | ast.Assign)]
            body.append(node)
    tree.body = body
    return ast.unparse(_CopyOnAssign().visit(tree))


class _CopyOnAssign(ast.NodeTransformer):
    """Records are values: `p = q` copies. `copy.copy` of anything else changes nothing."""

    def visit_Assign(self, node: ast.Assign) -> ast.AST:
        self.generic_visit(node)
        if isinstance(node.targets[0], ast.Name):
            node.value = ast.Call(ast.Name("_copy", ast.Load()), [node.value], [])
        return node


def _copy_arguments(contract: Any, name: str) -> None:
    plain = getattr(contract, name)
    setattr(contract, name, lambda *arguments: plain(*[copy.copy(one) for one in arguments]))


def _call_model(contract: Any, a: int, b: int) -> Any:
    before = copy.deepcopy((contract.single, contract.rows, contract.sums))
    contract.events.clear()
    try:
        result: Any = ("ok", contract.f(a, b))
    except ModelTrapError as trap:
        result = ("trap", str(trap))
    events = list(contract.events)
    if result[0] == "trap":
        contract.single, contract.rows, contract.sums = before
    last = contract.single["last"]
    rows = {key: (r.left, r.flag, r.right) for key, r in contract.rows.items.items()}
    state = (
        contract.single["count"],
        (last.left, last.flag, last.right),
        rows,
        dict(contract.sums.items),
    )
    return result, events, state
