"""Codes that let shops in: known by a hash, spent once, taken back by any two operators."""

from functools import cache
from hashlib import sha256
from pathlib import Path

import pytest

from node.workbench import World

SOURCE = Path(__file__).parents[3] / "contracts" / "standard" / "admissions.wash"
START = "2026-01-05T00:00Z"
HOUR, DAY = 3_600_000, 86_400_000
CODE, NODE = sha256(b"code").digest(), sha256(b"node").digest()
ANY, CRYSTAL, PEARL = bytes(32), sha256(b"Crystal").digest(), sha256(b"Pearl").digest()


@cache
def _made(voices: int) -> World:
    world = World(time=START, funds=0)
    for name in ("olga", "otto", "oona", "desk", "gate", "shop", "other"):
        world.account(name)
    for name in ("olga", "otto", "oona"):
        world.give_role(name, "operator")
    for name in ("desk", "gate"):
        world.give_role(name, "admitter")
    world.add(SOURCE, install=True, arguments=[voices])
    return world


def town(voices: int = 2) -> World:
    """Return a world with three operators, two gateways' desks and two shops."""
    return _made(voices).copy()


def offered(voices: int = 2, name: bytes = ANY, hours: int = 72) -> World:
    """Return the same with a code of the first gateway."""
    world = town(voices)
    world.call("desk", "offer", CODE, world.now + hours * HOUR, name)
    return world


def used(voices: int = 2) -> World:
    """Return the same with the code spent at the second gateway."""
    world = offered(voices)
    world.call("gate", "use", CODE, "shop", NODE, CRYSTAL)
    return world


def test_a_code_is_spent_once_whichever_gateway_it_is_brought_to() -> None:
    world = used()

    with world.refuses("code_used"):
        world.call("desk", "use", CODE, "other", NODE, CRYSTAL)
    told = world.view("code", CODE)
    assert (told["maker"], told["shop"]) == ("desk", "shop")
    assert (told["node"], told["used_at"]) == (NODE, world.now)


@pytest.mark.parametrize(
    ("who", "name", "hours", "error"),
    [
        ("gate", PEARL, 1, "other_name"),
        ("gate", CRYSTAL, 25, "code_over"),
        ("shop", CRYSTAL, 1, "not_admitter"),
    ],
)
def test_a_code_is_for_its_name_its_time_and_those_who_admit(
    who: str, name: bytes, hours: int, error: str
) -> None:
    world = offered(name=CRYSTAL, hours=24)
    world.tick(hours * HOUR)

    with world.refuses(error):
        world.call(who, "use", CODE, "shop", NODE, name)


def test_a_code_that_nobody_made_known_lets_nobody_in() -> None:
    world = town()

    with world.refuses("no_code"):
        world.call("desk", "use", CODE, "shop", NODE, ANY)
    with world.refuses("no_code"):
        world.call("olga", "take_back", CODE)
    assert world.view("code", CODE)["made_at"] == 0


@pytest.mark.parametrize(("who", "hours", "error"), [
    ("shop", 1, "not_admitter"), ("desk", 0, "bad_time"), ("desk", 40 * 24 + 1, "bad_time"),
])  # fmt: skip
def test_codes_are_made_by_those_who_admit_and_for_days(who: str, hours: int, error: str) -> None:
    world = town()

    with world.refuses(error):
        world.call(who, "offer", CODE, world.now + hours * HOUR, ANY)


def test_a_code_is_made_known_once() -> None:
    world = offered()

    with world.refuses("known_code"):
        world.call("gate", "offer", CODE, world.now + HOUR, ANY)


def test_its_maker_takes_a_code_back_while_nobody_used_it() -> None:
    world = offered()
    world.call("desk", "take_back", CODE)

    with world.refuses("taken_back"):
        world.call("gate", "use", CODE, "shop", NODE, ANY)
    with world.refuses("taken_back"):
        world.call("desk", "take_back", CODE)


def test_any_two_operators_take_back_a_code_of_somebody_else() -> None:
    world = offered()
    world.call("olga", "take_back", CODE)
    with world.refuses("said_before"):
        world.call("olga", "take_back", CODE)
    still = world.view("code", CODE)["stopped_at"]
    world.call("oona", "take_back", CODE)

    assert still == 0
    assert world.view("code", CODE)["stopped_at"] == world.now
    assert len(world.seen("Objected")) == 1
    with world.refuses("taken_back"):
        world.call("gate", "use", CODE, "shop", NODE, ANY)


@pytest.mark.parametrize("who", ["desk", "gate", "shop"])
def test_a_code_that_was_used_is_a_matter_for_two_operators(who: str) -> None:
    world = used()
    with world.refuses("not_operator"):
        world.call(who, "take_back", CODE)
    world.call("olga", "take_back", CODE)
    world.call("otto", "take_back", CODE)

    (told,) = world.seen("TakenBack")
    assert told["shop"] == "shop"


def test_a_word_counts_for_two_weeks_and_while_who_said_it_is_an_operator() -> None:
    late, gone = used(), used()
    late.call("olga", "take_back", CODE)
    late.tick(14 * DAY)
    late.call("otto", "take_back", CODE)
    gone.call("olga", "take_back", CODE)
    gone.give_role("olga", "operator", held=False)
    gone.call("otto", "take_back", CODE)

    assert [one.view("code", CODE)["stopped_at"] for one in (late, gone)] == [0, 0]


def test_where_there_is_one_operator_the_own_word_is_enough() -> None:
    world = used(voices=1)
    world.call("olga", "take_back", CODE)

    assert world.view("code", CODE)["stopped_at"] == world.now
