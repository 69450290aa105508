"""From declarations to the container's functions, in an order in which callees come first."""

import ast

from contracts.lang.assembly import NOTHING, Assembled, assemble, tidy
from contracts.lang.constants import error_name
from contracts.lang.errors import error_at
from contracts.lang.loops import Loops
from contracts.lang.model import FunctionDeclaration, Model, read_doc
from contracts.lang.storage import self_member
from contracts.lang.syntax import calls_in_order
from contracts.lang.types import AnyType, RecordType
from contracts.vm.container import (
    CALL_DEPTH_MAX,
    INSTRUCTIONS_MAX,
    REGISTERS_MAX,
    Function,
    FunctionKind,
    Scalar,
)
from contracts.vm.opcodes import INSTRUCTION_BYTES, Op


def flat_scalars(kinds: list[AnyType]) -> tuple[Scalar, ...]:
    """Return the stored scalars of types, records flattened."""
    scalars: list[Scalar] = []
    for kind in kinds:
        if isinstance(kind, RecordType):
            scalars += [scalar.scalar for _, scalar in kind.flat]
        else:
            scalars.append(kind.scalar)
    return tuple(scalars)


def number_functions(model: Model) -> list[FunctionDeclaration]:
    """Number the functions, internal ones first, each after what it calls; return them so."""
    callees = {name: _callees(model, one) for name, one in model.functions.items()}
    depths: dict[str, int] = {}
    ordered: list[FunctionDeclaration] = []
    names = [n for n, f in model.functions.items() if f.kind == FunctionKind.INTERNAL]
    names += [n for n, f in model.functions.items() if f.kind != FunctionKind.INTERNAL]
    for root in names:
        pending = [root]
        while pending:
            name = pending[-1]
            waiting = [callee for callee in callees[name] if callee not in depths]
            node = model.functions[name].node
            if waiting:
                if waiting[0] in pending:
                    raise error_at(node, f"{waiting[0]} calls itself, directly or by others")
                pending.append(waiting[0])
                continue
            pending.pop()
            if name not in depths:
                depths[name] = 1 + max((depths[callee] for callee in callees[name]), default=0)
                model.functions[name].number = len(ordered)
                ordered.append(model.functions[name])
            if depths[name] > CALL_DEPTH_MAX:
                raise error_at(node, f"calls nest deeper than {CALL_DEPTH_MAX}")
    return ordered


def _callees(model: Model, declaration: FunctionDeclaration) -> list[str]:
    names: dict[str, None] = {}
    for node in calls_in_order(declaration.node):
        name = self_member(node.func)
        callee = model.functions.get(name) if name else None
        if callee is not None and callee.kind == FunctionKind.INTERNAL:
            names[callee.name] = None
    return list(names)


def number_errors(model: Model) -> None:
    """Number the errors by where they first stand in the source."""
    for declaration in model.functions.values():
        for call in calls_in_order(declaration.node):
            name = call.func.id if isinstance(call.func, ast.Name) else ""
            if name in {"require", "fail"} and call.args:
                error = error_name(call.args[-1])
                if error is not None:
                    model.error_number(error)


def make_function(model: Model, declaration: FunctionDeclaration) -> tuple[Function, Assembled]:
    """Make the code of one function whose callees are made."""
    frame = Loops(model, declaration)
    node = declaration.node
    body = node.body[1:] if read_doc(node.body) else node.body
    frame.block(body)
    if frame.live:
        if declaration.returns is not None:
            raise error_at(node, f"{declaration.name} can end without returning a value")
        frame.node = node.body[-1]
        frame.emit(Op.RET, 0, NOTHING)
        frame.live = False
    frame.place_failures()
    made = assemble(tidy(frame.items), list(frame.pool), "".join(frame.letters))
    for count, limit, what in (
        (len(made.registers), REGISTERS_MAX, "registers; move a part into an internal function"),
        (len(made.code) // INSTRUCTION_BYTES, INSTRUCTIONS_MAX, "instructions; split the function"),
    ):
        if count > limit:
            raise error_at(node, f"{declaration.name} needs {count} of {limit} {what}")
    returns = flat_scalars([] if declaration.returns is None else [declaration.returns])
    function = Function(
        name=declaration.name,
        kind=int(declaration.kind),
        asset=declaration.asset,
        params=flat_scalars([kind for _, kind in declaration.params]),
        returns=returns,
        constants=made.constants,
        registers=made.registers,
        code=made.code,
    )
    return function, made
