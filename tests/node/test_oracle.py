"""The oracle against cases worked by hand and real data; the bundled and the generated files."""

import gzip
import json
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from bench import make_sample
from node.rehearse.policies import PRESETS, load_policies
from node.rehearse.rows import parse_time, read_rows, refusal
from tests.node import generate, oracle
from tests.node.oracle import Ending

ROOT = Path(__file__).parents[2]
HOTEL = ROOT / "tests/vectors/bookings-hotel"
SAMPLES = ROOT / "node/samples"
MINUTE_MS = 60_000
DAY_MS = 86_400_000
START = "2025-03-10T10:00:00"
START_MS = oracle.milliseconds(START)


def preset(name: str) -> dict[str, Any]:
    return PRESETS[name].model_dump(mode="json")


def booking(
    price: int,
    outcome: str,
    at_ms: int,
    *,
    created_ms: int = START_MS - 7 * DAY_MS,
    minutes: int = 60,
) -> dict[str, str]:
    """A booking whose times are given in ms."""

    def text(ms: int) -> str:
        found = f"{datetime.fromtimestamp(ms // 1000, UTC):%Y-%m-%dT%H:%M:%S}"
        return f"{found}.{ms % 1000:03}Z"

    return {
        "shop_id": "s",
        "policy": "p",
        "price_minor": str(price),
        "created_at": text(created_ms),
        "slot_start": START,
        "slot_end": text(START_MS + minutes * MINUTE_MS),
        "outcome": outcome,
        "outcome_at": text(at_ms),
    }


@pytest.mark.parametrize(
    ("rules", "price", "outcome", "minutes_before", "ending"),
    [
        ("fair", 6_800, "cancelled", 74, Ending(6_800, 6_120, 680, "cancelled")),
        ("fair", 6_800, "cancelled", 120, Ending(6_800, 6_800, 0, "cancelled")),
        ("fair", 6_800, "no_show", -60, Ending(6_800, 4_760, 2_040, "no_show")),
        ("fair", 39_900, "no_show", -60, Ending(39_900, 34_900, 5_000, "no_show")),
        ("fair", 39_900, "cancelled", 74, Ending(39_900, 37_900, 2_000, "cancelled")),
        ("fair", 6_800, "completed", -60, Ending(6_800, 0, 6_800, "completed")),
        ("standard", 39_900, "cancelled", 600, Ending(9_975, 0, 9_975, "cancelled")),
        ("standard", 39_900, "cancelled", 1_800, Ending(9_975, 9_975, 0, "cancelled")),
        ("strict", 288_000, "cancelled", 1_440, Ending(57_600, 28_800, 28_800, "cancelled")),
        ("strict", 288_000, "cancelled", 1_439, Ending(57_600, 0, 57_600, "cancelled")),
        ("strict", 288_000, "no_show", -60, Ending(57_600, 0, 57_600, "no_show")),
        ("strict", 30_000, "cancelled", 5_000, Ending(10_000, 10_000, 0, "cancelled")),
        ("mobile", 15_800, "cancelled", 60, Ending(3_950, 0, 3_950, "cancelled")),
        ("flexible", 20_000, "no_show", -60, Ending(20_000, 19_000, 1_000, "no_show")),
        ("walkin", 3_800, "no_show", -60, Ending(0, 0, 0, "no_show")),
        ("walkin", 3_800, "completed", -60, Ending(3_800, 0, 3_800, "completed")),
    ],
)
def test_the_presets_come_to_the_sums_worked_by_hand(
    rules: str, price: int, outcome: str, minutes_before: int, ending: Ending
) -> None:
    row = booking(price, outcome, START_MS - minutes_before * MINUTE_MS)

    found = oracle.settle(row, preset(rules))

    assert found == ending


HALF = {"fee_bp": 5_000}
RULES = {
    "hold_bp": 10_000,
    "tiers": [{"lead_ms_min": 1_000, "fee_bp": 1_000}, HALF],
    "no_show": HALF,
}
POT_END_MS = START_MS + 60 * MINUTE_MS + 90 * DAY_MS


@pytest.mark.parametrize(
    ("rules", "outcome", "at_ms", "ending"),
    [
        # The last instant of a wait belongs to whoever waited.
        ({"grace_ms": 5}, "cancelled", START_MS + 4, Ending(1_000, 500, 500, "cancelled")),
        ({"grace_ms": 5}, "cancelled", START_MS + 5, Ending(1_000, 500, 500, "no_show")),
        ({"grace_ms": 0}, "cancelled", START_MS, Ending(1_000, 500, 500, "no_show")),
        ({"grace_ms": 0}, "completed", START_MS + 9, Ending(1_000, 500, 500, "no_show")),
        ({}, "cancelled", START_MS - 1_000, Ending(1_000, 900, 100, "cancelled")),
        ({}, "cancelled", START_MS - 999, Ending(1_000, 500, 500, "cancelled")),
        ({"tiers": []}, "cancelled", START_MS, Ending(1_000, 1_000, 0, "cancelled")),
        ({"tiers": []}, "cancelled", START_MS + 1, Ending(1_000, 500, 500, "cancelled")),
        # Cooling off ends at its last instant too, and goes before everything but the grace.
        (
            {"cooling_off_ms": 8 * DAY_MS},
            "cancelled",
            START_MS,
            Ending(1_000, 1_000, 0, "cancelled"),
        ),
        (
            {"cooling_off_ms": 7 * DAY_MS},
            "cancelled",
            START_MS,
            Ending(1_000, 500, 500, "cancelled"),
        ),
        # Without a timer nobody decides, and the pot returns to the customer.
        ({}, "no_show", START_MS, Ending(1_000, 1_000, 0, "")),
        ({}, "cancelled", POT_END_MS - 1, Ending(1_000, 500, 500, "cancelled")),
        ({}, "cancelled", POT_END_MS, Ending(1_000, 1_000, 0, "")),
        ({}, "completed", START_MS, Ending(1_000, 0, 1_000, "completed")),
        ({}, "completed", START_MS - 1, Ending(1_000, 0, 1_000, "completed")),
        ({}, "completed", POT_END_MS - 1, Ending(1_000, 0, 1_000, "completed")),
        # The customer lets the money be held while the work drags on, but not beyond three years.
        ({}, "completed", POT_END_MS, Ending(1_000, 0, 1_000, "completed")),
        ({}, "completed", START_MS + 1_096 * DAY_MS, Ending(1_000, 1_000, 0, "")),
        ({"grace_ms": 91 * DAY_MS}, "no_show", START_MS, Ending(1_000, 1_000, 0, "")),
        # Holds and fees: floors, raised, cut, never above the price or the hold.
        (
            {"hold_bp": 3_333, "no_show": {}},
            "completed",
            START_MS,
            Ending(1_000, 0, 1_000, "completed"),
        ),
        (
            {"hold_bp": 0, "hold_min": 5_000, "grace_ms": 5},
            "no_show",
            START_MS,
            Ending(1_000, 500, 500, "no_show"),
        ),
        ({"hold_max": 300, "grace_ms": 5}, "no_show", START_MS, Ending(300, 0, 300, "no_show")),
        (
            {"hold_bp": 0, "hold_per_day_min": 70, "grace_ms": 5},
            "no_show",
            START_MS,
            Ending(70, 0, 70, "no_show"),
        ),
        (
            {"grace_ms": 5, "no_show": {"fee_min": 7}},
            "no_show",
            START_MS,
            Ending(1_000, 993, 7, "no_show"),
        ),
        (
            {"grace_ms": 5, "no_show": HALF | {"fee_min": 800, "fee_cap": 600}},
            "no_show",
            START_MS,
            Ending(1_000, 400, 600, "no_show"),
        ),
        (
            {"hold_bp": 333, "grace_ms": 5, "no_show": HALF | {"fee_base": "held"}},
            "no_show",
            START_MS,
            Ending(33, 17, 16, "no_show"),
        ),
        ({"grace_ms": 5, "no_show": None}, "no_show", START_MS, Ending(1_000, 1_000, 0, "no_show")),
    ],
)
def test_every_boundary_falls_on_its_side(
    rules: dict[str, Any], outcome: str, at_ms: int, ending: Ending
) -> None:
    row = booking(1_000, outcome, at_ms)

    found = oracle.settle(row, RULES | rules)

    assert found == ending


def test_the_hotels_come_to_the_known_sums() -> None:
    found = oracle.expect_files(HOTEL / "bookings_norm.csv.gz", HOTEL / "policies.json")

    assert found["totals"] == {
        "bookings": 23_312,
        "escrow_in": 637_935_719,
        "refunds": 47_295_005,
        "payouts": 590_640_714,
        "cancelled": 8_479,
        "no_show": 234,
        "rejected": 390,
    }
    assert found["rejected_reasons"] == {"price_not_positive": 390}
    assert len(found["shops"]) == 309
    assert sum(sums["bookings"] == 0 for sums in found["shops"].values()) == 3


def test_the_reader_of_the_program_sees_what_the_oracle_sees_in_the_hotels() -> None:
    policies = load_policies(HOTEL / "policies.json")

    rows = list(read_rows(HOTEL / "bookings_norm.csv.gz"))

    prices = Counter(row.shop_id for row in rows if refusal(row, policies) is None)
    assert len(rows) == 23_702
    assert (sum(prices.values()), len(prices)) == (23_312, 306)


@pytest.mark.parametrize("seed", range(5))
def test_generated_histories_are_read_alike_by_two_readers(tmp_path: Path, seed: int) -> None:
    made, rules = generate.generate(seed, rows=1_500, policies=80)
    generate.write(tmp_path, made, rules)

    policies = load_policies(tmp_path / "policies.json")
    read = list(read_rows(tmp_path / "bookings.csv.gz"))
    expected = oracle.expect_files(tmp_path / "bookings.csv.gz", tmp_path / "policies.json")

    reasons = Counter(refusal(row, policies) for row in read)
    assert reasons.pop(None) == expected["totals"]["bookings"]
    assert dict(sorted(reasons.items())) == expected["rejected_reasons"]
    assert len(expected["rejected_reasons"]) == 5
    times = [oracle.milliseconds(row["outcome_at"]) for row in made]
    assert (
        [row.outcome_at_ms for row in read] == times == [parse_time(r["outcome_at"]) for r in made]
    )


def test_every_fen_of_a_generated_history_is_back_or_paid_out(tmp_path: Path) -> None:
    made, rules = generate.generate(11, rows=4_000)
    generate.write(tmp_path, made, rules, zipped=False)

    totals = oracle.expect_files(tmp_path / "bookings.csv", tmp_path / "policies.json")["totals"]

    assert totals["escrow_in"] == totals["refunds"] + totals["payouts"]
    assert totals["bookings"] + totals["rejected"] == 4_000
    assert min(totals.values()) > 0


def test_one_seed_makes_one_history(tmp_path: Path) -> None:
    folders = [tmp_path / name for name in ("first", "second", "other")]
    for folder, seed in zip(folders, (3, 3, 4), strict=True):
        folder.mkdir()
        generate.write(folder, *generate.generate(seed, rows=200, policies=20))

    first, second, other = ((folder / "bookings.csv.gz").read_bytes() for folder in folders)

    assert first == second
    assert first != other


def test_the_bundled_sample_is_what_its_script_makes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["make_sample.py", str(tmp_path)])

    make_sample.main()

    # Compared unpacked: another zlib may pack the same rows differently.
    made = gzip.decompress((tmp_path / "bookings.csv.gz").read_bytes())
    assert made == gzip.decompress((SAMPLES / "bookings.csv.gz").read_bytes())
    rules = json.loads((tmp_path / "policies.json").read_text(encoding="utf-8"))
    assert rules == json.loads((SAMPLES / "policies.json").read_text(encoding="utf-8"))


def test_the_bundled_sample_has_every_kind_of_ending() -> None:
    found = oracle.expect_files(SAMPLES / "bookings.csv.gz", SAMPLES / "policies.json")

    assert found["rejected_reasons"] == {"policy_unknown": 5, "price_not_positive": 5}
    assert found["totals"] == {
        "bookings": 390,
        "escrow_in": 7_977_400,
        "refunds": 402_890,
        "payouts": 7_574_510,
        "cancelled": 62,
        "no_show": 42,
        "rejected": 10,
    }
