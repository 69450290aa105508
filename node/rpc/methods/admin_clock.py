"""`admin_set_clock`: the time of a chain whose clock is driven."""

from typing import Annotated

from pydantic import Field
from typing_extensions import TypedDict

from chain.errors import WashError
from node.rpc.errors import MethodDisabledError
from node.rpc.params import TimeMs
from node.rpc.registry import Call, rpc_method


class ClockBackError(WashError):
    """A time that has been already."""

    code = 3004

    def __init__(self, *, now_ms: int, wished_ms: int) -> None:
        super().__init__(
            f"it is {now_ms} ms already; take this time or a later one, not {wished_ms}"
        )
        self.now_ms, self.wished_ms = now_ms, wished_ms


class ClockJson(TypedDict):
    """What time it is, and how far the chain has come with it. Times are ms since 1970, UTC."""

    time_ms: Annotated[int, Field(description="The clock's time now.")]
    height: int
    head_time_ms: Annotated[int, Field(description="Time of the newest block.")]
    waiting: Annotated[int, Field(description="Transactions that wait here for a block.")]
    next_work_ms: Annotated[
        int | None, Field(description="When something falls due next; null if nothing does.")
    ]


@rpc_method(tier="admin", errors=(MethodDisabledError, ClockBackError))
def admin_set_clock(call: Call, *, time_ms: TimeMs) -> ClockJson:
    """Tell this node what time it is, on a chain whose genesis file says `"clock": "driven"`.

    No block is later than its proposer's clock, and none is made before the clock was moved beyond
    the newest block: send what belongs to one moment first, then move the clock there, on every
    validator. The same time again changes nothing and tells how far the chain has come.
    """
    node = call.node
    clock, ledger = node.clock, node.ledger
    if not clock.is_driven:
        text = "the clock of this chain is nobody's to set; its genesis file does not say driven"
        raise MethodDisabledError(text)
    now_ms = max(clock.now_ms(), ledger.head.time_ms)
    if time_ms < now_ms:
        raise ClockBackError(now_ms=now_ms, wished_ms=time_ms)
    if time_ms > clock.now_ms():
        clock.travel(time_ms)
        node.wake()
    return {
        "time_ms": time_ms,
        "height": ledger.height,
        "head_time_ms": ledger.head.time_ms,
        "waiting": len(node.pool),
        "next_work_ms": node.driver.next_work_time(),
    }
