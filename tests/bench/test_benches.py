"""The benchmarks run: what nobody runs for weeks would break unseen."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("command", "last"),
    [
        ("bench.opcodes --rows 100 --rounds 1 --only P", "most"),
        ("bench.agreement --heights 2 --most 10", "  10, 3:"),
        ("bench.rehearsal --rows 60 --runs 1", "median ratio"),
        ("bench.stages --rows 60", "cancel"),
        pytest.param(
            "bench.rpc --transactions 60 --runs 1 --quick", "booking calls", marks=pytest.mark.whole
        ),
    ],
)
def test_a_benchmark_prints_its_figures(command: str, last: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", *command.split()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[-1].startswith(last)
