"""A car's place in the queue and when it will be ready, reckoned from what everybody can see.

Nobody promises these times: they follow from the cars that are there and from how long the same
service took here before. What was booked and what it costs does not depend on them.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from chain.types import HOUR_MS, MINUTE_MS
from node.pages.shopbook import ShopBook, Stay

NEAR_MS = 2 * HOUR_MS  # before that a booking has no place in a queue
LATE_MS = 20 * MINUTE_MS  # who is not there by then is no longer reckoned with
VISITS_LEAST = 3  # finished ones, before a median says more than what was booked
VISITS_MAX = 40  # the newest ones count
STEP_MS = 5 * MINUTE_MS  # times are told no finer than that
_THERE = ("ARRIVED", "CHECKED_IN")
_WAITING = ("ACCEPTED", *_THERE)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What somebody who waits wants to know; times are estimates, rounded up to 5 minutes.

    `visits`: how many finished ones the estimate is from, 0 if from what was booked.
    """

    working: int
    waiting: int
    begins_at: int
    ready_at: int
    visits: int


def find_outlook(book: ShopBook, booking: str, bays: dict[int, int], now: int) -> Outlook | None:
    """Return the outlook of a booking, None where it is too early or over.

    `bays`: how many there are for each size of slot.
    """
    mine = book.stays.get(booking)
    if mine is None or not _is_in_queue(mine, now):
        return None
    others = [one for one in book.open() if one.cell == mine.cell and one.id != mine.id]
    working = [one for one in others if one.state == "IN_SERVICE"]
    took, visits = usual_duration(book, mine)
    if mine.state == "IN_SERVICE":
        ready = max(mine.began_at + took, now + STEP_MS)
        return Outlook(0, 0, mine.began_at, _round_up(ready), visits)
    before = [
        one
        for one in others
        if one.state in _WAITING and _turn(one) < _turn(mine) and not _is_missing(one, now)
    ]
    free_at = _free_times(book, working, max(1, bays.get(mine.cell, 1)), now)
    for one in sorted(before, key=_turn):
        begins = max(free_at.pop(0), one.start if one.state == "ACCEPTED" else now)
        free_at = sorted([*free_at, begins + usual_duration(book, one)[0]])
    begins = max(free_at[0], mine.start if mine.state == "ACCEPTED" else now)
    there = sum(one.state in _THERE for one in before)
    return Outlook(len(working), there, _round_up(begins), _round_up(begins + took), visits)


def usual_duration(book: ShopBook, stay: Stay) -> tuple[int, int]:
    """Return how long this service takes here, and from how many visits that is known."""
    done = sorted(
        (
            one
            for one in book.stays.values()
            if one.service == stay.service and 0 < one.began_at < one.ready_at
        ),
        key=lambda one: one.ready_at,
    )[-VISITS_MAX:]
    if len(done) < VISITS_LEAST:
        return max(stay.end - stay.start, STEP_MS), 0
    times = sorted(one.ready_at - one.began_at for one in done)
    return times[(len(times) - 1) // 2], len(times)


def _is_in_queue(mine: Stay, now: int) -> bool:
    if mine.state == "ACCEPTED":
        return mine.start - NEAR_MS <= now and not _is_missing(mine, now)
    return mine.state in {*_THERE, "IN_SERVICE"}


def _is_missing(one: Stay, now: int) -> bool:
    return one.state == "ACCEPTED" and now > one.start + LATE_MS


def _turn(one: Stay) -> tuple[int, int, str]:
    """Return what the order of cars goes by: the time that was booked."""
    return one.start, one.asked_at, one.id


def _free_times(book: ShopBook, working: Iterable[Stay], bays: int, now: int) -> list[int]:
    """Return when each bay is free, the first one first."""
    busy = sorted(max(one.began_at + usual_duration(book, one)[0], now) for one in working)
    return sorted([*busy[-bays:], *[now] * (bays - len(busy))])


def _round_up(ms: int) -> int:
    return -(-ms // STEP_MS) * STEP_MS
