"""What a rehearsal must come to, by plain arithmetic: no contract, no chain, no project code.

It reads the two files by itself and shares no line with what it judges. Written from the rules:

- hold: floor(price * hold_bp / 10000), raised to hold_min and to hold_per_day_min for each begun
  day of the slot, cut to hold_max, never above the price; paid when booking.
- fee: floor(base * fee_bp / 10000), raised to fee_min, cut to fee_cap, never above the hold; the
  shop gets it and the customer the rest.
- completed: the rest of the price is paid at the slot's start, the shop gets all at outcome_at.
- cancelled, or never come: see `settle`.
- what nobody ended by the pot's deadline, 90 days after the slot, goes back to the customer whole.

Use as a program: `python tests/node/oracle.py BOOKINGS POLICIES` prints the result as JSON.
"""

import csv
import gzip
import io
import json
import re
import sys
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

DAY_MS = 86_400_000
POT_LIFE_MS = 90 * DAY_MS
EXTENDED_MS = 3 * 365 * DAY_MS
MOMENT = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:[.,](\d+))?)?)?(Z|[+-]\d\d(?::?\d\d)?)?)?"
)
SUMS = ("bookings", "escrow_in", "refunds", "payouts", "cancelled", "no_show", "rejected")

Policy = dict[str, Any]


class Ending(NamedTuple):
    """How one booking ended: money in, back and to the shop; an empty `kind` counts as nothing."""

    escrow_in: int
    refund: int
    payout: int
    kind: str


def milliseconds(text: str) -> int:
    """Return a date or date-time as ms since 1970."""
    match = MOMENT.fullmatch(text)
    if match is None:
        raise ValueError(text)
    year, month, day, hour, minute, second, fraction, offset = match.groups()
    days = date(int(year), int(month), int(day)).toordinal() - date(1970, 1, 1).toordinal()
    minutes = days * 1440 + int(hour or 0) * 60 + int(minute or 0)
    if offset and offset != "Z":
        digits = offset[1:].replace(":", "").ljust(4, "0")
        ahead = int(digits[:2]) * 60 + int(digits[2:])
        minutes += ahead if offset[0] == "-" else -ahead
    return (minutes * 60 + int(second or 0)) * 1000 + int(((fraction or "") + "000")[:3])


def number(rules: Policy, field: str) -> int:
    """Return a number of a policy; missing and null are 0."""
    return int(rules.get(field) or 0)


def held(price: int, start: int, end: int, policy: Policy) -> int:
    """Return what the customer pays when booking."""
    days = (max(0, end - start) + DAY_MS - 1) // DAY_MS
    amount = max(
        price * number(policy, "hold_bp") // 10_000,
        number(policy, "hold_min"),
        number(policy, "hold_per_day_min") * days,
    )
    if policy.get("hold_max") is not None:
        amount = min(amount, policy["hold_max"])
    return min(amount, price)


def fee(rules: Policy, price: int, hold: int) -> int:
    """Return a fee of a tier or of the no-show rule."""
    base = hold if rules.get("fee_base") == "held" else price
    amount = max(base * number(rules, "fee_bp") // 10_000, number(rules, "fee_min"))
    if rules.get("fee_cap") is not None:
        amount = min(amount, rules["fee_cap"])
    return min(amount, hold)


def cancellation_fee(policy: Policy, price: int, hold: int, lead: int) -> int:
    """Return the fee of a cancellation `lead` ms before the slot's start, after it if negative."""
    if lead < 0:
        return fee(policy.get("no_show") or {}, price, hold)
    tiers = [tier for tier in policy.get("tiers") or [] if number(tier, "lead_ms_min") <= lead]
    if not tiers:
        return 0
    return fee(max(tiers, key=lambda tier: number(tier, "lead_ms_min")), price, hold)


def settle(row: dict[str, str], policy: Policy) -> Ending:
    """Return how an accepted booking ends."""
    price = int(row["price_minor"])
    created, start, end, at = (
        milliseconds(row[column])
        for column in ("created_at", "slot_start", "slot_end", "outcome_at")
    )
    hold = held(price, start, end, policy)
    outcome = row["outcome"]
    deadline = max(start, end) + POT_LIFE_MS
    grace = policy.get("grace_ms")
    # A wait is over at its last instant: who acts in that instant is late.
    given_up = start + grace if grace is not None and start + grace <= deadline else None
    if outcome == "completed" and given_up != start:
        # The customer lets the money be held longer when the work drags on, up to three years.
        if at < max(deadline, created + EXTENDED_MS):
            return Ending(price, 0, price, "completed")
        return Ending(price, price, 0, "")
    if outcome == "cancelled" and at < (deadline if given_up is None else given_up):
        cooling = at < created + number(policy, "cooling_off_ms")
        kept = 0 if cooling else cancellation_fee(policy, price, hold, start - at)
        return Ending(hold, hold - kept, kept, "cancelled")
    if given_up is None:
        return Ending(hold, hold, 0, "")
    kept = fee(policy.get("no_show") or {}, price, hold)
    return Ending(hold, hold - kept, kept, "no_show")


def refused(row: dict[str, str], policies: dict[str, Policy]) -> str | None:
    """Return why a row cannot be booked, None if it can."""
    price = int(row["price_minor"])
    created = milliseconds(row["created_at"])
    reasons = {
        "price_not_positive": price < 1,
        "price_too_large": price >= 2**53,
        "policy_unknown": row["policy"] not in policies,
        "outcome_before_creation": milliseconds(row["outcome_at"]) < created,
        "created_after_slot": milliseconds(row["slot_start"]) < created,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)


def read(path: Path) -> list[dict[str, str]]:
    """Return the rows of a csv file, gzipped or not."""
    data = path.read_bytes()
    text = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text, newline="")))


def expect(rows: list[dict[str, str]], policies: dict[str, Policy]) -> dict[str, Any]:
    """Return sums by shop (those with refused rows only included), totals and reasons."""
    shops: dict[str, Counter[str]] = {}
    reasons: Counter[str] = Counter()
    for row in rows:
        sums = shops.setdefault(row["shop_id"], Counter(dict.fromkeys(SUMS, 0)))
        if reason := refused(row, policies):
            reasons[reason] += 1
            sums["rejected"] += 1
            continue
        ending = settle(row, policies[row["policy"]])
        sums["bookings"] += 1
        sums["escrow_in"] += ending.escrow_in
        sums["refunds"] += ending.refund
        sums["payouts"] += ending.payout
        if ending.kind in {"cancelled", "no_show"}:
            sums[ending.kind] += 1
    totals = {field: sum(sums[field] for sums in shops.values()) for field in SUMS}
    return {
        "shops": {shop: dict(sums) for shop, sums in sorted(shops.items())},
        "totals": totals,
        "rejected_reasons": dict(sorted(reasons.items())),
    }


def expect_files(bookings: Path, policies: Path) -> dict[str, Any]:
    """Return what `expect` says about a history file and a file of policies."""
    return expect(read(bookings), json.loads(policies.read_text(encoding="utf-8-sig")))


if __name__ == "__main__":
    found = expect_files(Path(sys.argv[1]), Path(sys.argv[2]))
    sys.stdout.write(json.dumps(found, indent=2, ensure_ascii=False) + "\n")
