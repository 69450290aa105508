"""Visits with the register, points and cards that ship: whole stories."""

from functools import cache
from typing import Any

import pytest

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.rehearse.plan import policy_words
from node.rehearse.policies import PRESETS, Policy
from node.workbench import World
from tests.contracts.standard.prepaid_setting import STANDARD, START

WASH, PRICE = 1, 6_800
FAIR = PRESETS["fair"]


class Town(World):
    """A shop with a program of points, and a wash on sale by the rules `fair`."""

    policy: bytes

    def book(self, who: str = "ann", ahead: int = DAY_MS, total: int = PRICE) -> str:
        """Make a booking of the wash; returns its id."""
        start = self.now + ahead
        made: str = self.call(
            who, "booking.request", "shop", WASH, 1, start, start + HOUR_MS, 0, total, self.policy,
            funds=total,
        )  # fmt: skip
        return made

    def stand(self, booking: str) -> str:
        """Return where a booking stands."""
        found: str = self.view("booking.booking", booking)["state"]
        return found

    def come(self, booking: str, who: str = "ann") -> None:
        """Go to the slot's start and hand the car over, both signing."""
        self.at(self.view("booking.booking", booking)["start"])
        self.call(who, "booking.check_in", booking, sponsor="shop")

    def serve(self, booking: str, who: str = "ann") -> None:
        """Let a booking be served and confirmed."""
        self.come(booking, who)
        self.finish(booking, who)

    def finish(self, booking: str, who: str) -> None:
        """Let the work be done and confirmed, and others hear of it."""
        self.call("shop", "booking.start_service", booking)
        self.call("shop", "booking.ready", booking)
        self.call(who, "booking.confirm", booking)
        self.tick(MINUTE_MS)


@cache
def made_town() -> Town:
    town = Town(time=START)
    town.add(STANDARD / "shops.wash", install=True)
    town.add(STANDARD / "loyalty.wash", install=True)
    town.add(STANDARD / "prepaid.wash", links={"register": "shops"}, install=True)
    town.add(
        STANDARD / "booking.wash", links={"register": "shops"}, arguments=[DAY_MS, True],
        install=True,
    )  # fmt: skip
    town.call("operator", "shops.admit", "shop", "Shop")
    rules, tiers = policy_of()
    town.policy = town.call("operator", "booking.publish_policy", rules, tiers)
    town.call("shop", "shops.set_settings", True, False, 0, 0, 0)
    town.call("shop", "shops.set_service", WASH, PRICE, "1h", 0, town.policy, "wash")
    town.call("shop", "loyalty.set_program", town.view("loyalty.default_rules"))
    return town


def policy_of(policy: Policy = FAIR) -> tuple[dict[str, Any], bytes]:
    """Return the rules as the workbench takes them."""
    *words, tiers = policy_words(policy)
    fee = dict(zip(("bp", "held_base", "least", "cap"), words[4:8], strict=True))
    names = (
        "hold_bp", "hold_min", "hold_max", "hold_per_day_min", "grace", "accept_by", "serve_by",
        "settle_after", "cooling_off", "reschedules", "reschedule_lead", "compensation_bp",
        "compensation_cap",
    )  # fmt: skip
    plain: dict[str, Any] = dict(zip(names, [*words[:4], *words[8:]], strict=True))
    assert isinstance(tiers, bytes)
    return {**plain, "no_show": fee}, tiers


@pytest.fixture
def town() -> Town:
    other = made_town().copy()
    other.policy = made_town().policy
    return other


def figures(town: Town) -> dict[str, int]:
    return {name: value for name, value in town.view("shops.figures", "shop").items() if value}


def test_a_first_visit_from_the_request_to_its_points(town: Town) -> None:
    booking = town.book()
    town.serve(booking)
    pending = town.view("loyalty.standing", "shop", "ann")
    town.tick(3 * DAY_MS)
    active = town.view("loyalty.standing", "shop", "ann")

    assert town.stand(booking) == "SETTLED"
    assert town.balance("shop", "CNY") == town.balance("dora", "CNY") + PRICE
    assert (pending["own_pending"], active["own_active"]) == (68, 68)
    assert figures(town) == {"settled": 1, "on_time": 1}


def test_a_voucher_for_the_shops_failure_pays_a_part_of_the_next_visit(town: Town) -> None:
    failed = town.book()
    town.call("shop", "booking.cancel_by_shop", failed, False)
    town.tick(MINUTE_MS)
    (made,) = town.seen("VoucherMade")
    booking, other = town.book(), town.book("bob")
    town.come(booking)
    town.call("bob", "booking.check_in", other, sponsor="shop")

    town.call("ann", "booking.use_voucher", booking, made["voucher"])
    with town.refuses("link"):
        town.call("bob", "booking.use_voucher", other, made["voucher"])
    town.finish(booking, "ann")

    assert (made["amount"], made["cause"]) == (680, "OWED")
    assert town.seen("PaidBack") == [{"id": booking, "customer": "ann", "amount": 680}]
    assert town.seen("Closed")[-1]["to_shop"] == PRICE - 680


def test_a_request_that_lapses_starts_the_clock_of_who_holds_a_card(town: Town) -> None:
    town.call("shop", "shops.set_settings", False, False, 0, 0, 0)
    line = {"service": WASH, "version": 1, "units": 10, "amount": 60_000}
    none = {"service": 0, "version": 0, "units": 0, "amount": 0}
    offer = town.call(
        "shop", "prepaid.publish_offer", 1, "COUNT", 60_000, 0, "24h", True, bytes(32), "ten",
        line, none, none, none,
    )  # fmt: skip
    town.call("ann", "prepaid.buy", offer, funds=60_000)
    lapsed = [town.book(who) for who in ("ann", "bob")]
    town.tick(2 * HOUR_MS)

    assert [town.stand(one) for one in lapsed] == ["LAPSED", "LAPSED"]
    assert town.view("shops.clock_days", "shop", "ann") > 0
    assert town.view("shops.clock_days", "shop", "bob") == 0
    assert figures(town) == {"lapsed": 2}


def test_journey_7_the_wrong_car_is_checked_in_and_both_correct_it(town: Town) -> None:
    ann, bob = town.book("ann"), town.book("bob")
    town.come(ann)  # it is bob's car that stands there
    town.call("ann", "booking.undo_check_in", ann, sponsor="shop")

    town.serve(bob, "bob")
    town.call("ann", "booking.check_in", ann, sponsor="shop")
    town.finish(ann, "ann")

    assert [town.stand(one) for one in (ann, bob)] == ["SETTLED", "SETTLED"]


def test_journey_13_extra_work_without_approval_is_never_paid(town: Town) -> None:
    booking = town.book()
    town.come(booking)
    town.call("shop", "booking.start_service", booking)
    town.call("shop", "booking.ask_extra", booking, 5_000, "wax")

    with town.refuses("not_customer"):
        town.call("shop", "booking.approve_extra", booking, 1, funds=5_000)
    with town.refuses("wrong_amount"):
        town.call("ann", "booking.pay", booking, funds=1)
    town.call("shop", "booking.ready", booking)
    town.tick(2 * DAY_MS)

    assert town.seen("Closed") == [
        {
            "id": booking, "shop": "shop", "customer": "ann", "state": "SETTLED",
            "to_shop": PRICE, "to_customer": 0,
        }
    ]  # fmt: skip
    assert town.held("booking") == 0
