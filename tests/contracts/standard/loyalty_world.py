"""A world with the points and a till: installed rules that may say what was paid and owed."""

from functools import cache
from pathlib import Path
from typing import Any

from chain.ledger import get_supply, transfer
from chain.state import State
from chain.types import DAY_MS
from node.workbench import World

SOURCE = Path(__file__).parents[3] / "contracts" / "standard" / "loyalty.wash"
START = "2026-01-05T00:00Z"
VISIT = bytes([5]) * 32
TILL = """
from wash import *

class Loyalty(Link):
    @action(gas=20_000)
    def earn(self, shop: Address, holder: Address, amount: uint, source: Hash): ...
    @action(gas=10_000)
    def owe(self, shop: Address, holder: Address, amount: uint, source: Hash): ...
    @action(gas=6_000)
    def use_voucher(
        self, voucher: Id["vch"], shop: Address, holder: Address, service: u16, price: uint
    ) -> uint: ...
    @action(gas=6_000)
    def give_back(self, voucher: Id["vch"], holder: Address): ...

class Till(Contract):
    loyalty: Loyalty
    Discount = Event(amount=uint)

    @action
    def settle(self, shop: Address, holder: Address, amount: uint, source: Hash):
        self.loyalty.earn(shop, holder, amount, source)

    @action
    def fail(self, shop: Address, holder: Address, amount: uint, source: Hash):
        self.loyalty.owe(shop, holder, amount, source)

    @action
    def use(self, voucher: Id["vch"], shop: Address, holder: Address, service: u16, price: uint):
        emit(self.Discount, self.loyalty.use_voucher(voucher, shop, holder, service, price))

    @action
    def undo(self, voucher: Id["vch"], holder: Address):
        self.loyalty.give_back(voucher, holder)
"""
GIVEN = {"kind": "VALUE", "amount": 500, "shared": False, "least": 0, "segment": 0}


class LoyaltyWorld(World):
    """A world with short ways to earn, owe and use; "shop" has the usual program."""

    def rules(self, **changes: Any) -> dict[str, Any]:
        """Return the usual rules of a program with some changes."""
        return {**self.view("loyalty.default_rules"), **changes}

    def earn(self, amount: int, holder: str = "alice", shop: str = "shop") -> None:
        """Let a visit of so many minor units be paid."""
        self.call("anyone", "till.settle", shop, holder, amount, VISIT)

    def owe(self, amount: int, holder: str = "alice", shop: str = "shop") -> str:
        """Let a shop owe a voucher; returns its id."""
        self.call("anyone", "till.fail", shop, holder, amount, VISIT)
        voucher: str = self.seen("VoucherMade")[-1]["voucher"]
        return voucher

    def use(
        self, voucher: str, price: int = 10_000, *, shop: str = "shop", service: int = 1
    ) -> int:
        """Let alice use a voucher for a visit; returns the discount."""
        self.call("anyone", "till.use", voucher, shop, "alice", service, price)
        discount: int = self.seen("Discount")[-1]["amount"]
        return discount

    def undo(self, voucher: str) -> None:
        """Let the visit of a voucher not take place."""
        self.call("anyone", "till.undo", voucher, "alice")

    def grant(self, holder: str = "alice", shop: str = "shop", **voucher: Any) -> str:
        """Let a shop give somebody a voucher of 5.00 for 30 days; returns its id."""
        given = {**GIVEN, "expires": self.now + 30 * DAY_MS, **voucher}
        made: str = self.call(shop, "loyalty.issue_voucher", holder, **given)
        return made

    def why(self, voucher: str, shop: str = "shop", **asked: Any) -> str:
        """Return why alice can not use a voucher for service 1 at 100.00 now, or FINE."""
        question = {"holder": "alice", "service": 1, "price": 10_000, **asked}
        found: str = self.view("loyalty.check_voucher", voucher, shop, **question)["why"]
        return found

    def ally(self, *shops: str, value: int = 5, months: int = 12) -> str:
        """Make an alliance of these shops, each with the usual program; returns its id."""
        founded = ("Ring", value, months, "treasurer")
        made: str = self.call("operator", "loyalty.make_alliance", *founded)
        for shop in shops:
            self.call(shop, "loyalty.set_program", self.rules())
            self.call("operator", "loyalty.admit_member", made, shop)
            self.call(shop, "loyalty.prefund", made)
        return made

    def prefund(self, alliance: str, amount: int, shop: str = "shop") -> None:
        """Let a member pay in ahead."""
        self.call(shop, "loyalty.prefund", alliance, funds=amount)

    def money(self, alliance: str, shop: str = "shop") -> tuple[int, int, int]:
        """Return (free, behind points and vouchers, due) of a member."""
        found = self.view("loyalty.member", alliance, shop)
        return found["free"], found["backed"], found["position"]

    def standing(self, holder: str = "alice", shop: str = "shop") -> dict[str, Any]:
        """Return what a holder has at a shop."""
        found: dict[str, Any] = self.view("loyalty.standing", shop, holder)
        return found

    def active(self, holder: str = "alice", shop: str = "shop") -> tuple[int, int]:
        """Return (active own points, active points of the alliance)."""
        found = self.standing(holder, shop)
        return found["own_active"], found["shared_active"]

    def supply(self) -> int:
        """Return how many points exist."""
        return get_supply(State(self._memory), self._people.assets["POINTS"])

    def send_back(self, who: str, amount: int) -> None:
        """Let somebody send points to their issuer, as the chain allows for every asset."""
        state, asset = State(self._memory), self._people.assets["POINTS"]
        transfer(state, self.account(who), asset, self.account("loyalty"), amount)
        self._memory.apply(state.changes())


@cache
def _made() -> LoyaltyWorld:
    world = LoyaltyWorld(time=START)
    world.add(SOURCE, install=True)
    world.add(TILL, name="till", install=True)
    world.call("shop", "loyalty.set_program", world.rules())
    return world


def loyalty_world() -> LoyaltyWorld:
    """Return a fresh world at START, a Monday, 00:00 UTC."""
    return _made().copy()
