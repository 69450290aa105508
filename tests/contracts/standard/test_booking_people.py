"""What follows for somebody who misses visit after visit, or claims time and again."""

from typing import Any

import pytest

from chain.types import DAY_MS, HOUR_MS
from node.catalog import abi
from tests.contracts.standard.setting import HELD, RICH, SLOT, TOTAL, account
from tests.contracts.standard.world import BookingWorld, new_world

WINDOW = 90 * DAY_MS
DEPOSIT = 500  # of TOTAL


def customer(world: BookingWorld, name: str = "alice") -> dict[str, int]:
    """Return the figures of somebody that are not zero."""
    names = [one["name"] for one in abi("booking")["records"]["Customer"]]
    found = zip(names, world.read("customer", account(name)), strict=True)
    return {key: value for key, value in found if value}


def ask(world: BookingWorld, funds: int, name: str = "alice", **order: Any) -> str:
    arguments, _held = world.order(start=world.now + 3 * DAY_MS, **order)
    return world.call(name, "request", *arguments, funds=funds)


def miss(world: BookingWorld, *days: int, shop: str = "shop", is_open: bool = True) -> None:
    """Let alice miss a visit on each of the days."""
    for day in days:
        slot = SLOT + day * DAY_MS
        world.at(slot - 2 * HOUR_MS)
        world.book(start=slot, shop=shop)
        if is_open:
            world.at(slot).must(shop, "open_shop")
        world.fire_until(slot + HOUR_MS)


# Missed visits ------------------------------------------------------------------------------------


def test_after_three_missed_visits_the_whole_price_comes_with_a_request() -> None:
    world = new_world(tell=True)
    miss(world, 0, 1, 2)
    last = world.seen("Closed")[0]

    outcomes = [ask(world, funds) for funds in (HELD, TOTAL - 1, TOTAL)]

    assert outcomes == ["prepay_in_full", "prepay_in_full", "ok"]
    assert last[1] == account("shop")
    assert customer(world)["prepay_until"] // DAY_MS == (SLOT + WINDOW) // DAY_MS


def test_it_holds_at_every_shop_and_for_nobody_else() -> None:
    world = new_world(tell=True)
    miss(world, 0, 1, 2)

    elsewhere = ask(world, HELD, shop="rival")
    other = ask(world, HELD, name="bob")

    assert (elsewhere, other) == ("prepay_in_full", "ok")
    assert customer(world, "bob") == {}


def test_missed_visits_at_several_shops_add_up() -> None:
    world = new_world(tell=True)
    miss(world, 0)
    miss(world, 1, shop="rival")
    two = ask(world, HELD)
    miss(world, 3)

    assert (two, ask(world, HELD)) == ("ok", "prepay_in_full")


@pytest.mark.parametrize(("days", "outcome"), [((0, 1, 80), "prepay_in_full"), ((0, 1, 91), "ok")])
def test_three_missed_visits_count_within_ninety_days(days: tuple[int, ...], outcome: str) -> None:
    world = new_world(tell=True)
    miss(world, *days)

    assert ask(world, HELD) == outcome


def test_time_alone_ends_it() -> None:
    world = new_world(tell=True)
    miss(world, 0, 1, 2)
    until = customer(world)["prepay_until"]
    start = until - DAY_MS
    arguments, _held = world.order(start=start)
    booking = world.must("alice", "request", *arguments, funds=TOTAL)
    world.at(start).must("alice", "check_in", booking)
    world.must("shop", "start_service", booking)
    world.must("shop", "ready", booking)
    world.must("alice", "confirm", booking)

    served = ask(world, HELD)
    world.at(until - 1)
    before = ask(world, HELD)
    after = ask(world, HELD)

    assert (served, before, after) == ("prepay_in_full", "prepay_in_full", "ok")
    assert customer(world) == {"visits": 1}


def test_visits_missed_at_a_closed_shop_do_not_count() -> None:
    world = new_world(tell=True)
    miss(world, 0, 2, 4, is_open=False)

    assert ask(world, HELD) == "ok"


def test_days_of_announced_weather_do_not_count() -> None:
    world = new_world(tell=True)
    miss(world, 0, 1)
    world.must("shop", "announce_weather", (SLOT + 2 * DAY_MS) // DAY_MS)
    miss(world, 2)

    assert ask(world, HELD) == "ok"


def test_a_missed_visit_that_both_correct_does_not_count() -> None:
    world = new_world(DAY_MS, tell=True)
    miss(world, 0, 2)
    booking = world.book(start=SLOT + 4 * DAY_MS)
    world.at(SLOT + 4 * DAY_MS).must("shop", "open_shop")
    world.fire_until(SLOT + 4 * DAY_MS + HOUR_MS)
    world.must("alice", "check_in", booking, sponsor="shop")
    world.fire_until(SLOT + 6 * DAY_MS)

    assert ask(world, HELD) == "ok"


def test_where_nobody_is_told_each_booking_is_judged_by_itself() -> None:
    world = new_world()
    miss(world, 0, 1, 2)

    assert ask(world, HELD) == "ok"


# Claims -------------------------------------------------------------------------------------------


def claim(world: BookingWorld, day: int, funds: int = 0) -> bytes:
    """Let alice be served and claim on a day; returns the booking."""
    booking = world.book(start=SLOT + day * DAY_MS)
    world.serve(booking, at=SLOT + day * DAY_MS)
    world.must("alice", "claim_redo", booking, 5_000, funds=funds)
    return booking


def reject(world: BookingWorld, *days: int) -> None:
    for day in days:
        booking = claim(world, day)
        world.must("shop", "answer_claim", booking, False)
        world.must("arbiter", "rule", booking, 0)


def test_who_claims_on_every_visit_sees_it_himself() -> None:
    world = new_world(tell=True)
    for day in range(4):
        world.must("shop", "answer_claim", claim(world, day), True)
    settled = world.book(start=SLOT + 5 * DAY_MS)
    world.serve(settled, at=SLOT + 5 * DAY_MS, upto="confirm")
    world.fire_until()

    assert customer(world) == {"visits": 5, "claims": 4}


def test_after_three_rejected_claims_the_next_needs_a_deposit() -> None:
    world = new_world()
    reject(world, 0, 1, 2)
    booking = world.book(start=SLOT + 3 * DAY_MS)
    world.serve(booking, at=SLOT + 3 * DAY_MS)

    needed = world.read("claim_deposit", booking)
    outcomes = [
        world.call("alice", "claim_redo", booking, 5_000, funds=funds)
        for funds in (0, DEPOSIT - 1, DEPOSIT + 1, DEPOSIT)
    ]

    assert needed == DEPOSIT
    assert outcomes == ["wrong_deposit", "wrong_deposit", "wrong_deposit", "ok"]
    assert world.read("held_money", booking) == TOTAL + DEPOSIT


def test_nobody_else_puts_anything_down() -> None:
    world = new_world()
    booking = world.book()
    world.serve(booking)

    assert world.read("claim_deposit", booking) == 0
    assert world.call("alice", "claim_redo", booking, 5_000, funds=1) == "wrong_deposit"


def after_rejections() -> tuple[BookingWorld, bytes]:
    world = new_world()
    reject(world, 0, 1, 2)
    return world, claim(world, 3, funds=DEPOSIT)


def test_the_deposit_of_a_rejected_claim_is_the_arbiters() -> None:
    world, booking = after_rejections()
    world.must("shop", "answer_claim", booking, False)

    world.must("arbiter", "rule", booking, 0)

    assert world.balance("arbiter") == DEPOSIT
    assert world.split(booking) == ("RULED", TOTAL, 0)
    assert world.balance("alice") == RICH - 4 * TOTAL - DEPOSIT


@pytest.mark.parametrize(
    ("steps", "split"),
    [
        ((("arbiter", "rule", 1),), ("RULED", 9_999, 1 + DEPOSIT)),
        ((("arbiter", "rule", 5_000),), ("RULED", 5_000, 5_000 + DEPOSIT)),
        ((("shop", "answer_claim", True),), ("RULED", 5_000, 5_000 + DEPOSIT)),
        ((("shop", "answer_claim", False),), ("RULED", 7_500, 2_500 + DEPOSIT)),
        ((("alice", "withdraw_claim"),), ("SETTLED", TOTAL, DEPOSIT)),
        ((), ("RULED", 5_000, 5_000 + DEPOSIT)),
    ],
)
def test_otherwise_the_deposit_goes_back(
    steps: tuple[tuple[Any, ...], ...], split: tuple[str, int, int]
) -> None:
    world, booking = after_rejections()

    for name, function, *more in steps:
        world.must(name, function, booking, *more)
    world.fire_until()

    assert world.split(booking) == split
    assert world.balance("arbiter") == 0
    assert (world.pots(), world.waiting()) == (0, 0)


@pytest.mark.parametrize(("later", "needed"), [(-1, DEPOSIT), (0, 0)])
def test_rejected_claims_are_forgotten_after_ninety_days(later: int, needed: int) -> None:
    world = new_world()
    reject(world, 0, 1, 2)
    until = customer(world)["deposit_until"]
    booking = world.book(start=until)
    world.fire_until(until + later - 1)
    world.make_block(until + later)

    assert world.read("claim_deposit", booking) == needed
    assert customer(world).get("deposit_until", 0) == (until if needed else 0)


def test_claims_that_were_partly_right_are_not_rejected() -> None:
    world = new_world()
    for day in range(4):
        world.must("arbiter", "rule", claim(world, day), 1)

    assert customer(world) == {"claims": 4}


def test_a_rejected_deposit_whose_time_is_over_has_gone_back_already() -> None:
    world = new_world()
    reject(world, 0, 1, 2)
    booking = world.book(start=SLOT + 3 * DAY_MS)
    world.serve(booking, at=SLOT + 3 * DAY_MS, upto="start_service")
    end = world.booking(booking)["until"]
    world.at(end - HOUR_MS).must("shop", "ready", booking)
    funds = world.read("claim_deposit", booking)
    world.must("alice", "claim_redo", booking, 5_000, funds=funds)
    world.fire_until()

    world.must("arbiter", "rule", booking, 0)

    assert world.where(booking) == "RETURNED"
    assert world.balance("arbiter") == 0
    assert world.balance("alice") == RICH - 3 * TOTAL
