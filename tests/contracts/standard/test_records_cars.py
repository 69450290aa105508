"""Whose car it was: handles that nobody can join, mistakes that stay readable, cars sold."""

from typing import Any

import pytest

from chain.handles import commitment, handle, mark, next_place, vin_commitment
from chain.ids import encode_id
from chain.types import DAY_MS
from node.workbench import CallFailed
from tests.contracts.standard.visits import NOTHING, VisitsWorld, new_world, number

SECRET, SECOND, THIRD = bytes(range(32)), bytes(range(1, 33)), bytes(range(2, 34))
VISIT, OTHER_VISIT = number(1), number(2)
CAR = encode_id("veh", bytes(range(100, 132)))
VIN = vin_commitment(number(77), "WVWZZZ1JZXW000001")
NO_CAR, NOBODY = encode_id("veh", NOTHING), encode_id("acct", NOTHING)


@pytest.fixture
def world() -> VisitsWorld:
    """A car of alice's with a finished record of its wash."""
    world = new_world("records")
    world.call("alice", "register_vehicle", CAR, 2, commitment(SECRET), NOTHING)
    record(world, VISIT)
    return world


def record(world: VisitsWorld, visit: bytes, **facts: Any) -> bytes:
    world.visit(visit, **facts)
    world.call("sparkle", "start", visit, NOTHING, 84, signer="bay")
    world.call("sparkle", "finish", visit, 2, "DONE", NOTHING, signer="bay")
    return visit


def attach(world: VisitsWorld, visit: bytes, secret: bytes, place: int, who: str = "alice") -> None:
    world.call(who, "attach", visit, handle(secret, place), mark(secret, place, visit))


def is_used(world: VisitsWorld, key: bytes) -> bool:
    try:
        world.view("by_handle", key)
    except CallFailed as failure:
        if failure.name == "missing":
            return False
        raise
    return True


def history(world: VisitsWorld, secrets: list[bytes]) -> list[bytes]:
    """Read what the holder of the first secrets of a car can read, as a passport does."""
    found, expected = [], world.view("vehicle", CAR)["commitment"]
    for secret in secrets:
        assert commitment(secret) == expected
        last = next_place(secret, lambda key: is_used(world, key))
        for place in range(last):
            row = world.view("by_handle", handle(secret, place))
            if row["vehicle"] == CAR:
                expected = row["commitment"]
                break
            if row["mark"] == mark(secret, place, row["record"]) and row["detached_at"] == 0:
                found.append(row["record"])
    return found


def test_a_finished_record_enters_the_history_of_the_car_that_was_handed_over(
    world: VisitsWorld,
) -> None:
    attach(world, VISIT, SECRET, 0)

    key = handle(SECRET, 0)
    assert world.view("record", VISIT)["handle"] == key
    assert world.view("by_handle", key) == {
        "record": VISIT, "mark": mark(SECRET, 0, VISIT), "vehicle": NO_CAR,
        "commitment": NOTHING, "at": world.now, "detached_at": 0,
    }  # fmt: skip
    assert world.seen("Attached") == [{"record": VISIT, "handle": key}]
    assert history(world, [SECRET]) == [VISIT]


def test_nothing_that_is_public_joins_a_record_to_a_car(world: VisitsWorld) -> None:
    attach(world, VISIT, SECRET, 0)
    record(world, OTHER_VISIT)
    attach(world, OTHER_VISIT, SECRET, 1)

    told = [one.values for one in world.events if one.type.startswith("records.")]
    named = [values for values in told if "vehicle" in values]
    assert [sorted(values) for values in named] == [["owner", "size", "vehicle"]]
    assert all(CAR not in values.values() for values in told if values not in named)


def test_who_did_not_hand_the_car_over_enters_nothing(world: VisitsWorld) -> None:
    kept = record(world, OTHER_VISIT, checked_in=False)

    with world.refuses("not_customer"):
        attach(world, VISIT, SECRET, 0, who="bob")
    with world.refuses("not_customer"):
        attach(world, VISIT, SECRET, 0, who="sparkle")
    with world.refuses("not_checked_in"):
        attach(world, kept, SECRET, 0)


def test_a_key_that_a_shop_kept_did_not_hand_the_car_over(world: VisitsWorld) -> None:
    world.call("grandma", "shops.keep_account", "sparkle", sponsor="sparkle")
    kept = record(world, OTHER_VISIT, customer="grandma")
    world.call("grandma", "shops.release_account", signer="her own key")

    with world.refuses("not_checked_in"):
        attach(world, kept, SECRET, 0, who="grandma")


def test_a_record_without_start_or_finish_enters_no_history(world: VisitsWorld) -> None:
    with world.refuses("not_started"):
        attach(world, number(50), SECRET, 0)
    world.visit(number(50))
    world.call("sparkle", "start", number(50), NOTHING, 84, signer="bay")
    with world.refuses("not_finished"):
        attach(world, number(50), SECRET, 0)


def test_a_record_has_one_handle_and_a_handle_one_record(world: VisitsWorld) -> None:
    record(world, OTHER_VISIT)
    attach(world, VISIT, SECRET, 0)

    with world.refuses("attached"):
        attach(world, VISIT, SECRET, 1)
    with world.refuses("handle_used"):
        attach(world, OTHER_VISIT, SECRET, 0)
    with world.refuses("no_content"):
        world.call("alice", "attach", OTHER_VISIT, NOTHING, NOTHING)


def test_a_stranger_who_uses_a_handle_first_is_found_out_by_the_mark(world: VisitsWorld) -> None:
    strange = record(world, OTHER_VISIT, customer="mallory")
    world.call("mallory", "attach", strange, handle(SECRET, 0), mark(SECRET, 0, VISIT))

    place = next_place(SECRET, lambda key: is_used(world, key))
    attach(world, VISIT, SECRET, place)

    assert (place, history(world, [SECRET])) == (1, [VISIT])


# Corrections --------------------------------------------------------------------------------------


def test_a_correction_stands_beside_the_entry_that_stays(world: VisitsWorld) -> None:
    before = world.view("entry", VISIT, 2)
    world.tick("3d")

    world.call("sparkle", "correct", VISIT, 2, "SLIP", 3, 0, "", number(8), signer="desk")

    assert world.view("entry", VISIT, 2) == before
    assert world.view("record", VISIT)["corrections"] == 1
    assert world.view("correction", VISIT, 1) == {
        "entry": 2, "reason": "SLIP", "by": "SHOP", "staff": world.account("desk"),
        "at": world.now, "code": 3, "quantity": 0, "text": "", "content": number(8),
    }  # fmt: skip
    assert world.seen("Corrected") == [
        {"record": VISIT, "shop": "sparkle", "number": 1, "entry": 2, "reason": "SLIP",
         "by": "SHOP"}
    ]  # fmt: skip


def test_the_customer_can_object_and_corrections_are_listed(world: VisitsWorld) -> None:
    world.call("alice", "correct", VISIT, 0, "OBJECTION", 0, 0, "no wax", NOTHING)
    world.call("sparkle", "correct", VISIT, 1, "LEFT_OUT", 0, 5, "WAX", NOTHING, signer="bay")

    at = world.now.to_bytes(8, "big")
    first = b"\x00\x01\x00\x00\x04\x02" + at
    second = b"\x00\x02\x00\x01\x03\x01" + at
    assert world.view("corrections", VISIT) == first + second


def test_a_correction_needs_a_reason_and_something_to_correct(world: VisitsWorld) -> None:
    for reason in (0, 7):
        with world.refuses("bad_reason"):
            world.call("alice", "correct", VISIT, 0, reason, 0, 0, "", NOTHING)
    with world.refuses("no_entry"):
        world.call("alice", "correct", VISIT, 3, "SLIP", 0, 0, "", NOTHING)
    with world.refuses("not_staff"):
        world.call("sparkle", "correct", VISIT, 0, "SLIP", 0, 0, "", NOTHING)


def test_a_customer_can_not_use_up_the_room_for_the_shops_answer(world: VisitsWorld) -> None:
    for _ in range(30):
        world.call("alice", "correct", VISIT, 0, "OBJECTION", 0, 0, "", NOTHING)
    with world.refuses("too_many"):
        world.call("alice", "correct", VISIT, 0, "OBJECTION", 0, 0, "", NOTHING)

    for _ in range(30):
        world.call("sparkle", "correct", VISIT, 0, "OTHER", 0, 0, "", NOTHING, signer="bay")

    with world.refuses("too_many"):
        world.call("sparkle", "correct", VISIT, 0, "OTHER", 0, 0, "", NOTHING, signer="bay")


def test_the_wrong_car_is_put_right_by_both_and_nothing_vanishes(world: VisitsWorld) -> None:
    attach(world, VISIT, SECRET, 0)
    wrong, entered = handle(SECRET, 0), world.now
    world.tick("1h")

    world.call("alice", "detach", VISIT, number(8), sponsor="sparkle")
    attach(world, VISIT, SECOND, 0)

    row = world.view("by_handle", wrong)
    assert (row["record"], row["at"], row["detached_at"]) == (VISIT, entered, world.now)
    assert world.view("record", VISIT)["handle"] == handle(SECOND, 0)
    assert world.view("correction", VISIT, 1) == {
        "entry": 0, "reason": "WRONG_CAR", "by": "BOTH", "staff": NOTHING, "at": world.now,
        "code": 0, "quantity": 0, "text": "", "content": number(8),
    }  # fmt: skip
    assert world.seen("Detached") == [{"record": VISIT, "handle": wrong, "number": 1}]
    assert history(world, [SECRET]) == []


def test_neither_side_takes_a_record_out_of_a_history_alone(world: VisitsWorld) -> None:
    with world.refuses("not_attached"):
        world.call("alice", "detach", VISIT, NOTHING, sponsor="sparkle")
    attach(world, VISIT, SECRET, 0)

    with world.refuses("not_co_signed"):
        world.call("alice", "detach", VISIT, NOTHING)
    with world.refuses("not_co_signed"):
        world.call("alice", "detach", VISIT, NOTHING, sponsor="rival")
    with world.refuses("not_customer"):
        world.call("sparkle", "detach", VISIT, NOTHING, sponsor="sparkle")
    with world.refuses("not_customer"):
        world.call("mallory", "detach", VISIT, NOTHING, sponsor="sparkle")


def test_there_is_nothing_to_do_with_a_car_that_nobody_registered(world: VisitsWorld) -> None:
    for call in (("commit_vin", VIN), ("rotate", VIN, VIN), ("withdraw_offer",)):
        with world.refuses("no_vehicle"):
            world.call("alice", call[0], number(60), *call[1:])


# Secrets and owners -------------------------------------------------------------------------------


def test_a_car_is_registered_once_by_a_number_and_a_commitment(world: VisitsWorld) -> None:
    assert world.view("vehicle", CAR) == {
        "owner": "alice", "size": 2, "commitment": commitment(SECRET), "vin": NOTHING,
        "secrets": 1, "registered_at": world.now, "offered_to": NOBODY,
        "offered_until": 0,
    }  # fmt: skip
    with world.refuses("known_vehicle"):
        world.call("bob", "register_vehicle", CAR, 2, commitment(SECOND), NOTHING)
    for bad in ((NOTHING, 2, SECOND), (number(5), 0, SECOND), (number(5), 2, NOTHING)):
        with world.refuses("bad_vehicle"):
            world.call("bob", "register_vehicle", *bad, NOTHING)


def test_the_frame_number_is_committed_once(world: VisitsWorld) -> None:
    with world.refuses("no_content"):
        world.call("alice", "commit_vin", CAR, NOTHING)
    world.call("alice", "commit_vin", CAR, VIN)

    assert world.view("vehicle", CAR)["vin"] == VIN
    assert world.seen("VinCommitted") == [{"vehicle": CAR}]
    with world.refuses("known_vin"):
        world.call("alice", "commit_vin", CAR, number(8))


def test_a_new_secret_is_committed_under_the_old_ones_next_handle(world: VisitsWorld) -> None:
    attach(world, VISIT, SECRET, 0)

    world.call("alice", "rotate", CAR, handle(SECRET, 1), commitment(SECOND))
    attach(world, record(world, OTHER_VISIT), SECOND, 0)

    row = world.view("by_handle", handle(SECRET, 1))
    assert (row["record"], row["vehicle"]) == (NOTHING, CAR)
    assert row["commitment"] == commitment(SECOND)
    assert world.view("vehicle", CAR)["secrets"] == 2
    assert world.seen("SecretChanged") == [
        {"vehicle": CAR, "handle": handle(SECRET, 1), "secrets": 2}
    ]
    assert history(world, [SECRET]) == [VISIT]
    assert history(world, [SECRET, SECOND]) == [VISIT, OTHER_VISIT]


def test_a_secret_is_changed_only_under_a_free_handle(world: VisitsWorld) -> None:
    attach(world, VISIT, SECRET, 0)

    with world.refuses("handle_used"):
        world.call("alice", "rotate", CAR, handle(SECRET, 0), commitment(SECOND))
    with world.refuses("no_content"):
        world.call("alice", "rotate", CAR, handle(SECRET, 1), NOTHING)
    with world.refuses("no_content"):
        world.call("alice", "rotate", CAR, NOTHING, commitment(SECOND))


def test_a_sold_car_keeps_its_history_and_the_seller_sees_nothing_new(world: VisitsWorld) -> None:
    attach(world, VISIT, SECRET, 0)
    world.call("alice", "offer_vehicle", CAR, "bob", world.now + 5 * DAY_MS)

    world.call("bob", "accept_vehicle", CAR, handle(SECRET, 1), commitment(SECOND))
    attach(world, record(world, OTHER_VISIT, customer="bob"), SECOND, 0, who="bob")
    attach(world, record(world, number(3)), SECRET, 2)  # the seller, with another car

    vehicle = world.view("vehicle", CAR)
    assert (vehicle["owner"], vehicle["secrets"]) == ("bob", 2)
    assert (vehicle["offered_to"], vehicle["offered_until"]) == (NOBODY, 0)
    assert world.seen("VehicleTransferred") == [{"vehicle": CAR, "before": "alice", "owner": "bob"}]
    assert history(world, [SECRET]) == [VISIT]
    assert history(world, [SECRET, SECOND]) == [VISIT, OTHER_VISIT]
    assert world.timers() == []
    with world.refuses("not_owner"):
        world.call("alice", "rotate", CAR, handle(SECOND, 1), commitment(THIRD))


def test_an_offer_ends_by_itself(world: VisitsWorld) -> None:
    until = world.now + 5 * DAY_MS
    world.call("alice", "offer_vehicle", CAR, "bob", until)
    world.at(until)

    assert world.seen("VehicleOffered") == [{"vehicle": CAR, "to": "bob", "until": until}]
    assert world.seen("OfferEnded") == [{"vehicle": CAR, "to": "bob"}]
    vehicle = world.view("vehicle", CAR)
    assert (vehicle["offered_to"], vehicle["offered_until"]) == (NOBODY, 0)
    with world.refuses("not_offered"):
        world.call("bob", "accept_vehicle", CAR, handle(SECRET, 0), commitment(SECOND))


@pytest.mark.parametrize("who", ["alice", "bob"])
def test_both_sides_can_end_an_offer(world: VisitsWorld, who: str) -> None:
    with world.refuses("not_offered"):
        world.call("alice", "withdraw_offer", CAR)
    world.call("alice", "offer_vehicle", CAR, "bob", world.now + DAY_MS)

    world.call(who, "withdraw_offer", CAR)

    assert (world.timers(), world.seen("OfferEnded")) == ([], [{"vehicle": CAR, "to": "bob"}])
    with world.refuses("not_offered"):
        world.call("bob", "accept_vehicle", CAR, handle(SECRET, 0), commitment(SECOND))


def test_a_second_offer_takes_the_place_of_the_first(world: VisitsWorld) -> None:
    world.call("alice", "offer_vehicle", CAR, "bob", world.now + DAY_MS)
    world.call("alice", "offer_vehicle", CAR, "carol", world.now + 3 * DAY_MS)

    world.tick("2d")

    with world.refuses("not_offered"):
        world.call("bob", "accept_vehicle", CAR, handle(SECRET, 0), commitment(SECOND))
    world.call("carol", "accept_vehicle", CAR, handle(SECRET, 0), commitment(SECOND))


def test_an_offer_is_to_somebody_else_and_for_at_most_30_days(world: VisitsWorld) -> None:
    with world.refuses("bad_owner"):
        world.call("alice", "offer_vehicle", CAR, "alice", world.now + DAY_MS)
    with world.refuses("bad_owner"):
        world.call("alice", "offer_vehicle", CAR, NOTHING, world.now + DAY_MS)
    for until in (world.now, world.now + 30 * DAY_MS + 1):
        with world.refuses("bad_time"):
            world.call("alice", "offer_vehicle", CAR, "bob", until)
    world.call("alice", "offer_vehicle", CAR, "bob", world.now + 30 * DAY_MS)
