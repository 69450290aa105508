"""Whose signature each action needs: everybody else is refused, in every state."""

from collections.abc import Callable

import pytest

from chain.transaction import AccountKey, AddKey, Scope
from chain.types import DAY_MS, HOUR_MS
from contracts.vm.container import FunctionKind
from node.catalog import program
from tests.contracts.standard.setting import PEOPLE, SLOT, signer
from tests.contracts.standard.world import BookingWorld, new_world

LATER = (SLOT + DAY_MS, SLOT + DAY_MS + HOUR_MS)
# action: (who may, further arguments, money, what others are told)
ACTIONS: dict[str, tuple[str, tuple[object, ...], int, str]] = {
    "accept": ("shop", (), 0, "not_shop"),
    "decline": ("shop", (), 0, "not_shop"),
    "cancel_by_shop": ("shop", (False,), 0, "not_shop"),
    "offer_slot": ("shop", (SLOT + DAY_MS,), 0, "not_shop"),
    "ask_extra": ("shop", (500, "wax"), 0, "not_shop"),
    "not_here": ("shop", (), 0, "not_shop"),
    "start_service": ("shop", (), 0, "not_shop"),
    "ready": ("shop", (), 0, "not_shop"),
    "answer_claim": ("shop", (True,), 0, "not_shop"),
    "cancel_booking": ("alice", (), 0, "not_customer"),
    "reschedule": ("alice", LATER, 0, "not_customer"),
    "arrived": ("alice", (), 0, "not_customer"),
    "check_in": ("alice", (), 0, "not_customer"),
    "leave": ("alice", (), 0, "not_customer"),
    "approve_extra": ("alice", (1,), 1, "not_customer"),
    "use_voucher": ("alice", (bytes(32),), 0, "not_customer"),
    "pay": ("alice", (), 1, "not_customer"),
    "confirm": ("alice", (), 0, "not_customer"),
    "claim_redo": ("alice", (1,), 0, "not_customer"),
    "withdraw_claim": ("alice", (), 0, "not_customer"),
    "extend": ("alice", (SLOT + 200 * DAY_MS,), 0, "not_customer"),
    "rule": ("arbiter", (0,), 0, "not_arbiter"),
}
BOTH = ("undo_check_in",)  # needs both signatures; anybody else is told as for the customer's own
ELSE = ("request", "publish_policy", "announce_weather")  # no booking's


def requested(world: BookingWorld) -> bytes:
    world.must("shop", "set_settings", False, False, 0, 0, 0)
    return world.book()


def accepted(world: BookingWorld) -> bytes:
    return world.book()


def arrived(world: BookingWorld) -> bytes:
    booking = world.book()
    world.at(SLOT).must("shop", "open_shop")
    world.must("alice", "arrived", booking)
    return booking


def checked_in(world: BookingWorld) -> bytes:
    booking = world.book()
    world.serve(booking, upto="check_in")
    return booking


def in_service(world: BookingWorld) -> bytes:
    booking = world.book()
    world.serve(booking, upto="start_service")
    return booking


def ready(world: BookingWorld) -> bytes:
    booking = world.book()
    world.serve(booking)
    return booking


def disputed(world: BookingWorld) -> bytes:
    booking = ready(world)
    world.must("alice", "claim_redo", booking, 5_000)
    return booking


def answered(world: BookingWorld) -> bytes:
    booking = disputed(world)
    world.must("shop", "answer_claim", booking, False)
    return booking


def settled(world: BookingWorld) -> bytes:
    booking = ready(world)
    world.must("alice", "confirm", booking)
    return booking


def cancelled(world: BookingWorld) -> bytes:
    booking = world.book()
    world.must("alice", "cancel_booking", booking)
    return booking


SHOP_ENDS = {"cancel_by_shop", "offer_slot"}
STATES: dict[Callable[[BookingWorld], bytes], set[str]] = {  # it may be early for some of them
    requested: {"accept", "decline", "cancel_booking", "extend"} | SHOP_ENDS,
    accepted: {"cancel_booking", "reschedule", "extend"} | SHOP_ENDS,
    arrived: {"not_here", "check_in", "extend"} | SHOP_ENDS,
    checked_in: {"start_service", "pay", "extend", "cancel_by_shop", "ask_extra", "use_voucher"},
    in_service: {"ready", "pay", "extend", "ask_extra", "use_voucher"},
    ready: {"confirm", "claim_redo", "extend"},
    disputed: {"answer_claim", "withdraw_claim", "rule", "extend"},
    answered: {"withdraw_claim", "rule", "extend"},
    settled: set(),
    cancelled: set(),
}


def test_every_action_on_a_booking_is_in_the_table() -> None:
    container = program("booking").container

    actions = {f.name for f in container.functions if f.kind == FunctionKind.ACTION}

    assert actions == {*ACTIONS, *BOTH, *ELSE}


@pytest.mark.parametrize("make", STATES)
@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_is_refused_to_everybody_else(
    make: Callable[[BookingWorld], bytes], action: str
) -> None:
    world = new_world()
    booking = make(world)
    may, more, funds, told = ACTIONS[action]
    before = world.booking(booking)

    others = [name for name in PEOPLE if name != may and (not funds or name in {"bob", "carol"})]
    outcomes = [world.call(name, action, booking, *more, funds=funds) for name in others]
    outcomes += [
        world.call(name, action, booking, *more, sponsor=may) for name in others if not funds
    ]

    assert set(outcomes) == {told}
    assert world.booking(booking) == before


@pytest.mark.parametrize("make", STATES)
@pytest.mark.parametrize("action", ACTIONS)
def test_an_action_happens_in_its_states_only(
    make: Callable[[BookingWorld], bytes], action: str
) -> None:
    world = new_world()
    booking = make(world)
    may, more, funds, _told = ACTIONS[action]

    outcome = world.call(may, action, booking, *more, funds=funds)

    assert (outcome == "ok") is (action in STATES[make]), outcome


@pytest.mark.parametrize("action", ACTIONS)
def test_a_booking_that_nobody_made_has_no_actions(action: str) -> None:
    world = new_world()
    may, more, funds, _told = ACTIONS[action]

    assert world.call("alice" if funds else may, action, bytes(32), *more, funds=funds) == "missing"


def staffed() -> BookingWorld:
    """Return a world whose shop has a desk with a key that only checks in and starts."""
    world = new_world()
    scope = Scope(world.contract, ("check_in", "start_service"))
    world.run("shop", AddKey(AccountKey(signer("desk").public_key, (scope,), (), None)))
    return world


def test_a_staff_key_signs_for_its_shop_what_its_scope_has() -> None:
    world = staffed()
    booking = world.book()
    world.at(SLOT)

    world.must("alice", "check_in", booking, sponsor="shop", keys=("alice", "desk"))
    world.must("shop", "start_service", booking, keys=("desk",))

    assert world.booking(booking)["co_signed"] is True
    assert world.where(booking) == "IN_SERVICE"


@pytest.mark.parametrize(("function", "more"), [("ready", ()), ("cancel_by_shop", (True,))])
def test_a_staff_key_signs_nothing_else(function: str, more: tuple[object, ...]) -> None:
    world = staffed()
    booking = world.book()
    world.serve(booking, upto="start_service")

    with pytest.raises(Exception, match="may not sign"):
        world.call("shop", function, booking, *more, keys=("desk",))

    assert world.where(booking) == "IN_SERVICE"


def test_a_customer_does_not_act_as_the_shop_that_sponsors_him() -> None:
    world = new_world()
    booking = world.book()
    world.serve(booking, upto="check_in")

    outcome = world.call("alice", "start_service", booking, sponsor="shop")

    assert outcome == "not_shop"
    assert world.where(booking) == "CHECKED_IN"
