"""How far others are, and whether any are heard at all."""

from typing import Any

from consensus import Engine

BEHIND_MAX = 2  # heights: what is being decided or carried right now is nothing to wait for


def heights_behind(engine: Engine) -> int:
    """Return how many blocks peers have that this node lacks.

    The highest height counts that two peers tell, or the only peer: one alone that makes up a
    height must not take nodes out of service.
    """
    told = engine.catch_up.heights
    if not told:
        return 0
    return max(0, told[min(1, len(told) - 1)] - engine.height)


def hears_nobody(node: Any) -> bool:
    """Tell whether blocks may be made elsewhere without this node hearing of them."""
    engine = node.driver.engine
    if engine.machine.validators.keys == (engine.me,):
        return False
    has_peers = node.network is None or bool(node.network.peers())
    return not (has_peers and engine.catch_up.heights)
