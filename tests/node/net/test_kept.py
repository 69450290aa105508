"""What a node promised its own clients to bring into a block."""

from pathlib import Path

import pytest

from chain.transaction import read_transaction
from node.live.outcomes import Pending
from tests.node.net.linked import linked

pytestmark = [pytest.mark.timeout(60)]


async def test_a_node_keeps_what_a_client_sends_also_if_a_peer_brought_it_first(
    tmp_path: Path,
) -> None:
    async with linked(tmp_path, 4, 1) as net:
        for name in ("node3", "node4"):
            await net.stop(name)  # no quorum: it waits
        data = net.pay("alice", "bob")
        tx_id = read_transaction(data).tx_id
        net["shop1"].node.submit(data)
        await net.until(lambda: tx_id in net["node1"].node.pool)
        brought = tx_id in net["node1"].node.outbox
        # The same transaction, without a good signature.
        forged = data[:-65] + bytes(64) + data[-1:]

        answers = [net["node1"].node.submit(forged), *await net["node1"].node.submit_batch([data])]

        assert [one.is_known for one in answers if isinstance(one, Pending)] == [True, True]
        assert (brought, list(net["node1"].node.outbox)) == (False, [data])
