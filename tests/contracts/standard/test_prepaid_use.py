"""Using a prepaid card: what the holder signs, what the shop signs, and when the money moves."""

import pytest

from chain.types import DAY_MS, HOUR_MS
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


def over(world: CardWorld) -> list[tuple[str, int, int]]:
    return [(one["state"], one["to_shop"], one["to_customer"]) for one in world.seen("UseOver")]


def test_a_use_begins_with_the_holder_and_is_paid_when_he_confirms(
    world: CardWorld, card: str
) -> None:
    use = world.begin(card)
    reserved = world.view("prepaid.count", card, 0)
    world.call("shop", "prepaid.start_use", use)
    world.call("shop", "prepaid.finish_use", use)
    before = world.earned()
    world.call("alice", "prepaid.confirm_use", use)

    assert reserved == {"used": 0, "held": 1}
    assert (before, world.earned(), world.held_for(card)) == (0, 3_333, 6_667)
    assert over(world) == [("SETTLED", 3_333, 0)]
    assert [one["amount"] for one in world.seen("Released")] == [3_333]


@pytest.mark.parametrize(("settle_after", "hours"), [("24h", 24), ("48h", 48)])
def test_silence_after_the_work_pays_when_the_time_for_complaints_is_over(
    world: CardWorld, settle_after: str, hours: int
) -> None:
    card = world.buy(world.washes(3, 10_000, settle_after=settle_after))
    after_days(world, 8)
    use = world.serve(card, upto="finish_use")

    world.tick(hours * HOUR_MS - 1)
    before = world.stage(use)
    world.tick(1)

    assert (before, world.stage(use), world.earned()) == ("FINISHED", "SETTLED", 3_333)


def test_a_service_that_both_sign_stops_the_clock_and_counts_for_the_shop(
    world: CardWorld, card: str
) -> None:
    world.serve(card)
    world.tick(1)

    who = {"shop": "shop", "holder": "alice"}
    assert (world.seen("UseNoted"), world.seen("ClockStopped")) == ([who], [who])


@pytest.mark.parametrize("both", [True, False])
def test_a_promise_or_a_lone_signature_of_the_shop_does_neither(
    world: CardWorld,
    card: str,
    both: bool,  # noqa: FBT001
) -> None:
    use = world.begin(card, both=both)
    world.call("shop", "prepaid.start_use", use)
    world.call("shop", "prepaid.finish_use", use)
    if both:
        world.call("alice", "prepaid.claim_redo", use)
    world.tick("72h")

    assert (world.seen("UseNoted"), world.seen("ClockStopped")) == ([], [])


def test_points_are_given_for_what_the_shop_earned(world: CardWorld, card: str) -> None:
    use = world.serve(card)
    world.tick(1)

    (earned,) = world.seen("Earned")
    assert {**earned, "source": use} == {
        "shop": "shop", "holder": "alice", "amount": 3_333, "source": use,
    }  # fmt: skip
    assert world.seen("VisitNoted") == [{"shop": "shop", "outcome": 1, "on_time": True}]


def test_money_moves_even_if_the_points_fail(world: CardWorld, card: str) -> None:
    world.call("operator", "loyalty.break_down")
    world.serve(card)

    with world.refuses("link"):
        world.tick(1)

    assert (world.earned(), world.held_for(card)) == (3_333, 6_667)


def test_what_is_used_up_can_not_be_used_again(world: CardWorld, card: str) -> None:
    uses = [world.begin(card) for _ in range(3)]

    with world.refuses("used_up"):
        world.begin(card)
    world.call("alice", "prepaid.withdraw_use", uses[0])
    world.begin(card)

    assert world.view("prepaid.count", card, 0) == {"used": 0, "held": 3}


def test_a_use_that_the_shop_does_not_begin_is_on_the_card_again_and_starts_a_clock(
    world: CardWorld, card: str
) -> None:
    use = world.begin(card)
    world.tick("23h")
    before = world.stage(use)
    world.tick("1h")
    world.tick(1)

    assert (before, world.stage(use)) == ("RESERVED", "LAPSED")
    assert world.view("prepaid.count", card, 0) == {"used": 0, "held": 0}
    assert world.seen("ClockStarted") == [{"shop": "shop", "holder": "alice", "open_days": 127}]
    assert world.seen("VisitNoted") == [{"shop": "shop", "outcome": 6, "on_time": False}]


def test_the_shop_has_until_the_next_day_it_is_open(world: CardWorld) -> None:
    world.stand("admitted", open_days=0b000_1111)  # Monday to Thursday
    card = world.buy(world.washes())
    world.stand("admitted", open_days=0b111_1111)  # of no use for a card that is sold
    after_days(world, 3.5)  # Thursday at noon

    use = world.begin(card)
    after_days(world, 3.9)
    before = world.stage(use)
    after_days(world, 0.1)
    world.tick(1)

    assert (before, world.stage(use)) == ("RESERVED", "LAPSED")
    assert world.seen("ClockStarted")[0]["open_days"] == 0b000_1111


def test_work_that_is_never_finished_does_not_count_and_is_no_answer(
    world: CardWorld, card: str
) -> None:
    use = world.begin(card)
    world.call("shop", "prepaid.start_use", use)

    world.tick("72h")
    world.tick(1)

    assert (world.stage(use), world.earned()) == ("GIVEN_BACK", 0)
    assert len(world.seen("ClockStarted")) == 1


def test_a_claim_freezes_its_unit_and_no_other(world: CardWorld, card: str) -> None:
    disputed = world.serve(card, upto="finish_use")
    world.call("alice", "prepaid.claim_redo", disputed)
    world.serve(card)
    world.tick("71h")

    assert (world.stage(disputed), world.earned(), world.held_for(card)) == (
        "DISPUTED", 3_333, 6_667,
    )  # fmt: skip


def test_a_claim_that_nobody_answers_gives_the_unit_back(world: CardWorld, card: str) -> None:
    use = world.serve(card, upto="finish_use")
    world.call("alice", "prepaid.claim_redo", use)

    world.tick("72h")
    world.tick(1)

    assert over(world) == [("GIVEN_BACK", 0, 0)]
    assert (world.earned(), world.view("prepaid.count", card, 0)) == (0, {"used": 0, "held": 0})
    assert len(world.seen("ClockStarted")) == 1


def test_the_shop_can_give_in(world: CardWorld, card: str) -> None:
    use = world.serve(card, upto="finish_use")
    world.call("alice", "prepaid.claim_redo", use)

    world.call("shop", "prepaid.answer_claim", use, True)
    world.tick(1)

    assert (over(world), world.seen("ClockStarted")) == ([("GIVEN_BACK", 0, 0)], [])


def test_the_holder_can_be_content_after_all(world: CardWorld, card: str) -> None:
    use = world.serve(card, upto="finish_use")
    world.call("alice", "prepaid.claim_redo", use)
    world.call("alice", "prepaid.confirm_use", use)
    world.tick(1)

    assert over(world) == [("SETTLED", 3_333, 0)]
    assert world.seen("VisitNoted") == [{"shop": "shop", "outcome": 2, "on_time": True}]


@pytest.mark.parametrize(
    ("back", "shares", "used"),
    [(0, (3_333, 0), 1), (2_500, (2_499, 834), 1), (10_000, (0, 0), 0)],
)
def test_an_arbiter_divides_the_unit(
    world: CardWorld, card: str, back: int, shares: tuple[int, int], used: int
) -> None:
    to_shop, to_customer = shares
    world.give_role("judge", "arbiter")
    use = world.serve(card, upto="finish_use")
    world.call("alice", "prepaid.claim_redo", use)
    world.call("shop", "prepaid.answer_claim", use, False)

    world.call("judge", "prepaid.rule_use", use, back)

    assert over(world) == [("RULED", to_shop, to_customer)]
    assert world.view("prepaid.count", card, 0) == {"used": used, "held": 0}
    assert (world.earned(), world.spent()) == (to_shop, 10_000 - to_customer)
    assert world.held_for(card) == 10_000 - to_shop - to_customer


def test_without_a_ruling_each_side_has_half(world: CardWorld, card: str) -> None:
    use = world.serve(card, upto="finish_use")
    world.call("alice", "prepaid.claim_redo", use)
    world.call("shop", "prepaid.answer_claim", use, False)

    world.tick(7 * DAY_MS - 1)
    before = over(world)
    world.tick(1)

    assert (before, over(world)) == ([], [("RULED", 1_666, 1_667)])


@pytest.mark.parametrize(("back", "clocks"), [(10_000, 1), (9_999, 0)])
def test_a_complaint_that_is_right_in_full_was_a_request_without_an_answer(
    world: CardWorld, card: str, back: int, clocks: int
) -> None:
    world.give_role("judge", "arbiter")
    use = world.serve(card, upto="finish_use")
    world.call("alice", "prepaid.claim_redo", use)
    world.call("judge", "prepaid.rule_use", use, back)
    world.tick(1)

    assert len(world.seen("ClockStarted")) == clocks


def test_a_lone_claim_of_the_shop_is_never_paid_by_silence(world: CardWorld, card: str) -> None:
    use = world.call("shop", "prepaid.claim_use", card, 0, 0)

    world.tick("72h")

    assert (over(world), world.earned()) == ([("UNCONFIRMED", 0, 0)], 0)
    assert world.view("prepaid.count", card, 0) == {"used": 0, "held": 0}
    with world.refuses("wrong_state"):
        world.call("alice", "prepaid.confirm_use", use)


def test_a_lone_claim_that_the_holder_confirms_is_paid(world: CardWorld, card: str) -> None:
    use = world.call("shop", "prepaid.claim_use", card, 0, 0)

    world.call("alice", "prepaid.confirm_use", use)

    assert (over(world), world.earned()) == ([("SETTLED", 3_333, 0)], 3_333)


def test_a_lone_claim_on_a_card_that_was_given_back_is_void(world: CardWorld, card: str) -> None:
    use = world.call("shop", "prepaid.claim_use", card, 0, 0)
    world.serve(card, upto="finish_use")
    world.call("alice", "prepaid.ask_refund", card)

    with world.refuses("card_over"):
        world.call("alice", "prepaid.confirm_use", use)


@pytest.mark.parametrize("how", ["warned", "frozen", "closed"])
def test_a_warned_shop_enters_nothing_alone(world: CardWorld, card: str, how: str) -> None:
    world.stand(how)

    with world.refuses("shop_warned"):
        world.call("shop", "prepaid.claim_use", card, 0, 0)


def test_what_is_used_in_cooling_off_is_paid_when_it_ends(world: CardWorld) -> None:
    card = world.buy(world.washes(3, 10_000))
    world.serve(card, times=2)
    after_days(world, 6.9)
    before = (world.earned(), world.held_for(card))

    after_days(world, 0.1)

    assert before == (0, 10_000)
    assert (world.earned(), world.held_for(card)) == (6_666, 3_334)


def test_an_amount_outside_the_list_needs_both_signatures(world: CardWorld) -> None:
    card = world.buy(world.publish("VALUE", 30_000, bonus=10_000))
    after_days(world, 8)

    with world.refuses("shop_must_sign"):
        world.begin(card, 255, amount=1_000)
    world.serve(card, 255, amount=1_001)
    with world.refuses("used_up"):
        world.serve(card, 255, amount=39_000)
    with world.refuses("wrong_amount"):
        world.serve(card, 255, amount=0)
    with world.refuses("missing"):
        world.begin(card, 0)

    assert world.earned() == 750  # 1,001 of 40,000 face value, paid with 30,000


def test_a_period_card_releases_days_visit_by_visit_and_the_rest_at_its_end(
    world: CardWorld,
) -> None:
    card = world.buy(world.publish("PERIOD", 36_500, world.line(WASH, 365, 36_500)))
    after_days(world, 10)
    world.begin(card)
    with world.refuses("in_use"):
        world.begin(card)
    world.tick("2d")
    world.serve(card)
    earned = [world.earned()]
    world.serve(card)
    earned.append(world.earned())
    world.at(world.card(card)["ends"])
    earned.append(world.earned())

    assert earned == [1_300, 1_300, 36_500]  # twelve days and the one of the visits
    assert world.card(card)["status"] == "OVER"


def test_a_package_counts_each_service_by_itself(world: CardWorld) -> None:
    lines = (world.line(1, 2, 9_000), world.line(2, 1, 15_001))
    card = world.buy(world.publish("PACKAGE", 24_001, *lines))
    after_days(world, 8)
    world.serve(card, 1)

    with world.refuses("used_up"):
        world.begin(card, 1)
    with world.refuses("missing"):
        world.begin(card, 2)
    world.serve(card, 0)

    assert [one["amount"] for one in world.seen("Released")] == [15_001, 4_500]


def test_a_halt_of_the_chain_moves_every_deadline_of_a_use(world: CardWorld, card: str) -> None:
    use = world.serve(card, upto="finish_use")
    world.tick("23h")

    world.halt("5h")
    before = world.stage(use)
    world.call("alice", "prepaid.claim_redo", use)

    assert (before, world.stage(use)) == ("FINISHED", "DISPUTED")


def test_a_use_lets_the_card_live_on(world: CardWorld, card: str) -> None:
    after_days(world, 400)
    ends = world.card(card)["ends"]
    world.begin(card)

    assert world.card(card)["ends"] == world.now + 1_095 * DAY_MS > ends
