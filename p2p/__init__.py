"""Authenticated, encrypted sessions between nodes, and what a node knows of its peers."""

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
from p2p.session import FRAME_BYTES_MAX, Established, Event, MessageReceived, Session
from p2p.socket import accept, dial, make_response
from p2p.urls import URL_BYTES_MAX, check_url

__all__ = [
    "CHANCE_BYTES",
    "DEFAULT_RATES",
    "FRAME_BYTES_MAX",
    "PEERS_TOLD_MAX",
    "PROTOCOL_VERSION",
    "URL_BYTES_MAX",
    "About",
    "BadAddressError",
    "BadPeerFileError",
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
    "SelfConnectionError",
    "SendQueue",
    "Session",
    "SessionClosedError",
    "SessionError",
    "SilentPeerError",
    "SlowPeerError",
    "Timings",
    "TooFastError",
    "accept",
    "check_url",
    "dial",
    "make_response",
    "message_bytes_max",
    "priority_of",
]
