"""What somebody gains between cards, shops and clocks: nothing.

The contracts are those that ship.
"""

import pytest

from chain.ids import decode_id
from chain.types import DAY_MS
from tests.contracts.standard.prepaid_setting import WASH, CardWorld, after_days
from tests.contracts.standard.test_prepaid_journeys import HOLDERS, made_town, status

RIVALS = ("rita", "ron", "rob")


@pytest.fixture
def town() -> CardWorld:
    return made_town().copy()


def month(town: CardWorld, days: int = 30) -> str:
    """Put a card for washes without end on sale, 10.00 a day."""
    return town.publish("PERIOD", 1_000 * days, town.line(WASH, days, 1_000 * days))


def on_off(town: CardWorld, card: str, holder: str) -> None:
    """Let a request of a holder go unanswered."""
    town.begin(card)
    after_days(town, 1.5)
    assert town.view("shops.clock_days", "shop", holder) > 0


@pytest.mark.parametrize("upto", ["finish_use", "confirm_use"])
def test_a_card_for_a_month_is_no_free_wash_each_day(town: CardWorld, upto: str) -> None:
    offer = month(town)

    for _ in range(3):
        card = town.buy(offer)
        town.serve(card, upto=upto)
        town.call("alice", "prepaid.ask_refund", card)
        after_days(town, 3)

    assert (town.spent("alice"), town.earned()) == (3_000, 3_000)


def test_rivals_who_take_their_money_back_do_not_make_a_shop_silent(town: CardWorld) -> None:
    offer = town.washes()
    for who in RIVALS:
        card = town.buy(offer, who)
        on_off(town, card, who)
        town.call(who, "prepaid.ask_refund", card)

    seen = []
    for _ in range(30):
        after_days(town, 1)
        seen.append(status(town))

    assert set(seen) == {"ADMITTED"}
    assert town.view("shops.silence", "shop")["holders"] == 0


def test_who_leaves_after_a_week_without_an_answer_still_counts(town: CardWorld) -> None:
    offer = town.washes()
    cards = {who: town.buy(offer, who) for who in RIVALS}
    for who, card in cards.items():
        on_off(town, card, who)
    after_days(town, 9)
    warned = status(town)
    for who, card in cards.items():
        town.call(who, "prepaid.ask_refund", card)
    after_days(town, 7)

    assert (warned, status(town)) == ("WARNED", "FROZEN")


def test_a_time_that_was_offered_to_a_former_holder_binds_the_next_one_to_nothing(
    town: CardWorld,
) -> None:
    offer = town.washes()
    card, other = town.buy(offer, "ann"), town.buy(offer, "bob")
    on_off(town, other, "bob")
    town.call("shop", "prepaid.offer_slot", card, town.now + 2 * DAY_MS)
    town.call("ann", "prepaid.offer_transfer", card, "bob")
    town.call("bob", "prepaid.accept_transfer", card)
    after_days(town, 3)

    assert town.view("shops.clock_days", "shop", "bob") > 0


def test_a_customer_whose_claim_was_halved_may_say_how_the_visit_was(town: CardWorld) -> None:
    card = town.buy(town.washes(), "ann")
    use = town.serve(card, upto="finish_use")
    town.call("ann", "prepaid.claim_redo", use)
    town.call("shop", "prepaid.answer_claim", use, False)
    after_days(town, 7.1)

    assert town.stage(use) == "RULED"
    assert town.view("prepaid.visit", decode_id(use, "use"))["stage"] == 3


def test_operators_who_are_asked_about_a_silent_shop_can_let_it_go_on(town: CardWorld) -> None:
    offer = town.washes()
    silent = {who: town.buy(offer, who) for who in RIVALS}
    others = {who: town.buy(offer, who) for who in ("ann", "bob", "cem")}
    for who, card in silent.items():
        on_off(town, card, who)
    for card in others.values():
        town.serve(card)
    after_days(town, 22)
    before = status(town), len(town.seen("ClosingAsked"))

    town.call("operator", "shops.set_status", "shop", "ADMITTED")
    after_days(town, 30)

    assert (before, status(town)) == (("FROZEN", 1), "ADMITTED")
    assert [town.card(one)["status"] for one in others.values()] == ["OPEN"] * 3


def test_who_buys_again_after_a_silence_waits_anew_in_opening_days(town: CardWorld) -> None:
    for weekday in range(5):
        town.call("shop", "shops.set_hours", weekday, 0, DAY_MS)
    town.call("shop", "shops.set_hours", 5, 0, 0)
    offer = town.washes()
    for who in HOLDERS:  # so that one of them is less than a tenth
        town.buy(offer, who)
    for n in range(8):
        town.buy(offer, f"other {n}")
    first = town.buy(offer, "rita")
    on_off(town, first, "rita")
    after_days(town, 40)
    again = town.buy(offer, "rita")
    town.begin(again)
    after_days(town, 4)
    started = town.view("shops.clock_days", "shop", "rita")
    after_days(town, 21)
    early = town.card(again)["status"]
    after_days(town, 9)

    assert town.card(first)["cause"] == "SILENT"
    assert started < 7
    assert (early, town.card(again)["status"], town.card(again)["cause"]) == (
        "OPEN",
        "OVER",
        "SILENT",
    )


def test_a_closed_shop_begins_nothing_that_silence_would_pay(town: CardWorld) -> None:
    offer = town.washes()
    card, begun = town.buy(offer, "ann"), town.buy(offer, "bob")
    town.serve(begun, upto="start_use")
    asked = town.begin(card)
    town.call("operator", "shops.set_status", "shop", "CLOSED")

    with town.refuses("shop_closed"):
        town.call("shop", "prepaid.start_use", asked)
    (use,) = [one["use"] for one in town.seen("UseMoved") if one["state"] == "STARTED"]
    town.call("shop", "prepaid.finish_use", use)
    after_days(town, 4)

    assert (town.stage(asked), town.stage(use)) == ("LAPSED", "SETTLED")
    assert (town.spent("ann"), town.spent("bob"), town.held("prepaid")) == (0, 3_990, 0)
