"""Catching up by snapshot: a node that begins, or is far behind, fetches the state from its peers.

It asks who has a snapshot, believes one by the rules of the light client, and fetches the chunks
from all who have the same one. They are taken in beside the chain, one by one with turns of others
between, so that talk goes on and a stop costs one chunk. In the end the new chain takes the place
of the old one. Until then blocks are not asked for; whatever goes wrong, they are afterwards.
"""

import asyncio
import logging
from collections import Counter, deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeAlias

from chain.block import block_id
from chain.codec import decode
from chain.errors import MalformedBytesError, SnapshotError, StoreError, WashError
from chain.snapshot import SnapshotManifest, decode_manifest, snapshot_id
from chain.validators import read_validators
from consensus import Candidate, trust_header
from node.live.node import Node
from node.net.messages import SnapshotChunk, SnapshotOffer, WantChunk, WantSnapshots, pack
from node.net.peers import Peers
from node.net.snapshot_plan import OFFERS_PER_PEER, ChunkPlan, Offered, Offers, told_height
from node.rpc.methods.admin_copy import is_copied
from node.storage.disk import free_bytes
from node.storage.fetched import (
    Fetched,
    begin_fetching,
    begun_snapshot,
    find_fetched,
    put_in_place,
    tidy,
)
from node.storage.snapshot import Restoring
from node.storage.snapshots import FREE_BYTES_MIN
from node.storage.trust import check_certified, check_trust
from node.storage.wal import VoteLog

OFFER_WAIT_MS = 10_000  # without an offer in this time it goes by blocks
GATHER_MS = 500  # after the first offer, others may come that are better
AGAIN_MS = 10_000  # while it fetches, it looks so often for more who have the same
STALL_MS = 60_000  # without a chunk for so long it goes by blocks
RETRY_MS = 10 * 60_000  # after it went wrong
TIMES_THE_SIZE = 3  # room on the disk for a snapshot: values, tree, and what merging takes
LOOK_S = 0.2
PAUSE_S = 0.002  # between two chunks: votes, blocks and answers come first

_DISTRUST = (
    "this node caught up by a snapshot, so nobody knows whether its key signed before; it follows, "
    "and votes again by itself once that is safe"
)
_Answer: TypeAlias = SnapshotOffer | SnapshotChunk

_log = logging.getLogger("washnode.net")


@dataclass(frozen=True, slots=True)
class Place:
    """Where this node is among others, as far as fetching a snapshot goes."""

    heights: Callable[[], dict[bytes, int]]  # that peers last said they decide
    on_replaced: Callable[[], None]  # the chain is another one now


class SnapshotClient:
    """Fetches snapshots for a node that is more than `distance` blocks behind. `run` beside it."""

    def __init__(self, node: Node, peers: Peers, place: Place, distance: int) -> None:
        """Do nothing before `look` is called; `distance` 0: never do anything."""
        self._node, self._peers, self._place, self._distance = node, peers, place, distance
        self._offers = Offers()
        self._plan: ChunkPlan | None = None
        self._heard: deque[tuple[SnapshotOffer, bytes]] = deque()
        self._asked: Counter[bytes] = Counter()  # offers that a peer may still send
        self._quiet_until_ms = 0
        self._news = asyncio.Event()
        self.is_at_work = False  # then blocks are not asked for
        self.checkpoints: dict[int, bytes] = {}  # ids of blocks that somebody vouches for

    @property
    def _mono_ms(self) -> int:
        return self._node.clock.mono_ms()

    # What others tell -------------------------------------------------------------------------

    def look(self) -> None:
        """Begin if this node is far behind: a peer said how far it is."""
        if not self.is_at_work and self._mono_ms >= self._quiet_until_ms and self._is_far():
            self.is_at_work = True
            self._news.set()

    def _is_far(self) -> bool:
        if not self._distance or self._node.is_dev:
            return False
        told = self._place.heights()
        heights = [told[key] for key in self._peers.connected() if key in told]
        newest = told_height(heights, len(list(self._peers.connected())))
        behind = 0 if newest is None else newest - self._node.driver.engine.height
        return behind > self._distance and not self._has_voted()

    def _has_voted(self) -> bool:
        """A validator whose votes are written here does not throw its chain away."""
        log, state = self._node.driver.vote_log, self._node.state()
        is_validator = self._node.validator_key in read_validators(state).keys
        return is_validator and (not isinstance(log, VoteLog) or log.height > 0)

    def take(self, message: _Answer, sender: bytes) -> None:
        """Take an answer; one to no question, or too late, is passed over."""
        if not self.is_at_work:
            return
        if isinstance(message, SnapshotOffer):
            if self._asked[sender] > 0:
                self._asked[sender] -= 1
                self._heard.append((message, sender))
        elif self._plan is not None and message.height == self._plan.manifest.height:
            self._take_chunk(self._plan, message, sender)
        self._news.set()

    def _take_chunk(self, plan: ChunkPlan, message: SnapshotChunk, sender: bytes) -> None:
        if not plan.put(message.index, message.data, sender):
            text = f"chunk {message.index} of the snapshot of height {message.height} is another"
            self._expose(sender, text)

    def _expose(self, sender: bytes, text: str) -> None:
        self.forget(sender)
        self._peers.fault(sender, "bad_proof", text)

    def forget(self, peer: bytes) -> None:
        """A peer is gone, or lied."""
        self._offers.drop(peer)
        self._asked.pop(peer, None)
        if self._plan is not None:
            self._plan.drop(peer)

    # Fetching ---------------------------------------------------------------------------------

    async def run(self) -> None:
        """Fetch whenever it is time to, until cancelled."""
        if not self._distance or self._node.is_dev:
            return
        self._end_what_was_cut_off()
        while True:
            await self._news.wait()
            self._news.clear()
            if not self.is_at_work:
                continue
            try:
                await self._catch_up()
            except (OSError, StoreError) as error:
                _log.warning("no snapshot could be taken in, going on by blocks: %s", error)
            except Exception:  # noqa: BLE001 - what a peer made up costs a snapshot, not the node
                _log.exception("fetching a snapshot failed, going on by blocks")
            finally:
                self.is_at_work, self._plan, self._node.chunks = False, None, None
                self._offers.clear()
                self._heard.clear()
                self._asked.clear()
                self._quiet_until_ms = self._mono_ms + RETRY_MS

    def _end_what_was_cut_off(self) -> None:
        """A chain that was whole when the node was stopped takes its place now."""
        ledger = self._node.ledger
        found = find_fetched(ledger.folder)
        is_far = found is not None and found.height - ledger.height >= self._distance
        if found is not None and is_far and not self._has_voted():
            self._replace(found)
        tidy(self._node.ledger.folder)

    async def _catch_up(self) -> None:
        await self._gather()
        while (chosen := await self._choose()) is not None:
            try:
                is_whole = await self._fetch(chosen)
            except SnapshotError as error:  # the chunks are those it names, so it was made so
                for liar in self._offers.refuse(chosen.identity):
                    self._expose(liar, str(error))
                continue
            if is_whole:
                await self._put_in_place(chosen.manifest)
            return
        _log.info("no snapshot is offered that can be used; going on by blocks")

    def _ask(self) -> None:
        """Ask all peers that have not offered what is wanted."""
        known = [] if self._plan is None else self._plan.sources
        question = pack(WantSnapshots())
        for key in self._peers.connected():
            if key not in known:
                self._asked[key] = OFFERS_PER_PEER
                self._peers.send(key, *question)

    async def _gather(self) -> None:
        """Wait for offers: until some time after the first, when others had time to come."""
        start_ms = self._mono_ms
        first_ms: int | None = None
        self._ask()
        while self._mono_ms - start_ms < OFFER_WAIT_MS:
            await self._sort()
            if first_ms is None and len(self._offers):
                first_ms = self._mono_ms
            if first_ms is not None and self._mono_ms - first_ms >= GATHER_MS:
                return
            await self._sleep()

    async def _sleep(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(LOOK_S):
                await self._news.wait()
        self._news.clear()

    async def _sort(self) -> None:
        """Read the offers that came; a bent one is a fault."""
        for _ in range(len(self._heard)):
            message, sender = self._heard.popleft()
            try:
                offered = await asyncio.to_thread(_read_offer, message, sender)
            except (SnapshotError, MalformedBytesError) as error:
                self._expose(sender, str(error))
                continue
            if sender in self._asked and self._offers.put(offered) and self._plan is not None:
                self._plan.join(offered)

    async def _choose(self) -> Offered | None:
        """Return the best offer that is believed and finds room."""
        ledger = self._node.ledger
        begun = begun_snapshot(ledger.folder)
        while found := self._offers.best(ledger.height + self._distance, begun):
            free = free_bytes(ledger.folder.parent)
            needed = FREE_BYTES_MIN + TIMES_THE_SIZE * found[0].manifest.size_bytes
            try:
                if free is not None and free < needed:
                    raise SnapshotError(f"{free} bytes are free on the disk, {needed} are needed")
                await self._check(found[0])
            except WashError as error:  # an honest node may lack the steps that lead there
                text = "the snapshot of height %d is not taken: %s"
                _log.warning(text, found[0].manifest.height, error)
                self._offers.doubt(found[0])
            else:
                return found[0]
        return None

    async def _check(self, offered: Offered) -> None:
        """Raise WashError unless an offer is vouched for, or follows from genesis or our head."""
        node, manifest, steps = self._node, offered.manifest, offered.steps
        genesis, head, now_ms = node.ledger.genesis, node.ledger.head, node.clock.now_ms()
        validators = read_validators(node.state())
        if self.checkpoints.get(manifest.height) == block_id(manifest.header):
            await asyncio.to_thread(check_certified, manifest)
            return
        try:
            await asyncio.to_thread(check_trust, manifest, genesis, now_ms, steps=steps)
        except SnapshotError:
            if not head.height:
                raise
            ours = trust_header(head, validators)
            await asyncio.to_thread(check_trust, manifest, genesis, now_ms, steps=steps, head=ours)

    async def _fetch(self, chosen: Offered) -> bool:
        """Take in all chunks; False if they stopped coming.

        Raises SnapshotError for one that can not be true, StoreError or OSError.
        """
        ledger, manifest = self._node.ledger, chosen.manifest
        restoring = begin_fetching(ledger.folder, ledger.genesis, manifest)
        try:
            sources = self._offers.senders(chosen.identity)
            plan = ChunkPlan(chosen.identity, manifest, restoring.chunks_done, sources)
            self._plan = plan
            text = "fetching the snapshot of height %d: %d of %d chunks are here, %d peers have it"
            _log.info(text, manifest.height, plan.done, plan.count, len(sources))
            is_whole = await self._take_in(restoring, plan)
            if is_whole:
                await _finish(restoring)
        except SnapshotError:
            restoring.give_up()
            raise
        finally:
            self._plan = None
            restoring.close()
        return is_whole

    async def _take_in(self, restoring: Restoring, plan: ChunkPlan) -> bool:
        came_ms = asked_ms = self._mono_ms
        while plan.done < plan.count:
            self._node.chunks = (plan.done, plan.count)
            now_ms = self._mono_ms
            for peer, index in plan.plan(now_ms):
                self._peers.send(peer, *pack(WantChunk(plan.manifest.height, index)))
            data = plan.next()
            if data is not None:
                restoring.add(data)
                plan.took()
                came_ms = self._mono_ms
                await asyncio.sleep(PAUSE_S)
                continue
            if now_ms - came_ms >= STALL_MS:
                text = "no chunk came for %d ms; %d of %d are kept, going on by blocks"
                _log.warning(text, STALL_MS, plan.done, plan.count)
                return False
            if now_ms - asked_ms >= AGAIN_MS:
                asked_ms = now_ms
                self._ask()
            await self._sleep()
            await self._sort()
        self._node.chunks = (plan.count, plan.count)
        return True

    # The new chain ----------------------------------------------------------------------------

    async def _put_in_place(self, manifest: SnapshotManifest) -> None:
        while is_copied(self._node):  # noqa: ASYNC110 - somebody reads the chain that is to go
            await asyncio.sleep(LOOK_S)
        self._replace(Fetched(manifest.height, manifest.next_validators))
        await self._node.unsent.take()

    def _replace(self, fetched: Fetched) -> None:
        node, folder = self._node, self._node.ledger.folder

        def swap() -> None:
            log, validators = node.driver.vote_log, fetched.validators
            is_silent = isinstance(log, VoteLog) and log.height <= fetched.height
            try:
                if isinstance(log, VoteLog) and is_silent and node.validator_key in validators.keys:
                    log.begin(_DISTRUST, validators.epoch)  # first: no chain without its log
                put_in_place(folder)
            except (OSError, StoreError) as error:  # the chain is as it was, and is opened again
                _log.warning("the fetched chain can not take its place: %s", error)

        try:
            node.reopen(swap, keeps_votes=True)
        except Exception as error:  # noqa: BLE001 - whatever it is, the node stops loudly
            node.fail(error)
            return
        if node.ledger.height >= fetched.height:
            _log.info("the chain is at height %d, by snapshot", node.ledger.height)
        self._place.on_replaced()


def _read_offer(message: SnapshotOffer, sender: bytes) -> Offered:
    """Return what an offer says, or raise SnapshotError or MalformedBytesError: nobody honest."""
    manifest = decode_manifest(message.manifest)
    check_certified(manifest)
    steps = tuple([decode(Candidate, one) for one in message.steps])
    return Offered(snapshot_id(manifest), manifest, steps, sender)


async def _finish(restoring: Restoring) -> None:
    """Make the new chain whole, in another thread, which is waited for in any case."""
    work = asyncio.ensure_future(asyncio.to_thread(restoring.finish))
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        with suppress(SnapshotError, StoreError, OSError):
            await work
        raise
