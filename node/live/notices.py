"""What operators decided and a person should know of: told in the log, once or every day."""

import logging
from typing import Any

from chain.executed import ExecutedBlock
from chain.features import FEATURES_KEY, Feature
from chain.membership import DROPPED_KEY
from chain.types import DAY_MS, HOUR_MS
from node.live.upcoming import (
    UPGRADE_COMMAND,
    URGENT_MS,
    WARNED_MS,
    find_lacking,
    say_lacking,
)

_log = logging.getLogger("washnode.governance")


class Notices:
    """Watches the blocks of a node."""

    def __init__(self, node: Any) -> None:
        """Tell of what waits already at the start; `node` has its chain open."""
        self._node = node
        self._told: dict[Feature, int] = {}  # block time of the last notice
        self._looked_ms = self._head_ms()
        self._tell_features()

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Tell what a block that was just stored brings."""
        if FEATURES_KEY in executed.changes or self._head_ms() >= self._looked_ms + HOUR_MS:
            self._looked_ms = self._head_ms()
            self._tell_features()
        if DROPPED_KEY in executed.changes:
            _log.warning(
                "height %d: a change of validators that was decided is dropped, because too few of "
                "them were seen since; see validator_list, propose it again when they are back",
                executed.block.header.height,
            )

    def _head_ms(self) -> int:
        time_ms: int = self._node.ledger.head.time_ms
        return time_ms

    def _tell_features(self) -> None:
        """Tell of what this program lacks: at the vote, and every day of the last two weeks."""
        now_ms = self._head_ms()
        for one in find_lacking(self._node):
            told_ms = self._told.get(one.feature)
            is_again = one.is_within(WARNED_MS, now_ms) and (
                told_ms is None or now_ms >= told_ms + DAY_MS
            )
            if told_ms is None or is_again:
                self._told[one.feature] = now_ms
                level = logging.ERROR if one.is_within(URGENT_MS, now_ms) else logging.WARNING
                said = say_lacking(one, now_ms)
                _log.log(level, "%s; %s", said, f"run {UPGRADE_COMMAND}, then start it again")
