"""How much comes back from a prepaid card, and why."""

import pytest

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


def test_case_d_a_value_card_with_bonus_gives_back_its_part_of_the_price(world: CardWorld) -> None:
    card = world.buy(world.publish("VALUE", 300_000, bonus=100_000))
    world.serve(card, 255, amount=359_400)
    after_days(world, 8)

    shown = world.preview(card)
    world.call("alice", "prepaid.ask_refund", card)

    assert shown == {
        "rule": 12, "paid": 300_000, "bonus": 100_000, "used": 359_400, "of": 400_000,
        "deducted": 269_550, "in_use": 0, "refund": 30_450, "held": 30_450, "claim": 0,
    }  # fmt: skip
    assert (world.earned(), world.spent()) == (269_550, 269_550)


def test_case_e_a_silent_shop_keeps_the_washes_it_did_and_no_more(world: CardWorld) -> None:
    card = world.buy(world.washes(20, 79_800))
    world.serve(card, times=13)
    after_days(world, 8)
    world.call("teller", "teller.tell", "shop", "alice")
    world.tick("1m")
    shown = world.preview(card, "SILENT")
    world.call("operator", "shops.set_clock", "shop", "alice", 21)

    after_days(world, 21)

    assert shown == {
        "rule": 41, "paid": 79_800, "bonus": 0, "used": 13, "of": 20,
        "deducted": 13 * 3_990, "in_use": 0, "refund": 27_930, "held": 27_930, "claim": 0,
    }  # fmt: skip
    assert (world.earned(), world.spent()) == (51_870, 51_870)
    assert world.seen("Refunded") == [{
        "card": card, "shop": "shop", "holder": "alice", "cause": "SILENT", "refund": 27_930,
        "claim": 0,
    }]  # fmt: skip


def test_case_f_a_period_card_is_paid_by_the_day(world: CardWorld) -> None:
    card = world.buy(world.publish("PERIOD", 120_000, world.line(WASH, 365, 120_000)))
    after_days(world, 100)

    shown = world.preview(card)
    world.call("alice", "prepaid.ask_refund", card)

    assert shown == {
        "rule": 13, "paid": 120_000, "bonus": 0, "used": 100, "of": 365, "deducted": 32_876,
        "in_use": 0, "refund": 87_124, "held": 120_000, "claim": 0,
    }  # fmt: skip
    assert (world.earned(), world.spent()) == (32_876, 32_876)


def test_a_package_is_reckoned_line_by_line(world: CardWorld) -> None:
    lines = (world.line(WASH, 3, 10_000), world.line(POLISH, 1, 15_000))
    card = world.buy(world.publish("PACKAGE", 25_000, *lines))
    world.serve(card, 0, times=2)
    world.serve(card, 1)
    after_days(world, 8)

    shown = world.preview(card)
    world.call("alice", "prepaid.ask_refund", card)

    assert shown == {
        "rule": 14, "paid": 25_000, "bonus": 0, "used": 3, "of": 4, "deducted": 21_666,
        "in_use": 0, "refund": 3_334, "held": 3_334, "claim": 0,
    }  # fmt: skip
    assert (world.earned(), world.spent()) == (21_666, 21_666)


@pytest.mark.parametrize(("price", "units"), [(100, 3), (7, 9), (79_801, 20), (1, 1)])
def test_the_releases_of_a_count_card_add_up_to_its_price(
    world: CardWorld, price: int, units: int
) -> None:
    card = world.buy(world.washes(units, price))
    after_days(world, 8)
    released = []
    for _ in range(units):
        before = world.earned()
        world.serve(card)
        released.append(world.earned() - before)

    assert released == [k * price // units - (k - 1) * price // units for k in range(1, units + 1)]
    assert sum(released) == price
    assert world.held_for(card) == 0
