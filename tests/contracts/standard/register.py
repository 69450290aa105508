"""A world with the register of shops alone, and a contract that tells it what others would."""

from functools import cache
from pathlib import Path
from typing import Any

import contracts.standard
from node.workbench import World

SOURCE = Path(contracts.standard.__file__).parent / "shops.wash"
EVERY_DAY, WORKDAYS = 127, 31  # masks of weekdays, Monday first
CLOCK = {"started": 0, "days": 0, "counted_to": 0, "open_days": 0, "stage": 0, "round": 0}

_TOLD = {
    "note_holder": "shop: Address, holder: Address, cards: u16",
    "start_clock": "shop: Address, holder: Address, open_days: u8",
    "stop_clock": "shop: Address, holder: Address",
    "note_use": "shop: Address, holder: Address",
    "note_visit": "shop: Address, outcome: u8, on_time: bool",
}
# What the agreed interface grants each of them.
GAS = {
    "note_holder": 6_000, "start_clock": 8_000, "stop_clock": 12_000,
    "note_use": 6_000, "note_visit": 4_000,
    "terms": 1_500, "was_open": 800, "standing": 2_000, "keeper": 400, "clock_days": 60_000,
}  # fmt: skip


def _names(params: str) -> str:
    return ", ".join(part.partition(":")[0].strip() for part in params.split(","))


TELLER = "\n".join(
    [
        "from wash import *",
        "class Shops(Link):",
        *(
            f"    @action(gas={GAS[name]})\n    def {name}(self, {params}): ..."
            for name, params in _TOLD.items()
        ),
        "class Teller(Contract):",
        "    register: Shops",
        *(
            f"    @action\n    def {name}(self, {params}):\n"
            f"        self.register.{name}({_names(params)})"
            for name, params in _TOLD.items()
        ),
        "",
    ]
)


class Town(World):
    """Two shops, their customers, and a contract that says what the customers did."""

    def tell(self, what: str, shop: str, *more: Any) -> None:
        """Let the contract that the operators installed tell the register something."""
        self.call("clerk", f"teller.{what}", shop, *more)

    def ask(self, view: str, *arguments: Any) -> Any:
        """Return what a view of the register says."""
        return self.view(f"shops.{view}", *arguments)

    def do(self, who: str, action: str, *arguments: Any, **more: Any) -> Any:
        """Let somebody call an action of the register."""
        return self.call(who, f"shops.{action}", *arguments, **more)

    def sell(self, *holders: str, shop: str = "shop") -> None:
        """Give each of them a card of the shop."""
        for holder in holders:
            self.tell("note_holder", shop, holder, 1)

    def leave(self, *holders: str, shop: str = "shop", open_days: int = EVERY_DAY) -> None:
        """Let a request of each of them go unanswered."""
        for holder in holders:
            self.tell("start_clock", shop, holder, open_days)

    def serve(self, holder: str, shop: str = "shop") -> None:
        """Let a holder confirm a service together with the shop."""
        self.tell("note_use", shop, holder)
        self.tell("stop_clock", shop, holder)

    def status(self, shop: str = "shop") -> str:
        """Return a shop's status by name."""
        name: str = self.ask("standing", shop)["status"]
        return name

    def days(self, holder: str, shop: str = "shop") -> int:
        """Return how many opening days somebody has waited."""
        count: int = self.ask("clock_days", shop, holder)
        return count

    def statuses(self) -> list[str]:
        """Return every status that the shops came to, in order."""
        return [one["status"] for one in self.seen("StatusChanged")]


@cache
def _made() -> Town:
    town = Town()
    town.add(SOURCE, install=True)
    town.add(TELLER, name="teller", links={"register": "shops"}, install=True)
    for shop in ("shop", "rival"):
        town.do("operator", "admit", shop, shop)
    town.events.clear()
    return town


def make_town() -> Town:
    """Return a fresh world; it is Monday, midnight."""
    return _made().copy()
