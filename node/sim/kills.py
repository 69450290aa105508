"""What notices a mutant: each names the trace or the search that must.

`kill` runs where the mutant is installed; `kill_all` gives each mutant a process of its own.
"""

from collections.abc import Callable, Collection, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from typing import TYPE_CHECKING

from node.children import deaf_to_interrupts, end_with_parent
from node.sim.mutants import MUTANTS
from node.sim.mutation import Death, install

if TYPE_CHECKING:
    from node.sim.run import Plan


@dataclass(frozen=True, slots=True)
class Kill:
    """What noticed a mutant and as the break of which invariant; "" if nothing did."""

    by: str = ""
    invariant: str = ""
    text: str = ""


def kill(name: str, plan: "Plan | None" = None) -> Kill:
    """Return what notices the installed mutant: this plan first, if one is given."""
    found = Kill() if plan is None else _by_seed(plan)
    if not found.invariant:
        found = _by_search() if MUTANTS[name].death.by == "search" else _by_trace(name)
    return found


def _by_seed(plan: "Plan") -> Kill:
    from node.sim.many import simulate_safely

    violations = simulate_safely(plan).violations
    if not violations:
        return Kill()
    first = violations[0]
    return Kill(f"seed {plan.seed}", first.invariant, first.text)


def _by_trace(name: str) -> Kill:
    from node.sim.trace_run import run_trace
    from node.sim.tracing import shipped_traces

    death = MUTANTS[name].death
    (trace,) = [one for one in shipped_traces() if f"trace {one.name}" == death.by]
    for problem in run_trace(trace).problems:
        invariant, _colon, text = problem.partition(": ")
        return Kill(death.by, invariant, text)
    return Kill()


def _by_search() -> Kill:
    from node.sim.search import SearchBounds, search

    violations = search(SearchBounds(validators=4, byzantine=1, rounds=3)).violations
    if not violations:
        return Kill()
    return Kill("search", violations[0].invariant, violations[0].text)


def kill_in_child(name: str) -> Kill:
    """Install a mutant in this fresh process and return what notices it."""
    install(MUTANTS[name])
    return kill(name)


@dataclass(frozen=True, slots=True)
class Row:
    """One mutant in the table: `is_dead` if it was noticed as it should be."""

    name: str
    about: str
    found: Kill

    @property
    def is_dead(self) -> bool:
        """Tell whether what was to notice the mutant did."""
        return Death(self.found.by, self.found.invariant) == MUTANTS[self.name].death


def line_of(row: Row) -> str:
    """Return a mutant's line of the table."""
    by, invariant = row.found.by or "NOBODY", row.found.invariant or "-"
    return f"| `{row.name}` | {row.about} | {by} | {invariant} |"


def kill_all(
    jobs: int,
    on_done: Callable[[Row], None] | None = None,
    names: Collection[str] = tuple(MUTANTS),
) -> list[Row]:
    """Return a row for each of these mutants, all there are, each run in a process of its own."""
    rows: list[Row] = []
    context = get_context("spawn")
    with ProcessPoolExecutor(
        jobs, mp_context=context, max_tasks_per_child=1, initializer=end_with_parent
    ) as pool:
        waiting: dict[str, Future[Kill]] = {}
        with deaf_to_interrupts():
            waiting = {name: pool.submit(kill_in_child, name) for name in names}
        for row in _rows(waiting):
            rows.append(row)
            if on_done is not None:
                on_done(row)
    return rows


def _rows(waiting: "dict[str, Future[Kill]]") -> Iterator[Row]:
    for name, future in waiting.items():
        yield Row(name, MUTANTS[name].about, future.result())
