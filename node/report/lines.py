"""Lines of a shop's journal: what each event means for its money, cards and points.

Pure. The book is told every event of the contracts in the order of the chain and answers with the
lines of one shop. What no event says, such as the money on hold for a booking, it keeps count of.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from chain.types import ZERO_ID

CHAIN = ""  # the name under which the chain's own events come
_SHARED = {True: "points_shared", False: "points_own"}
_RETURNED, _SETTLED, _RULED = "RETURNED", "SETTLED", "RULED"


@dataclass(frozen=True, slots=True)
class Told:
    """An event with its place, the contract's installed name, and its values by their names.

    Enums are the names of their members.
    """

    height: int
    number: int
    time_ms: int
    contract: str
    name: str
    values: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Line:
    """One line. Amounts are in minor units; those that change a balance are signed."""

    height: int
    number: int
    time_ms: int
    kind: str
    reference: tuple[str, bytes] | None = None  # prefix and bytes of an id
    state: str = ""
    service: int = 0
    customer: bytes = b""
    held_in: int = 0
    to_shop: int = 0
    to_customer: int = 0
    discount: int = 0
    sold: int = 0
    earned: int = 0
    claim: int = 0
    alliance: int = 0
    bookings_held: int = 0
    cards_liability: int = 0
    cards_held: int = 0
    cards_open: int = 0
    points_own: int = 0
    points_shared: int = 0


BALANCES = (
    "bookings_held", "cards_liability", "cards_held", "cards_open", "claim", "points_own",
    "points_shared",
)  # fmt: skip  # what a balance is made of: the sum of these columns over all lines


@dataclass(slots=True)
class _Card:
    is_period: bool
    owed: int
    held: int
    is_open: bool = True


@dataclass(slots=True)
class Book:
    """One shop's book.

    `service_of` tells the service of a booking or of a use of a card ("booking" or "use", its id),
    `kind_of` the kind of an offer that was published before the events begin.
    """

    shop: bytes
    service_of: Callable[[str, bytes], int]
    kind_of: Callable[[bytes], str]
    _held: dict[bytes, int] = field(default_factory=dict)
    _cards: dict[bytes, _Card] = field(default_factory=dict)
    _kinds: dict[bytes, str] = field(default_factory=dict)
    _ahead: dict[bytes, int] = field(default_factory=dict)  # released before the sale is told

    def take(self, told: Told) -> Line | None:
        """Return the line of the next event, or None if it is none of this shop's business."""
        tell = _TELLERS.get((told.contract, told.name))
        if tell is None:
            return None
        values = told.values
        if values.get("shop", self.shop) != self.shop:
            return None
        found = tell(self, values)
        if found is None:
            return None
        return Line(told.height, told.number, told.time_ms, **found)

    # Bookings -----------------------------------------------------------------------------------

    def _booking(self, kind: str, values: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
        booking = values["id"]
        return {
            "kind": f"booking_{kind}",
            "reference": ("bkg", booking),
            "service": self.service_of("booking", booking),
            "customer": values.get("customer", b""),
            **rest,
        }

    def requested(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A request, with the money that came along."""
        held = self._held[values["id"]] = values["held"]
        return self._booking("requested", values, held_in=held, bookings_held=held)

    def _more(self, kind: str, values: Mapping[str, Any], amount: int) -> dict[str, Any]:
        self._held[values["id"]] = self._held.get(values["id"], 0) + amount
        return self._booking(kind, values, held_in=amount, bookings_held=amount)

    def paid(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The rest, or a part of it, put on hold as well."""
        return self._more("paid", values, values["amount"])

    def extra(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Extra work that the customer approved and put on hold."""
        return self._more("extra", values, values["price"])

    def voucher_off(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """What a voucher took off the price."""
        return self._booking("voucher", values, discount=values["discount"])

    def paid_back(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """What was on hold above the price, and went back."""
        if values["id"] not in self._held:
            return None  # another shop's: this event does not name it
        amount = values["amount"]
        self._held[values["id"]] -= amount
        return self._booking("paid_back", values, to_customer=amount, bookings_held=-amount)

    def closed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The end of a booking, with the split of what was on hold.

        What is split above what came by other lines is a deposit of a claim, of which no event told
        when it was put down.
        """
        held = self._held.pop(values["id"], 0)
        split = values["to_shop"] + values["to_customer"]
        return self._booking(
            "closed",
            values,
            state=values["state"],
            held_in=max(0, split - held),
            to_shop=values["to_shop"],
            to_customer=values["to_customer"],
            bookings_held=-held,
        )

    def moved(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """A booking whose money the chain had given back before anything was decided."""
        if values["state"] != _RETURNED:
            return None
        held = self._held.pop(values["id"], 0)
        return self._booking("closed", values, state=_RETURNED, bookings_held=-held)

    def fallen_back(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """Money that the chain itself gave back at the end of its time."""
        key, amount = values["key"][1:], values["amount"]  # behind the number of the kind of pot
        if key in self._held:
            self._held[key] -= amount
            here = {"id": key}
            return self._booking("returned", here, to_customer=amount, bookings_held=-amount)
        card = self._cards.get(key[:32])
        if card is None:
            return None
        card.held -= amount
        return self._card("returned", key[:32], to_customer=amount, cards_held=-amount)

    # Cards --------------------------------------------------------------------------------------

    @staticmethod
    def _card(kind: str, card: bytes, **rest: Any) -> dict[str, Any]:
        return {"kind": f"card_{kind}", "reference": ("crd", card), **rest}

    def published(self, values: Mapping[str, Any]) -> None:
        """An offer: what kind of card it is."""
        self._kinds[values["offer"]] = values["kind"]

    def card_sold(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A card that was sold: all of its price is on hold and owed."""
        kind = self._kinds.get(values["offer"]) or self.kind_of(values["offer"])
        price = values["paid"]
        held = price - self._ahead.pop(values["card"], 0)
        self._cards[values["card"]] = _Card(kind == "PERIOD", price, held)
        return self._card(
            "sold",
            values["card"],
            state=kind,
            customer=values["holder"],
            sold=price,
            cards_liability=price,
            cards_held=price,
            cards_open=1,
        )

    def released(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Money of a card that need not be held any more, paid to the shop.

        A card without cooling-off and with a lower cover pays the shop before its sale is told.
        """
        card, amount = self._cards.get(values["card"]), values["amount"]
        if card is None:
            self._ahead[values["card"]] = amount
        else:
            card.held -= amount
        return self._card("released", values["card"], to_shop=amount, cards_held=-amount)

    def use_over(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """The end of a use: what the shop earned, what of its worth went back to the holder."""
        card = self._cards.get(values["card"])
        if card is None:
            return None
        worth = values["to_shop"] + values["to_customer"]
        back = min(values["to_customer"], card.held)  # with a lower cover there may be less
        card.owed -= worth
        card.held -= back
        use = values["use"]
        return {
            "kind": "card_used",
            "reference": ("use", use),
            "service": self.service_of("use", use),
            "state": values["state"],
            "earned": values["to_shop"],
            "to_customer": back,
            "claim": values["to_customer"] - back,
            "cards_liability": -worth,
            "cards_held": -back,
        }

    def refunded(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """A card that was left, or what a use of it kept open until now."""
        card = self._cards.get(values["card"])
        if card is None:
            return None
        back = values["refund"] + values["claim"]
        # The days of a period card are reckoned when it is left; all else was told use by use.
        earned = card.owed - back if card.is_period and card.is_open else 0
        closes = int(card.is_open)
        card.owed -= back + earned
        card.held -= values["refund"]
        card.is_open = False
        return self._card(
            "refunded",
            values["card"],
            state=values["cause"],
            customer=values["holder"],
            earned=earned,
            to_customer=values["refund"],
            claim=values["claim"],
            cards_liability=-(back + earned),
            cards_held=-values["refund"],
            cards_open=-closes,
        )

    # Points, vouchers, alliances ----------------------------------------------------------------

    def points_earned(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Points that a visit brought."""
        return {
            "kind": "points_earned",
            "customer": values["holder"],
            "points_own": values["own"],
            "points_shared": values["shared"],
        }

    def points_expired(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Points whose time was over."""
        return {
            "kind": "points_expired",
            "points_own": -values["own"],
            "points_shared": -values["shared"],
        }

    def points_redeemed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Points that became a voucher."""
        return {
            "kind": "points_redeemed",
            _SHARED[values["shared"]]: -values["points"],
        }

    def voucher_made(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A voucher: for points, as a present, or owed for the shop's failure."""
        return self._voucher("made", values, state=values["cause"])

    def voucher_used(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A voucher that was used; what it took off stands in the line of the booking."""
        return self._voucher("used", values)

    def voucher_void(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A voucher that somebody gave up or took back."""
        return self._voucher("void", values)

    def voucher_back(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """A voucher that is good again, because the visit did not take place."""
        return self._voucher("back", values)

    @staticmethod
    def _voucher(kind: str, values: Mapping[str, Any], **rest: Any) -> dict[str, Any]:
        voucher = "vch", values["voucher"]
        return {"kind": f"voucher_{kind}", "reference": voucher, **rest}

    def prefunded(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Money that the shop paid ahead for points of an alliance."""
        return self._alliance("paid_ahead", values, -values["amount"])

    def withdrawn(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Money of an alliance that the shop took back."""
        return self._alliance("taken_back", values, values["amount"])

    def paid_out(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Money of an alliance for points that were spent at the shop."""
        return self._alliance("paid_out", values, values["amount"])

    @staticmethod
    def _alliance(kind: str, values: Mapping[str, Any], amount: int) -> dict[str, Any]:
        named = "all", values["alliance"]
        return {"kind": f"alliance_{kind}", "reference": named, "alliance": amount}

    def visit_noted(self, values: Mapping[str, Any]) -> dict[str, Any] | None:
        """A visit whose work was done again before it was paid."""
        if values["outcome"] != "REDONE":
            return None
        return {"kind": "visit_redone"}


_TELLERS: dict[tuple[str, str], Callable[[Book, Mapping[str, Any]], dict[str, Any] | None]] = {
    (CHAIN, "POT_FALLBACK"): Book.fallen_back,
    ("booking", "Requested"): Book.requested,
    ("booking", "Paid"): Book.paid,
    ("booking", "ExtraApproved"): Book.extra,
    ("booking", "VoucherUsed"): Book.voucher_off,
    ("booking", "PaidBack"): Book.paid_back,
    ("booking", "Closed"): Book.closed,
    ("booking", "Moved"): Book.moved,
    ("prepaid", "OfferPublished"): Book.published,
    ("prepaid", "Sold"): Book.card_sold,
    ("prepaid", "Released"): Book.released,
    ("prepaid", "UseOver"): Book.use_over,
    ("prepaid", "Refunded"): Book.refunded,
    ("loyalty", "Earned"): Book.points_earned,
    ("loyalty", "Expired"): Book.points_expired,
    ("loyalty", "Redeemed"): Book.points_redeemed,
    ("loyalty", "VoucherMade"): Book.voucher_made,
    ("loyalty", "VoucherUsed"): Book.voucher_used,
    ("loyalty", "VoucherVoid"): Book.voucher_void,
    ("loyalty", "VoucherBack"): Book.voucher_back,
    ("loyalty", "Prefunded"): Book.prefunded,
    ("loyalty", "Withdrawn"): Book.withdrawn,
    ("loyalty", "PaidOut"): Book.paid_out,
    ("shops", "VisitNoted"): Book.visit_noted,
}
READ = tuple(_TELLERS)  # (contract, event) of everything that a book is made of
NOBODY = ZERO_ID
AMOUNTS = tuple(one.name for one in fields(Line) if one.name not in {
    "height", "number", "time_ms", "kind", "reference", "state", "service", "customer",
})  # fmt: skip
