"""Nodes that talk: transactions reach whoever makes blocks, blocks reach everybody."""

import asyncio
from pathlib import Path

import pytest

from chain.errors import NonceUsedError
from chain.transaction import read_transaction
from consensus import GetBlocks, RejoinQuery, Status, WantBlock
from node.net.messages import TransactionBatch, pack
from p2p import Kind
from tests.node.net.linked import linked

pytestmark = [pytest.mark.timeout(60)]


async def test_what_a_shops_client_sends_is_final_on_every_node(tmp_path: Path) -> None:
    async with linked(tmp_path, 4, 1) as net:
        sent = [net.pay("alice", "bob"), net.pay("carol", "dave")]
        for data in sent:
            net["shop1"].node.submit(data)

        await net.until(lambda: all(net.is_final(one, name) for one in sent for name in net.names))

        roots = {one.node.ledger.store.header(1).state_root for one in net.members.values()}
        assert len(roots) == 1
        assert {one.link.faults == [] for one in net.members.values()} == {True}
        assert len(net["shop1"].node.outbox) == 0


async def test_blocks_travel_without_the_transactions_that_are_known(tmp_path: Path) -> None:
    async with linked(tmp_path, 4) as net:
        sent = [net.pay("alice", "bob") for _ in range(100)]
        answers = await net["node1"].node.submit_batch(sent)
        await net.until(lambda: all(net.is_final(one, "node4") for one in sent))

        proposals = [
            size
            for member in net.members.values()
            for _key, kind, size in member.link.sent
            if kind == Kind.PROPOSAL
        ]
        assert len(answers) == 100
        assert proposals
        assert max(proposals) < len(sent[0]) * 50


async def test_what_a_proposal_names_and_nobody_brought_is_fetched(tmp_path: Path) -> None:
    async with linked(tmp_path, 4) as net:
        for member in net.members.values():
            member.exchange.relay.take = lambda sender, items: None  # type: ignore[method-assign]  # noqa: ARG005
        sent = [net.pay("alice", "bob") for _ in range(10)]
        for member in net.members.values():
            await member.node.submit_batch(sent[:5])
        await net["node2"].node.submit_batch(sent[5:])

        await net.until(lambda: all(net.is_final(one, "node3") for one in sent))


async def test_a_node_that_was_away_catches_up_while_the_chain_moves_on(tmp_path: Path) -> None:
    async with linked(tmp_path, 4, 1) as net:
        await net.stop("shop1")
        for _ in range(250):
            net["node1"].node.submit(last := net.pay("alice", "bob"))
            await net.until(lambda: net.is_final(last, "node1"))
        shop = net.start("shop1")
        net["node1"].node.submit(last := net.pay("alice", "bob"))

        await net.until(lambda: net.is_final(last, "shop1"))

        assert shop.node.ledger.height == net["node1"].node.ledger.height >= 251
        assert shop.node.ledger.head_id == net["node1"].node.ledger.head_id


async def test_one_of_four_may_be_away_two_may_not(tmp_path: Path) -> None:
    async with linked(tmp_path, 4) as net:
        await net.stop("node4")
        net["node1"].node.submit(first := net.pay("alice", "bob"))
        await net.until(lambda: net.is_final(first, "node1"))

        await net.stop("node3")
        net["node1"].node.submit(second := net.pay("alice", "bob"))
        height = net["node1"].node.ledger.height
        net.start("node3")
        net.start("node4")
        await net.until(lambda: all(net.is_final(second, name) for name in net.names))

        assert net["node4"].node.ledger.height > height


async def test_nonsense_from_a_peer_is_a_fault_and_nothing_else(tmp_path: Path) -> None:
    async with linked(tmp_path, 4) as net:
        node1, node2 = net["node1"], net["node2"]
        batch = pack(TransactionBatch((b"nonsense",)))
        spoilt = bytearray(net.pay("alice", "bob"))
        spoilt[-1] ^= 1
        node1.exchange.hear(node2.key, Kind.VOTE, b"nonsense")
        node1.exchange.hear(node2.key, Kind.VOTE, batch[1])
        node1.exchange.hear(node2.key, *batch)
        node1.exchange.hear(node2.key, *pack(TransactionBatch((bytes(spoilt),))))

        await net.until(lambda: len(node1.link.faults) == 4)

        assert [name for _key, name, _text in node1.link.faults] == [
            "malformed",
            "malformed",
            "bad_transaction",
            "bad_transaction",
        ]


async def test_a_peer_that_is_no_member_is_told_nothing_of_the_chain(tmp_path: Path) -> None:
    async with linked(tmp_path, 1, 1) as net:
        stranger = net["shop1"].key
        net.strangers.add(stranger)
        net["node1"].link.sent.clear()
        net["node1"].node.submit(paid := net.pay("alice", "bob"))
        await net.until(lambda: net.is_final(paid, "node1"))
        for message in (
            GetBlocks(1, 100),
            WantBlock(1, bytes(32)),
            RejoinQuery(stranger, bytes(16)),
        ):
            net["node1"].exchange.hear(stranger, *pack(message))

        told = {kind for key, kind, _size in net["node1"].link.sent if key == stranger}

        assert told == set()
        assert net["shop1"].node.ledger.height == 0
        net.strangers.clear()
        net["node1"].exchange.hear(stranger, *pack(GetBlocks(1, 100)))
        await net.until(lambda: net.is_final(paid, "shop1"))


async def test_what_the_outbox_keeps_waits_again_though_it_could_not_be_taken_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.net.relay.RESEND_S", 0.05)
    async with linked(tmp_path, 4, 1) as net:
        data, shop = net.pay("alice", "bob"), net["shop1"].node
        shop.outbox.add(read_transaction(data).tx_id, data)

        await net.until(lambda: all(net.is_final(data, name) for name in net.names))
        await net.until(lambda: len(shop.outbox) == 0)


async def test_of_many_statuses_at_once_one_is_answered(tmp_path: Path) -> None:
    async with linked(tmp_path, 1, 1) as net:
        node1, shop1 = net["node1"], net["shop1"]
        node1.node.submit(paid := net.pay("alice", "bob"))
        await net.until(lambda: net.is_final(paid, "shop1"))
        await asyncio.sleep(0.2)
        node1.link.sent.clear()
        status = Status(1, 0, 1, bytes(32), b"\x00", b"\x00", -1, has_proposal=False)
        for _ in range(50):
            node1.exchange.hear(shop1.key, *pack(status))

        assert [kind for _key, kind, _size in node1.link.sent] == [Kind.SYNC]


async def test_what_one_node_alone_was_given_reaches_the_others_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("node.net.relay.RESEND_S", 0.05)
    async with linked(tmp_path, 4) as net:
        paid = [net.pay("alice", "bob"), net.pay("carol", "dave")]
        net["node1"].exchange.hear(net["node4"].key, *pack(TransactionBatch(tuple(paid))))

        await net.until(lambda: all(net.is_final(one, name) for one in paid for name in net.names))


async def test_what_waits_with_a_nonce_that_others_blocks_used_is_dropped_everywhere(
    tmp_path: Path,
) -> None:
    async with linked(tmp_path, 4, 1) as net:
        first = net.pay("alice", "bob", 1)
        net.give_back_nonce("alice")
        second = net.pay("alice", "bob", 2)
        waiting = read_transaction(second)
        shop = net["shop1"].node
        shop.pool.add(waiting)  # it reached nobody else yet
        net["node1"].node.submit(first)

        await net.until(lambda: net.is_final(first, "shop1"))

        told = shop.status(waiting.tx_id)
        assert (len(shop.pool), told.status, told.searched) == (0, "failed", (0, 1))
        assert isinstance(told.error, NonceUsedError)
