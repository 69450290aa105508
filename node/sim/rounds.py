"""How many rounds fail after validators crash: against plain rotation, in the same run."""

from dataclasses import dataclass

from node.sim.cluster import Cluster, Shape
from node.sim.member import SimNode
from node.sim.world import World

WARM_UP_MS = 30_000
PAY_EVERY_MS = 1_000
HEIGHTS = 60


@dataclass(frozen=True, slots=True)
class CrashRounds:
    """What crashed validators cost."""

    validators: int
    crashed: int
    heights: int
    failed_rounds: int
    is_plain: bool


def crash_rounds(
    validators: int, crashed: int, *, plain: bool, heights: int = HEIGHTS, seed: int = 1
) -> CrashRounds:
    """Crash validators of a healthy cluster and count failed rounds over the heights after it.

    `plain` makes every node rotate through all validators, whatever the chain shows of them.
    """
    world = World(seed)
    cluster = Cluster(world, Shape(validators, 0, spares=0))
    if plain:
        for node in cluster.nodes:
            node.order_of = _plain_order
    cluster.boot()

    def pay() -> None:
        cluster.pay()
        world.after(PAY_EVERY_MS, pay)

    world.after(1_000, pay)
    world.run_until(WARM_UP_MS)
    for node in cluster.nodes[:crashed]:
        node.crash("for the measurement")
    before, start = cluster.oracle.failed_rounds, cluster.oracle.ledger.height
    target = start + heights
    world.run_until(world.now_ms + 3_600_000, lambda: cluster.oracle.ledger.height >= target)
    failed = cluster.oracle.failed_rounds - before
    made = cluster.oracle.ledger.height - start
    return CrashRounds(validators, crashed, made, failed, plain)


def _plain_order(node: SimNode, keys: tuple[bytes, ...]) -> tuple[bytes, ...]:
    """Return the ring begun after the last block's proposer, with nobody left behind."""
    start = sum(key <= node.ledger.head.proposer for key in keys) % len(keys)
    return keys[start:] + keys[:start]
