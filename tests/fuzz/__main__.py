"""`python -m tests.fuzz --runs n`: n fresh runs of each campaign, then it stops.

A run is a call of a random program, a call of a random source, or a mutated container. One random
program is called CALLS_EACH times and one container has MUTANTS_EACH mutants, since making them
takes most of the time.
"""

import argparse
import os
import platform
import sys
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from random import SystemRandom

from tests.fuzz.campaigns import CAMPAIGNS, Chunk, run_chunk

SEEDS_A_CHUNK = 10


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
    with ProcessPoolExecutor(jobs, mp_context=get_context("spawn")) as pool:
        yield from pool.map(run_chunk, chunks)  # a process that dies ends it


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
