"""Running views of contracts: by `contract_read`, and as methods named after the contract."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from chain.errors import UnknownIdError
from chain.types import ZERO_ID
from contracts.host import Frame
from contracts.vm.container import FunctionKind
from contracts.vm.traps import Trap, TrapKind
from contracts.vm.values import read_arguments
from node.abi import AbiFunction
from node.live.abis import ContractInfo, near_or_all
from node.live.views import VIEW_GAS_MAX, make_world
from node.rpc.errors import ContractRefusedError, InvalidParamsError, NotFoundError, outcome_error
from node.rpc.forms.shapes import codec_of, contract_name
from node.rpc.registry import Call, Method, Registry, dynamic_method


def find_info(node: Any, contract: str) -> ContractInfo:
    """Return what is known of the contract of a name or id; raises UnknownIdError."""
    state = node.state()
    found: ContractInfo | None = node.abis.contract(state, node.abis.resolve(state, contract))
    assert found is not None, "resolve found it"
    return found


def find_function(info: ContractInfo, name: str, kind: FunctionKind) -> AbiFunction:
    """Return a contract's function, or raise UnknownIdError naming those there are."""
    found = info.code.abi.function(name, kind)
    if found is not None:
        return found
    what = kind.name.lower()
    known = near_or_all(name, [one.name for one in info.code.abi.functions_of(kind)])
    text = f"{info.code.abi.name} has no {what} {name[:60]!r}; {known}"
    raise UnknownIdError(text)


def run_view(
    node: Any,
    info: ContractInfo,
    view: AbiFunction,
    given: Mapping[str, Any],
    *,
    path: str = "args",
    time_ms: int | None = None,
) -> Any:
    """Return the JSON form of what a view gives; raises ContractRefusedError if it fails."""
    codec = codec_of(node, info)
    values = codec.read_arguments(view, given, path)
    world = make_world(node, time_ms)
    frame = Frame(world, info.contract, ZERO_ID)
    routine = frame.program.entry(view.name, FunctionKind.VIEW)
    assert routine is not None, "an ABI has the code's functions"
    arguments = read_arguments(routine.function.params, values)
    try:
        returned, _gas_left = frame.call(routine, arguments, VIEW_GAS_MAX)
    except Trap as trap:
        named = trap.kind == TrapKind.REQUIRE
        name = info.code.abi.error_name(trap.error) if named else None
        raise ContractRefusedError(outcome_error(trap.kind, trap.error, name)) from trap
    return codec.show_returns(view, returned)


def check_time(node: Any, time_ms: int | None) -> None:
    """Refuse a time before the head's: the chain does not know what was then."""
    head_ms = node.ledger.head.time_ms
    if time_ms is not None and time_ms < head_ms:
        text = f"expected a time of the newest block ({head_ms}) or later, found {time_ms}"
        raise InvalidParamsError("time", text)


# Methods named after contracts ------------------------------------------------------------------


def serve_views(registry: Registry, node: Any) -> None:
    """Let `<name>.<view>` be a method for every view of every contract with a registered name."""
    registry.dynamic = partial(_find_method, node)
    registry.dynamic_names = partial(_list_names, node)


def _list_names(node: Any) -> list[str]:
    state = node.state()
    names = []
    for name, contract in node.abis.names(state):
        info = node.abis.contract(state, contract)
        views = [] if info is None else info.code.abi.functions_of(FunctionKind.VIEW)
        names += [f"{name}.{view.name}" for view in views]
    return names


def _find_method(node: Any, name: str) -> Method | None:
    contract_part, _dot, view_name = name.rpartition(".")
    state = node.state()
    contract = node.abis.installed(state, contract_part)
    info = None if contract is None else node.abis.contract(state, contract)
    view = None if info is None else info.code.abi.function(view_name, FunctionKind.VIEW)
    if info is None or view is None:
        return None
    known = info.kept.get(name)
    if known is None:
        known = info.kept[name] = _make_method(node, name, info, view)
    assert isinstance(known, Method), known
    return known


def _make_method(node: Any, name: str, info: ContractInfo, view: AbiFunction) -> Method:
    codec = codec_of(node, info)

    def read(call: Call, **given: Any) -> Any:
        return run_view(call.node, info, view, given, path="")

    return dynamic_method(
        name=name,
        function=read,
        params=codec.fields_schema(view.params)["properties"],
        result=codec.returns_schema(view),
        summary=view.doc.partition(". ")[0] or f"The view {view.name} of {info.code.abi.name}.",
        description=f"A view of the contract {contract_name(node, info.contract)}.",
        errors=(ContractRefusedError, NotFoundError),
    )
