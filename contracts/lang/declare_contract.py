"""Reads the contract class: state, pots, assets, links, events and the heads of its functions."""

import ast

from contracts.lang.constants import error_name, fold
from contracts.lang.errors import error_at
from contracts.lang.model import (
    EventDeclaration,
    FieldDeclaration,
    FunctionDeclaration,
    LinkDeclaration,
    Model,
    PotDeclaration,
)
from contracts.lang.types import AnyType, ScalarType, is_fixed_width, read_type
from contracts.vm.container import (
    EVENT_FIELDS_MAX,
    EVENT_INDEXED_MAX,
    FIELDS_MAX,
    FUNCTIONS_MAX,
    KEY_PARTS_MAX,
    RECORD_SCALARS_MAX,
    FunctionKind,
)

_DECORATORS: dict[str, FunctionKind] = {
    "init": FunctionKind.INIT,
    "action": FunctionKind.ACTION,
    "view": FunctionKind.VIEW,
    "timer": FunctionKind.TIMER,
}
_NAME_MAX = 48


def declare_contract(model: Model, body: list[ast.stmt]) -> None:
    """Fill the model with the members of the contract class."""
    taken: dict[str, int] = {}
    for item in body:
        name = _member_name(item)
        if name in taken:
            raise error_at(item, f"{name} is already declared on line {taken[name]}")
        if len(name) > _NAME_MAX:
            raise error_at(item, f"{name[:20]}... has more than {_NAME_MAX} characters")
        taken[name] = item.lineno
        if isinstance(item, ast.FunctionDef):
            model.functions[name] = _read_function(model, item)
        elif isinstance(item, ast.AnnAssign):
            _declare_state(model, item, name)
        else:
            assert isinstance(item, ast.Assign)
            call = item.value
            if isinstance(call, ast.Call) and _name_of(call.func) == "Errors":
                _number_errors_first(model, call)
            else:
                model.events[name] = _read_event(model, item, name)
    for count, limit, what in (
        (len(model.fields), FIELDS_MAX, "state variables"),
        (len(model.functions), FUNCTIONS_MAX, "functions"),
        (len(model.assets), 8, "assets"),
        (len(model.links), 8, "links"),
        (len(model.pots), 16, "pot families"),
        (len(model.events), 64, "events"),
    ):
        if count > limit:
            raise error_at(body[0], f"{count} {what}; at most {limit} are allowed")


def _member_name(item: ast.stmt) -> str:
    if isinstance(item, ast.FunctionDef):
        return item.name
    if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name) and not item.value:
        return item.target.id
    if isinstance(item, ast.Assign) and isinstance(item.targets[0], ast.Name):
        return item.targets[0].id
    raise error_at(item, "a contract holds `name: type`, `Name = Event(...)` and functions")


def _name_of(node: ast.expr) -> str | None:
    return node.id if isinstance(node, ast.Name) else None


def _number_errors_first(model: Model, call: ast.Call) -> None:
    """Give the listed errors the first numbers, in order, wherever they are used."""
    if model.errors:
        raise error_at(call, "a contract has one list of errors")
    for node in call.args:
        name = error_name(node)
        if name is None or name in model.errors:
            raise error_at(node, "a list of errors has short names in quotes, each once")
        model.error_number(name)
    if call.keywords or not call.args:
        raise error_at(call, 'write errors = Errors("not_owner", "too_late")')


def _declare_state(model: Model, item: ast.AnnAssign, name: str) -> None:
    note = item.annotation
    if isinstance(note, ast.Name) and note.id == "Asset":
        return  # collected before
    if isinstance(note, ast.Name) and note.id in model.interfaces:
        functions = model.interfaces[note.id]
        first = sum(len(link.functions) for link in model.links.values())
        number = len(model.links)
        model.links[name] = LinkDeclaration(number, name, note.id, functions, first)
    elif (
        isinstance(note, ast.Subscript)
        and isinstance(note.value, ast.Name)
        and (note.value.id in {"Map", "Pots"})
    ):
        arguments = note.slice.elts if isinstance(note.slice, ast.Tuple) else [note.slice]
        if note.value.id == "Map":
            if len(arguments) != 2:  # noqa: PLR2004
                raise error_at(note, "write Map[key, value]")
            key, value = _read_key(model, arguments[0]), read_type(arguments[1], model.scope)
            model.fields[name] = FieldDeclaration(len(model.fields), name, key, value)
        else:
            model.pots[name] = _read_pots(model, note, name, arguments)
    else:
        value = read_type(note, model.scope)
        model.fields[name] = FieldDeclaration(len(model.fields), name, (), value)


def _read_key(model: Model, node: ast.expr) -> tuple[ScalarType, ...]:
    parts = [node]
    if (
        isinstance(node, ast.Subscript)
        and isinstance(node.value, ast.Name)
        and node.value.id == "tuple"
    ):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
    kinds = [read_type(part, model.scope) for part in parts]
    scalars = tuple(kind for kind in kinds if isinstance(kind, ScalarType) and is_fixed_width(kind))
    if len(scalars) != len(kinds) or len(kinds) > KEY_PARTS_MAX:
        raise error_at(
            node, "a key has 1 to 3 parts of fixed width: numbers, bool, Address or Hash"
        )
    return scalars


def _read_pots(
    model: Model, note: ast.Subscript, name: str, arguments: list[ast.expr]
) -> PotDeclaration:
    asset = arguments[1] if len(arguments) in {2, 3} else None
    if not isinstance(asset, ast.Name) or asset.id not in model.assets:
        raise error_at(note, "write Pots[key, asset] with an asset that the contract declares")
    bound = fold(arguments[2], model.constants) if len(arguments) == 3 else 0  # noqa: PLR2004
    if type(bound) is not int or bound < 0:
        raise error_at(note, "the longest extension is a constant in ms, such as days(365)")
    key = _read_key(model, arguments[0])
    return PotDeclaration(len(model.pots), name, key, model.assets[asset.id], bound)


def _read_event(model: Model, item: ast.Assign, name: str) -> EventDeclaration:
    call = item.value
    if (
        not isinstance(call, ast.Call)
        or not isinstance(call.func, ast.Name)
        or call.func.id != "Event"
        or call.args
    ):
        raise error_at(item, "write Name = Event(id=indexed[Hash], amount=uint)")
    fields: list[tuple[str, ScalarType, bool]] = []
    for keyword in call.keywords:
        note, indexed = keyword.value, False
        if isinstance(note, ast.Subscript) and isinstance(note.value, ast.Name):
            indexed = note.value.id == "indexed"
            note = note.slice if indexed else note
        kind = read_type(note, model.scope)
        if not isinstance(kind, ScalarType) or (indexed and not is_fixed_width(kind)):
            raise error_at(keyword, "event fields are scalars; indexed ones have a fixed width")
        assert keyword.arg is not None
        fields.append((keyword.arg, kind, indexed))
    indexed_count = sum(indexed for _, _, indexed in fields)
    if len(fields) > EVENT_FIELDS_MAX or indexed_count > EVENT_INDEXED_MAX:
        text = f"at most {EVENT_FIELDS_MAX} fields, {EVENT_INDEXED_MAX} of them indexed"
        raise error_at(item, text)
    return EventDeclaration(len(model.events), name, tuple(fields))


def read_params(model: Model, node: ast.FunctionDef) -> tuple[tuple[str, AnyType], ...]:
    """Return names and types of a function's parameters after `self`."""
    arguments = node.args.args
    if not arguments or arguments[0].arg != "self" or arguments[0].annotation:
        raise error_at(node, "the first parameter is `self`")
    params: list[tuple[str, AnyType]] = []
    for argument in arguments[1:]:
        if argument.annotation is None:
            raise error_at(argument, f"{argument.arg} needs a type")
        if argument.arg in model.constants or argument.arg in {*model.records, "self"}:
            raise error_at(argument, f"{argument.arg} already has a meaning; choose another name")
        params.append((argument.arg, read_type(argument.annotation, model.scope)))
    if sum(len(kind.letters) for _, kind in params) > RECORD_SCALARS_MAX:
        raise error_at(node, f"parameters have more than {RECORD_SCALARS_MAX} scalars")
    return tuple(params)


def read_returns(model: Model, node: ast.FunctionDef) -> AnyType | None:
    """Return the type a function returns, None for nothing."""
    note = node.returns
    if note is None or (isinstance(note, ast.Constant) and note.value is None):
        return None
    return read_type(note, model.scope)


def _read_function(model: Model, node: ast.FunctionDef) -> FunctionDeclaration:
    kind, asset = FunctionKind.INTERNAL, None
    if node.name.startswith("_"):
        if node.decorator_list:
            raise error_at(node, "a name with _ is internal and has no decorator")
    else:
        kind, asset = _read_decorator(model, node)
    params, returns = read_params(model, node), read_returns(model, node)
    if kind in {FunctionKind.TIMER, FunctionKind.INIT} and returns is not None:
        raise error_at(node, "a timer and the init function return nothing")
    if kind == FunctionKind.TIMER:
        fixed = all(is_fixed_width(part) for _, part in params)
        if not fixed or not 1 <= len(params) <= KEY_PARTS_MAX:
            raise error_at(node, "a timer's parameters are its key: 1 to 3 of fixed width")
    if kind == FunctionKind.INIT and FunctionKind.INIT in [
        f.kind for f in model.functions.values()
    ]:
        raise error_at(node, "a contract has one @init function")
    return FunctionDeclaration(node.name, kind, asset, params, returns, node)


def _read_decorator(model: Model, node: ast.FunctionDef) -> tuple[FunctionKind, int | None]:
    mark = node.decorator_list[0] if len(node.decorator_list) == 1 else None
    if isinstance(mark, ast.Name) and mark.id in _DECORATORS:
        return _DECORATORS[mark.id], None
    if isinstance(mark, ast.Call) and isinstance(mark.func, ast.Name) and mark.func.id == "action":
        keyword = mark.keywords[0] if len(mark.keywords) == 1 and not mark.args else None
        asset = keyword.value if keyword is not None and keyword.arg == "payable" else None
        if isinstance(asset, ast.Name) and asset.id in model.assets:
            return FunctionKind.ACTION, model.assets[asset.id]
    text = (
        "write one of @init @action @action(payable=asset) @view @timer, or begin the name with _"
    )
    raise error_at(node, text)
