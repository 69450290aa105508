"""Between the node and its peers: what is heard of agreement and blocks, and what is said of it.

Every message is decoded and bounded here, asked of the engine whether it is news, and its
signatures are checked, before the engine sees it. Who sends what nobody honest sends is told to
the network as a fault.
"""

import logging
from collections.abc import Iterable, Sequence

from chain.block import Block, block_id
from chain.crypto import verify_signature
from chain.errors import MalformedBytesError, StoreError
from chain.executed import ExecutedBlock
from chain.transaction import read_transaction
from consensus import (
    BlockBody,
    Blocks,
    BlocksRefused,
    Engine,
    GetBlocks,
    InvalidMessageError,
    Message,
    Proposal,
    Received,
    RejoinQuery,
    Status,
    WantBlock,
    signatures_of,
    status_of,
)
from node.live.node import Node
from node.net.bodies import body_fault, witness_ids_of
from node.net.compact import Puzzles, answer_want, compact
from node.net.membership import Membership
from node.net.messages import (
    AnyMessage,
    BlockTransactions,
    CompactProposal,
    SnapshotChunk,
    SnapshotMessage,
    SnapshotOffer,
    TransactionBatch,
    WantChunk,
    WantSnapshots,
    WantTransactions,
    pack,
    unpack,
)
from node.net.peers import Peers
from node.net.prefetch import Prefetch
from node.net.relay import Relay
from node.net.snapshot_client import Place, SnapshotClient
from node.net.snapshot_server import SnapshotServer
from node.net.sync import SegmentQueue
from p2p import Kind

STATUS_MS_MIN = 100  # of what comes sooner nothing is heard: it is said every 2 s, and again
COMPACTED_MAX = 8  # blocks whose witness ids are kept
_OPEN = (Status, GetBlocks, RejoinQuery, WantBlock, WantTransactions)  # say nothing of the chain

_log = logging.getLogger("washnode.net")


class Exchange:
    """One node's part in the talk about blocks."""

    def __init__(
        self,
        node: Node,
        peers: Peers,
        members: Membership | None = None,
        *,
        snapshot_distance: int = 0,
    ) -> None:
        """Listen to a node: what its engine says goes to the peers from now on.

        With more blocks to catch up than `snapshot_distance` it looks for a snapshot; 0: never.
        """
        self._node, self._peers = node, peers
        self._members = members or Membership(node)
        self._puzzles, self._prefetch = Puzzles(), Prefetch()
        self._heights: dict[bytes, int] = {}  # of each peer: the height it decides
        self._told_ms: dict[bytes, int] = {}  # when each last said where it is
        self._witness_ids: dict[bytes, tuple[bytes, ...]] = {}
        self.relay = Relay(node, peers, self.validators, self.readers)
        self.segments = SegmentQueue(node, self._on_bad_segment)
        self.served = SnapshotServer(node, peers)
        place = Place(self.heights, self._on_replaced)
        self.fetching = SnapshotClient(node, peers, place, snapshot_distance)
        node.say = self.say
        node.on_commit.append(self._on_commit)

    @property
    def _engine(self) -> Engine:
        return self._node.driver.engine

    def validators(self) -> list[bytes]:
        """Return the connected peers that decide blocks."""
        return [key for key in self._peers.connected() if self._members.is_validator(key)]

    def readers(self) -> list[bytes]:
        """Return the connected peers that may be given what is on the chain.

        A node that the settings name is listened to before the chain knows it, and told nothing.
        """
        return [key for key in self._peers.connected() if self._peers.may_read(key)]

    def heights(self) -> dict[bytes, int]:
        """Return the height that each peer last said it decides."""
        return dict(self._heights)

    # Saying -----------------------------------------------------------------------------------

    def say(self, message: Message, to: bytes | None) -> None:
        """Send what the engine says: to one, to all who decide, or (its status) to everybody."""
        if isinstance(message, GetBlocks) and to is not None:
            self._ask(message, to)
        elif to is not None:
            if isinstance(message, Blocks):  # if they are lost, its next status says so
                self._heights[to] = message.blocks[-1].header.height + 1
            self._send(to, message)
        elif isinstance(message, Status):
            self._send_all(self._peers.connected(), message)
        else:
            self._send_all(self.validators(), self._shortened(message))

    def _send(self, to: bytes, message: AnyMessage) -> None:
        if not isinstance(message, _OPEN) and not self._peers.may_read(to):
            return
        kind, payload = pack(message)
        self._peers.send(to, kind, payload)

    def _send_all(self, keys: Iterable[bytes], message: AnyMessage) -> None:
        kind, payload = pack(message)
        for key in keys:
            self._peers.send(key, kind, payload)

    def _shortened(self, message: Message) -> AnyMessage:
        if not isinstance(message, Proposal) or message.block is None:
            return message
        return compact(message, self._ids_of(message.block))

    def _ids_of(self, block: Block) -> tuple[bytes, ...]:
        name = block_id(block.header)
        found = self._witness_ids.get(name)
        if found is None:
            found = tuple([read_transaction(data).witness_id for data in block.transactions])
            if len(self._witness_ids) >= COMPACTED_MAX:
                del self._witness_ids[next(iter(self._witness_ids))]
            self._witness_ids[name] = found
        return found

    def _on_commit(self, executed: ExecutedBlock) -> None:
        """Bring a block that was just decided to those who do not decide."""
        self._puzzles.forget_below(executed.block.header.height + 1)
        commit = self._node.ledger.head_commit
        others = set(self.readers()) - set(self.validators())
        if commit is None or not others or self.segments.is_busy:
            return
        height = executed.block.header.height
        _kind, payload = pack(Blocks((executed.block,), commit))
        for key in sorted(others):
            if self._heights.get(key, height) >= height:  # who is further behind asks
                self._peers.send(key, Kind.BLOCK, payload)
                self._heights[key] = height + 1

    def greet(self, key: bytes) -> None:
        """Tell a new peer where this node is, and of what its clients wait for.

        A validator that has just started asks it too for votes that its log may lack.
        """
        self._send(key, status_of(self._engine.machine))
        question = self._engine.guard.question()
        if question is not None and self._engine.me in self._engine.machine.validators.keys:
            self._send(key, question)
        self.relay.greet(key)

    def forget(self, key: bytes) -> None:
        """A peer is gone."""
        self._heights.pop(key, None)
        self._told_ms.pop(key, None)
        self._prefetch.drop(key)
        self._puzzles.forget(key)
        self._node.hear(BlocksRefused(key, "the peer is gone"))
        self.served.forget(key)
        self.fetching.forget(key)

    # Hearing ----------------------------------------------------------------------------------

    def hear(self, sender: bytes, kind: Kind, payload: bytes) -> None:
        """Take a peer's message.

        One that nobody foresaw costs its sender points, not this node its life.
        """
        try:
            message = unpack(kind, payload)
            self._take(message, sender, len(payload))
        except MalformedBytesError as error:
            self._peers.fault(sender, "malformed", str(error))
        except StoreError as error:
            self._node.fail(error)
        except Exception as error:  # noqa: BLE001 - whatever it is, it was one message
            _log.exception("a message of kind %s of peer %s", kind.name, sender.hex()[:16])
            self._peers.fault(sender, "malformed", repr(error)[:200])

    def _take(self, message: AnyMessage, sender: bytes, size_bytes: int) -> None:
        match message:
            case TransactionBatch(transactions):
                self.relay.take(sender, list(transactions))
            case CompactProposal():
                self._take_compact(message, sender)
            case BlockTransactions():
                whole = self._puzzles.complete(message, sender)
                if whole is not None:
                    self._to_engine(whole, sender)
            case WantTransactions(height, wanted):
                block = self._engine.machine.bodies.get(wanted)
                if block is not None and height == self._engine.height:
                    self._send(sender, answer_want(message, block))
            case Blocks():
                self._take_blocks(message, sender, size_bytes)
            case SnapshotOffer() | SnapshotChunk() | WantSnapshots() | WantChunk():
                self._take_snapshot(message, sender)
            case Status():
                self._take_status(message, sender)
            case _:
                self._to_engine(message, sender)

    def _take_status(self, status: Status, sender: bytes) -> None:
        """Take where a peer is, now and then: the answer may be a whole proposal."""
        now_ms = self._node.clock.mono_ms()
        if now_ms - self._told_ms.get(sender, now_ms - STATUS_MS_MIN) >= STATUS_MS_MIN:
            self._told_ms[sender] = now_ms
            self._heights[sender] = status.height
            self.fetching.look()
            self._to_engine(status, sender)

    def _take_compact(self, message: CompactProposal, sender: bytes) -> None:
        block = Block(message.header, message.last_commit, message.evidence, message.skipped, ())
        bare = Proposal(message.vote, block, message.polka)
        if not self._engine.wants(bare) or not self._is_sound(bare, sender):
            return
        if not self._has_own_body(block, message.witness_ids, sender):
            return
        known = self._engine.machine.bodies.get(message.vote.block_id)
        if known is not None:
            self._to_engine(Proposal(message.vote, known, message.polka), sender)
            return
        begun = self._puzzles.begin(message, sender, self._node.pool.find_witness)
        if isinstance(begun, WantTransactions):
            self._send(sender, begun)
        else:
            self._node.hear(Received(begun, sender))

    def _take_blocks(self, message: Blocks, sender: bytes, size_bytes: int) -> None:
        if not message.blocks:
            self._peers.fault(sender, "malformed", "a segment of no blocks")
            return
        first, last = message.blocks[0].header.height, message.blocks[-1].header.height
        self._heights[sender] = max(last + 1, self._heights.get(sender, 0))
        if self.fetching.is_at_work:  # the chain is about to be another one
            return
        if first == self._engine.height:
            self.segments.put(message, sender)
        elif first > self._engine.height:
            self._prefetch.put(message, sender, size_bytes)

    def _take_snapshot(self, message: SnapshotMessage, sender: bytes) -> None:
        if isinstance(message, SnapshotOffer | SnapshotChunk):
            self.fetching.take(message, sender)
        else:
            self.served.take(message, sender)

    def _to_engine(self, message: Message, sender: bytes) -> None:
        if not self._engine.wants(message) or not self._is_sound(message, sender):
            return
        block = message.block if isinstance(message, Proposal | BlockBody) else None
        if block is None or self._has_own_body(block, witness_ids_of(block), sender):
            self._node.hear(Received(message, sender))

    def _has_own_body(self, block: Block, witness_ids: Sequence[bytes], sender: bytes) -> bool:
        """Tell whether a body is its header's; nobody honest hands on another."""
        fault = body_fault(block, witness_ids)
        if fault is not None:
            self._peers.fault(sender, "bad_block", fault)
        return fault is None

    def _is_sound(self, message: Message, sender: bytes) -> bool:
        """Check form and signatures; only a bad signature is a fault, the rest may be old news."""
        validators = self._engine.machine.validators
        try:
            signed = signatures_of(message, self._node.ledger.chain_id, validators)
        except InvalidMessageError as error:
            _log.debug("from %s: %s", sender.hex(), error)
            return False
        for key, said, signature in signed:
            if not verify_signature(key, said, signature):
                text = f"{type(message).__name__}: a signature that {key.hex()} did not make"
                self._peers.fault(sender, "bad_signature", text)
                return False
        return True

    # Catching up ------------------------------------------------------------------------------

    def _ask(self, request: GetBlocks, to: bytes) -> None:
        """Ask for blocks, and others for those after them; or use what came already."""
        if self.fetching.is_at_work:
            return
        kept = self._prefetch.take(request.start)
        if kept is not None:
            self.segments.put(kept.blocks, kept.sender)
        else:
            self._send(to, request)
        ahead = sorted((key, height - 1) for key, height in self._heights.items())
        now_ms = self._node.clock.mono_ms()
        for key, other in self._prefetch.plan(request.start, ahead, now_ms):
            self._send(key, other)

    def _on_replaced(self) -> None:
        """The chain is another one: tell where it is, so that others tell where they are."""
        for key in self._peers.connected():
            self.greet(key)

    def _on_bad_segment(self, sender: bytes, text: str) -> None:
        self._prefetch.drop(sender)
        self._node.hear(BlocksRefused(sender, text))  # so that others are asked now
        self._peers.fault(sender, "bad_block", text)
