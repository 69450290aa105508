"""What operators decided and a person should know of: told in the log once, when it happens."""

import logging
from typing import Any

from chain.executed import ExecutedBlock
from chain.features import FEATURES_KEY, Feature, unknown_features
from chain.membership import DROPPED_KEY

_log = logging.getLogger("washnode.governance")


class Notices:
    """Watches the blocks of a node."""

    def __init__(self, node: Any) -> None:
        """Tell of what waits already at the start; `node` has its chain open."""
        self._node = node
        self._told: set[Feature] = set()
        self._tell_features()

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Tell what a block that was just stored brings."""
        if FEATURES_KEY in executed.changes:
            self._tell_features()
        if DROPPED_KEY in executed.changes:
            _log.warning(
                "height %d: a change of validators that was decided is dropped, because too few of "
                "them were seen since; see validator_list, propose it again when they are back",
                executed.block.header.height,
            )

    def _tell_features(self) -> None:
        for one in unknown_features(self._node.state()):
            if one not in self._told:
                self._told.add(one)
                _log.warning("%s", say_unknown(one))


def say_unknown(feature: Feature) -> str:
    """Return what a feature that this program lacks means for its node."""
    return (
        f"the operators put feature {feature.name} into force from height {feature.activation} on, "
        "and this program does not know it: the node stops before that height"
    )
