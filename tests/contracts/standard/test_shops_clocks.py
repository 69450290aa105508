"""How a customer's clock counts the opening days of a shop that does not answer."""

import pytest

from chain.types import DAY_MS
from node.catalog import program
from tests.contracts.standard.register import EVERY_DAY, GAS, WORKDAYS, make_town

MONDAY, TUESDAY, WEDNESDAY, SUNDAY = 1, 2, 4, 64
TODAY = make_town().now // DAY_MS


def days_waited(open_days: int, calendar_days: int) -> int:
    town = make_town()
    town.sell("ann")
    town.tick("10h")
    town.leave("ann", open_days=open_days)
    town.tick(calendar_days * DAY_MS)
    return town.days("ann")


@pytest.mark.parametrize(
    ("open_days", "expected"),
    [
        (EVERY_DAY, [1, 1, 2, 7, 14]),
        (WORKDAYS, [1, 1, 2, 5, 10]),
        (MONDAY + TUESDAY + WEDNESDAY, [1, 1, 2, 3, 6]),
        (WORKDAYS + 128, [1, 1, 2, 5, 10]),  # there is no eighth weekday
    ],
)
def test_a_clock_counts_opening_days_that_are_over(open_days: int, expected: list[int]) -> None:
    waited = [days_waited(open_days, calendar) for calendar in (0, 1, 2, 7, 14)]

    assert waited == expected


@pytest.mark.parametrize("open_days", [SUNDAY, MONDAY, MONDAY + TUESDAY])
def test_fewer_than_three_days_a_week_count_as_three(open_days: int) -> None:
    assert days_waited(open_days, 28) == 12


def test_a_shop_that_never_named_its_hours_is_taken_as_open_every_day() -> None:
    assert days_waited(0, 5) == 5


def test_the_hours_of_today_count_where_none_were_kept() -> None:
    town = make_town()
    for weekday in range(5):
        town.do("shop", "set_hours", weekday, 8 * 3_600_000, 20 * 3_600_000)
    town.do("shop", "set_hours", 6, 8 * 3_600_000, 20 * 3_600_000)
    town.do("shop", "set_hours", 6, 0, 0)
    town.do("shop", "set_hours", 5, 0, 0)
    town.sell("ann")
    town.leave("ann", open_days=0)

    assert town.ask("standing", "shop")["open_days"] == WORKDAYS
    assert town.tick("14d").days("ann") == 10


def test_hours_that_change_later_do_not_change_a_clock() -> None:
    town = make_town()
    town.sell("ann")
    town.leave("ann", open_days=WORKDAYS)
    town.do("shop", "set_hours", 0, 0, 1)

    assert town.tick("14d").days("ann") == 10


def test_every_length_of_a_clock_is_the_same_counted_day_by_day() -> None:
    town = make_town()
    masks = [7, 73, 31, 84, 112, EVERY_DAY, 42]
    names = [f"holder{mask}" for mask in masks]
    town.sell(*names, *(f"other{n}" for n in range(100)))
    for name, mask in zip(names, masks, strict=True):
        town.leave(name, open_days=mask)
    closed = [TODAY + 4, TODAY + 9, TODAY + 10, TODAY + 21]
    for day in closed:
        town.do("shop", "announce_closure", day)

    for past in range(1, 60):
        town.at((TODAY + past) * DAY_MS)
        found = [town.days(name) for name in names]
        over = [day for day in range(TODAY + 1, TODAY + past) if day not in closed]
        assert found == [
            min(21, 1 + sum(mask >> (day + 3) % 7 & 1 for day in over)) for mask in masks
        ]


def test_the_oldest_request_counts_and_a_later_one_changes_nothing() -> None:
    town = make_town()
    town.sell("ann")
    town.leave("ann")
    town.tick("5d").leave("ann", open_days=WORKDAYS)

    assert town.tick("1d").days("ann") == 6
    assert len(town.seen("ClockStarted")) == 1


def test_who_holds_no_card_starts_no_clock() -> None:
    town = make_town()
    town.leave("friend", "friend2", "friend3")
    town.sell("ann")
    town.tell("note_holder", "shop", "ann", 0)
    town.leave("ann")

    assert (town.seen("ClockStarted"), town.timers()) == ([], [])
    assert town.ask("silence", "shop")["holders"] == 0


def test_only_the_customer_stops_a_clock_and_then_nothing_of_it_is_left() -> None:
    town = make_town()
    town.sell("ann")
    town.leave("ann")
    town.tick("6d")
    town.do("shop", "open_shop")
    before = town.days("ann")
    town.serve("ann")

    assert (before, town.days("ann"), town.timers()) == (6, 0, [])
    assert town.seen("ClockStopped") == [{"shop": "shop", "holder": "ann", "days": 1}]
    silence = town.ask("silence", "shop")
    assert (silence["holders"], silence["running"]) == (1, 0)


def test_stopping_what_does_not_run_changes_nothing() -> None:
    town = make_town()
    town.sell("ann")
    for shop, holder in (("shop", "ann"), ("shop", "bob"), ("nobody", "ann")):
        town.tell("stop_clock", shop, holder)

    assert town.events == []


def test_nothing_is_noted_about_an_account_that_is_no_shop() -> None:
    town = make_town()
    town.sell("ann", shop="nobody")
    town.leave("ann", shop="nobody")
    town.serve("ann", shop="nobody")
    town.tell("note_visit", "nobody", 1, True)

    assert town.events == []
    assert town.ask("holder", "nobody", "ann")["cards"] == 0
    assert town.ask("standing", "nobody")["sells"] is False


# Closures ---------------------------------------------------------------------------------------


def test_announced_closures_do_not_count_and_at_most_fifteen_in_ninety_days() -> None:
    town = make_town()
    town.sell("ann")
    town.leave("ann")
    for day in range(TODAY + 1, TODAY + 19):
        town.do("shop", "announce_closure", day)

    assert [one["counts"] for one in town.seen("ClosureAnnounced")] == [True] * 15 + [False] * 3
    assert [town.at((TODAY + n) * DAY_MS).days("ann") for n in (16, 17, 18, 19)] == [1, 2, 3, 4]


def test_fifteen_more_closures_count_only_ninety_days_later() -> None:
    town = make_town()
    spring = range(TODAY + 10, TODAY + 25)
    others = (TODAY + 99, TODAY + 100, TODAY + 113, TODAY + 115)
    for day in (*spring, *others):
        town.do("shop", "announce_closure", day)

    counted = {one["day"]: one["counts"] for one in town.seen("ClosureAnnounced")}
    assert [counted[day] for day in others] == [False, True, True, True]


def test_closures_between_two_old_ones_are_looked_at_from_both_sides() -> None:
    town = make_town()
    for day in (*range(TODAY + 1, TODAY + 9), *range(TODAY + 80, TODAY + 87)):
        town.do("shop", "announce_closure", day)
    for day in (TODAY + 50, TODAY + 93):
        town.do("shop", "announce_closure", day)

    assert [one["counts"] for one in town.seen("ClosureAnnounced")[-2:]] == [False, True]


def test_a_closure_ninety_days_before_is_in_no_window_with_later_ones() -> None:
    town = make_town()
    for day in (TODAY + 1, *range(TODAY + 92, TODAY + 106), TODAY + 90):
        town.do("shop", "announce_closure", day)

    assert {one["counts"] for one in town.seen("ClosureAnnounced")} == {True}


def test_a_closure_is_announced_once_and_taken_back_before_it_begins() -> None:
    town = make_town()
    town.do("shop", "announce_closure", TODAY + 2)
    with town.refuses("known_closure"):
        town.do("shop", "announce_closure", TODAY + 2)
    town.do("shop", "announce_closure", TODAY + 3)
    town.do("shop", "withdraw_closure", TODAY + 3)
    town.at((TODAY + 2) * DAY_MS)
    with town.refuses("too_late"):
        town.do("shop", "withdraw_closure", TODAY + 2)
    with town.refuses("too_late"):
        town.do("shop", "announce_closure", TODAY + 2)

    assert [town.ask("closed_on", "shop", TODAY + n) for n in (2, 3)] == [True, False]


# The chain itself -------------------------------------------------------------------------------


def test_days_on_which_the_chain_stood_still_are_nobodys_silence() -> None:
    town = make_town()
    town.sell("ann")
    town.leave("ann")
    town.tick("6d").halt("10d")

    assert town.tick("15m").days("ann") == 7
    assert town.tick("3d").days("ann") == 10


def test_every_timer_and_linked_function_keeps_its_bound_of_gas() -> None:
    functions = program("shops").by_name

    costly = {name: functions[name].worst_case_gas for name in GAS}
    assert {name: gas for name, gas in costly.items() if gas > GAS[name]} == {}
    timers = [functions[name].worst_case_gas for name in ("on_opening_days", "on_closing")]
    assert max(timers) <= 200_000
