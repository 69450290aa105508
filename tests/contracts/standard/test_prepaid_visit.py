"""What others read of a use, and cards of customers whose keys a shop keeps."""

from typing import Any

import pytest

from chain.ids import decode_id
from tests.contracts.standard.prepaid_setting import WASH, CardWorld, after_days, new_world


@pytest.fixture
def world() -> CardWorld:
    return new_world()


@pytest.fixture
def card(world: CardWorld) -> str:
    """A card for three washes at 100.00, its cooling-off over."""
    card = world.buy(world.washes(3, 10_000))
    after_days(world, 8)
    return card


VISITS: list[tuple[str, dict[str, Any]]] = [
    ("begin_use", {"stage": 1, "paid": 0}),
    ("start_use", {"stage": 2, "paid": 0}),
    ("finish_use", {"stage": 2, "paid": 0}),
    ("confirm_use", {"stage": 3, "paid": 3_333}),
]


@pytest.mark.parametrize(("upto", "told"), VISITS)
def test_records_and_reviews_read_a_use_as_a_visit(
    world: CardWorld, card: str, upto: str, told: dict[str, Any]
) -> None:
    use = world.serve(card, upto=upto)

    visit = world.view("prepaid.visit", _bare(use))

    assert visit == {
        "customer": "alice", "shop": "shop", "checked_in": True, "co_signed": True,
        "service": WASH, "over_at": world.now if told["stage"] == 3 else 0, **told,
    }  # fmt: skip


def test_a_visit_that_came_to_nothing_is_over_in_another_way(world: CardWorld, card: str) -> None:
    withdrawn, alone = world.begin(card), world.call("shop", "prepaid.claim_use", card, 0, 0)
    world.call("alice", "prepaid.withdraw_use", withdrawn)

    stages = [world.view("prepaid.visit", _bare(one))["stage"] for one in (withdrawn, alone)]

    assert stages == [4, 1]
    assert world.view("prepaid.visit", _bare(alone))["checked_in"] is False


def _bare(use: str) -> bytes:
    return decode_id(use, "use")


def test_a_shop_that_keeps_the_key_can_not_hurry(world: CardWorld) -> None:
    world.call("operator", "shops.keep", "bob", "shop")
    card = world.buy(world.washes(3, 9_000), "bob")
    after_days(world, 8)
    use = world.serve(card, upto="finish_use")

    with world.refuses("key_is_kept"):
        world.call("bob", "prepaid.confirm_use", use)
    with world.refuses("in_use"):
        world.begin(card)
    world.tick("24h")
    world.stand("warned")
    with world.refuses("shop_warned"):
        world.begin(card)

    assert (world.stage(use), world.earned(), world.seen("UseNoted")) == ("SETTLED", 3_000, [])
    assert world.view("prepaid.visit", bytes(32))["stage"] == 0


def test_a_shop_that_keeps_the_key_can_not_name_an_amount(world: CardWorld) -> None:
    world.call("operator", "shops.keep", "bob", "shop")
    card = world.buy(world.publish("VALUE", 30_000), "bob")

    with world.refuses("key_is_kept"):
        world.begin(card, 255, amount=30_000, both=True)
