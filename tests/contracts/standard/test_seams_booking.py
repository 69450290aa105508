"""What somebody gains between bookings, vouchers and cards: nothing.

The contracts are those that ship.
"""

from typing import Any

import pytest

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from tests.contracts.standard.prepaid_setting import NO_LINE
from tests.contracts.standard.test_booking_journeys import (
    FAIR,
    PRICE,
    WASH,
    Town,
    made_town,
    policy_of,
)

COATING, DEAR = 2, 300_000
LATE = 20 * MINUTE_MS
NEVER = "2026-06-01T00:00Z"


@pytest.fixture
def town() -> Town:
    other = made_town().copy()
    other.policy = made_town().policy
    other.call("shop", "shops.set_service", COATING, DEAR, "1h", 0, other.policy, "coating")
    other.call("shop", "shops.open_shop")
    other.call("ann", "loyalty.allow_offers", "shop", NEVER)
    return other


def give(town: Town, kind: str, amount: int) -> str:
    """Let the shop give ann a voucher."""
    terms = ("ann", kind, amount, False, 0, NEVER, 0)
    made: str = town.call("shop", "loyalty.issue_voucher", *terms)
    return made


def book(town: Town, service: int, price: int, ahead: int = HOUR_MS) -> str:
    start = town.now + ahead
    order = ("shop", service, 1, start, start + HOUR_MS, 0, price, town.policy)
    made: str = town.call("ann", "booking.request", *order, funds=price)
    return made


def voucher(town: Town, one: str) -> dict[str, Any]:
    found: dict[str, Any] = town.view("loyalty.voucher", one)
    return found


def ways_out(town: Town, booking: str, way: str) -> None:
    if way == "leaves":
        town.tick(LATE)
        town.call("ann", "booking.leave", booking)
    elif way == "is sent away":
        town.call("shop", "booking.cancel_by_shop", booking, False)
    elif way == "waits":
        town.tick(3 * DAY_MS)
    elif way == "took the wrong car":
        town.call("ann", "booking.undo_check_in", booking, sponsor="shop")
        town.call("ann", "booking.cancel_booking", booking)
    town.tick(MINUTE_MS)


@pytest.mark.parametrize("kind", [("RATIO", 2_000), ("ITEM", COATING), ("VALUE", 5_000)])
@pytest.mark.parametrize("way", ["leaves", "is sent away", "waits", "took the wrong car"])
def test_a_voucher_of_a_visit_that_did_not_take_place_comes_back_as_what_it_was(
    town: Town, way: str, kind: tuple[str, int]
) -> None:
    mine = give(town, *kind)
    booking = book(town, COATING, DEAR)
    town.tick(HOUR_MS)
    town.call("ann", "booking.check_in", booking, sponsor="shop")
    before = voucher(town, mine)

    town.call("ann", "booking.use_voucher", booking, mine)
    ways_out(town, booking, way)

    after = voucher(town, mine)
    made = [one["amount"] for one in town.seen("VoucherMade")[1:]]
    assert after == {**before, "used_at": "shop", "used_by": "booking"}
    assert sum(made) <= 2_000  # at most the shop's compensation, never what the voucher was worth


def test_a_voucher_of_a_visit_that_took_place_is_used_for_good(town: Town) -> None:
    mine = give(town, "VALUE", 500)
    booking = book(town, WASH, PRICE)
    town.come(booking)
    town.call("ann", "booking.use_voucher", booking, mine)
    town.finish(booking, "ann")
    town.tick(DAY_MS)

    assert voucher(town, mine)["use"] == "USED"
    assert town.seen("VoucherBack") == []


def test_a_voucher_for_a_service_does_not_pay_for_extra_work(town: Town) -> None:
    mine = give(town, "ITEM", WASH)
    booking = book(town, WASH, PRICE)
    town.come(booking)
    town.call("shop", "booking.ask_extra", booking, 50_000, "wax")
    town.call("ann", "booking.approve_extra", booking, 1, funds=50_000)

    town.call("ann", "booking.use_voucher", booking, mine)
    town.finish(booking, "ann")

    assert town.seen("Closed")[-1]["to_shop"] == 50_000


def test_a_shop_that_asked_for_extra_work_can_not_say_that_nobody_is_there(town: Town) -> None:
    booking = book(town, WASH, PRICE)
    town.tick(HOUR_MS)
    town.call("ann", "booking.check_in", booking)
    town.call("shop", "booking.ask_extra", booking, 200_000, "coating")
    town.call("ann", "booking.approve_extra", booking, 1, funds=200_000)

    with town.refuses("wrong_state"):
        town.call("shop", "booking.not_here", booking)


@pytest.mark.parametrize(("opened", "fee"), [(True, 2_040), (False, 0)])
def test_who_cancels_before_a_closed_door_pays_as_little_as_who_waits_there(
    town: Town, *, opened: bool, fee: int
) -> None:
    town.call("shop", "shops.close_shop")
    booking = book(town, WASH, PRICE, DAY_MS)
    if opened:
        town.tick(DAY_MS - HOUR_MS)
        town.call("shop", "shops.open_shop")
        town.tick(HOUR_MS + MINUTE_MS)
    else:
        town.tick(DAY_MS + MINUTE_MS)

    shown = town.view("booking.preview_cancel", booking, town.now)["fee"]
    town.call("ann", "booking.cancel_booking", booking)

    assert (shown, town.seen("Closed")[-1]["to_shop"]) == (fee, fee)


def test_nobody_rules_in_a_case_of_his_own(town: Town) -> None:
    for who in ("ann", "shop", "judge"):
        town.give_role(who, "arbiter")
    booking = book(town, WASH, PRICE)
    town.come(booking)
    town.call("shop", "booking.start_service", booking)
    town.call("shop", "booking.ready", booking)
    town.call("ann", "booking.claim_redo", booking, 5_000)

    for who, refund in (("ann", 5_000), ("shop", 0)):
        with town.refuses("own_case"):
            town.call(who, "booking.rule", booking, refund)
    town.call("judge", "booking.rule", booking, 2_500)

    assert town.seen("Closed")[-1]["to_shop"] == PRICE - PRICE // 4


# A booking that a holder of a card had with the shop ----------------------------------------------


def ten_washes(town: Town, who: str = "ann") -> str:
    line = {"service": WASH, "version": 1, "units": 10, "amount": 60_000}
    offer = town.call(
        "shop", "prepaid.publish_offer", 1, "COUNT", 60_000, 0, "24h", True, bytes(32), "ten",
        line, NO_LINE, NO_LINE, NO_LINE,
    )  # fmt: skip
    made: str = town.call(who, "prepaid.buy", offer, funds=60_000)
    return made


def lapse(town: Town) -> None:
    town.call("shop", "shops.set_settings", False, False, 0, 0, 0)
    book(town, WASH, PRICE)
    town.tick(2 * HOUR_MS)
    town.call("shop", "shops.set_settings", True, False, 0, 0, 0)


@pytest.mark.parametrize("co_signed", [True, False])
def test_a_booking_that_both_signed_answers_a_holder_who_waits(
    town: Town, *, co_signed: bool
) -> None:
    card = ten_washes(town)
    lapse(town)
    waited = town.view("shops.clock_days", "shop", "ann")
    booking = book(town, WASH, PRICE)
    town.tick(HOUR_MS)
    town.call("ann", "booking.check_in", booking, sponsor="shop" if co_signed else None)
    town.finish(booking, "ann")

    stopped = town.view("shops.clock_days", "shop", "ann") == 0
    asked_at = town.view("prepaid.holding", "shop", "ann")["asked_at"]
    town.tick(25 * DAY_MS)

    assert waited == 1
    assert (stopped, asked_at == 0) == (co_signed, co_signed)
    assert town.view("prepaid.card", card)["status"] == ("OPEN" if co_signed else "OVER")


def test_a_booking_of_a_kept_account_answers_nobody(town: Town) -> None:
    ten_washes(town)
    lapse(town)
    town.call("ann", "shops.keep_account", "shop", sponsor="shop")
    booking = book(town, WASH, PRICE)
    town.come(booking)
    town.finish(booking, "ann")

    assert town.view("shops.clock_days", "shop", "ann") == 1


# Closed shops, rules that pay at once, arrivals that were true ------------------------------------


@pytest.mark.parametrize("way", ["cancels", "does not come"])
def test_a_closed_shop_charges_nothing_for_what_it_can_not_serve(town: Town, way: str) -> None:
    town.tick(DAY_MS)
    booking = book(town, WASH, PRICE)
    town.tick(30 * MINUTE_MS)
    town.call("operator", "shops.set_status", "shop", "CLOSED")
    with town.refuses("shop_closed"):
        town.call("shop", "shops.open_shop")

    if way == "cancels":
        shown = town.view("booking.preview_cancel", booking, town.now)
        assert (shown["why"], shown["fee"]) == ("UNATTENDED", 0)
        town.call("ann", "booking.cancel_booking", booking)
    town.tick(3 * DAY_MS)

    assert town.seen("Closed")[-1]["to_shop"] == 0


def test_a_shop_was_not_open_before_it_was_closed_for_good(town: Town) -> None:
    booking = book(town, WASH, PRICE)
    town.call("operator", "shops.set_status", "shop", "CLOSED")
    town.tick(3 * DAY_MS)

    assert (town.stand(booking), town.seen("Closed")[-1]["to_shop"]) == ("NO_SHOW_CUSTOMER", 0)


def test_no_rules_pay_before_the_customer_had_a_day_to_look(town: Town) -> None:
    rules, tiers = at_once()
    policy = town.call("shop", "booking.publish_policy", rules, tiers)
    town.call("shop", "shops.set_service", 3, PRICE, "1h", 0, policy, "hasty wash")
    start = town.now + HOUR_MS
    order = ("shop", 3, 1, start, start + HOUR_MS, 0, PRICE, policy)
    booking = town.call("ann", "booking.request", *order, funds=PRICE)
    town.come(booking)
    town.call("shop", "booking.start_service", booking)
    town.call("shop", "booking.ready", booking)
    town.tick(DAY_MS - 1)

    town.call("ann", "booking.claim_redo", booking, 10_000)


def at_once() -> tuple[dict[str, Any], bytes]:
    """Return rules by which the shop has the money at the end of the work."""
    rules, tiers = policy_of(FAIR)
    return {**rules, "settle_after": 0}, tiers


def test_an_arrival_that_an_arbiter_found_true_counts_for_nothing_against_the_customer(
    town: Town,
) -> None:
    town.give_role("judge", "arbiter")
    for visit in range(4):
        booking = book(town, WASH, PRICE)
        town.tick(HOUR_MS)
        town.call("shop", "shops.open_shop")
        town.call("ann", "booking.arrived", booking)
        town.call("shop", "booking.not_here", booking)
        assert town.stand(booking) == "DISPUTED", visit
        town.call("judge", "booking.rule", booking, 10_000)
        town.tick(DAY_MS)


def test_a_stranger_does_not_make_a_shop_owe_him_what_he_pleases(town: Town) -> None:
    rules, tiers = policy_of(FAIR)
    mine = {**rules, "hold_bp": 0, "compensation_bp": 10_000, "compensation_cap": 2**53 - 1}
    policy = town.call("bob", "booking.publish_policy", mine, tiers)
    town.call("shop", "shops.set_settings", True, True, 0, 0, 0)
    start = town.now + HOUR_MS
    order = ("shop", 0, 0, start, start + HOUR_MS, 0, 2**53 - 1, policy)
    booking = town.call("bob", "booking.request", *order)

    town.call("shop", "booking.cancel_by_shop", booking, False)
    town.tick(MINUTE_MS)

    assert (town.seen("VoucherOwed"), town.seen("VoucherMade")) == ([], [])


def test_extra_work_on_the_wrong_car_goes_back_with_it(town: Town) -> None:
    booking = book(town, WASH, PRICE)
    town.come(booking)
    town.call("shop", "booking.ask_extra", booking, 50_000, "wax")
    town.call("ann", "booking.approve_extra", booking, 1, funds=50_000)

    town.call("ann", "booking.undo_check_in", booking, sponsor="shop")

    assert town.view("booking.booking", booking)["total"] == PRICE
    assert town.view("booking.held_money", booking) == PRICE
    town.call("ann", "booking.arrived", booking)
    town.call("shop", "booking.not_here", booking)
