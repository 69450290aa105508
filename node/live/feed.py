"""The feed of events: newest blocks in memory, older ones from the store, nothing told twice.

A reader is a place in the chain and nothing else: it asks what matches after its place and is given
events with the place up to which everything has been looked at. So a reader that is slow, or comes
back after days, costs no more than one that keeps up. Each call does a bounded amount of work.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

from chain.block import Header, block_id
from chain.codec import decode
from chain.errors import PrunedError
from chain.executed import ExecutedBlock
from chain.receipt import Event, Receipt
from node.storage.ledger import ChainLedger

Place: TypeAlias = tuple[int, int]  # height, number of the event within its block
BLOCK_END = 2**24 - 1  # the number behind every event of a block
BLOCKS_KEPT_MAX = 1_024
BYTES_KEPT_MAX = 32 * 1024 * 1024  # by the guess below, which errs on the large side
OBJECT_BYTES = 500  # of a receipt, or of an event without its values
BYTES_PER_BYTE = 4  # of a value: once as it is, twice in hex, and some room
BLOCKS_READ_MAX = 200  # in one call: a few milliseconds where they come from the disk
RECEIPTS_READ_MAX = 1_000  # in one call, for the same reason


class HasLedger(Protocol):
    """What the feed needs of a node."""

    ledger: ChainLedger


@dataclass(slots=True, eq=False)
class FeedEvent:
    """An event with its place and origin; with neither event nor origin, the block itself.

    `json` is filled by the first who renders it, for all others.
    """

    place: Place
    time_ms: int
    event: Event | None
    origin: Receipt | None
    json: bytes | None = None


@dataclass(frozen=True, slots=True)
class BlockEvents:
    """What one block told: its events in order, and itself as the last of them."""

    block_id: bytes
    receipts_count: int
    events: tuple[FeedEvent, ...]
    block: FeedEvent
    size_bytes: int

    @property
    def last(self) -> Place:
        """The place of its last event; number 0 if there is none."""
        return self.block.place[0], max(0, len(self.events) - 1)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One type of event, with (field, value) pairs it must hold; `topic` finds it in the index."""

    contract: bytes
    number: int
    values: tuple[tuple[int, object], ...] = ()
    topic: bytes | None = None

    def fits(self, event: Event) -> bool:
        """Tell whether an event is of this type and holds these values."""
        return (
            event.number == self.number
            and event.contract == self.contract
            and all(event.values[index] == value for index, value in self.values)
        )


@dataclass(frozen=True, slots=True)
class EventFilter:
    """What a reader wants; all that is given must fit.

    `patterns` None: any type. `account` fits events with that account among their values.
    `is_blocks`: the blocks themselves and no events.
    """

    contract: bytes | None = None
    patterns: tuple[Pattern, ...] | None = None
    account: bytes | None = None
    tx_id: bytes | None = None
    is_blocks: bool = False

    def fits(self, one: FeedEvent) -> bool:
        """Tell whether an event of a block is wanted."""
        event, origin = one.event, one.origin
        assert event is not None, "blocks are not asked"
        assert origin is not None, "blocks are not asked"
        return (
            (self.contract is None or event.contract == self.contract)
            and (self.patterns is None or any(pattern.fits(event) for pattern in self.patterns))
            and (self.account is None or self.account in event.values)
            and (self.tx_id is None or origin.id == self.tx_id)
        )

    def topics(self) -> list[bytes] | None:
        """Return the topics that find every wanted event, or None if blocks must be looked through.

        Events are filtered again after they were found.
        """
        topics = [pattern.topic for pattern in self.patterns or ()]
        found = [topic for topic in topics if topic is not None]
        return found if topics and len(found) == len(topics) else None


EVERYTHING = EventFilter()


@dataclass(frozen=True, slots=True)
class Reading:
    """Events in order; all that is wanted up to `place` is among them. `is_whole`: no more now."""

    events: tuple[FeedEvent, ...]
    place: Place
    is_whole: bool


@dataclass(slots=True)
class _Budget:
    events: int
    blocks: int
    receipts: int
    found: list[FeedEvent] = field(default_factory=list)

    @property
    def is_spent(self) -> bool:
        return len(self.found) >= self.events or self.blocks <= 0 or self.receipts <= 0


class EventFeed:
    """Events of one chain. Watchers are woken at every block and read on from their place."""

    def __init__(self, node: HasLedger) -> None:
        """`node` is asked for its ledger at every use: it may open another one."""
        self._node = node
        self._kept: OrderedDict[int, BlockEvents] = OrderedDict()
        self._kept_bytes = 0
        self._watchers: dict[int, asyncio.Event] = {}
        self._named = 0

    # Blocks -----------------------------------------------------------------------------------

    def on_commit(self, executed: ExecutedBlock) -> None:
        """Take the events of a block that was just stored, and wake everybody who waits."""
        header, receipts = executed.block.header, executed.receipts
        self._keep(_block_events(header, executed.block_id, receipts, executed.receipt_bytes))
        for watcher in self._watchers.values():
            watcher.set()

    def watch(self, watcher: asyncio.Event) -> None:
        """Set `watcher` at every block from now on."""
        self._watchers[id(watcher)] = watcher

    def unwatch(self, watcher: asyncio.Event) -> None:
        """Stop setting `watcher`."""
        self._watchers.pop(id(watcher), None)

    def name_subscription(self) -> str:
        """Return a name that no subscription had since the node started."""
        self._named += 1
        return f"s{self._named}"

    def clear(self) -> None:
        """Forget what is in memory: the chain was opened anew, or events render differently now."""
        self._kept.clear()
        self._kept_bytes = 0
        for watcher in self._watchers.values():
            watcher.set()

    def block(self, height: int) -> BlockEvents:
        """Return what the block at a height told."""
        kept = self._kept.get(height)
        if kept is not None:
            self._kept.move_to_end(height)
            return kept
        store = self._node.ledger.store
        header = store.header(height)
        # The block with whose state this chain began has told what it told elsewhere.
        data = store.receipt_bytes(height) if height > store.base_height else []
        receipts = [decode(Receipt, one) for one in data]
        told = _block_events(header, block_id(header), receipts, data)
        self._keep(told)
        return told

    def _keep(self, told: BlockEvents) -> None:
        self._kept[told.block.place[0]] = told
        self._kept_bytes += told.size_bytes
        while len(self._kept) > BLOCKS_KEPT_MAX or self._kept_bytes > BYTES_KEPT_MAX:
            _height, oldest = self._kept.popitem(last=False)
            self._kept_bytes -= oldest.size_bytes

    # Reading ----------------------------------------------------------------------------------

    @property
    def latest(self) -> Place:
        """The place of the newest event, or of the head if that has none."""
        return self.block(self._node.ledger.height).last

    def read(self, wanted: EventFilter, after: Place, events_max: int) -> Reading:
        """Return at most `events_max` wanted events after a place, oldest first.

        Fewer may come although there are more: then `is_whole` is false, and reading on from
        `place` finds them. Raises PrunedError where what comes next is not here: the chain was
        replaced by one that begins later, or never had it.
        """
        base = self._node.ledger.store.base_height
        if after[0] < base:
            raise PrunedError(after[0], base)
        budget = _Budget(events_max, BLOCKS_READ_MAX, RECEIPTS_READ_MAX)
        if after[0] > self._node.ledger.height:  # a development chain was put back
            after = self.latest
        if wanted.tx_id is not None:
            return self._read_transaction(wanted, after, budget)
        topics = wanted.topics()
        if topics is not None:
            return self._read_topics(topics, wanted, after, budget)
        return self._scan(wanted, after, budget)

    def _scan(self, wanted: EventFilter, after: Place, budget: _Budget) -> Reading:
        place, head = after, self._node.ledger.height
        first = after[0] + 1 if after[1] == BLOCK_END else after[0]
        for height in range(first, head + 1):
            if budget.is_spent:
                return Reading(tuple(budget.found), place, is_whole=False)
            told = self.block(height)
            budget.blocks -= 1
            budget.receipts -= told.receipts_count
            for one in _candidates(told, wanted, place):
                if len(budget.found) == budget.events:
                    return Reading(tuple(budget.found), budget.found[-1].place, is_whole=False)
                budget.found.append(one)
            place = max(place, told.block.place if wanted.is_blocks else told.last)
        return Reading(tuple(budget.found), place, is_whole=True)

    def _read_topics(
        self, topics: list[bytes], wanted: EventFilter, after: Place, budget: _Budget
    ) -> Reading:
        limit = budget.events + 1
        store = self._node.ledger.store
        places = sorted(
            {place for topic in topics for place in store.find_events(topic, after, limit)}
        )
        done, counted = after, -1
        for place in places[:limit]:
            if budget.is_spent:
                return Reading(tuple(budget.found), done, is_whole=False)
            told = self.block(place[0])
            if place[0] != counted:
                budget.blocks -= 1
                budget.receipts -= told.receipts_count
                counted = place[0]
            one = told.events[place[1]]
            if wanted.fits(one):
                budget.found.append(one)
            done = place
        if len(places) >= limit:  # some topics have more
            return Reading(tuple(budget.found), done, is_whole=False)
        return Reading(tuple(budget.found), max(after, self.latest), is_whole=True)

    def _read_transaction(self, wanted: EventFilter, after: Place, budget: _Budget) -> Reading:
        """A transaction is in one block at most, and the store knows which."""
        assert wanted.tx_id is not None, "the filter names a transaction"
        found = self._node.ledger.store.find_transaction(wanted.tx_id)
        if found is not None and found[0] >= after[0]:
            for one in _candidates(self.block(found[0]), wanted, after):
                if len(budget.found) == budget.events:
                    return Reading(tuple(budget.found), budget.found[-1].place, is_whole=False)
                budget.found.append(one)
        return Reading(tuple(budget.found), max(after, self.latest), is_whole=True)


def _candidates(told: BlockEvents, wanted: EventFilter, after: Place) -> Iterator[FeedEvent]:
    if wanted.is_blocks:
        if told.block.place > after:
            yield told.block
        return
    start = after[1] + 1 if told.block.place[0] == after[0] else 0
    for one in told.events[start:]:
        if wanted.fits(one):
            yield one


def _block_events(
    header: Header, block: bytes, receipts: Sequence[Receipt], data: Sequence[bytes]
) -> BlockEvents:
    """`data` are the receipts' encodings."""
    height, time_ms = header.height, header.time_ms
    pairs = [(receipt, event) for receipt in receipts for event in receipt.events]
    size_bytes = OBJECT_BYTES * (1 + len(receipts) + 2 * len(pairs))
    return BlockEvents(
        block_id=block,
        receipts_count=len(receipts),
        events=tuple(
            FeedEvent((height, number), time_ms, event, receipt)
            for number, (receipt, event) in enumerate(pairs)
        ),
        block=FeedEvent((height, BLOCK_END), time_ms, None, None),
        size_bytes=size_bytes + BYTES_PER_BYTE * sum(map(len, data)),
    )
