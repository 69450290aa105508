"""Kinds of messages between nodes: how urgent each is, and how large it may be."""

from dataclasses import dataclass
from enum import IntEnum

KIB = 1_024
MIB = 1_024 * KIB


class Kind(IntEnum):
    """What a message is; the number stands on the wire and is never used again."""

    PING = 1
    PONG = 2
    PEERS = 3  # addresses of other nodes
    VOTE = 4  # votes, certificates and other small messages of the consensus
    PROPOSAL = 5  # a proposed block
    WANT = 6  # parts of a proposed block that are asked for
    TRANSACTIONS = 7
    SYNC_REQUEST = 8
    SYNC = 9  # a range of decided blocks, or a part of a snapshot
    BLOCK = 10  # a block just decided, for those who follow


class Priority(IntEnum):
    """How urgent a message is; a lower number goes first.

    When there is no room the order is the other way round: sync is dropped before transactions,
    these before proposals, these before votes. A vote that is late costs all validators a round;
    blocks that a node is catching up with are asked for again by the node itself.
    """

    CONTROL = 0
    VOTES = 1
    PROPOSALS = 2
    TRANSACTIONS = 3
    SYNC = 4


@dataclass(frozen=True, slots=True)
class _Row:
    priority: Priority
    bytes_max: int


_KINDS = {
    Kind.PING: _Row(Priority.CONTROL, 16 * KIB),
    Kind.PONG: _Row(Priority.CONTROL, 16 * KIB),
    Kind.PEERS: _Row(Priority.CONTROL, 16 * KIB),
    Kind.VOTE: _Row(Priority.VOTES, 64 * KIB),
    Kind.PROPOSAL: _Row(Priority.PROPOSALS, 12 * MIB),
    Kind.WANT: _Row(Priority.PROPOSALS, 12 * MIB),
    Kind.TRANSACTIONS: _Row(Priority.TRANSACTIONS, 1 * MIB),
    Kind.SYNC_REQUEST: _Row(Priority.SYNC, 16 * KIB),
    Kind.SYNC: _Row(Priority.SYNC, 24 * MIB),
    Kind.BLOCK: _Row(Priority.PROPOSALS, 12 * MIB),
}


def priority_of(kind: Kind) -> Priority:
    """Return how urgent messages of a kind are."""
    return _KINDS[kind].priority


def message_bytes_max(kind: Kind) -> int:
    """Return how many bytes a message of a kind may have at most."""
    return _KINDS[kind].bytes_max
