"""Reviews: only of finished and paid visits, once and in time; nobody makes one vanish."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.types import DAY_MS, HOUR_MS
from tests.contracts.standard.visits import NOTHING, VisitsWorld, new_world, number

VISIT, TEXT, REPLY = number(1), number(2), number(3)
GOOD = {"clean": 5, "on_time": 4, "staff": 5, "value": 3}
POOR = {"clean": 1, "on_time": 2, "staff": 1, "value": 2}
HIDE_VOTES = (2,)


@pytest.fixture
def world() -> VisitsWorld:
    """Alice's wash is done and paid, a day ago."""
    world = new_world("reviews", HIDE_VOTES)
    paid(world, VISIT)
    return world.tick("1d")


def paid(world: VisitsWorld, visit: bytes, **facts: Any) -> bytes:
    return world.visit(visit, **{"stage": 3, "paid": 6_800, "over_at": world.now, **facts})


def review(
    world: VisitsWorld,
    visit: bytes = VISIT,
    who: str = "alice",
    scores: dict[str, int] = GOOD,
    text: bytes = TEXT,
) -> None:
    world.call(who, "review", visit, scores, 5, text)


def many(world: VisitsWorld, shop: str, scores: list[dict[str, int]]) -> None:
    """Let as many customers review a shop."""
    for place, one in enumerate(scores):
        visit = paid(world, number(1_000 + place), customer=f"guest {place}", shop=shop)
        review(world, visit, f"guest {place}", one)


def test_the_customer_of_a_paid_visit_says_how_it_was(world: VisitsWorld) -> None:
    review(world)

    assert world.view("review_of", VISIT) == {
        "customer": "alice", "shop": "sparkle", "number": 1, "posted_at": world.now,
        "edited_at": 0, "scores": GOOD, "reasons": 5, "text": TEXT, "reply": NOTHING,
        "counted": True, "hidden": "SHOWN", "rounds": 0,
    }  # fmt: skip
    assert world.seen("Reviewed") == [
        {"visit": VISIT, "shop": "sparkle", "customer": "alice", "event": 1, "number": 1, **GOOD,
         "reasons": 5, "text": TEXT, "counted": True}
    ]  # fmt: skip


def test_the_use_of_a_card_is_reviewed_as_a_booking_is(world: VisitsWorld) -> None:
    use = paid(world, number(9), where="prepaid", customer="bob")

    review(world, use, "bob")

    assert world.view("review_of", use)["customer"] == "bob"


# Four ways to cheat, four names -------------------------------------------------------------------


@pytest.mark.parametrize(
    "facts",
    [{"stage": 1}, {"stage": 2}, {"stage": 4, "paid": 0}, {"stage": 4}, {"stage": 3, "paid": 0}],
)
def test_a_visit_that_was_not_finished_and_paid_is_not_reviewed(
    world: VisitsWorld, facts: dict[str, int]
) -> None:
    paid(world, VISIT, **facts)

    with world.refuses("not_paid"):
        review(world)


@pytest.mark.parametrize("who", ["bob", "sparkle", "rival", "operator"])
def test_another_account_does_not_review_the_visit(world: VisitsWorld, who: str) -> None:
    with world.refuses("not_customer"):
        review(world, who=who)


def test_a_visit_is_reviewed_once(world: VisitsWorld) -> None:
    review(world)

    with world.refuses("already_reviewed"):
        review(world)


def test_a_visit_is_reviewed_within_30_days(world: VisitsWorld) -> None:
    world.at(world.now + 29 * DAY_MS)
    review(world.copy())

    world.tick(1)

    with world.refuses("too_late"):
        review(world)


def test_a_standstill_of_the_chain_does_not_shorten_the_30_days(world: VisitsWorld) -> None:
    world.at(world.now + 29 * DAY_MS - HOUR_MS)
    world.halt("3d")

    review(world)

    assert world.view("rating", "sparkle")["reviews"] == 1


def test_a_visit_that_nobody_knows_is_not_reviewed(world: VisitsWorld) -> None:
    with world.refuses("no_visit"):
        review(world, number(99))


@pytest.mark.parametrize("score", ["clean", "on_time", "staff", "value"])
@pytest.mark.parametrize("wrong", [0, 6])
def test_each_score_is_from_1_to_5(world: VisitsWorld, score: str, wrong: int) -> None:
    with world.refuses("bad_scores"):
        review(world, scores={**GOOD, score: wrong})
    review(world)
    with world.refuses("bad_scores"):
        world.call("alice", "edit", VISIT, {**GOOD, score: wrong}, 0, TEXT)


def test_reasons_are_those_of_the_list(world: VisitsWorld) -> None:
    with world.refuses("bad_reason"):
        world.call("alice", "review", VISIT, GOOD, 4_096, TEXT)
    world.call("alice", "review", VISIT, GOOD, 4_095, NOTHING)


# Second thoughts ----------------------------------------------------------------------------------


def test_a_review_is_changed_once_and_its_old_scores_stay_on_record(world: VisitsWorld) -> None:
    review(world)
    world.tick("7d")

    world.call("alice", "edit", VISIT, POOR, 8, number(4))

    edited = world.view("review_of", VISIT)
    assert (edited["scores"], edited["reasons"], edited["text"]) == (POOR, 8, number(4))
    assert edited["edited_at"] == world.now
    was = {f"was_{name}": score for name, score in GOOD.items()}
    assert world.seen("Edited") == [
        {"visit": VISIT, "shop": "sparkle", "event": 2, **was, "was_reasons": 5, **POOR,
         "reasons": 8, "text": number(4)}
    ]  # fmt: skip
    sums = world.view("sums", "sparkle")
    assert {**sums, **POOR} == sums
    with world.refuses("already_edited"):
        world.call("alice", "edit", VISIT, GOOD, 0, TEXT)


def test_a_review_is_changed_within_7_days(world: VisitsWorld) -> None:
    review(world)
    world.tick(7 * DAY_MS + 1)

    with world.refuses("too_late"):
        world.call("alice", "edit", VISIT, POOR, 0, TEXT)


def test_the_shop_answers_and_can_do_no_more(world: VisitsWorld) -> None:
    review(world, scores=POOR)

    world.call("sparkle", "reply", VISIT, REPLY)
    world.call("sparkle", "reply", VISIT, NOTHING)
    world.call("sparkle", "reply", VISIT, REPLY)

    seen = world.view("review_of", VISIT)
    assert (seen["reply"], seen["scores"], seen["text"]) == (REPLY, POOR, TEXT)
    assert [one["event"] for one in world.seen("Replied")] == [2, 3, 4]


# Averages -----------------------------------------------------------------------------------------


def test_an_average_is_told_from_the_fifth_review_on(world: VisitsWorld) -> None:
    many(world, "sparkle", [GOOD] * 4)
    averages = {"clean": 0, "on_time": 0, "staff": 0, "value": 0, "overall": 0}
    counts = {"reviews": 4, "counted": 4, "events": 4}
    assert world.view("rating", "sparkle") == {**counts, **averages}

    review(world, scores=POOR)

    assert world.view("rating", "sparkle") == {
        "reviews": 5, "counted": 5, "events": 5,
        "clean": 420, "on_time": 360, "staff": 420, "value": 280, "overall": 370,
    }  # fmt: skip


SCORE = st.integers(1, 5)


@given(rows=st.lists(st.tuples(SCORE, SCORE, SCORE, SCORE), min_size=5, max_size=9))
def test_averages_are_what_anybody_reckons_from_the_reviews(
    rows: list[tuple[int, int, int, int]],
) -> None:
    world = new_world("reviews", HIDE_VOTES)
    many(world, "rival", [dict(zip(GOOD, row, strict=True)) for row in rows])

    told = world.view("rating", "rival")

    sums = [sum(column) for column in zip(*rows, strict=True)]
    assert [told[name] for name in GOOD] == [100 * total // len(rows) for total in sums]
    assert told["overall"] == math.floor(100 * sum(sums) / (4 * len(rows)))
    assert told["counted"] == len(rows)


def test_a_shop_that_books_itself_or_keeps_the_account_gains_nothing(world: VisitsWorld) -> None:
    own = paid(world, number(20), customer="sparkle")
    kept = paid(world, number(21), customer="grandma")
    world.call("grandma", "shops.keep_account", "sparkle", sponsor="sparkle")

    review(world, own, "sparkle")
    review(world, kept, "grandma")

    assert [world.view("review_of", visit)["counted"] for visit in (own, kept)] == [False, False]
    told = world.view("rating", "sparkle")
    assert (told["reviews"], told["counted"]) == (2, 0)
    world.call("grandma", "edit", kept, POOR, 0, NOTHING)
    assert world.view("sums", "sparkle") == {
        "reviews": 2, "counted": 0, "clean": 0, "on_time": 0, "staff": 0, "value": 0, "events": 3,
    }  # fmt: skip


def test_an_account_that_another_shop_keeps_does_not_count_either(world: VisitsWorld) -> None:
    kept = paid(world, number(21), customer="grandma")
    world.call("grandma", "shops.keep_account", "rival", sponsor="rival")

    review(world, kept, "grandma")

    assert world.view("review_of", kept)["counted"] is False


# A gateway that leaves bad reviews out ------------------------------------------------------------


def test_a_review_that_is_not_shown_leaves_a_gap_that_anybody_sees(world: VisitsWorld) -> None:
    many(world, "sparkle", [GOOD, POOR, GOOD, GOOD, GOOD, GOOD])
    world.call("guest 1", "edit", number(1_001), POOR, 1, TEXT)
    told = world.seen("Reviewed")
    shown = [one for one in told if one["clean"] > 1]

    whole = world.view("rating", "sparkle")

    numbers = [one["number"] for one in shown]
    assert (numbers, whole["reviews"]) == ([1, 3, 4, 5, 6], 6)
    assert sum(one["clean"] for one in shown) < world.view("sums", "sparkle")["clean"]
    events = [one["event"] for one in told] + [one["event"] for one in world.seen("Edited")]
    assert sorted(events) == list(range(1, whole["events"] + 1))


def test_reviews_of_a_shop_are_listed_in_pages(world: VisitsWorld) -> None:
    many(world, "sparkle", [GOOD] * 40)

    first, second = world.view("reviews_of", "sparkle", 1), world.view("reviews_of", "sparkle", 33)

    assert first + second == b"".join(number(1_000 + place) for place in range(40))
    assert (len(first), world.view("reviews_of", "rival", 1)) == (1_024, b"")
