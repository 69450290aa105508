"""The table of a rehearsal, made from nothing but the chain's own events."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from chain.receipt import Event, KernelEvent, Receipt
from chain.types import ZERO_ID
from contracts.vm.container import Container
from contracts.vm.program import Program
from node.catalog import abi

CANCELLED = ("CANCELLED_CUSTOMER", "CANCELLED_SHOP", "CANCELLED_WEATHER")
NO_SHOW = "NO_SHOW_CUSTOMER"


@cache
def state_names() -> dict[int, str]:
    """Return the booking contract's own names of its states, by number."""
    return {number: name for name, number in abi("booking")["enums"]["State"].items()}


@dataclass(slots=True)
class ShopTally:
    """One shop's figures: counts of bookings, money in minor units."""

    bookings: int = 0
    escrow_in: int = 0
    refunds: int = 0
    payouts: int = 0
    cancelled: int = 0
    no_show: int = 0
    rejected: int = 0

    def add(self, other: "ShopTally") -> None:
        """Add another's figures."""
        for name in self.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def as_dict(self) -> dict[str, int]:
        """Return the figures by name, in order."""
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(slots=True)
class Tally:
    """Follows receipts in order. `programs` are the contracts' code by name."""

    programs: dict[str, Program]
    shops: dict[bytes, ShopTally] = field(default_factory=dict)
    names: dict[bytes, str] = field(default_factory=dict)
    reasons: dict[str, int] = field(default_factory=dict)
    _kinds: dict[bytes, dict[int, str]] = field(default_factory=dict)
    _shop_of: dict[bytes, bytes] = field(default_factory=dict)

    def add_receipts(self, receipts: Iterable[Receipt]) -> None:
        """Take the events of a block's receipts."""
        for receipt in receipts:
            for event in receipt.events:
                self._add_event(event)

    def _add_event(self, event: Event) -> None:
        if event.contract == ZERO_ID:
            self._add_kernel_event(event)
            return
        name = self._kinds[event.contract].get(event.number)
        if name is not None:
            self._add_contract_event(name, event.values)

    def _add_kernel_event(self, event: Event) -> None:
        values: tuple[Any, ...] = event.values
        if event.number == KernelEvent.DEPLOYED:
            contract, code_id, _creator = values
            for program in self.programs.values():
                if program.code_id == code_id:
                    self._kinds[contract] = _event_names(program.container)
        elif event.number == KernelEvent.POT_FALLBACK:
            _contract, key, _to, _asset, amount = values
            self.shops[self._shop_of.pop(key[1:])].refunds += amount

    def _add_contract_event(self, name: str, values: tuple[Any, ...]) -> None:
        match name:
            case "Admitted":
                shop, text = values
                self.shops[shop] = ShopTally()
                self.names[shop] = text.decode()
            case "Requested":
                booking, shop, _customer, _start, _total, held = values
                self._shop_of[booking] = shop
                self.shops[shop].bookings += 1
                self.shops[shop].escrow_in += held
            case "Paid":
                _booking, shop, amount = values
                self.shops[shop].escrow_in += amount
            case "Closed":
                booking, shop, _customer, state, to_shop, to_customer = values
                del self._shop_of[booking]
                tally = self.shops[shop]
                tally.payouts += to_shop
                tally.refunds += to_customer
                tally.cancelled += state_names()[state] in CANCELLED
                tally.no_show += state_names()[state] == NO_SHOW
            case "Refused":
                shop, reason, count = values
                self.shops[shop].rejected += count
                text = reason.decode()
                self.reasons[text] = self.reasons.get(text, 0) + count
            case _:
                pass

    def table(self) -> list[tuple[str, ShopTally]]:
        """Return (shop's name, figures), sorted by name."""
        rows = [(self.names[shop], tally) for shop, tally in self.shops.items()]
        return sorted(rows, key=lambda row: row[0])

    def total(self) -> ShopTally:
        """Return the sum over all shops."""
        total = ShopTally()
        for _name, tally in self.table():
            total.add(tally)
        return total


def _event_names(container: Container) -> dict[int, str]:
    return {
        number: event.name
        for number, event in enumerate(container.events)
        if event.name in {"Admitted", "Requested", "Paid", "Closed", "Refused"}
    }
