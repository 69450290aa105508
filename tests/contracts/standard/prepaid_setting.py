"""A world of holders and shops in memory, for the rules of prepaid cards.

The register of shops and the points are stand-ins here, so that a test says how a shop stands and
sees what the cards' rules tell to others; `test_prepaid_journeys` has the contracts that ship.
"""

from pathlib import Path
from typing import Any

from chain.pots import decode_pot
from chain.state import Space
from chain.types import DAY_MS
from node.workbench import World

STANDARD = Path(__file__).parents[3] / "contracts" / "standard"
START = "2026-01-05T00:00Z"  # a Monday
ZERO_ID = bytes(32)
EVERY_DAY = 0b111_1111
WASH, POLISH = 1, 2
WASH_PRICE, POLISH_PRICE = 4_000, 20_000

REGISTER = """from wash import *

class Standing(Record):
    status: u8
    sells: bool
    warned: bool
    closed: bool
    closes_at: Time
    open_days: u8
    day_start: u32

class Service(Record):
    version: u32
    price: Money["money"]
    duration: Duration
    cell: u8
    offered: bool
    policy: Hash
    name: Text[200]

class Shops(Contract):
    standings: Map[Address, Standing]
    services: Map[tuple[Address, u16], Service]
    keepers: Map[Address, Address]
    clocks: Map[tuple[Address, Address], u16]
    HolderNoted = Event(shop=Address, holder=Address, cards=u16)
    ClockStarted = Event(shop=Address, holder=Address, open_days=u8)
    ClockStopped = Event(shop=Address, holder=Address)
    UseNoted = Event(shop=Address, holder=Address)
    VisitNoted = Event(shop=Address, outcome=u8, on_time=bool)

    @action
    def set_standing(self, shop: Address, s: Standing):
        self.standings[shop] = s

    @action
    def set_service(self, shop: Address, service: u16, price: Money["money"]):
        version = self.services.get((shop, service)).version + 1
        self.services[shop, service] = Service(version=version, price=price, offered=True)

    @action
    def keep(self, account: Address, shop: Address):
        self.keepers[account] = shop

    @action
    def set_clock(self, shop: Address, holder: Address, days: u16):
        self.clocks[shop, holder] = days

    @view
    def standing(self, shop: Address) -> Standing:
        return self.standings.get(shop)

    @view
    def service(self, shop: Address, service: u16) -> Service:
        return self.services[shop, service]

    @view
    def keeper(self, account: Address) -> Address:
        return self.keepers.get(account)

    @view
    def clock_days(self, shop: Address, holder: Address) -> u16:
        return self.clocks.get((shop, holder))

    @action
    def note_holder(self, shop: Address, holder: Address, cards: u16):
        emit(self.HolderNoted, shop, holder, cards)

    @action
    def start_clock(self, shop: Address, holder: Address, open_days: u8):
        if self.clocks.get((shop, holder)) == 0:
            self.clocks[shop, holder] = 1
            emit(self.ClockStarted, shop, holder, open_days)

    @action
    def stop_clock(self, shop: Address, holder: Address):
        self.clocks[shop, holder] = 0
        emit(self.ClockStopped, shop, holder)

    @action
    def note_use(self, shop: Address, holder: Address):
        emit(self.UseNoted, shop, holder)

    @action
    def note_visit(self, shop: Address, outcome: u8, on_time: bool):
        emit(self.VisitNoted, shop, outcome, on_time)
"""
LOYALTY = """from wash import *

class Loyalty(Contract):
    broken: bool
    Earned = Event(shop=Address, holder=Address, amount=uint, source=Hash)

    @action
    def break_down(self):
        self.broken = True

    @action
    def earn(self, shop: Address, holder: Address, amount: uint, source: Hash):
        require(not self.broken, "broken")
        emit(self.Earned, shop, holder, amount, source)
"""
# Stands where the booking rules stand: a contract that the operators installed.
TELLER = """from wash import *

class Prepaid(Link):
    @action(gas=40_000)
    def note_request(self, shop: Address, holder: Address, answered: bool): ...

class Teller(Contract):
    prepaid: Prepaid

    @action
    def tell(self, shop: Address, holder: Address):
        self.prepaid.note_request(shop, holder, False)
"""
NO_LINE = {"service": 0, "version": 0, "units": 0, "amount": 0}
STANDINGS: dict[str, dict[str, Any]] = {
    "admitted": {"status": 1, "sells": True, "warned": False, "closed": False},
    "warned": {"status": 4, "sells": True, "warned": True, "closed": False},
    "frozen": {"status": 2, "sells": False, "warned": True, "closed": False},
    "closing": {"status": 5, "sells": False, "warned": False, "closed": False},
    "closed": {"status": 3, "sells": False, "warned": True, "closed": True},
}


class CardWorld(World):
    """People and shops with cards; calls without a dot are those of the cards' contract."""

    def stand(self, how: str, shop: str = "shop", open_days: int = EVERY_DAY) -> None:
        """Let the register say how a shop stands."""
        standing = {**STANDINGS[how], "closes_at": 0, "open_days": open_days, "day_start": 0}
        self.call("operator", "shops.set_standing", shop, standing)

    def lower_cover(self, shop: str, cover_bp: int) -> None:
        """Let two operators lower the part of new cards' prices that is held."""
        for operator in ("operator", "second operator"):
            self.call(operator, "prepaid.set_cover", shop, cover_bp)

    def line(self, service: int, units: int, amount: int, version: int = 1) -> dict[str, int]:
        """Return one service of an offer."""
        return {"service": service, "version": version, "units": units, "amount": amount}

    def publish(
        self, kind: str, price: int, *lines: dict[str, int], bonus: int = 0, number: int = 1,
        shop: str = "shop", settle_after: str = "24h", transferable: bool = True,
    ) -> str:  # fmt: skip
        """Put a card on sale; returns the offer's id."""
        four = [*lines, NO_LINE, NO_LINE, NO_LINE, NO_LINE][:4]
        terms = (number, kind, price, bonus, settle_after, transferable, bytes(32), "Card")
        offer: str = self.call(shop, "prepaid.publish_offer", *terms, *four)
        return offer

    def washes(self, units: int = 20, price: int = 79_800, **more: Any) -> str:
        """Put a card for so many washes on sale."""
        return self.publish("COUNT", price, self.line(WASH, units, price), **more)

    def buy(self, offer: str, who: str = "alice") -> str:
        """Let somebody buy a card at the offer's price; returns the card's id."""
        price = self.view("prepaid.offer", offer)["price"]
        card: str = self.call(who, "prepaid.buy", offer, funds=price)
        return card

    def holder_of(self, card: str) -> str:
        """Return who holds a card."""
        holder: str = self.card(card)["holder"]
        return holder

    def begin(self, card: str, line: int = 0, *, amount: int = 0, both: bool = False) -> str:
        """Let the holder ask for a service, with the shop's signature or without."""
        c = self.card(card)
        sponsor = c["shop"] if both else None
        asked = (card, line, amount)
        use: str = self.call(c["holder"], "prepaid.begin_use", *asked, sponsor=sponsor)
        return use

    def serve(
        self, card: str, line: int = 0, *, times: int = 1, amount: int = 0,
        upto: str = "confirm_use",
    ) -> str:  # fmt: skip
        """Let a card be used, step by step up to one of them; returns the last use."""
        use = ""
        for _ in range(times):
            use = self.begin(card, line, amount=amount, both=True)
            c = self.card(card)
            for step, who in (
                ("start_use", c["shop"]), ("finish_use", c["shop"]), ("confirm_use", c["holder"])
            ):  # fmt: skip
                if upto == "begin_use":
                    break
                self.call(who, f"prepaid.{step}", use)
                if step == upto:
                    break
        return use

    def card(self, card: str) -> dict[str, Any]:
        """Return a card's record."""
        found: dict[str, Any] = self.view("prepaid.card", card)
        return found

    def stage(self, use: str) -> str:
        """Return where a use stands."""
        found: str = self.view("prepaid.use", use)["stage"]
        return found

    def held_for(self, card: str) -> int:
        """Return what is on hold for a card."""
        found: int = self.view("prepaid.held_money", card)
        return found

    def last_owners(self) -> set[str]:
        """Return to whom the chain itself would pay what is in pots."""
        first, stop = bytes([Space.POT]), bytes([Space.POT + 1])
        pots = [decode_pot(data) for _key, data in self._memory.scan(first, stop, 1_000)]
        return {self._people.names[pot.fallback] for pot in pots}

    def preview(self, card: str, cause: str = "HOLDER") -> dict[str, Any]:
        """Return what a refund would be and why."""
        found: dict[str, Any] = self.view("prepaid.preview_refund", card, cause)
        return found

    def earned(self, shop: str = "shop") -> int:
        """Return what a shop has got since the world began."""
        return self.balance(shop, "CNY") - self.funds

    def spent(self, who: str = "alice") -> int:
        """Return what somebody has less than at the beginning."""
        return self.funds - self.balance(who, "CNY")

    @property
    def funds(self) -> int:
        """What everybody had in the beginning."""
        return 1_000_000


def make_world() -> CardWorld:
    """Return a world in which two shops may sell cards."""
    world = CardWorld(time=START)
    world.add(REGISTER, name="shops")
    world.add(LOYALTY, name="loyalty")
    world.add(STANDARD / "prepaid.wash", links={"register": "shops"}, install=True)
    world.add(TELLER, name="teller", install=True)
    world.give_role("second operator", "operator")
    for shop in ("shop", "rival"):
        world.stand("admitted", shop)
        world.call("operator", "shops.set_service", shop, WASH, WASH_PRICE)
        world.call("operator", "shops.set_service", shop, POLISH, POLISH_PRICE)
    return world


_FIRST: list[CardWorld] = []


def new_world() -> CardWorld:
    """Return a world of its own, made fast."""
    if not _FIRST:
        _FIRST.append(make_world())
    return _FIRST[0].copy()


def after_days(world: CardWorld, days: float) -> CardWorld:
    """Let days pass."""
    world.tick(int(days * DAY_MS))
    return world
