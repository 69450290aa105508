"""Makes nasty booking histories from a seed: every boundary of the rules, to the millisecond.

The same seed gives the same files. As a program, `python tests/node/generate.py SEED ROWS FOLDER`,
it writes `bookings.csv.gz` and `policies.json`.
"""

import csv
import gzip
import io
import json
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
POT_LIFE_MS = 90 * DAY_MS
START_MS = 1_740_787_200_000  # 2025-03-01
COLUMNS = (
    *("booking_id", "shop_id", "customer_id", "created_at", "slot_start", "slot_end"),
    *("price_minor", "currency", "policy", "outcome", "outcome_at"),
)
# The same instant is written in many ways.
OFFSETS = (None, None, None, timedelta(0), timedelta(hours=8), timedelta(hours=-9, minutes=-30))
PRICES = (1, 2, 3, 99, 101, 3_333, 6_800, 9_999, 39_900, 40_001, 1_234_567)
SHOPS = ("S1", "S2", "S3", "洗车-虹桥", "Wash & Go, Ltd.", 'the "best"', "Ω", "s1")

Policy = dict[str, Any]
Row = dict[str, str]


class Times(NamedTuple):
    """When a booking is made, begins and ends, ms."""

    created: int
    start: int
    end: int


def generate(
    seed: int, rows: int = 2_000, policies: int = 300
) -> tuple[list[Row], dict[str, Policy]]:
    """Return shuffled rows, about one in 16 of them to be refused, and the policies they name."""
    random = Random(seed)
    rules = {f"policy {index}": make_policy(random) for index in range(policies)}
    rules |= {"": {}, "nothing": {}, "规则": {"hold_bp": 10_000, "grace_ms": 0}}
    names = list(rules)
    # A few instants shared by many rows: long blocks, ties in every queue.
    crowded = [START_MS + random.randrange(20 * 1440) * MINUTE_MS for _ in range(5)]
    made = [make_row(random, index, names, rules, crowded) for index in range(rows)]
    random.shuffle(made)
    return made, rules


def make_fee(random: Random) -> Policy:
    """Return a fee in which any field may be missing or null."""
    fee: Policy = {}
    if random.random() < 0.85:
        fee["fee_bp"] = random.choice((0, 1, 333, 1_000, 2_500, 5_000, 9_999, 10_000))
    if random.random() < 0.4:
        fee["fee_base"] = random.choice(("total", "held", "held", None))
    if random.random() < 0.25:
        fee["fee_min"] = random.choice((0, 1, 500, 5_000, 10**9, None))
    if random.random() < 0.25:
        fee["fee_cap"] = random.choice((0, 1, 700, 2_000, 10**9, None))
    return fee


def make_policy(random: Random) -> Policy:
    """Return a policy in which any field may be missing or null."""
    leads = random.sample(
        (0, 1, MINUTE_MS, 15 * MINUTE_MS, 2 * HOUR_MS, DAY_MS, 2 * DAY_MS, 3 * DAY_MS, 7 * DAY_MS),
        random.randrange(0, 9),
    )
    choices: dict[str, tuple[Any, ...]] = {
        "hold_bp": (0, 1, 2_000, 2_500, 3_333, 10_000, 10_000, None),
        "hold_min": (0, 1, 3_000, 10**9, None),
        "hold_max": (0, 1, 2_000, 10_000, None),
        "hold_per_day_min": (0, 1, 10_000, None),
        "tiers": ([make_fee(random) | {"lead_ms_min": lead} for lead in leads],),
        "no_show": (make_fee(random), make_fee(random), None),
        "grace_ms": (0, 0, 1, 10 * MINUTE_MS, 20 * MINUTE_MS, 20 * MINUTE_MS, DAY_MS, None),
        "accept_by_ms": (30 * MINUTE_MS, None),
        "serve_by_ms": (60 * MINUTE_MS, None),
        "settle_after_ms": (DAY_MS, 2 * DAY_MS, None),
        "cooling_off_ms": (0, 1, 15 * MINUTE_MS, DAY_MS, None),
        "reschedules": (0, 2, None),
        "shop_failure": ({}, {"compensation_bp": 1_000, "compensation_cap": 2_000}, None),
    }
    present = {"hold_bp": 0.9, "tiers": 0.9, "no_show": 0.8, "grace_ms": 0.8, "cooling_off_ms": 0.4}
    return {
        field: random.choice(values)
        for field, values in choices.items()
        if random.random() < present.get(field, 0.2)
    }


def make_times(random: Random, crowded: list[int]) -> Times:
    """Return times of a slot: over midnight, of no length, made in the minute it begins."""
    start = START_MS + random.randrange(30 * 1440) * MINUTE_MS
    if random.random() < 0.15:
        start = random.choice(crowded)
    if random.random() < 0.05:
        start += random.randrange(1, MINUTE_MS)
    lengths = (0, 1, 15 * MINUTE_MS, 30 * MINUTE_MS, 10 * HOUR_MS, DAY_MS, DAY_MS + 1, 3 * DAY_MS)
    end = start + random.choice(lengths) if random.random() < 0.97 else start - HOUR_MS
    ahead = random.choice((0, 0, 1, MINUTE_MS, 15 * MINUTE_MS, 2 * HOUR_MS, DAY_MS, 8 * DAY_MS))
    created = start - ahead - random.choice((0, 0, random.randrange(1440) * MINUTE_MS))
    if random.random() < 0.1:
        created = min(start, random.choice(crowded))
    return Times(created, start, end)


def cancellation_times(times: Times, policy: Policy) -> list[int]:
    """Return the instants at which a rule of the policy changes, and those next to them."""
    grace = policy.get("grace_ms") or 0
    edges = [times.created, times.start, times.start + grace]
    edges += [times.created + (policy.get("cooling_off_ms") or 0)]
    edges += [times.start - (tier["lead_ms_min"] or 0) for tier in policy.get("tiers") or []]
    edges += [max(times.start, times.end) + POT_LIFE_MS]
    return [edge + step for edge in edges for step in (-1, 0, 1) if edge + step >= times.created]


def outcome_time(random: Random, outcome: str, times: Times, policy: Policy) -> int:
    """Return when the outcome happened, never before the booking was made."""
    last = max(times.start, times.end)
    if outcome == "cancelled":
        if random.random() < 0.3:
            return random.randint(times.created, max(times.start, times.created))
        return random.choice(cancellation_times(times, policy))
    if outcome == "no_show" or random.random() < 0.8:
        return last
    odd = [times.start - 1, times.start, last + DAY_MS, last + POT_LIFE_MS - 1, last + POT_LIFE_MS]
    odd += [last + 4 * POT_LIFE_MS, *(times.created + days * DAY_MS for days in (1_094, 1_096))]
    return max(times.created, random.choice(odd))


def make_row(
    random: Random, index: int, names: list[str], rules: dict[str, Policy], crowded: list[int]
) -> Row:
    """Return one row as text; about one in 16 breaks a rule of acceptance, some two at once."""
    times = make_times(random, crowded)
    name = random.choice(names)
    outcome = random.choice(("completed", "cancelled", "cancelled", "cancelled", "no_show"))
    at = outcome_time(random, outcome, times, rules[name])
    price = random.choice(PRICES) if random.random() < 0.7 else random.randint(1, 200_000)
    created = times.created
    if random.random() < 0.07:
        fault = random.randrange(6)
        price = (0, -500, 2**53, price, price, 0)[fault]
        name = "no such policy" if fault in {3, 5} else name
        if fault == 4:
            created = times.start + 1
            at = created if random.random() < 0.5 else times.start
    return {
        "booking_id": f"B{index:06}",
        "shop_id": random.choice(SHOPS),
        "customer_id": random.choice(("", f"C{random.randrange(40)}", f"C{random.randrange(4)}")),
        "created_at": written(random, created),
        "slot_start": written(random, times.start),
        "slot_end": written(random, times.end),
        "price_minor": str(price),
        "currency": "CNY",
        "policy": name,
        "outcome": outcome,
        "outcome_at": written(random, at),
    }


def written(random: Random, ms: int) -> str:
    """Return an instant in one of the forms a history may use."""
    if ms % DAY_MS == 0 and random.random() < 0.5:
        return datetime.fromtimestamp(ms // 1000, UTC).date().isoformat()
    offset = random.choice(OFFSETS)
    moment = datetime.fromtimestamp(ms // 1000, UTC if offset is None else timezone(offset))
    text = moment.replace(tzinfo=None).isoformat(sep=random.choice("T "), timespec="seconds")
    if ms % MINUTE_MS == 0 and random.random() < 0.5:
        text = text[:-3]
    elif ms % 1000:
        # Digits finer than a millisecond are cut off by the reader.
        text += f".{ms % 1000:03}{random.choice(('', '999', '4'))}"
    if offset is None:
        return text + random.choice(("", "Z"))
    return text + moment.isoformat()[19:]


def write(
    folder: Path, rows: list[Row], policies: dict[str, Policy], *, zipped: bool = True
) -> None:
    """Write `bookings.csv.gz` (or `bookings.csv`) and `policies.json`, the same bytes each time."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    writer.writerows(rows)
    data = text.getvalue().encode()
    name = "bookings.csv.gz" if zipped else "bookings.csv"
    (folder / name).write_bytes(gzip.compress(data, mtime=0) if zipped else data)
    rules = json.dumps(policies, ensure_ascii=False, indent=1)
    (folder / "policies.json").write_text(rules + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[3]), *generate(int(sys.argv[1]), int(sys.argv[2])))
