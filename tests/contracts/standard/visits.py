"""A world for the contracts that look back on visits: the visits are whatever a test says."""

from functools import cache
from pathlib import Path
from typing import Any

from node.workbench import World

STANDARD = Path(__file__).parents[3] / "contracts" / "standard"
NOTHING = bytes(32)
FOREVER = "2036-01-01T00:00Z"
# (shop, key, what it may do: 2 work on cars, 4 finish)
STAFF = (
    ("sparkle", "desk", 31), ("sparkle", "bay", 6), ("sparkle", "till", 25),
    ("sparkle", "pupil", 2), ("rival", "other_desk", 31),
)  # fmt: skip

# Stands where bookings and cards do, and tells of visits what it is told.
VISITS = """from wash import *

class Visit(Record):
    customer: Address
    shop: Address
    stage: u8
    checked_in: bool
    co_signed: bool
    service: u16
    paid: uint
    over_at: Time

class Visits(Contract):
    visits: Map[Hash, Visit]

    @action
    def put(self, id: Hash, v: Visit):
        self.visits[id] = v

    @view
    def visit(self, id: Hash) -> Visit:
        return self.visits.get(id)
"""


def number(value: int) -> bytes:
    """Return an id that is easy to tell from others."""
    return value.to_bytes(32, "big")


class VisitsWorld(World):
    """Two shops with staff, and customers whose visits are set by hand."""

    def visit(self, visit: bytes, *, where: str = "booking", **facts: Any) -> bytes:
        """Set what is told of a visit; unless said otherwise, alice left her car at sparkle."""
        usual = {
            "customer": "alice", "shop": "sparkle", "stage": 2, "checked_in": True,
            "co_signed": True, "service": 1, "paid": 0, "over_at": 0,
        }  # fmt: skip
        self.call("operator", f"{where}.put", visit, {**usual, **facts})
        return visit


@cache
def made(contract: str, arguments: tuple[Any, ...] = ()) -> VisitsWorld:
    world = VisitsWorld()
    world.add(STANDARD / "shops.wash")
    world.add(VISITS, name="booking")
    world.add(VISITS, name="prepaid")
    for shop in ("sparkle", "rival"):
        world.call("operator", "shops.admit", shop, shop)
    for shop, key, scopes in STAFF:
        who = (world.account(key), 3, scopes, 0, number(7))
        world.call(shop, "shops.set_staff", *who, FOREVER)
    world.add(STANDARD / f"{contract}.wash", arguments=arguments, install=True)
    return world


def new_world(contract: str, arguments: tuple[Any, ...] = ()) -> VisitsWorld:
    """Return a world of its own with one of the contracts in it."""
    return made(contract, arguments).copy()
