"""The chain that the bundled sample makes, to the last bit.

Every supported Python on every system must make the same one. It changes only when rules, bytes or
gas do; then `python -m tests.node.golden` writes it anew.
"""

import json
import tempfile
from pathlib import Path
from typing import Any

from node.rehearse.plan import Planner
from node.rehearse.policies import load_policies
from node.rehearse.rows import read_rows
from node.rehearse.run import rehearse
from node.storage.seal import read_seal

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = ROOT / "tests" / "vectors" / "rehearsal" / "sample.json"
SAMPLES = ROOT / "node" / "samples"


def sample_chain(folder: Path) -> dict[str, Any]:
    """Rehearse the bundled sample in an empty folder; return its height and its last block's id."""
    plan = Planner(load_policies(SAMPLES / "policies.json"))
    rehearse(plan.add_all(read_rows(SAMPLES / "bookings.csv.gz")), folder)
    seal = read_seal(folder)
    return {"chain_id": seal.chain_id, "height": seal.height, "head_id": seal.head_id}


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        text = json.dumps(sample_chain(Path(temporary)), indent=1) + "\n"
    GOLDEN.write_text(text, encoding="utf-8")
