"""Histories at the edges of what a chain can carry: full instants, the first days of time."""

import dataclasses
from typing import Any

import pytest

import node.rehearse.genesis as rehearsal_genesis
from node.rehearse.errors import RehearsalError
from node.rehearse.plan import Plan, Planner
from node.rehearse.policies import Policy
from node.rehearse.rows import Row
from node.rehearse.run import rehearse

DAY = 86_400_000
MIDNIGHT = 20_000 * DAY
ALL_HELD = Policy(hold_bp=10_000, grace_ms=0, no_show={"fee_bp": 5_000})  # type: ignore[arg-type]


def booking(number: int, **changes: Any) -> Row:
    row = Row(
        number=number,
        booking_id=f"b{number}",
        shop_id="s1",
        customer_id=f"c{number}",
        created_at_ms=MIDNIGHT,
        slot_start_ms=MIDNIGHT,
        slot_end_ms=MIDNIGHT,
        price_minor=1_000,
        currency="CNY",
        policy="p",
        outcome="cancelled",
        outcome_at_ms=MIDNIGHT,
    )
    return dataclasses.replace(row, **changes)


def plan_of(rows: list[Row]) -> Plan:
    return Planner({"p": ALL_HELD}).add_all(rows)


def test_everything_of_a_full_day_happens_at_its_midnight_not_a_moment_beside(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rehearsal_genesis, "BLOCK_GAS", 400_000)
    outcomes = ("cancelled", "completed", "no_show")

    result = rehearse(plan_of([booking(n, outcome=outcomes[n % 3]) for n in range(150)]))

    assert result.tally.total().as_dict() == {
        "bookings": 150, "escrow_in": 150_000, "refunds": 75_000, "payouts": 75_000,
        "cancelled": 0, "no_show": 150, "rejected": 0,
    }  # fmt: skip
    assert result.conserved


def test_the_blocks_of_an_ordinary_history_keep_the_usual_limits() -> None:
    params = rehearsal_genesis.make_genesis(plan_of([booking(1)])).chain_params()

    assert params.block_gas_max == rehearsal_genesis.BLOCK_GAS
    assert params.block_bytes_max == rehearsal_genesis.BLOCK_BYTES


@pytest.mark.parametrize("outcome", ["cancelled", "no_show"])
def test_a_booking_in_the_first_moment_of_1970_is_a_booking(outcome: str) -> None:
    row = booking(
        1, created_at_ms=0, slot_start_ms=0, slot_end_ms=0, outcome=outcome, outcome_at_ms=0
    )

    result = rehearse(plan_of([row]))

    assert result.tally.total().as_dict() == {
        "bookings": 1, "escrow_in": 1_000, "refunds": 500, "payouts": 500,
        "cancelled": 0, "no_show": 1, "rejected": 0,
    }  # fmt: skip


def test_a_booking_that_the_chain_did_not_take_is_never_left_out_in_silence() -> None:
    plan = plan_of([booking(1), booking(2)])
    plan.spending[1, 0] = 1

    with pytest.raises(RehearsalError, match="1 of 2 bookings were made"):
        rehearse(plan)
