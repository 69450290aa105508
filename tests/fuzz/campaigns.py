"""What the fuzzer does with a seed: its campaigns, and some seeds of one tried in a process.

Processes that are spawned find nothing in a `__main__` of a package, so this is no part of it.
"""

import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass

from tests.fuzz.differ import run_history
from tests.fuzz.mutants import try_mutants
from tests.fuzz.sources import compare_source

REPORTS_MOST = 3
CALLS_EACH = 24
MUTANTS_EACH = 16
SOURCE_CALLS_EACH = 4


@dataclass(frozen=True, slots=True)
class Campaign:
    """What is done with a seed, and how many runs that is."""

    what: str
    runs_each: int
    run: Callable[[int, dict[str, int]], object]


CAMPAIGNS = {
    "programs": Campaign(
        "calls of random programs, interpreter against reference evaluator",
        CALLS_EACH,
        lambda seed, counts: run_history(seed, counts, CALLS_EACH),
    ),
    "sources": Campaign(
        "calls of random sources, compiled against the source itself",
        SOURCE_CALLS_EACH,
        compare_source,
    ),
    "mutants": Campaign(
        "mutated containers, refused or harmless",
        MUTANTS_EACH,
        lambda seed, counts: try_mutants(seed, counts, MUTANTS_EACH),
    ),
}
Chunk = tuple[str, int, int]


def run_chunk(chunk: Chunk) -> tuple[int, dict[str, int]]:
    """Try some seeds; returns the number of mismatches and what came out how often."""
    name, first, seeds = chunk
    counts: dict[str, int] = {}
    mismatches = 0
    for seed in range(first, first + seeds):
        try:
            CAMPAIGNS[name].run(seed, counts)
        except Exception:  # noqa: BLE001 - whatever it is, it is a finding
            mismatches += 1
            if mismatches <= REPORTS_MOST:
                sys.stderr.write(f"--only {name} --seed {seed} --runs 1\n")
                traceback.print_exc()
    return mismatches, counts
