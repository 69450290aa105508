"""A failing seed made small: less time, and only the faults it takes."""

from collections.abc import Callable
from dataclasses import replace

from node.sim.many import simulate_safely
from node.sim.run import Outcome, Plan

TRIES_MAX = 60


def shrink(plan: Plan, outcome: Outcome, on_try: Callable[[Plan], None] | None = None) -> Plan:
    """Return a smaller plan that breaks the same invariant.

    First the time is cut to just after the violation, then faults are dropped in ever smaller
    groups (delta debugging), as long as the same invariant still breaks.
    """
    wanted = outcome.violations[0]
    tries = 0

    def still_breaks(candidate: Plan) -> bool:
        nonlocal tries
        tries += 1
        if on_try is not None:
            on_try(candidate)
        found = simulate_safely(candidate).violations
        return bool(found) and found[0].invariant == wanted.invariant

    if 0 < wanted.at_ms < plan.safety_ms:
        shorter = replace(plan, safety_ms=wanted.at_ms + 1)
        if still_breaks(shorter):
            plan = shorter
    kept = [int(line.split(" ", 1)[0]) for line in outcome.history]
    size = max(len(kept) // 2, 1)
    while kept and tries < TRIES_MAX:
        for start in range(0, len(kept), size):
            fewer = [*kept[:start], *kept[start + size :]]
            candidate = replace(plan, keeps=tuple(fewer))
            if tries < TRIES_MAX and still_breaks(candidate):
                kept, plan = fewer, candidate
                break
        else:
            if size == 1:
                break
            size = max(size // 2, 1)
    return plan
