"""What can go wrong between two nodes, as one tree.

    SessionError
    +- HandshakeError                 no session comes to be
    |  +- OtherVersionError, OtherChainError, SelfConnectionError, OtherNodeError
    |  +- ReflectedHelloError, LowOrderKeyError, BadProofError
    +- MalformedFrameError            bytes that are no frame of this protocol
    +- ForgedFrameError               a frame that was changed, left out, repeated or moved
    +- MessageTooLargeError           more bytes than the kind may have
    +- SessionClosedError             used before it began, or after it failed
    +- SilentPeerError, SlowPeerError, TooFastError, LostConnectionError, DialError
    BadAddressError                   a URL that no node can be dialled at
    BadPeerFileError                  a file of addresses or scores that is damaged

`fault` names the fault in the score book (p2p/scores.py) of what no honest node causes. None of
these reaches a client of the node, so none has a code of its own.
"""

from typing import ClassVar

from chain.errors import WashError


class SessionError(WashError):
    """Base of what ends a session."""

    fault: ClassVar[str] = ""


class HandshakeError(SessionError):
    """A handshake that leads to no session."""


class OtherVersionError(HandshakeError):
    """A node that speaks another version of the protocol."""

    def __init__(self, *, expected: int, found: int) -> None:
        super().__init__(
            f"the peer speaks version {found} of the protocol, this node {expected};"
            " update the older one"
        )
        self.expected, self.found = expected, found


class OtherChainError(HandshakeError):
    """A node of another chain."""

    def __init__(self, *, expected: bytes, found: bytes) -> None:
        super().__init__(
            f"the peer is of chain {found.hex()}, this node of {expected.hex()};"
            " compare the genesis files"
        )
        self.expected, self.found = expected, found


class SelfConnectionError(HandshakeError):
    """A connection of a node with itself, or with a second one that has the same key."""

    def __init__(self) -> None:
        super().__init__(
            "the peer has this node's own key: take its URL off the list of peers,"
            " and make sure that no second node runs with a copy of the key"
        )


class OtherNodeError(HandshakeError):
    """Another node than the one that was dialled."""

    def __init__(self, *, expected: bytes, found: bytes) -> None:
        super().__init__(
            f"node {found.hex()} answered where {expected.hex()} was expected;"
            " ask its operator for the right key or URL"
        )
        self.expected, self.found = expected, found


class ReflectedHelloError(HandshakeError):
    """A hello that sends this node's own random bytes or key back."""

    fault = "bad_proof"

    def __init__(self) -> None:
        super().__init__("the peer's hello repeats what this node made at random for its own")


class LowOrderKeyError(HandshakeError):
    """An X25519 key with which every shared secret is the same."""

    fault = "bad_proof"

    def __init__(self) -> None:
        super().__init__(
            "the peer's ephemeral key is of low order; no secret can be shared with it"
        )


class BadProofError(HandshakeError):
    """A signature that does not show that the peer holds the key it named."""

    fault = "bad_proof"

    def __init__(self, node_key: bytes) -> None:
        super().__init__(f"the peer did not prove that it holds the key {node_key.hex()}")
        self.node_key = node_key


class MalformedFrameError(SessionError):
    """Bytes that no node of this version sends at this place."""

    fault = "malformed"


class ForgedFrameError(SessionError):
    """A frame that does not open: changed, left out, repeated or moved on its way."""

    fault = "malformed"

    def __init__(self, size_bytes: int) -> None:
        super().__init__(f"a frame of {size_bytes} bytes does not open with the session's key")
        self.size_bytes = size_bytes


class MessageTooLargeError(SessionError):
    """More bytes than a message of its kind, or all unfinished messages, may have."""

    fault = "too_large"

    def __init__(self, what: str, *, maximum: int, found: int) -> None:
        super().__init__(f"{what} has {found} bytes, at most {maximum} are allowed")
        self.maximum, self.found = maximum, found


class SessionClosedError(SessionError):
    """A session that is used before its handshake is done, or after an error."""


class SilentPeerError(SessionError):
    """A peer that sends nothing any more, its answers to pings included."""

    def __init__(self, silent_ms: int) -> None:
        super().__init__(f"nothing was heard for {silent_ms} ms; the connection is taken for dead")
        self.silent_ms = silent_ms


class SlowPeerError(SessionError):
    """A peer that does not take what is sent to it."""

    def __init__(self, stuck_ms: int) -> None:
        super().__init__(f"the peer took nothing for {stuck_ms} ms, though there was more to send")
        self.stuck_ms = stuck_ms


class TooFastError(SessionError):
    """A peer that sends far more than the rates allow."""

    fault = "too_fast"

    def __init__(self, kind: int, held_ms: int) -> None:
        super().__init__(
            f"the peer had to be held back for {held_ms} ms, last by kind {kind};"
            " it sends far more than the rates allow"
        )
        self.kind, self.held_ms = kind, held_ms


class LostConnectionError(SessionError):
    """A connection that broke, or was closed by the peer before there was a session."""


class DialError(SessionError):
    """A URL at which nobody answers as a node does."""

    def __init__(self, url: str, why: str) -> None:
        super().__init__(f"{url}: {why}; check the URL, and that the node there runs")
        self.url = url


class BadAddressError(WashError):
    """A URL that no node can be dialled at."""

    def __init__(self, why: str) -> None:
        super().__init__(f"{why}; a node is dialled at ws://HOST:PORT/p2p or wss://HOST:PORT/p2p")


class BadPeerFileError(WashError):
    """A file of addresses or scores that this program did not write."""

    def __init__(self, what: str, why: str) -> None:
        super().__init__(f"the file of {what} can not be read ({why}); delete it to begin anew")
