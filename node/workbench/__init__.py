"""Trying contracts in memory, on the real machine, with a clock that tests move.

    from node.workbench import World

    world = World.deploy("deposit.wash")
    deposit = world.call("alice", "open", shop="shop", start="2026-01-10T10:00Z", funds=1_000)
    world.at("2026-01-10T12:00Z")                 # nobody came: the timer has fired
    assert world.seen("Closed") == [{"id": deposit, "to_shop": 1_000, "to_customer": 0}]
    with world.refuses("missing"):
        world.call("alice", "cancel", deposit)

For programs and tests; a node needs nothing of it.
"""

from node.workbench.built import Built, build, build_file
from node.workbench.failures import CallFailed, SourcePlace, WorkbenchError
from node.workbench.stage import Outcome, Seen
from node.workbench.world import World

__all__ = [
    "Built",
    "CallFailed",
    "Outcome",
    "Seen",
    "SourcePlace",
    "WorkbenchError",
    "World",
    "build",
    "build_file",
]
