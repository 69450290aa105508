"""Records and reviews with the contracts that ship: from a card or a booking to the passport."""

from functools import cache
from typing import Any

import pytest

from chain.handles import commitment, handle, mark
from chain.ids import decode_id, encode_id
from chain.types import DAY_MS
from tests.contracts.standard.prepaid_setting import STANDARD, START, WASH, CardWorld
from tests.contracts.standard.visits import FOREVER, NOTHING, VISITS, number

SECRET, CAR = bytes(range(32)), encode_id("veh", number(1))
SCORES = {"clean": 5, "on_time": 4, "staff": 5, "value": 5}


@cache
def made_town() -> CardWorld:
    town = CardWorld(time=START)
    town.add(STANDARD / "shops.wash", install=True)
    town.add(STANDARD / "loyalty.wash", install=True)
    town.add(STANDARD / "prepaid.wash", links={"register": "shops"}, install=True)
    town.add(VISITS, name="booking")
    town.add(STANDARD / "records.wash", install=True)
    town.add(STANDARD / "reviews.wash", install=True, arguments=(2,))
    town.call("operator", "shops.admit", "shop", "Shop")
    town.call("shop", "shops.set_service", WASH, 4_000, "1h", 0, NOTHING, "wash")
    staff = (town.account("bay"), 3, 6, 0, number(7), FOREVER)
    town.call("shop", "shops.set_staff", *staff)
    town.call("alice", "records.register_vehicle", CAR, 1, commitment(SECRET), NOTHING)
    return town


@pytest.fixture
def town() -> CardWorld:
    return made_town().copy()


def work(town: CardWorld, function: str, *arguments: Any) -> Any:
    return town.call("shop", f"records.{function}", *arguments, signer="bay")


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
