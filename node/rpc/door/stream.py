"""The event stream as clients see it: ids, JSON forms, subscriptions that never lose their place.

An event's id is `height-number`, its number counted through the whole block. `height-` is the id of
a block itself and stands behind all its events.
"""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic_core import to_json

from chain.errors import PrunedError
from node.live.feed import BLOCK_END, EventFilter, FeedEvent, Place, Reading
from node.rpc.errors import InvalidParamsError
from node.rpc.forms import shapes

EARLIEST: Place = (0, BLOCK_END)
MESSAGE_EVENTS_MAX = 100
MESSAGE_BYTES_MAX = 256 * 1024  # events that are ready when this is passed still go along
HEARTBEAT_SECONDS = 15
_PLACE = re.compile(r"(0|[1-9][0-9]{0,12})-((?:0|[1-9][0-9]{0,7})?)")


def parse_place(text: str, name: str) -> Place:
    """Return the place that an event's id or a block's names; raises InvalidParamsError."""
    match = _PLACE.fullmatch(text)
    if match is None:
        fault = f"must be an event's id, like 8124-3 or 8124-, found {text[:40]!r}"
        raise InvalidParamsError(name, fault)
    return int(match[1]), min(int(match[2]), BLOCK_END) if match[2] else BLOCK_END


def format_place(place: Place) -> str:
    """Return the id of a place."""
    height, number = place
    return f"{height}-" if number == BLOCK_END else f"{height}-{number}"


def find_start(node: Any, text: str, name: str) -> Place:
    """Return the place that `from` or `after` means: latest, earliest, or what an id names.

    Raises InvalidParamsError for an id beyond the head: it can only be of another chain.
    """
    if text == "latest":
        latest: Place = node.feed.latest
        return latest
    base = node.ledger.store.base_height
    if text == "earliest":
        return (base, BLOCK_END) if base else EARLIEST
    place = parse_place(text, name)
    if place < (base, 0):  # what comes next is not here: going on would leave a gap
        raise PrunedError(place[0], base)
    if place[0] > node.ledger.height:
        fault = f"{text} is beyond this chain's newest block, {node.ledger.height}"
        raise InvalidParamsError(name, fault)
    return place


def next_id(node: Any, place: Place) -> str:
    """Return the lowest id that an event after a place can have."""
    height, number = place
    if number >= node.feed.block(height).last[1]:
        return f"{height + 1}-0"
    return f"{height}-{number + 1}"


def event_json(node: Any, one: FeedEvent) -> shapes.EventJson:
    """Return the JSON form of an event, or of a block where blocks are asked for."""
    if one.event is not None and one.origin is not None:
        return shapes.event_json(node, one.event, one.place, one.time_ms, one.origin)
    told = node.feed.block(one.place[0])
    block_id = told.block_id.hex()
    return shapes.EventJson(
        id=format_place(one.place),
        height=one.place[0],
        time=one.time_ms,
        level="final",
        type="block",
        contract=None,
        origin=shapes.OriginJson(kind="block", id=block_id),
        values={
            "hash": block_id,
            "receipts": told.receipts_count,
            "events": len(told.events),
        },
    )


def event_bytes(node: Any, one: FeedEvent) -> bytes:
    """Return the JSON text of an event; made once for all who read it."""
    if one.json is None:
        one.json = to_json(event_json(node, one))
    return one.json


def take_bytes(node: Any, reading: Reading) -> tuple[list[bytes], Reading]:
    """Return the texts of as many events as fit in one message, and the reading cut to them."""
    texts: list[bytes] = []
    total = 0
    for one in reading.events:
        if total >= MESSAGE_BYTES_MAX:
            taken = reading.events[: len(texts)]
            return texts, Reading(taken, taken[-1].place, is_whole=False)
        texts.append(event_bytes(node, one))
        total += len(texts[-1])
    return texts, reading


@dataclass(slots=True)
class Subscription:
    """One subscription of a connection: what it wants, how far it is, what is not acknowledged.

    It is served only once the answer that names it was sent; `answering` is the task that still
    has to.
    """

    id: str
    wanted: EventFilter
    place: Place
    window: int
    unacked: deque[Place] = field(default_factory=deque)
    answering: object | None = None
    beat_at: float = 0.0  # of the event loop's clock

    def acknowledge(self, place: Place) -> int:
        """Free the window of all events up to a place; returns how many are still in it."""
        while self.unacked and self.unacked[0] <= place:
            self.unacked.popleft()
        return len(self.unacked)

    def next_message(self, node: Any) -> tuple[bytes | None, bool]:
        """Return the next message, None if nothing new is wanted; and whether to ask again now."""
        room = min(self.window - len(self.unacked), MESSAGE_EVENTS_MAX)
        if room <= 0:
            return None, False
        texts, reading = take_bytes(node, node.feed.read(self.wanted, self.place, room))
        self.place = reading.place
        self.unacked.extend(one.place for one in reading.events)
        message = self._message(texts) if texts else None
        return message, not reading.is_whole and len(self.unacked) < self.window

    def heartbeat(self) -> bytes:
        """Return the message that tells how far this subscription has seen everything."""
        return self._message(())

    def _message(self, texts: Sequence[bytes]) -> bytes:
        return b"".join(
            (
                b'{"jsonrpc":"2.0","method":"events_next","params":{"sub":"',
                self.id.encode(),
                b'","events":[',
                b",".join(texts),
                b'],"latest_id":"',
                format_place(self.place).encode(),
                b'"}}',
            )
        )
