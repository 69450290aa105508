"""Agreement on the next block: a pure state machine of inputs and effects.

`Engine.handle(input) -> effects` never waits, reads no clock and touches no disk; a driver performs
the effects and feeds the answers back as inputs. This version decides alone (one validator); the
unions of inputs and effects are those that several validators will use.

Whoever runs no node checks what was decided as a light client: `LightClient` walks from a block it
trusts to another, `check_transaction`, `check_receipt` and `check_state` say what that one proves.
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
from consensus.light import (
    Candidate,
    Checkpoint,
    Invalid,
    LightClientError,
    NotEnoughTrust,
    Trusted,
    TrustedBlock,
    TrustOptions,
    Verdict,
    VerifySignature,
    trust_genesis,
    trust_header,
    verify_checkpoint,
    verify_next,
)
from consensus.light_proofs import (
    LeafProof,
    ProofError,
    check_receipt,
    check_state,
    check_transaction,
)
from consensus.light_walk import LightClient, check_ancestors

__all__ = [
    "BlockBuilt",
    "BuildBlock",
    "Candidate",
    "Checkpoint",
    "CommitBlock",
    "Effect",
    "Engine",
    "HeightCommitted",
    "Input",
    "Invalid",
    "LeafProof",
    "LightClient",
    "LightClientError",
    "NotEnoughTrust",
    "Persist",
    "Persisted",
    "ProofError",
    "SetTimer",
    "TimerElapsed",
    "TrustOptions",
    "Trusted",
    "TrustedBlock",
    "Verdict",
    "VerifySignature",
    "WorkArrived",
    "check_ancestors",
    "check_receipt",
    "check_state",
    "check_transaction",
    "trust_genesis",
    "trust_header",
    "verify_checkpoint",
    "verify_next",
]
