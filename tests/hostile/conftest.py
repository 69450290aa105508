"""One network for a whole module of liars: each is forgiven before the next one comes."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from p2p import ScoreBook

pytest.register_assert_rewrite("tests.hostile.net")

from tests.hostile.net import PATIENCE_S, HonestNet, honest_net  # noqa: E402 - after it is to be rewritten


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole_net(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HonestNet]:
    """The honest nodes, with a few decided blocks."""
    folder = tmp_path_factory.mktemp("honest")
    async with honest_net(folder) as made:
        for _ in range(5):
            await made.decide()
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def net(whole_net: HonestNet) -> AsyncIterator[HonestNet]:
    """The same, with nothing of one test held against the liar of the next, nor what comes late."""
    yield whole_net
    for one in whole_net:
        async with asyncio.timeout(PATIENCE_S):
            while one.visitors():  # noqa: ASYNC110 - faults are counted when they are gone
                await asyncio.sleep(0.01)
        one.network.book._scores = ScoreBook()
