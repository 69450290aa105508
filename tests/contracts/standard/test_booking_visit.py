"""The visit: checking in, being served, paying, confirming."""

import pytest

from chain.types import DAY_MS, MINUTE_MS
from tests.contracts.standard.setting import HELD, RICH, SLOT, TOTAL
from tests.contracts.standard.world import new_world

GRACE = 20 * MINUTE_MS


def test_a_visit_from_check_in_to_confirmation_pays_the_shop() -> None:
    world = new_world()
    booking = world.book()

    world.serve(booking, upto="confirm")

    assert world.split(booking) == ("SETTLED", TOTAL, 0)
    assert (world.balance("alice"), world.balance("shop")) == (RICH - TOTAL, TOTAL)
    assert (world.pots(), world.waiting()) == (0, 0)


def test_silence_after_the_work_settles_at_the_end_of_the_wait() -> None:
    world = new_world()
    booking = world.book()
    world.serve(booking)
    end = world.now + DAY_MS

    world.fire_until(end - 1)
    before = world.where(booking)
    too_late = world.at(end).call("alice", "claim_redo", booking, 10_000)

    assert (before, too_late) == ("READY", "wrong_state")
    assert world.split(booking) == ("SETTLED", TOTAL, 0)


@pytest.mark.parametrize(
    ("at", "outcome"),
    [
        (SLOT - 15 * MINUTE_MS - 1, "too_early"),
        (SLOT - 15 * MINUTE_MS, "ok"),
        (SLOT + GRACE - 1, "ok"),
        (SLOT + GRACE, "wrong_state"),
    ],
)
def test_check_in_is_possible_from_a_little_before_the_slot_to_the_end_of_the_grace(
    at: int, outcome: str
) -> None:
    world = new_world()
    booking = world.book()

    assert world.at(at).call("alice", "check_in", booking) == outcome


@pytest.mark.parametrize(
    ("sponsor", "signed"), [("shop", True), (None, False), ("rival", False), ("bob", False)]
)
def test_only_the_shops_own_co_signature_makes_a_check_in_signed_by_both(
    sponsor: str | None, *, signed: bool
) -> None:
    world = new_world()
    booking = world.book()

    world.at(SLOT).must("alice", "check_in", booking, sponsor=sponsor)

    assert world.booking(booking)["co_signed"] is signed


def test_the_steps_of_a_visit_have_an_order() -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT)

    outcomes = [
        world.call("shop", "start_service", booking),
        world.call("alice", "pay", booking, funds=1),
        world.call("shop", "ready", booking),
        world.call("alice", "confirm", booking),
        world.call("alice", "claim_redo", booking, 1),
        world.call("shop", "answer_claim", booking, True),
        world.call("shop", "accept", booking),
        world.call("shop", "decline", booking),
        world.call("shop", "not_here", booking),
    ]

    assert outcomes == ["wrong_state"] * 9


def test_paying_is_possible_in_parts_and_never_above_the_price() -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT).must("alice", "check_in", booking)

    outcomes = [
        world.call("alice", "pay", booking, funds=funds)
        for funds in (HELD + 1, 0, 1, HELD, HELD - 1, 1)
    ]

    assert outcomes == ["wrong_amount", "wrong_amount", "ok", "wrong_amount", "ok", "wrong_amount"]
    assert world.read("held_money", booking) == TOTAL
    assert [amount for _id, _shop, amount in world.seen("Paid")] == [1, HELD - 1]


def test_confirming_pays_what_is_held_even_if_it_is_not_the_whole_price() -> None:
    world = new_world()
    booking = world.book()
    world.serve(booking, upto="start_service")

    world.must("shop", "ready", booking)
    world.must("alice", "confirm", booking)

    assert world.split(booking) == ("SETTLED", HELD, 0)
