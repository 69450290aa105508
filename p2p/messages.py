"""The messages that connections themselves understand: pings, and addresses of other nodes."""

from dataclasses import dataclass
from typing import Annotated

from chain.codec import AtMost, wire
from chain.types import U32, PublicKey, TimeMs
from p2p.urls import URL_BYTES_MAX

PEERS_TOLD_MAX = 32  # addresses in one message


@wire()
@dataclass(frozen=True, slots=True)
class Ping:
    """Asks for a pong; `sent_ms` is the sender's clock."""

    number: U32
    sent_ms: TimeMs


@wire()
@dataclass(frozen=True, slots=True)
class Pong:
    """Answers a ping: when it came in and when this left, by the answering clock."""

    number: U32
    received_ms: TimeMs
    sent_ms: TimeMs


@wire()
@dataclass(frozen=True, slots=True)
class PeerAddress:
    """Where a node can be dialled, and its key if the teller knows it."""

    url: Annotated[str, AtMost(URL_BYTES_MAX)]
    node_key: PublicKey | None


@wire()
@dataclass(frozen=True, slots=True)
class PeerList:
    """The payload of a message of kind PEERS."""

    addresses: Annotated[tuple[PeerAddress, ...], AtMost(PEERS_TOLD_MAX)]
