"""Time travel on a development chain: what falls due on the way happens at its own time.

A chain that jumped would find everything due at once and call it a halt. So a block is made at
every due time up to the wished one, as if somebody had waited.
"""

import asyncio
from dataclasses import dataclass
from typing import Protocol

from chain.errors import WashError
from chain.executed import ExecutedBlock
from chain.params import read_params
from chain.receipt import ReceiptKind
from chain.timers import Halt, read_halt
from node.live.node import Node

BLOCKS_MAX = 10_000  # of one journey; a longer one is made in parts
TIME_MAX_MS = 4_102_444_800_000  # 2100-01-01: further off lies nothing but mistakes
_BREATHE = 32  # blocks between turns of others


class PastTimeError(WashError):
    """A journey to where the chain has been already, or out of all bounds."""

    code = 3004

    def __init__(self, *, now_ms: int, wished_ms: int) -> None:
        super().__init__(
            f"it is {now_ms} ms; the chain can go to any time after it up to {TIME_MAX_MS}, "
            f"not to {wished_ms}"
        )
        self.now_ms, self.wished_ms = now_ms, wished_ms


class NoBlockError(WashError):
    """A node that makes no block although it is time for one."""

    code = 3004
    retry = "later"


class Script(Protocol):
    """Steps that somebody takes on the way."""

    def next_ms(self) -> int | None:
        """Return when the next step is to be taken, or None."""

    def play(self, node: Node, now_ms: int) -> None:
        """Send the transactions of all steps up to `now_ms`."""


@dataclass(slots=True)
class Journey:
    """What happened on the way. `to_ms` is how far it came, `wished_ms` where it should go."""

    from_ms: int
    to_ms: int
    wished_ms: int
    blocks: int = 0
    timers_fired: int = 0
    transactions: int = 0
    failed: int = 0  # transactions that failed in their block
    events: int = 0

    @property
    def has_arrived(self) -> bool:
        """Whether it came as far as wished."""
        return self.to_ms >= self.wished_ms

    def add(self, executed: ExecutedBlock) -> None:
        """Count a block."""
        self.to_ms = executed.block.header.time_ms
        self.blocks += 1
        self.timers_fired += executed.timers_fired
        self.transactions += len(executed.tx_ids)
        for receipt in executed.receipts:
            self.events += len(receipt.events)
            self.failed += receipt.kind == ReceiptKind.TRANSACTION and not receipt.ok


def earliest_block_ms(node: Node) -> int:
    """Return the earliest time that the next block may have now."""
    interval_ms = read_params(node.state()).block_interval_ms
    return max(node.clock.now_ms(), node.ledger.head.time_ms + interval_ms)


def make_block(node: Node, at_ms: int = 0) -> ExecutedBlock:
    """Make a block at `at_ms`, or as soon after as may be, and move the clock there."""
    if node.is_halted:
        text = "the chain is halted: no block is made until the halt is over"
        raise NoBlockError(text)
    interval_ms = read_params(node.state()).block_interval_ms
    soonest_ms = node.ledger.head.time_ms + interval_ms
    at_ms = max(at_ms, soonest_ms) if at_ms else earliest_block_ms(node)
    if node.clock.now_ms() < at_ms:
        node.clock.travel(at_ms)
    try:
        executed = node.make_block(at_ms)
    except Exception as error:
        node.fail(error)  # as in the node's own loop: the disk or the money
        raise
    if executed is None:
        text = f"no block was made at {at_ms} ms; try again"
        raise NoBlockError(text)
    node.wake()  # what falls due next may be another thing now
    return executed


def empty_pool(node: Node, journey: Journey | None = None) -> None:
    """Let what waits enter blocks now: it was sent before, and may be over later."""
    for _ in range(BLOCKS_MAX):
        if not node.pool.has_work(earliest_block_ms(node)):
            return
        executed = make_block(node)
        if journey is not None:
            journey.add(executed)


async def travel(
    node: Node, to_ms: int, script: Script | None = None, *, blocks_max: int = BLOCKS_MAX
) -> Journey:
    """Go to a time: a block at every due time on the way, then one there; forward only.

    Stops after `blocks_max` blocks wherever it is. The clock goes on from where it came to. Raises
    PastTimeError.
    """
    now_ms = max(node.clock.now_ms(), node.ledger.head.time_ms)
    if not now_ms < to_ms <= TIME_MAX_MS:
        raise PastTimeError(now_ms=now_ms, wished_ms=to_ms)
    journey = Journey(now_ms, now_ms, to_ms)
    empty_pool(node, journey)
    while journey.blocks < blocks_max:
        stop_ms = _next_stop(node, script)
        at_ms = to_ms if stop_ms is None else min(stop_ms, to_ms)
        if script is not None:
            _set_clock(node, at_ms)
            script.play(node, at_ms)
        journey.add(make_block(node, at_ms))
        if journey.has_arrived and not node.pool.has_work(journey.to_ms):
            break
        if journey.blocks % _BREATHE == 0:
            await asyncio.sleep(0)
    return journey


def _set_clock(node: Node, at_ms: int) -> None:
    if node.clock.now_ms() < at_ms:
        node.clock.travel(at_ms)


def _next_stop(node: Node, script: Script | None) -> int | None:
    """Return when something is to be done next, or None; at once if a block left something over."""
    soonest_ms = node.ledger.head.time_ms + 1
    if node.pool.has_work(soonest_ms):
        return soonest_ms
    times = [node.driver.next_work_time(), None if script is None else script.next_ms()]
    return min((one for one in times if one is not None), default=None)


def halt(node: Node, duration_ms: int) -> tuple[ExecutedBlock, Halt | None]:
    """Let the chain stand still for a time, then make one block.

    Returns that block and the halt which it ended; None if nothing fell due meanwhile, since a
    chain without a heartbeat misses nothing then.
    """
    began_ms = max(node.clock.now_ms(), node.ledger.head.time_ms)
    to_ms = began_ms + duration_ms
    if not began_ms < to_ms <= TIME_MAX_MS:
        raise PastTimeError(now_ms=began_ms, wished_ms=to_ms)
    empty_pool(node)
    executed = make_block(node, to_ms)
    noted = read_halt(node.state())
    is_new = noted is not None and noted.ended == executed.block.header.time_ms
    return executed, noted if is_new else None


def catch_up(node: Node) -> None:
    """Set the clock to the head's time if it is behind: after a restart time goes on from there."""
    if node.clock.now_ms() < node.ledger.head.time_ms:
        node.clock.travel(node.ledger.head.time_ms)
