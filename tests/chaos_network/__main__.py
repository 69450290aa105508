"""`python -m tests.chaos_network --kills n`: four validators and two shops, killed at random.

People pay each other through all nodes. Processes get SIGKILL at random moments, one, two or all of
them, or are frozen for seconds. Whenever the network is quiet again, whatever a node ever called
final must be on every node with the same receipt, whatever a node took must be in a block, and the
nodes must have one chain.
"""

import argparse
import asyncio
import shutil
import sys
import tempfile
import time
from pathlib import Path
from random import SystemRandom

from tests.chaos_network.run import run_chaos

KILLS = 500


def tell(text: str) -> None:
    """Print at once: a run takes long."""
    sys.stdout.write(text)
    sys.stdout.flush()


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=KILLS)
    parser.add_argument("--seed", type=int, default=None, help="repeats the choices of a run")
    options = parser.parse_args()
    seed = SystemRandom().randrange(1_000_000) if options.seed is None else options.seed
    again = f"python -m tests.chaos_network --kills {options.kills} --seed {seed}"
    tell(f"{again}\n")
    began = time.monotonic()
    folder = Path(tempfile.mkdtemp(prefix="washnode-chaos-"))
    try:
        found = asyncio.run(run_chaos(folder / "net", options.kills, seed, told=tell))
    except BaseException:
        sys.stderr.write(f"The network is left in {folder}. The same choices again: {again}\n")
        raise
    shutil.rmtree(folder)
    facts = ", ".join(f"{name} {count:,}" for name, count in sorted(found.items()))
    tell(f"No promise broken in {time.monotonic() - began:.0f} s; {facts}\n")


if __name__ == "__main__":
    main()
