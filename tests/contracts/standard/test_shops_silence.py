"""What happens to a shop whose customers wait: warned, frozen, closed; how that is not abused."""

import pytest

from chain.types import DAY_MS
from tests.contracts.standard.register import WORKDAYS, Town, make_town

FRIENDS = ("ann", "bob", "cem")
MANY = tuple(f"holder{n}" for n in range(40))


def silent_town(*holders: str, others: int = 37) -> Town:
    """Return a world in which the holders wait from now on, beside others who do not."""
    town = make_town()
    town.sell(*holders, *MANY[:others])
    town.leave(*holders)
    return town


def selling(town: Town) -> tuple[str, bool, bool, bool]:
    standing = town.ask("standing", "shop")
    return standing["status"], standing["sells"], standing["warned"], standing["closed"]


def test_three_silent_holders_warn_freeze_and_close_a_shop() -> None:
    town = silent_town(*FRIENDS)

    seen = [selling(town.tick(f"{n}d")) for n in (6, 1, 6, 1, 6, 1)]

    assert seen == [
        ("ADMITTED", True, False, False),
        ("WARNED", True, True, False),
        ("WARNED", True, True, False),
        ("FROZEN", False, True, False),
        ("FROZEN", False, True, False),
        ("CLOSED", False, True, True),
    ]
    reached = [one["days"] for one in town.seen("ClockReached")]
    assert reached == [7] * 3 + [14] * 3 + [21] * 3


@pytest.mark.parametrize(
    ("silent", "others", "status"),
    [
        (2, 18, "CLOSED"),
        (2, 19, "ADMITTED"),
        (1, 0, "CLOSED"),
        (1, 9, "CLOSED"),
        (1, 10, "ADMITTED"),
    ],
)
def test_a_tenth_of_the_holders_is_enough_too(silent: int, others: int, status: str) -> None:
    town = silent_town(*FRIENDS[:silent], others=others)

    assert town.tick("21d").status() == status


def test_holders_who_come_later_do_not_water_a_silence_down() -> None:
    town = silent_town("ann", "bob", others=18)
    town.tick("1d").sell(*MANY[18:])

    assert town.tick("6d").status() == "WARNED"
    town.serve("ann")
    town.serve("bob")
    town.leave("ann", "bob")
    assert town.tick("7d").status() == "ADMITTED"


def test_a_shop_that_serves_those_who_wait_is_itself_again() -> None:
    town = silent_town(*FRIENDS)
    town.tick("14d")
    town.serve("ann")

    assert selling(town) == ("ADMITTED", True, False, False)
    assert town.statuses() == ["WARNED", "FROZEN", "ADMITTED"]


def test_a_closed_shop_stays_closed_until_the_operators_readmit_it() -> None:
    town = silent_town(*FRIENDS)
    town.tick("21d")
    for one in FRIENDS:
        town.serve(one)
    still = town.status()
    town.do("operator", "set_status", "shop", "ADMITTED")

    assert (still, town.status()) == ("CLOSED", "ADMITTED")


def test_clocks_of_before_a_readmission_say_nothing_about_the_shop_any_more() -> None:
    town = silent_town(*FRIENDS)
    town.tick("10d").do("operator", "set_status", "shop", "CLOSED")
    town.do("operator", "set_status", "shop", "ADMITTED")

    assert (town.status(), town.days("ann")) == ("ADMITTED", 10)
    town.tick("20d")
    assert (town.status(), town.days("ann")) == ("ADMITTED", 21)
    town.leave(*FRIENDS)
    assert town.tick("7d").status() == "WARNED"
    for one in FRIENDS:
        town.serve(one)
    assert town.ask("silence", "shop")["running"] == 0


def test_a_closed_shop_starts_no_clocks() -> None:
    town = make_town()
    town.sell("ann")
    town.do("operator", "set_status", "shop", "CLOSED")
    town.leave("ann")

    assert town.days("ann") == 0


def test_a_refunded_holder_counts_ninety_days_more() -> None:
    town = silent_town(*FRIENDS[:2])
    town.tick("21d")
    for one in FRIENDS[:2]:
        town.tell("note_holder", "shop", one, 0)
    town.sell("cem")
    town.leave("cem")
    town.tick("7d")
    warned = town.status()
    town.serve("cem")
    town.tick("83d")

    assert (warned, town.status(), town.days("ann"), town.timers()) == ("WARNED", "ADMITTED", 0, [])
    silence = town.ask("silence", "shop")
    assert (silence["holders"], silence["running"], silence["oldest"]) == (38, 0, 0)


def test_nothing_happens_to_the_other_shop() -> None:
    town = silent_town(*FRIENDS)

    assert town.tick("21d").status("rival") == "ADMITTED"


# Abuse ------------------------------------------------------------------------------------------


def test_a_pc_that_says_open_every_day_does_not_hide_that_nobody_is_there() -> None:
    town = silent_town(*FRIENDS)
    opened = []
    for _day in range(21):
        town.do("shop", "open_shop")
        opened.append(town.ask("was_open", "shop", town.now))
        town.tick("12h").do("shop", "close_shop")
        town.tick("12h")

    assert town.status() == "CLOSED"
    assert opened == [True] * 21
    with town.refuses("shop_closed"):
        town.do("shop", "open_shop")


def test_a_rivals_friends_without_cards_make_no_shop_silent() -> None:
    town = make_town()
    town.sell(*MANY[:5])
    town.leave("friend1", "friend2", "friend3", "friend4")

    assert town.tick("30d").status() == "ADMITTED"


def test_a_rivals_friends_who_miss_the_slot_they_were_offered_make_no_shop_silent() -> None:
    town = silent_town(*FRIENDS, others=0)
    town.tick("6d")
    for one in FRIENDS:
        town.tell("stop_clock", "shop", one)
    town.leave(*FRIENDS)

    assert town.tick("6d").status() == "ADMITTED"
    assert town.statuses() == []


def test_a_shop_that_nobody_asks_is_not_silent() -> None:
    town = make_town()
    town.sell(*MANY)

    assert town.tick("400d").status() == "ADMITTED"
    assert town.events == []


def test_the_operators_decide_where_three_others_were_served_meanwhile() -> None:
    town = silent_town(*FRIENDS)
    town.tick("1d")
    for one in MANY[:3]:
        town.serve(one)

    frozen = town.tick("20d").status()
    asked = town.seen("ClosingAsked")
    town.do("operator", "set_status", "shop", "CLOSED")

    assert (frozen, asked) == ("FROZEN", [{"shop": "shop", "holders": 3}])
    assert town.status() == "CLOSED"


def test_others_count_from_the_beginning_of_the_oldest_of_the_clocks() -> None:
    town = make_town()
    town.sell(*FRIENDS, *MANY)
    town.leave("ann")
    for one in MANY[:3]:
        town.serve(one)
    town.tick("2d").leave("bob", "cem", "dora")

    assert town.tick("21d").status() == "FROZEN"


def test_the_operators_are_asked_once() -> None:
    town = silent_town(*FRIENDS)
    for one in MANY[:3]:
        town.serve(one)
    town.tick("2d").leave(MANY[5], MANY[6])

    assert town.tick("21d").status() == "FROZEN"
    assert town.ask("silence", "shop")["at_closing"] == 5
    assert len(town.seen("ClosingAsked")) == 1


def test_two_others_or_one_served_often_do_not_keep_a_silent_shop_open() -> None:
    town = silent_town(*FRIENDS)
    town.tick("1d")
    for one in (MANY[0], MANY[1], MANY[1], MANY[1], MANY[0]):
        town.serve(one)

    assert town.tick("20d").status() == "CLOSED"


def test_services_of_before_the_silence_do_not_keep_a_shop_open() -> None:
    town = make_town()
    town.sell(*FRIENDS, *MANY)
    for one in MANY[:6]:
        town.serve(one)
    town.tick("1d").leave(*FRIENDS)

    assert town.tick("21d").status() == "CLOSED"


def test_those_who_wait_are_not_the_others_who_were_served() -> None:
    town = make_town()
    town.sell(*FRIENDS, *MANY)
    town.leave("ann")
    town.tick("1d")
    for one in (*FRIENDS[1:], *MANY[:2]):
        town.serve(one)
    town.leave(*FRIENDS[1:])

    assert town.tick("21d").status() == "CLOSED"


def test_clocks_in_opening_days_end_later_at_a_shop_that_opens_on_workdays() -> None:
    town = make_town()
    town.sell(*FRIENDS)
    town.leave(*FRIENDS, open_days=WORKDAYS)

    assert [town.tick(f"{n}d").status() for n in (28, 1)] == ["FROZEN", "CLOSED"]


# Two causes -------------------------------------------------------------------------------------


def test_a_freeze_of_the_operators_is_not_lifted_by_the_customers_clocks() -> None:
    town = silent_town(*FRIENDS)
    town.tick("7d").do("operator", "set_status", "shop", "FROZEN")
    town.serve("ann")
    frozen = town.status()
    town.do("operator", "set_status", "shop", "ADMITTED")

    assert (frozen, town.status()) == ("FROZEN", "ADMITTED")


def test_the_operators_lift_their_own_freeze_and_not_what_the_clocks_say() -> None:
    town = silent_town(*FRIENDS)
    town.do("operator", "set_status", "shop", "FROZEN")
    town.tick("7d").do("operator", "set_status", "shop", "ADMITTED")

    assert (town.status(), town.days("ann")) == ("WARNED", 7)
    assert town.statuses() == ["FROZEN", "WARNED"]


def test_the_operators_do_not_half_open_a_closed_shop() -> None:
    town = make_town()
    town.do("operator", "set_status", "shop", "CLOSED")
    with town.refuses("shop_closed"):
        town.do("operator", "set_status", "shop", "FROZEN")

    assert town.status() == "CLOSED"


# A planned end ----------------------------------------------------------------------------------


def test_a_shop_that_announces_its_end_sells_nothing_and_is_closed_then() -> None:
    town = make_town()
    end = town.now + 30 * DAY_MS
    town.do("shop", "announce_closing", end)
    before = town.ask("standing", "shop")
    town.at(end - 1)
    last = town.status()
    town.at(end)

    assert before == {
        "status": "CLOSING", "sells": False, "warned": False, "closed": False,
        "closes_at": end, "open_days": 0, "day_start": 0,
    }  # fmt: skip
    assert (last, selling(town)) == ("CLOSING", ("CLOSED", False, True, True))
    assert town.timers() == []


def test_an_announced_end_is_said_once_and_thirty_days_ahead() -> None:
    town = make_town()
    with town.refuses("too_soon"):
        town.do("shop", "announce_closing", town.now + 30 * DAY_MS - 1)
    with town.refuses("too_far"):
        town.do("shop", "announce_closing", town.now + 400 * DAY_MS + 1)
    town.do("shop", "announce_closing", town.now + 400 * DAY_MS)
    with town.refuses("known_closing"):
        town.do("shop", "announce_closing", town.now + 30 * DAY_MS)
    town.do("operator", "set_status", "rival", "CLOSED")
    with town.refuses("shop_closed"):
        town.do("rival", "announce_closing", town.now + 30 * DAY_MS)


def test_only_the_operators_take_an_announced_end_back() -> None:
    town = make_town()
    town.do("shop", "announce_closing", town.now + 30 * DAY_MS)
    town.do("operator", "set_status", "shop", "ADMITTED")

    assert (selling(town), town.timers()) == (("ADMITTED", True, False, False), [])
    town.do("shop", "announce_closing", town.now + 31 * DAY_MS)
    town.tick("31d").do("operator", "set_status", "shop", "ADMITTED")
    assert (town.status(), town.ask("standing", "shop")["closes_at"]) == ("ADMITTED", 0)


def test_a_closing_shop_is_warned_and_frozen_as_any_other() -> None:
    town = silent_town(*FRIENDS)
    town.do("shop", "announce_closing", town.now + 30 * DAY_MS)

    seen = [selling(town.tick("7d")) for _ in range(2)]

    assert seen == [("CLOSING", False, True, False), ("FROZEN", False, True, False)]
