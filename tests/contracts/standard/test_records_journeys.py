"""Records and reviews with the contracts that ship: whole visits, by card and by booking."""

from functools import cache
from typing import Any

import pytest

from chain.handles import commitment, handle, mark
from chain.ids import decode_id, encode_id
from chain.types import DAY_MS, HOUR_MS
from tests.contracts.standard.prepaid_setting import STANDARD, START, WASH, CardWorld
from tests.contracts.standard.visits import FOREVER, NOTHING, number

SECRET, CAR = bytes(range(32)), encode_id("veh", number(1))
SCORES = {"clean": 5, "on_time": 4, "staff": 5, "value": 5}
FEE = {"bp": 3_000, "held_base": False, "least": 0, "cap": 5_000}
RULES = {
    "hold_bp": 10_000, "hold_min": 0, "hold_max": 1_000_000, "hold_per_day_min": 0,
    "no_show": FEE, "grace": "20m", "accept_by": "30m", "serve_by": "1h", "settle_after": "24h",
    "cooling_off": 0, "reschedules": 2, "reschedule_lead": "1h", "compensation_bp": 0,
    "compensation_cap": 0,
}  # fmt: skip


@cache
def made_town() -> CardWorld:
    town = CardWorld(time=START)
    town.add(STANDARD / "shops.wash", install=True)
    town.add(STANDARD / "loyalty.wash", install=True)
    town.add(STANDARD / "prepaid.wash", links={"register": "shops"}, install=True)
    town.add(STANDARD / "booking.wash", install=True, arguments=(0, False))
    town.add(STANDARD / "records.wash", install=True)
    town.add(STANDARD / "reviews.wash", install=True, arguments=(2,))
    town.call("operator", "shops.admit", "shop", "Shop")
    policy = town.call("shop", "booking.publish_policy", RULES, b"")
    town.call("shop", "shops.set_settings", True, True, 0, 0, 0)
    town.call("shop", "shops.set_service", WASH, 4_000, "1h", 0, policy, "wash")
    staff = (town.account("bay"), 3, 6, 0, number(7), FOREVER)
    town.call("shop", "shops.set_staff", *staff)
    town.call("alice", "records.register_vehicle", CAR, 1, commitment(SECRET), NOTHING)
    return town


@pytest.fixture
def town() -> CardWorld:
    return made_town().copy()


def work(town: CardWorld, function: str, *arguments: Any) -> Any:
    return town.call("shop", f"records.{function}", *arguments, signer="bay")


def book(town: CardWorld, who: str = "alice") -> str:
    """Book a wash that begins in an hour, and hand the car over when it is time."""
    policy = town.view("shops.service", "shop", WASH)["policy"]
    start = town.now + HOUR_MS
    terms = ("shop", WASH, 1, start, start + HOUR_MS, 0, 4_000, policy)
    booking: str = town.call(who, "booking.request", *terms, funds=4_000)
    town.at(start)
    town.call(who, "booking.check_in", booking, sponsor="shop")
    return booking


def test_a_booked_wash_is_recorded_entered_and_reviewed(town: CardWorld) -> None:
    booking = book(town)
    visit = decode_id(booking, "bkg")

    town.call("shop", "booking.start_service", booking)
    work(town, "start", visit, NOTHING, 84)
    work(town, "step", visit, 2, 10)
    town.call("shop", "booking.ready", booking)
    work(town, "finish", visit, 3, "DONE", NOTHING)
    with town.refuses("not_paid"):
        town.call("alice", "reviews.review", visit, SCORES, 0, NOTHING)
    town.tick("24h")  # nobody confirms: the chain pays the shop
    town.call("alice", "records.attach", visit, handle(SECRET, 0), mark(SECRET, 0, visit))
    with town.refuses("not_customer"):
        town.call("bob", "reviews.review", visit, SCORES, 0, NOTHING)
    town.copy().tick("30d").call("alice", "reviews.review", visit, SCORES, 0, NOTHING)
    with town.refuses("too_late"):
        town.copy().tick("30d").tick(1).call("alice", "reviews.review", visit, SCORES, 0, NOTHING)
    town.call("alice", "reviews.review", visit, SCORES, 0, NOTHING)

    assert town.view("records.by_handle", handle(SECRET, 0))["record"] == visit
    assert town.view("reviews.review_of", visit)["counted"] is True


def test_a_visit_that_was_missed_or_given_back_is_neither_recorded_nor_reviewed(
    town: CardWorld,
) -> None:
    policy = town.view("shops.service", "shop", WASH)["policy"]
    start = town.now + HOUR_MS
    terms = ("shop", WASH, 1, start, start + HOUR_MS, 0, 4_000, policy)
    missed = decode_id(town.call("alice", "booking.request", *terms, funds=4_000), "bkg")
    town.call("shop", "shops.open_shop")
    town.at(start + HOUR_MS)
    given_back = book(town, "bob")
    town.call("shop", "booking.start_service", given_back)
    town.call("shop", "booking.ready", given_back)
    town.call("bob", "booking.claim_redo", given_back, 10_000)
    town.call("shop", "booking.answer_claim", given_back, True)

    for who, visit in (("alice", missed), ("bob", decode_id(given_back, "bkg"))):
        with town.refuses("not_with_shop"):
            work(town, "start", visit, NOTHING, 84)
        with town.refuses("not_paid"):
            town.call(who, "reviews.review", visit, SCORES, 0, NOTHING)


def test_a_wash_by_card_is_recorded_entered_and_reviewed(town: CardWorld) -> None:
    card = town.buy(town.washes(20, 79_800))
    town.tick(8 * DAY_MS)
    use = town.begin(card, both=True)
    visit = decode_id(use, "use")
    with town.refuses("not_with_shop"):
        work(town, "start", visit, NOTHING, 84)
    town.call("shop", "prepaid.start_use", use)

    work(town, "start", visit, NOTHING, 84)
    work(town, "step", visit, 2, 10)
    with town.refuses("not_paid"):
        town.call("alice", "reviews.review", visit, SCORES, 0, NOTHING)
    town.call("shop", "prepaid.finish_use", use)
    work(town, "finish", visit, 3, "DONE", NOTHING)
    town.call("alice", "prepaid.confirm_use", use)
    town.tick("1m")
    town.call("alice", "records.attach", visit, handle(SECRET, 0), mark(SECRET, 0, visit))
    town.call("alice", "reviews.review", visit, SCORES, 0, NOTHING)

    assert town.view("records.by_handle", handle(SECRET, 0))["record"] == visit
    assert town.view("reviews.review_of", visit)["counted"] is True


def test_a_card_that_the_shop_keeps_earns_no_stars_and_no_history(town: CardWorld) -> None:
    town.call("alice", "shops.keep_account", "shop", sponsor="shop")
    card = town.buy(town.washes(4, 16_000))
    town.tick(8 * DAY_MS)
    use = town.serve(card, upto="finish_use")
    visit = decode_id(use, "use")
    work(town, "start", visit, NOTHING, 84)
    work(town, "finish", visit, 2, "DONE", NOTHING)
    town.tick(3 * DAY_MS)

    town.call("alice", "reviews.review", visit, SCORES, 0, NOTHING)

    assert town.view("reviews.rating", "shop")["counted"] == 0
    with town.refuses("not_checked_in"):
        town.call("alice", "records.attach", visit, handle(SECRET, 0), mark(SECRET, 0, visit))


def test_work_done_again_on_a_card_links_the_first_record(town: CardWorld) -> None:
    card = town.buy(town.washes(20, 79_800))
    town.tick(8 * DAY_MS)
    use = town.serve(card, upto="start_use")
    visit = decode_id(use, "use")
    work(town, "start", visit, NOTHING, 84)
    work(town, "finish", visit, 2, "PARTLY", NOTHING)
    town.call("shop", "prepaid.finish_use", use)
    town.call("alice", "prepaid.claim_redo", use)

    again = work(town, "start_redo", visit, 84)
    work(town, "finish", again, 2, "DONE", NOTHING)
    for place, record in enumerate((visit, again)):
        place_of = (handle(SECRET, place), mark(SECRET, place, record))
        town.call("alice", "records.attach", record, *place_of)

    assert town.view("records.record", again)["redo_of"] == visit
    assert town.view("records.record", again)["handle"] == handle(SECRET, 1)
