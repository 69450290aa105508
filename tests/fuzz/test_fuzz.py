"""A few of the campaigns' examples at every test run; `make fuzz` draws fresh ones."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz.differ import run_history
from tests.fuzz.mutants import SEEDS, try_mutants
from tests.fuzz.sources import compare_source

ROOT = Path(__file__).parent.parent.parent
SEED = st.integers(0, 2**48)
DIGEST_SEEDS = range(20)
COUNTS = dict[str, int]


def digest_of_histories() -> str:
    return hashlib.sha256(b"".join([run_history(seed, {}) for seed in DIGEST_SEEDS])).hexdigest()


@settings(max_examples=settings().max_examples * 2)
@given(SEED)
def test_the_machine_does_what_the_reference_evaluator_does(seed: int) -> None:
    counts: COUNTS = {}

    run_history(seed, counts)

    assert sum(counts.values()) > 0


@settings(max_examples=settings().max_examples * 2)
@given(SEED)
def test_a_compiled_contract_does_what_its_source_does(seed: int) -> None:
    counts: COUNTS = {}

    compare_source(seed, counts)

    assert sum(counts.values()) > 0


@settings(max_examples=settings().max_examples * 5)
@given(SEED)
def test_a_mutant_is_refused_or_harmless(seed: int) -> None:
    counts: COUNTS = {}

    try_mutants(seed, counts)

    assert sum(counts.values()) == 1


def test_the_mutants_begin_with_the_bundled_contracts() -> None:
    names = [path.stem for path in SEEDS]

    assert {"booking", "shops", "notes"} <= set(names)


@pytest.mark.parametrize(("hash_seed", "flags"), [("1", []), ("77", ["-O"])])
def test_outcomes_depend_on_neither_hash_seeds_nor_flags(hash_seed: str, flags: list[str]) -> None:
    code = "from tests.fuzz.test_fuzz import digest_of_histories as d; print(d())"
    environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, *flags, "-c", code]

    printed = subprocess.run(
        command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True
    ).stdout

    assert printed.strip() == digest_of_histories()


def test_the_command_shares_the_runs_among_processes() -> None:
    command = [sys.executable, "-m", "tests.fuzz", "--only", "mutants", "--seed", "7"]

    printed = [
        subprocess.run(
            [*command, "--runs", "300", "--jobs", jobs],
            cwd=ROOT, check=True, capture_output=True, text=True, timeout=50,
        ).stdout.splitlines()[1]
        for jobs in ("1", "2")
    ]  # fmt: skip

    alone, shared = (re.sub(r"\d+ s;", "", line) for line in printed)
    assert alone == shared
    assert "304 runs from seed 7, 0 mismatches" in alone
