"""What a validator writes down before its votes leave: enough to go on after a crash.

The log is a list of entries. A block is written once, when a vote first refers to it. A state entry
says everything about a height and stands for all before it, so a restart reads one of them.
"""

from dataclasses import dataclass
from typing import Annotated, TypeAlias

from chain.block import Block
from chain.codec import AtMost, Between, decode, encode, wire
from chain.types import U32, Hash, Height
from chain.vote import SignedVote
from consensus.messages import PolkaCertificate

DISTRUST_BYTES_MAX = 512

_Round: TypeAlias = Annotated[int, Between(-1, 2**31 - 1)]


@wire(tag=0x31)
@dataclass(frozen=True, slots=True)
class HeaderEntry:
    """The first entry of every log: whose it is, and how far it may be trusted.

    A log that was begun after a loss says so in `distrust` until a height is known from which
    nothing of the lost one can be; `sign_from` is that height. Both are about votes of `epoch` and
    of those before: in a later one the lost log had none. The newest header counts.
    """

    chain_id: Hash
    distrust: Annotated[str, AtMost(DISTRUST_BYTES_MAX)] | None = None
    sign_from: Height = 0
    epoch: U32 = 0


@wire(tag=0x32)
@dataclass(frozen=True, slots=True)
class BodyEntry:
    """A block that a state entry after it refers to."""

    block: Block


@wire(tag=0x33)
@dataclass(frozen=True, slots=True)
class StateEntry:
    """All that binds a validator at a height.

    `signed` are its votes of this round and the one before, `polkas` those of the locked and the
    valid round. Locked and valid blocks are ids, None without one.
    """

    epoch: U32
    height: Height
    round: U32
    signed: Annotated[tuple[SignedVote, ...], AtMost(8)]
    locked_value: Hash | None
    locked_round: _Round
    valid_value: Hash | None
    valid_round: _Round
    polkas: Annotated[tuple[PolkaCertificate, ...], AtMost(2)]


LogEntry: TypeAlias = HeaderEntry | BodyEntry | StateEntry


@wire()
@dataclass(frozen=True, slots=True)
class _Line:
    entry: LogEntry


def encode_entry(entry: LogEntry) -> bytes:
    """Return the canonical bytes of an entry."""
    return encode(_Line(entry))


def decode_entry(data: bytes) -> LogEntry:
    """Return the entry whose canonical bytes are `data`, or raise MalformedBytesError."""
    return decode(_Line, data).entry


@dataclass(frozen=True, slots=True)
class Recovered:
    """What a log says of the height after the head, or nothing.

    `damage` says why the log can not be trusted, None if it can. No vote is signed below
    `sign_from`.
    """

    state: StateEntry | None = None
    bodies: tuple[Block, ...] = ()
    damage: str | None = None
    sign_from: int = 0


def recover(
    entries: list[LogEntry], chain_id: bytes, head_height: int, epoch: int = 0
) -> Recovered:
    """Return what a whole log says about the height after the head, decided in `epoch`.

    A log without its header, or of another chain, is told as damage.
    """
    if not entries or not isinstance(entries[0], HeaderEntry):
        return Recovered(damage="the vote log has no beginning")
    if entries[0].chain_id != chain_id:
        return Recovered(damage=f"the vote log is of chain {entries[0].chain_id.hex()}")
    header = [one for one in entries if isinstance(one, HeaderEntry)][-1]
    is_past = header.epoch < epoch  # operators have made a new beginning since
    if header.distrust is not None and not is_past:
        return Recovered(damage=header.distrust)
    sign_from = 0 if is_past else header.sign_from
    states = [one for one in entries if isinstance(one, StateEntry)]
    if not states or states[-1].height <= head_height:
        return Recovered(sign_from=sign_from)
    if states[-1].height > head_height + 1:
        text = f"the vote log is at height {states[-1].height}, the chain at {head_height}"
        return Recovered(damage=text)
    height = states[-1].height
    bodies = [one.block for one in entries if isinstance(one, BodyEntry)]
    bodies = [one for one in bodies if one.header.height == height]
    return Recovered(states[-1], tuple(bodies), sign_from=sign_from)
