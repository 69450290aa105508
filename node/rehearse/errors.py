"""This package's errors: the user's file is at fault, or the rehearsal itself failed."""

from typing import Final

SEEN_LENGTH_MAX: Final = 100


class RehearsalError(Exception):
    """A rehearsal that can not go on: the machine failed it, or the program is at fault."""


class InputError(Exception):
    """A file of the user cannot be read as what it should be.

    `path` names the file, `place` the spot in it ("row 7, column price_minor"; empty when the whole
    file is meant), `problem` says what was seen and what is expected. The command ends with exit
    code 2 on it.
    """

    def __init__(self, path: str, place: str, problem: str) -> None:
        """Keep the three facts and build the message from them."""
        super().__init__(path, place, problem)
        self.path: Final = path
        self.place: Final = place
        self.problem: Final = problem

    def __str__(self) -> str:
        """Return `file: place: problem` on one line."""
        return ": ".join(part for part in (self.path, self.place, self.problem) if part)


def shorten(seen: object) -> str:
    """Return `seen` as a quoted Python literal of bounded length, safe to print on a terminal."""
    if isinstance(seen, dict | list):
        return "an object" if isinstance(seen, dict) else "a list"
    # A slice first: repr of a text of megabytes would cost as much again.
    text = ascii(seen[:SEEN_LENGTH_MAX]) if isinstance(seen, str) else ascii(seen)
    return text if len(text) <= SEEN_LENGTH_MAX else f"{text[: SEEN_LENGTH_MAX - 3]}..."
