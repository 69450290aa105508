"""Whose signature each action of the records needs: everybody else is refused, in every state."""

from typing import Any

import pytest

from chain.handles import commitment, handle, mark
from contracts.lang.compiler import compile_contract
from contracts.vm.container import FunctionKind
from contracts.vm.program import load_program
from node.workbench import CallFailed
from tests.contracts.standard.visits import NOTHING, STANDARD, VisitsWorld, new_world, number

UNSEEN, UNDER_WAY, FINISHED, ATTACHED, CAR = map(number, range(1, 6))
SECRET = bytes(range(32))
STRANGERS = ("bob", "stranger", "rival", "operator", "arbiter")
ENTRY = (UNDER_WAY, 3)
# action: (arguments, what others are told, who may)
ACTIONS: dict[str, tuple[tuple[Any, ...], str, tuple[str, ...]]] = {
    "start": ((UNSEEN, NOTHING, 0), "not_shop", ("sparkle",)),
    "start_redo": ((FINISHED, 0), "not_shop", ("sparkle",)),
    "step": ((*ENTRY, 1), "not_shop", ("sparkle",)),
    "material": ((*ENTRY, "WAX", "", 1, 1), "not_shop", ("sparkle",)),
    "extra": ((*ENTRY, 1, 5, NOTHING), "not_shop", ("sparkle",)),
    "photo": ((*ENTRY, number(9)), "not_shop", ("sparkle",)),
    "finish": ((*ENTRY, 1, NOTHING), "not_shop", ("sparkle",)),
    "approve_extra": ((UNDER_WAY, 2), "not_customer", ("alice",)),
    "correct": ((FINISHED, 0, 1, 0, 0, "", NOTHING), "not_shop_or_customer", ("alice", "sparkle")),
    "attach": ((FINISHED, handle(SECRET, 1), number(9)), "not_customer", ("alice",)),
    "detach": ((ATTACHED, NOTHING), "not_customer", ("alice",)),
    "commit_vin": ((CAR, number(9)), "not_owner", ("alice",)),
    "rotate": ((CAR, handle(SECRET, 1), number(9)), "not_owner", ("alice",)),
    "offer_vehicle": ((CAR, "dora", "2026-01-06T00:00Z"), "not_owner", ("alice",)),
    "withdraw_offer": ((CAR,), "not_owner", ("alice", "carol")),
    "accept_vehicle": ((CAR, handle(SECRET, 1), number(9)), "not_offered", ("carol",)),
}
OPEN_TO_ALL = {"register_vehicle"}  # for a car of one's own


@pytest.fixture
def world() -> VisitsWorld:
    """Records in every state, and a car that alice offers to carol."""
    world = new_world("records")
    for visit in (UNSEEN, UNDER_WAY, FINISHED, ATTACHED):
        world.visit(visit)
        if visit != UNSEEN:
            world.call("sparkle", "start", visit, NOTHING, 0, signer="bay")
    world.call("sparkle", "extra", UNDER_WAY, 2, 1, 5, NOTHING, signer="bay")
    for visit in (FINISHED, ATTACHED):
        world.call("sparkle", "finish", visit, 2, 1, NOTHING, signer="bay")
    world.call("alice", "register_vehicle", CAR, 1, commitment(SECRET), NOTHING)
    world.call("alice", "attach", ATTACHED, handle(SECRET, 0), mark(SECRET, 0, ATTACHED))
    world.call("alice", "offer_vehicle", CAR, "carol", "2026-01-07T00:00Z")
    return world


def test_the_table_names_every_action() -> None:
    source = (STANDARD / "records.wash").read_bytes()
    routines = load_program(compile_contract(source, filename="records").container_bytes).by_name

    actions = {name for name, one in routines.items() if one.function.kind == FunctionKind.ACTION}

    assert actions == ACTIONS.keys() | OPEN_TO_ALL


@pytest.mark.parametrize("action", ACTIONS)
def test_everybody_else_is_refused_even_with_the_shop_or_its_staff_beside_them(
    world: VisitsWorld, action: str
) -> None:
    arguments, error, allowed = ACTIONS[action]
    others = {*STRANGERS, "alice", "sparkle", "carol"} - {*allowed}

    for who in sorted(others):
        for sponsor, signer in ((None, None), ("sparkle", None), (None, "bay")):
            with world.refuses(error):
                world.call(who, action, *arguments, sponsor=sponsor, signer=signer)


@pytest.mark.parametrize("action", ACTIONS)
def test_those_whose_right_it_is_are_not_told_so(world: VisitsWorld, action: str) -> None:
    arguments, error, allowed = ACTIONS[action]

    for who in allowed:
        signer = "bay" if who == "sparkle" else None
        try:
            world.copy().call(who, action, *arguments, signer=signer, sponsor="sparkle")
        except CallFailed as failure:
            pytest.fail(f"{who}: {failure}, not {error}")
