"""Everything the engine is told and everything it asks for: two closed unions.

Times are ms UTC, heights count from 0 (genesis). Every input and effect says which height it
belongs to; one that is over is ignored.
"""

from dataclasses import dataclass
from typing import TypeAlias

from chain.block import Commit


@dataclass(frozen=True, slots=True)
class WorkArrived:
    """Something to put into a block.

    `due_ms` is the earliest due time; nil: transactions are pending, now. The caller repeats it
    whenever that changes.
    """

    due_ms: int | None = None


@dataclass(frozen=True, slots=True)
class BlockBuilt:
    """The answer to BuildBlock: the id of the block that was executed."""

    height: int
    block_id: bytes


@dataclass(frozen=True, slots=True)
class Persisted:
    """The answer to Persist: the record is on disk; only now may its vote be used."""

    height: int
    record: bytes


@dataclass(frozen=True, slots=True)
class HeightCommitted:
    """The answer to CommitBlock: the block is stored; the next height begins at its time."""

    height: int
    time_ms: int


@dataclass(frozen=True, slots=True)
class TimerElapsed:
    """The time that SetTimer asked for has come."""

    height: int


Input: TypeAlias = WorkArrived | BlockBuilt | Persisted | HeightCommitted | TimerElapsed


@dataclass(frozen=True, slots=True)
class BuildBlock:
    """Execute a block on the head at a time; the last commit certificate goes into it."""

    height: int
    time_ms: int
    last_commit: Commit | None


@dataclass(frozen=True, slots=True)
class Persist:
    """Write a record of votes and sync it before anything that follows is done."""

    height: int
    record: bytes


@dataclass(frozen=True, slots=True)
class CommitBlock:
    """Store the block of this id with its certificate: it is final."""

    height: int
    block_id: bytes
    commit: Commit


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Send TimerElapsed at a time, unless a later SetTimer of this height replaces it."""

    height: int
    at_ms: int


Effect: TypeAlias = BuildBlock | Persist | CommitBlock | SetTimer
