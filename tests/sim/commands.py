"""Runs `washnode sim` as a process."""

import json
import os
import subprocess
import sys
from typing import Any


def sim(*words: str, hash_seed: str = "0") -> tuple[int, dict[str, Any]]:
    """Run `washnode sim --json`; returns the exit code and what it says."""
    command = [sys.executable, "-m", "node", "sim", "--json", *words]
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    done = subprocess.run(command, capture_output=True, env=environment, timeout=110, check=False)
    return done.returncode, json.loads(done.stdout)
