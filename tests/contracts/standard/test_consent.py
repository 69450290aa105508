"""Consent: asked for, given, declined, taken back, over; and what may be read because of it."""

from typing import Any

import pytest

from chain.types import DAY_MS, HOUR_MS
from node.rpc.forms.abi_forms import id_text
from node.workbench import World
from tests.contracts.standard.consent_setting import (
    ALL_KINDS,
    ANY,
    KEYS,
    NOTES,
    ask,
    grant,
    may_read,
    new_world,
    register,
)


@pytest.fixture
def world() -> World:
    return new_world()


def state(world: World, consent: str) -> str:
    return str(world.view("consent", consent)["state"])


# Asking -----------------------------------------------------------------------------------------


def test_a_question_is_on_record_and_opens_nothing(world: World) -> None:
    blob = register(world)

    question = ask(world)

    assert world.view("consent", question) == {
        "owner": "owner", "reader": "reader", "scope": id_text("blb", ANY), "kinds": NOTES,
        "purpose": "HISTORY", "state": "ASKED", "begins": 0, "until": world.now + 30 * DAY_MS,
        "changed_at": world.now, "epoch": 0, "keys": bytes(32),
    }  # fmt: skip
    assert not may_read(world, blob)


def test_the_owner_sees_what_waits_for_an_answer(world: World) -> None:
    one = ask(world)
    other = ask(world, purpose="OFFERS")

    waiting = world.view("questions", "owner")
    world.call("owner", "decline", one)
    world.call("owner", "decline", other)

    assert len(waiting) == 64
    assert world.view("questions", "owner") == b""


def test_a_question_is_over_after_seven_days(world: World) -> None:
    question = ask(world)

    world.tick("7d")

    assert state(world, question) == "LAPSED"
    assert world.seen("Lapsed") == [{"id": question, "owner": "owner", "reader": "reader"}]
    assert world.timers() == []


def test_a_question_can_be_taken_back_and_asked_anew(world: World) -> None:
    question = ask(world)

    world.call("reader", "withdraw", question)
    again = ask(world)

    assert (again, state(world, question)) == (question, "ASKED")


def test_after_a_no_the_same_question_waits_thirty_days(world: World) -> None:
    question = ask(world)
    world.call("owner", "decline", question)

    world.tick(30 * DAY_MS - 1)
    with world.refuses("too_early"):
        ask(world)
    world.tick(1)
    ask(world)

    assert state(world, question) == "ASKED"


def test_nobody_has_more_than_four_open_questions_to_one_owner(world: World) -> None:
    for purpose in ("HISTORY", "CLAIM", "OFFERS", "HANDOVER"):
        ask(world, purpose=purpose)

    with world.refuses("too_many"):
        ask(world, purpose="SERVICE")
    ask(world, by="gateway", purpose="SERVICE")


def test_the_same_question_is_not_open_twice_nor_asked_while_there_is_a_consent(
    world: World,
) -> None:
    question = ask(world)
    with world.refuses("wrong_state"):
        ask(world)
    grant(world)
    with world.refuses("wrong_state"):
        ask(world)

    world.call("owner", "revoke", question)
    ask(world)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"kinds": 0}, "bad_kind"),
        ({"kinds": ALL_KINDS + 1}, "bad_kind"),
        ({"purpose": 0}, "bad_purpose"),
        ({"purpose": 6}, "bad_purpose"),
        ({"until": 0}, "bad_time"),
        ({"owner": "reader"}, "own"),
        ({"scope": b"\1" * 32, "kinds": 0}, "missing"),
    ],
)
def test_a_question_has_a_scope_a_purpose_and_an_end(
    world: World, given: dict[str, Any], refusal: str
) -> None:
    with world.refuses(refusal):
        ask(world, **given)


def test_a_question_leaves_time_to_answer_and_ends_within_two_years(world: World) -> None:
    for until in (world.now + 7 * DAY_MS, world.now + 730 * DAY_MS + 1):
        with world.refuses("bad_time"):
            ask(world, until=until)

    ask(world, until=world.now + 730 * DAY_MS)


# Giving -----------------------------------------------------------------------------------------


def test_a_consent_opens_its_kinds_for_its_purpose_alone(world: World) -> None:
    notes = register(world)
    photo = register(world, content=b"2", kind="PHOTOS")

    grant(world)

    assert [may_read(world, one) for one in (notes, photo)] == [True, False]
    assert not may_read(world, notes, purpose="OFFERS")
    assert not may_read(world, notes, who="gateway")


def test_a_consent_to_one_blob_opens_no_other(world: World) -> None:
    one, other = register(world), register(world, content=b"2")

    grant(world, scope=one, kinds=0)

    assert [may_read(world, blob) for blob in (one, other)] == [True, False]


def test_a_consent_answers_the_question(world: World) -> None:
    question = ask(world)

    consent = grant(world)
    world.tick("8d")

    assert (consent, state(world, question)) == (question, "GIVEN")
    assert world.view("questions", "owner") == b""
    assert world.seen("Lapsed") == []


def test_a_consent_begins_and_ends_to_the_millisecond(world: World) -> None:
    blob = register(world)
    begins, until = world.now + HOUR_MS, world.now + 2 * HOUR_MS
    grant(world, begins=begins, until=until)

    found = []
    for time in (begins - 1, begins, until - 1, until):
        world.at(time)
        found.append(may_read(world, blob))

    assert found == [False, True, True, False]


def test_a_standstill_of_the_chain_makes_no_consent_longer(world: World) -> None:
    blob = register(world)
    grant(world, until=world.now + HOUR_MS)

    world.halt("3h")

    assert not may_read(world, blob)


def test_a_consent_can_be_given_again_with_another_end(world: World) -> None:
    blob = register(world)
    grant(world, until=world.now + HOUR_MS)
    grant(world, until=world.now + 3 * HOUR_MS)

    world.tick("2h")

    assert may_read(world, blob)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"reader": "owner"}, "own"),
        ({"until": 0}, "bad_time"),
        ({"purpose": 0}, "bad_purpose"),
        ({"kinds": 64}, "bad_kind"),
    ],
)
def test_a_consent_is_within_its_bounds(world: World, given: dict[str, Any], refusal: str) -> None:
    with world.refuses(refusal):
        grant(world, **given)


def test_nobody_gives_consent_to_what_is_not_theirs_or_gone(world: World) -> None:
    blob = register(world)

    with world.refuses("not_yours"):
        grant(world, by="gateway", scope=blob, kinds=0)
    with world.refuses("bad_kind"):
        grant(world, scope=blob)
    world.call("owner", "erase", blob)
    with world.refuses("gone"):
        grant(world, scope=blob, kinds=0)


# Taking back ------------------------------------------------------------------------------------


def test_a_consent_taken_back_opens_nothing_and_changes_the_key(world: World) -> None:
    blob = register(world)
    consent = grant(world)

    world.call("owner", "revoke", consent)

    assert not may_read(world, blob)
    assert world.view("epoch", "owner") == 1
    told = {"id": consent, "owner": "owner", "reader": "reader"}
    assert world.seen("Revoked") == [told]
    assert world.seen("KeyRotated") == [{"owner": "owner", "epoch": 1}]
    with world.refuses("wrong_state"):
        world.call("owner", "revoke", consent)


def test_new_details_come_under_the_new_key_only(world: World) -> None:
    world.call("owner", "revoke", grant(world))

    with world.refuses("old_key"):
        register(world, epoch=0)
    blob = register(world)

    assert world.view("blob", blob)["epoch"] == 1


def test_a_reader_may_give_a_consent_back(world: World) -> None:
    consent = grant(world)

    world.call("reader", "revoke", consent)

    assert state(world, consent) == "REVOKED"


def test_all_consents_are_taken_back_at_once_and_later_ones_hold(world: World) -> None:
    blob = register(world)
    grant(world)
    grant(world, reader="gateway", purpose="CLAIM")

    world.call("owner", "revoke_all")
    found = [may_read(world, blob), may_read(world, blob, "gateway", "CLAIM")]
    grant(world)

    assert [*found, may_read(world, blob)] == [False, False, True]


# Reading ----------------------------------------------------------------------------------------


def test_the_reason_for_a_reading_is_told(world: World) -> None:
    blob = register(world)
    grant(world, scope=blob, kinds=0)
    grant(world, reader="gateway")

    asked = [
        ("owner", "OFFERS"), ("shop", "SERVICE"), ("reader", "HISTORY"), ("gateway", "HISTORY"),
    ]  # fmt: skip
    assert [world.view("check_read", who, blob, what) for who, what in asked] == [1, 2, 3, 4]


def test_the_reason_of_a_refusal_is_told(world: World) -> None:
    blob = register(world)
    grant(world)

    with world.refuses("purpose"):
        world.view("check_read", "reader", blob, "OFFERS")
    with world.refuses("purpose"):
        world.view("check_read", "shop", blob, "OFFERS")
    with world.refuses("no_consent"):
        world.view("check_read", "gateway", blob, "HISTORY")
    with world.refuses("gone"):
        world.view("check_read", "reader", b"\7" * 32, "HISTORY")
    world.call("owner", "erase", blob)
    with world.refuses("gone"):
        world.view("check_read", "owner", blob, "HISTORY")


def test_a_shop_reads_what_it_wrote_for_ninety_days_or_until_it_is_stopped(world: World) -> None:
    blob, other = register(world), register(world, content=b"2")
    asked = [(blob, "shop", "SERVICE"), (other, "shop", "SERVICE"), (blob, "shop", "OFFERS")]
    found = [[may_read(world, *one) for one in asked]]

    world.call("owner", "stop_author", blob)
    found.append([may_read(world, *one) for one in asked])
    world.tick("90d")
    found.append([may_read(world, *one) for one in asked])

    assert found == [[True, True, False], [False, True, False], [False, False, False]]
    assert world.view("epoch", "owner") == 1
    with world.refuses("wrong_state"):
        world.call("owner", "stop_author", other)


def test_a_new_key_of_a_kind_is_for_all_who_may_read_that_kind_now(world: World) -> None:
    grant(world)
    grant(world, reader="gateway", kinds=ALL_KINDS, purpose="CLAIM")
    lost = grant(world, reader="shop")
    world.call("owner", "revoke", lost)
    ids = {name: world.account(name) for name in ("reader", "gateway", "shop")}

    def readers(kind: str) -> set[bytes]:
        listed = world.view("readers", "owner", kind)
        return {listed[at : at + 32] for at in range(0, len(listed), 32)}

    assert readers("NOTES") == {ids["reader"], ids["gateway"]}
    assert readers("PHOTOS") == {ids["gateway"]}
    assert len(world.view("consents_of", "owner", 0)) == 64
    assert len(world.view("consents_of", "owner", 1)) == 32


def test_the_number_of_a_consent_follows_from_what_it_is_about(world: World) -> None:
    consent = grant(world)

    assert world.view("consent_id", "owner", "reader", ANY, "HISTORY") == consent
    assert world.view("is_good", consent)
    assert world.view("consent", consent)["keys"] == KEYS
