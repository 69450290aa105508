"""Money: issued against deposits, paid out in days, never without reserves."""

from collections.abc import Callable
from typing import Any

import pytest

from contracts.vm.container import FunctionKind
from node.catalog import program
from tests.contracts.standard.money_world import (
    CUSTODY,
    DAILY,
    LEAST,
    LIMIT,
    PAYEE,
    RULES,
    SOURCE,
    MoneyWorld,
    bare_world,
    money_world,
    receipt,
)

ACTION = FunctionKind.ACTION


@pytest.fixture
def world() -> MoneyWorld:
    return money_world()


def test_a_deposit_becomes_money_once(world: MoneyWorld) -> None:
    world.issue(500)

    with world.refuses("used_reference"):
        world.issue(500)

    assert (world.balance("alice"), world.view("issuer", "bank")["liability"]) == (500, 500)
    assert world.view("reserves") == {"supply": 500, "owed": 500, "asked": 0}


@pytest.mark.parametrize(("amount", "error"), [(0, "bad_amount"), (DAILY + 1, "over_daily")])
def test_a_deposit_has_bounds(world: MoneyWorld, amount: int, error: str) -> None:
    with world.refuses(error):
        world.issue(amount)


def test_limits_are_of_a_day_and_of_all(world: MoneyWorld) -> None:
    world.issue(DAILY)
    with world.refuses("over_daily"):
        world.issue(1, number=2)
    world.at("2026-01-05T16:00Z")  # midnight, where the issuer is
    world.issue(LIMIT - DAILY, number=3)

    with world.refuses("over_limit"):
        world.issue(1, number=4)

    assert world.view("issuer", "bank")["liability"] == LIMIT


def test_money_is_on_hold_until_it_is_paid_out(world: MoneyWorld) -> None:
    world.issue(500)
    request = world.ask(300)
    waiting = (world.balance("alice"), world.view("reserves"))

    world.call("bank", "paid", request, receipt("out"))

    assert waiting == (200, {"supply": 500, "owed": 500, "asked": 300})
    assert world.view("reserves") == {"supply": 200, "owed": 200, "asked": 0}
    assert (world.balance("alice"), world.held(), world.view("request", request)["amount"]) == (
        200, 0, 0,
    )  # fmt: skip


def test_a_request_is_taken_back_before_it_is_paid(world: MoneyWorld) -> None:
    world.issue(500)
    request = world.ask(300)

    world.call("alice", "withdraw", request)
    with world.refuses("missing"):
        world.call("bank", "paid", request, receipt("out"))
    world.tick("30d")

    assert (world.balance("alice"), world.seen("Late"), world.view("may_issue", "bank")) == (
        500, [], True,
    )  # fmt: skip


def test_a_request_that_is_about_to_be_paid_is_not_taken_back_and_still_comes_back_in_time(
    world: MoneyWorld,
) -> None:
    world.issue(500)
    first, second = world.ask(300), world.ask(200)
    for request in (first, second):
        world.call("bank", "begin_payment", request)
        with world.refuses("being_paid"):
            world.call("alice", "withdraw", request)

    world.call("bank", "paid", first, receipt("out"))
    world.tick("30d")

    assert world.balance("alice") == 200
    assert [one["request"] for one in world.seen("Late")] == [second]


def test_who_can_not_be_paid_has_the_money_back_and_everybody_sees_it(world: MoneyWorld) -> None:
    world.issue(500)
    request = world.ask(300)

    world.call("bank", "decline", request, "NO_ACCOUNT")

    assert (world.balance("alice"), world.view("issuer", "bank")["declined"]) == (500, 1)
    assert world.seen("Declined")[0]["answer"] == "NO_ACCOUNT"


@pytest.mark.parametrize(
    ("asked", "due"),
    [
        ("2026-01-05T00:00Z", "2026-01-08T16:00Z"),  # Monday: the end of Thursday
        ("2026-01-07T15:59Z", "2026-01-12T16:00Z"),  # Wednesday, just before midnight: Monday
        ("2026-01-07T16:00Z", "2026-01-13T16:00Z"),  # Thursday has begun there: Tuesday
        ("2026-01-10T04:00Z", "2026-01-14T16:00Z"),  # Saturday: Wednesday
    ],
)
def test_days_on_which_banks_rest_do_not_count(world: MoneyWorld, asked: str, due: str) -> None:
    when = bare_world().at(asked).now
    end = bare_world().at(due).now

    assert world.view("due_for", when) == end


def test_a_late_payment_brings_the_money_back_and_stops_the_issuer(world: MoneyWorld) -> None:
    world.issue(500)
    request = world.ask(300)
    due = world.view("request", request)["due"]
    world.at(due - 1)
    before = world.balance("alice")
    world.at(due)

    with world.refuses("payment_late"):
        world.issue(1, number=2)
    with world.refuses("missing"):
        world.call("bank", "paid", request, receipt("out"))

    assert (before, world.balance("alice"), world.view("issuer", "bank")["late"]) == (200, 500, 1)
    assert [one["holder"] for one in world.seen("Late")] == ["alice"]


@pytest.mark.parametrize("way", ["paid again", "settled", "operators"])
def test_a_late_payment_is_settled(world: MoneyWorld, way: str) -> None:
    world.issue(500)
    world.at(world.view("request", world.ask(300))["due"])
    ways: dict[str, Callable[[], object]] = {
        "paid again": lambda: world.call("bank", "paid", world.ask(LEAST), receipt("out")),
        "settled": lambda: world.call("alice", "settled", "bank"),
        "operators": lambda: world.call("operator", "unblock", "bank"),
    }

    ways[way]()

    world.issue(1, number=2)
    assert world.adds_up()


def test_paying_somebody_else_settles_nothing(world: MoneyWorld) -> None:
    world.issue(500)
    world.issue(500, "bob", 2)
    world.at(world.view("request", world.ask(300))["due"])

    world.call("bank", "paid", world.ask(300, "bob"), receipt("out"))
    with world.refuses("nothing_late"):
        world.call("bob", "settled", "bank")

    assert not world.view("may_issue", "bank")


# Reserves ---------------------------------------------------------------------------------------


def test_an_issuer_that_issues_without_cash_is_stopped_by_its_own_statement(
    world: MoneyWorld,
) -> None:
    world.issue(500)

    world.state(499)
    with world.refuses("reserve_short"):
        world.issue(1, number=2)
    world.state(500)
    world.issue(1, number=2)

    assert [one["missing"] for one in world.seen("Short")] == [1]


def test_a_statement_that_tells_less_than_is_owed_does_not_help(world: MoneyWorld) -> None:
    world.issue(500)

    world.state(100, liability=100)

    assert not world.view("may_issue", "bank")
    assert world.seen("Stated")[-1]["owed"] == 500


def test_a_statement_may_tell_of_more_that_is_owed_elsewhere(world: MoneyWorld) -> None:
    world.issue(500)

    world.state(600, liability=700)

    assert world.seen("Short") == [{"issuer": "bank", "missing": 100}]


def test_without_a_statement_for_too_long_nothing_is_issued(world: MoneyWorld) -> None:
    world.tick("36d")
    world.issue(1)
    world.tick("1d")

    with world.refuses("statement_missing"):
        world.issue(1, number=2)
    world.state(1)
    world.issue(1, number=3)

    assert world.seen("Silent") == [{"issuer": "bank"}]


def test_every_statement_is_of_a_later_period(world: MoneyWorld) -> None:
    with world.refuses("old_period"):
        world.call("bank", "attest", 1, 0, 0, receipt("statement"))


def test_a_new_issuer_states_its_reserves_first() -> None:
    world = bare_world()
    world.call("operator", "register", "bank", CUSTODY, LIMIT, DAILY)

    with world.refuses("statement_missing"):
        world.issue(1)


def test_an_operator_stops_an_issuer_at_once(world: MoneyWorld) -> None:
    world.issue(500)
    request = world.ask(300)
    world.call("olga", "block", "bank")

    with world.refuses("minting_blocked"):
        world.issue(1, number=2)
    world.call("bank", "paid", request, receipt("out"))

    assert world.seen("Blocked") == [{"issuer": "bank", "blocked": True}]


# Operators --------------------------------------------------------------------------------------


def test_two_operators_make_an_issuer_and_change_its_limits() -> None:
    world = bare_world(two=True)
    terms = ("bank", CUSTODY, LIMIT, DAILY)
    world.call("operator", "register", *terms)
    with world.refuses("said_before"):
        world.call("operator", "register", *terms)
    world.call("olga", "register", "bank", CUSTODY, LIMIT + 1, DAILY)  # something else
    before = world.view("issuer", "bank")["since"]

    world.call("olga", "register", *terms)
    world.tick("14d")
    world.call("operator", "register", "bank", CUSTODY, LIMIT + 1, DAILY)  # olga's word is too old

    assert (before, world.view("issuer", "bank")["limit"]) == (0, LIMIT)
    assert len(world.seen("Registered")) == 1


def test_the_word_of_one_who_is_no_operator_any_more_does_not_count() -> None:
    world = bare_world(two=True)
    terms = ("bank", CUSTODY, LIMIT, DAILY)
    world.call("olga", "register", *terms)
    world.give_role("olga", "operator", held=False)

    world.call("operator", "register", *terms)

    assert world.seen("Registered") == []


def test_what_was_there_before_is_taken_over_once_and_no_more_than_there_is(
    world: MoneyWorld,
) -> None:
    world.give("alice", 1_000)
    world.call("operator", "register", "other", CUSTODY, LIMIT, DAILY)
    with world.refuses("too_much"):
        world.call("operator", "take_over", "bank", 1_001)
    world.call("operator", "take_over", "bank", 600)
    with world.refuses("taken_before"):
        world.call("operator", "take_over", "bank", 1)
    with world.refuses("too_much"):
        world.call("operator", "take_over", "other", 401)
    world.call("operator", "take_over", "other", 400)

    assert world.adds_up()
    assert world.view("reserves")["owed"] == 1_000


def test_nobody_asks_an_issuer_for_more_than_it_owes(world: MoneyWorld) -> None:
    world.give("bob", 1_000)
    world.issue(500)
    world.ask(400)

    with world.refuses("owes_less"):
        world.ask(101, "bob")
    with world.refuses("bad_amount"):
        world.ask(LEAST - 1, "bob")

    world.ask(LEAST, "bob")


def test_a_holder_has_32_requests_at_most_and_finds_them_all(world: MoneyWorld) -> None:
    world.issue(5_000)
    ids = [world.ask(LEAST) for _number in range(32)]

    with world.refuses("too_many"):
        world.ask(LEAST)
    found = [world.view("request_of", "alice", number) for number in range(33)]
    world.call("alice", "withdraw", ids[5])
    world.ask(LEAST)

    nobody = world.view("request_of", "bob", 0)
    assert (sorted(found[:32]), found[32]) == (sorted(ids), nobody)
    assert nobody not in ids


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"working_days": 0}, "bad_rules"), ({"working_days": 10}, "bad_rules"),
        ({"week": 0}, "bad_rules"), ({"week": 128}, "bad_rules"),
        ({"zone": 86_400_000}, "bad_rules"), ({"every": 1}, "bad_rules"),
        ({"every": 93 * 86_400_000}, "bad_rules"),
    ],
)  # fmt: skip
def test_rules_that_make_no_sense_are_refused(changes: dict[str, int], error: str) -> None:
    world = MoneyWorld(funds=0)

    with world.refuses(error):
        world.add(SOURCE, arguments=[{**RULES, **changes}])


# Strangers --------------------------------------------------------------------------------------


STRANGERS: list[tuple[str, tuple[Any, ...], str]] = [
    ("register", ("bob", CUSTODY, LIMIT, DAILY), "not_operator"),
    ("take_over", ("bank", 1), "not_operator"),
    ("block", ("bank",), "not_operator"),
    ("unblock", ("bank",), "not_operator"),
    ("issue", ("bob", 1, receipt("x")), "no_issuer"),
    ("begin_payment", (...,), "not_issuer"),
    ("paid", (..., receipt("x")), "not_issuer"),
    ("decline", (..., "OTHER"), "not_issuer"),
    ("attest", (9, 0, 0, CUSTODY), "no_issuer"),
    ("ask", ("nobody", PAYEE), "no_issuer"),
    ("withdraw", (...,), "not_yours"),
    ("settled", ("bank",), "nothing_late"),
]


@pytest.mark.parametrize(("function", "arguments", "error"), STRANGERS)
def test_strangers_are_refused(
    world: MoneyWorld, function: str, arguments: tuple[Any, ...], error: str
) -> None:
    world.issue(500)
    world.give("bob", 1)
    request = world.ask(300)
    given = [request if one is ... else one for one in arguments]

    with world.refuses(error):
        world.call("bob", function, *given)


def test_no_action_was_forgotten_among_the_strangers() -> None:
    actions = {one.name for one in program("money").routines if one.function.kind == ACTION}

    assert {name for name, _given, _error in STRANGERS} == actions
