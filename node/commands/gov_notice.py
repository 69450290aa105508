"""Rules that come into force at a height: operators hear in time that nodes need two weeks."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from chain.types import DAY_MS
from node.commands.output import confirm, warn
from node.commands.words import t


def check_notice(talk_to: Any, height: int, *, is_dev: bool) -> None:
    """Ask before a rule is proposed that comes sooner than nodes are warned of it."""
    said = say_short(talk_to.ask("gov_expect", height=height))
    if said is None:
        return
    if is_dev:  # its time is moved by hand
        warn(said)
        return
    confirm(t("{said}. Propose it all the same?", said=said))


def warn_of_notice(talk_to: Any, found: Mapping[str, Any]) -> None:
    """Tell who votes that an open proposal brings its rule too soon."""
    change = found.get("change") or {}
    if found.get("state") != "open" or change.get("type") != "set_feature" or not change["height"]:
        return
    said = say_short(talk_to.ask("gov_expect", height=change["height"]))
    if said is not None:
        warn(said)


def say_short(expected: Mapping[str, Any]) -> str | None:
    """Return why a height is too near, with one that is not; None if it is far enough."""
    height, days = expected["height"], expected["notice_ms"] // DAY_MS
    if expected["expected_at"] is None:
        return t(
            "when height {height} comes can not be told yet; nodes are warned {days} days ahead",
            height=height,
            days=days,
        )
    if expected["height_in_time"] <= height:
        return None
    when = datetime.fromtimestamp(expected["expected_at"] // 1_000, UTC)
    return t(
        "height {height} comes about {time}, and nodes are warned {days} days ahead: a shop that "
        "is closed for a week would stop; from height {enough} on there is time",
        height=height,
        time=when.strftime("%Y-%m-%d %H:%M UTC"),
        days=days,
        enough=expected["height_in_time"],
    )
