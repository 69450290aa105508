"""What the node asks of its network."""

from collections.abc import Iterable
from typing import Protocol

from p2p import Kind


class Peers(Protocol):
    """All connected peers, by node key."""

    def connected(self) -> Iterable[bytes]:
        """Return the node keys of all connected peers."""

    def may_read(self, key: bytes) -> bool:
        """Tell whether a node may be given what is on the chain."""

    def send(self, key: bytes, kind: Kind, payload: bytes) -> None:
        """Send to one peer, if it is connected; never waits."""

    def fault(self, key: bytes, name: str, text: str) -> None:
        """Note that a peer did what nobody honest does."""
