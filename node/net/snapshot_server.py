"""Giving peers the snapshots that this node has: offers, and chunks one by one.

Each peer has a short queue, and they are served in turn. A chunk is read in another thread, so that
a slow disk makes nobody wait but those who fetch.
"""

import asyncio
from collections import deque
from typing import TypeAlias

from chain.codec import encode
from chain.errors import WashError
from chain.snapshot import encode_manifest
from node.live.node import Node
from node.net.messages import SnapshotChunk, SnapshotOffer, WantChunk, WantSnapshots, pack
from node.net.peers import Peers
from node.rpc.reading.light_steps import steps_to
from node.storage.snapshot import SnapshotFile
from node.storage.snapshots import KEPT_MAX
from p2p import Kind

WAITING_MAX = 16  # requests of one peer; more are dropped, and asked again by whoever asked
OFFER_PAUSE_MS = 2_000  # offers are long: so often at most to one peer

_Request: TypeAlias = WantSnapshots | WantChunk


class SnapshotServer:
    """Answers what peers ask about the snapshots of a node. `run` beside it."""

    def __init__(self, node: Node, peers: Peers) -> None:
        """Serve from the folder that the node has, if it has one."""
        self._node, self._peers = node, peers
        self._waiting: dict[bytes, deque[_Request]] = {}
        self._told_ms: dict[bytes, int] = {}
        self._offers: dict[int, bytes] = {}  # by height, as they are sent
        self._news = asyncio.Event()

    def take(self, message: _Request, sender: bytes) -> None:
        """Let a request wait, if its sender may be given what is on the chain."""
        if self._node.snapshots is None or not self._peers.may_read(sender):
            return
        waiting = self._waiting.setdefault(sender, deque())
        if len(waiting) < WAITING_MAX:
            waiting.append(message)
            self._news.set()

    def forget(self, peer: bytes) -> None:
        """A peer is gone."""
        self._waiting.pop(peer, None)
        self._told_ms.pop(peer, None)

    async def run(self) -> None:
        """Answer until cancelled."""
        while True:
            await self._news.wait()
            self._news.clear()
            while self._waiting:
                peer, requests = next(iter(self._waiting.items()))
                del self._waiting[peer]
                request = requests.popleft()
                if requests:
                    self._waiting[peer] = requests  # behind all others
                if isinstance(request, WantChunk):
                    await self._send_chunk(request, peer)
                else:
                    self._send_offers(peer)
                await asyncio.sleep(0)

    async def _send_chunk(self, wanted: WantChunk, peer: bytes) -> None:
        folder = self._node.snapshots
        if folder is None:
            return
        data = await asyncio.to_thread(folder.read_chunk, wanted.height, wanted.index)
        if data is not None:
            self._peers.send(peer, *pack(SnapshotChunk(wanted.height, wanted.index, data)))

    def _send_offers(self, peer: bytes) -> None:
        now_ms = self._node.clock.mono_ms()
        told_ms = self._told_ms.get(peer)
        if told_ms is not None and now_ms - told_ms < OFFER_PAUSE_MS:
            return
        self._told_ms[peer] = now_ms
        folder = self._node.snapshots
        heights = [] if folder is None else folder.heights()[-KEPT_MAX:]
        self._offers = {at: one for at, one in self._offers.items() if at in heights}
        for height in reversed(heights):
            found = None if folder is None else folder.find(height)
            if found is not None:
                if height not in self._offers:
                    self._offers[height] = self._offer_of(found)
                self._peers.send(peer, Kind.SYNC, self._offers[height])

    def _offer_of(self, found: SnapshotFile) -> bytes:
        """Return an offer's bytes; without steps where this chain can not tell them."""
        manifest = found.manifest
        try:
            steps = found.steps or steps_to(self._node.ledger, manifest.height)
        except WashError:  # a file of another time: whoever asks finds out whether it is good
            steps = ()
        offer = SnapshotOffer(encode_manifest(manifest), tuple([encode(one) for one in steps]))
        return pack(offer)[1]
