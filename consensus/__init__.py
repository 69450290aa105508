"""Agreement on the next block: a pure state machine of inputs and effects.

`Engine.handle(input, now_wall, now_mono) -> effects` never waits, reads no clock and touches no
disk; a driver performs the effects and feeds the answers back as inputs. Messages of others pass
`check_message` first. `RoundMachine` is the part that decides one height, for those who study it.

Whoever runs no node checks what was decided as a light client: `LightClient` walks from a block it
trusts to another, `check_transaction`, `check_receipt` and `check_state` say what that one proves.
"""

from consensus.admission import (
    check_message,
    signatures_of,
)
from consensus.certificates import (
    InvalidMessageError,
    commit_of,
    polka_of,
    polka_votes,
    read_bitmap,
)
from consensus.engine import (
    Engine,
)
from consensus.events import (
    Alarm,
    ApplyBlocks,
    BlockBuilt,
    BlockChecked,
    BlocksRefused,
    BuildBlock,
    CheckBlock,
    CommitBlock,
    Effect,
    Head,
    HealthChanged,
    HeightCommitted,
    Input,
    Mode,
    ModeChanged,
    Persist,
    Persisted,
    Received,
    ReportEvidence,
    Send,
    ServeBlocks,
    SetTimer,
    Start,
    Timer,
    TimerElapsed,
    TimerKind,
    WorkChanged,
)
from consensus.evidence import (
    EvidencePool,
    accuse,
    make_evidence,
)
from consensus.gossip import (
    status_of,
)
from consensus.height import (
    Step,
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
from consensus.light_walk import (
    LightClient,
    check_ancestors,
)
from consensus.messages import (
    BLOCKS_PER_MESSAGE,
    BlockBody,
    Blocks,
    EvidenceFound,
    GetBlocks,
    Message,
    PolkaCertificate,
    Proposal,
    RejoinQuery,
    RejoinReply,
    RoundCertificate,
    Status,
    WantBlock,
)
from consensus.record import (
    BodyEntry,
    HeaderEntry,
    LogEntry,
    Recovered,
    StateEntry,
    decode_entry,
    encode_entry,
    recover,
)
from consensus.rejoin import (
    reply_bytes,
)
from consensus.rounds import (
    RoundMachine,
)
from consensus.sync import (
    check_segment,
    segment_length,
)
from consensus.votes import (
    NIL_ID,
    VoteBook,
)

__all__ = [
    "BLOCKS_PER_MESSAGE",
    "NIL_ID",
    "Alarm",
    "ApplyBlocks",
    "BlockBody",
    "BlockBuilt",
    "BlockChecked",
    "Blocks",
    "BlocksRefused",
    "BodyEntry",
    "BuildBlock",
    "Candidate",
    "CheckBlock",
    "Checkpoint",
    "CommitBlock",
    "Effect",
    "Engine",
    "EvidenceFound",
    "EvidencePool",
    "GetBlocks",
    "Head",
    "HeaderEntry",
    "HealthChanged",
    "HeightCommitted",
    "Input",
    "Invalid",
    "InvalidMessageError",
    "LeafProof",
    "LightClient",
    "LightClientError",
    "LogEntry",
    "Message",
    "Mode",
    "ModeChanged",
    "NotEnoughTrust",
    "Persist",
    "Persisted",
    "PolkaCertificate",
    "ProofError",
    "Proposal",
    "Received",
    "Recovered",
    "RejoinQuery",
    "RejoinReply",
    "ReportEvidence",
    "RoundCertificate",
    "RoundMachine",
    "Send",
    "ServeBlocks",
    "SetTimer",
    "Start",
    "StateEntry",
    "Status",
    "Step",
    "Timer",
    "TimerElapsed",
    "TimerKind",
    "TrustOptions",
    "Trusted",
    "TrustedBlock",
    "Verdict",
    "VerifySignature",
    "VoteBook",
    "WantBlock",
    "WorkChanged",
    "accuse",
    "check_ancestors",
    "check_message",
    "check_receipt",
    "check_segment",
    "check_state",
    "check_transaction",
    "commit_of",
    "decode_entry",
    "encode_entry",
    "make_evidence",
    "polka_of",
    "polka_votes",
    "read_bitmap",
    "recover",
    "reply_bytes",
    "segment_length",
    "signatures_of",
    "status_of",
    "trust_genesis",
    "trust_header",
    "verify_checkpoint",
    "verify_next",
]
