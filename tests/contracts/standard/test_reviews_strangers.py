"""Whose signature each action of the reviews needs: everybody else is refused."""

from typing import Any

import pytest

from contracts.lang.compiler import compile_contract
from contracts.vm.container import FunctionKind
from contracts.vm.program import load_program
from tests.contracts.standard.visits import NOTHING, STANDARD, VisitsWorld, new_world, number

PAID, REVIEWED = number(1), number(2)
SCORES = {"clean": 4, "on_time": 4, "staff": 4, "value": 4}
PEOPLE = ("alice", "bob", "stranger", "sparkle", "rival", "operator", "arbiter")
# action: (arguments, what others are told, who may)
ACTIONS: dict[str, tuple[tuple[Any, ...], str, tuple[str, ...]]] = {
    "review": ((PAID, SCORES, 0, NOTHING), "not_customer", ("alice",)),
    "edit": ((REVIEWED, SCORES, 0, NOTHING), "not_customer", ("alice",)),
    "erase_text": ((REVIEWED,), "not_customer", ("alice",)),
    "reply": ((REVIEWED, number(9)), "not_shop", ("sparkle",)),
    "judge_text": ((REVIEWED, 1), "not_operator", ("operator",)),
    "set_hide_votes": ((3,), "not_operator", ("operator",)),
    "answer_feedback": ((NOTHING, number(9)), "not_receiver", ("sparkle",)),
    "close_feedback": ((NOTHING,), "not_sender", ("alice",)),
    "answer_survey": ((PAID, 3), "not_customer", ("alice",)),
}
OPEN_TO_ALL = {"post_feedback"}  # a message binds nobody


@pytest.fixture
def world() -> VisitsWorld:
    world = new_world("reviews", (2,))
    for visit in (PAID, REVIEWED):
        world.visit(visit, stage=3, paid=6_800, over_at=world.now)
    world.call("alice", "review", REVIEWED, SCORES, 0, number(8))
    return world


def test_the_table_names_every_action() -> None:
    source = (STANDARD / "reviews.wash").read_bytes()
    routines = load_program(compile_contract(source, filename="reviews").container_bytes).by_name

    actions = {name for name, one in routines.items() if one.function.kind == FunctionKind.ACTION}

    assert actions == ACTIONS.keys() | OPEN_TO_ALL


@pytest.mark.parametrize("action", ACTIONS)
def test_everybody_else_is_refused_even_with_the_shop_beside_them(
    world: VisitsWorld, action: str
) -> None:
    arguments, error, allowed = ACTIONS[action]
    if action.endswith("feedback"):
        message = world.call("alice", "post_feedback", "sparkle", number(7))
        arguments = (message, *arguments[1:])

    for who in sorted({*PEOPLE} - {*allowed}):
        for sponsor in (None, "sparkle"):
            with world.refuses(error):
                world.call(who, action, *arguments, sponsor=sponsor)
    for who in allowed:
        world.copy().call(who, action, *arguments)
