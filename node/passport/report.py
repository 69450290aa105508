"""What a check of a passport or slip found: one line for each thing that was looked at."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from chain.errors import MalformedBytesError
from node.passport.anchor import NotShownError
from node.passport.sequence import SequenceError


class Verdict(Enum):
    """The outcome of all checks."""

    GOOD = "good"
    UNANCHORED = "consistent, network unknown"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `ok` None: it could not be looked at, and why.

    `text` has names of `values` in braces, so that it can be said in another language.
    """

    code: str
    ok: bool | None
    text: str
    values: dict[str, Any] = field(default_factory=dict)

    def said(self) -> str:
        """Return the text in English."""
        return self.text.format(**self.values)


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

    text: str
    values: dict[str, Any]

    def say(self, text: str, **values: Any) -> None:
        """Say this instead."""
        self.text, self.values = text, values


class Examination:
    """Collects checks."""

    def __init__(self) -> None:
        self.checks: list[Check] = []
        self.facts: dict[str, Any] = {}

    def note(self, code: str, ok: bool | None, text: str, **values: Any) -> None:  # noqa: FBT001
        """Add a check that was made elsewhere."""
        self.checks.append(Check(code, ok, text, values))

    @contextmanager
    def check(self, code: str, text: str, **values: Any) -> Iterator[Line]:
        """Do one check; the block may choose other words, and fails by raising."""
        line = Line(text, values)
        try:
            yield line
        except (MalformedBytesError, NotShownError, SequenceError) as error:
            self.note(code, False, "{what}: {why}", what=code, why=str(error))
            raise StoppedError from error
        self.note(code, True, line.text, **line.values)

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
