"""A recount of a shop's figures from raw blocks, sharing nothing with the program's own.

Money in is read off the signed transactions, with the services that they name; money out and ends
are read off the receipts' bytes; what is open is read off the pots. Plain dictionaries, no classes.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgpack

from chain.pots import decode_pot
from chain.state import Space
from chain.store import Store
from chain.transaction import Call, call_id, read_transaction

COMPILED = Path(__file__).parents[3] / "contracts/standard/compiled"
ABIS = {
    name: json.loads((COMPILED / f"{name}.abi.json").read_bytes())
    for name in ("booking", "prepaid", "loyalty", "shops")
}
PAYING = {("booking", "request"), ("booking", "pay"), ("booking", "approve_extra")}
SETTLED, RULED = (ABIS["prepaid"]["enums"]["Stage"][name] for name in ("SETTLED", "RULED"))
STATES = {number: name for name, number in ABIS["booking"]["enums"]["State"].items()}
Values = dict[str, Any]
Days = dict[tuple[str, int], Counter[str]]
# What an event adds: names and amounts.
ADDS: dict[tuple[str, str], Callable[[Values], dict[str, int]]] = {
    ("booking", "Requested"): lambda _: {"bookings_requested": 1},
    ("booking", "Closed"): lambda told: {
        f"end {STATES[told['state']]}": 1,
        "paid_to_shop": told["to_shop"],
        "received": told["to_shop"],
        "back_to_customers": told["to_customer"],
    },
    ("booking", "PaidBack"): lambda told: {"back_to_customers": told["amount"]},
    ("prepaid", "Sold"): lambda told: {"cards_sold": 1, "cards_sold_money": told["paid"]},
    ("prepaid", "Released"): lambda told: {
        "cards_paid_to_shop": told["amount"], "received": told["amount"],
    },
    ("prepaid", "UseOver"): lambda told: {
        "uses earned": told["to_shop"], "card_uses": told["state"] in {SETTLED, RULED},
    },
    ("prepaid", "Refunded"): lambda told: {"refunds": told["refund"]},
    ("loyalty", "Earned"): lambda told: {"points_own_given": told["own"]},
    ("loyalty", "Redeemed"): lambda told: {
        "points_own_spent": 0 if told["shared"] else told["points"],
    },
    ("loyalty", "Expired"): lambda told: {"points_own_ended": told["own"]},
    ("loyalty", "VoucherMade"): lambda told: {f"voucher {told['cause']}": 1},
    ("shops", "VisitNoted"): lambda told: {"visits_redone": told["outcome"] == 2},
}  # fmt: skip


def events_of(
    store: Store, height: int, places: dict[bytes, str]
) -> list[tuple[tuple[str, str], Values]]:
    """Return ((contract, event), values by name) of a block, read from the receipts' bytes."""
    found = []
    for data in store.receipt_bytes(height):
        receipt = msgpack.unpackb(data, raw=False, strict_map_key=False)
        (events,) = [
            part for part in receipt
            if isinstance(part, list) and all(isinstance(e, list) and len(e) == 3 for e in part)
        ]  # fmt: skip
        for contract, number, values in events:
            name = places.get(contract)
            if name is not None:
                declared = ABIS[name]["events"][number]
                fields = [one["name"] for one in declared["fields"]]
                found.append(((name, declared["name"]), dict(zip(fields, values, strict=True))))
    return found


class Calls:
    """What signed transactions say of visits: whose, of which service, with how much money."""

    def __init__(self, store: Store, places: dict[bytes, str]) -> None:
        self.store, self.places = store, places
        self.services: dict[bytes, int] = {}
        self.shops: dict[bytes, bytes] = {}
        self._lines: dict[tuple[bytes, int], int] = {}  # offer, line -> service
        self._offers: dict[bytes, bytes] = {}  # card -> offer

    def paid_in(self, height: int) -> Iterator[tuple[bytes, int]]:
        """Yield (booking, money that came along) of a block, and keep what its calls made."""
        signed = self.store.block(height).transactions
        receipts = self.store.receipts(height)[-len(signed) :] if signed else ()
        for data, receipt in zip(signed, receipts, strict=True):
            tx = read_transaction(data)
            for place, action in enumerate(tx.body.actions):
                if isinstance(action, Call) and receipt.ok:
                    what = self.places.get(action.contract, ""), action.function
                    made = call_id(tx.tx_id, place)
                    self._keep(what, made, action.arguments)
                    if what in PAYING:
                        yield (made if what[1] == "request" else action.arguments[0]), action.funds

    def _keep(self, what: tuple[str, str], made: bytes, given: Any) -> None:
        if what == ("booking", "request"):
            self.services[made], self.shops[made] = given[1], given[0]
        elif what == ("prepaid", "publish_offer"):
            self._lines |= {(made, number): given[8 + 4 * number] for number in range(4)}
        elif what == ("prepaid", "buy"):
            self._offers[made] = given[0]
        elif what == ("prepaid", "begin_use"):
            self.services[made] = self._lines[self._offers[given[0]], given[1]]


def recount(
    store: Store, head: int, places: dict[bytes, str], shop: bytes, hours_ahead: int
) -> tuple[Counter[str], Days]:
    """Return the figures of all blocks, and those by local day and service."""
    by_day: Days = defaultdict(Counter)
    calls = Calls(store, places)
    for height in range(1, head + 1):
        seconds = store.header(height).time_ms // 1_000 + hours_ahead * 3_600
        day = datetime.fromtimestamp(seconds, UTC).date().isoformat()
        for booking, funds in calls.paid_in(height):
            if calls.shops[booking] == shop:
                by_day[day, calls.services[booking]]["put_on_hold"] += funds
        for what, told in events_of(store, height, places):
            visit = bytes(told.get("id") or told.get("use") or b"")
            if told.get("shop", calls.shops.get(visit)) == shop and what in ADDS:
                service = calls.services.get(visit, 0)
                by_day[day, service].update(ADDS[what](told))
    total: Counter[str] = Counter()
    for found in by_day.values():
        total.update(found)
    return total, by_day


def money_in_pots(store: Store, contract: bytes, keys: set[bytes]) -> int:
    """Return the sum of a contract's pots whose keys begin with one of these ids."""
    start, stop = bytes([Space.POT]), bytes([Space.POT + 1])
    total = 0
    for key, value in store.iterate(start, stop):
        if key[1:33] == contract and key[34:66] in keys:
            total += decode_pot(value).amount
    return total
