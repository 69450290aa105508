"""Makes the bundled sample: six weeks of six car washes, with the presets as their rules.

`python -m bench.make_sample` writes node/samples/bookings.csv.gz and node/samples/policies.json.
The bookings are invented; the same seed gives the same bytes.
"""

import csv
import gzip
import io
import json
import sys
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import NamedTuple

from node.rehearse.policies import PRESETS
from node.rehearse.rows import COLUMNS

SEED = 20250301
ROWS = 400
FIRST_DAY = datetime(2025, 3, 1)  # noqa: DTZ001 - written without an offset, which means UTC
DAYS = 42
SAMPLES = Path("node/samples")


class Service(NamedTuple):
    """What a shop sells: rules, price in fen, length and how far ahead people book, in minutes."""

    policy: str
    price: int
    minutes: int
    ahead_minutes: int


QUICK_WASH = Service("walkin", 3_800, 15, 60)
OUTSIDE_WASH = Service("flexible", 4_800, 30, 8 * 60)
FULL_WASH = Service("fair", 6_800, 45, 2 * 1440)
DETAILING = Service("standard", 39_900, 240, 6 * 1440)
COATING = Service("strict", 288_000, 2 * 1440, 14 * 1440)
AT_HOME = Service("mobile", 15_800, 90, 5 * 1440)

SHOPS = {
    "净车坊·虹桥店": (QUICK_WASH, OUTSIDE_WASH, FULL_WASH, FULL_WASH),
    "净车坊·浦东店": (QUICK_WASH, FULL_WASH, FULL_WASH, DETAILING),
    "蓝鲸洗车": (OUTSIDE_WASH, FULL_WASH),
    "Harbour Detailing": (FULL_WASH, DETAILING, DETAILING, COATING),
    "Sparkle To Go": (AT_HOME,),
    "老王洗车": (QUICK_WASH, QUICK_WASH, OUTSIDE_WASH),
}


def written(moment: datetime) -> str:
    """Return a time to the minute."""
    return moment.isoformat(sep=" ", timespec="minutes")


def ending(
    random: Random, created: datetime, start: datetime, service: Service
) -> tuple[str, datetime]:
    """Return the outcome of a booking and its time: most are served, some are called off late."""
    end = start + timedelta(minutes=service.minutes)
    fate = random.random()
    if fate < 0.74:
        return "completed", end + timedelta(minutes=random.randrange(0, 25))
    if fate < 0.84:
        return "no_show", start + timedelta(minutes=60)
    wait = int((start - created).total_seconds()) // 60
    if fate < 0.92:
        return "cancelled", start - timedelta(minutes=min(wait, random.randrange(5, 150)))
    return "cancelled", created + timedelta(minutes=random.randint(0, wait))


def make_row(random: Random, index: int) -> dict[str, str]:
    """Return one booking."""
    shop = random.choice(list(SHOPS))
    service = random.choice(SHOPS[shop])
    quarter_hour = random.choices(
        range(32, 80), weights=[2 if 40 < q < 72 else 1 for q in range(32, 80)]
    )
    start = FIRST_DAY + timedelta(days=random.randrange(DAYS), minutes=15 * quarter_hour[0])
    created = start - timedelta(minutes=random.randint(5, service.ahead_minutes))
    outcome, at = ending(random, created, start, service)
    row = {
        "booking_id": f"{index:04}",
        "shop_id": shop,
        "customer_id": f"guest-{random.randrange(120):03}",
        "created_at": written(created),
        "slot_start": written(start),
        "slot_end": written(start + timedelta(minutes=service.minutes)),
        "price_minor": str(service.price + 500 * random.choice((0, 0, 0, 1, 2))),
        "currency": "CNY",
        "policy": service.policy,
        "outcome": outcome,
        "outcome_at": written(at),
    }
    if index % 80 == 41:
        row["price_minor"] = "0"  # a free re-wash: nothing to hold, so it is refused and counted
    elif index % 80 == 71:
        row["policy"] = "old rules"
    return row


def main() -> None:
    """Write both files."""
    random = Random(SEED)
    rows = [make_row(random, index) for index in range(1, ROWS + 1)]
    rows.sort(key=lambda row: (row["created_at"], row["booking_id"]))
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else SAMPLES
    (folder / "bookings.csv.gz").write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))
    policies = {
        name: policy.model_dump(mode="json", exclude_defaults=True)
        for name, policy in PRESETS.items()
    }
    rules = json.dumps(policies, indent=2) + "\n"
    (folder / "policies.json").write_text(rules, encoding="utf-8")


if __name__ == "__main__":
    main()
