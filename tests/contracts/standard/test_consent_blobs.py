"""What is on record of sealed details: who keeps them, their erasure, the lists of readings."""

from hashlib import sha256
from typing import Any

import pytest

from chain.ids import decode_id
from chain.types import DAY_MS
from node import catalog
from node.workbench import World
from tests.contracts.standard.consent_setting import (
    ANY,
    KEYS,
    NOTES,
    ask,
    grant,
    may_read,
    new_world,
    register,
)

ROOT = sha256(b"root").digest()


@pytest.fixture
def world() -> World:
    return new_world()


def keeping(world: World, blob: str) -> tuple[str, int, int]:
    found = world.view("blob", blob)
    return found["state"], found["holders"], found["unconfirmed"]


# On record --------------------------------------------------------------------------------------


def test_the_name_of_a_blob_is_a_hash_of_its_owner_and_content(world: World) -> None:
    blob = register(world)

    content = sha256(b"1").digest()
    assert decode_id(blob, "blb") == sha256(world.account("owner") + content).digest()
    assert world.view("blob", blob) == {
        "owner": "owner", "author": "shop", "kind": "NOTES", "state": "KEPT", "size": 1_000,
        "epoch": 0, "holders": 1, "unconfirmed": 1, "registered_at": world.now,
        "author_until": world.now + 90 * DAY_MS, "erase_at": 0, "keys": KEYS,
    }  # fmt: skip
    assert world.view("holding", blob, "shop") == 1


def test_who_copies_anothers_blob_gets_a_name_of_its_own(world: World) -> None:
    copied = register(world, by="reader", owner="reader")
    blob = register(world)

    world.call("reader", "erase", copied)

    assert blob != copied
    assert keeping(world, blob)[0] == "KEPT"


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"size": 0}, "too_large"),
        ({"size": 2_097_153}, "too_large"),
        ({"kind": 0}, "bad_kind"),
        ({"kind": 7}, "bad_kind"),
        ({"epoch": 1}, "old_key"),
    ],
)
def test_what_is_put_on_record_is_within_its_bounds(
    world: World, given: dict[str, Any], refusal: str
) -> None:
    with world.refuses(refusal):
        register(world, **given)


def test_a_blob_is_on_record_once_even_after_its_erasure(world: World) -> None:
    blob = register(world, size=2_097_152)
    with world.refuses("known_blob"):
        register(world)

    world.call("owner", "erase", blob)
    with world.refuses("known_blob"):
        register(world)


def test_four_accounts_at_most_keep_a_blob(world: World) -> None:
    blob = register(world)
    for holder in ("gateway", "reader", "other"):
        world.call("shop", "add_holder", blob, holder, sponsor=holder)

    with world.refuses("wrong_state"):
        world.call("owner", "add_holder", blob, "gateway", sponsor="gateway")
    with world.refuses("too_many"):
        world.call("owner", "add_holder", blob, "fifth", sponsor="fifth")
    assert keeping(world, blob) == ("KEPT", 4, 4)


def test_nobody_is_named_as_a_holder_without_signing(world: World) -> None:
    with world.refuses("must_sign"):
        world.call("shop", "register", "owner", ROOT, 1, "NOTES", 0, KEYS, "gateway")
    blob = register(world, holder="gateway")

    with world.refuses("must_sign"):
        world.call("shop", "add_holder", blob, "reader", sponsor="gateway")
    world.call("shop", "add_holder", blob, "shop")

    assert keeping(world, blob) == ("KEPT", 2, 2)


def test_a_shop_that_was_stopped_names_no_more_holders(world: World) -> None:
    blob = register(world)
    world.call("owner", "stop_author", blob)

    with world.refuses("not_yours"):
        world.call("shop", "add_holder", blob, "gateway", sponsor="gateway")


# Erasure ----------------------------------------------------------------------------------------


def test_erased_details_are_gone_once_all_have_confirmed(world: World) -> None:
    blob = register(world)
    world.call("owner", "add_holder", blob, "gateway", sponsor="gateway")
    grant(world)

    world.call("owner", "erase", blob)
    found = [keeping(world, blob)]
    for holder in ("gateway", "shop"):
        world.call(holder, "erased", blob)
        found.append(keeping(world, blob))
    world.tick("8d")

    assert found == [("ERASING", 2, 2), ("ERASING", 2, 1), ("ERASED", 2, 0)]
    assert [may_read(world, blob, who) for who in ("owner", "reader")] == [False, False]
    assert [one["left"] for one in world.seen("Erased")] == [1, 0]
    assert world.view("holding", blob, "shop") == 2
    assert world.seen("ReceiptsMissing") == []
    assert world.timers() == []


def test_a_missing_confirmation_is_seen_after_seven_days_and_may_come_later(
    world: World,
) -> None:
    blob = register(world)
    world.call("owner", "erase", blob)

    world.tick("7d")
    late = keeping(world, blob)
    world.call("shop", "erased", blob)

    assert (late, keeping(world, blob)) == (("OVERDUE", 1, 1), ("ERASED", 1, 0))
    assert world.seen("ReceiptsMissing") == [{"blob": blob, "owner": "owner", "left": 1}]


def test_nothing_is_confirmed_twice_nor_before_it_was_asked_for(world: World) -> None:
    blob = register(world)
    world.call("owner", "add_holder", blob, "gateway", sponsor="gateway")

    with world.refuses("wrong_state"):
        world.call("shop", "erased", blob)
    world.call("owner", "erase", blob)
    with world.refuses("gone"):
        world.call("owner", "erase", blob)
    world.call("shop", "erased", blob)
    with world.refuses("not_holder"):
        world.call("shop", "erased", blob)
    with world.refuses("wrong_state"):
        world.call("owner", "add_holder", blob, "late", sponsor="late")


# Lists of readings ------------------------------------------------------------------------------


def test_a_days_readings_are_fixed_once_when_the_day_is_over(world: World) -> None:
    register(world)
    today = world.now // DAY_MS

    with world.refuses("too_early"):
        world.call("shop", "log_accesses", today, ROOT, 3)
    world.at((today + 1) * DAY_MS)
    world.call("shop", "log_accesses", today, ROOT, 3)
    with world.refuses("known_day"):
        world.call("shop", "log_accesses", today, KEYS, 4)

    assert world.view("access_day", "shop", today) == {"root": ROOT, "count": 3}
    assert world.view("access_day", "gateway", today) == {"root": bytes(32), "count": 0}


# Strangers --------------------------------------------------------------------------------------


def strangers_calls(world: World) -> dict[str, tuple[dict[str, Any], str]]:
    """Return good arguments of every action, and how a stranger's call of it is refused."""
    blob, question = register(world), ask(world, purpose="CLAIM")
    consent, until = grant(world), world.now + 30 * DAY_MS
    scope = {"scope": blob, "kinds": 0, "purpose": "HISTORY", "until": until}
    entry = {
        "owner": "owner", "content": ROOT, "size": 1, "kind": "NOTES", "epoch": 0, "keys": KEYS,
        "holder": "shop",
    }  # fmt: skip
    return {
        "request": (
            {"owner": "owner", "scope": ANY, "kinds": NOTES, "purpose": "OFFERS", "until": until},
            "not_member",
        ),
        "withdraw": ({"id": question}, "not_yours"),
        "decline": ({"id": question}, "not_yours"),
        "grant": ({**scope, "reader": "reader", "begins": 0, "keys": KEYS}, "not_yours"),
        "revoke": ({"id": consent}, "not_yours"),
        "revoke_all": ({}, ""),
        "stop_author": ({"blob": blob}, "not_yours"),
        "register": (entry, "not_member"),
        "add_holder": ({"blob": blob, "holder": "stranger"}, "not_yours"),
        "erase": ({"blob": blob}, "not_yours"),
        "erased": ({"blob": blob}, "not_holder"),
        "log_accesses": ({"day": 1, "root": ROOT, "count": 1}, "not_holder"),
    }


@pytest.mark.parametrize("action", strangers_calls(new_world()))
def test_a_stranger_changes_nothing(world: World, action: str) -> None:
    arguments, refusal = strangers_calls(world)[action]
    blob = world.seen("Registered")[-1]["blob"]

    if refusal:
        with world.refuses(refusal):
            world.call("stranger", action, **arguments)
    else:  # of the stranger's own consents, of which there are none
        world.call("stranger", action, **arguments)

    assert may_read(world, blob)
    assert keeping(world, blob) == ("KEPT", 1, 1)


def test_every_action_is_in_the_table(world: World) -> None:
    declared = {one["name"] for one in catalog.abi("consent")["actions"]}

    assert declared == set(strangers_calls(world))
