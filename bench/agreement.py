"""What agreement costs: CPU for a block and node, and failed rounds after crashes.

`python bench/agreement.py` (options: --heights N). CPU is measured over a simulated cluster: the
engine, admission of messages and execution, with stubbed signatures; Ed25519 comes on top, at a
quorum's votes of both kinds for each block.
"""

import argparse
import time

from chain.crypto import Signer, verify_signature
from node.sim.cluster import Cluster, Shape
from node.sim.rounds import crash_rounds
from node.sim.world import World

CRASHES = ((4, 1), (5, 1), (7, 2), (10, 3), (22, 7), (50, 16))


def cpu_per_block_us(validators: int, heights: int) -> int:
    """Return microseconds of CPU for a block and node, one transaction a block."""
    world = World(1)
    cluster = Cluster(world, Shape(validators, 0, spares=0))
    cluster.boot()

    def pay() -> None:
        cluster.pay()
        world.after(1_000, pay)

    world.after(1_000, pay)
    world.run_until(10_000)
    before, start = cluster.oracle.ledger.height, time.process_time()
    world.run_until(10**9, lambda: cluster.oracle.ledger.height >= before + heights)
    made = cluster.oracle.ledger.height - before
    return int((time.process_time() - start) / made / validators * 1e6)


def verify_us() -> float:
    """Return microseconds for one Ed25519 check."""
    signer, message = Signer(bytes(32)), bytes(101)
    signature = signer.sign(message)
    start = time.perf_counter()
    for _ in range(2_000):
        verify_signature(signer.public_key, message, signature)
    return (time.perf_counter() - start) / 2_000 * 1e6


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--heights", type=int, default=60)
    parser.add_argument("--most", type=int, default=50, help="The largest cluster to try.")
    given = parser.parse_args()
    heights = given.heights
    check = verify_us()
    print(f"one signature check: {check:.0f} us")
    print("validators  CPU a block and node  signatures of a block on top")
    for validators in sorted({4, given.most}):
        cpu = cpu_per_block_us(validators, min(heights, 400 // validators))
        quorum = 2 * validators // 3 + 1
        print(f"{validators:10}  {cpu / 1_000:17.2f} ms  {2 * quorum * check / 1_000:25.2f} ms")
    print("validators, crashed: failed rounds (plain rotation)")
    for validators, crashed in CRASHES:
        if validators > given.most:
            break
        ours = crash_rounds(validators, crashed, plain=False, heights=heights)
        plain = crash_rounds(validators, crashed, plain=True, heights=heights)
        print(f"{validators:4}, {crashed}: {ours.failed_rounds:3} ({plain.failed_rounds})")


if __name__ == "__main__":
    main()
