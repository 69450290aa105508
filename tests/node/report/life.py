"""A fortnight of two shops: bookings with every end, cards of every kind, points and vouchers."""

from pathlib import Path
from random import Random
from typing import Any

from chain.errors import WashError
from chain.transaction import Call, call_id
from chain.types import DAY_MS, HOUR_MS
from node.demo.accounts import CUSTOMERS, account_of
from node.demo.catalogue import shop_of
from node.demo.script import contract_named, send
from node.demo.tools import DevTools, tools_of
from node.live.node import Node
from node.live.travel import empty_pool
from tests.node.demo.setting import WallClock, open_demo

COUNT, VALUE, PERIOD, PACKAGE = 1, 2, 3, 4
NONE = (0, 0, 0, 0)
GAS = 400_000
QUALITY = bytes(32)
SHOPS = ("sparkle", "harbour")
ZONES = {"sparkle": "Asia/Shanghai", "harbour": ""}


class Life:
    """What was done, step by step; everything is signed by the demo's people."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.node: Node = open_demo(folder, WallClock())
        self.tools: DevTools = tools_of(self.node)
        self.chance = Random(seed)
        self.cards: list[tuple[str, str, bytes, int]] = []  # holder, shop, card, kind
        self.uses: list[tuple[str, str, bytes]] = []
        self.offers: list[tuple[str, int, int, bytes]] = []  # shop, kind, price, offer
        self.done = 0
        self.refused = 0

    def do(
        self, who: str, contract: str, function: str, *values: Any, funds: int = 0
    ) -> bytes | None:
        """Call an action in a block of its own; returns the call's id, None if it was refused."""
        where = contract_named(self.node.state(), contract)
        try:
            tx = send(self.node, who, Call(where, function, values, funds), gas=GAS)
        except WashError:
            self.refused += 1
            return None
        empty_pool(self.node)
        place = self.node.ledger.store.find_transaction(tx)
        assert place is not None
        ok = self.node.ledger.store.receipts(place[0])[place[1]].ok
        self.done += ok
        self.refused += not ok
        return call_id(tx, 0) if ok else None

    # What people do -----------------------------------------------------------------------------

    def begin(self) -> None:
        """Shops show where they are, what points are worth, and which cards they sell."""
        for shop in SHOPS:
            self.do(shop, "shops", "set_profile", 0, 0, bytes(32), ZONES[shop], "", "")
            rules = (
                True,
                100,
                500,
                2 * DAY_MS,
                12,
                500,
                1_500,
                4_000,
                500,
                1_000,
                1_500,
                "",
                "",
                "",
            )
            self.do(shop, "loyalty", "set_program", *rules)
            wash = shop_of(shop).service(1)
            polish = shop_of(shop).service(2)
            for number, (kind, price, bonus, lines) in enumerate([
                (COUNT, 79_800, 0, [(1, 1, 20, 79_800)]),
                (VALUE, 300_000, 100_000, [(1, 1, 0, wash.price), (2, 1, 0, polish.price)]),
                (PERIOD, 120_000, 0, [(1, 1, 365, 120_000)]),
                (PACKAGE, 25_000, 0, [(1, 1, 3, 10_000), (2, 1, 1, 15_000)]),
            ], 1):  # fmt: skip
                flat = [part for line in [*lines, NONE, NONE, NONE, NONE][:4] for part in line]
                offer = self.do(
                    shop, "prepaid", "publish_offer", number, kind, price, bonus, DAY_MS, True,
                    QUALITY, f"=card {number}", *flat,
                )  # fmt: skip
                if offer is not None:
                    self.offers.append((shop, kind, price, offer))

    def step(self) -> None:
        """Let one thing happen that may happen."""
        choose = self.chance.choice
        what = self.chance.random()
        if what < 0.25 or not self.cards:
            shop, kind, price, offer = choose(self.offers)
            holder = choose(CUSTOMERS)
            card = self.do(holder, "prepaid", "buy", offer, funds=price)
            if card is not None:
                self.cards.append((holder, shop, card, kind))
        elif what < 0.5 or not self.uses:
            holder, shop, card, kind = choose(self.cards)
            line = 1 if kind in {VALUE, PACKAGE} and self.chance.random() < 0.3 else 0
            use = self.do(holder, "prepaid", "begin_use", card, line, 0)
            if use is not None:
                self.uses.append((holder, shop, use))
        elif what < 0.9:
            self._work(*choose(self.uses))
        elif what < 0.95:
            holder, _shop, card, _kind = choose(self.cards)
            self.do(holder, "prepaid", "ask_refund", card)
        else:
            self._favours()

    def _work(self, holder: str, shop: str, use: bytes) -> None:
        self.do(shop, "prepaid", "start_use", use)
        end = self.chance.random()
        if end < 0.1:
            return  # never finished
        self.do(shop, "prepaid", "finish_use", use)
        if end < 0.6:
            self.do(holder, "prepaid", "confirm_use", use)
        elif end < 0.8:
            self.do(holder, "prepaid", "claim_redo", use)
            if end < 0.75:
                self.do(shop, "prepaid", "answer_claim", use, end < 0.66)
                self.do("operator", "prepaid", "rule_use", use, self.chance.randrange(10_001))

    def _favours(self) -> None:
        shop, holder = self.chance.choice(SHOPS), self.chance.choice(CUSTOMERS)
        self.do(holder, "loyalty", "redeem", shop, 100)
        self.do("operator", "prepaid", "set_cover", account_of(shop), 6_000)


async def live(folder: Path, seed: int, days: int = 14, steps: int = 12) -> Life:
    """Return a life that was lived: bookings of a busy Saturday, and cards all along."""
    life = Life(folder, seed)
    life.begin()
    await life.tools.seed("busy-saturday")
    for _day in range(days):
        for _ in range(steps):
            life.step()
        await life.tools.travel_by(DAY_MS + life.chance.randrange(HOUR_MS))
    return life
