"""How trying a contract fails."""

from dataclasses import dataclass

from chain.errors import WashError


@dataclass(frozen=True, slots=True)
class SourcePlace:
    """A line of a contract's source."""

    filename: str
    line: int
    text: str

    def __str__(self) -> str:
        """Return it as editors and people read it."""
        return f"{self.filename}:{self.line}: {self.text}"


class WorkbenchError(WashError):
    """A world that is asked for what it does not have, or a value that does not fit."""


class CallFailed(WashError):  # noqa: N818 - a no of the contract, not a fault
    """A call, view, deployment or timer that failed; nothing of it has happened.

    `name` is the contract's own word (`not_yours`), the machine's in lower case (`missing`) or the
    chain's (`insufficient_funds`); `place` is the line of the source, where it is known.
    """

    def __init__(
        self, function: str, name: str, *, detail: str = "", place: SourcePlace | None = None
    ) -> None:
        where = f" ({place})" if place else ""
        said = f": {detail}" if detail else ""
        super().__init__(f"{function}: {name}{said}{where}")
        self.function, self.name, self.detail, self.place = function, name, detail, place
