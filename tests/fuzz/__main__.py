"""`python -m tests.fuzz --runs n`: n fresh programs, sources and mutants each, then it stops."""

import argparse
import sys
import time
import traceback
from collections.abc import Callable
from random import SystemRandom

from tests.fuzz.differ import run_history
from tests.fuzz.mutants import try_mutant
from tests.fuzz.sources import compare_source

Campaign = Callable[[int, dict[str, int]], object]
CAMPAIGNS: dict[str, Campaign] = {
    "programs": run_history,
    "sources": compare_source,
    "mutants": try_mutant,
}
REPORTS_MOST = 3


def run_campaign(name: str, first: int, runs: int) -> int:
    """Try `runs` seeds; prints what came out and returns the number of mismatches."""
    counts: dict[str, int] = {}
    mismatches = 0
    started = time.perf_counter()
    for seed in range(first, first + runs):
        try:
            CAMPAIGNS[name](seed, counts)
        except Exception:  # noqa: BLE001 - whatever it is, it is a finding
            mismatches += 1
            if mismatches <= REPORTS_MOST:
                sys.stderr.write(f"--only {name} --seed {seed} --runs 1\n")
                traceback.print_exc()
    seconds = time.perf_counter() - started
    outcomes = ", ".join(f"{word} {count:,}" for word, count in sorted(counts.items()))
    text = (
        f"{name}: {runs:,} from seed {first}, {mismatches} mismatches, {seconds:.0f} s; {outcomes}"
    )
    sys.stdout.write(text + "\n")
    return mismatches


def main() -> int:
    """Run the campaigns; 1 if anything differed."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--runs", type=int, default=1_000, help="of each campaign")
    parser.add_argument(
        "--seed", type=int, default=None, help="the first seed (default: a fresh one)"
    )
    parser.add_argument("--only", choices=CAMPAIGNS, default=None)
    options = parser.parse_args()
    first = SystemRandom().randrange(10**12) if options.seed is None else options.seed
    names = list(CAMPAIGNS) if options.only is None else [options.only]
    return int(sum(run_campaign(name, first, options.runs) for name in names) > 0)


if __name__ == "__main__":
    sys.exit(main())
