"""`python -m tests.lives --steps n`: random lives of 20 customers and 5 shops, with restarts."""

import argparse
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from random import Random, SystemRandom

from chain.pots import decode_pot
from chain.state import Space
from chain.types import DAY_MS
from node.catalog import STANDARD
from tests.lives.moves import Lives
from tests.lives.world import BrokenError, LivesWorld

CHECK_EVERY, RESTART_EVERY, UPGRADE_EVERY = 100, 700, 900
YEARS_MAX = 12


def live(folder: Path, seed: int, steps: int, *, check_every: int = CHECK_EVERY) -> Lives:
    """Play `steps` random steps; everything that must hold is checked on the way and in the end."""
    random = Random(seed)
    world = LivesWorld(folder)
    lives = Lives(world, random)
    lives.settle_in()
    for number in range(1, steps + 1):
        lives.step()
        if number % check_every == 0:
            world.check()
        if number % RESTART_EVERY == 0:
            world.reopen(clean=random.random() < 0.5)
        if number % UPGRADE_EVERY == UPGRADE_EVERY // 3:
            world.upgrade(min(STANDARD, key=lambda name: (world.versions[name], random.random())))
    world.check()
    return lives


def grow_old(world: LivesWorld) -> None:
    """Let years pass in which nobody does anything, until no pot is left."""
    for _ in range(YEARS_MAX * 12):
        if not list(world.rows(Space.POT)):
            return
        world.pass_until(world.now + 30 * DAY_MS)
        world.check()
    left = [decode_pot(value) for _key, value in world.rows(Space.POT)]
    raise BrokenError(f"{len(left)} pots are left, the last until {max(one.until for one in left)}")


def main() -> int:
    """Play and print what was done."""
    parser = argparse.ArgumentParser(prog="python -m tests.lives", description=__doc__)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=None, help="default: a fresh one")
    options = parser.parse_args()
    seed = SystemRandom().randrange(10**9) if options.seed is None else options.seed
    sys.stdout.write(f"seed {seed}\n")
    sys.stdout.flush()
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        lives = live(Path(folder), seed, options.steps)
        world = lives.world
        began = world.now
        grow_old(world)
        days = (world.now - began) // DAY_MS
        sys.stdout.write(f"after {days} days without anybody no pot is left\n")
        seconds = time.perf_counter() - started
        total: Counter[str] = Counter()
        for name, outcomes in sorted(lives.done.items()):
            total.update({"ok": outcomes["ok"], "no": outcomes.total() - outcomes["ok"]})
            best = ", ".join(f"{word} {count}" for word, count in outcomes.most_common(6))
            sys.stdout.write(f"  {name}: {best}\n")
        never = sorted(name for name, outcomes in lives.done.items() if not outcomes["ok"])
        sys.stdout.write(f"never went through: {', '.join(never) or 'none'}\n")
        sys.stdout.write(
            f"{options.steps:,} steps, {total['ok']:,} calls went through, {total['no']:,} were "
            f"refused; {world.fired['timer']:,} timers, {world.fired['fallback']:,} fallbacks, "
            f"{world.chain.head.height:,} blocks, {seconds:.0f} s\n"
        )
        world.chain.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
