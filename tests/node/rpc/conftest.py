"""A node of the demo chain for the tests that change nothing of it."""

from collections.abc import Iterator

import pytest

from tests.node.rpc.fuzzing import Target, open_target


@pytest.fixture(scope="module")
def reading_target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    """One for all views of a module."""
    with open_target(tmp_path_factory.mktemp("reading")) as made:
        yield made
