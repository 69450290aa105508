"""Twins: validators that run twice, under every schedule of partitions and leaders.

After Bano et al., "Twins: BFT Systems Made Robust" (OPODIS 2021): two correct copies with one key
make most of what a traitor can do (two proposals, double votes, a lost state) without any code
that lies. A schedule says, window by window, who hears whom, and for each round of a height who
leads it. Schedules that differ only in the names of honest validators are one.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import gcd
from typing import TypeAlias

from node.sim.cluster import Cluster, Shape
from node.sim.member import SimNode
from node.sim.oracle import Violation
from node.sim.world import World

WINDOW_MS = 2_500  # about as long as a round that fails
HEAL_MAX_MS = 30_000
_PAY_EVERY_MS = 1_900
_STRIDE = 2_654_435_761  # spreads a few samples over all schedules

Window: TypeAlias = tuple[int, int]  # the leader, and the side of each node as a bit


@dataclass(frozen=True, slots=True)
class Schedule:
    """Who leads and who hears whom; nodes `validators` and up are twins of 0 and up."""

    validators: int
    twins: int
    windows: tuple[Window, ...]

    def side(self, number: int, window: int) -> int:
        """Return on which side a node is in a window."""
        return self.windows[window][1] >> number & 1


@dataclass(slots=True)
class TwinsResult:
    """What came of a schedule."""

    schedule: Schedule
    heights: int = 0
    violations: list[Violation] = field(default_factory=list)
    accused: int = 0


def count_schedules(validators: int, twins: int, windows: int) -> int:
    """Return how many schedules there are, alike ones counted too."""
    return int(_per_window(validators, twins) ** windows)


def _per_window(validators: int, twins: int) -> int:
    return validators * (1 << (validators + twins - 1))  # the sides have no names


def schedules(validators: int, twins: int, windows: int) -> Iterator[Schedule]:
    """Yield every schedule once, in an order that makes the first few a fair sample."""
    each = _per_window(validators, twins)
    total, stride = each**windows, _STRIDE
    while gcd(stride, total) > 1:
        stride += 2
    seen: set[tuple[Window, ...]] = set()
    for number in range(total):
        rest, chosen = number * stride % total, list[Window]()
        for _ in range(windows):
            rest, one = divmod(rest, each)
            chosen.append((one % validators, one // validators))
        alike = _canonical(validators, twins, tuple(chosen))
        if alike not in seen:
            seen.add(alike)
            yield Schedule(validators, twins, alike)


def _canonical(validators: int, twins: int, windows: tuple[Window, ...]) -> tuple[Window, ...]:
    """Return the least of the schedules that differ only in honest validators' names."""
    honest = range(twins, validators)
    key = {one: tuple([_seat(one, window) for window in windows]) for one in honest}
    order = sorted(honest, key=key.__getitem__)
    named = dict(zip(order, honest, strict=True))
    named.update({one: one for one in range(validators + twins) if one not in named})
    return tuple([_renamed(window, named) for window in windows])


def _seat(number: int, window: Window) -> tuple[int, int]:
    return (window[1] >> number & 1, int(window[0] == number))


def _renamed(window: Window, named: dict[int, int]) -> Window:
    sides = sum((window[1] >> old & 1) << new for old, new in named.items())
    return (named[window[0]], sides)


def run_schedule(schedule: Schedule) -> TwinsResult:
    """Run a schedule, then heal: no invariant may break, and what waits must become final."""
    return _TwinsRun(schedule).run()


class _TwinsRun:
    def __init__(self, schedule: Schedule) -> None:
        self.schedule, self.world = schedule, World(1)
        shape = Shape(schedule.validators, 0, spares=0, twins=schedule.twins)
        self.cluster = Cluster(self.world, shape)
        self.cluster.network.filter = self._passes
        self.end_ms = len(schedule.windows) * WINDOW_MS
        for node in self.cluster.nodes:
            node.order_of = self._order

    def _order(self, _node: SimNode, keys: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Return the schedule's leaders, then everybody: progress needs an honest one."""
        nodes = self.cluster.nodes
        leaders = [nodes[leader].key for leader, _sides in self.schedule.windows]
        return (*leaders, *keys)

    def _passes(self, sender: int, to: int, _message: object) -> bool:
        window = self.world.now_ms // WINDOW_MS
        if window >= len(self.schedule.windows):
            return True
        return self.schedule.side(sender, window) == self.schedule.side(to, window)

    def run(self) -> TwinsResult:
        cluster, world = self.cluster, self.world
        violations = cluster.oracle.violations
        cluster.boot()
        for at_ms in range(300, self.end_ms + 1, _PAY_EVERY_MS):
            world.at(at_ms, cluster.pay)
        world.run_until(self.end_ms, lambda: bool(violations))
        honest = [node for node in cluster.nodes if node.key in cluster.oracle.honest]

        def is_over() -> bool:
            heights = {node.ledger.height for node in honest}
            return bool(violations) or (not cluster.waiting and len(heights) == 1)

        world.run_until(self.end_ms + HEAL_MAX_MS, is_over)
        if not is_over():
            where = [node.describe() for node in honest]
            text = f"{len(cluster.waiting)} transactions wait after the healing: {where}"
            cluster.oracle.fail("liveness", world.now_ms, text)
        cluster.oracle.compare_states(honest)
        found = list(violations)
        height, accused = cluster.oracle.ledger.height, len(cluster.oracle.accused)
        return TwinsResult(self.schedule, height, found, accused)
