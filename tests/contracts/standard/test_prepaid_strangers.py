"""Who may do what with a prepaid card, and in which of its states."""

from collections.abc import Callable
from typing import Any

import pytest

from chain.types import DAY_MS
from contracts.vm.container import FunctionKind
from node import catalog
from node.workbench import CallFailed
from tests.contracts.standard.prepaid_setting import CardWorld, after_days, new_world

PEOPLE = ("alice", "bob", "shop", "rival", "judge", "operator", "stranger")
# action: (who may, further arguments, what others are told)
ON_CARDS: dict[str, tuple[str, tuple[Any, ...], str]] = {
    "begin_use": ("alice", (0, 0), "not_holder"),
    "claim_use": ("shop", (0, 0), "not_shop"),
    "ask_refund": ("alice", (), "not_holder"),
    "extend_card": ("alice", (), "not_holder"),
    "offer_transfer": ("alice", ("bob",), "not_holder"),
    "accept_transfer": ("bob", (), "not_named"),
    "offer_slot": ("shop", ("2026-02-01T00:00Z",), "not_shop"),
    "take_slot": ("alice", (), "not_holder"),
}
ON_USES: dict[str, tuple[str, tuple[Any, ...], str]] = {
    "start_use": ("shop", (), "not_shop"),
    "finish_use": ("shop", (), "not_shop"),
    "confirm_use": ("alice", (), "not_holder"),
    "withdraw_use": ("alice", (), "not_holder"),
    "claim_redo": ("alice", (), "not_holder"),
    "answer_claim": ("shop", (True,), "not_shop"),
    "rule_use": ("judge", (5_000,), "not_arbiter"),
}
# By a shop's own account, or by the operators: their tests stand with what they are about.
OTHERS = {
    "publish_offer", "withdraw_offer", "announce_move", "buy", "set_cover", "note_request",
    "withdraw_requests",
}  # fmt: skip


@pytest.fixture
def world() -> CardWorld:
    world = new_world()
    world.give_role("judge", "arbiter")
    return world


def reserved(world: CardWorld) -> str:
    card = world.buy(world.washes(3, 10_000))
    after_days(world, 8)
    return world.begin(card)


def started(world: CardWorld) -> str:
    use = reserved(world)
    world.call("shop", "prepaid.start_use", use)
    return use


def finished(world: CardWorld) -> str:
    use = started(world)
    world.call("shop", "prepaid.finish_use", use)
    return use


def disputed(world: CardWorld) -> str:
    use = finished(world)
    world.call("alice", "prepaid.claim_redo", use)
    return use


def answered(world: CardWorld) -> str:
    use = disputed(world)
    world.call("shop", "prepaid.answer_claim", use, False)
    return use


def alone(world: CardWorld) -> str:
    card = world.buy(world.washes(3, 10_000))
    use: str = world.call("shop", "prepaid.claim_use", card, 0, 0)
    return use


def settled(world: CardWorld) -> str:
    use = finished(world)
    world.call("alice", "prepaid.confirm_use", use)
    return use


STATES: dict[Callable[[CardWorld], str], set[str]] = {
    reserved: {"start_use", "withdraw_use"},
    started: {"finish_use", "confirm_use"},
    finished: {"confirm_use", "claim_redo"},
    disputed: {"confirm_use", "answer_claim", "rule_use"},
    answered: {"confirm_use", "rule_use"},
    alone: {"confirm_use"},
    settled: set(),
}


def outcome(world: CardWorld, who: str, action: str, *arguments: Any, **more: Any) -> str:
    try:
        world.call(who, f"prepaid.{action}", *arguments, **more)
    except CallFailed as failure:
        return failure.name
    return "ok"


def test_every_action_is_in_a_table() -> None:
    container = catalog.program("prepaid").container

    actions = {f.name for f in container.functions if f.kind == FunctionKind.ACTION}

    assert actions == {*ON_CARDS, *ON_USES, *OTHERS}


@pytest.mark.parametrize("action", ON_CARDS)
def test_an_action_on_a_card_is_refused_to_everybody_else(world: CardWorld, action: str) -> None:
    may, more, told = ON_CARDS[action]
    card = world.buy(world.washes(3, 10_000))
    world.call("shop", "prepaid.offer_slot", card, world.now + 2 * DAY_MS)
    world.call("alice", "prepaid.offer_transfer", card, "bob")
    before = world.card(card)

    others = [who for who in PEOPLE if who != may]
    outcomes = [outcome(world, who, action, card, *more) for who in others]
    outcomes += [outcome(world, who, action, card, *more, sponsor=may) for who in others]

    assert set(outcomes) == {told}
    assert world.card(card) == before


@pytest.mark.parametrize("make", STATES)
@pytest.mark.parametrize("action", ON_USES)
def test_an_action_on_a_use_is_refused_to_everybody_else(
    world: CardWorld, make: Callable[[CardWorld], str], action: str
) -> None:
    may, more, told = ON_USES[action]
    use = make(world)
    before = world.view("prepaid.use", use)

    others = [who for who in PEOPLE if who != may]
    outcomes = [outcome(world, who, action, use, *more) for who in others]
    outcomes += [outcome(world, who, action, use, *more, sponsor=may) for who in others]

    assert set(outcomes) == {told}
    assert world.view("prepaid.use", use) == before


@pytest.mark.parametrize("make", STATES)
@pytest.mark.parametrize("action", ON_USES)
def test_an_action_on_a_use_happens_in_its_states_only(
    world: CardWorld, make: Callable[[CardWorld], str], action: str
) -> None:
    use = make(world)
    may, more, _told = ON_USES[action]

    told = outcome(world, may, action, use, *more)

    assert told == ("ok" if action in STATES[make] else "wrong_state")


@pytest.mark.parametrize("action", [*ON_CARDS, *ON_USES])
def test_a_card_or_use_that_nobody_made_has_no_actions(world: CardWorld, action: str) -> None:
    may, more, _told = {**ON_CARDS, **ON_USES}[action]

    assert outcome(world, may, action, bytes(32), *more) == "missing"


@pytest.mark.parametrize("who", PEOPLE)
def test_what_concerns_a_shop_is_refused_to_who_is_none(world: CardWorld, who: str) -> None:
    world.washes()
    told = [outcome(world, who, "withdraw_offer", 1), outcome(world, who, "announce_move")]

    assert told == (["ok", "ok"] if who == "shop" else ["missing", "not_shop"])
