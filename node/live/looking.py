"""A contract's view, as of the newest block and of now, for the node's own use."""

from collections.abc import Sequence
from typing import Any

from chain.params import read_params
from chain.timers import read_halt
from chain.types import ZERO_ID
from contracts.host import Frame, World
from contracts.vm.container import FunctionKind


def look(
    node: Any, contract: bytes, view: str, arguments: Sequence[Any], gas_max: int
) -> list[Any]:
    """Return what a view gives; raises Trap. Also between two blocks time goes on for it."""
    state = node.state()
    world = World(
        state=state,
        library=node.ledger.executor.library,
        chain_id=node.ledger.chain_id,
        height=node.ledger.height + 1,
        now=node.block_time(),
        halt=read_halt(state),
        params=read_params(state),
        origin_id=ZERO_ID,
        origin=ZERO_ID,
        signer=ZERO_ID,
        sponsor=ZERO_ID,
    )
    frame = Frame(world, contract, ZERO_ID)
    routine = frame.program.entry(view, FunctionKind.VIEW)
    assert routine is not None, f"the contract has no view {view}"
    values, _gas = frame.call(routine, list(arguments), gas_max)
    return list(values)
