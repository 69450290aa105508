"""What a check of a passport or slip found: one line for each thing that was looked at."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any, Literal

from chain.errors import MalformedBytesError
from node.passport.anchor import NotShownError
from node.passport.reasons import failure_in_chinese
from node.passport.sequence import SequenceError

_FILE = "sentences.json"


class Verdict(Enum):
    """The outcome of all checks."""

    GOOD = "good"
    UNANCHORED = "consistent, network unknown"
    BAD = "bad"


@cache
def sentences() -> dict[str, dict[str, str]]:
    """Return what checks say, by name and language."""
    found: dict[str, dict[str, str]] = json.loads(Path(__file__).with_name(_FILE).read_bytes())
    return found


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `ok` None: it could not be looked at, and why."""

    code: str
    ok: bool | None
    sentence: str
    values: dict[str, Any] = field(default_factory=dict)

    def said(self, lang: Literal["en", "zh"] = "en") -> str:
        """Return what the check says."""
        if lang == "zh" and self.sentence == "failed":
            return failure_in_chinese(**self.values)
        return sentences()[self.sentence][lang].format(**self.values)


@dataclass(frozen=True, slots=True)
class Report:
    """The verdict, the checks in their order, and what the file says if they are good."""

    verdict: Verdict
    checks: tuple[Check, ...]
    facts: dict[str, Any]


class StoppedError(Exception):
    """A check failed without which the others mean nothing."""


@dataclass(slots=True)
class Line:
    """What a check will say if it turns out well; the check may find better words."""

    sentence: str
    values: dict[str, Any]

    def say(self, sentence: str, **values: Any) -> None:
        """Say this instead."""
        self.sentence, self.values = sentence, values


class Examination:
    """Collects checks."""

    def __init__(self) -> None:
        self.checks: list[Check] = []
        self.facts: dict[str, Any] = {}

    def skip(self, code: str, sentence: str, **values: Any) -> None:
        """Add something that could not be looked at."""
        self.checks.append(Check(code, None, sentence, values))

    @contextmanager
    def check(self, code: str, sentence: str = "", **values: Any) -> Iterator[Line]:
        """Do one check; the block may choose other words, and fails by raising.

        The sentence is that of the code unless another one is named.
        """
        line = Line(sentence or code, values)
        try:
            yield line
        except (MalformedBytesError, NotShownError, SequenceError) as error:
            self.checks.append(Check(code, False, "failed", {"code": code, "why": str(error)}))
            raise StoppedError from error
        self.checks.append(Check(code, True, line.sentence, line.values))

    def report(self, *, is_anchored: bool) -> Report:
        """Return the outcome."""
        if any(one.ok is False for one in self.checks):
            verdict = Verdict.BAD
        else:
            verdict = Verdict.GOOD if is_anchored else Verdict.UNANCHORED
        facts = {} if verdict is Verdict.BAD else self.facts
        return Report(verdict, tuple(self.checks), facts)

    def run(self, *steps: Callable[[], None]) -> None:
        """Take steps until one of them stops."""
        try:
            for step in steps:
                step()
        except StoppedError:
            pass
