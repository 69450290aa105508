"""A rehearsal's transactions a second against one core's signature checks.

`python -m bench.rehearsal [--rows N] [--runs N]`

Runs the bundled hotel history (docs: tests/vectors/bookings-hotel/SOURCE.md) as `washnode rehearse`
does, some times, and prints each run's ratio and the median. Both numbers of a ratio are from the
same run.
"""

import argparse
from itertools import islice
from pathlib import Path

from node.rehearse.plan import Planner
from node.rehearse.policies import load_policies
from node.rehearse.rows import read_rows
from node.rehearse.run import rehearse

HOTEL = Path(__file__).resolve().parents[1] / "tests" / "vectors" / "bookings-hotel"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=24_000)
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    rules = load_policies(HOTEL / "policies.json")
    ratios: list[float] = []
    for _ in range(options.runs):
        rows = islice(read_rows(HOTEL / "bookings_norm.csv.gz"), options.rows)
        result = rehearse(Planner(rules).add_all(rows))
        rate = result.transactions / result.seconds
        ratios.append(rate / result.signature_rate)
        print(
            f"{result.transactions} transactions, {result.blocks} blocks, {result.seconds:.1f} s: "
            f"{rate:.0f}/s, signature checks {result.signature_rate}/s, ratio {ratios[-1]:.3f}"
        )
    print(f"median ratio {sorted(ratios)[len(ratios) // 2]:.3f} (budget 0.25)")


if __name__ == "__main__":
    main()
