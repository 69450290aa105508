"""Shops that fall silent or close: holders get their money back without doing anything."""

import pytest

from chain.types import DAY_MS, HOUR_MS
from tests.contracts.standard.prepaid_setting import (
    POLISH,
    WASH,
    CardWorld,
    after_days,
    new_world,
)


@pytest.fixture
def world() -> CardWorld:
    return new_world()


@pytest.fixture
def card(world: CardWorld) -> str:
    """A card for ten washes at 100.00, its cooling-off over."""
    card = world.buy(world.washes(10, 10_000))
    after_days(world, 8)
    return card


# A silent shop --------------------------------------------------------------------------------


def wait_for_an_answer(world: CardWorld, who: str = "alice") -> None:
    world.call("teller", "teller.tell", "shop", who)
    world.tick(1)


def test_a_holder_whose_requests_stay_unanswered_is_refunded_by_the_chain_alone(
    world: CardWorld,
) -> None:
    offer = world.washes(10, 10_000)
    mine = [world.buy(offer) for _ in range(7)]
    others = world.buy(offer, "bob")
    world.serve(mine[0])
    wait_for_an_answer(world)
    world.call("operator", "shops.set_clock", "shop", "alice", 15)
    after_days(world, 21)
    before = world.spent()
    world.call("operator", "shops.set_clock", "shop", "alice", 21)

    after_days(world, 6.1)

    assert before == 70_000
    assert (world.spent(), world.earned()) == (1_000, 1_000)
    assert {world.card(one)["cause"] for one in mine} == {"SILENT"}
    assert world.card(others)["status"] == "OPEN"
    assert world.view("prepaid.holding", "shop", "alice") == {
        "cards": 0, "watched": False, "asked_at": 0,
    }  # fmt: skip


def test_a_period_card_costs_no_day_of_silence(world: CardWorld) -> None:
    card = world.buy(world.publish("PERIOD", 36_500, world.line(WASH, 365, 36_500)))
    after_days(world, 30)
    wait_for_an_answer(world)
    world.call("operator", "shops.set_clock", "shop", "alice", 21)

    after_days(world, 21.1)

    assert (world.card(card)["cause"], world.spent()) == ("SILENT", 3_000)


def test_an_answer_stops_the_refund(world: CardWorld, card: str) -> None:
    wait_for_an_answer(world)
    world.serve(card)
    world.tick(1)
    stopped = world.seen("ClockStopped")

    after_days(world, 60)

    assert stopped == [{"shop": "shop", "holder": "alice"}]
    assert world.card(card)["status"] == "OPEN"
    assert world.view("prepaid.holding", "shop", "alice")["watched"] is False


def test_a_holder_who_no_longer_waits_says_so(world: CardWorld, card: str) -> None:
    wait_for_an_answer(world)

    world.call("alice", "prepaid.withdraw_requests", "shop")

    assert world.seen("ClockStopped") == [{"shop": "shop", "holder": "alice"}]
    assert world.view("prepaid.holding", "shop", "alice")["asked_at"] == 0
    assert world.card(card)["status"] == "OPEN"


def test_a_second_request_does_not_put_off_the_first(world: CardWorld, card: str) -> None:
    wait_for_an_answer(world)
    after_days(world, 20)
    wait_for_an_answer(world)
    world.call("operator", "shops.set_clock", "shop", "alice", 21)

    after_days(world, 1)

    assert world.card(card)["cause"] == "SILENT"
    assert world.spent() == 0


def test_a_booking_of_somebody_without_a_card_starts_nothing(world: CardWorld) -> None:
    world.washes()
    waiting = world.timers()

    world.call("teller", "teller.tell", "shop", "bob")

    assert world.timers() == waiting


def test_an_offered_time_that_the_holder_lets_pass_stops_his_clock(
    world: CardWorld, card: str
) -> None:
    wait_for_an_answer(world)
    world.call("shop", "prepaid.offer_slot", card, world.now + 2 * DAY_MS)
    with world.refuses("wrong_state"):
        world.call("shop", "prepaid.offer_slot", card, world.now + 3 * DAY_MS)
    world.tick(2 * DAY_MS + 2 * HOUR_MS - 1)
    before = world.seen("ClockStopped")

    world.tick(1)

    assert (before, world.seen("ClockStopped")) == ([], [{"shop": "shop", "holder": "alice"}])
    assert world.view("prepaid.holding", "shop", "alice")["asked_at"] == 0
    world.call("shop", "prepaid.offer_slot", card, world.now + 2 * DAY_MS)


@pytest.mark.parametrize("way", ["takes it", "asks for a service"])
def test_an_offered_time_that_the_holder_takes_leaves_his_clock(
    world: CardWorld, card: str, way: str
) -> None:
    wait_for_an_answer(world)
    world.call("shop", "prepaid.offer_slot", card, world.now + 2 * DAY_MS)

    if way == "takes it":
        world.call("alice", "prepaid.take_slot", card)
    else:
        world.begin(card)
    after_days(world, 5)

    assert (world.seen("ClockStopped"), world.seen("SlotMissed")) == ([], [])
    with world.refuses("no_slot"):
        world.call("alice", "prepaid.take_slot", card)
    world.call("shop", "prepaid.offer_slot", card, world.now + 2 * DAY_MS)


@pytest.mark.parametrize(
    ("error", "days"), [("bad_time", 0.9), ("bad_time", 14.1), ("not_open", 6.0)]
)
def test_a_time_is_offered_in_good_time_and_on_a_day_of_opening(
    world: CardWorld, error: str, days: float
) -> None:
    world.stand("admitted", open_days=0b001_1111)
    card = world.buy(world.washes())

    with world.refuses(error):
        world.call("shop", "prepaid.offer_slot", card, world.now + int(days * DAY_MS))


# A closed shop --------------------------------------------------------------------------------


def test_a_closed_shop_refunds_every_card_without_anybodys_doing(world: CardWorld) -> None:
    offer = world.washes(10, 10_000)
    lines = (world.line(WASH, 3, 10_000), world.line(POLISH, 1, 15_000))
    package = world.publish("PACKAGE", 25_000, *lines, number=2)
    cards = [world.buy(offer, f"holder {n}") for n in range(23)]
    world.buy(package)
    rival = world.buy(world.washes(shop="rival"), "bob")
    after_days(world, 8)
    for card in cards[::4]:
        world.serve(card)
    world.stand("closed")

    after_days(world, 1.1)

    assert len(world.seen("Refunded")) == 24
    assert [world.spent(f"holder {n}") for n in range(23)] == [
        1_000 if n % 4 == 0 else 0 for n in range(23)
    ]
    assert (world.spent("alice"), world.earned()) == (0, 6_000)
    assert world.card(rival)["status"] == "OPEN"
    assert world.view("prepaid.cover", "shop")["cards"] == 0
    assert [name for _, name in world.timers()] == [
        "prepaid.on_watch",
        "prepaid.on_card",
    ]  # the rival's


def test_a_shop_in_doubt_is_looked_at_every_hour(world: CardWorld, card: str) -> None:
    world.stand("warned")
    after_days(world, 1)
    world.stand("closed")

    world.tick("1h")
    world.tick(1)

    assert world.card(card)["cause"] == "CLOSED"


def test_a_use_that_was_rendered_before_the_closing_is_still_paid(
    world: CardWorld, card: str
) -> None:
    world.serve(card, upto="finish_use")
    world.begin(card)
    world.stand("closed")

    after_days(world, 3)

    assert (world.spent(), world.earned(), world.held("prepaid")) == (1_000, 1_000, 0)


def test_a_planned_closing_leaves_the_way_out_open(world: CardWorld, card: str) -> None:
    world.stand("closing")

    world.call("alice", "prepaid.ask_refund", card)

    assert world.spent() == 0


def test_only_what_the_operators_installed_tells_of_requests(world: CardWorld) -> None:
    for who in ("alice", "shop", "operator"):
        with world.refuses("not_installed"):
            world.call(who, "prepaid.note_request", "shop", "alice", False)
