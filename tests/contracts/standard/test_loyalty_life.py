"""Random lives: points and money add up after every step, and in the end nothing is left."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chain.pots import decode_pot
from chain.state import Space
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.workbench import CallFailed
from tests.contracts.standard.loyalty_world import LoyaltyWorld, loyalty_world

SHOPS, HOLDERS = ("shop", "rival", "third"), ("alice", "bob", "alice1")
VALUE = 5
# What a step may hear when its turn is bad; anything else is a fault.
FAIR = {
    "not_enough", "not_enough_free", "not_member", "not_admitted", "known_member", "link",
    "not_open", "too_late", "not_yours", "bad_amount", "missing", "too_soon", "no_consent",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Lot:
    """Points as a person would note them."""

    shop: str
    holder: str
    shared: bool
    month: int
    active_at: int
    left: int
    visit: int


@cache
def _made() -> tuple[LoyaltyWorld, str]:
    world = loyalty_world()
    ring = world.ally(*SHOPS)
    world.call("alice1", "loyalty.link_accounts", "alice")
    world.call("alice", "loyalty.accept_link", "alice1")
    for holder in HOLDERS:
        for shop in SHOPS:
            world.call(holder, "loyalty.allow_offers", shop, world.now + 700 * DAY_MS)
    return world, ring


@dataclass
class Life:
    """A world beside a notebook of what everybody should have."""

    world: LoyaltyWorld
    ring: str
    lots: list[Lot] = field(default_factory=list)
    vouchers: list[str] = field(default_factory=list)

    # Steps ----------------------------------------------------------------------------------

    def earn(self, shop: str, holder: str, number: int) -> None:
        self.world.earn(number * 100, holder, shop)
        last = self.world.seen("Earned")[-1]
        now = self.world.now
        mine = [lot for lot in self.lots if (lot.shop, lot.holder) == (shop, holder)]
        waiting = sorted({lot.visit for lot in mine if lot.active_at > now})
        if len(waiting) == 3:  # the fourth lets the first be used
            self.lots = [
                replace(lot, active_at=now) if lot.visit == waiting[0] else lot for lot in self.lots
            ]
        visit = len(self.world.seen("Earned"))
        month = self.month() + 12
        for shared, amount in ((False, last["own"]), (True, last["shared"])):
            lot = Lot(shop, holder, shared, month, last["active_at"], amount, visit)
            self.lots.append(lot)
        self.world.tick(HOUR_MS)

    def prefund(self, shop: str, _holder: str, number: int) -> None:
        self.world.prefund(self.ring, number, shop)

    def withdraw(self, shop: str, _holder: str, number: int) -> None:
        self.world.call(shop, "loyalty.withdraw", self.ring, number)

    def leave(self, shop: str, _holder: str, _number: int) -> None:
        self.world.call(shop, "loyalty.leave", self.ring, shop)

    def admit(self, shop: str, _holder: str, _number: int) -> None:
        self.world.call("operator", "loyalty.admit_member", self.ring, shop)

    def redeem(self, shop: str, holder: str, number: int) -> None:
        number = self.world.active(holder, shop)[0] * number // 400
        self.vouchers.append(self.world.call(holder, "loyalty.redeem", shop, number))
        self._take(shop, holder, number, shared=False)

    def redeem_shared(self, shop: str, holder: str, number: int) -> None:
        at = SHOPS[number % 3]
        number = self.world.active(holder, shop)[1] * number // 400
        made = self.world.call(holder, "loyalty.redeem_shared", shop, at, number)
        self.vouchers.append(made)
        self._take(shop, holder, number, shared=True)

    def give(self, shop: str, holder: str, number: int) -> None:
        more = {"shared": number % 2 == 1, "segment": 3, "amount": number}
        self.vouchers.append(self.world.grant(holder, shop, **more))

    def use(self, shop: str, holder: str, number: int) -> None:
        if self.vouchers:
            voucher = self.vouchers[number % len(self.vouchers)]
            self.world.call("anyone", "till.use", voucher, shop, holder, 1, number)

    def undo(self, _shop: str, holder: str, number: int) -> None:
        if self.vouchers:
            voucher = self.vouchers[number % len(self.vouchers)]
            self.world.call("anyone", "till.undo", voucher, holder)

    def void(self, _shop: str, holder: str, number: int) -> None:
        if self.vouchers:
            voucher = self.vouchers[number % len(self.vouchers)]
            self.world.call(holder, "loyalty.void_voucher", voucher)

    def move(self, shop: str, _holder: str, _number: int) -> None:
        self.world.call("alice1", "loyalty.move_points", shop)
        now, month = self.world.now, self.month()
        self.lots = [
            replace(lot, holder="alice")
            if (lot.shop, lot.holder, lot.shared) == (shop, "alice1", True)
            and lot.active_at <= now
            and lot.month >= month
            else lot
            for lot in self.lots
        ]

    def wait(self, _shop: str, _holder: str, number: int) -> None:
        self.world.tick(number * HOUR_MS)

    def wait_long(self, _shop: str, _holder: str, number: int) -> None:
        self.world.tick(number * DAY_MS // 2)

    def stand_still(self, _shop: str, _holder: str, number: int) -> None:
        self.world.halt(number * HOUR_MS)
        self.check_money_alone()
        self.world.tick(16 * MINUTE_MS)

    # Checks ---------------------------------------------------------------------------------

    def month(self) -> int:
        found: int = self.world.view("loyalty.month_of", self.world.now)
        return found

    def _take(self, shop: str, holder: str, number: int, *, shared: bool) -> None:
        place, now, month = (shop, holder, shared), self.world.now, self.month()
        for lot in sorted(self.lots, key=lambda one: one.month):
            good = lot.active_at <= now and lot.month >= month
            if (lot.shop, lot.holder, lot.shared) == place and good:
                taken = min(lot.left, number)
                number -= taken
                self.lots[self.lots.index(lot)] = replace(lot, left=lot.left - taken)
        assert number == 0

    def check_money_alone(self) -> None:
        """Check what holds while deadlines stand still as well."""
        pots = {pot.fallback: pot.amount for pot in self.pots()}
        sums = {one: sum(self.world.money(self.ring, one)) for one in (*SHOPS, "treasurer")}
        assert sums == {one: pots.get(self.world.account(one), 0) for one in sums}

    def check(self) -> None:
        self._check_points()
        self._check_money()

    def _check_points(self) -> None:
        world, month = self.world, self.month()
        expected: Counter[tuple[str, str, str]] = Counter()
        for lot in self.lots:
            if lot.month >= month:
                kind = "shared" if lot.shared else "own"
                when = "active" if lot.active_at <= world.now else "pending"
                expected[lot.shop, lot.holder, f"{kind}_{when}"] += lot.left
        stored = 0
        for shop in SHOPS:
            for holder in HOLDERS:
                found = world.standing(holder, shop)
                for what in ("own_active", "own_pending", "shared_active", "shared_pending"):
                    assert found[what] == expected[shop, holder, what], (shop, holder, what)
                account = world.view("loyalty.account", shop, holder)
                stored += account["own"] + account["shared"]
        balances = sum(world.balance(holder, "POINTS") for holder in HOLDERS)
        assert stored == world.supply() == balances

    def _check_money(self) -> None:
        world, month = self.world, self.month()
        behind = Counter[str]()
        for lot in self.lots:
            if lot.shared and lot.month >= month:
                behind[lot.shop] += lot.left * VALUE
        for voucher in self.vouchers:
            found = world.view("loyalty.voucher", voucher)
            good = world.view("loyalty.month_of", found["expires"]) >= month
            if found["shared"] and found["use"] == "OPEN" and good:
                behind[found["shop"]] += found["amount"]
        assert [world.money(self.ring, shop)[1] for shop in SHOPS] == [behind[one] for one in SHOPS]
        self.check_money_alone()

    def pots(self) -> list[Any]:
        first, stop = bytes([Space.POT]), bytes([Space.POT + 1])
        return [decode_pot(data) for _key, data in self.world._memory.scan(first, stop, 100)]


@contextmanager
def suppress_fair() -> Iterator[None]:
    try:
        yield
    except CallFailed as failure:
        if failure.name not in FAIR:
            raise


STEPS: list[Callable[..., None]] = [
    Life.earn, Life.earn, Life.prefund, Life.redeem, Life.redeem_shared, Life.withdraw, Life.leave,
    Life.admit, Life.give, Life.use, Life.undo, Life.void, Life.move, Life.wait, Life.wait_long,
    Life.stand_still,
]  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(STEPS), st.sampled_from(SHOPS), st.sampled_from(HOLDERS),
            st.integers(1, 400),
        ),
        min_size=5, max_size=40,
    )
)  # fmt: skip
def test_points_and_money_add_up_whatever_people_do(
    steps: list[tuple[Callable[..., None], str, str, int]],
) -> None:
    made, ring = _made()
    life = Life(made.copy(), ring)
    for shop in SHOPS:
        life.prefund(shop, "", 5_000)

    for step, shop, holder, number in steps:
        with suppress_fair():
            step(life, shop, holder, number)
        life.check()

    life.world.at(life.world.now + 800 * DAY_MS)
    life.check()
    for shop in SHOPS:
        free, backed, due = life.world.money(ring, shop)
        assert (backed, due) == (0, 0)
        if free:
            life.world.call(shop, "loyalty.withdraw", ring, free)
    assert life.world.held("loyalty") == 0
    assert life.world.timers() == []
