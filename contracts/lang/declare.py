"""Reads the module level of a source: constants, enums, records, link interfaces."""

import ast

from contracts.lang.builtin_names import BUILTIN_NAMES
from contracts.lang.constants import fold
from contracts.lang.declare_contract import declare_contract, read_params, read_returns
from contracts.lang.errors import ContractSyntaxError, error_at
from contracts.lang.model import LinkFunction, Model, read_doc
from contracts.lang.types import AnyType, make_record, read_type
from contracts.vm.container import RECORD_SCALARS_MAX

_U8_MAX = 255
_GAS_MAX = 2**32 - 1


def declare_module(tree: ast.Module) -> Model:
    """Return everything that a parsed source declares, or raise ContractSyntaxError."""
    model = Model()
    body = tree.body[1:] if read_doc(tree.body) else tree.body
    if not body or not _is_wash_import(body[0]):
        place = body[0] if body else tree
        raise error_at(place, "the first line is `from wash import *`")
    contracts = [
        node for node in body if isinstance(node, ast.ClassDef) and _base_of(node) == "Contract"
    ]
    if len(contracts) != 1:
        text = f"{len(contracts)} contract classes; write exactly one `class Name(Contract):`"
        raise ContractSyntaxError(text, 1, 1)
    _collect_assets(model, contracts[0])
    for node in body[1:]:
        if isinstance(node, ast.Assign):
            _declare_constants(model, node)
        elif isinstance(node, ast.ClassDef):
            _declare_class(model, node)
        else:
            raise error_at(node, "only constants and classes stand at module level")
    model.doc = read_doc(contracts[0].body) or read_doc(tree.body)
    return model


def _is_wash_import(node: ast.stmt) -> bool:
    return (
        isinstance(node, ast.ImportFrom)
        and node.module == "wash"
        and node.level == 0
        and [alias.name for alias in node.names] == ["*"]
    )


def _base_of(node: ast.ClassDef) -> str:
    if len(node.bases) != 1 or node.keywords or node.decorator_list:
        raise error_at(node, "a class has one base: Enum, Record, Link or Contract")
    base = node.bases[0]
    return base.id if isinstance(base, ast.Name) else ""


def _collect_assets(model: Model, node: ast.ClassDef) -> None:
    """Find the assets first: `Money[asset]` may stand in records above the contract."""
    for item in node.body:
        if (
            isinstance(item, ast.AnnAssign)
            and isinstance(item.target, ast.Name)
            and isinstance(item.annotation, ast.Name)
            and item.annotation.id == "Asset"
        ):
            model.assets[item.target.id] = len(model.assets)


def _check_new(model: Model, node: ast.AST, name: str) -> None:
    taken = name in model.constants or name in model.enums or name in model.records
    if taken or name in model.interfaces or name in BUILTIN_NAMES:
        raise error_at(node, f"{name} already has a meaning; choose another name")


def _declare_constants(model: Model, node: ast.Assign) -> None:
    target = node.targets[0]
    if len(node.targets) != 1:
        raise error_at(node, "one assignment a line")
    if isinstance(target, ast.Tuple):
        values = node.value.elts if isinstance(node.value, ast.Tuple) else []
        if len(values) != len(target.elts):
            raise error_at(node, "as many values as names are needed")
        pairs = list(zip(target.elts, values, strict=True))
    else:
        pairs = [(target, node.value)]
    for name, expression in pairs:
        value = fold(expression, model.constants)
        if value is None:
            raise error_at(expression, "not a constant; state belongs into the contract class")
        if not isinstance(name, ast.Name):
            raise error_at(name, "a constant needs a plain name")
        _check_new(model, name, name.id)
        model.constants[name.id] = value


def _declare_class(model: Model, node: ast.ClassDef) -> None:
    base = _base_of(node)
    _check_new(model, node, node.name)
    body = node.body[1:] if read_doc(node.body) else node.body
    body = [item for item in body if not isinstance(item, ast.Pass)]
    if base == "Enum":
        _declare_enum(model, node, body)
    elif base == "Record":
        _declare_record(model, node, body)
    elif base == "Link":
        functions = tuple(_read_link_function(model, item) for item in body)
        model.interfaces[node.name] = functions
    elif base == "Contract":
        model.name = node.name
        declare_contract(model, body)
    else:
        raise error_at(node, f"{base or 'that'} is no base class: Enum, Record, Link or Contract")


def _declare_enum(model: Model, node: ast.ClassDef, body: list[ast.stmt]) -> None:
    members: dict[str, int] = {}
    for item in body:
        target = item.targets[0] if isinstance(item, ast.Assign) else None
        if not isinstance(item, ast.Assign) or not isinstance(target, ast.Name):
            raise error_at(item, "an Enum holds lines like `OPEN = 1`")
        value = fold(item.value, model.constants)
        if type(value) is not int or not 0 <= value <= _U8_MAX:
            raise error_at(item, "an Enum's values are constants of 0..255")
        if target.id in members or value in members.values():
            raise error_at(item, f"{target.id} or its value stands twice")
        members[target.id] = value
        model.constants[f"{node.name}.{target.id}"] = value
    model.enums[node.name] = members


def _declare_record(model: Model, node: ast.ClassDef, body: list[ast.stmt]) -> None:
    fields: list[tuple[str, AnyType]] = []
    for item in body:
        if not isinstance(item, ast.AnnAssign) or not isinstance(item.target, ast.Name):
            raise error_at(item, "a Record holds lines like `owner: Address`")
        if item.value is not None:
            raise error_at(item, "a field has no default; fields left out are zero")
        if item.target.id in [name for name, _ in fields]:
            raise error_at(item, f"{item.target.id} stands twice")
        fields.append((item.target.id, read_type(item.annotation, model.scope)))
    record = make_record(node.name, fields)
    if not 1 <= len(record.flat) <= RECORD_SCALARS_MAX:
        text = f"{node.name} has {len(record.flat)} scalars; 1 to {RECORD_SCALARS_MAX} are allowed"
        raise error_at(node, text)
    model.records[node.name] = record


def _read_link_function(model: Model, item: ast.stmt) -> LinkFunction:
    hint = "a Link holds `@view(gas=2_000)` or `@action(gas=...)` over `def name(self, ...): ...`"
    if not isinstance(item, ast.FunctionDef) or len(item.decorator_list) != 1:
        raise error_at(item, hint)
    mark = item.decorator_list[0]
    if not isinstance(mark, ast.Call) or not isinstance(mark.func, ast.Name) or mark.args:
        raise error_at(item, hint)
    if mark.func.id not in {"view", "action"} or [key.arg for key in mark.keywords] != ["gas"]:
        raise error_at(item, hint)
    gas = fold(mark.keywords[0].value, model.constants)
    if type(gas) is not int or not 1 <= gas <= _GAS_MAX:
        raise error_at(item, "gas is a positive constant")
    params = read_params(model, item)
    is_action = mark.func.id == "action"
    return LinkFunction(item.name, is_action, params, read_returns(model, item), gas)
