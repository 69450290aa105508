"""A holder's own ways out of a prepaid card: refund, transfer, and the card's end."""

import pytest

from chain.types import DAY_MS
from tests.contracts.standard.prepaid_setting import WASH, CardWorld, after_days, new_world


@pytest.fixture
def world() -> CardWorld:
    return new_world()


@pytest.fixture
def card(world: CardWorld) -> str:
    """A card for ten washes at 100.00, its cooling-off over."""
    card = world.buy(world.washes(10, 10_000))
    after_days(world, 8)
    return card


# The holder's own wish ------------------------------------------------------------------------


def test_a_card_that_nobody_used_goes_back_whole(world: CardWorld) -> None:
    card = world.buy(world.washes(20, 79_800))
    after_days(world, 6.9)

    world.call("alice", "prepaid.ask_refund", card)

    assert (world.spent(), world.earned(), world.held("prepaid")) == (0, 0, 0)
    assert world.card(card)["status"] == "OVER"
    assert world.seen("Refunded")[0]["cause"] == "COOLING_OFF"


def test_in_cooling_off_what_was_used_is_deducted_at_the_price_it_was_sold_for(
    world: CardWorld,
) -> None:
    card = world.buy(world.washes(20, 79_800))
    world.serve(card, times=2)

    world.call("alice", "prepaid.ask_refund", card)

    assert (world.spent(), world.earned(), world.held("prepaid")) == (7_980, 7_980, 0)


def test_in_cooling_off_a_period_card_that_was_not_used_costs_no_day(world: CardWorld) -> None:
    offer = world.publish("PERIOD", 36_500, world.line(WASH, 365, 36_500))
    unused, used = world.buy(offer), world.buy(offer, "bob")
    world.serve(used)
    after_days(world, 5)

    world.call("alice", "prepaid.ask_refund", unused)
    world.call("bob", "prepaid.ask_refund", used)

    assert (world.spent("alice"), world.spent("bob")) == (0, 500)


def test_a_holder_leaves_without_anybodys_consent(world: CardWorld, card: str) -> None:
    world.serve(card, times=3)
    world.stand("frozen")

    world.call("alice", "prepaid.ask_refund", card)

    assert (world.spent(), world.earned()) == (3_000, 3_000)
    assert world.seen("Refunded")[0]["cause"] == "HOLDER"
    with world.refuses("wrong_state"):
        world.call("alice", "prepaid.ask_refund", card)
    with world.refuses("card_over"):
        world.begin(card)


def test_a_use_that_is_open_keeps_its_own_value_on_hold_and_no_more(
    world: CardWorld, card: str
) -> None:
    paid, claimed = (world.serve(card, upto="finish_use") for _ in range(2))
    world.call("alice", "prepaid.claim_redo", claimed)
    shown = world.preview(card)

    world.call("alice", "prepaid.ask_refund", card)
    at_once = (world.spent(), world.held_for(card), world.card(card)["status"])
    world.call("alice", "prepaid.confirm_use", paid)
    world.tick("72h")

    assert (shown["in_use"], shown["refund"]) == (2_000, 8_000)
    assert at_once == (2_000, 2_000, "LEAVING")
    assert (world.spent(), world.earned(), world.held("prepaid")) == (1_000, 1_000, 0)
    assert world.card(card)["status"] == "OVER"


def test_who_leaves_after_a_move_was_announced_pays_no_day_since(world: CardWorld) -> None:
    offer = world.publish("PERIOD", 36_500, world.line(WASH, 365, 36_500))
    before, late = world.buy(offer), world.buy(offer, "bob")
    after_days(world, 20)
    world.call("shop", "prepaid.announce_move")
    after = world.buy(offer, "carol")
    after_days(world, 20)

    shown = world.preview(before)
    for holder, card in (("alice", before), ("carol", after)):
        world.call(holder, "prepaid.ask_refund", card)
    after_days(world, 10)
    world.call("bob", "prepaid.ask_refund", late)

    assert (shown["rule"], shown["used"], shown["deducted"]) == (33, 20, 2_000)
    assert [world.spent(who) for who in ("alice", "carol", "bob")] == [2_000, 2_000, 5_000]


def test_a_card_that_nobody_uses_any_more_comes_back_at_its_end(
    world: CardWorld, card: str
) -> None:
    world.serve(card)
    after_days(world, 1_000)
    world.call("alice", "prepaid.extend_card", card)
    after_days(world, 1_094)
    before = world.card(card)["status"]

    after_days(world, 1)

    assert (before, world.card(card)["status"]) == ("OPEN", "OVER")
    assert (world.spent(), world.earned(), world.held("prepaid")) == (1_000, 1_000, 0)
    assert world.seen("Refunded")[0]["cause"] == "ENDED"


def test_a_card_is_not_extended_for_ever(world: CardWorld, card: str) -> None:
    sold_at = world.card(card)["sold_at"]
    for _ in range(4):
        after_days(world, 1_000 if world.now < sold_at + 3_000 * DAY_MS else 500)
        world.call("alice", "prepaid.extend_card", card)

    assert world.card(card)["ends"] == sold_at + 3_600 * DAY_MS
    after_days(world, 200)
    assert (world.spent(), world.held("prepaid")) == (0, 0)


# To somebody else -----------------------------------------------------------------------------


def test_a_card_goes_to_who_was_named_with_all_that_is_on_it(world: CardWorld, card: str) -> None:
    world.serve(card, times=4)
    world.call("alice", "prepaid.offer_transfer", card, "bob")
    world.call("bob", "prepaid.accept_transfer", card)
    world.tick(1)

    noted = {(one["holder"], one["cards"]) for one in world.seen("HolderNoted")}
    assert noted == {("alice", 1), ("alice", 0), ("bob", 1)}
    assert world.holder_of(card) == "bob"
    with world.refuses("not_holder"):
        world.call("alice", "prepaid.ask_refund", card)
    world.serve(card)
    world.call("bob", "prepaid.ask_refund", card)
    assert (world.spent("alice"), world.spent("bob"), world.earned()) == (10_000, -5_000, 5_000)


def test_the_chain_itself_would_pay_the_new_holder(world: CardWorld, card: str) -> None:
    before = world.last_owners()
    world.call("alice", "prepaid.offer_transfer", card, "bob")
    world.call("bob", "prepaid.accept_transfer", card)

    assert (before, world.last_owners()) == ({"alice"}, {"bob"})


def test_nobody_takes_a_card_that_was_not_named_or_while_it_is_in_use(
    world: CardWorld, card: str
) -> None:
    with world.refuses("not_named"):
        world.call("bob", "prepaid.accept_transfer", card)
    world.call("alice", "prepaid.offer_transfer", card, "bob")
    with world.refuses("not_named"):
        world.call("carol", "prepaid.accept_transfer", card)
    with world.refuses("costs_nothing"):
        world.call("bob", "prepaid.accept_transfer", card, funds=1)
    use = world.begin(card)
    with world.refuses("wrong_state"):
        world.call("bob", "prepaid.accept_transfer", card)
    world.call("alice", "prepaid.withdraw_use", use)
    world.call("alice", "prepaid.offer_transfer", card, "alice")  # takes it back
    with world.refuses("not_named"):
        world.call("bob", "prepaid.accept_transfer", card)


def test_cards_of_kept_accounts_and_bound_cards_stay_where_they_are(world: CardWorld) -> None:
    world.call("operator", "shops.keep", "bob", "shop")
    free = world.washes()
    kept, mine = world.buy(free, "bob"), world.buy(free)
    bound = world.buy(world.washes(number=2, transferable=False))

    for holder, card in (("bob", kept), ("alice", bound)):
        with world.refuses("not_transferable"):
            world.call(holder, "prepaid.offer_transfer", card, "carol")
    world.call("alice", "prepaid.offer_transfer", mine, "bob")
    with world.refuses("not_transferable"):
        world.call("bob", "prepaid.accept_transfer", mine)


def test_a_lone_claim_on_a_card_that_was_handed_on_is_nobodys_to_confirm(
    world: CardWorld, card: str
) -> None:
    use = world.call("shop", "prepaid.claim_use", card, 0, 0)
    world.call("alice", "prepaid.offer_transfer", card, "bob")
    world.call("bob", "prepaid.accept_transfer", card)

    for who in ("alice", "bob"):
        with world.refuses("not_holder"):
            world.call(who, "prepaid.confirm_use", use)
