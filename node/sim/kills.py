"""What notices a mutant: random seeds, written traces, the search, the count of failed rounds.

`kill` runs where the mutant is installed; `kill_all` gives each mutant a process of its own.
"""

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

from node.children import deaf_to_interrupts
from node.sim.mutants import MUTANTS
from node.sim.mutation import install

if TYPE_CHECKING:
    from node.sim.run import Plan

SEEDS_FIRST = 40  # tried before the slower ways
SEEDS_MAX = 160
SAFETY_MS = 150_000
SEARCH_STATES_MAX = 400_000


@dataclass(frozen=True, slots=True)
class Kill:
    """What noticed a mutant, and as the break of which invariant; "" if nothing did."""

    by: str = ""
    invariant: str = ""
    text: str = ""


def kill(name: str, plan: "Plan | None" = None) -> Kill:
    """Return what notices the installed mutant: this plan first, if one is given."""
    for found in _ways(name, plan):
        if found.invariant:
            return found
    return Kill()


def _ways(name: str, plan: "Plan | None") -> Iterator[Kill]:
    from node.sim.cluster import Shape

    mutant = MUTANTS[name]
    if plan is not None:
        yield _by_seed(plan)
    yield from _by_traces()
    yield _by_rounds()
    shape = Shape(mutant.validators, mutant.byzantine)
    yield from _by_seeds(shape, range(SEEDS_FIRST))
    yield _by_search()
    yield from _by_seeds(shape, range(SEEDS_FIRST, SEEDS_MAX))


def _by_seed(plan: "Plan") -> Kill:
    from node.sim.many import simulate_safely

    violations = simulate_safely(plan).violations
    if not violations:
        return Kill()
    first = violations[0]
    return Kill(f"seed {plan.seed}", first.invariant, first.text)


def _by_seeds(shape: Any, numbers: range) -> Iterator[Kill]:
    from node.sim.run import Plan

    for seed in numbers:
        byzantine = shape.byzantine if seed % 2 else 0
        yield _by_seed(Plan(seed, replace(shape, byzantine=byzantine), SAFETY_MS))


def _by_traces() -> Iterator[Kill]:
    from node.sim.trace_run import run_trace
    from node.sim.tracing import shipped_traces

    for trace in shipped_traces():
        try:
            problems = run_trace(trace).problems
        except Exception as fault:  # noqa: BLE001 - a mutant may break anything
            yield Kill(f"trace {trace.name}", "crash", f"{type(fault).__name__}: {fault}")
            continue
        if problems:
            invariant, _colon, text = problems[0].partition(": ")
            yield Kill(f"trace {trace.name}", invariant, text)


def _by_rounds() -> Kill:
    from node.sim.rounds import crash_rounds

    measured = crash_rounds(4, 1, plain=False)
    if measured.failed_rounds == measured.crashed:
        return Kill()
    text = f"{measured.failed_rounds} failed rounds for {measured.crashed} crashed validator"
    return Kill("crash of one of four", "rounds", text)


def _by_search() -> Kill:
    from node.sim.search import SearchBounds, search

    bounds = SearchBounds(validators=4, byzantine=1, rounds=3, states_max=SEARCH_STATES_MAX)
    violations = search(bounds).violations
    if not violations:
        return Kill()
    return Kill("search", violations[0].invariant, violations[0].text)


def kill_in_child(name: str) -> dict[str, str]:
    """Install a mutant in this fresh process and return what notices it."""
    install(MUTANTS[name])
    found = kill(name)
    return {
        "mutant": name,
        "about": MUTANTS[name].about,
        "killed_by": found.by,
        "invariant": found.invariant,
        "text": found.text,
    }


def kill_all(jobs: int = 2) -> list[dict[str, str]]:
    """Return a row for every mutant."""
    context = get_context("spawn")
    with ProcessPoolExecutor(jobs, mp_context=context, max_tasks_per_child=1) as pool:
        with deaf_to_interrupts():
            futures = [pool.submit(kill_in_child, name) for name in MUTANTS]
        return [future.result() for future in futures]
