"""Rules that come into force at a height: when that will be, and whether this program has them."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from chain.features import KNOWN_FEATURES, Feature, read_features
from chain.store import Store
from chain.types import DAY_MS, HOUR_MS, MINUTE_MS
from node.storage.ledger import ChainLedger

WARNED_MS = 14 * DAY_MS  # so long before the height people are told every day
URGENT_MS = 3 * DAY_MS
PACE_MS = 7 * DAY_MS  # a week has busy and quiet days
UPGRADE_COMMAND = "python -m pip install --upgrade washnode"


class HasLedger(Protocol):
    """What is needed of a node."""

    ledger: ChainLedger


@dataclass(frozen=True, slots=True)
class Upcoming:
    """A feature that is not in force yet; `expected_ms` None: too few blocks to tell."""

    feature: Feature
    is_known: bool
    heights_left: int
    expected_ms: int | None

    def left_ms(self, now_ms: int) -> int | None:
        """Return how long it is until the height comes, as far as that can be told."""
        return None if self.expected_ms is None else max(0, self.expected_ms - now_ms)

    def is_within(self, span_ms: int, now_ms: int) -> bool:
        """Tell whether the height comes within a time; what nobody can tell may come at once."""
        left = self.left_ms(now_ms)
        return left is None or left <= span_ms


def find_upcoming(node: HasLedger) -> list[Upcoming]:
    """Return the features that are voted for and not in force yet, the first to come first."""
    ledger = node.ledger
    waiting = [one for one in read_features(ledger.state()) if one.activation > ledger.height]
    found = []
    for one in sorted(waiting, key=lambda one: (one.activation, one.name)):
        left = one.activation - ledger.height
        is_known = one.name in KNOWN_FEATURES
        found.append(Upcoming(one, is_known, left, expect(ledger.store, ledger.height, left)))
    return found


def find_lacking(node: HasLedger) -> list[Upcoming]:
    """Return those among them that this program does not know."""
    return [one for one in find_upcoming(node) if not one.is_known]


def expect(store: Store, height: int, more: int) -> int | None:
    """Return when `more` blocks will have come, at the pace of the week before the head."""
    first = max(store.base_height, 1)  # block 0 has the time at which the file was made
    if height <= first:
        return None
    head_ms = store.header(height).time_ms
    low, high = first, height - 1
    while low < high:  # the first block of that week
        middle = (low + high) // 2
        if store.header(middle).time_ms < head_ms - PACE_MS:
            low = middle + 1
        else:
            high = middle
    span_ms = head_ms - store.header(low).time_ms
    return head_ms + span_ms * more // (height - low)


def say_lacking(one: Upcoming, now_ms: int) -> str:
    """Return what a feature that this program lacks means for its node."""
    return (
        f"the operators put feature {one.feature.name} into force from height "
        f"{one.feature.activation} on, {say_when(one, now_ms)}, and this program does not know it: "
        "the node stops before that height"
    )


def say_when(one: Upcoming, now_ms: int) -> str:
    """Return how long it takes until the height comes, and the time, as well as can be told."""
    left = one.left_ms(now_ms)
    if left is None or one.expected_ms is None:
        return f"in {one.heights_left} blocks"
    for name, length_ms in (("days", DAY_MS), ("hours", HOUR_MS), ("minutes", MINUTE_MS)):
        if left >= 2 * length_ms:
            count = f"{left // length_ms} {name}"
            break
    else:
        count = "a minute or two"
    when = datetime.fromtimestamp(one.expected_ms // 1_000, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"in about {count} ({when})"
