"""`admin_*`: what only the owner of this machine may do."""

import asyncio

from typing_extensions import TypedDict

from node.rpc.registry import Call, rpc_method

ANSWER_FIRST_S = 0.05  # so that the answer is on its way before the door closes


class StoppingJson(TypedDict):
    """A node that stops now: its last block as far as it is known."""

    stopping: bool
    height: int


@rpc_method(tier="admin")
async def admin_stop(call: Call) -> StoppingJson:
    """Stop this node in order: what it is doing is finished, the chain is closed clean."""
    asyncio.get_running_loop().call_later(ANSWER_FIRST_S, call.node.stop)
    return {"stopping": True, "height": call.node.ledger.height}
