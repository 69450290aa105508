"""The time that a node's engine is told."""

from chain.params import read_params
from node.live.clock import Clock
from node.storage.ledger import ChainLedger


class Pace:
    """Chain time: the clock's, but for a single validator never behind its own chain.

    Where its machine's clock was set back, chain time goes on from the newest block with the time
    that really passes, by one interval at most: that is when the next block may be made. Among
    several the clock is what it is, and others propose. A clock that is driven is never behind
    the newest block.
    """

    def __init__(self, clock: Clock, ledger: ChainLedger, *, is_alone: bool) -> None:
        """Begin at the newest block."""
        self._clock, self._ledger, self._is_alone = clock, ledger, is_alone
        self._since_ms = clock.mono_ms()

    def note_block(self) -> None:
        """A block was stored just now."""
        self._since_ms = self._clock.mono_ms()

    def now_ms(self) -> int:
        """Return the wall time to tell the engine."""
        now_ms = self._clock.now_ms()
        if self._clock.is_driven:  # after a restart it knows no more than where the chain begins
            return max(now_ms, self._ledger.head.time_ms)
        if not self._is_alone:
            return now_ms
        interval_ms = max(read_params(self._ledger.state()).block_interval_ms, 1)
        passed_ms = max(self._clock.mono_ms() - self._since_ms, 1)
        return max(now_ms, self._ledger.head.time_ms + min(passed_ms, interval_ms))

    def may_build(self, now_ms: int) -> bool:
        """Tell whether a block may come now.

        On a driven clock none does before it was moved beyond the newest block; so all that belongs
        to one moment can be handed over while it stands.
        """
        return not self._clock.is_driven or now_ms > self._ledger.head.time_ms
