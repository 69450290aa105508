"""What falls due in a world, with the line of the source where a timer failed."""

from dataclasses import dataclass

from chain import timers
from chain.state import State
from chain.timers import Due
from chain.types import BASIS_POINTS
from contracts.firing import Budget, Firing
from contracts.host import World as Circumstances
from contracts.vm.traps import Trap


@dataclass(frozen=True, slots=True)
class FailedTimer:
    """A timer that trapped; it is tried once more an hour later, then given up."""

    contract: bytes
    handler: int
    trap: Trap


class WatchedFiring(Firing):
    """Fires as a block does, and keeps the traps that a block makes numbers of."""

    failed: list[FailedTimer]

    def _note_failure(
        self, entry: Due, timer: timers.Timer, trap: Trap, world: Circumstances, *, again: bool
    ) -> None:
        self.failed.append(FailedTimer(entry.key[1:33], entry.key[33], trap))
        super()._note_failure(entry, timer, trap, world, again=again)


def fire_due(
    state: State, circumstances: Circumstances
) -> tuple[list[Circumstances], list[FailedTimer]]:
    """Fire what is due now within a block's budget; returns what happened and what failed.

    `circumstances` are those of the block; each firing has its own, with its events.
    """
    made: list[Circumstances] = []

    def make(origin_id: bytes, origin: bytes) -> Circumstances:
        one = circumstances.__class__(
            state=state,
            library=circumstances.library,
            chain_id=circumstances.chain_id,
            height=circumstances.height,
            now=circumstances.now,
            halt=circumstances.halt,
            params=circumstances.params,
            origin_id=origin_id,
            origin=origin,
            signer=b"",
            sponsor=circumstances.sponsor,
        )
        made.append(one)
        return one

    params = circumstances.params
    limit = params.timers_per_block
    gas = params.block_gas_max * params.timer_gas_share_bp // BASIS_POINTS
    firing = WatchedFiring(make, (state, circumstances.height), None)
    firing.failed = []
    entries = timers.due_entries(state, circumstances.now, 4 * limit)
    firing.fire(entries, Budget(limit, gas, limit // 2, gas // 2))
    return made, firing.failed
