"""What all tests share: how randomly properties are tried, and a chain to work on."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from tests.make import TestChain

# A check that fails today and passes tomorrow teaches nothing: `make test` draws the same examples
# every time. `make fuzz RUNS=n` draws fresh ones and remembers those that failed.
settings.register_profile(
    "ci",
    derandomize=True,
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile(
    "fuzz",
    max_examples=int(os.environ.get("FUZZ_RUNS", "1000")),
    deadline=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


# A shell lets what runs in its background ignore Ctrl-C, and so would all that the tests start.
if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[TestChain]:
    """A new chain on disk; olga is its operator."""
    made = TestChain(tmp_path)
    yield made
    made.close()
