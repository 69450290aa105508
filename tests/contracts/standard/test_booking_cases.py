"""Worked money cases, and random ones against plain arithmetic of no common line."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.rehearse.policies import Policy
from tests.contracts.standard.setting import SLOT
from tests.contracts.standard.world import BookingWorld, new_world
from tests.node import oracle

VECTORS = Path(__file__).parents[2] / "vectors" / "contracts" / "booking_cases.json"
CASES = json.loads(VECTORS.read_text(encoding="utf-8"))
BY_SHOP = {"open_shop", "close_shop", "announce_weather"}


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: case["name"])
@pytest.mark.parametrize("delay_ms", [0, DAY_MS])
def test_a_worked_case_comes_to_its_figures(case: dict[str, Any], delay_ms: int) -> None:
    world = new_world(delay_ms)
    policy = world.publish(Policy.model_validate(CASES["policies"][case["policy"]]))
    arguments, _held = world.order(policy, total=case["total"], end=SLOT + case["length_ms"])
    booking = world.must("alice", "request", *arguments, funds=case["held"])

    for step in case["steps"]:
        values = step["arguments"] if step["action"] in BY_SHOP else (booking, *step["arguments"])
        world.at(SLOT + step["at_ms"])
        world.must(
            step["who"], step["action"], *values, funds=step["funds"], sponsor=step["sponsor"]
        )
    world.fire_until()

    assert world.split(booking) == (case["state"], case["to_shop"], case["to_customer"])
    assert sum(values[-1] for values in world.seen("VoucherOwed")) == case["voucher"]
    assert (world.pots(), world.waiting()) == (0, 0)


# Against plain arithmetic -------------------------------------------------------------------------

MONEY = st.sampled_from([0, 1, 99, 1_000, 4_999, 123_456])
DURATIONS = st.sampled_from(
    [0, 1, MINUTE_MS, HOUR_MS, 2 * HOUR_MS, DAY_MS, 3 * DAY_MS, 30 * DAY_MS, 400 * DAY_MS]
)
FEES = st.fixed_dictionaries(
    {},
    optional={
        "fee_bp": st.integers(0, 10_000),
        "fee_base": st.sampled_from(["total", "held"]),
        "fee_min": MONEY,
        "fee_cap": MONEY,
    },
)
POLICIES = st.fixed_dictionaries(
    {},
    optional={
        "hold_bp": st.integers(0, 10_000),
        "hold_min": MONEY,
        "hold_max": MONEY,
        "hold_per_day_min": MONEY,
        "tiers": st.dictionaries(DURATIONS, FEES, max_size=8).map(
            lambda tiers: [{"lead_ms_min": lead, **fee} for lead, fee in tiers.items()]
        ),
        "no_show": FEES,
        "grace_ms": DURATIONS,
        "cooling_off_ms": DURATIONS,
    },
)
PRICES = st.one_of(st.integers(1, 500), st.integers(1, 1_000_000), st.just(333_333))
LENGTHS = st.one_of(
    st.sampled_from([0, 1, DAY_MS - 1, DAY_MS, DAY_MS + 1]), st.integers(0, 40 * DAY_MS)
)


def moment(time: int) -> str:
    """Return a time as the history files write it."""
    shown = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time)
    return shown.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@given(policy=POLICIES, price=PRICES, length=LENGTHS)
def test_the_hold_is_what_plain_arithmetic_says(
    policy: dict[str, Any], price: int, length: int
) -> None:
    world = new_world()
    identity = world.publish(Policy.model_validate(policy))

    found = world.read("hold", identity, price, SLOT, SLOT + length)

    assert found == oracle.held(price, SLOT, SLOT + length, policy)


@given(data=st.data(), policy=POLICIES, price=PRICES, length=LENGTHS)
def test_the_fee_of_cancelling_is_what_plain_arithmetic_says(
    data: st.DataObject, policy: dict[str, Any], price: int, length: int
) -> None:
    world = new_world()
    booking = _book(world, policy, price, length)
    lead = data.draw(_leads(policy, world.now))
    assume(SLOT - lead > world.now)
    if lead < 0:
        _open(world, SLOT - lead)
    _wait(world, SLOT - lead)
    assume(world.pots() == 1)

    hold = oracle.held(price, SLOT, SLOT + length, policy)
    created = world.booking(booking)["created_at"]
    cooling = world.now < created + oracle.number(policy, "cooling_off_ms")
    expected = 0 if cooling else oracle.cancellation_fee(policy, price, hold, lead)
    assert world.read("cancel_fee", booking) == expected


def _leads(policy: dict[str, Any], now: int) -> st.SearchStrategy[int]:
    """Return leads near every boundary of the rules, and others."""
    edges = [0, SLOT - now - oracle.number(policy, "cooling_off_ms")]
    edges += [tier["lead_ms_min"] for tier in policy.get("tiers", ())]
    near = [edge + off for edge in edges for off in (-1, 0, 1) if edge + off < SLOT - now]
    return st.one_of(st.sampled_from(near), st.integers(-2 * DAY_MS, SLOT - now - 1))


def _book(world: BookingWorld, policy: dict[str, Any], price: int, length: int) -> bytes:
    identity = world.publish(Policy.model_validate(policy))
    return world.book(policy=identity, total=price, end=SLOT + length)


def _wait(world: BookingWorld, time: int) -> None:
    world.fire_until(time - 1)
    world.make_block(time)


OUTCOMES = st.sampled_from(["completed", "cancelled", "no_show"])


@given(data=st.data(), policy=POLICIES, price=PRICES, length=LENGTHS, outcome=OUTCOMES)
def test_a_booking_ends_as_plain_arithmetic_says(
    data: st.DataObject, policy: dict[str, Any], price: int, length: int, outcome: str
) -> None:
    world = new_world()
    booking = _book(world, policy, price, length)
    created = world.booking(booking)["created_at"]
    held = world.read("held_money", booking)
    late = (
        st.integers(0, 100 * DAY_MS)
        if outcome == "completed"
        else _leads(policy, world.now).map(lambda x: -x)
    )
    at = SLOT + data.draw(late)
    assume(at > world.now)

    _live(world, booking, outcome, at)
    world.fire_until()

    row = {
        "price_minor": str(price), "created_at": moment(created), "slot_start": moment(SLOT),
        "slot_end": moment(SLOT + length), "outcome_at": moment(at), "outcome": outcome,
    }  # fmt: skip
    ending = oracle.settle(row, policy)
    assert world.balance("shop") == ending.payout
    paid = held + sum(values[-1] for values in world.seen("Paid"))
    assert (paid, paid - ending.payout) == (ending.escrow_in, ending.refund)
    assert (world.pots(), world.waiting()) == (0, 0)


def _live(world: BookingWorld, booking: bytes, outcome: str, at: int) -> None:
    """Let customer and shop do what the outcome says; steps that come too late are refused."""
    price = world.booking(booking)["total"]
    steps: list[tuple[int, str, str, int]] = []
    if outcome == "cancelled":
        steps = [(at, "alice", "cancel_booking", 0)]
    elif outcome == "completed":
        rest = price - world.read("held_money", booking)
        steps = [(SLOT, "alice", "check_in", 0), (SLOT, "shop", "start_service", 0)]
        steps += [(SLOT, "alice", "pay", rest)] if rest else []
        steps += (
            [(SLOT, "alice", "extend", 0)] if at + DAY_MS > world.booking(booking)["until"] else []
        )
        steps += [(at, "shop", "ready", 0), (at, "alice", "confirm", 0)]
    grace = world.policies[world.booking(booking)["policy"]].grace_ms
    if grace is not None:
        steps.append((SLOT + grace, "shop", "", 0))
    for time, name, function, funds in sorted(steps, key=lambda step: step[0]):
        _open(world, time)
        if function:
            more = (at + DAY_MS,) if function == "extend" else ()
            world.at(max(time, world.now + 1)).call(name, function, booking, *more, funds=funds)


def _open(world: BookingWorld, time: int) -> None:
    """Let the shop be open at `time`, and go to just before it."""
    if world.now < time - HOUR_MS:
        world.at(time - HOUR_MS)
    if world.now < time - 1:
        world.must("shop", "open_shop")
    world.fire_until(time - 1)
