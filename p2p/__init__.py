"""Authenticated, encrypted sessions between nodes, and what a node knows of its peers."""

from p2p.book import Address, AddressBook, Source
from p2p.connection import Connection, Timings
from p2p.errors import (
    BadAddressError,
    BadPeerFileError,
    DialError,
    HandshakeError,
    LostConnectionError,
    MalformedFrameError,
    MessageTooLargeError,
    OtherChainError,
    OtherNodeError,
    OtherVersionError,
    SelfConnectionError,
    SessionClosedError,
    SessionError,
    SilentPeerError,
    SlowPeerError,
    TooFastError,
)
from p2p.handshake import CHANCE_BYTES, PROTOCOL_VERSION, About, NodeRole, PeerInfo
from p2p.kinds import Kind, Priority, message_bytes_max, priority_of
from p2p.limits import DEFAULT_RATES, Rate, RateLimiter
from p2p.messages import PEERS_TOLD_MAX, PeerAddress, PeerList
from p2p.queues import Outbox, QueueLimits, SendQueue
from p2p.roster import ROOM, Accepted, Answer, Candidate, Refused, Roster
from p2p.scores import FAULT_POINTS, ScoreBook, by_address, by_key
from p2p.session import FRAME_BYTES_MAX, Established, Event, MessageReceived, Session
from p2p.socket import accept, dial, make_response
from p2p.urls import URL_BYTES_MAX, check_url

__all__ = [
    "CHANCE_BYTES",
    "DEFAULT_RATES",
    "FAULT_POINTS",
    "FRAME_BYTES_MAX",
    "PEERS_TOLD_MAX",
    "PROTOCOL_VERSION",
    "ROOM",
    "URL_BYTES_MAX",
    "About",
    "Accepted",
    "Address",
    "AddressBook",
    "Answer",
    "BadAddressError",
    "BadPeerFileError",
    "Candidate",
    "Connection",
    "DialError",
    "Established",
    "Event",
    "HandshakeError",
    "Kind",
    "LostConnectionError",
    "MalformedFrameError",
    "MessageReceived",
    "MessageTooLargeError",
    "NodeRole",
    "OtherChainError",
    "OtherNodeError",
    "OtherVersionError",
    "Outbox",
    "PeerAddress",
    "PeerInfo",
    "PeerList",
    "Priority",
    "QueueLimits",
    "Rate",
    "RateLimiter",
    "Refused",
    "Roster",
    "ScoreBook",
    "SelfConnectionError",
    "SendQueue",
    "Session",
    "SessionClosedError",
    "SessionError",
    "SilentPeerError",
    "SlowPeerError",
    "Source",
    "Timings",
    "TooFastError",
    "accept",
    "by_address",
    "by_key",
    "check_url",
    "dial",
    "make_response",
    "message_bytes_max",
    "priority_of",
]
