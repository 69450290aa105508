"""What cancelling or missing a visit would cost, and why: the same figures as when it happens."""

from typing import Any

import pytest

from chain.types import HOUR_MS, MINUTE_MS
from contracts.vm.traps import Trap, TrapKind
from node.catalog import abi
from node.rehearse.policies import PRESETS, Policy
from tests.contracts.standard.setting import HELD, SLOT, TOTAL, rules
from tests.contracts.standard.world import BookingWorld, new_world

FAIR, STANDARD = PRESETS["fair"], PRESETS["standard"]


def trace(world: BookingWorld, view: str, *arguments: Any) -> dict[str, Any]:
    """Return a preview by field, with words for its reasons."""
    names = [one["name"] for one in abi("booking")["records"]["Quote"]]
    found = dict(zip(names, world.read(view, *arguments), strict=True))
    words = {
        kind: {number: name for name, number in abi("booking")["enums"][kind].items()}
        for kind in ("Why", "Bound")
    }
    return {
        **found, "why": words["Why"][found["why"]], "bound": words["Bound"][found["bound"]],
    }  # fmt: skip


def booked(policy: Policy, total: int) -> tuple[BookingWorld, bytes]:
    world = new_world()
    return world, world.book(policy=world.publish(policy), total=total)


def fee_and_refund(found: dict[str, Any]) -> tuple[int, int]:
    return found["fee"], found["refund"]


# The worked cases ---------------------------------------------------------------------------------


def test_case_a_a_wash_cancelled_74_minutes_before_costs_a_tenth() -> None:
    world, booking = booked(FAIR, 6_800)
    at = SLOT - 74 * MINUTE_MS

    found = trace(world, "preview_cancel", booking, at)
    world.at(at).must("alice", "cancel_booking", booking)

    assert found == {
        "why": "TIER", "tier": 2, "lead": 74 * MINUTE_MS, "base": 6_800, "bp": 1_000, "share": 680,
        "bound": "SHARE", "held": 6_800, "fee": 680, "refund": 6_120,
    }  # fmt: skip
    assert world.split(booking) == ("CANCELLED_CUSTOMER", 680, 6_120)


def test_case_b_the_same_wash_missed_costs_three_tenths() -> None:
    world, booking = booked(FAIR, 6_800)

    found = trace(world, "preview_no_show", booking)
    world.at(SLOT).must("shop", "open_shop")
    world.fire_until()

    assert found == {
        "why": "MISSED", "tier": 0, "lead": 0, "base": 6_800, "bp": 3_000, "share": 2_040,
        "bound": "SHARE", "held": 6_800, "fee": 2_040, "refund": 4_760,
    }  # fmt: skip
    assert world.split(booking) == ("NO_SHOW_CUSTOMER", 2_040, 4_760)


@pytest.mark.parametrize(
    ("lead", "fee", "refund"), [(10 * HOUR_MS, 9_975, 0), (30 * HOUR_MS, 0, 9_975)]
)
def test_case_c_detailing_cancelled_within_a_day_costs_its_deposit(
    lead: int, fee: int, refund: int
) -> None:
    world, booking = booked(STANDARD, 39_900)

    found = trace(world, "preview_cancel", booking, SLOT - lead)
    world.at(SLOT - lead).must("alice", "cancel_booking", booking)

    assert found["held"] == 9_975
    assert fee_and_refund(found) == (fee, refund)
    assert world.split(booking) == ("CANCELLED_CUSTOMER", fee, refund)


def test_a_fee_above_what_is_held_says_so() -> None:
    world, booking = booked(STANDARD, 39_900)

    found = trace(world, "preview_cancel", booking, SLOT - HOUR_MS)

    assert (found["tier"], found["share"], found["bound"]) == (3, 19_950, "HELD")
    assert fee_and_refund(found) == (9_975, 0)


# Edges of the tiers -------------------------------------------------------------------------------

HOURLY = rules(
    hold_bp=10_000,
    tiers=[{"lead_ms_min": HOUR_MS}, {"lead_ms_min": 0, "fee_bp": 2_500}],
)


@pytest.mark.parametrize(
    ("lead", "tier", "fee"),
    [(HOUR_MS + 1, 1, 0), (HOUR_MS, 1, 0), (HOUR_MS - 1, 2, 2_500), (0, 2, 2_500)],
)
def test_exactly_sixty_minutes_before_is_the_sixty_minute_tier(
    lead: int, tier: int, fee: int
) -> None:
    world, booking = booked(HOURLY, TOTAL)

    found = trace(world, "preview_cancel", booking, SLOT - lead)
    world.at(SLOT - lead).must("alice", "cancel_booking", booking)

    assert (found["tier"], found["lead"]) == (tier, lead)
    assert fee_and_refund(found) == (fee, TOTAL - fee)
    assert world.split(booking) == ("CANCELLED_CUSTOMER", fee, TOTAL - fee)


# Every reason -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fee", "bound", "amount"),
    [
        ({"fee_bp": 1_000, "fee_min": 1_200}, "LEAST", 1_200),
        ({"fee_bp": 1_000, "fee_min": 1_000}, "SHARE", 1_000),
        ({"fee_bp": 1_000, "fee_cap": 900}, "CAP", 900),
        ({"fee_bp": 1_000, "fee_cap": 1_000}, "SHARE", 1_000),
        ({"fee_bp": 1_000, "fee_min": 1_200, "fee_cap": 900}, "CAP", 900),
        ({"fee_bp": 5_001}, "HELD", HELD),
        ({"fee_bp": 1_000, "fee_base": "held"}, "SHARE", HELD // 10),
    ],
)
def test_a_preview_names_what_decides_the_amount(
    fee: dict[str, Any], bound: str, amount: int
) -> None:
    policy = rules(tiers=[{"lead_ms_min": 0, **fee}], no_show=fee)
    world, booking = booked(policy, TOTAL)

    previews = [
        trace(world, "preview_cancel", booking, SLOT - 1),
        trace(world, "preview_no_show", booking),
    ]

    assert [(one["why"], one["bound"], one["fee"]) for one in previews] == [
        ("TIER", bound, amount),
        ("MISSED", bound, amount),
    ]


def test_what_costs_nothing_says_why() -> None:
    world, booking = booked(rules(tiers=[{"lead_ms_min": HOUR_MS, "fee_bp": 1_000}]), TOTAL)

    cooling = trace(world, "preview_cancel", booking, world.now + MINUTE_MS)
    none = trace(world, "preview_cancel", booking, SLOT - HOUR_MS + 1)
    late = trace(world, "preview_cancel", booking, SLOT + 1)
    world.at(SLOT - HOUR_MS).must("shop", "announce_weather", SLOT // (24 * HOUR_MS))
    weather = trace(world, "preview_cancel", booking, SLOT - HOUR_MS)

    assert [one["why"] for one in (cooling, none, late, weather)] == [
        "COOLING_OFF",
        "NO_TIER",
        "MISSED",
        "WEATHER",
    ]
    assert [one["fee"] for one in (cooling, none, late, weather)] == [0, 0, 4_500, 0]


def test_a_visit_missed_at_a_closed_shop_costs_nothing_and_says_so() -> None:
    world = new_world(HOUR_MS)
    booking = world.book()
    world.fire_until(SLOT + 20 * MINUTE_MS)

    found = trace(world, "preview_no_show", booking)

    assert (found["why"], *fee_and_refund(found)) == ("UNATTENDED", 0, HELD)


@pytest.mark.parametrize("view", ["preview_cancel", "preview_no_show"])
def test_what_can_not_happen_any_more_has_no_preview(view: str) -> None:
    world = new_world()
    booking = world.book()
    world.serve(booking)
    more = (SLOT,) if view == "preview_cancel" else ()

    with pytest.raises(Trap) as caught:
        world.read(view, booking, *more)

    assert caught.value.kind == TrapKind.REQUIRE
