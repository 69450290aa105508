"""What the shop's own computer wants of the people at the counter, told in their words.

All that a node warns of stands in `washnode status`; here is what somebody in a shop can act on, or
should know before a customer asks: work that is not sent yet, a program that has to be renewed.
"""

from dataclasses import dataclass, field
from typing import Any

from node.live.upcoming import UPGRADE_COMMAND, URGENT_MS
from node.pages.asking import AskError, asked
from node.pages.page import Visit

Json = dict[str, Any]
# Codes of the node's warnings, by the name of the text, and whether it can not wait.
_TOLD = {
    "FAILED": ("failed", True),
    "DISK_LOW": ("disk", True),
    "CLOCK_BEHIND": ("clock", True),
    "SIGN_AGAIN": ("again", True),
    "UNSENT": ("unsent", False),
    "SYNCING": ("behind", False),
}


@dataclass(frozen=True, slots=True)
class Care:
    """One thing: its text is `console.care.NAME`; `at` is when it comes, where that is known."""

    name: str
    is_urgent: bool
    values: Json = field(default_factory=dict)
    at: int | None = None


async def read_care(visit: Visit) -> list[Care]:
    """Return what the node that serves this page wants, the urgent first."""
    health, features = await visit.ask.all(asked("node_health"), asked("gov_features"))
    for one in (health, features):
        if isinstance(one, AskError):
            raise one
    return judge(health, features)


def judge(health: Json, features: list[Json]) -> list[Care]:
    """Return what a node's own answers ask of a shop, the urgent first. Pure."""
    found = [_renewal(one, health["time_ms"]) for one in features if not one["known"]]
    for warning in health["warnings"]:
        told = _TOLD.get(warning["code"])
        if told is not None:
            name, is_urgent = told
            found.append(Care(name, is_urgent, {"count": health["unsent"]}))
    return sorted(found, key=lambda one: not one.is_urgent)


def _renewal(feature: Json, now_ms: int) -> Care:
    """Return that the program lacks a rule to come: its node stops before the rule's height."""
    at: int | None = feature["expected_at"]
    values = {"height": feature["activation"], "command": UPGRADE_COMMAND}
    return Care("renew", at is None or at - now_ms <= URGENT_MS, values, at)
