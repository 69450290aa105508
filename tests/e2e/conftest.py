"""What tests with real processes share."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.journey_net import JourneyNet

PEOPLE = tuple(f"{word}{number}" for word in ("shop", "customer") for number in range(1, 25))
COUNTER = ("counter", "walker1", "walker2", "walker3")  # of a shop whose line goes down
SLEEPERS = ("sleepy", "sleeper")  # of computers that are put to sleep
NIGHT_SHOPS = tuple(f"night{number}" for number in range(1, 101))


def _network(folder: Path) -> Iterator[JourneyNet]:
    made = JourneyNet(folder, PEOPLE + COUNTER + SLEEPERS + NIGHT_SHOPS)
    try:
        asyncio.run(made.begin())
        yield made
    finally:
        made.close()


@pytest.fixture(scope="session")
def journeys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JourneyNet]:
    """Four validators with the standard contracts, for all journeys; take other people each."""
    yield from _network(tmp_path_factory.mktemp("journeys"))


@pytest.fixture(scope="session")
def steady(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JourneyNet]:
    """The same for tests in which the validators stay those that they are."""
    yield from _network(tmp_path_factory.mktemp("steady"))
