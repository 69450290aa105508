"""Nodes that begin with a snapshot of their peers: what they believe, and what they do without."""

import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import chain.snapshot
import consensus.sync
from chain.block import block_id
from chain.snapshot import SnapshotManifest, encode_manifest
from chain.state import Space
from chain.types import MINUTE_MS
from consensus import GetBlocks, TrustOptions
from node.net import snapshot_client, snapshot_plan
from node.net.messages import AnyMessage, SnapshotChunk, SnapshotOffer, WantChunk, pack, unpack
from node.storage.fetched import begin_fetching
from node.storage.folder import beside
from node.storage.snapshot import SnapshotFile
from node.storage.snapshots import make_snapshot
from node.storage.trust import check_trust
from p2p import Kind
from tests.node.net.linked import LinkedNet, Member

EVERY, GROWN, DISTANCE = 10, 23, 5
NEWEST = GROWN // EVERY * EVERY

pytestmark = [pytest.mark.timeout(60)]


@pytest.fixture(autouse=True)
def small_chunks_and_little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chain.snapshot, "CHUNK_BYTES", 500)
    monkeypatch.setattr(snapshot_plan, "PATIENCE_MS", 300)
    monkeypatch.setattr(snapshot_client, "GATHER_MS", 100)
    monkeypatch.setattr(snapshot_client, "OFFER_WAIT_MS", 1_000)
    monkeypatch.setattr(consensus.sync, "SYNC_MS", 300)


@asynccontextmanager
async def grown(folder: Path, *names: str, validators: int = 1) -> AsyncIterator[LinkedNet]:
    """Run nodes until their chain has snapshots; those that start later use them."""
    net = LinkedNet(folder, validators, 3, EVERY)
    try:
        for name in names:
            net.start(name)
        await grow(net, GROWN, names)
        net.snapshot_distance = DISTANCE
        yield net
    finally:
        for name in [one.name for one in net.members.values()]:
            await net.stop(name)


async def grow(net: LinkedNet, height: int, names: Sequence[str]) -> None:
    """Make blocks up to a height, and the snapshots of it."""
    while net["node1"].node.ledger.height < height:
        net["node1"].node.submit(paid := net.pay("alice", "bob"))
        await net.until(lambda: net.is_final(paid, "node1"))
    folders = [folder for name in names if (folder := net[name].node.snapshots) is not None]
    newest = height // EVERY * EVERY
    await net.until(lambda: all(newest in one.heights() for one in folders))


async def is_level(net: LinkedNet, name: str) -> Member:
    """Wait until a node has a block that is decided now."""
    net["node1"].node.submit(paid := net.pay("alice", "bob"))
    await net.until(lambda: net[name].node.ledger.height > GROWN and net.is_final(paid, name))
    return net[name]


def begins_at(member: Member) -> int:
    return member.node.ledger.store.base_height


def faults(member: Member) -> list[tuple[bytes, str]]:
    return [(key, name) for key, name, _text in member.link.faults]


def newest_of(member: Member) -> SnapshotFile:
    assert member.node.snapshots is not None
    found = member.node.snapshots.find(NEWEST)
    assert found is not None
    return found


def heard(member: Member) -> list[AnyMessage]:
    """Note what a member hears, from now on."""
    messages: list[AnyMessage] = []
    hear = member.exchange.hear

    def listen(sender: bytes, kind: Kind, payload: bytes) -> None:
        messages.append(unpack(kind, payload))
        hear(sender, kind, payload)

    member.exchange.hear = listen  # type: ignore[method-assign]
    return messages


def chunks_of(messages: list[AnyMessage]) -> list[int]:
    """Return which chunks were asked for."""
    return [one.index for one in messages if isinstance(one, WantChunk)]


# What goes well ---------------------------------------------------------------------------------


async def test_a_node_that_begins_takes_the_state_and_goes_on_by_blocks(tmp_path: Path) -> None:
    async with grown(tmp_path, "node1", "shop2") as net:
        asked = heard(net["node1"]), heard(net["shop2"])
        net.start("shop1")
        shop = await is_level(net, "shop1")
        count = len(newest_of(net["node1"]).manifest.chunks)

        assert begins_at(shop) == NEWEST
        assert sorted(chunks_of(asked[0] + asked[1])) == list(range(count))
        assert min(len(chunks_of(one)) for one in asked) > 0
        assert shop.link.faults == []
        assert shop.node.ledger.head_id == net["node1"].node.ledger.head_id
        assert (shop.node.chunks, shop.exchange.fetching.is_at_work) == (None, False)
        left = {path.name for path in (tmp_path / "shop1").iterdir() if path.name != "outbox.log"}
        assert left == {"chain", "chain.lock", "votes.log"}

        await net.stop("shop1")
        net.start("shop1")
        assert (await is_level(net, "shop1")).node.ledger.store.base_height == NEWEST


async def test_what_clients_sent_meanwhile_is_sent_again(tmp_path: Path) -> None:
    async with grown(tmp_path, "node1") as net:
        asked = heard(net["node1"])
        shop = net.start("shop1")
        shop.node.submit(paid := net.pay("carol", "dave"))
        await net.until(lambda: net.is_final(paid, "node1"))

        assert begins_at(await is_level(net, "shop1")) == NEWEST
        assert min(one.start for one in asked if isinstance(one, GetBlocks)) == NEWEST + 1


async def test_who_is_hardly_behind_goes_by_blocks(tmp_path: Path) -> None:
    async with grown(tmp_path, "node1") as net:
        net.snapshot_distance = GROWN
        net.start("shop1")

        assert begins_at(await is_level(net, "shop1")) == 0


@pytest.mark.parametrize("begins", [NEWEST, 0])
async def test_an_old_chains_snapshot_is_believed_if_somebody_vouches_for_its_block(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begins: int
) -> None:
    old = TrustOptions(trusting_period_ms=1, clock_drift_ms=MINUTE_MS)
    monkeypatch.setattr(snapshot_client, "check_trust", partial(check_trust, options=old))
    async with grown(tmp_path, "node1") as net:
        shop, header = net.start("shop1"), net["node1"].node.ledger.store.header(NEWEST)
        shop.exchange.fetching.checkpoints = {begins: block_id(header)}
        assert begins_at(await is_level(net, "shop1")) == begins


# Who lies ---------------------------------------------------------------------------------------


async def test_an_offer_with_another_state_root_is_a_fault_and_others_are_asked(
    tmp_path: Path,
) -> None:
    async with grown(tmp_path, "node1", "shop2") as net:
        liar = net["shop2"]
        liar.exchange.served._offer_of = lambda found: bent_offer(found.manifest)  # type: ignore[method-assign]
        net.start("shop1")
        shop = await is_level(net, "shop1")

        assert (begins_at(shop), set(faults(shop))) == (NEWEST, {(liar.key, "bad_proof")})


def bent_offer(manifest: SnapshotManifest) -> bytes:
    bent = replace(manifest, header=replace(manifest.header, state_root=bytes(32)))
    return pack(SnapshotOffer(encode_manifest(bent), ()))[1]


async def test_offers_that_can_not_be_read_are_a_fault_and_others_are_asked(
    tmp_path: Path,
) -> None:
    async with grown(tmp_path, "node1", "shop2", "shop3") as net:
        junk = (
            SnapshotOffer(b"junk", ()),
            SnapshotOffer(encode_manifest(newest_of(net["shop3"]).manifest), (b"junk",)),
        )
        for liar, offer in zip((net["shop2"], net["shop3"]), junk, strict=True):
            payload = pack(offer)[1]
            liar.exchange.served._offer_of = lambda _found, said=payload: said  # type: ignore[method-assign,misc]
        net.start("shop1")
        shop = await is_level(net, "shop1")

        liars = {(net[name].key, "bad_proof") for name in ("shop2", "shop3")}
        assert (begins_at(shop), set(faults(shop))) == (NEWEST, liars)


async def test_a_chain_that_can_not_take_its_place_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_chain: Path) -> None:
        raise PermissionError(13, "somebody reads a file of it")

    monkeypatch.setattr(snapshot_client, "put_in_place", refuse)
    async with grown(tmp_path, "node1") as net:
        net.start("shop1")
        shop = await is_level(net, "shop1")

        assert (begins_at(shop), shop.node.failure) == (0, None)


async def test_chunks_that_are_not_the_state_of_the_header_cost_all_who_offered_them(
    tmp_path: Path,
) -> None:
    async with grown(tmp_path, "node1", "shop2", "shop3") as net:
        liars = [net["shop2"], net["shop3"]]
        for liar in liars:
            lie(liar)
        net.start("shop1")
        shop = await is_level(net, "shop1")

        assert begins_at(shop) == NEWEST
        assert sorted(faults(shop)) == sorted((one.key, "bad_proof") for one in liars)


def lie(liar: Member) -> None:
    """Let a member offer another state under the true header and certificate."""
    source = newest_of(liar)
    ledger, folder = liar.node.ledger, liar.node.snapshots
    assert folder is not None
    store = ledger.store
    key = next(store.iterate(bytes([Space.BALANCE]), bytes([Space.BALANCE + 1])))[0]
    before = store.get(key)
    assert before is not None
    store.put_state([(key, (10**9).to_bytes(8, "big"))], b"")
    manifest = source.manifest
    folder._open.clear()
    make_snapshot(store, folder.path(NEWEST), (manifest.header, manifest.commit))
    store.put_state([(key, before)], b"")


async def test_who_sends_a_wrong_chunk_is_left_out(tmp_path: Path) -> None:
    async with grown(tmp_path, "node1", "shop2") as net:
        liar = net["shop2"]
        send = liar.link.send

        def spoil(key: bytes, kind: Kind, payload: bytes) -> None:
            message = unpack(kind, payload)
            if isinstance(message, SnapshotChunk):
                wrong = bytes([message.data[0] ^ 1]) + message.data[1:]
                kind, payload = pack(replace(message, data=wrong))
            send(key, kind, payload)

        liar.link.send = spoil  # type: ignore[method-assign]
        net.start("shop1")
        shop = await is_level(net, "shop1")

        assert (begins_at(shop), set(faults(shop))) == (NEWEST, {(liar.key, "bad_proof")})


async def test_chunks_that_nobody_answers_are_asked_of_others(tmp_path: Path) -> None:
    async with grown(tmp_path, "node1", "shop2") as net:
        asked = heard(net["shop2"])
        mute(net["shop2"], 0)
        net.start("shop1")
        shop = await is_level(net, "shop1")

        assert chunks_of(asked)
        assert (begins_at(shop), shop.link.faults) == (NEWEST, [])


def mute(member: Member, first: int) -> None:
    """Let a member send no chunk from a number on."""
    send = member.link.send

    def keep_back(key: bytes, kind: Kind, payload: bytes) -> None:
        message = unpack(kind, payload)
        if not isinstance(message, SnapshotChunk) or message.index < first:
            send(key, kind, payload)

    member.link.send = keep_back  # type: ignore[method-assign]


async def test_who_is_no_member_is_offered_nothing(tmp_path: Path) -> None:
    async with grown(tmp_path, "node1") as net:
        shop = net.start("shop1")
        net.strangers.add(shop.key)
        net["node1"].exchange.hear(shop.key, *pack(WantChunk(NEWEST, 0)))

        assert net["node1"].exchange.served._waiting == {}


# Stops ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_killed", [False, True])
async def test_after_a_stop_in_the_middle_it_asks_only_for_what_is_missing(
    tmp_path: Path, *, is_killed: bool
) -> None:
    async with grown(tmp_path, "node1") as net:
        send = net["node1"].link.send
        mute(net["node1"], 3)
        shop = net.start("shop1")
        await net.until(lambda: shop.node.chunks is not None and shop.node.chunks[0] == 3)
        if is_killed:  # what the disk has at that moment is all that is left
            shutil.copytree(tmp_path / "shop1", tmp_path / "kept")
        await net.stop("shop1")
        if is_killed:
            shutil.rmtree(tmp_path / "shop1")
            (tmp_path / "kept").rename(tmp_path / "shop1")
        net["node1"].link.send = send  # type: ignore[method-assign]
        asked = heard(net["node1"])
        net.start("shop1")
        again = await is_level(net, "shop1")

        assert begins_at(again) == NEWEST
        assert sorted(chunks_of(asked)) == list(
            range(3, len(newest_of(net["node1"]).manifest.chunks))
        )


async def test_a_chain_that_was_whole_when_it_stopped_takes_its_place_at_the_start(
    tmp_path: Path,
) -> None:
    async with grown(tmp_path, "node1") as net:
        source = newest_of(net["node1"])
        folder = tmp_path / "shop1" / "chain"
        folder.parent.mkdir()
        restoring = begin_fetching(folder, net.genesis, source.manifest)
        for data in source.chunks():
            restoring.add(data)
        restoring.finish()
        asked = heard(net["node1"])
        net.start("shop1")

        assert begins_at(await is_level(net, "shop1")) == NEWEST
        assert chunks_of(asked) == []
        assert not beside(folder, "fetched").exists()


# Blocks instead ---------------------------------------------------------------------------------


async def test_without_an_offer_it_goes_by_blocks(tmp_path: Path) -> None:
    async with grown(tmp_path, "node1") as net:
        net["node1"].node.snapshots = None
        net.start("shop1")
        shop = await is_level(net, "shop1")

        assert (begins_at(shop), shop.link.faults) == (0, [])


async def test_where_all_lie_it_goes_by_blocks(tmp_path: Path) -> None:
    async with grown(tmp_path, "node1") as net:
        net["node1"].exchange.served._offer_of = lambda found: bent_offer(found.manifest)  # type: ignore[method-assign]
        net.start("shop1")
        shop = await is_level(net, "shop1")

        assert (begins_at(shop), set(faults(shop))) == (0, {(net["node1"].key, "bad_proof")})


async def test_where_chunks_stop_coming_it_goes_by_blocks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(snapshot_client, "STALL_MS", 500)
    async with grown(tmp_path, "node1") as net:
        mute(net["node1"], 2)
        net.start("shop1")

        assert begins_at(await is_level(net, "shop1")) == 0


async def test_a_validator_with_votes_in_its_log_keeps_its_chain(tmp_path: Path) -> None:
    names = ("node1", "node2", "node3", "node4")
    async with grown(tmp_path, *names, validators=4) as net:
        voted = net["node4"].node.driver.vote_log
        await net.stop("node4")
        while net["node1"].node.ledger.height < GROWN + 2 * EVERY:
            net["node1"].node.submit(paid := net.pay("alice", "bob"))
            await net.until(lambda: net.is_final(paid, "node1"))
        net.start("node4")

        member = await is_level(net, "node4")
        assert begins_at(member) == 0
        assert getattr(voted, "height", 0) > 0


async def test_a_validator_that_begins_so_observes_until_it_may_vote(tmp_path: Path) -> None:
    names = ("node1", "node2", "node3")
    async with grown(tmp_path, *names, validators=4) as net:
        net.start("node4")
        member = await is_level(net, "node4")
        reason = member.node.driver.mode_reason

        assert begins_at(member) == NEWEST
        assert reason.startswith("this node caught up by a snapshot")
