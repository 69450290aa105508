"""While the car is with the shop: extra work, vouchers, a wrong car, a shop that is late."""

import pytest

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from tests.contracts.standard.setting import HELD, PEOPLE, RICH, SLOT, TOTAL, account, rules
from tests.contracts.standard.world import BookingWorld, new_world

GRACE = LATE = 20 * MINUTE_MS
WAX = 3_000
BACK = 5  # a voucher that comes back, as it is heard


def in_shop(upto: str = "check_in", delay_ms: int = 0) -> tuple[BookingWorld, bytes]:
    world = new_world(delay_ms)
    booking = world.book()
    world.serve(booking, upto=upto)
    return world, booking


# Extra work ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("upto", ["check_in", "start_service"])
def test_extra_work_that_the_customer_approves_is_paid(upto: str) -> None:
    world, booking = in_shop(upto)

    world.must("shop", "ask_extra", booking, WAX, "wax")
    world.must("alice", "approve_extra", booking, 1, funds=WAX)
    if upto == "check_in":
        world.must("shop", "start_service", booking)
    world.must("alice", "pay", booking, funds=TOTAL - HELD)
    world.must("shop", "ready", booking)
    world.must("alice", "confirm", booking)

    assert world.split(booking) == ("SETTLED", TOTAL + WAX, 0)
    assert world.seen("ExtraAsked") == [(booking, account("shop"), 1, WAX, b"wax")]
    assert world.seen("ExtraApproved") == [(booking, account("shop"), 1, WAX)]


def test_extra_work_without_approval_is_never_paid() -> None:
    world, booking = in_shop("start_service")
    world.must("shop", "ask_extra", booking, WAX, "wax")

    too_much = world.call("alice", "pay", booking, funds=TOTAL - HELD + 1)
    world.must("alice", "pay", booking, funds=TOTAL - HELD)
    by_shop = world.call("shop", "approve_extra", booking, 1)
    world.must("shop", "ready", booking)
    late = world.call("alice", "approve_extra", booking, 1, funds=WAX)
    world.fire_until()

    assert (too_much, by_shop, late) == ("wrong_amount", "not_customer", "wrong_state")
    assert world.split(booking) == ("SETTLED", TOTAL, 0)
    assert world.balance("alice") == RICH - TOTAL


def test_a_newer_question_takes_the_place_of_the_one_before() -> None:
    world, booking = in_shop()
    none = world.call("alice", "approve_extra", booking, 0, funds=1)
    world.must("shop", "ask_extra", booking, WAX, "wax")
    world.must("shop", "ask_extra", booking, 2 * WAX, "wax, twice")

    outcomes = [
        world.call("alice", "approve_extra", booking, number, funds=funds)
        for number, funds in ((1, WAX), (2, WAX), (3, 2 * WAX), (2, 2 * WAX), (2, 2 * WAX))
    ]

    assert none == "no_such_extra"
    assert outcomes == ["no_such_extra", "wrong_amount", "no_such_extra", "ok", "no_such_extra"]
    assert world.booking(booking)["total"] == TOTAL + 2 * WAX


def test_extra_work_costs_something() -> None:
    world, booking = in_shop()

    assert world.call("shop", "ask_extra", booking, 0, "a gift") == "price_not_positive"


def test_approved_extra_work_that_nobody_does_goes_back() -> None:
    world, booking = in_shop()
    world.must("shop", "ask_extra", booking, WAX, "wax")
    world.must("alice", "approve_extra", booking, 1, funds=WAX)

    world.fire_until()

    assert world.split(booking) == ("NO_SHOW_SHOP", 0, HELD + WAX)


# Vouchers -----------------------------------------------------------------------------------------


def worth(amount: int) -> bytes:
    return amount.to_bytes(32, "big")


@pytest.mark.parametrize("upto", ["check_in", "start_service"])
def test_a_voucher_lowers_what_is_still_to_pay(upto: str) -> None:
    world, booking = in_shop(upto)

    world.must("alice", "use_voucher", booking, worth(1_000))
    rest = world.call("alice", "pay", booking, funds=TOTAL - HELD - 999)
    world.must("alice", "pay", booking, funds=TOTAL - HELD - 1_000)

    assert rest == "wrong_amount"
    assert world.booking(booking)["total"] == TOTAL - 1_000
    assert world.seen("PaidBack") == []
    assert world.seen("VoucherUsed") == [
        (booking, account("shop"), worth(1_000), 1_000, TOTAL - 1_000)
    ]


@pytest.mark.parametrize("discount", [1, 1_000, TOTAL, 2 * TOTAL])
def test_what_is_held_above_the_lower_price_goes_back_at_once(discount: int) -> None:
    world, booking = in_shop("pay")
    taken = min(discount, TOTAL)

    world.must("alice", "use_voucher", booking, worth(discount))
    back = world.balance("alice") - (RICH - TOTAL)
    world.must("shop", "ready", booking)
    world.must("alice", "confirm", booking)

    assert back == taken
    assert world.seen("PaidBack") == [(booking, account("alice"), taken)]
    assert world.split(booking) == ("SETTLED", TOTAL - taken, 0)


def test_a_voucher_is_not_used_before_the_car_is_there_nor_after_the_work() -> None:
    world = new_world()
    booking = world.book()

    before = world.call("alice", "use_voucher", booking, worth(1))
    world.serve(booking)
    after = world.call("alice", "use_voucher", booking, worth(1))

    assert (before, after) == ("wrong_state", "wrong_state")


def test_a_voucher_that_does_not_count_changes_nothing() -> None:
    world, booking = in_shop()
    before = world.booking(booking)
    world.must("operator", "turn_deaf", 4)

    assert world.call("alice", "use_voucher", booking, worth(1)) == "link"
    assert world.booking(booking) == before


def came_back(world: BookingWorld) -> list[bytes]:
    return [values[-1] for values in world.seen("Heard") if values[0] == BACK]


def test_used_vouchers_come_back_beside_what_is_owed_if_the_shop_does_not_serve() -> None:
    world = new_world(tell=True)
    booking = world.book()
    world.serve(booking, upto="check_in")
    for amount in (4_000, 500):
        world.must("alice", "use_voucher", booking, worth(amount))

    world.fire_until()

    assert world.split(booking) == ("NO_SHOW_SHOP", 0, HELD)
    assert [values[-1] for values in world.seen("VoucherOwed")] == [550]
    assert came_back(world) == [worth(4_000), worth(500)]


@pytest.mark.parametrize(("claim_bp", "back"), [(None, 0), (5_000, 0), (10_000, 1)])
def test_a_voucher_comes_back_after_the_work_only_if_nothing_of_it_was_good(
    claim_bp: int | None, back: int
) -> None:
    world = new_world(tell=True)
    booking = world.book()
    world.serve(booking, upto="start_service")
    world.must("alice", "use_voucher", booking, worth(4_000))
    world.must("shop", "ready", booking)
    if claim_bp:
        world.must("alice", "claim_redo", booking, claim_bp)
    world.fire_until()

    assert came_back(world) == back * [worth(4_000)]


def test_a_visit_takes_four_vouchers() -> None:
    world, booking = in_shop()
    outcomes = [world.call("alice", "use_voucher", booking, worth(one)) for one in range(1, 6)]

    assert outcomes == ["ok"] * 4 + ["too_many"]


def test_who_says_alone_that_the_car_is_there_uses_no_voucher() -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT).must("alice", "check_in", booking)

    assert world.call("alice", "use_voucher", booking, worth(1)) == "wrong_state"
    world.must("shop", "start_service", booking)
    world.must("alice", "use_voucher", booking, worth(1))


# The wrong car ------------------------------------------------------------------------------------


def test_a_wrong_car_is_corrected_by_both_and_the_booking_waits_again() -> None:
    world, booking = in_shop()

    world.at(SLOT + 30 * MINUTE_MS).must("alice", "undo_check_in", booking, sponsor="shop")
    undone = world.booking(booking)
    waiting = world.where(booking)
    world.serve(booking, at=SLOT + 45 * MINUTE_MS, upto="confirm")

    assert waiting == "ACCEPTED"
    assert (undone["checked_in"], undone["co_signed"], undone["here_at"]) == (False, False, 0)
    assert world.split(booking) == ("SETTLED", TOTAL, 0)


@pytest.mark.parametrize("undo", [0, 10, 30])
def test_after_a_correction_the_wait_for_the_customer_begins_anew(undo: int) -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT - 10 * MINUTE_MS).must("alice", "check_in", booking, sponsor="shop")
    world.at(SLOT - 9 * MINUTE_MS).must("shop", "open_shop")
    at = SLOT + (undo - 5) * MINUTE_MS
    due = max(SLOT, at) + GRACE
    world.at(at).must("alice", "undo_check_in", booking, sponsor="shop")

    world.fire_until(due - 1)
    before = world.where(booking)
    world.fire_until(due)

    assert before == "ACCEPTED"
    assert world.split(booking) == ("NO_SHOW_CUSTOMER", 4_500, 500)
    assert world.waiting() == 0


def test_a_correction_gives_back_what_was_paid_at_the_counter() -> None:
    world = new_world()
    everything = rules(no_show={"fee_bp": 10_000, "fee_base": "held"})
    booking = world.book(policy=world.publish(everything))
    world.at(SLOT).must("alice", "check_in", booking, sponsor="shop")
    world.must("alice", "pay", booking, funds=TOTAL - HELD)
    world.must("shop", "open_shop")

    world.must("alice", "undo_check_in", booking, sponsor="shop")
    back = world.seen("PaidBack")
    world.fire_until()

    assert back == [(booking, account("alice"), TOTAL - HELD)]
    assert world.split(booking) == ("NO_SHOW_CUSTOMER", HELD, 0)


@pytest.mark.parametrize("name", [one for one in PEOPLE if one != "alice"])
@pytest.mark.parametrize("sponsor", [None, "shop", "alice"])
def test_a_check_in_is_not_undone_by_anybody_else(name: str, sponsor: str | None) -> None:
    world, booking = in_shop()
    if sponsor == name:
        sponsor = None

    assert world.call(name, "undo_check_in", booking, sponsor=sponsor) == "not_customer"
    assert world.where(booking) == "CHECKED_IN"


@pytest.mark.parametrize("sponsor", [None, "rival", "bob"])
def test_a_check_in_is_not_undone_by_the_customer_alone(sponsor: str | None) -> None:
    world, booking = in_shop()

    assert world.call("alice", "undo_check_in", booking, sponsor=sponsor) == "shop_must_sign"


@pytest.mark.parametrize("upto", ["start_service", "ready", "confirm"])
def test_work_that_has_begun_is_no_wrong_car(upto: str) -> None:
    world, booking = in_shop(upto)

    assert world.call("alice", "undo_check_in", booking, sponsor="shop") == "wrong_state"


def test_a_shop_can_not_check_in_a_car_by_itself() -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT)

    outcomes = [
        world.call("shop", "check_in", booking),
        world.call("shop", "check_in", booking, sponsor="alice"),
    ]

    assert outcomes == ["not_customer", "not_customer"]


# A late shop --------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", ["check_in", "arrived"])
@pytest.mark.parametrize(
    ("arrival", "earliest"),
    [(-15 * MINUTE_MS, LATE), (0, LATE), (15 * MINUTE_MS, 15 * MINUTE_MS + LATE)],
)
def test_a_customer_leaves_freely_when_the_shop_is_twenty_minutes_late(
    said: str, arrival: int, earliest: int
) -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT + arrival).must("alice", said, booking)

    early = world.at(SLOT + earliest - 1).call("alice", "leave", booking)
    world.at(SLOT + earliest).must("alice", "leave", booking)

    assert early == "too_early"
    assert world.split(booking) == ("NO_SHOW_SHOP", 0, HELD)
    assert world.seen("VoucherOwed") == []
    assert (world.balance("alice"), world.pots(), world.waiting()) == (RICH, 0, 0)


@pytest.mark.parametrize("delay_ms", [0, DAY_MS])
def test_who_was_checked_in_by_both_and_leaves_gets_a_voucher_too(delay_ms: int) -> None:
    world, booking = in_shop(delay_ms=delay_ms)

    world.at(SLOT + LATE).must("alice", "leave", booking)

    assert world.split(booking) == ("NO_SHOW_SHOP", 0, HELD)
    assert [values[-1] for values in world.seen("VoucherOwed")] == [900]


@pytest.mark.parametrize("upto", ["start_service", "ready"])
def test_nobody_leaves_once_the_work_has_begun(upto: str) -> None:
    world, booking = in_shop(upto)

    assert world.at(SLOT + HOUR_MS).call("alice", "leave", booking) == "wrong_state"


def test_the_shop_has_those_twenty_minutes_to_say_that_nobody_is_there() -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT - 1).must("shop", "open_shop")
    world.at(SLOT).must("alice", "arrived", booking)
    world.at(SLOT + LATE - 1).must("shop", "not_here", booking)

    assert world.at(SLOT + LATE).call("alice", "leave", booking) == "wrong_state"
    assert world.where(booking) == "DISPUTED"


# A check-in that the customer alone signed --------------------------------------------------------


def test_a_lone_check_in_is_contested_like_a_lone_arrival() -> None:
    world = new_world()
    booking = world.book()
    world.at(SLOT - 1).must("shop", "open_shop")
    world.at(SLOT).must("alice", "check_in", booking)
    world.must("alice", "pay", booking, funds=TOTAL - HELD)

    world.must("shop", "not_here", booking)
    world.fire_until()

    assert world.seen("PaidBack") == [(booking, account("alice"), TOTAL - HELD)]
    assert world.split(booking) == ("RULED", 2_250, 2_750)


def test_a_check_in_signed_by_both_is_not_contested() -> None:
    world, booking = in_shop()
    world.must("shop", "open_shop")

    assert world.call("shop", "not_here", booking) == "wrong_state"
