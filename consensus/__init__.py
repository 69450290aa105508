"""Agreement on the next block: a pure state machine of inputs and effects.

`Engine.handle(input) -> effects` never waits, reads no clock and touches no disk; a driver performs
the effects and feeds the answers back as inputs. This version decides alone (one validator); the
unions of inputs and effects are those that several validators will use.
"""

from consensus.engine import Engine
from consensus.events import (
    BlockBuilt,
    BuildBlock,
    CommitBlock,
    Effect,
    HeightCommitted,
    Input,
    Persist,
    Persisted,
    SetTimer,
    TimerElapsed,
    WorkArrived,
)

__all__ = [
    "BlockBuilt",
    "BuildBlock",
    "CommitBlock",
    "Effect",
    "Engine",
    "HeightCommitted",
    "Input",
    "Persist",
    "Persisted",
    "SetTimer",
    "TimerElapsed",
    "WorkArrived",
]
