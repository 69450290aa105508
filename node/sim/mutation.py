"""How a mutant of the protocol is installed.

A mutant replaces text in the source of a module when it is imported, so the protocol itself knows
nothing of them. Each text must occur exactly once: a mutant that no longer fits the code says so.
Nothing here may import `consensus`: `install` comes first.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import CodeType, ModuleType


class StaleMutantError(Exception):
    """A mutant whose text is not in the code any more, or code that was imported too early."""


@dataclass(frozen=True, slots=True)
class Change:
    """Replace `before`, which occurs once in the source of `module`, by `after`."""

    module: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Death:
    """What notices a mutant, "search" or "trace NAME", and as the break of which invariant."""

    by: str
    invariant: str


@dataclass(frozen=True, slots=True)
class Mutant:
    """A broken protocol: what is broken, what notices it, and how it is broken."""

    name: str
    about: str
    death: Death
    changes: tuple[Change, ...]


class _Loader(importlib.machinery.SourceFileLoader):
    """Loads a module from changed source."""

    def __init__(self, name: str, path: str, changes: Sequence[Change]) -> None:
        super().__init__(name, path)
        self._changes = changes

    def get_code(self, fullname: str) -> CodeType:
        """Return the code of the changed source; nothing of it is cached."""
        source = self.get_data(self.path).decode()
        for change in self._changes:
            if source.count(change.before) != 1:
                text = f"{fullname} has {source.count(change.before)} times: {change.before!r}"
                raise StaleMutantError(text)
            source = source.replace(change.before, change.after)
        return compile(source, self.path, "exec", dont_inherit=True)


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules that a mutant changes before anybody else does."""

    def __init__(self, mutant: Mutant) -> None:
        self._mutant = mutant

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the changed module's spec, or None for all others."""
        changes = [one for one in self._mutant.changes if one.module == fullname]
        if not changes:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is None or spec.origin is None:
            return None
        loader = _Loader(fullname, spec.origin, changes)
        return importlib.util.spec_from_file_location(fullname, spec.origin, loader=loader)


def install(mutant: Mutant) -> None:
    """Let every later import see the mutant; raises StaleMutantError if it is too late."""
    early = [one.module for one in mutant.changes if one.module in sys.modules]
    if early:
        text = f"{early[0]} is imported already: a mutant comes first"
        raise StaleMutantError(text)
    sys.meta_path.insert(0, _Finder(mutant))
