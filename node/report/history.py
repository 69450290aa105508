"""A shop's events, found by the index and read from the receipts, in order and without gaps."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chain.executed import event_topic
from chain.receipt import Event, KernelEvent
from chain.store import Store
from chain.types import ZERO_ID
from node.abi import AbiEvent, ContractAbi, Single
from node.live.abis import AbiBook
from node.report.lines import CHAIN, READ, Told

PLACES_READ_MAX = 1_000  # in one look at the index
_FALLBACK = ("contract", "key", "to", "asset", "amount")


@dataclass(frozen=True, slots=True)
class _Source:
    """A contract under its installed name, with the events of it that are read, by number."""

    name: str
    contract: bytes
    events: Mapping[int, AbiEvent]
    enums: Mapping[str, Mapping[int, str]]


class History:
    """What concerns one shop on a chain up to a height."""

    def __init__(self, node: Any, shop: bytes, height: int) -> None:
        """`height` is the last one that is read."""
        self._store: Store = node.ledger.store
        self._shop = shop
        self.height = height
        book: AbiBook = node.abis
        state = node.state()
        self._sources: dict[bytes, _Source] = {}
        for name in dict.fromkeys(contract for contract, _event in READ if contract != CHAIN):
            contract = book.installed(state, name)
            if contract is not None:
                abi = book.abi_for(state, contract)
                self._sources[contract] = _source(name, contract, abi)
        self._heights = self._find_heights()

    @property
    def is_whole(self) -> bool:
        """Whether the chain's events are here from its first block on."""
        return self._store.base_height == 0

    def __len__(self) -> int:
        """Return how many blocks have something of this shop."""
        return len(self._heights)

    def _find_heights(self) -> Sequence[int]:
        found: set[int] = set()
        for source in self._sources.values():
            for number, event in source.events.items():
                for place, (name, _kind) in enumerate(event.fields):
                    if name == "shop" and place in event.indexed:
                        topic = event_topic(source.contract, number, place, self._shop)
                        found |= self._heights_of(topic)
            topic = event_topic(ZERO_ID, KernelEvent.POT_FALLBACK, 0, source.contract)
            found |= self._heights_of(topic)
        return sorted(found)

    def _heights_of(self, topic: bytes) -> set[int]:
        found: set[int] = set()
        after = (0, 0)
        while True:
            places = self._store.find_events(topic, after, PLACES_READ_MAX)
            found |= {height for height, _number in places if height <= self.height}
            if len(places) < PLACES_READ_MAX or places[-1][0] > self.height:
                return found
            after = places[-1]

    def blocks(self) -> Iterator[list[Told]]:
        """Yield the events of each block in which there is something of this shop.

        Events of others are among them: some name a booking alone.
        """
        for height in self._heights:
            time_ms = self._store.header(height).time_ms
            events = [one for receipt in self._store.receipts(height) for one in receipt.events]
            yield list(self._tell(events, height, time_ms))

    def _tell(self, events: Sequence[Event], height: int, time_ms: int) -> Iterator[Told]:
        for number, event in enumerate(events):
            if event.contract == ZERO_ID:
                if event.number == KernelEvent.POT_FALLBACK and event.values[0] in self._sources:
                    values = dict(zip(_FALLBACK, event.values, strict=True))
                    yield Told(height, number, time_ms, CHAIN, "POT_FALLBACK", values)
                continue
            source = self._sources.get(event.contract)
            known = None if source is None else source.events.get(event.number)
            if source is not None and known is not None:
                values = _values(known, event, source.enums)
                yield Told(height, number, time_ms, source.name, known.name, values)


def _source(name: str, contract: bytes, abi: ContractAbi) -> _Source:
    wanted = {event for of, event in READ if of == name}
    events = {number: one for number, one in enumerate(abi.events) if one.name in wanted}
    enums = {
        enum: {number: member for member, number in members.items()}
        for enum, members in abi.enums.items()
    }
    return _Source(name, contract, events, enums)


def _values(
    known: AbiEvent, event: Event, enums: Mapping[str, Mapping[int, str]]
) -> dict[str, Any]:
    """Return an event's values by name; those of enums as their members' names."""
    values: dict[str, Any] = {}
    for (name, kind), value in zip(known.fields, event.values, strict=True):
        meaning = kind.meaning if isinstance(kind, Single) else None
        if meaning is not None and meaning[0] == "enum":
            values[name] = enums[meaning[1]].get(int(str(value)), str(value))
        else:
            values[name] = value
    return values


def height_before(store: Store, time_ms: int, head: int) -> int:
    """Return the last height, at most `head`, whose block is older than a time; 0: none is."""
    heights = range(max(store.base_height, 0), head + 1)
    found = bisect_right(heights, time_ms - 1, key=lambda height: store.header(height).time_ms)
    return heights[found - 1] if found else 0
