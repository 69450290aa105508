"""Everything the engine is told and everything it asks for: two closed unions.

Wall times are ms UTC, monotonic times ms since any moment of this process. Heights count from 0
(genesis). An input for a height or round that is over is ignored.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

from chain.block import Block, Commit, Evidence
from chain.validators import ValidatorSet
from consensus.messages import Message
from consensus.record import LogEntry


@dataclass(frozen=True, slots=True)
class Head:
    """What the engine knows of the newest block: the next one is decided on top of it.

    `validators` and `order` (of proposers, all of them) are those of the next height. `due_ms` is
    the first block time at which something falls due, None if nothing is. Of `convicted` validators
    the chain has evidence already.
    """

    height: int
    block_id: bytes
    time_ms: int
    commit: Commit | None
    validators: ValidatorSet
    order: tuple[bytes, ...]
    interval_ms: int
    heartbeat_ms: int
    due_ms: int | None = None
    has_activation: bool = False
    convicted: tuple[bytes, ...] = ()


class TimerKind(IntEnum):
    """What a timer is for; one of each kind runs at a time."""

    PROPOSE = 1  # the proposal, then the check of its block, took too long
    PREVOTE = 2
    PRECOMMIT = 3
    WORK = 4  # something falls due, or the block interval is over
    EARLY = 5  # a proposal from the near future can be judged
    RESEND = 6
    STATUS = 7
    FETCH = 8  # a block that was voted for has not come
    SYNC = 9  # blocks that were asked for have not come
    REJOIN = 10


@dataclass(frozen=True, slots=True)
class Timer:
    """Which timer: one set for a height and round is over with it."""

    kind: TimerKind
    height: int = 0
    round: int = 0


# Inputs -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Start:
    """The process is up: timers may be set, peers can be reached."""


@dataclass(frozen=True, slots=True)
class Received:
    """A message that `check_message` let pass, from the peer `sender` (its node key)."""

    message: Message
    sender: bytes


@dataclass(frozen=True, slots=True)
class TimerElapsed:
    """The time that SetTimer asked for has come."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class WorkChanged:
    """Whether transactions wait for a block."""

    has_transactions: bool


@dataclass(frozen=True, slots=True)
class BlockBuilt:
    """The answer to BuildBlock; None: there is nothing to build of."""

    height: int
    round: int
    block: Block | None


@dataclass(frozen=True, slots=True)
class BlockChecked:
    """The answer to CheckBlock: why the block can not be voted for, or None."""

    height: int
    block_id: bytes
    fault: str | None


@dataclass(frozen=True, slots=True)
class Persisted:
    """The answer to Persist: everything up to this token is on the disk."""

    token: int


@dataclass(frozen=True, slots=True)
class HeightCommitted:
    """The answer to CommitBlock and ApplyBlocks: what is stored now."""

    head: Head


@dataclass(frozen=True, slots=True)
class BlocksRefused:
    """The other answer to ApplyBlocks: a block does not follow. What came before it is stored."""

    sender: bytes
    reason: str


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """Why this node should not propose and should prevote for nothing: a full disk, a bad clock.

    None: all is well.
    """

    trouble: str | None


Input: TypeAlias = (
    Start
    | Received
    | TimerElapsed
    | WorkChanged
    | BlockBuilt
    | BlockChecked
    | Persisted
    | HeightCommitted
    | BlocksRefused
    | HealthChanged
)


# Effects ------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Persist:
    """Append entries to the vote log and sync it, then answer Persisted."""

    token: int
    entries: tuple[LogEntry, ...]


@dataclass(frozen=True, slots=True)
class Send:
    """Send to the peer `to`, or to every validator. All it depends on is persisted."""

    message: Message
    to: bytes | None = None


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Answer TimerElapsed at a monotonic time, ms; it replaces an earlier timer of the kind."""

    timer: Timer
    at_mono_ms: int


@dataclass(frozen=True, slots=True)
class BuildBlock:
    """Execute a block of what waits and is due, at a block time; answer BlockBuilt."""

    height: int
    round: int
    time_ms: int
    last_commit: Commit | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True, slots=True)
class CheckBlock:
    """Execute somebody's block on the head, its last commit included; answer BlockChecked."""

    height: int
    block_id: bytes
    block: Block


@dataclass(frozen=True, slots=True)
class CommitBlock:
    """Store a block that was checked with its certificate, it is final; answer HeightCommitted."""

    height: int
    block_id: bytes
    block: Block
    commit: Commit


@dataclass(frozen=True, slots=True)
class ApplyBlocks:
    """Execute and store a certified segment; answer HeightCommitted or BlocksRefused."""

    blocks: tuple[Block, ...]
    commit: Commit
    sender: bytes


@dataclass(frozen=True, slots=True)
class ServeBlocks:
    """Send `to` the stored blocks from a height on, as one Blocks message."""

    start: int
    count: int
    to: bytes


@dataclass(frozen=True, slots=True)
class ReportEvidence:
    """A validator signed two votes that exclude each other."""

    evidence: Evidence


class Mode(IntEnum):
    """Whether the node votes."""

    LISTENING = 0  # since the start: is anybody else voting with this key?
    SIGNING = 1
    OBSERVER = 2  # follows and never votes


@dataclass(frozen=True, slots=True)
class ModeChanged:
    """The node begins or ceases to vote; the reason is for people."""

    mode: Mode
    reason: str


@dataclass(frozen=True, slots=True)
class Alarm:
    """Something that never happens while fewer than a third are traitors and disks are whole."""

    text: str


Effect: TypeAlias = (
    Persist
    | Send
    | SetTimer
    | BuildBlock
    | CheckBlock
    | CommitBlock
    | ApplyBlocks
    | ServeBlocks
    | ReportEvidence
    | ModeChanged
    | Alarm
)
