"""What all tests share: how randomly properties are tried, and a chain to work on."""

import os
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


# Of these files each test can run in a process of its own; of all others what a file has made for
# its tests is made once.
SHARED = ("journeys",)  # what is made once for several files
FREE = frozenset({"test_fuzz_methods.py", "test_naughty.py", "test_simulator.py", "test_twins.py"})


def pytest_itemcollected(item: pytest.Item) -> None:
    """Keep tests that share something together where several processes share the work."""
    shared = [name for name in SHARED if name in getattr(item, "fixturenames", ())]
    if shared or item.path.name not in FREE:
        item.add_marker(pytest.mark.xdist_group(shared[0] if shared else str(item.path)))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest, so that no process is left alone with it in the end."""
    items.sort(
        key=lambda item: (
            not set(SHARED) & set(getattr(item, "fixturenames", ())),
            item.get_closest_marker("e2e") is None,
        )
    )


@pytest.fixture
def chain(tmp_path: Path) -> Iterator[TestChain]:
    """A new chain on disk; olga is its operator."""
    made = TestChain(tmp_path)
    yield made
    made.close()
