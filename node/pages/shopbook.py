"""What a shop's events tell, kept in memory: asked of the node once, then only what is new.

Nothing here is a source of its own. If the chain is not the one that was read (a practice network
can go back in time), everything is asked again.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from node.pages.asking import AskError, asked
from node.pages.lists import NO_CONTRACT
from node.pages.page import Visit

OPEN = ("REQUESTED", "ACCEPTED", "ARRIVED", "CHECKED_IN", "IN_SERVICE", "READY", "DISPUTED")
DONE = ("SETTLED", "RULED")
_LIMIT = 200
_PAGES_MAX = 400  # of events in one go; a shop with more waits for the next look
_RECORDS_AT_ONCE = 100
SHOPS_MAX = 16


@dataclass(slots=True)
class Stay:
    """A booking as the events of a shop tell it. Amounts are minor units."""

    id: str
    customer: str
    start: int
    total: int
    asked_at: int
    state: str = "REQUESTED"
    state_at: int = 0
    came_at: int = 0
    began_at: int = 0
    ready_at: int = 0
    over_at: int = 0
    to_shop: int = 0
    to_customer: int = 0
    service: int | None = None
    cell: int = 0
    end: int = 0
    extra: dict[str, Any] | None = None
    was_disputed: bool = False
    claim_bp: int = 0
    absence: bool = False
    answered: bool = False

    @property
    def is_open(self) -> bool:
        """Whether it still goes on."""
        return self.state in OPEN


@dataclass(slots=True)
class CardUse:
    """One use of a prepaid card, as the events of a shop tell it."""

    id: str
    card: str
    asked_at: int
    state: str = "RESERVED"
    over_at: int = 0
    to_shop: int = 0
    service: int | None = None
    holder: str = ""

    @property
    def is_open(self) -> bool:
        """Whether it still goes on."""
        return not self.over_at


@dataclass(slots=True)
class Message:
    """A message to the shop; what it says is sealed."""

    id: str
    sender: str
    sent_at: int
    stage: str = "OPEN"


@dataclass(slots=True)
class ShopBook:
    """All bookings and card uses of one shop, up to a place in the chain."""

    shop: str
    after: dict[str, str] = field(default_factory=dict)  # by contract
    height: int = 0
    hash: str = ""
    stays: dict[str, Stay] = field(default_factory=dict)
    uses: dict[str, CardUse] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    unread: set[str] = field(default_factory=set)  # contracts with events that are not read yet

    @property
    def is_whole(self) -> bool:
        """Whether all events up to now were read, so that sums are complete."""
        return not self.unread

    def open(self) -> list[Stay]:
        """Return what goes on, by time of the slot."""
        return sorted((one for one in self.stays.values() if one.is_open), key=lambda s: s.start)

    def between(self, first_ms: int, last_ms: int) -> Iterator[Stay]:
        """Yield what was over within a time."""
        return (one for one in self.stays.values() if first_ms <= one.over_at < last_ms)

    def in_bays(self, count: int, said: Mapping[int, str]) -> dict[int, Stay]:
        """Return which car is in which bay: as a tablet said, else the first one that is free."""
        bay_of = {booking: bay for bay, booking in said.items()}
        working = sorted(
            (one for one in self.stays.values() if one.state == "IN_SERVICE"),
            key=lambda one: one.began_at,
        )
        placed: dict[int, Stay] = {}
        for one in working:
            wanted = bay_of.get(one.id, 0)
            if 1 <= wanted <= count and wanted not in placed:
                placed[wanted] = one
        for one in working:
            if one in placed.values():
                continue
            bay = next((n for n in range(1, count + 1) if n not in placed), None)
            if bay is not None:
                placed[bay] = one
        return placed

    def open_uses(self) -> list[CardUse]:
        """Return the uses of cards that go on, the oldest first."""
        return [one for one in self.uses.values() if one.is_open]

    def money_between(self, first_ms: int, last_ms: int) -> int:
        """Return what the shop got within a time: for bookings and for uses of cards."""
        uses = (one for one in self.uses.values() if first_ms <= one.over_at < last_ms)
        stays = self.between(first_ms, last_ms)
        return sum(one.to_shop for one in uses) + sum(one.to_shop for one in stays)

    def take_message(self, event: dict[str, Any]) -> None:
        """Note one event of messages to the shop."""
        values, kind = event["values"], str(event["type"]).rpartition(".")[2]
        if kind == "FeedbackSent":
            one = Message(values["id"], values["sender"], int(event["time"]))
            self.messages[one.id] = one
        elif kind == "FeedbackMoved" and values["id"] in self.messages:
            self.messages[values["id"]].stage = values["state"]

    def unanswered(self) -> list[Message]:
        """Return the messages that wait for an answer, the oldest first."""
        return [one for one in self.messages.values() if one.stage == "OPEN"]

    def take_use(self, event: dict[str, Any]) -> None:
        """Note one event of prepaid cards."""
        values, at = event["values"], int(event["time"])
        kind = str(event["type"]).rpartition(".")[2]
        if kind not in {"UseMoved", "UseOver"}:
            return
        use = self.uses.setdefault(values["use"], CardUse(values["use"], values["card"], at))
        use.state = values["state"]
        if kind == "UseOver":
            use.over_at, use.to_shop = at, values["to_shop"]["amount"]

    def take(self, event: dict[str, Any]) -> None:
        """Note one event of bookings."""
        values, at = event["values"], int(event["time"])
        kind = str(event["type"]).rpartition(".")[2]
        if kind == "Requested":
            self.stays[values["id"]] = Stay(
                values["id"], values["customer"], values["start"], values["total"]["amount"],
                at, state_at=at,
            )  # fmt: skip
            return
        stay = self.stays.get(values.get("id", ""))
        if stay is None:
            return
        match kind:
            case "Moved":
                _move(stay, values["state"], at)
            case "Rescheduled":
                stay.end += values["start"] - stay.start if stay.end else 0
                stay.start, stay.state = values["start"], "ACCEPTED"
            case "ExtraAsked":
                stay.extra = {**values, "time": at}
            case "ExtraApproved":
                stay.extra, stay.total = None, stay.total + values["price"]["amount"]
            case "VoucherUsed":
                stay.total = values["total"]["amount"]
            case "Closed":
                _move(stay, values["state"], at)
                stay.over_at = at
                stay.to_shop = values["to_shop"]["amount"]
                stay.to_customer = values["to_customer"]["amount"]
            case _:
                pass


def _move(stay: Stay, state: str, at: int) -> None:
    stay.state, stay.state_at = state, at
    if state in {"ARRIVED", "CHECKED_IN"} and not stay.came_at:
        stay.came_at = at
    elif state == "IN_SERVICE":
        stay.began_at = at
    elif state == "READY":
        stay.ready_at = at
    elif state == "DISPUTED":
        stay.was_disputed = True


_Place = tuple[str, str]
_books: dict[_Place, ShopBook] = {}
_turns: dict[_Place, asyncio.Lock] = {}  # who reads on in a book; two at once would go back in it


async def read_book(visit: Visit, shop: str) -> ShopBook:
    """Return a shop's book, up to date."""
    info = await visit.ask("node_info")
    place = (str(info["chain_id"]) + str(id(visit.request.app)), shop)
    if len(_turns) > SHOPS_MAX and not any(one.locked() for one in _turns.values()):
        _turns.clear()
    async with _turns.setdefault(place, asyncio.Lock()):
        return await _read_on(visit, shop, place)


async def _read_on(visit: Visit, shop: str, place: _Place) -> ShopBook:
    header = (await visit.ask("chain_head"))["header"]
    book = _books.get(place)
    if book is None or not await _is_same(visit, book):
        if len(_books) >= SHOPS_MAX:
            _books.clear()
        book = _books[place] = ShopBook(shop)
    await _follow(visit, book, "booking", book.take)
    await _follow(visit, book, "prepaid", book.take_use)
    await _follow(visit, book, "reviews", book.take_message, of="receiver")
    book.height, book.hash = header["height"], header["hash"]
    await _fill(visit, book)
    await _fill_uses(visit, book)
    return book


async def _follow(
    visit: Visit,
    book: ShopBook,
    contract: str,
    take: Callable[[dict[str, Any]], None],
    of: str = "shop",
) -> None:
    """Take the events of a contract that the book has not seen; `of` is their field of the shop."""
    for _ in range(_PAGES_MAX):
        try:
            page = await visit.ask(
                "events_query",
                filter={"type": f"{contract}.*", "values": {of: book.shop}},
                after=book.after.get(contract, "earliest"),
                limit=_LIMIT,
            )
        except AskError as error:
            if error.name == NO_CONTRACT:
                return
            raise
        for event in page["items"]:
            take(event)
        book.after[contract] = page["scanned_to"]
        if page["next"] is None:
            book.unread.discard(contract)
            return
    book.unread.add(contract)


async def _is_same(visit: Visit, book: ShopBook) -> bool:
    """Tell whether the chain is still the one that was read."""
    if not book.hash:
        return False
    try:
        block = await visit.ask("chain_getBlock", height=book.height, detail="header")
    except AskError:
        return False
    return bool(block["header"]["hash"] == book.hash)


async def _fill(visit: Visit, book: ShopBook) -> None:
    """Ask for what events do not tell: the service, the end, what a claim is about."""
    wanted = [
        one
        for one in book.stays.values()
        if one.service is None or (one.state == "DISPUTED") or (one.is_open and not one.end)
    ]
    for first in range(0, len(wanted), _RECORDS_AT_ONCE):
        part = wanted[first : first + _RECORDS_AT_ONCE]
        records = await visit.ask.all(*[asked("booking.booking", id=one.id) for one in part])
        for stay, record in zip(part, records, strict=True):
            if isinstance(record, AskError):
                stay.service = 0
                continue
            stay.service, stay.end = record["service"], record["end"]
            stay.cell = record["cell"]
            stay.claim_bp, stay.absence = record["claim_bp"], record["absence"]
            stay.answered = record["answered"]


async def _fill_uses(visit: Visit, book: ShopBook) -> None:
    wanted = [one for one in book.uses.values() if one.service is None]
    for first in range(0, len(wanted), _RECORDS_AT_ONCE):
        part = wanted[first : first + _RECORDS_AT_ONCE]
        records = await visit.ask.all(*[asked("prepaid.use", use=one.id) for one in part])
        for use, record in zip(part, records, strict=True):
            failed = isinstance(record, AskError)
            use.service = 0 if failed else record["service"]
            use.holder = "" if failed else record["holder"]
