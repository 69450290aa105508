"""Why a check failed, in Chinese: checks give their reasons in English, and those are looked up."""

# ruff: noqa: RUF001 - Chinese has its own marks

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

_FILE = "reasons.json"
_ANYTHING = r"([\s\S]*?)"


@cache
def chinese() -> dict[str, Any]:
    """Return the names of checks, and for each reason a pattern with its words; the first counts.

    The patterns mean the same in JavaScript, whose checks give the same reasons.
    """
    found: dict[str, Any] = json.loads(Path(__file__).with_name(_FILE).read_bytes())
    return {**found, "reasons": [[_pattern_of(one), words] for one, words in found["reasons"]]}


def _pattern_of(reason: str) -> str:
    parts = [re.escape(part).replace("\\ ", " ") for part in re.split(r"\{\d\}", reason)]
    return f"^{_ANYTHING.join(parts)}$"


@cache
def _compiled() -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), words) for pattern, words in chinese()["reasons"])


def in_chinese(reason: str) -> str:
    """Return a reason in Chinese; what stands in it may be a reason again."""
    for pattern, words in _compiled():
        if found := pattern.match(reason):
            return words.format(*map(in_chinese, found.groups()))
    return reason


def failure_in_chinese(code: str, why: str) -> str:
    """Return what is said of a check that failed."""
    names, told = chinese()["checks"], in_chinese(why)
    if told == why and " " in why:  # what another program says of bytes that it can not read
        told = f"{in_chinese('the bytes can not be read')}（{why}）"
    return f"{names.get(code, code)}：{told}"
