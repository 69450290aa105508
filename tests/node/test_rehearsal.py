"""Rehearsals of generated histories against plain arithmetic, shop by shop."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

import node.rehearse.chain as rehearsal_chain
import node.rehearse.stage as rehearsal_stage
from node.rehearse.plan import Plan, Planner, hold_of, policy_id, policy_words
from node.rehearse.policies import PRESETS, Policy, load_policies
from node.rehearse.rows import Row, read_rows
from node.rehearse.run import Result, rehearse
from tests.node.generate import generate, write
from tests.node.golden import GOLDEN, sample_chain
from tests.node.oracle import expect_files

DAY = 86_400_000
NOON = 1_700_000_000_000 // DAY * DAY + DAY // 2
FAIR = PRESETS["fair"]


def booking(**changes: Any) -> Row:
    row = Row(
        number=1,
        booking_id="b1",
        shop_id="s1",
        customer_id="c1",
        created_at_ms=NOON - DAY,
        slot_start_ms=NOON,
        slot_end_ms=NOON + 3_600_000,
        price_minor=6_800,
        currency="CNY",
        policy="p",
        outcome="completed",
        outcome_at_ms=NOON + 3_600_000,
    )
    return dataclasses.replace(row, **changes)


def outcome(row: Row, policy: Policy = FAIR) -> dict[str, int]:
    result = rehearse(Planner({"p": policy}).add_all([row]))
    assert result.conserved
    return result.tally.total().as_dict()


@pytest.mark.timeout(240)
@pytest.mark.parametrize("seed", [1, 2])
def test_nasty_histories_come_out_as_plain_arithmetic_says(seed: int, tmp_path: Path) -> None:
    write(tmp_path, *generate(seed, 700))
    bookings = next(path for path in tmp_path.iterdir() if ".csv" in path.name)
    policies = tmp_path / "policies.json"
    expected = expect_files(bookings, policies)

    result = rehearse(Planner(load_policies(policies)).add_all(read_rows(bookings)))

    assert {name: shop.as_dict() for name, shop in result.tally.table()} == expected["shops"]
    assert result.tally.reasons == expected["rejected_reasons"]
    assert result.conserved


def test_an_instant_of_many_blocks_changes_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    late = NOON + 21 * 60_000
    ends = [
        ("completed", NOON + 60_000),
        ("cancelled", NOON),
        ("cancelled", late),
        ("no_show", NOON),
    ]
    rows = [
        booking(
            booking_id=str(n),
            customer_id=str(n),
            outcome=ends[n % 4][0],
            outcome_at_ms=ends[n % 4][1],
        )
        for n in range(40)
    ]

    def run() -> Result:
        return rehearse(Planner({"p": FAIR}).add_all(rows))

    whole = run()
    monkeypatch.setattr(rehearsal_stage, "_GAS_SHARE", (1, 1_000))
    split = run()

    assert split.blocks > whole.blocks + 10
    assert split.tally.table() == whole.tally.table()
    assert split.transactions == whole.transactions
    assert whole.tally.total().no_show == 20


def test_the_last_block_of_an_instant_carries_it_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    times: list[int] = []
    original = rehearsal_chain.RehearsalChain.make_block

    def note(self: rehearsal_chain.RehearsalChain, group: list[object], at: int) -> None:
        times.append(at)
        original(self, group, at)  # type: ignore[arg-type]

    monkeypatch.setattr(rehearsal_chain.RehearsalChain, "make_block", note)
    monkeypatch.setattr(rehearsal_stage, "_GAS_SHARE", (1, 10_000))
    rows = [booking(booking_id=str(n), customer_id=str(n)) for n in range(3)]

    rehearse(Planner({"p": FAIR}).add_all(rows))

    assert [at for at in times if NOON - DAY - 100 < at <= NOON - DAY] == [
        NOON - DAY - 2,
        NOON - DAY - 1,
        NOON - DAY,
    ]


def test_the_bundled_sample_makes_the_same_chain_everywhere(tmp_path: Path) -> None:
    assert sample_chain(tmp_path) == json.loads(GOLDEN.read_text("utf-8"))


def test_a_late_cancellation_keeps_the_late_fee() -> None:
    row = booking(outcome="cancelled", outcome_at_ms=NOON - 74 * 60_000)

    assert outcome(row) == {
        "bookings": 1, "escrow_in": 6_800, "refunds": 6_120, "payouts": 680,
        "cancelled": 1, "no_show": 0, "rejected": 0,
    }  # fmt: skip


def test_a_missed_visit_is_charged_by_the_chain_itself() -> None:
    row = booking(outcome="no_show", outcome_at_ms=NOON)

    assert outcome(row) == {
        "bookings": 1, "escrow_in": 6_800, "refunds": 4_760, "payouts": 2_040,
        "cancelled": 0, "no_show": 1, "rejected": 0,
    }  # fmt: skip


def test_a_cancellation_after_the_missed_visit_changes_nothing() -> None:
    row = booking(outcome="cancelled", outcome_at_ms=NOON + 20 * 60_000)

    assert outcome(row)["no_show"] == 1
    assert outcome(row)["payouts"] == 2_040


def test_money_nobody_asks_for_goes_back_when_its_pot_is_over() -> None:
    row = booking(outcome="no_show", outcome_at_ms=NOON)

    assert outcome(row, Policy(hold_bp=5_000)) == {
        "bookings": 1, "escrow_in": 3_400, "refunds": 3_400, "payouts": 0,
        "cancelled": 0, "no_show": 0, "rejected": 0,
    }  # fmt: skip


def test_two_currencies_are_two_assets_and_never_mix() -> None:
    rows = [booking(), booking(booking_id="b2", currency="EUR", shop_id="s2", price_minor=100)]

    result = rehearse(Planner({"p": FAIR}).add_all(rows))

    assert result.conserved
    assert {name: shop.payouts for name, shop in result.tally.table()} == {"s1": 6_800, "s2": 100}


def test_names_with_every_kind_of_letter_come_back_as_they_were() -> None:
    names = ["", "老王洗车", "x" * 300, "a\u0000b", "Ω≈ç√", "<script>"]
    rows = [booking(booking_id=str(n), shop_id=name) for n, name in enumerate(names)]

    result = rehearse(Planner({"p": FAIR}).add_all(rows))

    shown = [name for name, _ in result.tally.table()]
    assert len(shown) == len(names)
    assert set(names) - set(shown) == {"x" * 300}


def test_an_empty_history_gives_an_empty_table() -> None:
    result = rehearse(Planner({}).add_all([]))

    assert (result.tally.table(), result.transactions > 0, result.conserved) == ([], True, True)


def test_the_words_of_a_policy_fit_what_the_contract_takes() -> None:
    ids = {name: policy_id(policy) for name, policy in PRESETS.items()}

    assert len(set(ids.values())) == len(PRESETS)
    assert all(len(policy_words(policy)) == 18 for policy in PRESETS.values())


def test_a_hold_is_raised_cut_and_never_above_the_price() -> None:
    policy = Policy(hold_bp=2_000, hold_min=500, hold_max=3_000, hold_per_day_min=1_000)

    holds = [
        hold_of(policy, total, 0, days * DAY)
        for total, days in ((10_000, 0), (100, 0), (10_000, 2), (90_000, 1))
    ]

    assert holds == [2_000, 100, 2_000, 3_000]


def test_an_empty_customer_is_somebody_of_his_own() -> None:
    rows = [booking(booking_id=str(n), customer_id="") for n in range(3)]

    plan: Plan = Planner({"p": FAIR}).add_all(rows)

    assert plan.customers == 3
