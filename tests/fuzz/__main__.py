"""`python -m tests.fuzz --runs n`: n fresh runs of each campaign, then it stops.

A run is a call of a random program, a call of a random source, or a mutated container. One random
program is called CALLS_EACH times and one container has MUTANTS_EACH mutants, since making them
takes most of the time.
"""

import argparse
import multiprocessing
import os
import platform
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from random import SystemRandom

from tests.fuzz.differ import run_history
from tests.fuzz.mutants import try_mutants
from tests.fuzz.sources import compare_source

REPORTS_MOST = 3
CALLS_EACH = 24
MUTANTS_EACH = 16
SOURCE_CALLS_EACH = 4
SEEDS_A_CHUNK = 50


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


def run_campaign(name: str, first: int, runs: int, jobs: int) -> int:
    """Try `runs` runs in `jobs` processes; prints what came out, returns how many mismatched."""
    seeds = -(-runs // CAMPAIGNS[name].runs_each)
    total: Counter[str] = Counter()
    mismatches = 0
    started = time.perf_counter()
    for missed, counts in _each(list(_chunks(name, first, seeds)), jobs):
        mismatches += missed
        total.update(counts)
    seconds = time.perf_counter() - started
    outcomes = ", ".join(f"{word} {count:,}" for word, count in sorted(total.items()))
    text = (
        f"{name} ({CAMPAIGNS[name].what}): {total.total():,} runs from seed {first}, "
        f"{mismatches} mismatches, {seconds:.0f} s; {outcomes}"
    )
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
    return mismatches


def _chunks(name: str, first: int, seeds: int) -> Iterator[Chunk]:
    for start in range(0, seeds, SEEDS_A_CHUNK):
        yield name, first + start, min(SEEDS_A_CHUNK, seeds - start)


def _each(chunks: list[Chunk], jobs: int) -> Iterator[tuple[int, dict[str, int]]]:
    if jobs == 1:
        yield from map(run_chunk, chunks)
        return
    with multiprocessing.get_context("spawn").Pool(jobs) as pool:
        yield from pool.imap_unordered(run_chunk, chunks)


def main() -> int:
    """Run the campaigns; 1 if anything differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000, help="of each campaign, at least")
    parser.add_argument(
        "--seed", type=int, default=None, help="the first seed (default: a fresh one)"
    )
    parser.add_argument("--only", choices=CAMPAIGNS, default=None)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args()
    first = SystemRandom().randrange(10**12) if options.seed is None else options.seed
    names = list(CAMPAIGNS) if options.only is None else [options.only]
    sys.stdout.write(f"Python {platform.python_version()}, {options.jobs} processes\n")
    missed = [run_campaign(name, first, options.runs, options.jobs) for name in names]
    return int(sum(missed) > 0)


if __name__ == "__main__":
    sys.exit(main())
