"""What operators look after, as traffic lights: from answers of the API to colours. Pure.

Green: nothing to do. Amber: somebody should act in days. Red: now. What to do stands in the texts,
`ops.NAME.COLOUR`, into which `values` are filled.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median_low
from typing import Any, Literal

from chain.types import DAY_MS, MINUTE_MS

Colour = Literal["green", "amber", "red"]
Json = dict[str, Any]

HALT_MS = 2 * MINUTE_MS  # beyond the heartbeat
LAG_AMBER_MS, LAG_RED_MS = 10_000, MINUTE_MS
DISK_RED, DISK_AMBER = 1024**3, 5 * 1024**3  # bytes that are free
CLOCK_AMBER_MS, CLOCK_RED_MS = 250, 1_000
SHARE_LOW_BP = 5_000  # of the newest certificates: who signs fewer is slow or far away
STATEMENT_OLD_MS = 40 * DAY_MS
_ORDER = {"red": 0, "amber": 1, "green": 2}


@dataclass(frozen=True, slots=True)
class Light:
    """One thing to look after: its name, how it stands, what its text is filled with."""

    name: str
    colour: Colour
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Signing:
    """How much of the newest blocks a validator signed, in hundredths of a percent."""

    key: str
    share_bp: int | None


def worst(lights: Iterable[Light]) -> Colour:
    """Return the colour of all together."""
    return min((one.colour for one in lights), key=lambda one: _ORDER[one], default="green")


def shares(validators: Json, certificates: list[Json]) -> dict[str, int | None]:
    """Return each validator's share of signatures; None where there is no certificate."""
    signed = [set(one["signers"]) for one in certificates]
    return {
        one["key"]: sum(one["key"] in each for each in signed) * 10_000 // len(signed)
        if signed
        else None
        for one in validators["items"]
    }


def interval_ms(blocks: list[Json]) -> int | None:
    """Return the middle one of the times between blocks, newest first."""
    times = [one["time"] for one in blocks]
    gaps = [later - earlier for later, earlier in pairwise(times)]
    return median_low(gaps) if gaps else None


def clock_skew_ms(peers: Json) -> int:
    """Return how far this clock is from the middle one of the connected nodes' clocks."""
    told = [one["clock_offset_ms"] for one in peers["peers"]]
    known = [one for one in told if one is not None]
    return abs(median_low(known)) if known else 0


def of_validators(validators: Json, signed: dict[str, int | None]) -> list[Light]:
    """Judge whether enough validators are at work, and whether each signs."""
    count, seen, quorum = len(validators["items"]), validators["seen"], validators["quorum"]
    values = {"seen": seen, "count": count, "quorum": quorum, "missing": count - seen}
    colour: Colour = "green" if seen == count else "amber"
    if seen < quorum:
        colour = "red"
    if any(one["tombstoned"] for one in validators["items"]):
        colour = "red"
    slow = [
        one
        for one in validators["items"]
        if not one["is_silent"] and (signed[one["key"]] or 0) < SHARE_LOW_BP
    ]
    known = [share for share in signed.values() if share is not None]
    least = min(known, default=10_000)
    return [
        Light("validators", colour, values),
        Light("signing", "amber" if slow and known else "green", {"least_bp": least}),
    ]


def of_blocks(health: Json, blocks: list[Json], heartbeat_ms: int, *, is_dev: bool) -> Light:
    """Judge whether blocks come: none for longer than the heartbeat is a halt."""
    gap, age = interval_ms(blocks), max(0, health["time_ms"] - health["head_time_ms"])
    values = {"gap_ms": gap, "age_ms": age}
    if age > heartbeat_ms + HALT_MS and not is_dev:
        return Light("blocks", "red", values)
    return Light("blocks", "amber" if health["lag_ms"] > LAG_AMBER_MS else "green", values)


def of_node(health: Json, peers: Json, validators: Json) -> list[Light]:
    """Judge this node: whom it knows, how far behind it is, its disk and clock."""
    count = health["peers"]
    is_alone = len(validators["items"]) == 1 and peers["listening"] is None and not count
    known: Colour = "green" if count > 1 or is_alone else "amber" if count else "red"
    lag = health["lag_ms"]
    behind: Colour = "red" if lag > LAG_RED_MS else "amber" if lag > LAG_AMBER_MS else "green"
    if health["syncing"]:
        behind = "amber"
    free = health["disk_free_bytes"]
    disk: Colour = "amber" if free is None or free < DISK_AMBER else "green"
    if free is not None and free < DISK_RED:
        disk = "red"
    skew = max(clock_skew_ms(peers), health["head_time_ms"] - health["time_ms"])
    clock: Colour = "amber" if skew > CLOCK_AMBER_MS else "green"
    if skew > CLOCK_RED_MS:
        clock = "red"
    gigabytes = "?" if free is None else f"{free / 1024**3:.1f}"
    return [
        Light("peers", known, {"count": count}),
        Light("lag", behind, {"lag_ms": lag}),
        Light("disk", disk, {"free": gigabytes}),
        Light("clock", clock, {"skew": skew}),
    ]


def of_votes(proposals: list[Json], features: list[Json]) -> list[Light]:
    """Judge what waits for votes, and whether this program knows all rules to come."""
    coming = [one for one in features if not one["in_force"]]
    unknown = [one for one in features if not one["known"]]
    colour: Colour = "red" if unknown else "amber" if coming else "green"
    values = {
        "count": len(unknown or coming),
        "name": (unknown or coming or [{"name": ""}])[0]["name"],
    }
    return [
        Light("proposals", "amber" if proposals else "green", {"count": len(proposals)}),
        Light("features", colour, values),
    ]


def of_issuer(one: Json, now: int) -> Colour:
    """Judge one issuer's reserves."""
    if one["short"] or one["blocked"] or one["late"]:
        return "red"
    is_old = one["stated_at"] is None or now - one["stated_at"] > STATEMENT_OLD_MS
    return "amber" if one["silent"] or is_old else "green"


def of_money(issuers: Json, now: int) -> Light:
    """Judge whether the money is there: what there is against what is owed, and each issuer."""
    colours = [of_issuer(one, now) for one in issuers["items"]]
    colour: Colour = min(colours, key=lambda one: _ORDER[one], default="green")
    if issuers["supply"]["amount"] > issuers["owed"]["amount"]:
        colour = "red"
    values = {"supply": issuers["supply"], "owed": issuers["owed"]}
    return Light("reserves", colour, values)


def of_cover(one: Json) -> Colour:
    """Judge one shop's prepaid cards: money that is missing, then much of it."""
    if one["ratio"] < one["wanted"]:
        return "red"
    return "amber" if one["large"] else "green"


def of_cards(covers: list[Json]) -> Light:
    """Judge the prepaid cards of all shops."""
    colours = [of_cover(one) for one in covers]
    colour: Colour = min(colours, key=lambda one: _ORDER[one], default="green")
    count = sum(one == colour for one in colours)
    return Light("prepaid", colour, {"count": count})
