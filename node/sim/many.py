"""Many seeds on all cores, and what came of them together."""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from multiprocessing import get_context
from typing import TypeVar

from node.children import deaf_to_interrupts, end_with_parent
from node.sim.cluster import Shape
from node.sim.oracle import Violation
from node.sim.run import Outcome, Plan, simulate

REAL_EVERY = 50  # one seed in so many signs for real and sends bytes
AHEAD = 8  # seeds given to each process in advance

_Item = TypeVar("_Item")
_Result = TypeVar("_Result")


def plan_of(seed: int, shape: Shape, safety_ms: int) -> Plan:
    """Return the plan of one seed among many: a sample of them is as real as can be."""
    if seed % REAL_EVERY == 0:
        shape = replace(shape, real_signatures=True, real_wire=True)
    return Plan(seed, shape, safety_ms)


def simulate_safely(plan: Plan) -> Outcome:
    """Run a seed; an exception of the engine or the simulator is a violation like any other."""
    try:
        return simulate(plan)
    except Exception as fault:  # noqa: BLE001 - whatever it is, the seed is to be looked at
        text = f"{type(fault).__name__}: {fault}"
        return Outcome(plan.seed, violations=[Violation("crash", 0, text)])


@dataclass(slots=True)
class Summary:
    """Figures over many seeds."""

    seeds: int = 0
    simulated_seconds: int = 0
    heights: int = 0
    rounds_failed: int = 0
    events: int = 0
    faults: dict[str, int] = field(default_factory=dict)
    heals_ms: list[int] = field(default_factory=list)
    failed: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        """Count one seed."""
        self.seeds += 1
        self.simulated_seconds += outcome.simulated_seconds
        self.heights += outcome.heights
        self.rounds_failed += outcome.rounds_failed
        self.events += outcome.events
        for kind, count in outcome.faults.items():
            self.faults[kind] = self.faults.get(kind, 0) + count
        if outcome.violations:
            self.failed.append(outcome)
        elif outcome.heal_ms:
            self.heals_ms.append(outcome.heal_ms)

    def heal_ms(self, per_mille: int) -> int:
        """Return how long healing took at this share of the seeds, or 0 without any."""
        ordered = sorted(self.heals_ms)
        return ordered[min(len(ordered) * per_mille // 1_000, len(ordered) - 1)] if ordered else 0


def run_many(
    plans: Iterable[Plan], jobs: int | None = None, on_done: Callable[[Outcome], None] | None = None
) -> Summary:
    """Run plans on `jobs` processes (default: one for each core) and sum up."""
    summary = Summary()
    for outcome in spread(simulate_safely, plans, jobs):
        summary.add(outcome)
        if on_done is not None:
            on_done(outcome)
    return summary


def spread(
    work: Callable[[_Item], _Result], items: Iterable[_Item], jobs: int | None = None
) -> Iterator[_Result]:
    """Yield what `work` makes of each item, in order, on `jobs` processes (default: all cores)."""
    count = jobs or os.cpu_count() or 1
    if count == 1:
        yield from map(work, items)
        return
    context = get_context("spawn")
    with ProcessPoolExecutor(count, mp_context=context, initializer=end_with_parent) as pool:
        waiting: list[Future[_Result]] = []
        for item in items:
            with deaf_to_interrupts():
                waiting.append(pool.submit(work, item))
            if len(waiting) >= count * AHEAD:
                yield waiting.pop(0).result()
        for future in waiting:
            yield future.result()
