"""One network for a whole module of liars: each is forgiven before the next one comes."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from p2p import ScoreBook

pytest.register_assert_rewrite("tests.hostile.net")

from tests.hostile.net import HonestNet, honest_net  # noqa: E402 - after it is to be rewritten


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def net(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[HonestNet]:
    """The honest nodes, with a few decided blocks."""
    folder = tmp_path_factory.mktemp("honest")
    async with honest_net(folder) as made:
        for _ in range(5):
            await made.decide()
        yield made


@pytest.fixture(autouse=True)
def forgiven(request: pytest.FixtureRequest) -> Iterator[None]:
    """Hold nothing of one test against the liar of the next."""
    nodes = request.getfixturevalue("net") if "net" in request.fixturenames else ()
    yield
    for one in nodes:
        one.network.book._scores = ScoreBook()
