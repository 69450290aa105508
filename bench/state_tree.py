"""Cost of the state tree per changed key: time of an update in batches, bytes per key.

    python bench/state_tree.py [--keys 1000000] [--batch 1000]

Keys are 24 bytes, values 32 to 95; the records live in a dict, so the figures are the tree's own
work without a disk's. Each size is built in batches first, then four kinds of batch are timed, each
kind on keys drawn by a fixed seed: new values for old keys, new keys, deletions, a mix.
"""

import argparse
import gc
import random
import statistics
import sys
import time
from collections.abc import Mapping
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chain.tree import prove_key, update_tree, verify_proof

ROUNDS = 31


class DictReader:
    """Records in memory."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes] = {}
        self.get_node = self.records.get

    def write(self, nodes: Mapping[bytes, bytes | None]) -> None:
        for path, record in nodes.items():
            if record is None:
                self.records.pop(path, None)
            else:
                self.records[path] = record


class Bench:
    """One tree, its keys, and the clock."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.reader = DictReader()
        self.keys: list[bytes] = []
        self.root = bytes(32)

    def new_keys(self, count: int) -> list[bytes]:
        return [self.rng.randbytes(24) for _ in range(count)]

    def value(self) -> bytes:
        return self.rng.randbytes(self.rng.randrange(32, 96))

    def apply(self, changes: Mapping[bytes, bytes | None]) -> tuple[float, int]:
        """Return the microseconds per changed key and the number of records written."""
        started = time.perf_counter()
        update = update_tree(self.reader, changes)
        elapsed = time.perf_counter() - started
        self.reader.write(update.nodes)
        self.root = update.root
        return elapsed * 1e6 / len(changes), len(update.nodes)

    def build(self, count: int, batch: int) -> float:
        """Insert `count` keys in batches; return the seconds spent in updates."""
        seconds = 0.0
        while len(self.keys) < count:
            fresh = self.new_keys(min(batch, count - len(self.keys)))
            self.keys += fresh
            per_key, _ = self.apply({key: self.value() for key in fresh})
            seconds += per_key * len(fresh) / 1e6
        return seconds

    def changes(self, kind: str, batch: int) -> dict[bytes, bytes | None]:
        """Draw one batch; the key count stays about the same over the kinds."""
        fresh = self.new_keys(batch)
        places = self.rng.sample(range(len(self.keys)), min(batch, len(self.keys)))
        old = [self.keys[place] for place in places]
        if kind == "change":
            return {key: self.value() for key in old}
        if kind == "insert":
            self.keys += fresh
            return {key: self.value() for key in fresh}
        if kind == "delete":
            # The last inserted keys go, so that a small tree is not emptied.
            gone = self.keys[-batch:]
            del self.keys[-batch:]  # in place: a copy of a long list would empty the CPU's caches
            return dict.fromkeys(gone, None)
        mixed: dict[bytes, bytes | None] = {key: self.value() for key in old[: batch * 8 // 10]}
        half = batch // 10
        mixed.update((key, self.value()) for key in fresh[:half])
        for key in self.keys[-half:]:
            mixed[key] = None
        self.keys[-half:] = fresh[:half]
        return mixed


def report(count: int, batch: int) -> None:
    """Print the figures of one size."""
    bench = Bench(seed=count)
    seconds = bench.build(count, batch)
    records = bench.reader.records
    record_bytes = sum(len(path) + len(record) for path, record in records.items())
    print(f"{count:,} keys in batches of {batch:,}")
    print(f"  build    {seconds:8.2f} s   {seconds * 1e6 / count:6.2f} us per key")
    print(f"  size     {record_bytes / count:8.1f} bytes per key in {len(records):,} records")
    for kind in ("change", "insert", "delete", "mixed"):
        samples = [bench.apply(bench.changes(kind, batch)) for _ in range(ROUNDS)]
        costs = sorted(cost for cost, _ in samples)
        written = statistics.median(records for _, records in samples) / batch
        print(
            f"  {kind:7}  {statistics.median(costs):8.2f} us per key (median of {ROUNDS}; "
            f"{costs[0]:.2f} to {costs[-1]:.2f}), {written:.2f} records per key"
        )
    prove_samples, verify_samples, proof_bytes = [], [], []
    values = {key: bench.value() for key in bench.keys[:200]}
    bench.apply(values)
    for key, value in values.items():
        started = time.perf_counter()
        proof = prove_key(bench.reader, key)
        proved = time.perf_counter()
        assert verify_proof(bench.root, key, value, proof)
        verify_samples.append((time.perf_counter() - proved) * 1e6)
        prove_samples.append((proved - started) * 1e6)
        proof_bytes.append(sum(len(node) for node in proof.nodes))
    print(
        f"  proof    {statistics.median(proof_bytes):8,.0f} bytes, "
        f"prove {statistics.median(prove_samples):.1f} us, "
        f"verify {statistics.median(verify_samples):.1f} us"
    )


def main() -> None:
    """Read the arguments and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--keys", type=int, action="append", help="keys in the tree (repeatable)")
    parser.add_argument("--batch", type=int, default=1000, help="changed keys per update")
    arguments = parser.parse_args()
    gc.freeze()
    for count in arguments.keys or [1000, 1_000_000]:
        report(count, arguments.batch)


if __name__ == "__main__":
    main()
