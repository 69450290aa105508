"""Transactions on their way to those who make blocks.

Validators are all connected to each other, so each brings what its own clients or a shop's node
gave it to all others, and nobody passes on at once what came from a validator. What this node's own
clients sent is sent again until it is in a block; so is, a little at a time, what others sent: who
gave it to this node alone, by a bad line or on purpose, must not keep it from the rest.
"""

import asyncio
from collections.abc import Callable, Iterable
from itertools import islice

from chain.errors import BadSignatureError, MalformedBytesError
from chain.transaction import ReceivedTransaction
from node.live.node import Node
from node.net.messages import BATCH_MAX, TransactionBatch, pack
from node.net.peers import Peers

GATHER_S = 0.005  # transactions that come within this time travel together
BATCH_BYTES_MAX = 768 * 1024
BATCHES_WAITING_MAX = 64
RESEND_S = 5
RESENT_MAX = 2_048  # at one time
PASSED_ON_MAX = 256  # of others' that wait for long, at one time


class Relay:
    """Takes transactions from peers and brings them on."""

    def __init__(
        self,
        node: Node,
        peers: Peers,
        validators: Callable[[], list[bytes]],
        readers: Callable[[], list[bytes]],
    ) -> None:
        """`validators` returns the connected peers that decide blocks, `readers` all members."""
        self._node, self._peers = node, peers
        self._validators, self._readers = validators, readers
        self._gathered: list[tuple[ReceivedTransaction, bytes | None]] = []
        self._is_due = asyncio.Event()
        self._heard: asyncio.Queue[tuple[bytes, list[bytes]]] = asyncio.Queue(BATCHES_WAITING_MAX)
        self.dropped_batches = 0
        node.intake.on_accept.append(self._on_accept)

    def _on_accept(self, tx: ReceivedTransaction, origin: bytes | None) -> None:
        self._gathered.append((tx, origin))
        self._is_due.set()

    def take(self, sender: bytes, items: list[bytes]) -> None:
        """Let a peer's transactions wait for their check; dropped if too many wait already."""
        try:
            self._heard.put_nowait((sender, items))
        except asyncio.QueueFull:  # whoever sent them keeps them and sends them again
            self.dropped_batches += 1

    def greet(self, key: bytes) -> None:
        """Bring a new peer what this node's own clients wait for."""
        if key in self._targets():
            self._send([key], self._own()[:RESENT_MAX])

    def _own(self) -> list[bytes]:
        pool = self._node.pool
        waiting = [pool.get(tx_id) for tx_id in self._node.outbox.ids()]
        return [tx.data for tx in waiting if tx is not None]

    def _targets(self) -> list[bytes]:
        """Return who should have a transaction: validators, or whoever may know some."""
        return self._validators() or sorted(self._readers())

    def _flush(self) -> None:
        gathered, self._gathered = self._gathered, []
        validators, targets = set(self._validators()), self._targets()
        by_origin: dict[bytes | None, list[bytes]] = {}
        for tx, origin in gathered:
            if origin not in validators:
                by_origin.setdefault(origin, []).append(tx.data)
        for origin, items in by_origin.items():
            self._send([key for key in targets if key != origin], items)

    def _send(self, keys: list[bytes], items: list[bytes]) -> None:
        for batch in _batches(items):
            kind, payload = pack(TransactionBatch(batch))
            for key in keys:
                self._peers.send(key, kind, payload)

    async def run_out(self) -> None:
        """Bring on what was gathered, until cancelled."""
        while True:
            await self._is_due.wait()
            await asyncio.sleep(GATHER_S)
            self._is_due.clear()
            self._flush()

    async def run_in(self) -> None:
        """Check what peers sent, until cancelled."""
        while True:
            sender, items = await self._heard.get()
            answers = await self._node.intake.submit_batch(items, sender)
            for answer in answers:
                if isinstance(answer, BadSignatureError | MalformedBytesError):
                    self._peers.fault(sender, "bad_transaction", str(answer))
                    break

    async def run_again(self) -> None:
        """Send own clients' transactions, and others', again while no block has them.

        One that could not be taken when the node started, because its nonce was too far ahead of a
        chain that lagged or the pool was full, waits from now on.
        """
        while True:
            pool = self._node.pool
            waited = set(self._node.outbox.ids())
            oldest = [tx.tx_id for tx in islice(pool, PASSED_ON_MAX)]
            await asyncio.sleep(RESEND_S)
            if any(one not in pool for one in self._node.outbox.ids()):
                await self._node.unsent.take()
            late = [pool.get(one) for one in self._node.outbox.ids() if one in waited]
            data = [tx.data for tx in late if tx is not None][:RESENT_MAX]
            others = [pool.get(one) for one in oldest if one not in waited]
            data += [tx.data for tx in others if tx is not None]
            self._send(self._targets(), data)


def _batches(items: list[bytes]) -> Iterable[tuple[bytes, ...]]:
    batch: list[bytes] = []
    size = 0
    for data in items:
        if batch and (len(batch) >= BATCH_MAX or size + len(data) > BATCH_BYTES_MAX):
            yield tuple(batch)
            batch, size = [], 0
        batch.append(data)
        size += len(data)
    if batch:
        yield tuple(batch)
