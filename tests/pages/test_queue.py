"""The place in the queue: who is before, when it begins, when it is ready."""

from typing import Any

import pytest

from chain.types import HOUR_MS, MINUTE_MS
from node.pages.queue import Outlook, find_outlook
from node.pages.shopbook import ShopBook, Stay
from tests.pages.conftest import Come
from tests.pages.test_first_visit import IN_CHINESE, book
from tests.pages.town import Town

NOON = 1_000 * 24 * HOUR_MS
WASH, POLISH = 1, 2
ONE_BAY, TWO_BAYS = {0: 1}, {0: 2}


def stay(name: str, minute: int, state: str, **more: Any) -> Stay:
    """Return a booking of half an hour that begins so many minutes after noon."""
    start = NOON + minute * MINUTE_MS
    told: dict[str, Any] = {"service": WASH, "end": start + 30 * MINUTE_MS, **more}
    return Stay(name, "acct1x", start, 6_800, start - HOUR_MS, state, **told)


def shop(*stays: Stay) -> ShopBook:
    return ShopBook("acct1shop", stays={one.id: one for one in stays})


def at(minute: int) -> int:
    return NOON + minute * MINUTE_MS


def done(minutes: list[int], service: int = WASH) -> list[Stay]:
    """Return finished visits that took so long."""
    return [
        stay(f"done-{service}-{n}", -600, "SETTLED", service=service, began_at=at(-500 + n),
             ready_at=at(-500 + n + took))
        for n, took in enumerate(minutes)
    ]  # fmt: skip


def test_who_is_alone_is_next_and_begins_at_the_booked_time() -> None:
    book = shop(stay("mine", 20, "ACCEPTED"))

    assert find_outlook(book, "mine", ONE_BAY, NOON) == Outlook(0, 0, at(20), at(50), 0)


def test_cars_go_by_the_time_that_was_booked() -> None:
    book = shop(
        stay("washed", -10, "IN_SERVICE", began_at=at(-10)),
        stay("first", 0, "CHECKED_IN"),
        stay("mine", 10, "CHECKED_IN"),
        stay("later", 15, "ARRIVED"),
    )

    assert find_outlook(book, "mine", ONE_BAY, NOON) == Outlook(1, 1, at(50), at(80), 0)
    assert find_outlook(book, "mine", TWO_BAYS, NOON) == Outlook(1, 1, at(20), at(50), 0)


def test_one_who_may_still_come_takes_time_but_is_not_told_as_waiting() -> None:
    book = shop(stay("expected", 0, "ACCEPTED"), stay("mine", 10, "CHECKED_IN"))

    assert find_outlook(book, "mine", ONE_BAY, at(5)) == Outlook(0, 0, at(35), at(65), 0)
    assert find_outlook(book, "mine", ONE_BAY, at(21)) == Outlook(0, 0, at(25), at(55), 0)


def test_the_median_of_three_visits_counts_more_than_what_was_booked() -> None:
    car = stay("mine", 0, "IN_SERVICE", began_at=at(0))

    known = shop(car, *done([12, 20, 55]), *done([90, 90, 90], POLISH))
    unknown = shop(car, *done([12, 20]))

    assert find_outlook(known, "mine", ONE_BAY, at(5)) == Outlook(0, 0, at(0), at(20), 3)
    assert find_outlook(unknown, "mine", ONE_BAY, at(5)) == Outlook(0, 0, at(0), at(30), 0)


def test_work_that_takes_longer_is_never_ready_in_the_past() -> None:
    book = shop(stay("mine", 0, "IN_SERVICE", began_at=at(0)))

    assert find_outlook(book, "mine", ONE_BAY, at(58)) == Outlook(0, 0, at(0), at(65), 0)


@pytest.mark.parametrize(("state", "minute"), [("SETTLED", 0), ("READY", 0), ("ACCEPTED", 121),
                                               ("ACCEPTED", -21)])  # fmt: skip
def test_others_have_no_place_in_a_queue(state: str, minute: int) -> None:
    assert find_outlook(shop(stay("mine", minute, state)), "mine", ONE_BAY, NOON) is None


@pytest.mark.parametrize("lang", IN_CHINESE)
async def test_the_page_moves_up_as_cars_before_it_are_done(
    visitor: Come, town: Town, lang: str
) -> None:
    first, one = await visitor(), await visitor(lang)
    before = await book(first, town.sparkle)
    mine = await book(one, town.sparkle)
    town.travel(town.read("booking.booking", id=mine)["start"] - 5 * MINUTE_MS)
    for who, name in ((first, before), (one, mine)):
        await who.open(f"/b/{name}")
        await who.press("[data-action=code]")
        await who.press("#show-code button[value=yes]")
        await who.page.wait_for_selector(".steps li:nth-child(3).now")
    waiting = await one.text("#queue .big")
    await one.check()
    await one.shoot("queue")

    town.do("sparkle", "booking.start_service", id=before)
    await one.page.wait_for_selector(f"#queue .big:not(:text-is('{waiting}'))")

    assert await one.text("#queue .big") != waiting
