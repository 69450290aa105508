"""Views of contracts for the node itself: plain values by their names, at the head."""

from typing import Any

from chain.params import read_params
from chain.state import Space, State
from chain.timers import read_halt
from chain.types import ZERO_ID
from contracts.host import Frame, World
from contracts.vm.container import FunctionKind, Kind
from contracts.vm.traps import Trap
from node.abi import AbiType, Single

VIEW_GAS_MAX = 1_500_000  # some 60 ms of computing, in which the node does nothing else
_STORAGE = bytes([Space.STORAGE])


def make_world(node: Any, time_ms: int | None = None) -> World:
    """Return the circumstances of a read: the next block's, or those of a later time.

    What it changes is nobody's: the state is its own.
    """
    state = node.state()
    return World(
        state=state,
        library=node.ledger.executor.library,
        chain_id=node.ledger.chain_id,
        height=node.ledger.height + 1,
        now=node.block_time() if time_ms is None else time_ms,
        halt=read_halt(state),
        params=read_params(state),
        origin_id=ZERO_ID,
        origin=ZERO_ID,
        signer=ZERO_ID,
        sponsor=ZERO_ID,
    )


def look(node: Any, contract: bytes, view: str, *arguments: Any) -> Any:
    """Return what a view gives, records as dictionaries; None if there is no answer.

    There is none if the contract has no such view, as of an older or a foreign code, or refuses.
    """
    info = node.abis.contract(node.state(), contract)
    function = None if info is None else info.code.abi.function(view, FunctionKind.VIEW)
    if function is None or function.returns is None or len(function.params) != len(arguments):
        return None
    frame = Frame(make_world(node), contract, ZERO_ID)
    routine = frame.program.entry(view, FunctionKind.VIEW)
    assert routine is not None, "an ABI has the code's functions"
    try:
        values, _gas_left = frame.call(routine, list(arguments), VIEW_GAS_MAX)
    except Trap:
        return None
    return _named(function.returns, list(values))


def _named(kind: AbiType, values: list[Any]) -> Any:
    """Take a type's values off the front of a list."""
    if isinstance(kind, Single):
        value = values.pop(0)
        return value.decode() if kind.kind == Kind.TEXT else value
    return {name: _named(part, values) for name, part in kind.fields}


def first_keys(node: Any, contract: bytes, field: str, width: int, limit: int) -> list[bytes]:
    """Return the first parts, `width` bytes each, of at most `limit` keys of a contract's map."""
    state: State = node.state()
    info = node.abis.contract(state, contract)
    names = [] if info is None else [one.name for one in info.code.container.fields]
    if field not in names:
        return []
    prefix = _STORAGE + contract + bytes([names.index(field)])
    stop = (int.from_bytes(prefix, "big") + 1).to_bytes(len(prefix), "big")
    found = state.scan(prefix, stop, limit)
    return list(dict.fromkeys(key[len(prefix) : len(prefix) + width] for key, _value in found))
