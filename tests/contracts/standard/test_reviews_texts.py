"""Texts that are hidden or erased, messages to shops and operators, the monthly question."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.types import DAY_MS
from tests.contracts.standard.visits import NOTHING, VisitsWorld, new_world, number

VISIT, TEXT = number(1), number(2)
SCORES = {"clean": 1, "on_time": 1, "staff": 1, "value": 1}
OPERATORS = ("olga", "oscar", "operator")


@pytest.fixture
def world() -> VisitsWorld:
    """Alice has reviewed a visit; of three operators two decide about texts."""
    world = new_world("reviews", (2,))
    for name in OPERATORS:
        world.give_role(name, "operator")
    paid(world, VISIT)
    world.call("alice", "review", VISIT, SCORES, 0, TEXT)
    return world


def paid(world: VisitsWorld, visit: bytes, **facts: Any) -> bytes:
    return world.visit(visit, **{"stage": 3, "paid": 6_800, "over_at": world.now, **facts})


def hidden(world: VisitsWorld) -> str:
    return str(world.view("review_of", VISIT)["hidden"])


# Hiding -------------------------------------------------------------------------------------------


def test_enough_operators_of_one_mind_hide_a_text_and_the_scores_stay(world: VisitsWorld) -> None:
    before = world.view("sums", "sparkle")

    world.call("olga", "judge_text", VISIT, "INSULT")
    assert hidden(world) == "SHOWN"
    world.call("oscar", "judge_text", VISIT, "INSULT")

    seen = world.view("review_of", VISIT)
    assert (seen["hidden"], seen["scores"], seen["text"]) == ("INSULT", SCORES, TEXT)
    assert world.view("sums", "sparkle") == {**before, "events": before["events"] + 1}
    assert world.seen("TextJudged") == [
        {"visit": VISIT, "shop": "sparkle", "event": 2, "hidden": "INSULT"}
    ]
    assert world.seen("VotedOnText") == [
        {"visit": VISIT, "operator": "olga", "hidden": "INSULT", "votes": 1},
        {"visit": VISIT, "operator": "oscar", "hidden": "INSULT", "votes": 2},
    ]


def test_one_operator_alone_hides_nothing(world: VisitsWorld) -> None:
    world.call("olga", "judge_text", VISIT, "INSULT")

    with world.refuses("already_voted"):
        world.call("olga", "judge_text", VISIT, "INSULT")
    world.call("olga", "judge_text", VISIT, "ILLEGAL")  # another mind: the first vote is gone
    world.call("oscar", "judge_text", VISIT, "INSULT")
    assert hidden(world) == "SHOWN"
    world.call("oscar", "judge_text", VISIT, "ILLEGAL")

    assert hidden(world) == "ILLEGAL"


def test_a_hidden_text_can_be_shown_again_or_hidden_for_another_reason(world: VisitsWorld) -> None:
    for reason in ("INSULT", "PERSONAL", "SHOWN", "OFF_TOPIC"):
        for name in ("olga", "oscar"):
            world.call(name, "judge_text", VISIT, reason)
        assert hidden(world) == reason

    assert world.view("review_of", VISIT)["rounds"] == 4


def test_a_vote_needs_a_reason_and_something_to_decide(world: VisitsWorld) -> None:
    with world.refuses("bad_reason"):
        world.call("olga", "judge_text", VISIT, 6)
    with world.refuses("nothing_to_decide"):
        world.call("olga", "judge_text", VISIT, "SHOWN")
    with world.refuses("no_review"):
        world.call("olga", "judge_text", number(99), "INSULT")


def test_how_many_operators_hide_a_text_is_decided_by_as_many(world: VisitsWorld) -> None:
    world.call("olga", "set_hide_votes", 3)
    assert world.view("votes_needed") == 2
    with world.refuses("already_voted"):
        world.call("olga", "set_hide_votes", 3)
    world.call("oscar", "set_hide_votes", 1)
    world.call("oscar", "set_hide_votes", 3)

    assert (world.view("votes_needed"), world.seen("HideVotesChanged")) == (3, [{"votes": 3}])
    for name in ("operator", "olga"):  # oscar's vote of the round before is gone
        world.call(name, "set_hide_votes", 1)
    assert world.view("votes_needed") == 3
    for name in OPERATORS:
        assert hidden(world) == "SHOWN"
        world.call(name, "judge_text", VISIT, "INSULT")
    assert hidden(world) == "INSULT"


@pytest.mark.parametrize("votes", [0, 2])
def test_a_new_number_of_votes_is_a_number_and_a_new_one(world: VisitsWorld, votes: int) -> None:
    with world.refuses("bad_votes"):
        world.call("olga", "set_hide_votes", votes)


def test_it_begins_with_at_least_one_vote() -> None:
    with pytest.raises(Exception, match="bad_votes"):
        new_world("reviews", (0,))


# Erasing ------------------------------------------------------------------------------------------


def test_the_author_takes_the_text_back_and_the_scores_stay(world: VisitsWorld) -> None:
    world.call("alice", "erase_text", VISIT)

    seen = world.view("review_of", VISIT)
    assert (seen["text"], seen["scores"]) == (NOTHING, SCORES)
    assert world.view("sums", "sparkle")["clean"] == 1
    assert world.seen("TextErased") == [{"visit": VISIT, "shop": "sparkle", "event": 2}]
    with world.refuses("no_text"):
        world.call("alice", "erase_text", VISIT)


# Messages -----------------------------------------------------------------------------------------


def test_a_message_is_answered_and_closed_and_its_sender_sees_it(world: VisitsWorld) -> None:
    message = world.call("alice", "post_feedback", "sparkle", number(5))
    sent = world.now
    world.tick("1h")

    world.call("sparkle", "answer_feedback", message, number(6))
    world.call("sparkle", "answer_feedback", message, number(7))

    assert world.view("feedback", message) == {
        "sender": "alice", "receiver": "sparkle", "message": number(5), "answer": number(7),
        "stage": "ANSWERED", "sent_at": sent,
    }  # fmt: skip
    world.call("alice", "close_feedback", message)
    assert world.view("feedback", message)["stage"] == "CLOSED"
    both = {"id": message, "receiver": "sparkle", "sender": "alice"}
    assert world.seen("FeedbackSent") == [both]
    assert [one["state"] for one in world.seen("FeedbackMoved")] == [
        "ANSWERED", "ANSWERED", "CLOSED",
    ]  # fmt: skip
    assert world.timers() == []
    for who, action, arguments in (
        ("sparkle", "answer_feedback", (number(6),)), ("alice", "close_feedback", ()),
    ):  # fmt: skip
        with world.refuses("closed"):
            world.call(who, action, message, *arguments)


@pytest.mark.parametrize("answered", [False, True])
def test_a_message_closes_by_itself_after_90_days(world: VisitsWorld, *, answered: bool) -> None:
    message = world.call("alice", "post_feedback", "operator", number(5))
    if answered:
        world.call("operator", "answer_feedback", message, number(6))
    world.at(world.now + 90 * DAY_MS - 1)
    assert world.view("feedback", message)["stage"] == ("ANSWERED" if answered else "OPEN")

    world.tick(1)

    assert world.view("feedback", message)["stage"] == "CLOSED"


def test_a_message_has_a_receiver_and_something_in_it(world: VisitsWorld) -> None:
    for receiver in ("alice", NOTHING):
        with world.refuses("bad_receiver"):
            world.call("alice", "post_feedback", receiver, number(5))
    with world.refuses("no_text"):
        world.call("alice", "post_feedback", "sparkle", NOTHING)
    message = world.call("alice", "post_feedback", "sparkle", number(5))
    with world.refuses("no_text"):
        world.call("sparkle", "answer_feedback", message, NOTHING)
    with world.refuses("no_feedback"):
        world.call("sparkle", "answer_feedback", number(99), number(6))


# The question of the month ------------------------------------------------------------------------


def test_a_customer_answers_once_a_month_and_figures_are_told_from_the_fifth_on(
    world: VisitsWorld,
) -> None:
    month = world.view("month", world.now)
    for place in range(4):
        paid(world, number(30 + place), customer=f"guest {place}")
        world.call(f"guest {place}", "answer_survey", number(30 + place), 5)
    assert world.view("survey", "sparkle", month) == {"count": 0, "sum": 0}

    world.call("alice", "answer_survey", VISIT, 2)

    assert world.view("survey", "sparkle", month) == {"count": 5, "sum": 22}
    assert world.seen("SurveyAnswered")[-1] == {"shop": "sparkle", "month": month, "answer": 2}
    second = paid(world, number(40))
    with world.refuses("already_answered"):
        world.call("alice", "answer_survey", second, 2)
    rivals = paid(world, number(41), shop="rival")
    world.call("alice", "answer_survey", rivals, 2)
    world.tick("31d").call("alice", "answer_survey", VISIT, 3)


def test_the_question_is_for_customers_of_the_last_60_days(world: VisitsWorld) -> None:
    for wrong in (0, 6):
        with world.refuses("bad_scores"):
            world.call("alice", "answer_survey", VISIT, wrong)
    with world.refuses("not_customer"):
        world.call("bob", "answer_survey", VISIT, 3)
    with world.refuses("no_visit"):
        world.call("bob", "answer_survey", number(99), 3)
    unpaid = paid(world, number(50), paid=0)
    with world.refuses("not_paid"):
        world.call("alice", "answer_survey", unpaid, 3)
    world.copy().tick("60d").call("alice", "answer_survey", VISIT, 3)
    world.tick(60 * DAY_MS + 1)
    with world.refuses("too_late"):
        world.call("alice", "answer_survey", VISIT, 3)


def test_accounts_that_a_shop_keeps_and_shops_themselves_are_not_asked(world: VisitsWorld) -> None:
    world.call("alice", "shops.keep_account", "sparkle", sponsor="sparkle")
    own = paid(world, number(51), customer="sparkle")

    for who, visit in (("alice", VISIT), ("sparkle", own)):
        with world.refuses("kept_account"):
            world.call(who, "answer_survey", visit, 5)


MONTHS = new_world("reviews", (2,))


@given(at=st.integers(0, 230 * 365 * DAY_MS))
def test_months_are_those_of_the_calendar(at: int) -> None:
    day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=at)

    assert MONTHS.view("month", at) == (day.year - 1970) * 12 + day.month - 1
