"""A service record from the first entry to the last: who writes it, in which order, its ends."""

from typing import Any

import pytest

from chain.types import DAY_MS
from tests.contracts.standard.visits import NOTHING, VisitsWorld, new_world, number

VISIT, CARD_USE, PHOTO, NOTES = number(1), number(2), number(3), number(4)
UNREAD = 65_535


@pytest.fixture
def world() -> VisitsWorld:
    """Alice's car is with the shop, by a booking and a day later by a card."""
    world = new_world("records")
    world.visit(VISIT, service=7)
    world.visit(CARD_USE, where="prepaid", service=2)
    return world


def staff(
    world: VisitsWorld, function: str, *arguments: Any, key: str = "bay", **named: Any
) -> Any:
    return world.call("sparkle", function, *arguments, signer=key, **named)


def finished(world: VisitsWorld, visit: bytes = VISIT, notes: bytes = NOTES) -> bytes:
    staff(world, "start", visit, NOTHING, UNREAD)
    staff(world, "finish", visit, 2, "DONE", notes)
    return visit


def test_a_wash_is_written_down_entry_by_entry(world: VisitsWorld) -> None:
    began = world.now
    staff(world, "start", VISIT, NOTHING, 84, key="desk")
    world.tick("5m")
    staff(world, "step", VISIT, 2, 10)
    staff(world, "material", VISIT, 3, "FOAM-5L", "B2031", 250, "MILLILITRE")
    staff(world, "extra", VISIT, 4, 31, 1_500, number(9))
    world.call("alice", "approve_extra", VISIT, 4)
    staff(world, "photo", VISIT, 5, PHOTO)
    world.tick("20m")
    staff(world, "finish", VISIT, 6, "DONE", NOTES, key="desk")

    assert world.view("record", VISIT) == {
        "visit": VISIT, "shop": "sparkle", "customer": "alice", "number": 1, "checked_in": True,
        "service": 7, "odometer": 84, "redo_of": NOTHING, "redos": 0, "started_at": began,
        "finished_at": world.now, "result": "DONE", "entries": 6, "corrections": 0,
        "notes": NOTES, "handle": NOTHING,
    }  # fmt: skip
    blank = {"code": 0, "price": 0, "approved_at": 0, "content": NOTHING}
    desk, bay, then = world.account("desk"), world.account("bay"), began + 300_000
    entries: list[dict[str, Any]] = [
        {"kind": "START", "at": began, "staff": desk},
        {"kind": "STEP", "code": 10, "at": then, "staff": bay},
        {"kind": "MATERIAL", "at": then, "staff": bay},
        {"kind": "EXTRA", "code": 31, "at": then, "staff": bay, "price": 1_500,
         "approved_at": then, "content": number(9)},
        {"kind": "PHOTO", "at": then, "staff": bay, "content": PHOTO},
        {"kind": "FINISH", "code": 1, "at": world.now, "staff": desk, "content": NOTES},
    ]  # fmt: skip
    assert [world.view("entry", VISIT, n) for n in range(1, 7)] == [
        {**blank, **one} for one in entries
    ]
    assert world.view("material_used", VISIT, 3) == {
        "sku": "FOAM-5L", "batch": "B2031", "quantity": 250, "unit": "MILLILITRE",
    }  # fmt: skip
    assert world.timers() == []


def test_every_entry_is_told_at_once_with_its_number(world: VisitsWorld) -> None:
    staff(world, "start", VISIT, NOTHING, UNREAD)
    staff(world, "step", VISIT, 2, 10)
    staff(world, "material", VISIT, 3, "WAX", "", 1, "PIECE")
    staff(world, "extra", VISIT, 4, 31, 1_500, NOTHING)
    staff(world, "photo", VISIT, 5, PHOTO)
    staff(world, "finish", VISIT, 6, "PARTLY", NOTHING)

    bay, both = world.account("bay"), {"shop": "sparkle", "customer": "alice"}
    told = [
        (one.type, {k: v for k, v in one.values.items() if k != "record"})
        for one in world.events
        if one.type.startswith("records.")
    ]
    assert told == [
        ("records.Started", {**both, "count": 1, "redo_of": NOTHING, "staff": bay}),
        ("records.StepDone", {**both, "number": 2, "code": 10, "staff": bay}),
        (
            "records.MaterialUsed",
            {"shop": "sparkle", "number": 3, "sku": "WAX", "batch": "", "quantity": 1,
             "unit": "PIECE"},
        ),
        ("records.ExtraNoted", {**both, "number": 4, "item": 31, "price": 1_500}),
        ("records.PhotoTaken", {"shop": "sparkle", "number": 5, "photo": PHOTO}),
        ("records.Finished", {**both, "entries": 6, "result": "PARTLY"}),
    ]  # fmt: skip


def test_the_use_of_a_card_has_a_record_as_a_booking_has(world: VisitsWorld) -> None:
    finished(world, CARD_USE)

    record = world.view("record", CARD_USE)
    assert (record["visit"], record["service"], record["number"]) == (CARD_USE, 2, 1)


def test_progress_is_one_question(world: VisitsWorld) -> None:
    staff(world, "start", VISIT, NOTHING, UNREAD)
    for place in range(2, 90):
        staff(world, "step", VISIT, place, place)

    rows = world.view("progress", VISIT)

    at = world.now.to_bytes(8, "big")
    first = (1).to_bytes(2, "big") + b"\x01" + (0).to_bytes(2, "big") + at
    last = (78).to_bytes(2, "big") + b"\x02" + (78).to_bytes(2, "big") + at
    assert (len(rows), rows[:13], rows[-13:]) == (78 * 13, first, last)


def test_records_of_a_shop_are_numbered_and_listed(world: VisitsWorld) -> None:
    for place in range(10, 45):
        world.visit(number(place))
        staff(world, "start", number(place), NOTHING, UNREAD)

    listed = world.view("records_of", "sparkle", 4)

    assert world.view("count", "sparkle") == 35
    assert listed == b"".join(number(place) for place in range(13, 45))
    assert world.view("records_of", "sparkle", 36) == b""
    assert (world.view("count", "rival"), world.view("records_of", "rival", 1)) == (0, b"")


# Refusals -----------------------------------------------------------------------------------------


def test_nothing_is_recorded_of_a_visit_that_nobody_knows(world: VisitsWorld) -> None:
    with world.refuses("no_visit"):
        staff(world, "start", number(99), NOTHING, UNREAD)


@pytest.mark.parametrize("stage", [1, 3, 4])
def test_a_record_begins_only_while_the_car_is_with_the_shop(
    world: VisitsWorld, stage: int
) -> None:
    world.visit(VISIT, stage=stage)

    with world.refuses("not_with_shop"):
        staff(world, "start", VISIT, NOTHING, UNREAD)


def test_a_visit_has_one_record(world: VisitsWorld) -> None:
    staff(world, "start", VISIT, NOTHING, UNREAD)

    with world.refuses("known_record"):
        staff(world, "start", VISIT, NOTHING, UNREAD)


ENTRIES: list[tuple[str, tuple[Any, ...]]] = [
    ("step", (10,)), ("material", ("WAX", "", 1, "PIECE")), ("extra", (1, 5, NOTHING)),
    ("photo", (PHOTO,)), ("finish", ("DONE", NOTES)),
]  # fmt: skip
EACH = pytest.mark.parametrize(("function", "arguments"), ENTRIES, ids=[e[0] for e in ENTRIES])


@EACH
def test_no_entry_comes_before_the_start(
    world: VisitsWorld, function: str, arguments: tuple[Any, ...]
) -> None:
    with world.refuses("not_started"):
        staff(world, function, VISIT, 1, *arguments)


@EACH
def test_no_entry_comes_after_the_finish(
    world: VisitsWorld, function: str, arguments: tuple[Any, ...]
) -> None:
    finished(world)

    with world.refuses("finished"):
        staff(world, function, VISIT, 3, *arguments)


@EACH
@pytest.mark.parametrize("place", [1, 3])
def test_no_entry_is_left_out_or_comes_twice(
    world: VisitsWorld, function: str, arguments: tuple[Any, ...], place: int
) -> None:
    staff(world, "start", VISIT, NOTHING, UNREAD)

    with world.refuses("out_of_order"):
        staff(world, function, VISIT, place, *arguments)


@EACH
@pytest.mark.parametrize("key", ["stranger", "other_desk", "till", None])
def test_a_key_that_is_no_staff_of_the_shop_writes_nothing(
    world: VisitsWorld, function: str, arguments: tuple[Any, ...], key: str | None
) -> None:
    with world.refuses("not_staff"):
        world.call("sparkle", "start", VISIT, NOTHING, UNREAD, signer=key)
    staff(world, "start", VISIT, NOTHING, UNREAD)

    with world.refuses("not_staff"):
        world.call("sparkle", function, VISIT, 2, *arguments, signer=key)


def test_who_may_only_work_on_cars_does_not_finish(world: VisitsWorld) -> None:
    staff(world, "start", VISIT, NOTHING, UNREAD, key="pupil")
    staff(world, "step", VISIT, 2, 10, key="pupil")

    with world.refuses("not_staff"):
        staff(world, "finish", VISIT, 3, "DONE", NOTES, key="pupil")
    with world.refuses("not_staff"):
        staff(world, "correct", VISIT, 2, "SLIP", 1, 0, "", NOTHING, key="pupil")


def test_a_key_that_was_taken_back_writes_nothing_more(world: VisitsWorld) -> None:
    staff(world, "start", VISIT, NOTHING, UNREAD)
    world.call("sparkle", "shops.revoke_staff", world.account("bay"))

    with world.refuses("not_staff"):
        staff(world, "step", VISIT, 2, 10)
    staff(world, "step", VISIT, 2, 10, key="desk")


@pytest.mark.parametrize(
    ("function", "arguments", "error"),
    [
        ("step", (0,), "bad_step"),
        ("material", ("", "B1", 1, "PIECE"), "bad_material"),
        ("material", ("WAX", "B1", 0, "PIECE"), "bad_material"),
        ("material", ("WAX", "B1", 1, 0), "bad_material"),
        ("material", ("WAX", "B1", 1, 5), "bad_material"),
        ("material", ("W" * 25, "B1", 1, "PIECE"), "tx_malformed"),
        ("extra", (0, 5, NOTHING), "bad_item"),
        ("photo", (NOTHING,), "no_content"),
        ("finish", ("UNDER_WAY", NOTES), "bad_result"),
        ("finish", ("LEFT_OPEN", NOTES), "bad_result"),
    ],
)
def test_an_entry_without_meaning_is_refused(
    world: VisitsWorld, function: str, arguments: tuple[Any, ...], error: str
) -> None:
    staff(world, "start", VISIT, NOTHING, UNREAD)

    with world.refuses(error):
        staff(world, function, VISIT, 2, *arguments)


def test_a_record_has_at_most_500_entries(world: VisitsWorld) -> None:
    staff(world, "start", VISIT, NOTHING, UNREAD)
    for place in range(2, 501):
        staff(world, "step", VISIT, place, 1)

    with world.refuses("too_many"):
        staff(world, "step", VISIT, 501, 1)


# Extra work ---------------------------------------------------------------------------------------


def test_extra_work_that_nobody_agreed_to_is_seen_as_such(world: VisitsWorld) -> None:
    staff(world, "start", VISIT, NOTHING, UNREAD)
    staff(world, "extra", VISIT, 2, 31, 1_500, NOTHING)
    staff(world, "finish", VISIT, 3, "DONE", NOTHING)

    assert world.view("entry", VISIT, 2)["approved_at"] == 0
    with world.refuses("finished"):
        world.call("alice", "approve_extra", VISIT, 2)


def test_the_customer_agrees_once_and_only_to_extra_work(world: VisitsWorld) -> None:
    staff(world, "start", VISIT, NOTHING, UNREAD)
    staff(world, "extra", VISIT, 2, 31, 1_500, NOTHING)

    with world.refuses("nothing_to_approve"):
        world.call("alice", "approve_extra", VISIT, 1)
    with world.refuses("no_entry"):
        world.call("alice", "approve_extra", VISIT, 3)
    world.call("alice", "approve_extra", VISIT, 2)
    with world.refuses("nothing_to_approve"):
        world.call("alice", "approve_extra", VISIT, 2)
    assert world.seen("ExtraApproved") == [
        {"record": VISIT, "shop": "sparkle", "number": 2, "price": 1_500}
    ]


# Ends ---------------------------------------------------------------------------------------------


def test_a_record_that_nobody_finishes_ends_after_14_days_as_left_open(world: VisitsWorld) -> None:
    staff(world, "start", VISIT, NOTHING, UNREAD)
    staff(world, "step", VISIT, 2, 10)
    end = world.now + 14 * DAY_MS
    world.at(end - 1)
    assert world.view("record", VISIT)["finished_at"] == 0

    world.at(end)

    record = world.view("record", VISIT)
    assert (record["finished_at"], record["result"], record["entries"]) == (end, "LEFT_OPEN", 2)
    assert world.seen("Finished")[-1]["entries"] == 2
    with world.refuses("finished"):
        staff(world, "finish", VISIT, 3, "DONE", NOTES)


# Done again ---------------------------------------------------------------------------------------


def test_work_done_again_under_the_same_booking_has_a_record_that_links_the_first(
    world: VisitsWorld,
) -> None:
    finished(world)

    again = staff(world, "start_redo", VISIT, 85)

    staff(world, "finish", again, 2, "DONE", NOTES)
    record = world.view("record", again)
    assert (record["redo_of"], record["visit"], record["number"]) == (VISIT, VISIT, 2)
    assert (record["customer"], record["checked_in"], record["service"]) == ("alice", True, 7)
    assert (record["odometer"], record["result"]) == (85, "DONE")
    assert world.view("record", VISIT)["redos"] == 1


def test_work_done_again_by_a_booking_of_its_own_links_the_first_too(world: VisitsWorld) -> None:
    finished(world)

    staff(world, "start", CARD_USE, VISIT, UNREAD)

    assert world.view("record", CARD_USE)["redo_of"] == VISIT
    assert world.seen("Started")[-1]["redo_of"] == VISIT


def test_only_finished_work_of_the_same_shop_and_customer_is_done_again(
    world: VisitsWorld,
) -> None:
    bobs = world.visit(number(20), customer="bob")
    rivals = world.visit(number(21), shop="rival")
    with world.refuses("not_started"):
        staff(world, "start_redo", VISIT, UNREAD)
    staff(world, "start", VISIT, NOTHING, UNREAD)
    with world.refuses("not_finished"):
        staff(world, "start_redo", VISIT, UNREAD)
    staff(world, "finish", VISIT, 2, "DONE", NOTES)
    with world.refuses("other_customer"):
        staff(world, "start", bobs, VISIT, UNREAD)
    with world.refuses("not_shop"):
        world.call("rival", "start", rivals, VISIT, UNREAD, signer="other_desk")
    with world.refuses("not_shop"):
        world.call("rival", "start_redo", VISIT, UNREAD, signer="other_desk")
    with world.refuses("not_staff"):
        world.call("sparkle", "start_redo", VISIT, UNREAD)


def test_a_redo_of_a_redo_is_a_redo_of_the_first_and_three_are_enough(world: VisitsWorld) -> None:
    finished(world)
    for _ in range(3):
        again = staff(world, "start_redo", VISIT, UNREAD)
        staff(world, "finish", again, 2, "DONE", NOTES)
        with world.refuses("too_many"):
            staff(world, "start_redo", again, UNREAD)

    with world.refuses("too_many"):
        staff(world, "start_redo", VISIT, UNREAD)


def test_work_is_done_again_within_30_days(world: VisitsWorld) -> None:
    finished(world)
    last = world.copy().tick("30d")
    staff(last, "start_redo", VISIT, UNREAD)

    world.tick("30d").tick(1)

    with world.refuses("too_late"):
        staff(world, "start_redo", VISIT, UNREAD)
